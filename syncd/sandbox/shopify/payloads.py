"""Bodies of webhooks, in the REST shape that Shopify keeps for them. Pure.

Field names and oddities follow the published examples (numbers for ids, strings for money, a local time with offset).
"""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from syncd.sandbox.shopify.records import (
    FulfillmentOrder,
    Item,
    Level,
    Location,
    Product,
    Return,
    Variant,
)
from syncd.sandbox.shopify.shop import (
    Body,
    Shop,
)

SHOP_TIME = timezone(timedelta(hours=-5))
FULL_VARIANTS = 100


def gid(kind: str, number: int) -> str:
    """A global id, such as gid://shopify/Order/1."""
    return f"gid://shopify/{kind}/{number}"


def level_gid(level: Level) -> str:
    """A level's global id: the number in it is the location's, as in the published examples."""
    return f"gid://shopify/InventoryLevel/{level.location.number}?inventory_item_id={level.item.number}"


def local(moment: datetime | None) -> str | None:
    """A timestamp as webhooks write it: whole seconds in the shop's own zone."""
    return None if moment is None else moment.astimezone(SHOP_TIME).isoformat(timespec="seconds")


def money(amount: Decimal) -> str:
    """An amount with two places."""
    return f"{amount:.2f}"


def money_set(shop: Shop, amount: Decimal) -> Body:
    """An amount in shop and presentment money, which are the same here."""
    one = {"amount": money(amount), "currency_code": shop.currency}
    return {"shop_money": one, "presentment_money": one}


def level_body(level: Level) -> Body:
    """inventory_levels/update and /connect."""
    return {
        "inventory_item_id": level.item.number,
        "location_id": level.location.number,
        "available": level.available,
        "updated_at": local(level.updated_at),
        "admin_graphql_api_id": level_gid(level),
    }


def item_body(item: Item) -> Body:
    """inventory_items/create and /update."""
    return {
        "id": item.number,
        "sku": item.sku,
        "created_at": local(item.created_at),
        "updated_at": local(item.updated_at),
        "requires_shipping": item.requires_shipping,
        "cost": None,
        "tracked": item.tracked,
        "admin_graphql_api_id": gid("InventoryItem", item.number),
    }


def item_deleted_body(item: Item) -> Body:
    """inventory_items/delete: no SKU in it."""
    return {
        "id": item.number,
        "country_code_of_origin": None,
        "admin_graphql_api_id": gid("InventoryItem", item.number),
    }


def product_body(shop: Shop, product: Product) -> Body:
    """products/create and /update: full variants for the first hundred, ids for all."""
    return {
        "id": product.number,
        "admin_graphql_api_id": gid("Product", product.number),
        "title": product.title,
        "handle": product.handle,
        "vendor": product.vendor,
        "status": product.status.lower(),
        "created_at": local(product.created_at),
        "updated_at": local(product.updated_at),
        "variants": [_variant_body(shop, variant) for variant in product.variants[:FULL_VARIANTS]],
        "variant_gids": [
            {"admin_graphql_api_id": gid("ProductVariant", v.number), "updated_at": local(v.updated_at)}
            for v in product.variants
        ],
        "has_variants_that_requires_components": any(v.requires_components for v in product.variants),
    }


def _variant_body(shop: Shop, variant: Variant) -> Body:
    return {
        "id": variant.number,
        "admin_graphql_api_id": gid("ProductVariant", variant.number),
        "product_id": variant.product.number,
        "title": variant.title,
        "price": money(variant.price),
        "sku": variant.item.sku,
        "inventory_policy": variant.policy.lower(),
        "inventory_item_id": variant.item.number,
        "inventory_quantity": shop.available(variant.item),
        "old_inventory_quantity": shop.available(variant.item),
        "updated_at": local(variant.updated_at),
    }


def location_body(location: Location) -> Body:
    """locations/*."""
    return {
        "id": location.number,
        "name": location.name,
        "created_at": local(location.created_at),
        "updated_at": local(location.updated_at),
        "legacy": location.is_fulfillment_service,
        "active": location.is_active,
        "admin_graphql_api_id": gid("Location", location.number),
    }


def moved_body(source: FulfillmentOrder, moved: FulfillmentOrder, origin: Location) -> Body:
    """fulfillment_orders/moved: global ids, and no order id."""

    def one(what: FulfillmentOrder, place: Location) -> Body:
        return {
            "id": gid("FulfillmentOrder", what.number),
            "status": what.status.lower(),
            "assigned_location_id": gid("Location", place.number),
        }

    return {
        "original_fulfillment_order": one(source, origin),
        "moved_fulfillment_order": one(moved, moved.location),
        "destination_location_id": gid("Location", moved.location.number),
        "source_location": {"id": gid("Location", origin.number)},
    }


def routed_body(order: FulfillmentOrder) -> Body:
    """fulfillment_orders/order_routing_complete: id and status only."""
    return {"fulfillment_order": {"id": gid("FulfillmentOrder", order.number), "status": order.status.lower()}}


def return_body(what: Return) -> Body:
    """returns/approve and /close, in their different shapes."""
    head: Body = {
        "id": what.number,
        "admin_graphql_api_id": gid("Return", what.number),
        "status": what.status.lower(),
    }
    if what.status == "CLOSED":
        return {**head, "order_id": what.order.number}
    order = {"id": what.order.number, "admin_graphql_api_id": gid("Order", what.order.number)}
    return {**head, "order": order, "total_return_line_items": len(what.lines), "return_line_items": []}
