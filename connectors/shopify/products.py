"""Making products: one call each, counted, and with no figure: the first push gives it, compared like every other.

Shopify's search index lags, so a product that was made a moment ago is not found by its SKU. But no two products have
the same handle (the last part of a product's address), and ours follows from the SKU alone: a second product for one
SKU is refused, and the first is found by its handle, straight from the database.
"""

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import replace

from connectors.sdk.errors import AccessDenied, ConnectorError, MalformedPayload, OutcomeUnknown, RefusalKind, Refused
from connectors.sdk.reader import Reader
from connectors.sdk.values import CatalogueItem, CreateOutcome, CreateResult, NewItem, NewItems
from connectors.shopify import translate
from connectors.shopify.client import ShopifyClient
from connectors.shopify.documents import gid
from connectors.shopify.locations import StoreLocation
from connectors.shopify.translate import DEFAULT_TITLE, NOT_STOCKED

CREATE_ROWS = 1
OPERATION = "make a product"
NO_RIGHT = (
    "The app may not make products in this store. Give it the right write_products in Shopify, or connect the store "
    "again and approve."
)
_LONGEST_SLUG = 60
_OPTION = "Title"


def create(client: ShopifyClient, location: StoreLocation, wanted: NewItems) -> Mapping[str, CreateResult]:
    """Every product that the store does not have yet."""
    return {new.sku: _create_one(client, location, new, wanted) for new in wanted.items}


def handle_of(sku: str) -> str:
    """The handle of a product that we make: readable, and another one for every SKU."""
    plain = unicodedata.normalize("NFKD", sku).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].rstrip("-")
    mark = hashlib.sha256(sku.encode()).hexdigest()[:10]
    return f"{slug}-{mark}" if slug else f"sku-{mark}"


def _create_one(client: ShopifyClient, location: StoreLocation, new: NewItem, wanted: NewItems) -> CreateResult:
    found = _found(client, location, new.sku)
    if found is not None:
        return _stocked(client, location, found, wanted, CreateOutcome.EXISTS)
    variables = {"input": _input(new, is_draft=wanted.is_draft), "location": location.gid()}
    try:
        told = client.write("create_product", OPERATION, variables, not_after=wanted.not_after)
    except AccessDenied as error:  # the key is right, it has just read: what is missing is the right to make products
        raise Refused(NO_RIGHT, kind=RefusalKind.CONFIGURATION, operation=OPERATION) from error
    try:
        payload = told.data.nested("productSet")
        errors = list(payload.each("userErrors"))
        made = None if errors else _only_variant(payload)
    except MalformedPayload as error:
        raise OutcomeUnknown(
            f"Shopify did not say whether it made the product. {error}", operation=OPERATION
        ) from error
    if made is not None:
        return _stocked(client, location, made, wanted, CreateOutcome.CREATED)
    found = _found(client, location, new.sku)  # somebody was quicker, perhaps an earlier call of ours
    if found is not None:
        return _stocked(client, location, found, wanted, CreateOutcome.EXISTS)
    return CreateResult(outcome=CreateOutcome.REFUSED, words=_words(errors))


def _input(new: NewItem, *, is_draft: bool) -> dict[str, object]:
    """No id and no identifier: so Shopify makes a product, and never changes one."""
    variant: dict[str, object] = {
        "optionValues": [{"optionName": _OPTION, "name": DEFAULT_TITLE}],
        "sku": new.sku,
        "inventoryItem": {"tracked": True},
        "inventoryPolicy": "DENY",
    }
    if new.price is not None:
        variant["price"] = str(new.price)
    product: dict[str, object] = {
        "title": new.title,
        "handle": handle_of(new.sku),
        "status": "DRAFT" if is_draft else "ACTIVE",
        "productOptions": [{"name": _OPTION, "values": [{"name": DEFAULT_TITLE}]}],
        "variants": [variant],
    }
    if new.image_url:
        product["files"] = [{"originalSource": new.image_url, "contentType": "IMAGE", "alt": new.title}]
    return product


def _found(client: ShopifyClient, location: StoreLocation, sku: str) -> CatalogueItem | None:
    """The unit with exactly this SKU, by the search index and by our own handle."""
    quoted = sku.replace("\\", "\\\\").replace("'", "\\'")
    variables = {"query": f"sku:'{quoted}'", "handle": handle_of(sku), "location": location.gid()}
    data = client.read("find_sku", "look for a product", variables).data
    rows = list(data.nested("productVariants").each("nodes"))
    ours = data.maybe_nested("productByIdentifier")
    if ours is not None:
        rows += ours.nested("variants").each("nodes")
    return next((item for item in map(translate.item, rows) if item.sku == sku), None)


def _only_variant(payload: Reader) -> CatalogueItem:
    rows = list(payload.nested("product").nested("variants").each("nodes"))
    if len(rows) != 1:
        raise MalformedPayload(f"The new product has {len(rows)} variants.")
    return translate.item(rows[0])


def _stocked(
    client: ShopifyClient, location: StoreLocation, item: CatalogueItem, wanted: NewItems, outcome: CreateOutcome
) -> CreateResult:
    """Shopify stocks a new item where it sees fit; its figure can only be written where it is stocked."""
    if item.blocked != NOT_STOCKED:
        return CreateResult(outcome=outcome, item=item)
    variables = {
        "item": gid("InventoryItem", item.ref.stock_id),
        "location": location.gid(),
        "key": str(uuid.uuid5(uuid.UUID(wanted.key), item.ref.stock_id)),
    }
    try:
        told = client.write("activate_item", "stock a product", variables, not_after=wanted.not_after)
        errors = list(told.data.nested("inventoryActivate").each("userErrors"))
    except ConnectorError as error:
        return CreateResult(outcome=outcome, item=item, words=f"{NOT_STOCKED} {error}")
    if errors:
        return CreateResult(outcome=outcome, item=item, words=f"{NOT_STOCKED} {_words(errors)}")
    return CreateResult(outcome=outcome, item=replace(item, blocked="", quantity=0))


def _words(errors: list[Reader]) -> str:
    return "; ".join(error.maybe_text("message") or "" for error in errors)
