"""Order snapshots as bytes: what a pulled order is stored as in the inbox, and how two snapshots are compared."""

import hashlib
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
    """A digest over everything the snapshot tells."""
    return hashlib.sha256(to_bytes(snapshot)).hexdigest()
