"""The rules by which orders move stock: WooCommerce's, version by version, including the ones that lose units.

Taking and giving back follow a flag per order and `_reduced_stock` per line, not the status names. Facts: the plugin's
wc-stock-functions.php and wc-order-functions.php, seen on 11.0.1 and 8.2.2.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from syncd.sandbox.woocommerce.goods import Product, shown_status
from syncd.sandbox.woocommerce.sales import REDUCED, REFUNDED_ITEM, RESTOCKED, Line, Meta, Order, Refund
from syncd.sandbox.woocommerce.shop import Shop

TAKING = ("on-hold", "processing", "completed")
PAID = ("processing", "completed")
STATUSES = ("pending", *TAKING, "cancelled", "refunded", "failed", "checkout-draft", "auto-draft", "trash")
CENT = Decimal("0.01")


class NotEnough(Exception):
    """A customer asked for more than the shop will sell."""


def sellable(shop: Shop, product: Product, quantity: int) -> bool:
    """Whether the shop's checkout would sell so many."""
    kept_by = shop.keeper(product)
    if kept_by is None:
        return shown_status(product) != "outofstock"
    return kept_by.backorders != "no" or kept_by.stock >= quantity


def new_line(shop: Shop, product: Product, quantity: int, total: Decimal | None = None) -> Line:
    """A line that sells so many of a product, at its price unless a total (without tax) is given."""
    parent = product.parent
    line = Line(
        id=shop.next_row_id(),
        product_id=parent.id if parent else product.id,
        variation_id=product.id if parent else 0,
        name=f"{parent.name} - {product.name}" if parent else product.name,
        quantity=quantity,
        total=product.price * quantity if total is None else total,
    )
    if product.option:
        line.meta.append(Meta(id=shop.next_row_id(), key=product.option[0].lower(), value=product.option[1]))
    return line


def place(
    shop: Shop, lines: Sequence[Line], status: str, *, paid: bool = False, shipping: Decimal = Decimal(0)
) -> Order:
    """Make an order. It begins as pending and steps to `status`; the shop announces it as created and as updated."""
    now = shop.now()
    order = Order(
        id=shop.next_post_id(),
        key=f"wc_order_{shop.random.getrandbits(48):012x}",
        created=now,
        modified=now,
        lines=list(lines),
        shipping=shipping,
    )
    shop.orders[order.id] = order
    news = ["order.created", "order.updated"]
    if shop.random.random() < 0.1:
        news.reverse()
    for topic in news:
        shop.announce(topic, order.id)
    if paid:
        pay(shop, order)
    if status != order.status and not paid:
        set_status(shop, order, status)
    return order


def pay(shop: Shop, order: Order) -> None:
    """The payment has arrived: an order that waits for it goes to processing."""
    if order.status in ("pending", "on-hold", "failed", "cancelled"):
        set_status(shop, order, "processing")


def set_status(shop: Shop, order: Order, status: str) -> None:
    """Step to a status, moving stock, payment date and remainder refund as core does."""
    before, order.status = order.status, status
    if status in PAID and order.paid_at is None:
        order.paid_at = shop.now()
    if status == "completed":
        order.completed_at = shop.now()
    if status in TAKING:
        _take(shop, order)
    elif status in _giving_back(shop):
        _give_back(shop, order)
    elif status == "refunded" and before != "refunded":
        _refund_remainder(shop, order)
    saved(shop, order)


def saved(shop: Shop, order: Order) -> None:
    """Note that an order was saved."""
    order.modified = shop.now()
    shop.announce("order.updated", order.id)


def _giving_back(shop: Shop) -> tuple[str, ...]:
    return ("cancelled", "pending", "failed") if shop.rules.at_least(11) else ("cancelled", "pending")


def _kept_by(shop: Shop, line: Line) -> Product | None:
    product = shop.products.get(line.sold_id)
    return None if product is None else shop.keeper(product)


def _move(shop: Shop, kept_by: Product, units: int) -> None:
    after = kept_by.stock + units
    if units < 0 and after < 0 and kept_by.backorders == "no":
        shop.oversold += min(-units, -after)
    shop.set_stock(kept_by, after)


def _take(shop: Shop, order: Order) -> None:
    if order.stock_taken:
        return
    order.stock_taken = True
    for line in order.lines:
        kept_by = _kept_by(shop, line)
        if kept_by is None or line.number(REDUCED):
            continue
        line.put(REDUCED, line.quantity, shop.next_row_id())
        kept_by.sold += line.quantity
        _move(shop, kept_by, -line.quantity)


def _give_back(shop: Shop, order: Order) -> None:
    if not order.stock_taken:
        return
    order.stock_taken = False
    for line in order.lines:
        kept_by = _kept_by(shop, line)
        if kept_by is None or not line.number(REDUCED):
            continue
        _move(shop, kept_by, line.number(REDUCED))
        line.drop(REDUCED)


def total(shop: Shop, order: Order) -> Decimal:
    """What the customer owes for the order, with tax and shipping."""
    goods = sum((line.total + tax(shop, line) for line in order.lines), Decimal(0))
    return (goods + order.shipping).quantize(CENT)


def tax(shop: Shop, line: Line) -> Decimal:
    """The tax on a line."""
    return (line.total * shop.rules.tax_rate).quantize(CENT)


def refund(
    shop: Shop, order: Order, lines: Iterable[tuple[Line, int, Decimal]], amount: Decimal, reason: str, *, restock: bool
) -> Refund:
    """Give money back, per line (line, quantity, total without tax) or as an amount; the last cent closes the order."""
    parts = list(lines)
    made = Refund(
        id=shop.next_post_id(),
        amount=amount,
        reason=reason,
        created=shop.now(),
        lines=[_refund_line(shop, line, quantity, money) for line, quantity, money in parts],
    )
    order.refunds.append(made)
    if restock:
        for line, quantity, _ in parts:
            _restock(shop, line, quantity)
    if order.refunded >= total(shop, order) and order.status != "refunded":
        set_status(shop, order, "refunded")
    saved(shop, order)
    shop.announce("action.woocommerce_order_refunded", order.id)
    return made


def _refund_line(shop: Shop, line: Line, quantity: int, money: Decimal) -> Line:
    mark = Meta(id=shop.next_row_id(), key=REFUNDED_ITEM, value=str(line.id))
    return Line(
        id=shop.next_row_id(),
        product_id=line.product_id,
        variation_id=line.variation_id,
        name=line.name,
        quantity=-quantity,
        total=-money,
        meta=[mark],
    )


def _restock(shop: Shop, line: Line, quantity: int) -> None:
    """Give back what a refund names, however much it is: core has no bound here."""
    kept_by = _kept_by(shop, line)
    if kept_by is None or not line.number(REDUCED) or not quantity:
        return
    _move(shop, kept_by, quantity)
    line.put(REDUCED, line.number(REDUCED) - quantity, shop.next_row_id())
    line.put(RESTOCKED, line.number(RESTOCKED) + quantity, shop.next_row_id())


def _refund_remainder(shop: Shop, order: Order) -> None:
    rest = total(shop, order) - order.refunded
    if rest > 0:
        order.refunds.append(
            Refund(id=shop.next_post_id(), amount=rest, reason="Order fully refunded.", created=shop.now(), lines=[])
        )


def change_quantity(shop: Shop, order: Order, line: Line, quantity: int, *, adjust: bool = True) -> None:
    """Set a line's quantity; 0 removes the line. `adjust=False` is 8.2's REST: stock and meta stay as they were."""
    if adjust and order.status in TAKING:
        _adjust(shop, order, line, quantity)
    line.total = line.total / line.quantity * quantity if line.quantity else line.total
    line.quantity = quantity
    if quantity == 0:
        order.lines.remove(line)


def _adjust(shop: Shop, order: Order, line: Line, quantity: int) -> None:
    kept_by = _kept_by(shop, line)
    if kept_by is None:
        return
    wanted = 0 if quantity == 0 else quantity - line.number(RESTOCKED)
    difference = wanted - line.number(REDUCED)
    if difference:
        _move(shop, kept_by, -difference)
        line.put(REDUCED, wanted, shop.next_row_id())
        order.stock_taken = True


def add_line(shop: Shop, order: Order, line: Line, *, adjust: bool = True) -> None:
    """Put another line on an order."""
    order.lines.append(line)
    if adjust and order.status in TAKING:
        _adjust(shop, order, line, line.quantity)


def trash(shop: Shop, order: Order) -> None:
    """Move to the trash: stock stays taken. With orders kept as posts, product webhooks hear of it too."""
    order.trashed_from, order.status = order.status, "trash"
    order.trashed_at = order.modified = shop.now()
    shop.announce("order.deleted", order.id)
    if not shop.rules.hpos:
        shop.announce("product.deleted", order.id)


def restore(shop: Shop, order: Order) -> None:
    """Take out of the trash, as wp-admin does; stock does not move."""
    order.status, order.trashed_from, order.trashed_at = order.trashed_from, "", None
    order.modified = shop.now()
    shop.announce("order.restored", order.id)
    if not shop.rules.hpos:
        shop.announce("product.restored", order.id)


def delete(shop: Shop, order: Order) -> None:
    """Delete for good: stock stays taken and no order webhook tells of it."""
    del shop.orders[order.id]
    shop.announce("action.woocommerce_delete_order", order.id)
