"""A custom store passes the conformance suite of stores, whether the shop can compare or not."""

import pytest

from connectors.sdk.suite import StoreConformance
from tests.connectors.custom.driver import CustomDriver


class TestShopThatCompares(StoreConformance):
    @pytest.fixture
    def driver(self):
        return CustomDriver()


class TestShopThatSaysNothing(StoreConformance):
    @pytest.fixture
    def driver(self):
        return CustomDriver(compares=None)
