"""Raw deliveries as people see them, and taking one in again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import cast

import sqlalchemy
from sqlalchemy.orm import QueryableAttribute, defer
from sqlmodel import Session, col, func, select

from schema.tables import Connection, Delivery, DeliveryState
from syncd.engine.audit import audit
from syncd.engine.batches import batched
from syncd.engine.context import Engine
from syncd.engine.wake import wake
from syncd.errors import NotPossible

STORES_AT_ONCE = 100
"""SQLite allows 500 parts in one statement."""
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
    mine = select(Connection.id, Connection.name).where(Connection.merchant_id == merchant_id)
    stores = {key: name for key, name in session.exec(mine) if key is not None}
    wanted = [key for key in stores if connection_id in (None, key)]
    newest: list[int] = []
    for stores_at_once in batched(wanted, STORES_AT_ONCE):
        newest += _newest(session, stores_at_once, [state] if state else DeliveryState, before, limit)
    rows = session.exec(
        select(Delivery, func.length(Delivery.body))
        .options(*(defer(cast(QueryableAttribute[object], column)) for column in (Delivery.body, Delivery.headers)))
        .where(col(Delivery.id).in_(newest))
        .order_by(col(Delivery.id).desc())
        .limit(limit)
    )
    return [_view(row, stores[row.connection_id], size) for row, size in rows]


def _newest(
    session: Session, connection_ids: Iterable[int], states: Iterable[DeliveryState], before: int | None, limit: int
) -> Sequence[int]:
    """The newest of some stores, each state of each from the end of its own part of an index."""
    key = col(Delivery.id)
    is_older = [] if before is None else [key < before]
    each = [
        sqlalchemy.select(key)
        .where(col(Delivery.connection_id) == connection_id, col(Delivery.state) == state, *is_older)
        .order_by(key.desc())
        .limit(limit)
        .subquery()
        for connection_id, state in product(connection_ids, states)
    ]
    together = sqlalchemy.union_all(*(sqlalchemy.select(one.c.id) for one in each)).subquery()
    return session.execute(sqlalchemy.select(together.c.id).order_by(together.c.id.desc()).limit(limit)).scalars().all()


def _view(row: Delivery, store: str, size: int) -> DeliveryView:
    return DeliveryView(
        id=row.id or 0,
        connection=store,
        source=row.source,
        topic=row.topic,
        state=row.state.value,
        reason=row.reason,
        attempts=row.attempts,
        size=size,
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
    return _view(row, store.name, len(row.body)), headers, row.body.decode("utf-8", errors="replace")


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
