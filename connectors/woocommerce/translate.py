"""WooCommerce's JSON into our values. Pure.

What core took from stock stands in each order line's meta `_reduced_stock`; quantities and statuses only speak where
nobody counts the product, so that core writes no such mark. Facts: wc-stock-functions.php, seen on 11.0.1 and 8.2.2.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from connectors.sdk.errors import MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.values import CatalogueItem, FigureState, OrderLine, OrderSnapshot, Refund, StockFigure, StockRef

REDUCED = "_reduced_stock"
REFUNDED_ITEM = "_refunded_item_id"
TRASHED_FROM = "_wp_trash_meta_status"
HOLDING_NOTHING = ("pending", "failed", "cancelled", "checkout-draft", "auto-draft", "new")
HOLDING = ("on-hold", "processing", "completed", "refunded")
NEVER_PAID = ("cancelled", "failed", "trash")
WITHOUT_STOCK = {"grouped": "a group of products has no stock of its own", "external": "sold on another site"}


# ------------------------------------------------------------------------------------------------- goods


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What variations need of the product above them."""

    title: str
    sku: str


def parent(row: Reader) -> Parent:
    """A variable product as its variations see it."""
    return Parent(title=row.maybe_text("name") or "", sku=_sku(row))


def is_variable(row: Reader) -> bool:
    """Whether a product is sold by its variations; plugins add kinds such as variable-subscription."""
    return (row.maybe_text("type") or "").startswith("variable")


def product_item(row: Reader) -> CatalogueItem | None:
    """A product as a sellable unit; None for a variable product, whose variations are sold."""
    if is_variable(row):
        return None
    external_id = row.id("id")
    return _item(row, external_id, StockRef(stock_id=external_id), row.maybe_text("name") or "", _sku(row))


def variation_item(row: Reader, above: Parent) -> CatalogueItem:
    """A variation. Counted at its parent, it shares the parent's figure; without an SKU it reports the parent's."""
    external_id, parent_id = row.id("id"), row.id("parent_id")
    at_parent = row.fields.get("manage_stock") == "parent"
    ref = StockRef(stock_id=parent_id) if at_parent else StockRef(stock_id=external_id, parent_id=parent_id)
    name = (row.maybe_text("name") or "").removeprefix(f"{above.title} - ")
    sku = _sku(row)
    return _item(row, external_id, ref, f"{above.title} - {name}", "" if sku == above.sku else sku)


def _item(row: Reader, external_id: str, ref: StockRef, title: str, sku: str) -> CatalogueItem:
    tracked = row.fields.get("manage_stock") in (True, "parent")
    return CatalogueItem(
        external_id=external_id,
        ref=ref,
        sku=sku or None,
        title=title,
        tracked=tracked,
        quantity=_whole_down(row, "stock_quantity") if tracked else None,
        price=row.maybe_decimal("price") if row.fields.get("price") else None,
        image_url=_image(row),
        blocked=WITHOUT_STOCK.get(row.maybe_text("type") or "", ""),
    )


def _sku(row: Reader) -> str:
    return (row.maybe_text("sku") or "").strip()


def _image(row: Reader) -> str | None:
    images = row.fields.get("images")
    first = images[0] if isinstance(images, list) and images else row.fields.get("image")
    found = first.get("src") if isinstance(first, dict) else None
    return found if isinstance(found, str) and found else None


def figure(row: Reader) -> StockFigure:
    """The figure of a product or variation itself; one that counts at its parent has none of its own."""
    if row.maybe_text("status") == "trash":
        return StockFigure(state=FigureState.GONE)
    quantity = _whole_down(row, "stock_quantity") if row.fields.get("manage_stock") is True else None
    if quantity is None:
        return StockFigure(state=FigureState.UNTRACKED)
    return StockFigure(state=FigureState.TRACKED, quantity=quantity)


def _whole_down(row: Reader, key: str) -> int | None:
    """A plugin may allow fractions of units: what is there is rounded down."""
    return row.maybe_units(key, math.floor)


# ------------------------------------------------------------------------------------------------- orders


def modified_at(row: Reader) -> datetime:
    """When an order or product last changed; one that never did, when it was made."""
    changed = row.maybe_time("date_modified_gmt", without_zone_is_utc=True)
    return changed or row.time("date_created_gmt", without_zone_is_utc=True)


def snapshot(order: Reader, refunded: Mapping[str, int] | None = None) -> OrderSnapshot:
    """The state of an order. `refunded` are units refunded by line, needed where `needs_refunds` says so."""
    version, status = modified_at(order), order.text("status")
    unmarked_count = _unmarked_lines_count(order)
    lines = tuple(_line(line, refunded or {}, unmarked_count=unmarked_count) for line in order.each("line_items"))
    return OrderSnapshot(
        order_id=order.id("id"),
        name=order.maybe_id("number") or order.id("id"),
        version=version,
        created_at=order.maybe_time("date_created_gmt", without_zone_is_utc=True) or version,
        is_paid=order.has("date_paid_gmt"),
        paid_at=order.maybe_time("date_paid_gmt", without_zone_is_utc=True),
        cancelled_at=version if status == "cancelled" else None,
        is_final=status in NEVER_PAID,
        currency=order.maybe_text("currency") or "",
        shipping=_money(order, "shipping_total") + _money(order, "shipping_tax"),
        lines=lines,
        refunds=tuple(_refund(refund, version) for refund in order.each("refunds")) if order.has("refunds") else (),
    )


def _refund(refund: Reader, version: datetime) -> Refund:
    """An order tells of its refunds no more than id and money; they were made when its version was, or before."""
    return Refund(refund_id=refund.id("id"), created_at=version, amount=abs(_money(refund, "total")))


def needs_refunds(order: Reader) -> bool:
    """Whether the order hides what was taken: it has refunds, without their lines, and lines that nobody counts."""
    has_refunds = bool(order.maybe_values("refunds"))
    return (
        has_refunds
        and _unmarked_lines_count(order)
        and any(_reduced(line) is None for line in order.each("line_items"))
    )


def refunded_units(refunds: Iterable[Reader]) -> dict[str, int]:
    """Units refunded per order line, by all refunds of an order."""
    found: dict[str, int] = {}
    for line in (line for refund in refunds for line in refund.each("line_items")):
        line_id = _meta(line, REFUNDED_ITEM)
        if line_id is not None:
            found[str(line_id)] = found.get(str(line_id), 0) + abs(_whole_up(line, "quantity"))
    return found


def _unmarked_lines_count(order: Reader) -> bool:
    """Whether lines without the mark are sold all the same, because nobody counts their products.

    The status decides, and for a status of a plugin, whether the order is paid or core has taken other lines of it.
    """
    status = order.text("status")
    if status == "trash":
        status = str(_meta(order, TRASHED_FROM) or "").removeprefix("wc-")
    if status in HOLDING_NOTHING:
        return False
    if status in HOLDING or order.has("date_paid_gmt"):
        return True
    return any(_reduced(line) is not None for line in order.each("line_items"))


def _line(line: Reader, refunded: Mapping[str, int], *, unmarked_count: bool) -> OrderLine:
    line_id, quantity, tax = line.id("id"), _whole_up(line, "quantity"), _money(line, "total_tax")
    external_id = _sold_id(line)
    taken = _reduced(line)
    if taken is None:
        taken = max(0, quantity - refunded.get(line_id, 0)) if unmarked_count else 0
    return OrderLine(
        line_id=line_id,
        external_id=external_id,
        sku=_sku(line) or None,
        title=line.maybe_text("name") or "",
        quantity=quantity,
        taken=taken,
        total=_money(line, "total") + tax,
        tax=tax,
        moves_nothing="" if external_id else "the line names no product",
    )


def _sold_id(line: Reader) -> str | None:
    for key in ("variation_id", "product_id"):
        found = line.maybe_id(key)
        if found not in (None, "0"):
            return found
    return None


def _reduced(line: Reader) -> int | None:
    """What core took of the line and has not put back; None where it never took anything."""
    value = _meta(line, REDUCED)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise MalformedPayload(f"{line.where}, {REDUCED} should be a number.")
    return _whole_up(Reader({REDUCED: value}, line.where), REDUCED)


def _meta(row: Reader, key: str) -> object:
    rows = row.maybe_values("meta_data") or []
    return next((meta.get("value") for meta in rows if isinstance(meta, dict) and meta.get("key") == key), None)


def _whole_up(row: Reader, key: str) -> int:
    """A plugin may sell fractions of units: what is sold is rounded up."""
    return row.units(key, math.ceil)


def _money(row: Reader, key: str) -> Decimal:
    """An amount; WooCommerce writes an empty text where there is none."""
    found = row.maybe_decimal(key) if row.fields.get(key) else None
    return found or Decimal(0)
