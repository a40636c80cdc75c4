"""Returns and exchanges: approving and closing move nothing, processing may.

With money back the units come as a refund of type return; without money (an even exchange) only the disposition of the
returned units and the inventory webhook tell.
"""

from collections.abc import Sequence

from syncd.sandbox.shopify import stock
from syncd.sandbox.shopify.orders import Wanted, add_units, touched
from syncd.sandbox.shopify.payloads import return_body
from syncd.sandbox.shopify.records import Disposition, Line, Order, Return, ReturnLine
from syncd.sandbox.shopify.refunds import Back, refund
from syncd.sandbox.shopify.shop import NotAllowed, Shop


def approve(shop: Shop, order: Order, lines: Sequence[tuple[Line, int]]) -> Return:
    """Agree that shipped units come back."""
    for line, quantity in lines:
        if quantity > line.fulfilled:
            raise NotAllowed(409, f"only {line.fulfilled} units of line {line.number} were shipped")
    made = Return(
        number=shop.number(),
        order=order,
        created_at=shop.now(),
        lines=[ReturnLine(number=shop.number(), line=line, quantity=quantity) for line, quantity in lines],
    )
    order.returns.append(made)
    shop.announce("returns/approve", return_body(made))
    touched(shop, order, "orders/updated")
    return made


def process(shop: Shop, what: Return, *, restock: bool, with_money: bool, exchange_for: Wanted | None = None) -> None:
    """Process every unit of a return; an exchange puts a new line on the order, which takes stock."""
    order = what.order
    if with_money:
        kind = "RETURN" if restock else "NO_RESTOCK"
        backs = [Back(line=entry.line, quantity=entry.quantity, restock_type=kind) for entry in what.lines]
        refund(shop, order, backs, comes_from=what)
    for entry in what.lines:
        if restock and not with_money:
            stock.give_back(shop, entry.line, entry.quantity, None, was_committed=False)
        entry.dispositions.append(
            Disposition(
                number=shop.number(),
                kind="RESTOCKED" if restock else "NOT_RESTOCKED",
                quantity=entry.quantity,
                location=entry.line.location,
                created_at=shop.now(),
            )
        )
    if exchange_for is not None:
        what.exchange_lines.append(add_units(shop, order, exchange_for.sku, exchange_for.quantity, []))
    touched(shop, order, "orders/updated")


def close(shop: Shop, what: Return) -> None:
    """Close a return: nothing moves."""
    what.status, what.closed_at = "CLOSED", shop.now()
    shop.announce("returns/close", return_body(what))
