"""Resolvers of the query root, and of the few records that are neither stock nor orders."""
# ruff: noqa: ARG001, ARG005 (all resolvers share one signature)

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast

from syncd.sandbox.shopify.api.bulk import Operation
from syncd.sandbox.shopify.api.call import Args, Call, Fields, Resolver, check_array, parse_gid
from syncd.sandbox.shopify.api.connections import paginate
from syncd.sandbox.shopify.api.search import search
from syncd.sandbox.shopify.api.stock import by_number, count, identity, numbered, of
from syncd.sandbox.shopify.payloads import gid
from syncd.sandbox.shopify.records import FulfillmentOrder, Location, Order, Refund, Return
from syncd.sandbox.shopify.webhooks import Subscription

Finder = Callable[[Call, int], object]

VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")


def _lookup(call: Call, value: object, *kinds: str) -> object:
    """The record behind a global id, or None."""
    kind, number = parse_gid(value, *kinds)
    if kind == "InventoryLevel":
        return _level(call, str(value))
    find = FINDERS.get(kind)
    return None if find is None else find(call, number)


def _of_orders(parts: Callable[[Order], Sequence[Refund | Return | FulfillmentOrder]]) -> Finder:
    """Finds what belongs to an order."""

    def find(call: Call, number: int) -> object:
        return next((part for order in call.visible_orders() for part in parts(order) if part.number == number), None)

    return find


def _order(call: Call, number: int) -> object:
    order = call.shop.orders.get(number)
    return order if order is not None and call.sees(order) else None


def _subscription(call: Call, number: int) -> object:
    found = call.services.webhooks.subscriptions.get(number)
    return found if found is not None and not found.is_app_configured else None


FINDERS: dict[str, Finder] = {
    "BulkOperation": lambda call, number: call.services.bulk.operations.get(number),
    "FulfillmentOrder": _of_orders(lambda order: order.fulfillment_orders),
    "InventoryAdjustmentGroup": lambda call, number: call.shop.groups.get(number),
    "InventoryItem": lambda call, number: call.shop.items.get(number),
    "Location": lambda call, number: call.shop.locations.get(number),
    "Order": _order,
    "Product": lambda call, number: call.shop.products.get(number),
    "ProductVariant": lambda call, number: call.shop.variants.get(number),
    "Refund": _of_orders(lambda order: order.refunds),
    "Return": _of_orders(lambda order: order.returns),
    "WebhookSubscription": _subscription,
}


def _level(call: Call, value: str) -> object:
    location, _, item = value.removeprefix("gid://shopify/InventoryLevel/").partition("?inventory_item_id=")
    if not (location.isdigit() and item.isdigit()):
        return None
    return call.shop.levels.get((int(item), int(location)))


def one(kind: str) -> Resolver:
    """A root field that finds one record by `id`."""

    def resolve(call: Call, source: object, args: Args) -> object:
        return _lookup(call, args["id"], kind)

    return resolve


def _nodes(call: Call, source: object, args: Args) -> object:
    check_array(args["ids"], "ids")
    return [_lookup(call, value) for value in cast(Sequence[object], args["ids"])]


def _by_identifier(call: Call, source: object, args: Args) -> object:
    """By id or handle, straight from the store's own records: no search index is in between."""
    wanted = cast(Mapping[str, object], args["identifier"])
    if wanted.get("id"):
        return _lookup(call, wanted["id"], "Product")
    return next((one for one in call.shop.products.values() if one.handle == wanted.get("handle")), None)


def _all(kind: str, elements: Callable[[Call, Args], Iterable[object]]) -> Resolver:
    """A root connection: search, sort, cut."""

    def resolve(call: Call, source: object, args: Args) -> object:
        found = search(call, elements(call, args), args.get("query"), kind)
        return paginate(call, found, args, _sort_key(args.get("sortKey")))

    return resolve


def _sort_key(name: object) -> Callable[[object], tuple[str, int]]:
    attribute = {"UPDATED_AT": "updated_at", "CREATED_AT": "created_at", "PROCESSED_AT": "created_at", "NAME": "name"}
    wanted = attribute.get(str(name))
    if wanted is None:
        return by_number

    def key(element: object) -> tuple[str, int]:
        value = getattr(element, wanted)
        return (value.isoformat() if isinstance(value, datetime) else str(value)), by_number(element)[1]

    return key


def _locations(call: Call, args: Args) -> list[Location]:
    return [
        location
        for location in call.shop.locations.values()
        if (location.is_active or args.get("includeInactive"))
        and (not location.is_fulfillment_service or args.get("includeLegacy"))
    ]


def _subscriptions(call: Call, args: Args) -> list[Subscription]:
    topics = args.get("topics")
    return [
        s
        for s in call.services.webhooks.listed()
        if (not topics or _topic_enum(s) in cast(list[str], topics))
        and args.get("uri") in (None, s.uri)
        and args.get("callbackUrl") in (None, s.uri)
    ]


def _topic_enum(subscription: Subscription) -> str:
    return subscription.topic.upper().replace("/", "_")


def _shop(call: Call, source: object, args: Args) -> object:
    now = call.shop.now()
    return {
        "id": gid("Shop", 1),
        "name": call.shop.domain.removesuffix(".myshopify.com"),
        "myshopifyDomain": call.shop.domain,
        "currencyCode": call.shop.currency,
        "ianaTimezone": "America/New_York",
        "timezoneOffset": "-0500",
        "taxesIncluded": call.shop.taxes_included,
        "email": f"owner@{call.shop.domain}",
        "url": f"https://{call.shop.domain}",
        "createdAt": now,
        "updatedAt": now,
        "setupRequired": False,
        "weightUnit": "KILOGRAMS",
        "plan": {"partnerDevelopment": False, "publicDisplayName": "Standard", "shopifyPlus": False},
    }


def _installation(call: Call, source: object, args: Args) -> object:
    return {
        "id": gid("AppInstallation", 1),
        "accessScopes": [{"handle": scope, "description": scope} for scope in sorted(call.scopes)],
        "app": {"id": gid("App", 1), "apiKey": call.client_id, "handle": "syncd", "title": "syncd"},
        "launchUrl": f"{call.address}/admin/apps",
    }


def _versions(call: Call, source: object, args: Args) -> object:
    return [{"handle": v, "displayName": v, "supported": v in VERSIONS} for v in (*VERSIONS, "2027-01")]


def _url(call: Call, source: object, args: Args) -> object:
    operation = cast(Operation, source)
    return _file(call, operation) if operation.status == "COMPLETED" and operation.lines else None


def _partial(call: Call, source: object, args: Args) -> object:
    operation = cast(Operation, source)
    return _file(call, operation) if operation.status == "FAILED" and operation.lines else None


def _file(call: Call, operation: Operation) -> str:
    return f"{call.address}/_bulk/{operation.number}.jsonl"


def _size(operation: Operation) -> str | None:
    return str(len(operation.file)) if operation.lines else None


def _visible(call: Call, args: Args) -> list[Order]:
    return call.visible_orders()


FIELDS: dict[str, Fields] = {
    "QueryRoot": {
        "shop": _shop,
        "currentAppInstallation": _installation,
        "publicApiVersions": _versions,
        "node": lambda call, source, args: _lookup(call, args["id"]),
        "nodes": _nodes,
        "order": one("Order"),
        "product": one("Product"),
        "productByIdentifier": _by_identifier,
        "productVariant": one("ProductVariant"),
        "inventoryItem": one("InventoryItem"),
        "inventoryLevel": one("InventoryLevel"),
        "refund": one("Refund"),
        "return": one("Return"),
        "fulfillmentOrder": one("FulfillmentOrder"),
        "bulkOperation": one("BulkOperation"),
        "webhookSubscription": one("WebhookSubscription"),
        "location": lambda call, source, args: (
            _lookup(call, args["id"], "Location") if args.get("id") else next(iter(call.shop.locations.values()), None)
        ),
        "orders": _all("orders", _visible),
        "ordersCount": lambda call, source, args: count(
            len(search(call, call.visible_orders(), args.get("query"), "orders"))
        ),
        "products": _all("products", lambda call, args: call.shop.products.values()),
        "productVariants": _all("productVariants", lambda call, args: call.shop.variants.values()),
        "productVariantsCount": lambda call, source, args: count(
            len(search(call, call.shop.variants.values(), args.get("query"), "productVariants"))
        ),
        "inventoryItems": _all("inventoryItems", lambda call, args: call.shop.items.values()),
        "locations": _all("locations", _locations),
        "webhookSubscriptions": _all("webhookSubscriptions", _subscriptions),
        "bulkOperations": _all("bulkOperations", lambda call, args: call.services.bulk.operations.values()),
    },
    "WebhookSubscription": {
        **numbered("WebhookSubscription"),
        "topic": of(Subscription, _topic_enum),
        "format": of(Subscription, lambda x: "JSON"),
        "callbackUrl": of(Subscription, lambda x: x.uri),
        "includeFields": of(Subscription, lambda x: list(x.include_fields)),
        "filter": of(Subscription, lambda x: None),
        "metafieldNamespaces": of(Subscription, lambda x: []),
        "apiVersion": lambda call, x, args: {
            "handle": call.services.webhooks.api_version,
            "displayName": call.services.webhooks.api_version,
            "supported": True,
        },
    },
    "BulkOperation": {
        "id": identity("BulkOperation"),
        "url": _url,
        "partialDataUrl": _partial,
        "type": of(Operation, lambda x: "QUERY"),
        "fileSize": of(Operation, _size),
        "objectCount": of(Operation, lambda x: str(len(x.lines))),
        "rootObjectCount": of(Operation, lambda x: str(x.roots)),
    },
}
