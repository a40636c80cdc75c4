"""What people do with orders, and what each act does to stock.

Every function announces the webhooks of its act. What comes off an order again is in `refunds.py` and `returns.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from syncd.sandbox.shopify import stock
from syncd.sandbox.shopify.order_payloads import order_body
from syncd.sandbox.shopify.payloads import moved_body, routed_body
from syncd.sandbox.shopify.records import (
    Bundle,
    FulfillmentLine,
    FulfillmentOrder,
    Line,
    Location,
    Order,
    Transaction,
    Variant,
)
from syncd.sandbox.shopify.shop import (
    NotAllowed,
    Shop,
    current_total,
    given_back,
    order_totals,
    received,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One line a customer or a person asks for. Without a known SKU (`custom`) it is only text and price."""

    sku: str
    quantity: int
    custom: bool = False
    price: Decimal | None = None
    discount: Decimal = Decimal(0)


def place(  # noqa: PLR0913 (every property of an order that a test may want to choose)
    shop: Shop,
    lines: Sequence[Wanted],
    *,
    paid: bool = True,
    force: bool = False,
    behaviour: str = "DECREMENT_OBEYING_POLICY",
    source_name: str = "web",
    retail_location: Location | None = None,
    test: bool = False,
    shipping: Decimal = Decimal(0),
) -> Order:
    """Create an order and take its stock, paid or not. Refused (409) when a line is sold out, unless forced."""
    if not force and behaviour == "DECREMENT_OBEYING_POLICY":
        refuse_sold_out(shop, lines)
    now = shop.now()
    shop.last_order_number += 1
    order = Order(
        number=shop.number(),
        order_number=shop.last_order_number,
        currency=shop.currency,
        created_at=now,
        updated_at=now,
        taxes_included=shop.taxes_included,
        source_name=source_name,
        behaviour=behaviour,
        retail_location=retail_location,
        test=test,
        shipping=shipping,
    )
    shop.orders[order.number] = order
    for wanted in lines:
        _add_lines(shop, order, wanted)
    if paid:
        add_money(shop, order, "SALE", order_totals(order)["total"])
    touched(shop, order, "orders/create", *(["orders/paid"] if paid else []), "orders/updated")
    for routed in order.fulfillment_orders:
        shop.announce("fulfillment_orders/order_routing_complete", routed_body(routed))
    return order


def refuse_sold_out(shop: Shop, lines: Sequence[Wanted]) -> None:
    """Raise (409) when tracked units that may not be oversold are missing."""
    asked: dict[int, int] = {}
    for wanted in lines:
        if wanted.custom:
            continue
        for variant, quantity in _sold_as(shop.variant_of(wanted.sku), wanted.quantity):
            asked[variant.number] = asked.get(variant.number, 0) + quantity
    for number, quantity in asked.items():
        variant = shop.variants[number]
        if variant.item.tracked and variant.policy == "DENY" and shop.available(variant.item) < quantity:
            raise NotAllowed(409, f"{variant.item.sku} is sold out")


def _sold_as(variant: Variant, quantity: int) -> Iterable[tuple[Variant, int]]:
    if not variant.requires_components:
        return [(variant, quantity)]
    return [(component, each * quantity) for component, each in variant.components]


def _add_lines(shop: Shop, order: Order, wanted: Wanted) -> None:
    if wanted.custom:
        _add_line(shop, order, wanted, None, wanted.quantity, None)
        return
    variant = shop.variant_of(wanted.sku)
    bundle = None
    if variant.requires_components:
        bundle = Bundle(number=shop.number(), variant=variant, quantity=wanted.quantity)
    for sold, quantity in _sold_as(variant, wanted.quantity):
        _add_line(shop, order, wanted, sold, quantity, bundle)


def _add_line(
    shop: Shop, order: Order, wanted: Wanted, variant: Variant | None, quantity: int, bundle: Bundle | None
) -> Line:
    default = Decimal("10.00") if variant is None else variant.price
    line = Line(
        number=shop.number(),
        title=wanted.sku if variant is None else variant.product.title,
        quantity=quantity,
        price=default if wanted.price is None else wanted.price,
        sku=wanted.sku if variant is None else variant.item.sku,
        variant=variant,
        item=variant.item if variant else None,
        is_gift_card=variant is not None and variant.product.is_gift_card,
        discount=wanted.discount,
        tax_rate=shop.tax_rate,
        fulfillable=quantity,
        bundle=bundle,
    )
    if variant is not None:
        line.location = order.retail_location or stock.choose_location(shop, variant.item, quantity)
        line.takes_stock = variant.item.tracked and order.behaviour != "BYPASS" and line.location is not None
    order.lines.append(line)
    stock.take(shop, line, quantity)
    _route(shop, order, line, quantity)
    return line


def _route(shop: Shop, order: Order, line: Line, quantity: int) -> None:
    """Put units of a line on the open fulfillment order of its location."""
    place_of_line = line.location or next(iter(shop.locations.values()))
    now = shop.now()
    same = [f for f in order.fulfillment_orders if f.location is place_of_line and f.status == "OPEN"]
    if same:
        target = same[0]
    else:
        target = FulfillmentOrder(
            number=shop.number(), order=order, location=place_of_line, created_at=now, updated_at=now
        )
        order.fulfillment_orders.append(target)
    target.lines.append(FulfillmentLine(number=shop.number(), line=line, total=quantity, remaining=quantity))


def touched(shop: Shop, order: Order, *topics: str) -> None:
    """Give an order a new updated-at and announce it under each topic."""
    order.updated_at = shop.now()
    order.indexed.append((shop.clock(), order.updated_at))
    for topic in topics:
        shop.announce(topic, order_body(shop, order))


def add_money(shop: Shop, order: Order, kind: str, amount: Decimal) -> None:
    """Write a successful transaction."""
    order.transactions.append(Transaction(number=shop.number(), kind=kind, amount=amount, processed_at=shop.now()))


def pay(shop: Shop, order: Order) -> None:
    """Pay what is open."""
    owed = current_total(order) - (received(order) - given_back(order))
    if order.cancelled_at or order.is_void:
        raise NotAllowed(409, f"{order.name} is cancelled or void")
    if owed > 0 or not order.transactions:
        add_money(shop, order, "SALE", owed)
    touched(shop, order, "orders/paid", "orders/updated")


def authorize(shop: Shop, order: Order) -> None:
    """Reserve the money without taking it."""
    add_money(shop, order, "AUTHORIZATION", current_total(order))
    touched(shop, order, "orders/updated")


def void(shop: Shop, order: Order) -> None:
    """Let an authorisation lapse: no effect on stock, the order stays open."""
    order.is_void = True
    touched(shop, order, "orders/updated")


def close(shop: Shop, order: Order) -> None:
    """Archive an order."""
    order.closed_at = shop.now()
    touched(shop, order, "orders/updated")


def delete(shop: Shop, order: Order) -> None:
    """Delete a cancelled or archived order; stock is not touched."""
    if not (order.cancelled_at or order.closed_at):
        raise NotAllowed(409, "only cancelled or archived orders can be deleted")
    del shop.orders[order.number]
    shop.announce("orders/delete", {"id": order.number})


def fulfil(shop: Shop, order: Order, quantities: Mapping[int, int] | None = None) -> None:
    """Ship lines (by line number; everything if None). Available is not touched."""
    for line in order.lines:
        quantity = line.fulfillable if quantities is None else quantities.get(line.number, 0)
        if quantity > line.fulfillable:
            raise NotAllowed(409, f"only {line.fulfillable} units of line {line.number} can be shipped")
        line.fulfillable -= quantity
        line.fulfilled += quantity
        stock.ship(shop, line, quantity)
        _lower_remaining(order, line, quantity)
    is_whole = not any(line.fulfillable for line in order.lines)
    touched(shop, order, "orders/fulfilled" if is_whole else "orders/partially_fulfilled", "orders/updated")


def unfulfil(shop: Shop, order: Order) -> None:
    """Cancel every shipment of an order that was not given back."""
    for line in order.lines:
        quantity = line.fulfilled - shipped_and_refunded(line)
        line.fulfilled -= quantity
        line.fulfillable += quantity
        stock.ship(shop, line, -quantity)
    touched(shop, order, "orders/updated")


def _lower_remaining(order: Order, line: Line, quantity: int) -> None:
    for fulfillment_order in order.fulfillment_orders:
        for entry in fulfillment_order.lines:
            if entry.line is line and quantity:
                used = min(entry.remaining, quantity)
                entry.remaining -= used
                quantity -= used
        if fulfillment_order.status == "OPEN" and not any(e.remaining for e in fulfillment_order.lines):
            fulfillment_order.status = "CLOSED"


def add_units(shop: Shop, order: Order, sku: str, quantity: int, lines: Sequence[Line]) -> Line:
    """Add units to the last of these lines, or on a line of their own, and take them from stock."""
    if not lines:
        return _add_line(shop, order, Wanted(sku=sku, quantity=quantity), shop.variant_of(sku), quantity, None)
    line = lines[-1]
    line.quantity += quantity
    line.fulfillable += quantity
    stock.take(shop, line, quantity)
    _route(shop, order, line, quantity)
    return line


def shipped_and_refunded(line: Line) -> int:
    """Shipped units that refund lines cover already: refunded units less those that were never shipped."""
    return line.refunded - (line.quantity - line.fulfilled - line.fulfillable)


def move(shop: Shop, order: Order, target: Location) -> None:
    """Let another location ship what is open: its available falls, the old location's rises."""
    for source in [f for f in order.fulfillment_orders if f.status == "OPEN" and f.location is not target]:
        origin = source.location
        for entry in source.lines:
            line, quantity = entry.line, entry.remaining
            if line.takes_stock and line.item and quantity:
                stock.give_back(shop, line, quantity, None, was_committed=True)
                line.location = stock.stock_at(shop, line.item, target).location
                stock.take(shop, line, quantity)
        source.status = "CLOSED"
        moved = FulfillmentOrder(
            number=shop.number(),
            order=order,
            location=target,
            created_at=shop.now(),
            updated_at=shop.now(),
            lines=source.lines,
        )
        source.lines = []
        order.fulfillment_orders.append(moved)
        shop.announce("fulfillment_orders/moved", moved_body(source, moved, origin))
    touched(shop, order, "orders/updated")
