"""A store and a back office in memory: complete, thread-safe and without chance, for tests and simulations.

`FakeShop` and `FakeOffice` are the platforms, where people act; `FakeStore` and `FakeBackOffice` are the connectors to
them. Nothing happens unasked: time comes from the given clock, and `Faults` says what goes wrong.
"""

from connectors.sdk.fake.backoffice import FakeBackOffice
from connectors.sdk.fake.faults import CatalogueFault, Faults, Named
from connectors.sdk.fake.office import FakeOffice
from connectors.sdk.fake.plugin import FakeBackOfficePlugin, FakeDoor, FakePlugin, PlainVault
from connectors.sdk.fake.shop import FakeShop, SoldOut
from connectors.sdk.fake.store import FakeStore

__all__ = [
    "CatalogueFault",
    "FakeBackOffice",
    "FakeBackOfficePlugin",
    "FakeDoor",
    "FakeOffice",
    "FakePlugin",
    "FakeShop",
    "FakeStore",
    "Faults",
    "Named",
    "PlainVault",
    "SoldOut",
]
