"""The world behind the simulated shop: products, orders, one clock, and the news of what changed.

Nothing here knows about HTTP. `orders.py` holds the rules by which orders move stock.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

from syncd.sandbox.wire import Clock
from syncd.sandbox.woocommerce.goods import Product, keeper
from syncd.sandbox.woocommerce.sales import Order

Announce = Callable[[str, object], None]
"""Called with a topic such as "order.updated" and the id (or, for an action, the argument) that it is about."""


@dataclass(slots=True, kw_only=True)
class Rules:
    """Which WooCommerce this is. `version` decides old behaviours; `hpos` whether orders lie in their own tables."""

    version: str = "11.0.1"
    hpos: bool = True
    time_zone: str = "Europe/Berlin"
    counts_stock: bool = True
    """The shop-wide setting `woocommerce_manage_stock`."""
    tax_rate: Decimal = Decimal(0)
    currency: str = "EUR"

    def at_least(self, *version: int) -> bool:
        """Whether this WooCommerce is that version or newer."""
        return tuple(int(part) for part in self.version.split(".")) >= version


@dataclass(slots=True, kw_only=True)
class Shop:
    """All goods and orders. Every change of stock goes through `set_stock`, so that news of it is never forgotten."""

    rules: Rules
    clock: Clock
    random: Random
    announce: Announce
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held by whoever reads or changes the shop: requests and people come from several threads."""
    products: dict[int, Product] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    oversold: int = 0
    """Units by which orders pushed counted stock without backorders below zero."""
    _post_ids: Iterator[int] = field(default_factory=lambda: count(10))
    _row_ids: Iterator[int] = field(default_factory=lambda: count(1))

    def now(self) -> datetime:
        """The shop's time, in whole seconds as the database keeps it."""
        return self.clock().replace(microsecond=0)

    def local(self, moment: datetime) -> datetime:
        """A moment as the naive wall-clock time of the shop."""
        return moment.astimezone(ZoneInfo(self.rules.time_zone)).replace(tzinfo=None)

    def next_post_id(self) -> int:
        """Products, orders and refunds share one row of numbers."""
        return next(self._post_ids)

    def next_row_id(self) -> int:
        """Order lines and their meta rows."""
        return next(self._row_ids)

    def keeper(self, product: Product) -> Product | None:
        """As `goods.keeper`, but nobody counts while the shop-wide setting is off."""
        return keeper(product) if self.rules.counts_stock else None

    def add(self, product: Product) -> Product:
        """Put a product on the shelf and announce it."""
        self.products[product.id] = product
        self.announce("product.created", product.id)
        return product

    def set_stock(self, product: Product, quantity: int) -> None:
        """Set the product's own quantity; announces it and moves its modified time, also when the value is the same."""
        product.stock = quantity
        self.touch(product)

    def touch(self, product: Product) -> None:
        """Note that a product was saved."""
        product.modified = self.now()
        self.announce("product.updated", product.id)

    def remove(self, product: Product) -> None:
        """Delete for good, with the variations below it."""
        for item in (*self.variations(product), product):
            del self.products[item.id]

    def by_sku(self, sku: str) -> Product | None:
        """The first product that owns exactly this SKU, in the order they were made."""
        return next((product for product in self.products.values() if product.sku == sku), None)

    def variations(self, parent: Product) -> list[Product]:
        """The parent's variations, in the order they were made."""
        return [product for product in self.products.values() if product.parent is parent]
