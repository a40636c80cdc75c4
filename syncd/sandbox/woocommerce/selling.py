"""REST routes of orders and refunds."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from syncd.sandbox.woocommerce import orders, shapes
from syncd.sandbox.woocommerce.answers import Answer, Call, RestError, in_dates, invalid, page
from syncd.sandbox.woocommerce.casting import intval
from syncd.sandbox.woocommerce.catalogue import no_route
from syncd.sandbox.woocommerce.sales import Line, Order, Refund

DRAFTS = ("trash", "checkout-draft", "auto-draft")


def list_orders(call: Call) -> Answer:
    """GET /orders: any status but trash and drafts, unless those are named."""
    shop, home = call.site.shop, call.site.home
    asked, include = set(call.listed("status")) or {"any"}, call.listed("include")
    unknown = asked - {"any", *orders.STATUSES}
    if unknown:
        raise invalid("status", f"{min(unknown)} is not a status.")
    wanted = [
        order
        for order in shop.orders.values()
        if (order.status in asked or ("any" in asked and order.status not in DRAFTS))
        and (not include or str(order.id) in include)
        and in_dates(call, order)
    ]
    return page(call, wanted, lambda order: shapes.order(shop, home, order), shuffle=shop.random)


def get_order(call: Call) -> Answer:
    """GET /orders/{id}, also from the trash."""
    return _shown(call, _found(call))


def create_order(call: Call) -> Answer:
    """POST /orders. Nobody asks here whether there is enough stock."""
    lines = [_new_line(call, fields) for fields in _lines(call.body)]
    status = _status(call.body) or "pending"
    order = orders.place(call.site.shop, lines, status, paid=call.body.get("set_paid") is True)
    return Answer(body=_shown(call, order).body, status=201)


def put_order(call: Call) -> Answer:
    """PUT /orders/{id}: lines, payment, status. A status on a trashed order revives it; under HPOS nobody is told."""
    shop, order = call.site.shop, _found(call)
    for fields in _lines(call.body):
        _put_line(call, order, fields)
    status, revived = _status(call.body), order.status == "trash"
    if revived and status is not None:
        order.trashed_at, order.trashed_from, order.status = None, "", status
        order.modified = shop.now()
        if not shop.rules.hpos:
            shop.announce("order.updated", order.id)
        return _shown(call, order)
    if call.body.get("set_paid") is True:
        orders.pay(shop, order)
    if status is not None and status != order.status:
        orders.set_status(shop, order, status)
    elif call.body:
        orders.saved(shop, order)
    return _shown(call, order)


def _put_line(call: Call, order: Order, fields: Mapping[str, object]) -> None:
    """Before 9.0 REST changed lines without moving stock or meta; where exactly that ended is not known."""
    shop = call.site.shop
    adjust = shop.rules.at_least(9)
    if "id" not in fields:
        orders.add_line(shop, order, _new_line(call, fields), adjust=adjust)
        return
    line = order.line(intval(fields["id"]))
    if line is None:
        raise RestError(400, "woocommerce_rest_invalid_item_id", "Order item ID provided is not associated with order.")
    removed = "product_id" in fields and fields["product_id"] is None
    if removed or "quantity" in fields:
        orders.change_quantity(shop, order, line, 0 if removed else intval(fields["quantity"]), adjust=adjust)


def delete_order(call: Call) -> Answer:
    """DELETE /orders/{id}: to the trash, or for good with force. Neither gives stock back."""
    shop, order = call.site.shop, _found(call)
    shown = _shown(call, order)
    if call.flag("force"):
        orders.delete(shop, order)
    elif order.status == "trash":
        raise RestError(410, "woocommerce_rest_already_trashed", "The order has already been deleted.")
    else:
        orders.trash(shop, order)
    return shown


def list_refunds(call: Call) -> Answer:
    """GET /orders/{id}/refunds."""
    order = _found(call)
    rows = [_Told(order=order, refund=refund) for refund in order.refunds]
    return page(call, rows, lambda row: _refund_shape(call, row.order, row.refund))


def all_refunds(call: Call) -> Answer:
    """GET /refunds, since 9.0: every refund with its order as `parent_id`."""
    if not call.site.shop.rules.at_least(9):
        raise no_route()
    rows = [_Told(order=order, refund=refund) for order in call.site.shop.orders.values() for refund in order.refunds]
    wanted = [row for row in rows if in_dates(call, row)]
    return page(call, wanted, lambda row: {**_refund_shape(call, row.order, row.refund), "parent_id": row.order.id})


class _Told:
    """A refund with its order, listed by the refund's date."""

    def __init__(self, *, order: Order, refund: Refund) -> None:
        self.order, self.refund = order, refund
        self.id = refund.id
        self.created = self.modified = refund.created


def get_refund(call: Call) -> Answer:
    """GET /orders/{id}/refunds/{refund}."""
    order = _found(call)
    return Answer(body=_refund_shape(call, order, _refund(call, order)))


def create_refund(call: Call) -> Answer:
    """POST /orders/{id}/refunds; `api_refund` and `api_restock` are true unless said otherwise."""
    shop, order = call.site.shop, _found(call)
    parts = list(_parts(order, _lines(call.body)))
    given = call.body.get("amount")
    amount = Decimal(str(given)) if given else sum((money for _, _, money in parts), Decimal(0))
    if amount <= 0 or amount > orders.total(shop, order) - order.refunded:
        raise _refund_refused("Invalid refund amount.")
    if call.body.get("api_refund", True) is not False:
        raise _refund_refused("The payment gateway for this order does not exist.")
    restock = call.body.get("api_restock", True) is not False
    made = orders.refund(shop, order, parts, amount, str(call.body.get("reason", "")), restock=restock)
    return Answer(body=_refund_shape(call, order, made), status=201)


def _parts(order: Order, rows: Iterable[Mapping[str, object]]) -> Iterable[tuple[Line, int, Decimal]]:
    for fields in rows:
        line = order.line(intval(fields.get("id")))
        if line is not None:
            yield line, intval(fields.get("quantity")), Decimal(str(fields.get("refund_total", 0)))


def delete_refund(call: Call) -> Answer:
    """DELETE /orders/{id}/refunds/{refund}: stock stays, and no order webhook is sent."""
    order = _found(call)
    refund = _refund(call, order)
    if not call.flag("force"):
        raise RestError(501, "woocommerce_rest_trash_not_supported", "Refunds do not support trashing.")
    shape = _refund_shape(call, order, refund)
    order.refunds.remove(refund)
    call.site.shop.announce("action.woocommerce_refund_deleted", refund.id)
    return Answer(body=shape)


def _found(call: Call) -> Order:
    order = call.site.shop.orders.get(call.ids[0])
    if order is None:
        raise RestError(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
    return order


def _refund(call: Call, order: Order) -> Refund:
    found = next((refund for refund in order.refunds if refund.id == call.ids[1]), None)
    if found is None:
        raise RestError(404, "woocommerce_rest_shop_order_refund_invalid_id", "Invalid order refund ID.")
    return found


def _shown(call: Call, order: Order) -> Answer:
    return Answer(body=shapes.order(call.site.shop, call.site.home, order))


def _refund_shape(call: Call, order: Order, refund: Refund) -> dict[str, object]:
    return shapes.refund(call.site.shop, call.site.home, order.id, refund)


def _lines(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    rows = body.get("line_items")
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _new_line(call: Call, fields: Mapping[str, object]) -> Line:
    number = intval(fields.get("variation_id")) or intval(fields.get("product_id"))
    product = call.site.shop.products.get(number)
    if product is None:
        raise RestError(400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
    money = Decimal(str(fields["total"])) if "total" in fields else None
    return orders.new_line(call.site.shop, product, intval(fields.get("quantity", 1)), money)


def _status(body: Mapping[str, object]) -> str | None:
    status = body.get("status")
    if status is None:
        return None
    if status not in orders.STATUSES:
        raise invalid("status", f"{status} is not a status.")
    return str(status)


def _refund_refused(message: str) -> RestError:
    """Refund errors are 500 with a bare number where others have an object."""
    return RestError(500, "woocommerce_rest_cannot_create_order_refund", message, 500)
