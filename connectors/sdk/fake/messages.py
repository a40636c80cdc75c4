"""The fake platform's own JSON: what its webhooks carry, and the way back into our values."""

import json
from datetime import datetime
from decimal import Decimal

from connectors.sdk.answer import parse_json
from connectors.sdk.errors import MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.values import (
    AccessEnded,
    Fact,
    ListingChanged,
    Nothing,
    OrderChanged,
    OrderLine,
    OrderRefunds,
    OrderSnapshot,
    PrivacyRequest,
    Refund,
    RefundLine,
    StockHint,
)


def to_json(document: object) -> bytes:
    """Compact and stable; money and times as text."""
    return json.dumps(document, default=_as_text, sort_keys=True, separators=(",", ":")).encode()


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no shape in the fake platform's JSON")


def order_message(order: OrderSnapshot) -> dict[str, object]:
    """An order as the platform tells it."""
    return {
        "id": order.order_id,
        "name": order.name,
        "updated_at": order.version,
        "created_at": order.created_at,
        "is_paid": order.is_paid,
        "paid_at": order.paid_at,
        "cancelled_at": order.cancelled_at,
        "is_test": order.is_test,
        "currency": order.currency,
        "shipping": order.shipping,
        "lines": [_line_message(line) for line in order.lines],
        "refunds": [refund_message(refund) for refund in order.refunds],
    }


def _line_message(line: OrderLine) -> dict[str, object]:
    return {
        "id": line.line_id,
        "item_id": line.external_id,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "taken": line.taken,
        "total": line.total,
        "tax": line.tax,
    }


def refund_message(refund: Refund) -> dict[str, object]:
    """A refund as the platform tells it."""
    lines = [
        {"id": line.refund_line_id, "line_id": line.line_id, "quantity": line.quantity, "restocked": line.restocked}
        for line in refund.lines
    ]
    return {"id": refund.refund_id, "created_at": refund.created_at, "amount": refund.amount, "lines": lines}


def read_fact(topic: str, body: bytes) -> Fact:
    """What a delivery says; MalformedPayload where it says nothing that we know."""
    message = Reader.of(parse_json(body), "delivery")
    match topic:
        case "orders/changed":
            return read_order(message)
        case "orders/refunded":
            return OrderRefunds(order_id=message.id("order_id"), refunds=(_read_refund(message.nested("refund")),))
        case "orders/deleted":
            return OrderChanged(order_id=message.id("id"), may_be_gone=True)
        case "stock/changed":
            return StockHint(
                stock_id=message.id("stock_id"), quantity=message.maybe_whole("quantity"), at=message.time("at")
            )
        case "items/changed" | "items/deleted":
            return ListingChanged(external_id=message.id("id"), may_be_gone=topic == "items/deleted")
        case "access/ended":
            return AccessEnded(words=message.text("words"))
        case "privacy/redact":
            return PrivacyRequest(kind=topic, order_ids=tuple(str(order_id) for order_id in message.values("orders")))
        case "ping":
            return Nothing(words="The store greets.")
        case _:
            raise MalformedPayload("The delivery has a topic that is not known.")


def read_order(message: Reader) -> OrderSnapshot:
    """An order of ours; MalformedPayload where something of it is missing."""
    cancelled_at = message.maybe_time("cancelled_at")
    return OrderSnapshot(
        order_id=message.id("id"),
        name=message.text("name"),
        version=message.time("updated_at"),
        created_at=message.time("created_at"),
        is_paid=message.flag("is_paid"),
        paid_at=message.maybe_time("paid_at"),
        cancelled_at=cancelled_at,
        is_final=cancelled_at is not None,
        is_test=message.flag("is_test"),
        currency=message.text("currency"),
        shipping=message.decimal("shipping"),
        lines=tuple(_read_line(line) for line in message.each("lines")),
        refunds=tuple(_read_refund(refund) for refund in message.each("refunds")),
    )


def _read_line(line: Reader) -> OrderLine:
    external_id = line.maybe_id("item_id")
    return OrderLine(
        line_id=line.id("id"),
        external_id=external_id,
        sku=line.maybe_text("sku"),
        title=line.text("title"),
        quantity=line.whole("quantity"),
        taken=line.maybe_whole("taken"),
        total=line.decimal("total"),
        tax=line.decimal("tax"),
        moves_nothing=moves_nothing(external_id),
    )


def moves_nothing(external_id: str | None) -> str:
    """Why a line is no stock; empty where it is."""
    return "a line typed in by hand" if external_id is None else ""


def _read_refund(refund: Reader) -> Refund:
    return Refund(
        refund_id=refund.id("id"),
        created_at=refund.time("created_at"),
        amount=refund.decimal("amount"),
        lines=tuple(
            RefundLine(
                refund_line_id=line.id("id"),
                line_id=line.id("line_id"),
                quantity=line.whole("quantity"),
                restocked=line.flag("restocked"),
            )
            for line in refund.each("lines")
        ),
    )
