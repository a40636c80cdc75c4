"""Figures over time: what each store sold per day, and how often each platform was called."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from schema.tables import Connection, PushBatch, SalesLog, SyncRun
from syncd.engine.views.amounts import amount, sold_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One store's figure in each part of the time."""

    name: str
    values: tuple[Decimal, ...]


def sold_per_part(session: Session, merchant_id: int, bounds: Sequence[datetime]) -> list[Series]:
    """Money sold by each store in each part; `bounds` are the begins of the parts and the end of the last."""
    part = case(*[(col(SalesLog.occurred_at) < bound, n) for n, bound in enumerate(bounds[1:])], else_=len(bounds))
    rows = session.execute(
        select(Connection.id, Connection.name, part, sold_amount(session))
        .join(Connection, col(Connection.id) == col(SalesLog.connection_id))
        .where(
            SalesLog.merchant_id == merchant_id,
            col(SalesLog.occurred_at) >= bounds[0],
            col(SalesLog.occurred_at) < bounds[-1],
        )
        .group_by(col(Connection.id), col(Connection.name), part)
        .order_by(col(Connection.id))
    ).all()
    found: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * (len(bounds) - 1))
    for _, name, n, sold in rows:
        found[name][int(n)] += amount(sold)
    return [Series(name=name, values=tuple(values)) for name, values in found.items()]


def writes_per_part(session: Session, merchant_id: int, bounds: Sequence[datetime]) -> list[Series]:
    """Calls that set numbers in each store, in each part."""
    part = case(*[(col(PushBatch.intent_at) < bound, n) for n, bound in enumerate(bounds[1:])], else_=len(bounds))
    first = session.exec(
        select(func.min(SyncRun.id)).where(SyncRun.merchant_id == merchant_id, col(SyncRun.started_at) >= bounds[0])
    ).one()
    rows = session.execute(
        select(Connection.name, part, func.count())
        .join(Connection, col(Connection.id) == col(PushBatch.connection_id))
        .where(
            Connection.merchant_id == merchant_id,
            col(PushBatch.run_id) >= (first or 0),
            col(PushBatch.intent_at) >= bounds[0],
            col(PushBatch.intent_at) < bounds[-1],
        )
        .group_by(col(Connection.name), part)
        .order_by(col(Connection.name))
    ).all()
    found: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * (len(bounds) - 1))
    for name, n, count in rows:
        found[name][int(n)] += count
    return [Series(name=name, values=tuple(values)) for name, values in found.items()]
