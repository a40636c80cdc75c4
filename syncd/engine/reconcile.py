"""Comparing a store's whole stock with what we believe. Whatever differs is looked at; looks explain or correct it.

The rule for what stays unexplained is `syncd/domain/drift.py`.
"""

from collections.abc import Mapping, Sequence

import structlog
from sqlmodel import col, select

from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import FigureState, StockFigure, StockRef
from schema.tables import Connection, ConnectionState, RunState, StockItem, SyncRun
from syncd.domain.observed import is_owed, mark_for_look, shown
from syncd.engine import items
from syncd.engine.batches import batched
from syncd.engine.context import Engine
from syncd.engine.desired import lock_items
from syncd.engine.failures import note_failure, note_success
from syncd.engine.leases import Held, confirm
from syncd.engine.linking import end_refusal
from syncd.engine.wake import wake

log = structlog.get_logger(__name__)


def reconcile(engine: Engine, held: Held, connection_id: int, cause: str = "schedule") -> dict[str, int]:
    """Read every published figure of a live store; returns how many were read, differ, and were not answered."""
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        if connection.state is not ConnectionState.LIVE:
            return {}
        rows = session.exec(
            select(StockItem.id, StockItem.external_id, StockItem.parent_id)
            .where(StockItem.connection_id == connection_id, col(StockItem.desired).is_not(None))
            .order_by(col(StockItem.id))
        ).all()
    began = engine.clock.now()
    store = engine.connectors.store(engine, connection)
    counts = {"read": 0, "differ": 0, "not_answered": 0}
    try:
        for part in batched(rows, store.traits.read_rows):
            reading = store.read_stock([StockRef(stock_id=stock_id, parent_id=parent) for _, stock_id, parent in part])
            _compare(engine, held, [item_id or 0 for item_id, _, _ in part], reading.figures, counts)
    except ConnectorError as error:
        note_failure(engine, connection, error)
        raise
    note_success(engine, connection)
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.get_one(Connection, connection_id)
        row.reconciled_at = now
        session.add(
            SyncRun(
                merchant_id=row.merchant_id,
                connection_id=connection_id,
                kind="reconcile",
                cause=cause,
                state=RunState.DONE,
                counts=counts,
                done=counts["read"],
                total=len(rows),
                started_at=began,
                ended_at=now,
            )
        )
    log.info("reconciled", connection=connection.name, **counts)
    return counts


def _compare(
    engine: Engine, held: Held, item_ids: Sequence[int], figures: Mapping[str, StockFigure], counts: dict[str, int]
) -> None:
    """Mark the figures that are not what we believe."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        confirm(session, held, now)
        for item in lock_items(session, item_ids):
            figure = figures.get(item.external_id)
            if figure is None:
                counts["not_answered"] += 1
                continue
            counts["read"] += 1
            state = items.belief(item)
            if figure.state is FigureState.TRACKED and figure.quantity == shown(state):
                item.confirmed_at = now
                if not is_owed(state, item.desired):
                    end_refusal(session, item, now)
                continue
            counts["differ"] += 1
            items.keep(item, mark_for_look(state), look_at=now, reason="the comparison found another number")
        wake(session)
