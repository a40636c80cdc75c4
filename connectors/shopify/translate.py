"""Shopify's GraphQL into our values. Pure. The REST shape that webhooks keep is in `payloads.py`.

`taken` is not declared: a line has taken its quantity, less what refund lines put back. `current_quantity` would not
do, because it leaves out units that were given up without going back on sale.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

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
from connectors.shopify.documents import number_of

PAID = frozenset({"PAID", "PARTIALLY_REFUNDED", "REFUNDED"})
NEVER_PAID = frozenset({"VOIDED"})
TAKES_MONEY = frozenset({"SALE", "CAPTURE"})
DEFAULT_TITLE = "Default Title"

A_BUNDLE = "A bundle is sold as its parts and has no stock of its own."
NOT_STOCKED = "It is not stocked at the store's location; stock it there in Shopify."
NO_PRODUCT = "it is no product of the store, or its product was deleted"
A_GIFT_CARD = "it is a gift card"
NOT_TRACKED = "the store does not track its stock"


# ------------------------------------------------------------------------------------------------- catalogue and stock


def item(variant: Reader) -> CatalogueItem:
    """A variant as a sellable unit. Its figure is the inventory item's, which several variants may share."""
    inventory, above = variant.nested("inventoryItem"), variant.nested("product")
    product, title = above.text("title"), variant.text("title")
    stock_id = number_of(inventory.text("id"), "InventoryItem")
    quantity = _available(inventory)
    blocked = NOT_STOCKED if quantity is None else ""
    return CatalogueItem(
        external_id=number_of(variant.text("id"), "ProductVariant"),
        ref=StockRef(stock_id=stock_id, parent_id=number_of(above.text("id"), "Product")),
        sku=(variant.maybe_text("sku") or "").strip() or None,
        title=product if title == DEFAULT_TITLE else f"{product} - {title}",
        tracked=inventory.flag("tracked"),
        quantity=quantity,
        price=variant.maybe_decimal("price"),
        blocked=A_BUNDLE if variant.flag("requiresComponents") else blocked,
    )


def figure(inventory: Reader) -> StockFigure:
    """The figure of an inventory item at the location that was asked for."""
    if not inventory.flag("tracked"):
        return StockFigure(state=FigureState.UNTRACKED)
    quantity = _available(inventory)
    if quantity is None:
        return StockFigure(state=FigureState.NOT_STOCKED)
    return StockFigure(state=FigureState.TRACKED, quantity=quantity)


def _available(inventory: Reader) -> int | None:
    """Units for sale; None where the item is not stocked, or only on a level that is not active."""
    level = inventory.maybe_nested("inventoryLevel")
    if level is None:
        return None
    found = [row.whole("quantity") for row in level.each("quantities") if row.text("name") == "available"]
    return found[0] if found else None


# ------------------------------------------------------------------------------------------------- orders


def order(row: Reader, lines: Iterable[Reader], refunds: Iterable[Refund]) -> OrderSnapshot:
    """The state of an order from its own fields, all of its lines and all of its refunds."""
    status = row.maybe_text("displayFinancialStatus") or ""
    is_included = row.flag("taxesIncluded")
    told = tuple(line(each, taxes_included=is_included) for each in lines)
    version, cancelled_at = row.time("updatedAt"), row.maybe_time("cancelledAt")
    created_at = row.time("createdAt")
    return OrderSnapshot(
        order_id=number_of(row.text("id"), "Order"),
        name=row.text("name"),
        version=version.replace(microsecond=0),
        created_at=created_at,
        is_paid=status in PAID,
        paid_at=_paid_at(row, created_at) if status in PAID else None,
        cancelled_at=cancelled_at,
        is_final=cancelled_at is not None or status in NEVER_PAID,
        is_test=row.flag("test"),
        currency=row.text("currencyCode"),
        shipping=shipping(
            _money(row, "totalShippingPriceSet"), _money(row, "totalTaxSet"), told, taxes_included=is_included
        ),
        lines=told,
        refunds=tuple(refunds),
    )


def line(row: Reader, *, taxes_included: bool) -> OrderLine:
    """One line. A custom line may carry a real SKU all the same: only a variant makes it a product of the store."""
    variant = row.maybe_nested("variant")
    tax = sum((_money(one, "priceSet") for one in row.each("taxLines")), Decimal(0))
    discount = sum((_money(one, "allocatedAmountSet") for one in row.each("discountAllocations")), Decimal(0))
    total = _money(row, "originalTotalSet") - discount
    return OrderLine(
        line_id=number_of(row.text("id"), "LineItem"),
        external_id=None if variant is None else number_of(variant.text("id"), "ProductVariant"),
        sku=(row.maybe_text("sku") or "").strip() or None,
        title=row.text("title"),
        quantity=row.whole("quantity"),
        total=total if taxes_included else total + tax,
        tax=tax,
        moves_nothing=why_no_stock(is_product=variant is not None, is_gift_card=row.flag("isGiftCard")),
    )


def why_no_stock(*, is_product: bool, is_gift_card: bool) -> str:
    """Why a line moves no stock, as far as the line itself tells; empty where it does."""
    if is_gift_card:
        return A_GIFT_CARD
    return "" if is_product else NO_PRODUCT


def shipping(price: Decimal, tax_of_order: Decimal, lines: Iterable[OrderLine], *, taxes_included: bool) -> Decimal:
    """Shipping with its tax: what the order's tax has beyond the lines' is shipping's."""
    if taxes_included:
        return price
    return price + max(Decimal(0), tax_of_order - sum((one.tax for one in lines), Decimal(0)))


def refund(row: Reader, lines: Iterable[Reader]) -> Refund:
    """One refund with all of its lines; `restocked` says the same as Shopify's restock type."""
    number = number_of(row.text("id"), "Refund")
    return Refund(
        refund_id=number,
        created_at=row.maybe_time("createdAt") or row.time("processedAt"),
        lines=tuple(_refund_line(each, number) for each in lines),
        amount=_money(row, "totalRefundedSet"),
    )


def _refund_line(row: Reader, refund_id: str) -> RefundLine:
    line_id = number_of(row.nested("lineItem").text("id"), "LineItem")
    told = row.maybe_text("id")
    return RefundLine(
        refund_line_id=number_of(told, "RefundLineItem") if told else f"{refund_id}/{line_id}",
        line_id=line_id,
        quantity=row.whole("quantity"),
        restocked=row.flag("restocked"),
    )


def returned(return_id: str, lines: Iterable[Reader], version: datetime) -> Refund | None:
    """A return that was processed without any refund (an even exchange), as a refund of no money; None if nothing of it
    went back on sale. It is known by the return's id, so it is counted once.
    """
    found: list[RefundLine] = []
    for row in lines:
        fulfilled = row.maybe_nested("fulfillmentLineItem")
        for disposition in row.each("dispositions"):
            if disposition.text("type") == "RESTOCKED" and fulfilled is not None:
                number = number_of(disposition.text("id"), "ReverseFulfillmentOrderDisposition")
                line_id = number_of(fulfilled.nested("lineItem").text("id"), "LineItem")
                quantity = disposition.whole("quantity")
                found.append(RefundLine(refund_line_id=number, line_id=line_id, quantity=quantity, restocked=True))
    return Refund(refund_id=f"return-{return_id}", created_at=version, lines=tuple(found)) if found else None


def _paid_at(row: Reader, created_at: datetime) -> datetime:
    """When the last money came in; an order that costs nothing was paid when it was placed."""
    moments = [
        moment
        for one in row.each("transactions")
        if one.text("kind") in TAKES_MONEY and one.text("status") == "SUCCESS"
        if (moment := one.maybe_time("processedAt")) is not None
    ]
    return max(moments, default=created_at)


def _money(row: Reader, key: str) -> Decimal:
    """An amount in the shop's own currency; 0 where there is none."""
    bag = row.maybe_nested(key)
    return Decimal(0) if bag is None else bag.nested("shopMoney").decimal("amount")
