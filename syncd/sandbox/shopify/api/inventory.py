"""Inventory mutations: compare and set, all rows or none, and every refusal the API knows for them."""
# ruff: noqa: ARG001 (all resolvers share one signature)

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from syncd.sandbox.shopify import stock
from syncd.sandbox.shopify.api.call import Args, Call, Fields, check_array, failure, number_in
from syncd.sandbox.shopify.catalogue import deactivate_level, rename_sku, set_tracked
from syncd.sandbox.shopify.payloads import level_body, level_gid
from syncd.sandbox.shopify.records import Adjustment, AdjustmentGroup, Item, Level, Location
from syncd.sandbox.shopify.shop import Pushed

HIGHEST = 1_000_000_000
REASONS = frozenset(
    [
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_created",
        "movement_updated",
        "movement_received",
        "movement_canceled",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_updated",
        "reservation_deleted",
        "restock",
        "safety_stock",
        "shrinkage",
    ]
)

Error = dict[str, object]
Row = Mapping[str, object]


def error(code: str, field: Iterable[str], message: str) -> Error:
    """One userError."""
    return {"code": code, "field": list(field), "message": message}


def plain(field: Sequence[str], message: str) -> Error:
    """One userError of a mutation that gives no codes."""
    return {"field": list(field), "message": message}


def set_quantities(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """InventorySetQuantities."""
    wanted = cast(Row, args["input"])
    rows = _rows(wanted, "quantities")
    errors = _head_errors(wanted, ("available", "on_hand"))
    errors += [
        e for place, row in enumerate(rows) for e in _row_errors(call, place, row, "quantities", str(wanted["name"]))
    ]
    errors += _duplicates(rows)
    if errors:
        return {"inventoryAdjustmentGroup": None, "userErrors": errors}
    group = _group(call, wanted)
    for row in rows:
        level = _level_for_writing(call, row)
        target = cast(int, row["quantity"]) - (level.on_hand - level.available if wanted["name"] == "on_hand" else 0)
        _apply(call, group, level, target - level.available, row.get("changeFromQuantity"))
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def adjust_quantities(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """inventoryAdjustQuantities, for available."""
    wanted = cast(Row, args["input"])
    rows = _rows(wanted, "changes")
    errors = _head_errors(wanted, ("available",), code="INVALID_QUANTITY_NAME")
    errors += [e for place, row in enumerate(rows) for e in _row_errors(call, place, row, "changes", "available")]
    if errors:
        return {"inventoryAdjustmentGroup": None, "userErrors": errors}
    group = _group(call, wanted)
    for row in rows:
        level = _level_for_writing(call, row)
        _apply(call, group, level, cast(int, row["delta"]), row.get("changeFromQuantity"))
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _rows(wanted: Row, name: str) -> list[Row]:
    """The rows, after the run-time rules the schema does not show: at most 250, and changeFromQuantity in each."""
    rows = cast(list[Row], wanted[name])
    check_array(rows, name)
    for place, row in enumerate(rows):
        if "changeFromQuantity" not in row:
            raise failure(
                "INVALID_FIELD_ARGUMENTS",
                f"{name}.{place}: changeFromQuantity must be given, as a number or as null",
            )
        number_in(row["inventoryItemId"], "InventoryItem")
        number_in(row["locationId"], "Location")
    return rows


def _head_errors(wanted: Row, names: Sequence[str], code: str = "INVALID_NAME") -> list[Error]:
    errors = []
    if wanted["name"] not in names:
        errors.append(error(code, ["input", "name"], f"The quantity name must be one of {', '.join(names)}."))
    if wanted["reason"] not in REASONS:
        errors.append(error("INVALID_REASON", ["input", "reason"], "The specified reason is invalid."))
    reference = wanted.get("referenceDocumentUri")
    if reference is not None and not _is_reference(str(reference)):
        message = "The specified reference document is invalid."
        errors.append(error("INVALID_REFERENCE_DOCUMENT", ["input", "referenceDocumentUri"], message))
    return errors


def _is_reference(uri: str) -> bool:
    if uri.startswith("gid:"):
        return re.fullmatch(r"gid://[^/\s]+/[^/\s]+/\S+", uri) is not None
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", uri) is not None


def _row_errors(call: Call, place: int, row: Row, rows: str, name: str) -> list[Error]:
    def at(code: str, last: str, message: str) -> list[Error]:
        return [error(code, ["input", rows, str(place), last], message)]

    item = call.shop.items.get(number_in(row["inventoryItemId"], "InventoryItem"))
    location = call.shop.locations.get(number_in(row["locationId"], "Location"))
    if item is None:
        return at("INVALID_INVENTORY_ITEM", "inventoryItemId", "The specified inventory item could not be found.")
    if location is None:
        return at("INVALID_LOCATION", "locationId", "The specified location could not be found.")
    if any(variant.requires_components for variant in item.variants):
        return at("NON_MUTABLE_INVENTORY_ITEM", "inventoryItemId", "The inventory of a bundle cannot be changed.")
    if rows == "quantities":
        quantity = cast(int, row["quantity"])
        if quantity < -HIGHEST:
            return at("INVALID_QUANTITY_TOO_LOW", "quantity", "The quantity is too low.")
        if quantity < 0:
            return at("INVALID_QUANTITY_NEGATIVE", "quantity", "The quantity can't be negative.")
        if quantity > HIGHEST:
            return at("INVALID_QUANTITY_TOO_HIGH", "quantity", "The quantity can't be higher than 1,000,000,000.")
    level = call.shop.level(item, location)
    actual = 0 if level is None else (level.on_hand if name == "on_hand" else level.available)
    if row["changeFromQuantity"] not in (None, actual):
        message = "The changeFromQuantity argument no longer matches the persisted quantity."
        return at("CHANGE_FROM_QUANTITY_STALE", "changeFromQuantity", message)
    return []


def _duplicates(rows: Sequence[Row]) -> list[Error]:
    seen: set[tuple[object, object]] = set()
    errors = []
    for place, row in enumerate(rows):
        pair = (row["inventoryItemId"], row["locationId"])
        if pair in seen:
            message = "The combination of inventoryItemId and locationId must be unique."
            field = ["input", "quantities", str(place), "locationId"]
            errors.append(error("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", field, message))
        seen.add(pair)
    return errors


def _pair(call: Call, row: Row) -> tuple[Item, Location]:
    item = call.shop.items[number_in(row["inventoryItemId"], "InventoryItem")]
    return item, call.shop.locations[number_in(row["locationId"], "Location")]


def _level_for_writing(call: Call, row: Row) -> Level:
    """Writing where an item is not stocked succeeds; the number lies on an inactive level and sells nothing."""
    item, location = _pair(call, row)
    return call.shop.level(item, location) or stock.stock_at(call.shop, item, location, active=False)


def _group(call: Call, wanted: Row) -> AdjustmentGroup:
    reference = wanted.get("referenceDocumentUri")
    group = AdjustmentGroup(
        number=call.shop.number(),
        created_at=call.shop.now(),
        reason=str(wanted["reason"]),
        reference=None if reference is None else str(reference),
    )
    call.shop.groups[group.number] = group
    return group


def _apply(call: Call, group: AdjustmentGroup, level: Level, delta: int, expected: object) -> None:
    before = level.available
    stock.change(call.shop, level, available=delta)
    if delta:
        group.changes.append(Adjustment(item=level.item, location=level.location, delta=delta, after=level.available))
    call.shop.pushes.append(
        Pushed(
            at=call.shop.clock(),
            sku=level.item.sku,
            location=level.location.number,
            before=before,
            after=level.available,
            expected=expected if isinstance(expected, int) else None,
            reference=group.reference,
        )
    )


def activate(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """inventoryActivate: `available` is for new levels only; an inactive one comes back with its numbers."""
    item = call.shop.items.get(number_in(args["inventoryItemId"], "InventoryItem"))
    location = call.shop.locations.get(number_in(args["locationId"], "Location"))
    if item is None or location is None or not location.is_active:
        field = ["inventoryItemId"] if item is None else ["locationId"]
        return {"inventoryLevel": None, "userErrors": [plain(field, "Couldn't be found or is not active.")]}
    level = call.shop.level(item, location)
    if level is None:
        made = stock.stock_at(call.shop, item, location, available=cast(int, args.get("available") or 0))
        return {"inventoryLevel": made, "userErrors": []}
    if args.get("available") is not None:
        message = "Not allowed to set available quantity when the item is already stocked at the location."
        return {"inventoryLevel": None, "userErrors": [plain(["available"], message)]}
    if not level.is_active:
        level.is_active, level.updated_at = True, call.shop.now()
        call.shop.announce("inventory_levels/connect", level_body(level))
    return {"inventoryLevel": level, "userErrors": []}


def deactivate(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """InventoryDeactivate."""
    level = next((x for x in call.shop.levels.values() if level_gid(x) == args["inventoryLevelId"]), None)
    if level is None:
        return {"userErrors": [plain(["inventoryLevelId"], "Inventory level does not exist.")]}
    deactivate_level(call.shop, level)
    return {"userErrors": []}


def update_item(call: Call, source: object, args: Args) -> Mapping[str, object]:
    """inventoryItemUpdate, for `tracked` and `sku`."""
    item = call.shop.items.get(number_in(args["id"], "InventoryItem"))
    if item is None:
        return {"inventoryItem": None, "userErrors": [plain(["id"], "The inventory item could not be found.")]}
    wanted = cast(Row, args["input"])
    if "tracked" in wanted:
        set_tracked(call.shop, item, tracked=bool(wanted["tracked"]))
    if "sku" in wanted:
        rename_sku(call.shop, item, cast(str | None, wanted["sku"]))
    return {"inventoryItem": item, "userErrors": []}


FIELDS: Fields = {
    "inventorySetQuantities": set_quantities,
    "inventoryAdjustQuantities": adjust_quantities,
    "inventoryActivate": activate,
    "inventoryDeactivate": deactivate,
    "inventoryItemUpdate": update_item,
}

CODED = frozenset({"inventorySetQuantities", "inventoryAdjustQuantities"})
