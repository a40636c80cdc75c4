"""Order snapshots as bytes: what a pulled order is stored as in the inbox, and how two snapshots are compared."""

import hashlib
import json
from functools import cache

from pydantic import TypeAdapter, ValidationError

from connectors.sdk.errors import MalformedPayload
from connectors.sdk.values import OrderSnapshot


@cache
def _adapter() -> TypeAdapter[OrderSnapshot]:
    return TypeAdapter(OrderSnapshot)


def to_bytes(snapshot: OrderSnapshot) -> bytes:
    """The snapshot as JSON, the same bytes for equal snapshots."""
    return _adapter().dump_json(snapshot)


def from_bytes(body: bytes) -> OrderSnapshot:
    """The snapshot that `to_bytes` wrote; raises MalformedPayload."""
    try:
        return _adapter().validate_json(body)
    except ValidationError as error:
        raise MalformedPayload("the stored order snapshot cannot be read", operation="read snapshot") from error


def content_hash(snapshot: OrderSnapshot) -> str:
    """A digest over what the snapshot says of stock and payment.

    Names and money are left out: a platform may word them differently in a webhook and in an answer, and a change of
    either comes with a new version.
    """
    lines = sorted((line.line_id, line.quantity, line.taken) for line in snapshot.lines)
    refunds = sorted(
        (refund.refund_id, line.refund_line_id, line.line_id, line.quantity, line.restocked)
        for refund in snapshot.refunds
        for line in refund.lines
    )
    state = (snapshot.is_paid, snapshot.cancelled_at is not None, snapshot.is_final, snapshot.is_test)
    told = json.dumps([snapshot.order_id, state, lines, refunds])
    return hashlib.sha256(told.encode()).hexdigest()
