"""Shopify as a store. Begin at `connector.py`; `README.md` says how its stock, orders and webhooks are read."""

from connectors.shopify.connector import ShopifyPlugin

plugin = ShopifyPlugin()
