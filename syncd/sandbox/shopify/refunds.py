"""What comes off an order again: refunds, cancellations, edits, and what each does to stock.

A refund line's `restock_type` alone says whether units went back on sale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from syncd.sandbox.shopify import stock
from syncd.sandbox.shopify.order_payloads import edit_body, refund_body
from syncd.sandbox.shopify.orders import Wanted, add_money, add_units, refuse_sold_out, shipped_and_refunded, touched
from syncd.sandbox.shopify.records import Line, Location, Order, Refund, RefundLine, Return
from syncd.sandbox.shopify.shop import CENT, NotAllowed, Shop, given_back, line_tax, line_total, received


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """Units of one line that come off an order."""

    line: Line
    quantity: int
    restock_type: str
    location: Location | None = None
    shipped_first: bool = True


def backs_of(line: Line, quantity: int, *, restock: bool, location: Location | None = None) -> list[Back]:
    """Split a refund of a line into what Shopify writes: unshipped units come back as cancel, shipped ones as return.

    Without restock the API gives up shipped units first, all as no_restock.
    """
    if quantity > line.current_quantity:
        raise NotAllowed(409, f"only {line.current_quantity} units are left on line {line.number}")
    if not restock:
        return [Back(line=line, quantity=quantity, restock_type="NO_RESTOCK", location=location)]
    unshipped = min(quantity, line.fulfillable)
    parts = (("CANCEL", unshipped), ("RETURN", quantity - unshipped))
    return [Back(line=line, quantity=n, restock_type=kind, location=location) for kind, n in parts if n]


def refund(
    shop: Shop,
    order: Order,
    backs: Sequence[Back],
    *,
    with_money: bool = True,
    note: str | None = None,
    comes_from: Return | None = None,
) -> Refund:
    """Refund units of an order; announces refunds/create and orders/updated."""
    amount = sum((_refund_worth(order, back) for back in backs), Decimal(0)) if with_money else Decimal(0)
    left = received(order) - given_back(order)
    written = write_refund(shop, order, backs, amount=min(amount, left), note=note, comes_from=comes_from)
    touched(shop, order, "orders/updated")
    return written


def refund_units(
    shop: Shop, order: Order, backs: Sequence[Back], *, amount: Decimal = Decimal(0), note: str | None = None
) -> Refund:
    """Refund exactly this money and these units, either of which may be none."""
    written = write_refund(shop, order, backs, amount=amount, note=note)
    touched(shop, order, "orders/updated")
    return written


def write_refund(
    shop: Shop,
    order: Order,
    backs: Sequence[Back],
    *,
    amount: Decimal = Decimal(0),
    note: str | None = None,
    comes_from: Return | None = None,
) -> Refund:
    """Write a refund and move the stock its lines say; the caller announces the order."""
    written = Refund(
        number=shop.number(), order=order, created_at=shop.now(), note=note, amount=amount, comes_from=comes_from
    )
    _move_stock(shop, backs)
    for back in backs:
        subtotal, tax = _share(order, back)
        back.line.refunded += back.quantity
        where = None if back.restock_type == "NO_RESTOCK" else back.location or back.line.location
        written.lines.append(
            RefundLine(
                number=shop.number(),
                line=back.line,
                quantity=back.quantity,
                restock_type=back.restock_type,
                location=where,
                subtotal=subtotal,
                tax=tax,
            )
        )
    order.refunds.append(written)
    if amount:
        add_money(shop, order, "REFUND", amount)
    shop.announce("refunds/create", refund_body(shop, written))
    return written


def _share(order: Order, back: Back) -> tuple[Decimal, Decimal]:
    part = Decimal(back.quantity) / back.line.quantity
    return (line_total(back.line) * part).quantize(CENT), (line_tax(order, back.line) * part).quantize(CENT)


def _refund_worth(order: Order, back: Back) -> Decimal:
    subtotal, tax = _share(order, back)
    return subtotal if order.taxes_included else subtotal + tax


def _move_stock(shop: Shop, backs: Sequence[Back]) -> None:
    for back in backs:
        line = back.line
        if back.restock_type == "NO_RESTOCK":
            shipped = line.fulfilled - shipped_and_refunded(line) if back.shipped_first else 0
            unshipped = max(0, back.quantity - shipped)
            line.fulfillable -= unshipped
            stock.give_up(shop, line, unshipped)
        elif back.restock_type == "CANCEL":
            line.fulfillable -= back.quantity
            stock.give_back(shop, line, back.quantity, back.location, was_committed=True)
        else:
            stock.give_back(shop, line, back.quantity, back.location, was_committed=False)


def cancel(shop: Shop, order: Order, *, restock: bool, recorded: bool = True, refund: bool = True) -> None:
    """Cancel an order; `recorded=False` leaves no refund lines, the doubtful shape some cancelled unpaid orders have.

    A line whose location was deactivated since comes back for nobody: an unpaid order is not restocked in spite of the
    flag, a paid one cannot be cancelled with restock at all.
    """
    if order.cancelled_at:
        raise NotAllowed(409, f"{order.name} is cancelled already")
    waiting = [line for line in order.lines if line.fulfillable]
    is_dead = any(line.takes_stock and line.location and not line.location.is_active for line in waiting)
    if is_dead and restock and received(order):
        raise NotAllowed(409, "cannot restock at a deactivated location")
    restock_type = "CANCEL" if restock and not is_dead else "NO_RESTOCK"
    backs = [
        Back(line=line, quantity=line.fulfillable, restock_type=restock_type, shipped_first=False) for line in waiting
    ]
    order.cancelled_at, order.closed_at, order.cancel_reason = shop.now(), shop.now(), "customer"
    kept = received(order) - given_back(order)
    if recorded:
        write_refund(shop, order, backs, amount=kept if refund else Decimal(0))
    else:
        _move_stock(shop, backs)
    for fulfillment_order in order.fulfillment_orders:
        if fulfillment_order.status == "OPEN":
            fulfillment_order.status = "CANCELLED"
    touched(shop, order, "orders/cancelled", "orders/updated")


def edit(shop: Shop, order: Order, sku: str, quantity: int, *, restock: bool = True, force: bool = False) -> None:
    """Set how many units of an SKU are on the order: more are taken, fewer come off with or without restock."""
    if order.cancelled_at:
        raise NotAllowed(409, f"{order.name} is cancelled")
    lines = [line for line in order.lines if line.sku == sku]
    delta = quantity - sum(line.current_quantity for line in lines)
    order.is_edited = True
    additions: dict[int, int] = {}
    removals: dict[int, int] = {}
    if delta > 0:
        if not force:
            refuse_sold_out(shop, [Wanted(sku=sku, quantity=delta)])
        additions[add_units(shop, order, sku, delta, lines).number] = delta
    elif delta < 0:
        removals = _remove_units(shop, order, lines, -delta, restock=restock)
    touched(shop, order, "orders/updated")
    shop.announce("orders/edited", edit_body(order, additions, removals, shop.now()))


def _remove_units(shop: Shop, order: Order, lines: Sequence[Line], quantity: int, *, restock: bool) -> dict[int, int]:
    backs = []
    for line in lines:
        part = min(quantity, line.fulfillable)
        quantity -= part
        if part:
            kind = "CANCEL" if restock else "NO_RESTOCK"
            backs.append(Back(line=line, quantity=part, restock_type=kind, shipped_first=False))
    if quantity:
        raise NotAllowed(409, "shipped units cannot be edited away")
    write_refund(shop, order, backs)
    return {back.line.number: back.quantity for back in backs}
