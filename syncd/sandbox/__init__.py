"""Simulated Shopify, WooCommerce and Prokip: own stock, own orders, the real wire formats, and faults on demand.

Used by `syncd demo`, `syncd sandbox` and the tests. Imports nothing of ours, so that a mistake in a connector
cannot be repeated here unseen. `wire.py` is how requests come in and webhooks go out.
"""
