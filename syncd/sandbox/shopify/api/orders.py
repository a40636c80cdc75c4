"""Resolvers of orders, lines, refunds, transactions, fulfillment orders and returns."""
# ruff: noqa: ARG001, ARG005 (all resolvers share one signature)

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from syncd.sandbox.shopify.api.call import Args, Call, Fields, Resolver
from syncd.sandbox.shopify.api.connections import page_size, paginate
from syncd.sandbox.shopify.api.stock import by_number, identity, numbered, of
from syncd.sandbox.shopify.orders import shipped_and_refunded
from syncd.sandbox.shopify.payloads import gid, money
from syncd.sandbox.shopify.records import (
    Bundle,
    Disposition,
    FulfillmentLine,
    FulfillmentOrder,
    Line,
    Order,
    Refund,
    RefundLine,
    Return,
    ReturnLine,
    Transaction,
)
from syncd.sandbox.shopify.shop import (
    current_total,
    financial_status,
    fulfillment_status,
    given_back,
    line_tax,
    line_total,
    order_totals,
    received,
)


def _bag(call: Call, amount: Decimal) -> dict[str, object]:
    one = {"amount": money(amount), "currencyCode": call.shop.currency}
    return {"shopMoney": one, "presentmentMoney": one}


def _plain_list(read: str) -> Resolver:
    """A plain list with `first`: what is over it is cut silently."""

    def resolve(call: Call, source: object, args: Args) -> object:
        found = cast(Sequence[object], getattr(source, read))
        return found if args.get("first") is None else found[: page_size(args)]

    return resolve


def _paged(read: str) -> Resolver:
    def resolve(call: Call, source: object, args: Args) -> object:
        return paginate(call, getattr(source, read), args, by_number)

    return resolve


def _return_status(order: Order) -> str:
    if not order.returns:
        return "NO_RETURN"
    return "RETURNED" if all(r.status == "CLOSED" for r in order.returns) else "IN_PROGRESS"


def _outstanding(order: Order) -> Decimal:
    return current_total(order) - (received(order) - given_back(order))


def _app(order: Order) -> dict[str, object]:
    return {"id": gid("App", 1), "name": "Point of Sale" if order.source_name == "pos" else "Online Store"}


def _refunds_of(call: Call, source: object, args: Args) -> object:
    what = cast(Return, source)
    return paginate(call, [r for r in what.order.refunds if r.comes_from is what], args, by_number)


def _reverse(call: Call, source: object, args: Args) -> object:
    return paginate(call, [source], args, by_number)


def _tax_lines(call: Call, source: object, args: Args) -> object:
    line = cast(Line, source)
    if not line.tax_rate:
        return []
    order = next(o for o in call.shop.orders.values() if line in o.lines)
    amount = line_tax(order, line)
    return [{"title": "Tax", "rate": float(line.tax_rate), "price": money(amount), "priceSet": _bag(call, amount)}]


ORDER: Fields = {
    **numbered("Order"),
    "number": of(Order, lambda x: x.order_number),
    "processedAt": of(Order, lambda x: x.created_at),
    "closed": of(Order, lambda x: x.closed_at is not None),
    "confirmed": of(Order, lambda x: x.behaviour != "BYPASS"),
    "cancelReason": of(Order, lambda x: x.cancel_reason.upper() if x.cancel_reason else None),
    "currencyCode": of(Order, lambda x: x.currency),
    "presentmentCurrencyCode": of(Order, lambda x: x.currency),
    "displayFinancialStatus": of(Order, financial_status),
    "displayFulfillmentStatus": of(Order, fulfillment_status),
    "fullyPaid": of(Order, lambda x: financial_status(x) in ("PAID", "PARTIALLY_REFUNDED", "REFUNDED")),
    "unpaid": of(Order, lambda x: not received(x)),
    "edited": of(Order, lambda x: x.is_edited),
    "app": of(Order, _app),
    "sourceName": of(Order, lambda x: x.source_name),
    "retailLocation": of(Order, lambda x: x.retail_location),
    "returnStatus": of(Order, _return_status),
    "currentSubtotalLineItemsQuantity": of(Order, lambda x: sum(line.current_quantity for line in x.lines)),
    "tags": of(Order, lambda x: []),
    "email": of(Order, lambda x: f"customer{x.order_number}@example.com"),
    "totalPriceSet": lambda call, x, args: _bag(call, order_totals(cast(Order, x))["total"]),
    "subtotalPriceSet": lambda call, x, args: _bag(call, order_totals(cast(Order, x))["subtotal"]),
    "totalTaxSet": lambda call, x, args: _bag(call, order_totals(cast(Order, x))["tax"]),
    "totalShippingPriceSet": lambda call, x, args: _bag(call, cast(Order, x).shipping),
    "currentTotalPriceSet": lambda call, x, args: _bag(call, current_total(cast(Order, x))),
    "totalReceivedSet": lambda call, x, args: _bag(call, received(cast(Order, x))),
    "totalRefundedSet": lambda call, x, args: _bag(call, given_back(cast(Order, x))),
    "totalOutstandingSet": lambda call, x, args: _bag(call, _outstanding(cast(Order, x))),
    "lineItems": _paged("lines"),
    "refunds": _plain_list("refunds"),
    "transactions": _plain_list("transactions"),
    "returns": _paged("returns"),
    "fulfillmentOrders": _paged("fulfillment_orders"),
}

LINE: Fields = {
    "id": identity("LineItem"),
    "name": of(Line, lambda x: x.title),
    "product": of(Line, lambda x: x.variant.product if x.variant else None),
    "isGiftCard": of(Line, lambda x: x.is_gift_card),
    "unfulfilledQuantity": of(Line, lambda x: x.fulfillable),
    "fulfillableQuantity": of(Line, lambda x: x.fulfillable),
    "refundableQuantity": of(Line, lambda x: x.current_quantity),
    "lineItemGroup": of(Line, lambda x: x.bundle),
    "originalUnitPriceSet": lambda call, x, args: _bag(call, cast(Line, x).price),
    "originalTotalSet": lambda call, x, args: _bag(call, cast(Line, x).price * cast(Line, x).quantity),
    "discountedTotalSet": lambda call, x, args: _bag(call, line_total(cast(Line, x))),
    "totalDiscountSet": lambda call, x, args: _bag(call, Decimal(0)),
    "discountAllocations": lambda call, x, args: (
        [{"allocatedAmountSet": _bag(call, cast(Line, x).discount)}] if cast(Line, x).discount else []
    ),
    "taxLines": _tax_lines,
    "requiresShipping": of(Line, lambda x: True),
    "taxable": of(Line, lambda x: True),
    "restockable": of(Line, lambda x: x.variant is not None),
}

REFUND: Fields = {
    **numbered("Refund"),
    "processedAt": of(Refund, lambda x: x.created_at),
    "updatedAt": of(Refund, lambda x: x.created_at),
    "return": of(Refund, lambda x: x.comes_from),
    "totalRefundedSet": lambda call, x, args: _bag(call, cast(Refund, x).amount),
    "refundLineItems": _paged("lines"),
}

REFUND_LINE: Fields = {
    "id": identity("RefundLineItem"),
    "lineItem": of(RefundLine, lambda x: x.line),
    "restocked": of(RefundLine, lambda x: x.restock_type != "NO_RESTOCK"),
    "subtotalSet": lambda call, x, args: _bag(call, cast(RefundLine, x).subtotal),
    "totalTaxSet": lambda call, x, args: _bag(call, cast(RefundLine, x).tax),
    "priceSet": lambda call, x, args: _bag(call, cast(RefundLine, x).line.price),
}

FIELDS: dict[str, Fields] = {
    "Order": ORDER,
    "LineItem": LINE,
    "Refund": REFUND,
    "RefundLineItem": REFUND_LINE,
    "LineItemGroup": {
        "id": identity("LineItemGroup"),
        "title": of(Bundle, lambda x: x.variant.product.title),
        "variantId": of(Bundle, lambda x: gid("ProductVariant", x.variant.number)),
        "variantSku": of(Bundle, lambda x: x.variant.item.sku),
        "productId": of(Bundle, lambda x: gid("Product", x.variant.product.number)),
    },
    "OrderTransaction": {
        "id": identity("OrderTransaction"),
        "amountSet": lambda call, x, args: _bag(call, cast(Transaction, x).amount),
        "createdAt": of(Transaction, lambda x: x.processed_at),
        "gateway": of(Transaction, lambda x: "bogus"),
        "test": of(Transaction, lambda x: False),
    },
    "FulfillmentOrder": {
        "id": identity("FulfillmentOrder"),
        "orderId": of(FulfillmentOrder, lambda x: gid("Order", x.order.number)),
        "orderName": of(FulfillmentOrder, lambda x: x.order.name),
        "requestStatus": of(FulfillmentOrder, lambda x: "UNSUBMITTED"),
        "assignedLocation": of(
            FulfillmentOrder, lambda x: {"name": x.location.name, "countryCode": "US", "location": x.location}
        ),
        "lineItems": _paged("lines"),
    },
    "FulfillmentOrderLineItem": {
        "id": identity("FulfillmentOrderLineItem"),
        "lineItem": of(FulfillmentLine, lambda x: x.line),
        "totalQuantity": of(FulfillmentLine, lambda x: x.total),
        "remainingQuantity": of(FulfillmentLine, lambda x: x.remaining),
        "inventoryItemId": of(
            FulfillmentLine, lambda x: gid("InventoryItem", x.line.item.number) if x.line.item else None
        ),
        "sku": of(FulfillmentLine, lambda x: x.line.sku),
        "variant": of(FulfillmentLine, lambda x: x.line.variant),
        "productTitle": of(FulfillmentLine, lambda x: x.line.title),
    },
    "Return": {
        "id": identity("Return"),
        "name": of(Return, lambda x: f"{x.order.name}-R{x.order.returns.index(x) + 1}"),
        "totalQuantity": of(Return, lambda x: sum(line.quantity for line in x.lines)),
        "returnLineItems": _paged("lines"),
        "refunds": _refunds_of,
        "reverseFulfillmentOrders": _reverse,
    },
    "ReturnLineItem": {
        "id": identity("ReturnLineItem"),
        "refundedQuantity": of(ReturnLine, lambda x: shipped_and_refunded(x.line)),
    },
    "ReverseFulfillmentOrder": {
        "id": identity("ReverseFulfillmentOrder"),
        "lineItems": _paged("lines"),
    },
    "ReverseFulfillmentOrderLineItem": {
        "id": identity("ReverseFulfillmentOrderLineItem"),
        "totalQuantity": of(ReturnLine, lambda x: x.quantity),
        "fulfillmentLineItem": of(
            ReturnLine,
            lambda x: {"id": gid("FulfillmentLineItem", x.line.number), "lineItem": x.line, "quantity": x.quantity},
        ),
    },
    "ReverseFulfillmentOrderDisposition": {
        "id": identity("ReverseFulfillmentOrderDisposition"),
        "type": of(Disposition, lambda x: x.kind),
    },
}
