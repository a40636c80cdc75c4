"""The world of one simulated store: its records, its clock, and what it announces to the webhook side.

The rules that change it live in `stock.py` (quantities), `orders.py` and `returns.py` (what people do with orders) and
`catalogue.py` (products, locations). All of them are called under the one lock of `SimulatedShopify`.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from syncd.sandbox.shopify.records import (
    AdjustmentGroup,
    Item,
    Level,
    Line,
    Location,
    Order,
    Product,
    Refund,
    RefundLine,
    Variant,
)
from syncd.sandbox.wire import Clock

FIRST_NUMBER = 9_200_000_000_000_001
CENT = Decimal("0.01")

Body = dict[str, object]
Announce = Callable[[str, Body], None]


def _unheard(topic: str, body: Body) -> None:
    """Announce to nobody."""


class NotAllowed(Exception):
    """The store refuses what a person asked for; `status` is the HTTP status of the control interface."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """One quantity that an app set through the API."""

    at: datetime
    sku: str | None
    location: int
    before: int
    after: int
    expected: int | None
    reference: str | None


@dataclass(slots=True, kw_only=True)
class Shop:
    """Everything one store knows. Numbers start above 2**53, so that a client that uses floats is found out."""

    domain: str
    clock: Clock
    random: random.Random
    currency: str = "USD"
    taxes_included: bool = True
    tax_rate: Decimal = Decimal(0)
    index_lag: timedelta = timedelta()
    announce: Announce = _unheard
    locations: dict[int, Location] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    variants: dict[int, Variant] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)
    levels: dict[tuple[int, int], Level] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    groups: dict[int, AdjustmentGroup] = field(default_factory=dict)
    pushes: list[Pushed] = field(default_factory=list)
    oversold: int = 0
    last_number: int = FIRST_NUMBER
    last_order_number: int = 1000

    def number(self) -> int:
        """A fresh number, unique over all kinds of records of this store."""
        self.last_number += 1
        return self.last_number

    def now(self) -> datetime:
        """The store's time, in whole seconds as Shopify's timestamps are."""
        return self.clock().replace(microsecond=0)

    def variants_of(self, sku: str) -> list[Variant]:
        """Every variant that carries exactly this SKU, oldest first."""
        return [variant for variant in self.variants.values() if variant.item.sku == sku]

    def variant_of(self, sku: str) -> Variant:
        """The oldest variant with this SKU."""
        found = self.variants_of(sku)
        if not found:
            raise NotAllowed(404, f"no variant has the SKU {sku!r}")
        return found[0]

    def level(self, item: Item, location: Location) -> Level | None:
        """The level of an item at a location, active or not."""
        return self.levels.get((item.number, location.number))

    def levels_of(self, item: Item) -> list[Level]:
        """All levels of an item in the order of its locations."""
        places = (self.levels.get((item.number, location)) for location in sorted(self.locations))
        return [level for level in places if level is not None]

    def selling_levels(self, item: Item) -> list[Level]:
        """The levels whose available may be sold: active ones at active locations."""
        return [level for level in self.levels_of(item) if level.is_active and level.location.is_active]

    def available(self, item: Item) -> int:
        """What the store would sell of an item now."""
        return sum(level.available for level in self.selling_levels(item))

    def order(self, number: int) -> Order:
        """An order by its number."""
        order = self.orders.get(number)
        if order is None:
            raise NotAllowed(404, f"no order {number}")
        return order

    def refunds(self) -> Iterable[Refund]:
        """Every refund of every order."""
        return (refund for order in self.orders.values() for refund in order.refunds)


def line_total(line: Line) -> Decimal:
    """Price of a line after its discount, as shown: with tax where the store's prices include it."""
    return line.price * line.quantity - line.discount


def line_tax(order: Order, line: Line) -> Decimal:
    """Tax of a whole line, to the cent."""
    total = line_total(line)
    if order.taxes_included:
        return (total - total / (1 + line.tax_rate)).quantize(CENT)
    return (total * line.tax_rate).quantize(CENT)


def order_totals(order: Order) -> Mapping[str, Decimal]:
    """Subtotal, tax and total of an order as it was placed or edited; refunds do not lower them."""
    subtotal = sum((line_total(line) for line in order.lines), Decimal(0))
    tax = sum((line_tax(order, line) for line in order.lines), Decimal(0))
    total = subtotal + order.shipping + (Decimal(0) if order.taxes_included else tax)
    return {
        "subtotal": subtotal,
        "tax": tax,
        "total": total,
        "discount": sum((x.discount for x in order.lines), Decimal(0)),
    }


def current_total(order: Order) -> Decimal:
    """What the order costs now that removed and refunded units are out."""
    return order_totals(order)["total"] - sum(
        (_worth(order, line) for refund in order.refunds for line in refund.lines), Decimal(0)
    )


def _worth(order: Order, line: RefundLine) -> Decimal:
    return line.subtotal + (Decimal(0) if order.taxes_included else line.tax)


def received(order: Order) -> Decimal:
    """Money taken in by sales and captures."""
    return sum(
        (t.amount for t in order.transactions if t.kind in ("SALE", "CAPTURE") and t.status == "SUCCESS"), Decimal(0)
    )


def given_back(order: Order) -> Decimal:
    """Money paid out by refunds."""
    return sum((t.amount for t in order.transactions if t.kind == "REFUND" and t.status == "SUCCESS"), Decimal(0))


def financial_status(order: Order) -> str:
    """The payment state in GraphQL's capitals."""
    paid, back = received(order), given_back(order)
    if order.is_void:
        return "VOIDED"
    if paid and back >= paid:
        return "REFUNDED"
    if back:
        return "PARTIALLY_REFUNDED"
    if paid >= current_total(order) and (paid or not current_total(order)):
        return "PAID"
    if paid:
        return "PARTIALLY_PAID"
    return "AUTHORIZED" if any(t.kind == "AUTHORIZATION" for t in order.transactions) else "PENDING"


def fulfillment_status(order: Order) -> str:
    """The shipping state in GraphQL's capitals."""
    shipped = sum(line.fulfilled for line in order.lines)
    waiting = sum(line.fulfillable for line in order.lines)
    if shipped:
        return "PARTIALLY_FULFILLED" if waiting else "FULFILLED"
    return "UNFULFILLED"
