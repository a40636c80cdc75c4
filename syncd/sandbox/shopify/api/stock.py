"""Resolvers of locations, products, variants, inventory items and levels."""
# ruff: noqa: ARG001, ARG005 (all resolvers share one signature)

from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from syncd.sandbox.shopify.api.call import Args, Call, Fields, Resolver, number_in
from syncd.sandbox.shopify.api.connections import paginate
from syncd.sandbox.shopify.api.search import search
from syncd.sandbox.shopify.payloads import gid, level_gid, money
from syncd.sandbox.shopify.records import Adjustment, AdjustmentGroup, Item, Level, Location, Product, Variant
from syncd.sandbox.shopify.shop import Shop

T = TypeVar("T")


def of(kind: type[T], read: Callable[[T], object]) -> Resolver:
    """A resolver that only reads its source, which is a record of this kind."""

    def resolve(call: Call, source: object, args: Args) -> object:
        return read(cast(T, source))

    return resolve


def identity(kind: str) -> Resolver:
    """The `id` field of a numbered record."""

    def resolve(call: Call, source: object, args: Args) -> object:
        return gid(kind, source.number)  # type: ignore[attr-defined]

    return resolve


def numbered(kind: str) -> Fields:
    """`id` and `legacyResourceId` of a numbered record."""
    return {"id": identity(kind), "legacyResourceId": lambda call, source, args: str(source.number)}  # type: ignore[attr-defined]


def by_number(element: object) -> tuple[str, int]:
    """Sort by number."""
    return "", element.number  # type: ignore[attr-defined]


def count(number: int) -> dict[str, object]:
    """A Count."""
    return {"count": min(number, 25_001), "precision": "AT_LEAST" if number > 25_000 else "EXACT"}


def _levels(call: Call, levels: Iterable[Level], args: Args) -> object:
    wanted = [level for level in levels if args.get("includeInactive") or level.is_active]
    found = search(call, wanted, args.get("query"), "inventoryLevels")
    return paginate(call, found, args, lambda level: (level_gid(cast(Level, level)), 0))


def _item_level(call: Call, source: object, args: Args) -> object:
    return _level(call, cast(Item, source).number, number_in(args["locationId"], "Location"), args)


def _location_level(call: Call, source: object, args: Args) -> object:
    return _level(call, number_in(args["inventoryItemId"], "InventoryItem"), cast(Location, source).number, args)


def _level(call: Call, item: int, location: int, args: Args) -> object:
    level = call.shop.levels.get((item, location))
    return level if level and (level.is_active or args.get("includeInactive")) else None


QUANTITIES: dict[str, Callable[[Level], int]] = {
    "available": lambda level: level.available,
    "committed": lambda level: level.committed,
    "on_hand": lambda level: level.on_hand,
    "reserved": lambda level: level.reserved,
    "incoming": lambda level: 0,
    "damaged": lambda level: 0,
    "quality_control": lambda level: 0,
    "safety_stock": lambda level: 0,
}


def _quantities(call: Call, source: object, args: Args) -> object:
    level = cast(Level, source)
    return [
        {
            "id": f"gid://shopify/InventoryQuantity/{level.item.number}?inventory_item_id={level.item.number}&name={name}",
            "name": name,
            "quantity": QUANTITIES[name](level),
            "updatedAt": level.updated_at,
        }
        for name in cast(list[str], args["names"])
        if name in QUANTITIES
    ]


def _duplicates(shop: Shop, item: Item) -> int:
    return sum(other.sku == item.sku for other in shop.items.values()) - 1 if item.sku else 0


def _options(variant: Variant) -> list[dict[str, object]]:
    value = {"id": gid("ProductOptionValue", variant.number), "name": variant.title, "hasVariants": True}
    return [{"name": variant.product.option_name, "value": variant.title, "optionValue": value}]


def _components(call: Call, source: object, args: Args) -> object:
    parts = [
        {
            "number": part.number,
            "id": gid("ProductVariantComponent", part.number),
            "productVariant": part,
            "quantity": n,
        }
        for part, n in cast(Variant, source).components
    ]
    return paginate(call, parts, args, lambda part: ("", cast(dict[str, int], part)["number"]))


FIELDS: dict[str, Fields] = {
    "Location": {
        **numbered("Location"),
        "deactivatedAt": of(Location, lambda x: x.deactivated_at.isoformat() if x.deactivated_at else None),
        "fulfillsOnlineOrders": of(Location, lambda x: x.is_active and x.fulfills_online),
        "shipsInventory": of(Location, lambda x: x.is_active),
        "isPrimary": lambda call, x, args: next(iter(call.shop.locations.values())) is x,
        "inventoryLevel": _location_level,
        "inventoryLevels": lambda call, x, args: _levels(
            call, [level for level in call.shop.levels.values() if level.location is x], args
        ),
    },
    "Product": {
        **numbered("Product"),
        "variants": lambda call, x, args: paginate(call, cast(Product, x).variants, args, by_number),
        "variantsCount": of(Product, lambda x: count(len(x.variants))),
        "hasOnlyDefaultVariant": of(Product, lambda x: [v.title for v in x.variants] == ["Default Title"]),
        "hasVariantsThatRequiresComponents": of(Product, lambda x: any(v.requires_components for v in x.variants)),
        "tracksInventory": of(Product, lambda x: any(v.item.tracked for v in x.variants)),
        "totalInventory": lambda call, x, args: sum(
            call.shop.available(v.item) for v in cast(Product, x).variants if v.item.tracked
        ),
        "tags": of(Product, lambda x: []),
        "productType": of(Product, lambda x: ""),
        "descriptionHtml": of(Product, lambda x: ""),
        "description": of(Product, lambda x: ""),
    },
    "ProductVariant": {
        **numbered("ProductVariant"),
        "sku": of(Variant, lambda x: x.item.sku),
        "price": of(Variant, lambda x: money(x.price)),
        "displayName": of(Variant, lambda x: f"{x.product.title} - {x.title}"),
        "inventoryItem": of(Variant, lambda x: x.item),
        "inventoryPolicy": of(Variant, lambda x: x.policy),
        "inventoryQuantity": lambda call, x, args: call.shop.available(cast(Variant, x).item),
        "sellableOnlineQuantity": lambda call, x, args: call.shop.available(cast(Variant, x).item),
        "availableForSale": lambda call, x, args: _is_for_sale(call.shop, cast(Variant, x)),
        "position": of(Variant, lambda x: x.product.variants.index(x) + 1),
        "selectedOptions": of(Variant, _options),
        "productVariantComponents": _components,
        "taxable": of(Variant, lambda x: True),
    },
    "InventoryItem": {
        **numbered("InventoryItem"),
        "inventoryLevel": _item_level,
        "inventoryLevels": lambda call, x, args: _levels(call, call.shop.levels_of(cast(Item, x)), args),
        "locationsCount": lambda call, x, args: count(len(call.shop.selling_levels(cast(Item, x)))),
        "duplicateSkuCount": lambda call, x, args: _duplicates(call.shop, cast(Item, x)),
        "variant": of(Item, lambda x: x.variants[0]),
        "variants": lambda call, x, args: paginate(call, cast(Item, x).variants, args, by_number),
        "trackedEditable": of(Item, lambda x: {"locked": False, "reason": None}),
    },
    "InventoryLevel": {
        "id": of(Level, level_gid),
        "quantities": _quantities,
        "canDeactivate": of(Level, lambda x: x.committed == 0),
    },
    "InventoryAdjustmentGroup": {
        "id": identity("InventoryAdjustmentGroup"),
        "referenceDocumentUri": of(AdjustmentGroup, lambda x: x.reference),
        "changes": of(AdjustmentGroup, lambda x: x.changes),
        "app": lambda call, x, args: {
            "id": gid("App", 1),
            "apiKey": call.client_id,
            "handle": "syncd",
            "title": "syncd",
        },
    },
    "InventoryChange": {
        "name": of(Adjustment, lambda x: "available"),
        "quantityAfterChange": of(Adjustment, lambda x: x.after),
        "ledgerDocumentUri": of(Adjustment, lambda x: None),
    },
}


def _is_for_sale(shop: Shop, variant: Variant) -> bool:
    return variant.policy == "CONTINUE" or not variant.item.tracked or shop.available(variant.item) > 0
