"""Bodies of webhooks about orders, refunds and edits, in the REST shape. Pure. See `payloads.py` for the others."""

from datetime import datetime
from decimal import Decimal

from syncd.sandbox.shopify.payloads import gid, local, money, money_set
from syncd.sandbox.shopify.records import Line, Order, Refund, RefundLine
from syncd.sandbox.shopify.shop import (
    Body,
    Shop,
    current_total,
    financial_status,
    fulfillment_status,
    line_tax,
    order_totals,
)


def order_body(shop: Shop, order: Order) -> Body:
    """orders/create, updated, paid, cancelled, fulfilled: one shape for all."""
    totals = order_totals(order)
    shipped = fulfillment_status(order)
    return {
        "id": order.number,
        "admin_graphql_api_id": gid("Order", order.number),
        "name": order.name,
        "order_number": order.order_number,
        "number": order.order_number - 1000,
        "created_at": local(order.created_at),
        "updated_at": local(order.updated_at),
        "processed_at": local(order.created_at),
        "cancelled_at": local(order.cancelled_at),
        "cancel_reason": order.cancel_reason,
        "closed_at": local(order.closed_at),
        "confirmed": order.behaviour != "BYPASS",
        "currency": order.currency,
        "presentment_currency": order.currency,
        "financial_status": financial_status(order).lower(),
        "fulfillment_status": {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}.get(shipped),
        "location_id": order.retail_location.number if order.retail_location else None,
        "source_name": order.source_name,
        "app_id": None,
        "test": order.test,
        "taxes_included": order.taxes_included,
        "subtotal_price": money(totals["subtotal"]),
        "total_tax": money(totals["tax"]),
        "total_price": money(totals["total"]),
        "total_discounts": money(totals["discount"]),
        "current_total_price": money(current_total(order)),
        "total_outstanding": money(Decimal(0) if financial_status(order) == "PAID" else current_total(order)),
        "total_shipping_price_set": money_set(shop, order.shipping),
        "email": f"customer{order.order_number}@example.com",
        "customer": {"id": 1, "email": f"customer{order.order_number}@example.com", "first_name": "Ada"},
        "shipping_address": {"name": "Ada Example", "address1": "1 Example Street", "country_code": "US"},
        "line_items": [_line_body(shop, order, line) for line in order.lines],
        "line_item_groups": _groups_body(order),
        "refunds": [refund_body(shop, refund) for refund in order.refunds],
        "returns": [
            {"id": each.number, "admin_graphql_api_id": gid("Return", each.number), "status": each.status.lower()}
            for each in order.returns
        ],
        "fulfillments": [],
        "shipping_lines": [],
        "tax_lines": [],
        "payment_gateway_names": ["bogus"] if order.transactions else [],
    }


def _groups_body(order: Order) -> list[Body]:
    bundles = {line.bundle.number: line.bundle for line in order.lines if line.bundle}
    return [
        {"id": bundle.number, "title": bundle.variant.product.title, "quantity": bundle.quantity}
        for bundle in bundles.values()
    ]


def _line_body(shop: Shop, order: Order, line: Line) -> Body:
    variant = line.variant
    return {
        "id": line.number,
        "admin_graphql_api_id": gid("LineItem", line.number),
        "title": line.title,
        "name": line.title,
        "sku": line.sku,
        "quantity": line.quantity,
        "current_quantity": line.current_quantity,
        "fulfillable_quantity": line.fulfillable,
        "fulfillment_status": "fulfilled" if line.fulfilled and not line.fulfillable else None,
        "gift_card": line.is_gift_card,
        "price": money(line.price),
        "price_set": money_set(shop, line.price),
        "total_discount": money(Decimal(0)),
        "discount_allocations": [{"amount": money(line.discount)}] if line.discount else [],
        "product_exists": variant is not None,
        "product_id": variant.product.number if variant else None,
        "variant_id": variant.number if variant else None,
        "variant_inventory_management": "shopify" if variant and variant.item.tracked else None,
        "sales_line_item_group_id": line.bundle.number if line.bundle else None,
        "requires_shipping": True,
        "taxable": True,
        "tax_lines": _tax_lines(order, line),
        "duties": [],
    }


def _tax_lines(order: Order, line: Line) -> list[Body]:
    if not line.tax_rate:
        return []
    return [{"title": "Tax", "rate": float(line.tax_rate), "price": money(line_tax(order, line))}]


def refund_body(shop: Shop, refund: Refund) -> Body:
    """refunds/create, and one element of an order's refunds."""
    return {
        "id": refund.number,
        "admin_graphql_api_id": gid("Refund", refund.number),
        "order_id": refund.order.number,
        "created_at": local(refund.created_at),
        "processed_at": local(refund.created_at),
        "note": refund.note,
        "restock": any(line.restock_type != "NO_RESTOCK" for line in refund.lines),
        "return": {"id": refund.comes_from.number} if refund.comes_from else None,
        "refund_line_items": [_refund_line_body(shop, refund.order, line) for line in refund.lines],
        "transactions": [{"kind": "refund", "status": "success", "amount": money(refund.amount)}]
        if refund.amount
        else [],
        "order_adjustments": [],
        "duties": [],
    }


def _refund_line_body(shop: Shop, order: Order, line: RefundLine) -> Body:
    return {
        "id": line.number,
        "line_item_id": line.line.number,
        "line_item": _line_body(shop, order, line.line),
        "quantity": line.quantity,
        "restock_type": line.restock_type.lower(),
        "location_id": line.location.number if line.location else None,
        "subtotal": float(line.subtotal),
        "total_tax": float(line.tax),
        "subtotal_set": money_set(shop, line.subtotal),
        "total_tax_set": money_set(shop, line.tax),
    }


def edit_body(order: Order, additions: dict[int, int], removals: dict[int, int], moment: datetime) -> Body:
    """orders/edited: line ids and positive deltas, nothing else."""
    return {
        "order_edit": {
            "id": order.number + 1,
            "order_id": order.number,
            "created_at": local(moment),
            "committed_at": local(moment),
            "staff_note": "",
            "line_items": {
                "additions": [{"id": number, "delta": delta} for number, delta in additions.items()],
                "removals": [{"id": number, "delta": delta} for number, delta in removals.items()],
            },
        }
    }
