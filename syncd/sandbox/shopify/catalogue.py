"""Products, variants and locations: making, changing and losing them."""

from collections.abc import Sequence
from decimal import Decimal

from syncd.sandbox.shopify import stock
from syncd.sandbox.shopify.payloads import item_body, item_deleted_body, location_body, product_body
from syncd.sandbox.shopify.records import Item, Level, Location, Product, Variant
from syncd.sandbox.shopify.shop import NotAllowed, Shop


def add_location(shop: Shop, name: str, *, is_fulfillment_service: bool = False) -> Location:
    """Open a location."""
    now = shop.now()
    location = Location(
        number=shop.number(), name=name, created_at=now, updated_at=now, is_fulfillment_service=is_fulfillment_service
    )
    shop.locations[location.number] = location
    return location


def deactivate_location(shop: Shop, location: Location) -> None:
    """Close a location; its levels keep their numbers and sell nothing."""
    location.is_active = False
    location.updated_at = location.deactivated_at = shop.now()
    shop.announce("locations/deactivate", location_body(location))


def add_product(shop: Shop, title: str, *, status: str = "ACTIVE", is_gift_card: bool = False) -> Product:
    """Make a product without variants."""
    now = shop.now()
    handle = "-".join(title.lower().split())
    product = Product(
        number=shop.number(),
        title=title,
        created_at=now,
        updated_at=now,
        handle=handle,
        status=status,
        is_gift_card=is_gift_card,
    )
    shop.products[product.number] = product
    return product


def add_variant(
    shop: Shop,
    product: Product,
    *,
    title: str = "Default Title",
    sku: str | None = None,
    price: Decimal = Decimal("10.00"),
    tracked: bool = True,
    policy: str = "DENY",
    item: Item | None = None,
) -> Variant:
    """Make a variant with an inventory item of its own, unless it is to share one."""
    now = shop.now()
    if item is None:
        item = Item(number=shop.number(), sku=sku, created_at=now, updated_at=now, tracked=tracked)
        shop.items[item.number] = item
    variant = Variant(
        number=shop.number(),
        product=product,
        item=item,
        title=title,
        price=price,
        created_at=now,
        updated_at=now,
        policy=policy,
    )
    item.variants.append(variant)
    product.variants.append(variant)
    shop.variants[variant.number] = variant
    return variant


def add_bundle(shop: Shop, title: str, sku: str, components: Sequence[tuple[Variant, int]]) -> Variant:
    """Make a variant that is sold as its components and has no stock of its own."""
    variant = add_variant(shop, add_product(shop, title), sku=sku)
    variant.requires_components, variant.components = True, list(components)
    shop.announce("products/create", product_body(shop, variant.product))
    return variant


def stock_product(
    shop: Shop,
    sku: str,
    *,
    title: str = "",
    price: Decimal = Decimal("10.00"),
    quantity: int = 0,
    tracked: bool = True,
    policy: str = "DENY",
    location: Location | None = None,
) -> Variant:
    """A person makes a one-variant product and stocks it, at the first active location unless told otherwise."""
    where = location or first_location(shop)
    product = add_product(shop, title or sku)
    variant = add_variant(shop, product, sku=sku, price=price, tracked=tracked, policy=policy)
    stock.stock_at(shop, variant.item, where, available=quantity if tracked else 0)
    shop.announce("products/create", product_body(shop, product))
    shop.announce("inventory_items/create", item_body(variant.item))
    return variant


def first_location(shop: Shop) -> Location:
    """The oldest active location that is not a fulfilment service's."""
    for location in shop.locations.values():
        if location.is_active and not location.is_fulfillment_service:
            return location
    raise NotAllowed(409, "the store has no active location")


def delete_product(shop: Shop, product: Product) -> None:
    """Delete a product: order lines lose their variant, its inventory items are gone."""
    for variant in list(product.variants):
        remove_variant(shop, variant)
    del shop.products[product.number]
    shop.announce("products/delete", {"id": product.number})


def remove_variant(shop: Shop, variant: Variant) -> None:
    """Delete one variant, and its inventory item where no other variant shares it."""
    variant.product.variants.remove(variant)
    variant.item.variants.remove(variant)
    del shop.variants[variant.number]
    for order in shop.orders.values():
        for line in order.lines:
            if line.variant is variant:
                line.variant = None
    if not variant.item.variants:
        _remove_item(shop, variant.item)


def _remove_item(shop: Shop, item: Item) -> None:
    del shop.items[item.number]
    shop.levels = {key: level for key, level in shop.levels.items() if level.item is not item}
    shop.announce("inventory_items/delete", item_deleted_body(item))


def rename_sku(shop: Shop, item: Item, sku: str | None) -> None:
    """A person changes an SKU."""
    item.sku, item.updated_at = sku, shop.now()
    shop.announce("inventory_items/update", item_body(item))


def set_tracked(shop: Shop, item: Item, *, tracked: bool) -> None:
    """A person switches tracking of an item on or off; the numbers stay."""
    item.tracked, item.updated_at = tracked, shop.now()
    shop.announce("inventory_items/update", item_body(item))


def deactivate_level(shop: Shop, level: Level) -> None:
    """Stop stocking an item at a location; the numbers stay on the inactive level."""
    level.is_active, level.updated_at = False, shop.now()
    shop.announce(
        "inventory_levels/disconnect",
        {"inventory_item_id": level.item.number, "location_id": level.location.number},
    )
