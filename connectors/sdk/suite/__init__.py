"""The conformance suite: what every connector has to get right, as pytest classes that a connector's tests inherit.

    import pytest

    from connectors.sdk.suite import StoreConformance
    from tests.connectors.acme.driver import AcmeDriver


    class TestAcme(StoreConformance):
        @pytest.fixture
        def driver(self):
            return AcmeDriver()

The driver is the other side of the connector, made anew for every test: `connectors/sdk/driver.py` says what it does.
A back office inherits `BackOfficeConformance` instead. Needs pytest and hypothesis.
"""

# ruff: noqa: E402 - asserts are rewritten first

import pytest

# Before they are imported, so that a failed assert shows its values.
pytest.register_assert_rewrite(f"{__name__}.store", f"{__name__}.door", f"{__name__}.backoffice")

from connectors.sdk.driver import BackOfficeDriver, Delivery, PlatformDriver, StoreDriver
from connectors.sdk.suite.backoffice import BackOfficeConformance
from connectors.sdk.suite.door import DoorConformance
from connectors.sdk.suite.store import StoreConformance as _StoreConformance

__all__ = [
    "BackOfficeConformance",
    "BackOfficeDriver",
    "Delivery",
    "DoorConformance",
    "PlatformDriver",
    "StoreConformance",
    "StoreDriver",
]


class StoreConformance(_StoreConformance, DoorConformance):
    """Everything that a store's connector has to get right, its webhooks included."""
