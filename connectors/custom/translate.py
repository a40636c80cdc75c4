"""The JSON of docs/custom-store.md into our values. Pure; MalformedPayload where it is not as agreed."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from connectors.sdk.errors import MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.values import (
    CatalogueItem,
    FigureState,
    OrderLine,
    OrderSnapshot,
    Refund,
    RefundLine,
    StockFigure,
    StockRef,
)

LONGEST_ID = 100
NO_ITEM = "This line is no item of the shop."


def item(row: Reader) -> CatalogueItem:
    """One sellable unit; an SKU of nothing but spaces is none."""
    item_id, sku = short_id(row, "id"), (row.maybe_text("sku") or "").strip()
    figure = figure_of(row)
    return CatalogueItem(
        external_id=item_id,
        ref=StockRef(stock_id=item_id),
        sku=sku or None,
        title=row.maybe_text("title") or sku or item_id,
        tracked=figure.state is FigureState.TRACKED,
        quantity=figure.quantity,
        price=row.maybe_decimal("price"),
    )


def figure_of(row: Reader) -> StockFigure:
    """The figure of an item; a fraction is rounded down."""
    if row.maybe_flag("tracked") is False:
        return StockFigure(state=FigureState.UNTRACKED)
    return StockFigure(state=FigureState.TRACKED, quantity=row.units("quantity", math.floor))


def order(row: Reader) -> OrderSnapshot:
    """One order as it is. A line says itself what it has taken from the shop's stock."""
    order_id = short_id(row, "id")
    paid_at, cancelled_at = row.maybe_time("paid_at"), row.maybe_time("cancelled_at")
    return OrderSnapshot(
        order_id=order_id,
        name=row.maybe_text("name") or order_id,
        version=row.time("changed_at").replace(microsecond=0),
        created_at=row.time("created_at"),
        is_paid=paid_at is not None,
        paid_at=paid_at,
        cancelled_at=cancelled_at,
        is_final=row.maybe_flag("final") is True or cancelled_at is not None,
        is_test=row.maybe_flag("test") is True,
        currency=row.maybe_text("currency") or "",
        shipping=_money(row, "shipping"),
        lines=tuple(_line(line) for line in row.each("lines")),
        refunds=tuple(_refund(one) for one in _each(row, "refunds")),
    )


def _line(row: Reader) -> OrderLine:
    item_id, quantity, taken = row.maybe_id("item_id"), row.whole("quantity"), row.whole("taken")
    if not 0 <= taken <= quantity:
        raise MalformedPayload(f"{row.where}: taken should be between 0 and quantity.")
    sku = (row.maybe_text("sku") or "").strip()
    return OrderLine(
        line_id=short_id(row, "id"),
        external_id=item_id,
        sku=sku or None,
        title=row.maybe_text("title") or sku or item_id or "",
        quantity=quantity,
        taken=taken,
        total=_money(row, "total"),
        tax=_money(row, "tax"),
        moves_nothing="" if item_id else NO_ITEM,
    )


def _refund(row: Reader) -> Refund:
    refund_id = short_id(row, "id")
    return Refund(
        refund_id=refund_id,
        created_at=row.time("created_at"),
        amount=_money(row, "amount"),
        lines=tuple(
            RefundLine(
                refund_line_id=f"{refund_id}-{number}",
                line_id=short_id(line, "line_id"),
                quantity=line.whole("quantity"),
                restocked=line.maybe_flag("restocked") is True,
            )
            for number, line in enumerate(_each(row, "lines"), start=1)
        ),
    )


def short_id(row: Reader, key: str) -> str:
    """An id that fits our tables and has no spaces around it."""
    value = row.id(key)
    if value != value.strip() or not 0 < len(value) <= LONGEST_ID:
        raise MalformedPayload(f"{row.where}, {key} should be at most {LONGEST_ID} characters without spaces around.")
    return value


def whole_second(moment: datetime) -> str:
    """A time as the shop may compare it as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _money(row: Reader, key: str) -> Decimal:
    return row.maybe_decimal(key) or Decimal(0)


def _each(row: Reader, key: str) -> Iterator[Reader]:
    return row.each(key) if row.has(key) else iter(())
