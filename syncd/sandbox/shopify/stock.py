"""Quantities: every change of a level goes through `change`, which announces what Shopify announces.

Order effects follow Shopify's inventory states: creation moves units from available to committed, shipping takes them
out of committed, available is untouched by shipping and payment.
"""

from syncd.sandbox.shopify.payloads import level_body, product_body
from syncd.sandbox.shopify.records import Item, Level, Line, Location
from syncd.sandbox.shopify.shop import NotAllowed, Shop


def stock_at(shop: Shop, item: Item, location: Location, *, available: int = 0, active: bool = True) -> Level:
    """Give an item a level at a location; an existing level is returned as it is."""
    level = shop.level(item, location)
    if level is None:
        now = shop.now()
        level = Level(
            item=item, location=location, created_at=now, updated_at=now, available=available, is_active=active
        )
        shop.levels[item.number, location.number] = level
        if active:
            shop.announce("inventory_levels/connect", level_body(level))
        if available:
            shop.announce("inventory_levels/update", level_body(level))
    return level


def change(shop: Shop, level: Level, *, available: int = 0, committed: int = 0, reserved: int = 0) -> None:
    """Add signed amounts to a level; a change of available is announced with the absolute value and no cause."""
    level.available += available
    level.committed += committed
    level.reserved += reserved
    level.updated_at = shop.now()
    if available:
        shop.announce("inventory_levels/update", level_body(level))
        _product_changed(shop, level.item)


def _product_changed(shop: Shop, item: Item) -> None:
    for variant in item.variants:
        variant.product.updated_at = shop.now()
        shop.announce("products/update", product_body(shop, variant.product))


def choose_location(shop: Shop, item: Item, quantity: int) -> Location | None:
    """Where an order line is taken from: the first selling location that has enough, else the first one."""
    levels = shop.selling_levels(item)
    enough = [level for level in levels if level.available >= quantity]
    chosen = enough or levels
    return chosen[0].location if chosen else None


def take(shop: Shop, line: Line, quantity: int) -> None:
    """Move units of a line from available to committed. Untracked items take nothing."""
    level = _level_of(shop, line)
    if level is None or not line.takes_stock:
        return
    if line.variant is not None and line.variant.policy == "DENY":
        shop.oversold += max(0, min(quantity, quantity - shop.available(level.item)))
    line.taken += quantity
    change(shop, level, available=-quantity, committed=quantity)


def give_back(shop: Shop, line: Line, quantity: int, where: Location | None, *, was_committed: bool) -> None:
    """Put units back on sale at `where`, the line's own location if None."""
    own = _level_of(shop, line)
    if own is None or not line.takes_stock or line.item is None or not line.item.tracked:
        return
    line.taken -= quantity
    target = own if where is None else stock_at(shop, line.item, where)
    if was_committed:
        change(shop, own, committed=-quantity)
    change(shop, target, available=quantity)


def ship(shop: Shop, line: Line, quantity: int) -> None:
    """Take units out of the building (negative: bring them back); available does not change."""
    level = _level_of(shop, line)
    if level is not None and line.takes_stock:
        change(shop, level, committed=-quantity)


def give_up(shop: Shop, line: Line, quantity: int) -> None:
    """Release committed units that will never be shipped without putting them back on sale."""
    ship(shop, line, quantity)


def set_by_hand(shop: Shop, sku: str, quantity: int, location: Location | None = None) -> None:
    """A person types a new available figure into the admin."""
    item = shop.variant_of(sku).item
    level = shop.level(item, location) if location else next(iter(shop.selling_levels(item)), None)
    if level is None:
        raise NotAllowed(409, f"{sku} is not stocked at an active location")
    change(shop, level, available=quantity - level.available)


def reserve_by_hand(shop: Shop, sku: str, quantity: int) -> None:
    """A person reserves units for a draft order; no order payload ever tells of it."""
    level = shop.selling_levels(shop.variant_of(sku).item)[0]
    change(shop, level, available=-quantity, reserved=quantity)


def _level_of(shop: Shop, line: Line) -> Level | None:
    if line.item is None or line.location is None:
        return None
    return shop.level(line.item, line.location)
