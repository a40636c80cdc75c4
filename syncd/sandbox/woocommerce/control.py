"""People's actions and the faults as JSON over HTTP under /_sandbox, the same on every simulated platform."""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from syncd.sandbox.wire import Request, Response
from syncd.sandbox.woocommerce.orders import NotEnough
from syncd.sandbox.woocommerce.people import People, Unknown
from syncd.sandbox.woocommerce.site import Site

PREFIX = "/_sandbox"
Body = Mapping[str, object]
Action = Callable[[People, Site, Body, tuple[str, ...]], object]


def respond(site: Site, people: People, request: Request) -> Response:
    """Answer a control request: 400 for a body that makes no sense, 404 for what is not there, 409 for no stock."""
    try:
        body = _object(request.body)
        for method, pattern, action in ACTIONS:
            match = pattern.fullmatch(request.path.removeprefix(PREFIX))
            if match and method == request.method:
                return _json(200, action(people, site, body, match.groups()))
    except Unknown as missing:
        return _json(404, {"error": str(missing)})
    except NotEnough as refusal:
        return _json(409, {"error": str(refusal)})
    except (ValueError, TypeError, KeyError, InvalidOperation) as wrong:
        return _json(400, {"error": f"{type(wrong).__name__}: {wrong}"})
    return _json(404, {"error": f"nothing at {request.method} {request.path}"})


def _object(raw: bytes) -> Body:
    value = json.loads(raw or b"{}")
    if not isinstance(value, dict):
        raise TypeError("the body must be a JSON object")
    return value


def _json(status: int, value: object) -> Response:
    return Response(status=status, headers={"Content-Type": "application/json"}, body=json.dumps(value).encode())


def _about(_people: People, site: Site, _body: Body, _ids: tuple[str, ...]) -> object:
    key = next(iter(site.keys.held.values()), None)
    known = {"consumer_key": key.key, "consumer_secret": key.secret} if key else {}
    return {"platform": "woocommerce", "url": site.home, "version": site.shop.rules.version, **known}


def _delete_product(people: People, _site: Site, _body: Body, ids: tuple[str, ...]) -> object:
    people.remove_product(ids[0])
    return people.stock()


def _add_product(people: People, _site: Site, body: Body, _ids: tuple[str, ...]) -> object:
    product = people.add_product(
        str(body["sku"]),
        whole(body.get("quantity", 0)),
        title=str(body.get("title", "")),
        price=Decimal(str(body.get("price", "10.00"))),
        tracked=body.get("tracked", True) is True,
    )
    return {"id": product.id, "sku": product.sku}


def _set_stock(people: People, _site: Site, body: Body, ids: tuple[str, ...]) -> object:
    people.set_stock(ids[0], whole(body["quantity"]))
    return people.stock()


def _order(people: People, _site: Site, body: Body, _ids: tuple[str, ...]) -> object:
    status = body.get("status")
    order = people.buy(
        _units(body),
        paid=body.get("paid", True) is True,
        status=None if status is None else str(status),
        force=body.get("force", False) is True,
    )
    return {"id": order.id, "name": str(order.id)}


def _refund(people: People, _site: Site, body: Body, ids: tuple[str, ...]) -> object:
    return people.told(people.refund(int(ids[0]), _units(body), restock=body.get("restock", True) is True))


def _cancel(people: People, _site: Site, body: Body, ids: tuple[str, ...]) -> object:
    return people.told(people.cancel(int(ids[0]), restock=body.get("restock", True) is True))


def _edit(people: People, _site: Site, body: Body, ids: tuple[str, ...]) -> object:
    return people.told(people.edit(int(ids[0]), str(body["sku"]), whole(body["quantity"])))


def _log(_people: People, site: Site, _body: Body, _ids: tuple[str, ...]) -> object:
    books = site.books
    return {
        "reads": dict(books.reads),
        "writes": dict(books.writes),
        "pushes": [
            {"sku": push.sku, "before": push.before, "after": push.after, "at": push.at.isoformat()}
            for push in books.pushes
        ],
        "oversold": site.shop.oversold,
    }


def _units(body: Body) -> list[tuple[str, int]]:
    rows = body["lines"]
    if not isinstance(rows, list):
        raise TypeError("lines must be a list")
    return [(str(row["sku"]), whole(row["quantity"])) for row in rows]


def whole(value: object) -> int:
    """A whole number from JSON."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _at(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("#", r"(\d+)"))


ACTIONS: tuple[tuple[str, re.Pattern[str], Action], ...] = (
    ("GET", _at("/?"), _about),
    ("POST", _at("/products"), _add_product),
    ("DELETE", _at("/products/(.+)"), _delete_product),
    ("GET", _at("/stock"), lambda people, _site, _body, _ids: people.stock()),
    ("PUT", _at("/stock/(.+)"), _set_stock),
    ("POST", _at("/orders"), _order),
    ("GET", _at("/orders"), lambda people, _site, _body, _ids: people.orders()),
    ("POST", _at("/orders/#/pay"), lambda people, _site, _body, ids: people.told(people.pay(int(ids[0])))),
    ("POST", _at("/orders/#/cancel"), _cancel),
    ("POST", _at("/orders/#/refund"), _refund),
    ("POST", _at("/orders/#/edit"), _edit),
    ("GET", _at("/log"), _log),
    ("GET", _at("/faults"), lambda _people, site, _body, _ids: site.faults.shown()),
    ("PUT", _at("/faults"), lambda _people, site, body, _ids: (site.faults.set(body), site.faults.shown())[1]),
)
