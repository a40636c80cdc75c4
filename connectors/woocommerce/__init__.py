"""WooCommerce as a store. Begin at `connector.py`; `README.md` says how its stock, orders and webhooks are read."""

from connectors.woocommerce.connector import WooCommercePlugin

plugin = WooCommercePlugin()
