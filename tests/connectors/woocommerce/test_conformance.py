"""WooCommerce passes the conformance suite: over https and http, below a path, new and old."""

import pytest

from connectors.sdk.suite import StoreConformance
from tests.connectors.woocommerce.driver import WooDriver


class TestHttps(StoreConformance):
    @pytest.fixture
    def driver(self):
        return WooDriver()


class TestHttpBelowAPath(StoreConformance):
    @pytest.fixture
    def driver(self):
        return WooDriver(url="http://shop.example/store")


class TestOldVersionWithOrdersAsPosts(StoreConformance):
    @pytest.fixture
    def driver(self):
        return WooDriver(version="8.2.2", hpos=False)
