"""Prokip's JSON into our values and back. Pure.

Decimals come as text with four places, or as numbers after PHP has calculated with them: all go through Decimal.
Times of sales are naive, in the time zone of the business. What an answer to a write means is in `judge.py`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from connectors.prokip.unreadable import id_in, unreadable
from connectors.prokip.writing import number, to_json
from connectors.sdk.errors import MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.values import (
    CatalogueItem,
    Location,
    RecordedLine,
    RecordedSale,
    Sale,
    StockRef,
    StockRow,
    UnreadableItem,
)

LOCAL_TIME = "%Y-%m-%d %H:%M:%S"
_BUNDLE = "Prokip calculates the stock of a combo from its parts."

ItemWithRows = tuple[CatalogueItem, tuple[StockRow, ...]]


# ------------------------------------------------------------------------------------------- lists


def rows_of(document: object, where: str) -> list[Reader]:
    """The rows of a list, wrapped in `data` or bare."""
    if isinstance(document, list):
        return [Reader.of(row, where) for row in document]
    return list(Reader.of(document, where).each("data"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """Where a page stands; `total` counts the rows of all pages, where the server says so."""

    is_last: bool
    total: int | None


def page_info(document: object, number: int) -> PageInfo:
    """Read `meta` and `links`; either may be absent, and without both the page is the only one."""
    if not isinstance(document, dict):
        return PageInfo(is_last=True, total=None)
    page = Reader.of(document, "the page")
    meta, links = page.maybe_nested("meta"), page.maybe_nested("links")
    if meta is not None:
        current = meta.maybe_whole("current_page")
        if current is not None and current != number:
            raise MalformedPayload(f"Prokip was asked for page {number} and gave page {current}.")
        last = meta.maybe_whole("last_page")
        if last is not None:
            return PageInfo(is_last=number >= last, total=meta.maybe_whole("total"))
    return PageInfo(is_last=links is None or not links.has("next"), total=None)


# ------------------------------------------------------------------------------------------- catalogue and stock


def items_of_product(product: Reader) -> Iterator[ItemWithRows | UnreadableItem]:
    """The sellable units of a row of `GET product`: the variation's id is `product_variations[].variations[].id`."""
    try:
        kind, product_id, name = product.maybe_text("type") or "single", product.id("id"), product.text("name")
        variations = [one for group in product.each("product_variations") for one in group.each("variations")]
    except MalformedPayload as error:
        yield unreadable(product, error, item_id=None, product_id=id_in(product, "id"))
        return
    for variation in variations if kind != "modifier" else ():
        try:
            if not variation.has("deleted_at"):
                of_it = variation.maybe_text("name") or ""
                yield _item(product, variation, variation.id("id"), product_id, name, of_it, kind)
        except MalformedPayload as error:
            row = Reader({"product_name": name, **variation.fields}, variation.where)
            yield unreadable(row, error, item_id=id_in(variation, "id"), product_id=product_id)


def items_of_variations(rows: Iterable[Reader]) -> Iterator[ItemWithRows | UnreadableItem]:
    """Rows of `GET variation`."""
    for row in rows:
        try:
            yield item_of_variation(row)
        except MalformedPayload as error:
            yield unreadable(row, error, item_id=id_in(row, "variation_id"), product_id=id_in(row, "product_id"))


def item_of_variation(row: Reader) -> ItemWithRows:
    """A row of `GET variation`, where the key of the id is `variation_id`."""
    name = row.maybe_text("variation_name") or ""
    kind = row.maybe_text("type") or "single"
    return _item(row, row, row.id("variation_id"), row.id("product_id"), row.text("product_name"), name, kind)


def _item(
    product: Reader, variation: Reader, variation_id: str, product_id: str, title: str, name: str, kind: str
) -> ItemWithRows:
    is_tracked = product.decimal("enable_stock") != 0
    sku = (variation.maybe_text("sub_sku") or "").strip()
    rows = tuple(_stock_rows(product, variation, variation_id)) if is_tracked and kind != "combo" else ()
    item = CatalogueItem(
        external_id=variation_id,
        ref=StockRef(stock_id=variation_id, parent_id=product_id),
        sku=sku or None,
        title=title if name in {"", "DUMMY"} else f"{title}, {name}",
        tracked=is_tracked,
        quantity=sum((row.quantity for row in rows if row.quantity is not None), 0) if rows else None,
        price=variation.maybe_decimal("sell_price_inc_tax"),
        image_url=_image(product),
        blocked=_BUNDLE if kind == "combo" else "",
    )
    return item, rows


def _image(product: Reader) -> str | None:
    """The product's own image; without one, Prokip names a placeholder (`image` is null then, as recorded)."""
    address = product.fields.get("image_url")
    return address if product.has("image") and isinstance(address, str) and address.startswith("http") else None


def _stock_rows(product: Reader, variation: Reader, variation_id: str) -> Iterator[StockRow]:
    """One row per location; a location that sells the product and never stocked it has a row without a figure."""
    stocked: set[str] = set()
    for detail in variation.each("variation_location_details"):
        stocked.add(detail.id("location_id"))
        yield _stock_row(variation_id, detail.id("location_id"), detail)
    for place in product.each("product_locations") if product.has("product_locations") else ():
        if place.id("id") not in stocked:
            yield _stock_row(variation_id, place.id("id"), None)


def _stock_row(variation_id: str, location_id: str, detail: Reader | None) -> StockRow:
    whole = None if detail is None else detail.maybe_units("qty_available", math.floor)
    return StockRow(
        external_id=variation_id,
        location_id=location_id,
        quantity=whole,
        was_fractional=detail is not None and detail.maybe_decimal("qty_available") != whole,
    )


def location(row: Reader) -> Location:
    """A row of `GET business-location`; its `id` is what every call wants, `location_id` is for people."""
    return Location(
        location_id=row.id("id"), name=row.text("name"), is_active=(row.maybe_decimal("is_active") or Decimal(1)) != 0
    )


# ------------------------------------------------------------------------------------------- sales


def source_of(channel: str) -> str:
    """What a sale of ours carries as its source: one value per selling connection."""
    return f"syncd-{channel}"


def contact_code_of(channel: str) -> str:
    """The code of the contact that stands for a selling connection's customers."""
    return f"SYNCD-{channel}".upper()


def contact_body(channel: str, channel_name: str) -> dict[str, object]:
    """A contact without an e-mail address: one that has any is written to by the server at every sale."""
    return {
        "type": "customer",
        "first_name": f"Online store: {channel_name}",
        "mobile": "0000000000",
        "contact_id": contact_code_of(channel),
    }


def sell_form(sale: Sale, contact_id: str, time_zone: ZoneInfo) -> dict[str, object]:
    """What a request says of one sale."""
    products = [
        {
            "product_id": number(line.parent_id or ""),
            "variation_id": number(line.external_id),
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "note": line.line_id,
        }
        for line in sale.lines
    ]
    # The server adds up the same figures, and calls the sale paid when the payment is not less.
    total = sum((line.unit_price * line.quantity for line in sale.lines), sale.shipping)
    return {
        "location_id": number(sale.location_id),
        "contact_id": number(contact_id),
        "transaction_date": sale.sold_at.astimezone(time_zone).strftime(LOCAL_TIME),
        "invoice_no": sale.invoice_no,
        "source": source_of(sale.channel),
        "status": "final",
        "discount_amount": 0,
        "discount_type": "fixed",
        "sale_note": sale.note,
        "shipping_charges": sale.shipping,
        "products": products,
        "payments": [{"amount": total, "method": "cash", "note": "paid online"}] if total > 0 else [],
    }


def recorded_sale(row: Reader) -> RecordedSale:
    """A sale as created, listed or shown."""
    return RecordedSale(
        sale_id=row.id("id"),
        invoice_no=row.maybe_text("invoice_no") or "",
        lines=tuple(
            RecordedLine(
                external_line_id=line.id("id"),
                external_id=line.id("variation_id"),
                quantity=line.units("quantity", math.ceil),
                returned=line.maybe_units("quantity_returned", math.floor) or 0,
            )
            for line in (row.each("sell_lines") if row.has("sell_lines") else ())
        ),
    )


def sold_at(row: Reader, time_zone: ZoneInfo) -> datetime:
    """When a listed sale was made, as aware UTC time."""
    try:
        naive = datetime.strptime(row.text("transaction_date"), LOCAL_TIME)  # noqa: DTZ007 - the business's own time
    except ValueError as error:
        raise MalformedPayload(f"{row.where}, transaction_date should be a time of the business.") from error
    return naive.replace(tzinfo=time_zone).astimezone(UTC)


def refs_of(row: Reader) -> Iterator[StockRef]:
    """What the lines of a listed sale touched; a line without a variation says nothing."""
    for line in row.each("sell_lines") if row.has("sell_lines") else ():
        variation_id = line.maybe_id("variation_id")
        if variation_id is not None:
            yield StockRef(stock_id=variation_id, parent_id=line.maybe_id("product_id"))


# ------------------------------------------------------------------------------------------- what comes back


def return_body(sale: Reader, targets: Mapping[str, int]) -> bytes:
    """The request that brings returned quantities to `targets` (by sell line, cumulative).

    Every line with a return is named: the server recomputes the document from the named lines alone. No date: the
    server refuses any. The document gets our number only when it is new.
    """
    products: list[object] = []
    is_new = True
    for line in sale.each("sell_lines"):
        returned = line.maybe_decimal("quantity_returned") or Decimal(0)
        wanted = max(returned, Decimal(targets.get(line.id("id"), 0)))
        is_new = is_new and returned == 0
        if wanted > 0:
            products.append(
                {
                    "sell_line_id": number(line.id("id")),
                    "product_id": number(line.maybe_id("product_id") or ""),
                    "variation_id": number(line.id("variation_id")),
                    "quantity": wanted,
                    "unit_price_inc_tax": line.decimal("unit_price_inc_tax"),
                }
            )
    body: dict[str, object] = {
        "transaction_id": number(sale.id("id")),
        "discount_amount": 0,
        "discount_type": "fixed",
        "products": products,
    }
    invoice_no = sale.maybe_text("invoice_no")
    return to_json({**body, "invoice_no": f"{invoice_no}-R"} if is_new and invoice_no else body)
