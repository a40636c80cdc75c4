"""A simulated Shopify: a store with products, orders, an Admin API, webhooks and an app that can be connected.

It behaves as the real one does where syncd can notice, refusals and oddities included. What is not simulated says so
(error code NOT_SIMULATED) instead of answering something made up.
"""

from syncd.sandbox.shopify.platform import SimulatedShopify

__all__ = ["SimulatedShopify"]
