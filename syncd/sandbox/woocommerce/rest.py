"""REST v3 by HTTP: which route answers, who may call it, and what the answer looks like on the wire."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime

from syncd.sandbox.wire import Request, Response
from syncd.sandbox.woocommerce import catalogue, orders, selling, telling
from syncd.sandbox.woocommerce.answers import Answer, Call, RestError, body_of
from syncd.sandbox.woocommerce.site import Site
from syncd.sandbox.woocommerce.text import encoded

API = "/wp-json/wc/v3"
NAMESPACES = ["oembed/1.0", "wc/v1", "wc/v2", "wc/v3", "wc-telemetry", "wp/v2"]
PHP_NOISE = b"<br />\n<b>Deprecated</b>: Optional parameter before required parameter in plugin.php on line 7<br />\n"
UPDATE = ("PUT", "POST", "PATCH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path and its methods; `name` is the operation in the books."""

    name: str
    path: re.Pattern[str]
    methods: Mapping[str, Callable[[Call], Answer]]


def _route(name: str, path: str, **methods: Callable[[Call], Answer]) -> Route:
    answers = dict(methods)
    update = answers.pop("UPDATE", None)
    if update is not None:
        answers |= dict.fromkeys(UPDATE, update)
    return Route(name=name, path=re.compile(path.replace("#", r"(\d+)") + "/?"), methods=answers)


def manage_stock_setting(call: Call) -> Answer:
    """GET /settings/products/woocommerce_manage_stock."""
    value = "yes" if call.site.shop.rules.counts_stock else "no"
    shape = {
        "id": "woocommerce_manage_stock",
        "label": "Manage stock",
        "type": "checkbox",
        "default": "yes",
        "value": value,
        "group_id": "products",
    }
    return Answer(body=shape)


def system_status(call: Call) -> Answer:
    """GET /system_status: versions, storage of orders, currency."""
    rules = call.site.shop.rules
    environment = {
        "home_url": call.site.home,
        "site_url": call.site.home,
        "version": rules.version,
        "wp_version": "7.0.4",
        "default_timezone": "UTC",
    }
    settings = {
        "currency": rules.currency,
        "HPOS_enabled": rules.hpos,
        "order_datastore": "OrdersTableDataStore" if rules.hpos else "WC_Order_Data_Store_CPT",
    }
    return Answer(body={"environment": environment, "settings": settings})


def order_totals(call: Call) -> Answer:
    """GET /reports/orders/totals: every status and how many orders have it."""
    found = Counter(order.status for order in call.site.shop.orders.values())
    shown = [status for status in orders.STATUSES if status not in ("auto-draft", "trash")]
    return Answer(body=[{"slug": status, "name": status.title(), "total": found[status]} for status in shown])


ROUTES = (
    _route("products", "/products", GET=catalogue.list_products, POST=catalogue.create_product),
    _route("products_batch", "/products/batch", UPDATE=catalogue.batch_products),
    _route(
        "product",
        "/products/#",
        GET=catalogue.get_product,
        UPDATE=catalogue.put_product,
        DELETE=catalogue.delete_product,
    ),
    _route(
        "product_variations", "/products/#/variations", GET=catalogue.list_variations, POST=catalogue.create_variation
    ),
    _route("variations_batch", "/products/#/variations/batch", UPDATE=catalogue.batch_variations),
    _route("variation", "/products/#/variations/#", GET=catalogue.get_variation, UPDATE=catalogue.put_variation),
    _route("variations", "/variations", GET=catalogue.all_variations),
    _route("orders", "/orders", GET=selling.list_orders, POST=selling.create_order),
    _route("order", "/orders/#", GET=selling.get_order, UPDATE=selling.put_order, DELETE=selling.delete_order),
    _route("order_refunds", "/orders/#/refunds", GET=selling.list_refunds, POST=selling.create_refund),
    _route("order_refund", "/orders/#/refunds/#", GET=selling.get_refund, DELETE=selling.delete_refund),
    _route("refunds", "/refunds", GET=selling.all_refunds),
    _route("order_totals", "/reports/orders/totals", GET=order_totals),
    _route("webhooks", "/webhooks", GET=telling.list_webhooks, POST=telling.create_webhook),
    _route(
        "webhook", "/webhooks/#", GET=telling.get_webhook, UPDATE=telling.put_webhook, DELETE=telling.delete_webhook
    ),
    _route("manage_stock_setting", "/settings/products/woocommerce_manage_stock", GET=manage_stock_setting),
    _route("system_status", "/system_status", GET=system_status),
)


def respond(site: Site, request: Request) -> Response:
    """Answer a request for the shop's REST API or its index; anything else is a page of the theme."""
    path, query = site.below(request.path), request.query
    if site.quirks.plain_permalinks:
        if not query.get("rest_route"):
            return _theme_page(site, request)
        path = f"/wp-json{query['rest_route']}"
    if path.rstrip("/") == "/wp-json" and request.path.startswith(site.base):
        return _json(site, Answer(body=_index(site)), query)
    if not request.path.startswith(site.base) or not path.startswith("/wp-json/"):
        return Response(status=404, headers={"Content-Type": "text/html; charset=UTF-8"}, body=b"<h1>Not found</h1>")
    try:
        return _json(site, _answer(site, request, path), query)
    except RestError as error:
        return _json(site, Answer(body=error.shape(), status=error.status), {})


def _answer(site: Site, request: Request, path: str) -> Answer:
    method = request.headers.get("x-http-method-override", request.query.get("_method", request.method)).upper()
    _authenticate(site, request, method)
    for route in ROUTES:
        match = route.path.fullmatch(path.removeprefix(API)) if path.startswith(API) else None
        if match and method in route.methods:
            books = site.books.reads if method == "GET" else site.books.writes
            books[route.name] += 1
            ids = tuple(int(number) for number in match.groups())
            return route.methods[method](Call(site=site, request=request, ids=ids, body=body_of(request)))
    raise catalogue.no_route()


def _authenticate(site: Site, request: Request, method: str) -> None:
    """Keys are only looked at for addresses that name the API, which plain permalinks do not."""
    target = f"{request.path}?{request.query_string}"
    key = None
    if "wp-json/wc/" in target:
        secure = request.scheme == "https" and not site.quirks.hides_https
        key = site.keys.caller(request, secure=secure, headers=not site.quirks.strips_authorization)
    if key is None:
        raise RestError(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
    needed = "read" if method in ("GET", "HEAD", "OPTIONS") else "write"
    if needed not in key.permissions.split("_"):
        message = f"The API key provided does not have {needed} permissions."
        raise RestError(401, "woocommerce_rest_authentication_error", message)


def _theme_page(site: Site, request: Request) -> Response:
    """Without pretty permalinks reading is redirected and writing gets the home page with status 200."""
    if request.method == "GET" and "/wp-json" in request.path:
        return Response(status=301, headers={"Location": f"{site.home}/"})
    return Response(headers={"Content-Type": "text/html; charset=UTF-8"}, body=b"<!DOCTYPE html><title>Shop</title>")


def _index(site: Site) -> dict[str, object]:
    return {
        "name": "Sandbox shop",
        "description": "",
        "url": site.home,
        "home": site.home,
        "gmt_offset": 0,
        "timezone_string": site.shop.rules.time_zone,
        "namespaces": NAMESPACES,
        "routes": {"/": {}},
    }


def _json(site: Site, answer: Answer, query: Mapping[str, str]) -> Response:
    body = encoded(_only(answer.body, query.get("_fields")))
    headers = {
        "Date": format_datetime(site.shop.now(), usegmt=True),
        "Content-Type": "application/json; charset=UTF-8",
        "Cache-Control": "no-cache, must-revalidate, max-age=0, no-store, private",
        **answer.headers,
    }
    return Response(status=answer.status, headers=headers, body=PHP_NOISE + body if site.quirks.php_noise else body)


def _only(body: object, fields: str | None) -> object:
    """Apply `_fields`. In a batch answer it looks at the top level only; an emptied object becomes `[]`, as in PHP."""
    if not fields:
        return body
    names = [name.strip() for name in fields.split(",")]
    if isinstance(body, list):
        return [_pick(item, names) for item in body]
    if not isinstance(body, dict):
        return body
    picked = _pick(body, names)
    if "id" in picked and "_links" in body:
        picked["_links"] = body["_links"]
    return picked or []


def _pick(item: object, names: list[str]) -> dict[str, object]:
    if not isinstance(item, dict):
        return {}
    found: dict[str, object] = {name: item[name] for name in item if name in names}
    for name in names:
        top, _, rest = name.partition(".")
        if rest and top in item and top not in found:
            found[top] = _pick(item[top], [rest]) if isinstance(item[top], dict) else []
    return found
