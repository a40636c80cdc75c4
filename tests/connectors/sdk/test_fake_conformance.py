import pytest

from connectors.sdk.suite import BackOfficeConformance, StoreConformance
from tests.connectors.sdk.fake_drivers import FakeBackOfficeDriver, FakeStoreDriver


class TestAStoreThatCompares(StoreConformance):
    @pytest.fixture
    def driver(self):
        return FakeStoreDriver(compares=True)


class TestAStoreThatCannotCompare(StoreConformance):
    @pytest.fixture
    def driver(self):
        return FakeStoreDriver(compares=False)


class TestABackOffice(BackOfficeConformance):
    @pytest.fixture
    def driver(self):
        return FakeBackOfficeDriver()


class TestASimpleBackOffice(BackOfficeConformance):
    @pytest.fixture
    def driver(self):
        return FakeBackOfficeDriver(finds_sales=False, takes_returns=False, gives_hints=False)
