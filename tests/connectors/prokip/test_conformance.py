"""Prokip passes the conformance suite of back offices, in both dialects."""

import pytest

from connectors.sdk.suite import BackOfficeConformance
from tests.connectors.prokip.driver import ProkipDriver


class TestConnectorDialect(BackOfficeConformance):
    @pytest.fixture
    def driver(self):
        return ProkipDriver()


class TestServerWithoutVariations(BackOfficeConformance):
    @pytest.fixture
    def driver(self):
        return ProkipDriver(missing_routes=["variation"], ignored_filters=["source", "contact_id"])


class TestSimpleDialect(BackOfficeConformance):
    @pytest.fixture
    def driver(self):
        return ProkipDriver(
            dialect="simple", settings={"dialect": "simple"}, credentials={"access_token": "sandbox-access-token"}
        )
