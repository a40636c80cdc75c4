"""The REST shape of orders and refunds, which webhooks keep, into our values. Pure.

"Not sent" is not null: a subscription leaves most fields out, and old bodies lack newer ones.
"""

from collections.abc import Iterator
from decimal import Decimal

from connectors.sdk.reader import Reader
from connectors.sdk.values import OrderLine, OrderSnapshot, Refund, RefundLine
from connectors.shopify.translate import NEVER_PAID, NOT_TRACKED, PAID, shipping, why_no_stock

RESTOCKS = frozenset({"cancel", "return", "legacy_restock"})


def order(row: Reader) -> OrderSnapshot:
    """The state of an order. When it was paid is not in the body."""
    status = (row.maybe_text("financial_status") or "").upper()
    is_included = bool(row.maybe_flag("taxes_included"))
    version, cancelled_at = row.time("updated_at"), row.maybe_time("cancelled_at")
    lines = tuple(_line(each, taxes_included=is_included) for each in row.each("line_items"))
    return OrderSnapshot(
        order_id=row.id("id"),
        name=row.maybe_text("name") or row.id("id"),
        version=version.replace(microsecond=0),
        created_at=row.maybe_time("created_at") or version,
        is_paid=status in PAID,
        cancelled_at=cancelled_at,
        is_final=cancelled_at is not None or status in NEVER_PAID,
        is_test=bool(row.maybe_flag("test")),
        currency=row.maybe_text("currency") or "",
        shipping=shipping(
            _money(row, "total_shipping_price_set", ""), _amount(row, "total_tax"), lines, taxes_included=is_included
        ),
        lines=lines,
        refunds=tuple(refund(each) for each in _maybe_each(row, "refunds")),
    )


def _line(row: Reader, *, taxes_included: bool) -> OrderLine:
    variant_id = row.maybe_id("variant_id")
    quantity = row.whole("quantity")
    tax = sum((_money(one, "price_set", "price") for one in _maybe_each(row, "tax_lines")), Decimal(0))
    discounts = (_money(one, "amount_set", "amount") for one in _maybe_each(row, "discount_allocations"))
    total = _money(row, "price_set", "price") * quantity - sum(discounts, Decimal(0))
    return OrderLine(
        line_id=row.id("id"),
        external_id=variant_id,
        sku=(row.maybe_text("sku") or "").strip() or None,
        title=row.maybe_text("title") or "",
        quantity=quantity,
        total=total if taxes_included else total + tax,
        tax=tax,
        moves_nothing=_why_no_stock(row, is_product=variant_id is not None),
    )


def _why_no_stock(row: Reader, *, is_product: bool) -> str:
    told = why_no_stock(is_product=is_product, is_gift_card=bool(row.maybe_flag("gift_card")))
    if told or "variant_inventory_management" not in row.fields:
        return told
    return "" if row.maybe_text("variant_inventory_management") == "shopify" else NOT_TRACKED


def refund(row: Reader) -> Refund:
    """One refund; the oldest bodies tell only for the refund as a whole whether it restocked."""
    is_whole = bool(row.maybe_flag("restock"))
    money = [
        _amount(one, "amount")
        for one in _maybe_each(row, "transactions")
        if one.maybe_text("kind") == "refund" and one.maybe_text("status") == "success"
    ]
    return Refund(
        refund_id=row.id("id"),
        created_at=row.time("created_at"),
        lines=tuple(_refund_line(each, is_whole=is_whole) for each in _maybe_each(row, "refund_line_items")),
        amount=sum(money, Decimal(0)),
    )


def _refund_line(row: Reader, *, is_whole: bool) -> RefundLine:
    """A restock type that we do not know leaves the units taken, until the store's figure says otherwise."""
    kind = row.maybe_text("restock_type")
    return RefundLine(
        refund_line_id=row.id("id"),
        line_id=row.id("line_item_id"),
        quantity=row.whole("quantity"),
        restocked=is_whole if kind is None else kind in RESTOCKS,
    )


def _maybe_each(row: Reader, key: str) -> Iterator[Reader]:
    return row.each(key) if row.has(key) else iter(())


def _amount(row: Reader, key: str) -> Decimal:
    return row.maybe_decimal(key) or Decimal(0)


def _money(row: Reader, bag: str, plain: str) -> Decimal:
    """An amount in the shop's own currency, from the field that says so, else from the plain one."""
    both = row.maybe_nested(bag)
    return _amount(row, plain) if both is None else both.nested("shop_money").decimal("amount")
