"""The schema of version 2026-10, read from the SDL beside this package, and how its scalars are written."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from graphql import GraphQLResolveInfo, GraphQLScalarType, GraphQLSchema, build_schema

from syncd.sandbox.shopify.api import acts, inventory, orders, products, root, stock
from syncd.sandbox.shopify.api.bulk import Operation
from syncd.sandbox.shopify.api.call import Call, Fields, failure
from syncd.sandbox.shopify.records import (
    AdjustmentGroup,
    FulfillmentOrder,
    Item,
    Level,
    Location,
    Order,
    Product,
    Refund,
    Return,
    ReturnLine,
    Variant,
)
from syncd.sandbox.shopify.webhooks import Subscription

TABLE: dict[str, Fields] = {
    **root.FIELDS,
    **stock.FIELDS,
    **orders.FIELDS,
    "Mutation": {**inventory.FIELDS, **products.FIELDS, **acts.FIELDS},
}

TYPE_NAMES: Mapping[type, str] = {
    AdjustmentGroup: "InventoryAdjustmentGroup",
    FulfillmentOrder: "FulfillmentOrder",
    Item: "InventoryItem",
    Level: "InventoryLevel",
    Location: "Location",
    Operation: "BulkOperation",
    Order: "Order",
    Product: "Product",
    Refund: "Refund",
    Return: "Return",
    ReturnLine: "ReturnLineItem",
    Subscription: "WebhookSubscription",
    Variant: "ProductVariant",
}

SCOPES: Mapping[tuple[str, str], str] = {
    ("QueryRoot", "orders"): "read_orders",
    ("QueryRoot", "order"): "read_orders",
    ("QueryRoot", "ordersCount"): "read_orders",
    ("QueryRoot", "refund"): "read_orders",
    ("QueryRoot", "return"): "read_returns",
    ("QueryRoot", "products"): "read_products",
    ("QueryRoot", "product"): "read_products",
    ("QueryRoot", "productByIdentifier"): "read_products",
    ("QueryRoot", "productVariants"): "read_products",
    ("QueryRoot", "productVariant"): "read_products",
    ("QueryRoot", "productVariantsCount"): "read_products",
    ("QueryRoot", "inventoryItem"): "read_inventory",
    ("QueryRoot", "inventoryItems"): "read_inventory",
    ("QueryRoot", "inventoryLevel"): "read_inventory",
    ("QueryRoot", "locations"): "read_locations",
    ("QueryRoot", "location"): "read_locations",
    ("ProductVariant", "inventoryItem"): "read_inventory",
    ("Order", "returns"): "read_returns",
    ("Order", "fulfillmentOrders"): "read_merchant_managed_fulfillment_orders",
    ("Mutation", "inventorySetQuantities"): "write_inventory",
    ("Mutation", "inventoryAdjustQuantities"): "write_inventory",
    ("Mutation", "inventoryActivate"): "write_inventory",
    ("Mutation", "inventoryDeactivate"): "write_inventory",
    ("Mutation", "inventoryItemUpdate"): "write_inventory",
    ("Mutation", "productCreate"): "write_products",
    ("Mutation", "productSet"): "write_products",
    ("Mutation", "productVariantsBulkCreate"): "write_products",
    ("Mutation", "productVariantsBulkUpdate"): "write_products",
    ("Mutation", "refundCreate"): "write_orders",
    ("Mutation", "orderCancel"): "write_orders",
}


@cache
def admin_schema() -> GraphQLSchema:
    """The schema, built once."""
    sdl = files("syncd.sandbox.shopify").joinpath("admin-2026-10.graphql").read_text(encoding="utf-8")
    schema = build_schema(sdl)
    moment = schema.get_type("DateTime")
    if isinstance(moment, GraphQLScalarType):
        moment.coerce_output_value = _write_moment
    return schema


def _write_moment(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"not a time: {type(value)}")
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def resolve(source: object, info: GraphQLResolveInfo[Call], **args: object) -> object:
    """Find a field: by the table, by the attribute or key of the same name, or say that it is not simulated."""
    call: Call = info.context
    kind, name = info.parent_type.name, info.field_name
    scope = SCOPES.get((kind, name))
    if scope is not None and not call.may(scope):
        raise failure("ACCESS_DENIED", f"Access denied for {name} field. Required access: `{scope}` access scope.")
    resolver = TABLE.get(kind, {}).get(name)
    if resolver is not None:
        return resolver(call, source, args)
    if isinstance(source, Mapping) and name in source:
        return source[name]
    attribute = "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)
    if kind not in ("QueryRoot", "Mutation") and hasattr(source, attribute):
        return getattr(source, attribute)
    raise failure("NOT_SIMULATED", f"{kind}.{name} is not part of this simulation")


def type_name(value: object, *_: object) -> str | None:
    """The concrete type of a Node and of similar interfaces."""
    return TYPE_NAMES.get(type(value))
