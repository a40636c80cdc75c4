"""The Shopify connector passes what every connector has to."""

import pytest

from connectors.sdk.suite import StoreConformance
from tests.connectors.shopify.driver import ShopifyDriver


class TestShopify(StoreConformance):
    @pytest.fixture
    def driver(self):
        return ShopifyDriver()
