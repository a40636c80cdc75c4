"""What Shopify delivers: who signed it, what makes two deliveries the same, and what it says. Pure.

Only the body is signed; the topic and the store's name stand in headers that anybody who has the secret's other stores
could change. So a delivery counts only if it names our own store.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from connectors.sdk.answer import parse_json
from connectors.sdk.errors import MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.signatures import check_hmac_base64
from connectors.sdk.values import (
    AccessEnded,
    Fact,
    ListingChanged,
    Nothing,
    OrderChanged,
    OrderRefunds,
    PrivacyRequest,
    ProductChanged,
    StockHint,
)
from connectors.shopify import payloads
from connectors.shopify.auth import missing_rights
from connectors.shopify.documents import number_of

ORDER_FIELDS = (
    "id",
    "admin_graphql_api_id",
    "name",
    "created_at",
    "updated_at",
    "cancelled_at",
    "financial_status",
    "currency",
    "taxes_included",
    "test",
    "total_tax",
    "total_shipping_price_set",
    "line_items",
    "refunds",
    "returns",
)
PRODUCT_FIELDS = ("id", "admin_graphql_api_id", "updated_at", "variant_gids")

TOPICS: Mapping[str, tuple[str, ...]] = {
    "orders/create": ORDER_FIELDS,
    "orders/updated": ORDER_FIELDS,
    "orders/cancelled": ORDER_FIELDS,
    "orders/edited": (),
    "orders/delete": (),
    "refunds/create": (),
    "inventory_levels/update": (),
    "inventory_levels/connect": (),
    "inventory_levels/disconnect": (),
    "inventory_items/update": (),
    "inventory_items/delete": (),
    "products/create": PRODUCT_FIELDS,
    "products/update": PRODUCT_FIELDS,
    "products/delete": (),
    "app/uninstalled": (),
    "app/scopes_update": (),
}
"""What we subscribe to, and which fields we want of it: none of a customer's. Empty means all of them."""

TOGETHER = timedelta(seconds=5)
_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_LONGEST_KEY = 200


class ShopifyDoor:
    """What can be said of a delivery before its connection is loaded."""

    def account_id(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002
        """The store's myshopify.com name, as the header claims it."""
        told = headers.get("x-shopify-shop-domain", "").lower()
        return told if _SHOP.fullmatch(told) else None

    def is_unsigned_ping(self, headers: Mapping[str, str], body: bytes) -> bool:  # noqa: ARG002
        """Shopify greets nobody."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:  # noqa: ARG002
        """InvalidSignature unless a secret signed the bytes. The time is in no signed place."""
        check_hmac_base64(body, headers.get("x-shopify-hmac-sha256"), secrets)

    def secrets(self, credentials: Mapping[str, str]) -> tuple[str, ...]:
        """The key of webhooks made by hand, and the app's own; after a rotation the old one signs for up to an hour."""
        names = ("webhook_secret", "client_secret", "old_client_secret")
        return tuple(secret for name in names if (secret := credentials.get(name)))

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Topic and delivery id, which retries and duplicates repeat. The event id is shared by several deliveries."""
        topic, delivery = self.topic(headers, body), headers.get("x-shopify-webhook-id", "")
        key = f"{topic} {delivery}"
        if delivery and len(key) <= _LONGEST_KEY:
            return key
        return hashlib.sha256(f"{key}\n".encode() + body).hexdigest()

    def topic(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        """As Shopify names it, such as orders/create."""
        return headers.get("x-shopify-topic", "").lower()


# ------------------------------------------------------------------------------------------------- what it says


def facts(headers: Mapping[str, str], body: bytes, *, shop: str, location_id: str | None) -> tuple[Fact, ...]:
    """Translate a proven delivery. `location_id` is the location whose figures count; None as long as it is not known.

    MalformedPayload for a body that is not what its topic promises, and for one of another store.
    """
    if headers.get("x-shopify-shop-domain", "").lower() != shop:
        raise MalformedPayload("This delivery names another store than the one it was sent for.")
    topic = headers.get("x-shopify-topic", "").lower()
    row = Reader.of(parse_json(body), topic or "the delivery")
    if topic.startswith("inventory_levels/"):
        return (_level(row, _told_at(row, headers), location_id),)
    if topic.startswith("inventory_items/"):
        return (StockHint(stock_id=row.id("id"), quantity=None, at=_told_at(row, headers)),)
    return _BY_TOPIC.get(topic, _nothing)(row)


def _told_at(row: Reader, headers: Mapping[str, str]) -> datetime:
    """The platform's time of it: the body's, else when the delivery was triggered."""
    return row.maybe_time("updated_at") or Reader(headers, "the headers").time("x-shopify-triggered-at")


def _level(row: Reader, at: datetime, location_id: str | None) -> Fact:
    """A level at another location is none of ours. `connect` and `disconnect` tell no figure that could be trusted."""
    stock_id, location = row.id("inventory_item_id"), row.id("location_id")
    if location_id is not None and location != location_id:
        return Nothing(words="a figure at a location that is not synchronised")
    known = location_id is not None
    return StockHint(stock_id=stock_id, quantity=row.maybe_whole("available") if known else None, at=at)


def _order(row: Reader) -> tuple[Fact, ...]:
    """A return may have put units back without any refund; only reading the order tells."""
    told = payloads.order(row)
    if row.has("returns") and row.values("returns"):
        return (told, OrderChanged(order_id=told.order_id))
    return (told,)


def _edited(row: Reader) -> tuple[Fact, ...]:
    return (OrderChanged(order_id=row.nested("order_edit").id("order_id")),)


def _deleted(row: Reader) -> tuple[Fact, ...]:
    return (OrderChanged(order_id=row.id("id"), may_be_gone=True),)


def _refund(row: Reader) -> tuple[Fact, ...]:
    return (OrderRefunds(order_id=row.id("order_id"), refunds=(payloads.refund(row),)),)


def _return(row: Reader) -> tuple[Fact, ...]:
    """The order stands in different places; a body without one moves nothing that we could name."""
    nested = row.maybe_nested("order")
    order_id = row.maybe_id("order_id") or (nested.maybe_id("id") if nested else None)
    return (OrderChanged(order_id=order_id),) if order_id else _nothing(row)


def _product(row: Reader) -> tuple[Fact, ...]:
    """The variants that changed with the product: it is also told of at every sale, when none of them has."""
    row.id("id")
    changed_at = row.time("updated_at")
    rows = list(row.each("variant_gids"))
    changed = [each for each in rows if (each.maybe_time("updated_at") or changed_at) >= changed_at - TOGETHER]
    found = [number_of(each.text("admin_graphql_api_id"), "ProductVariant") for each in changed]
    if not found:
        return (Nothing(words="a product of which no variant changed"),)
    return tuple(ListingChanged(external_id=external_id) for external_id in found)


def _gone(row: Reader) -> tuple[Fact, ...]:
    """Only the product is named; its inventory items tell of themselves as well, one by one."""
    return (ProductChanged(product_id=row.id("id")),)


def _uninstalled(row: Reader) -> tuple[Fact, ...]:
    row.id("id")
    return (AccessEnded(words="The app was removed from the store. Connect it again."),)


def _rights(row: Reader) -> tuple[Fact, ...]:
    missing = missing_rights([right for right in row.values("current") if isinstance(right, str)])
    if missing:
        return (AccessEnded(words=f"The store has taken rights away: {', '.join(missing)}. Connect it again."),)
    return (Nothing(words="the app's rights changed, and it still has those it needs"),)


def _privacy(kind: str) -> Callable[[Reader], tuple[Fact, ...]]:
    def told(row: Reader) -> tuple[Fact, ...]:
        row.id("shop_id")
        keys = ("orders_to_redact", "orders_requested")
        orders = [each for key in keys for each in (row.maybe_values(key) or [])]
        ids = tuple(str(each) for each in orders if isinstance(each, int | str))
        return (PrivacyRequest(kind=kind, order_ids=ids),)

    return told


def _nothing(row: Reader) -> tuple[Fact, ...]:
    return (Nothing(words=f"{row.where}: nothing that moves stock here"),)


_BY_TOPIC: Mapping[str, Callable[[Reader], tuple[Fact, ...]]] = {
    "orders/create": _order,
    "orders/updated": _order,
    "orders/cancelled": _order,
    "orders/paid": _order,
    "orders/fulfilled": _order,
    "orders/partially_fulfilled": _order,
    "orders/edited": _edited,
    "orders/delete": _deleted,
    "refunds/create": _refund,
    "returns/approve": _return,
    "returns/close": _return,
    "returns/process": _return,
    "products/create": _product,
    "products/update": _product,
    "products/delete": _gone,
    "app/uninstalled": _uninstalled,
    "app/scopes_update": _rights,
    "customers/data_request": _privacy("customers/data_request"),
    "customers/redact": _privacy("customers/redact"),
    "shop/redact": _privacy("shop/redact"),
}
