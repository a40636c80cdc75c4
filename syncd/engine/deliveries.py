"""Raw deliveries as people see them, and taking one in again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from schema.tables import Connection, Delivery, DeliveryState
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.wake import wake
from syncd.errors import NotPossible

SECRET_HEADERS = ("signature", "hmac", "authorization", "cookie", "token")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """One delivery; `size` is the number of bytes of its body."""

    id: int
    connection: str
    source: str
    topic: str
    state: str
    reason: str
    attempts: int
    size: int
    received_at: datetime
    applied_at: datetime | None


def list_deliveries(
    session: Session,
    merchant_id: int,
    *,
    connection_id: int | None = None,
    state: DeliveryState | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[DeliveryView]:
    """The newest first; those with a smaller id than `before`."""
    query = (
        select(Delivery, Connection)
        .join(Connection, col(Connection.id) == col(Delivery.connection_id))
        .where(Connection.merchant_id == merchant_id)
    )
    if connection_id is not None:
        query = query.where(Delivery.connection_id == connection_id)
    if state is not None:
        query = query.where(Delivery.state == state)
    if before is not None:
        query = query.where(col(Delivery.id) < before)
    return [_view(row, store) for row, store in session.exec(query.order_by(col(Delivery.id).desc()).limit(limit))]


def _view(row: Delivery, store: Connection) -> DeliveryView:
    return DeliveryView(
        id=row.id or 0,
        connection=store.name,
        source=row.source,
        topic=row.topic,
        state=row.state.value,
        reason=row.reason,
        attempts=row.attempts,
        size=len(row.body),
        received_at=row.received_at,
        applied_at=row.applied_at,
    )


def show(session: Session, merchant_id: int, delivery_id: int) -> tuple[DeliveryView, Mapping[str, str], str]:
    """A delivery with its headers, those that prove something left out, and its body as text. Raises NotPossible."""
    row, store = _find(session, merchant_id, delivery_id)
    headers = {
        name: str(value)
        for name, value in row.headers.items()
        if not any(word in name.lower() for word in SECRET_HEADERS)
    }
    return _view(row, store), headers, row.body.decode("utf-8", errors="replace")


def _find(session: Session, merchant_id: int, delivery_id: int) -> tuple[Delivery, Connection]:
    row = session.get(Delivery, delivery_id)
    store = session.get_one(Connection, row.connection_id) if row else None
    if row is None or store is None or store.merchant_id != merchant_id:
        raise NotPossible(f"There is no delivery {delivery_id}. `syncd deliveries list` shows the latest.")
    return row, store


def replay(engine: Engine, merchant_id: int, delivery_id: int, *, actor: str) -> None:
    """Have a delivery taken in again; what is known of it already counts once. Raises NotPossible."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row, store = _find(session, merchant_id, delivery_id)
        if not row.body:
            raise NotPossible(f"The body of delivery {delivery_id} is not kept any more.")
        row.state, row.attempts, row.not_before, row.reason, row.applied_at = DeliveryState.NEW, 0, None, "", None
        audit(session, merchant_id, actor, "delivery.replay", store.name, {"delivery": delivery_id}, now)
        wake(session)
