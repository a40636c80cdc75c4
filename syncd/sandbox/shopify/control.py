"""What people do, as JSON over HTTP under /_sandbox/: the same words on every simulated platform."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from urllib.parse import unquote

from syncd.sandbox.shopify import catalogue, orders, refunds, stock
from syncd.sandbox.shopify.records import Order
from syncd.sandbox.shopify.shop import Body, NotAllowed, financial_status, fulfillment_status, order_totals
from syncd.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from syncd.sandbox.shopify.platform import SimulatedShopify

Handler = Callable[["SimulatedShopify", Body, str], object]


def handle(platform: "SimulatedShopify", request: Request) -> Response:
    """Answer one control request."""
    try:
        return _json(200, _route(platform, request, _object(request.body)))
    except NotAllowed as refusal:
        return _json(refusal.status, {"error": str(refusal)})
    except json.JSONDecodeError as wrong:
        return _json(400, {"error": f"not JSON: {wrong}"})


def _object(raw: bytes) -> Body:
    body = json.loads(raw or b"{}")
    if not isinstance(body, dict):
        raise NotAllowed(400, "the body must be a JSON object")
    return body


def _route(platform: "SimulatedShopify", request: Request, body: Body) -> object:
    for method, pattern, handler in ROUTES:
        match = re.fullmatch(pattern, request.path)
        if match and method == request.method:
            platform.webhooks.begin_event()
            return handler(platform, body, unquote(match[1]) if match.groups() else "")
    raise NotAllowed(404, f"no such control: {request.method} {request.path}")


def _json(status: int, body: object) -> Response:
    return Response(status=status, headers={"content-type": "application/json"}, body=json.dumps(body).encode())


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise NotAllowed(400, f"{name} must be a text")
    return value


def _whole(body: Body, name: str, default: int | None = None) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise NotAllowed(400, f"{name} must be a whole number")
    return value


def _amount(body: Body, name: str, default: str) -> Decimal:
    try:
        return Decimal(str(body.get(name, default)))
    except InvalidOperation as wrong:
        raise NotAllowed(400, f"{name} must be an amount") from wrong


def _switch(body: Body, name: str, *, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise NotAllowed(400, f"{name} must be true or false")
    return value


def _lines(body: Body) -> list[Body]:
    lines = body.get("lines")
    if not isinstance(lines, list) or not lines or not all(isinstance(line, dict) for line in lines):
        raise NotAllowed(400, "lines must be a list of objects with sku and quantity")
    return lines


def _order(platform: "SimulatedShopify", number: str) -> Order:
    return platform.shop.order(int(number))


def _add_product(platform: "SimulatedShopify", body: Body, _: str) -> object:
    variant = catalogue.stock_product(
        platform.shop,
        _text(body, "sku"),
        title=str(body.get("title") or ""),
        price=_amount(body, "price", "10.00"),
        quantity=_whole(body, "quantity", 0),
        tracked=_switch(body, "tracked", default=True),
        policy="CONTINUE" if _switch(body, "oversell", default=False) else "DENY",
    )
    return {"id": str(variant.number), "sku": variant.item.sku}


def _show_stock(platform: "SimulatedShopify", _body: Body, _: str) -> object:
    return {v.item.sku: platform.shop.available(v.item) for v in platform.shop.variants.values() if v.item.sku}


def _set_stock(platform: "SimulatedShopify", body: Body, sku: str) -> object:
    stock.set_by_hand(platform.shop, sku, _whole(body, "quantity"))
    return _show_stock(platform, body, "")


def _place(platform: "SimulatedShopify", body: Body, _: str) -> object:
    wanted = [
        orders.Wanted(
            sku=_text(line, "sku"),
            quantity=_whole(line, "quantity", 1),
            custom=_switch(line, "custom", default=False),
            price=_amount(line, "price", "0") if "price" in line else None,
            discount=_amount(line, "discount", "0"),
        )
        for line in _lines(body)
    ]
    if any(each.quantity < 1 for each in wanted):
        raise NotAllowed(400, "quantity must be at least 1")
    order = orders.place(
        platform.shop,
        wanted,
        paid=_switch(body, "paid", default=True),
        force=_switch(body, "force", default=False),
        test=_switch(body, "test", default=False),
        shipping=_amount(body, "shipping", "0"),
    )
    return {"id": str(order.number), "name": order.name}


def _shown(order: Order) -> Body:
    return {
        "id": str(order.number),
        "name": order.name,
        "created_at": order.created_at.isoformat(),
        "updated_at": order.updated_at.isoformat(),
        "paid": financial_status(order) in ("PAID", "PARTIALLY_REFUNDED", "REFUNDED"),
        "status": "cancelled" if order.cancelled_at else fulfillment_status(order).lower(),
        "payment": financial_status(order).lower(),
        "total": str(order_totals(order)["total"]),
        "lines": [
            {
                "sku": line.sku,
                "quantity": line.quantity,
                "current_quantity": line.current_quantity,
                "taken": line.taken,
            }
            for line in order.lines
        ],
    }


def _show_orders(platform: "SimulatedShopify", _body: Body, _: str) -> object:
    return [_shown(order) for order in platform.shop.orders.values()]


def _pay(platform: "SimulatedShopify", _body: Body, number: str) -> object:
    order = _order(platform, number)
    orders.pay(platform.shop, order)
    return _shown(order)


def _cancel(platform: "SimulatedShopify", body: Body, number: str) -> object:
    order = _order(platform, number)
    refunds.cancel(platform.shop, order, restock=_switch(body, "restock", default=True))
    return _shown(order)


def _fulfil(platform: "SimulatedShopify", _body: Body, number: str) -> object:
    order = _order(platform, number)
    orders.fulfil(platform.shop, order)
    return _shown(order)


def _refund(platform: "SimulatedShopify", body: Body, number: str) -> object:
    order = _order(platform, number)
    restock = _switch(body, "restock", default=True)
    backs = [back for line in _lines(body) for back in _backs(order, line, restock=restock)]
    refunds.refund(platform.shop, order, backs)
    return _shown(order)


def _backs(order: Order, wanted: Mapping[str, object], *, restock: bool) -> list[refunds.Back]:
    sku, left = _text(dict(wanted), "sku"), _whole(dict(wanted), "quantity", 1)
    found: list[refunds.Back] = []
    for line in order.lines:
        part = min(left, line.current_quantity) if line.sku == sku else 0
        if part:
            found += refunds.backs_of(line, part, restock=restock)
            left -= part
    if left:
        raise NotAllowed(409, f"{order.name} has not that many units of {sku}")
    return found


def _edit(platform: "SimulatedShopify", body: Body, number: str) -> object:
    order = _order(platform, number)
    refunds.edit(
        platform.shop,
        order,
        _text(body, "sku"),
        _whole(body, "quantity"),
        restock=_switch(body, "restock", default=True),
        force=_switch(body, "force", default=False),
    )
    return _shown(order)


def _log(platform: "SimulatedShopify", _body: Body, _: str) -> object:
    return platform.log()


def _faults(platform: "SimulatedShopify", body: Body, _: str) -> object:
    platform.faults.update(body)
    return platform.faults.as_body()


ROUTES: Sequence[tuple[str, str, Handler]] = (
    ("POST", r"/_sandbox/products", _add_product),
    ("GET", r"/_sandbox/stock", _show_stock),
    ("PUT", r"/_sandbox/stock/(.+)", _set_stock),
    ("POST", r"/_sandbox/orders", _place),
    ("GET", r"/_sandbox/orders", _show_orders),
    ("POST", r"/_sandbox/orders/(\d+)/pay", _pay),
    ("POST", r"/_sandbox/orders/(\d+)/cancel", _cancel),
    ("POST", r"/_sandbox/orders/(\d+)/fulfil", _fulfil),
    ("POST", r"/_sandbox/orders/(\d+)/refund", _refund),
    ("POST", r"/_sandbox/orders/(\d+)/edit", _edit),
    ("GET", r"/_sandbox/log", _log),
    ("GET", r"/_sandbox/faults", _faults),
    ("PUT", r"/_sandbox/faults", _faults),
)
