"""A simulated WooCommerce shop: its REST API, its webhooks, its authorize page, and their oddities.

Begin at `simulated.py`; `orders.py` has the rules by which orders move stock, `webhooks.py` the queue.
"""

from syncd.sandbox.woocommerce.orders import NotEnough
from syncd.sandbox.woocommerce.people import Unknown
from syncd.sandbox.woocommerce.simulated import SimulatedWooCommerce

__all__ = ["NotEnough", "SimulatedWooCommerce", "Unknown"]
