"""Figures over time: what each store sold per day, and how often each platform was called."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import sqlalchemy
from sqlalchemy import Subquery, and_, func, true
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col, select

from schema.tables import Connection, PushBatch, SalesLog
from schema.types import UtcDateTime
from syncd.engine.views.amounts import amount, sold_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One store's figure in each part of the time."""

    name: str
    values: tuple[Decimal, ...]


def sold_per_part(session: Session, merchant_id: int, bounds: Sequence[datetime]) -> list[Series]:
    """Money sold by each store in each part; `bounds` are the begins of the parts and the end of the last."""
    part = _parts(bounds)
    rows = session.execute(
        select(Connection.id, Connection.name, part.c.n, sold_amount(session))
        .select_from(part)
        .join(SalesLog, _within(col(SalesLog.occurred_at), part))
        .join(Connection, col(Connection.id) == col(SalesLog.connection_id))
        .where(SalesLog.merchant_id == merchant_id)
        .group_by(col(Connection.id), col(Connection.name), part.c.n)
        .order_by(col(Connection.id))
    ).all()
    return _series([(name, n, amount(sold)) for _, name, n, sold in rows], len(bounds) - 1)


def writes_per_part(session: Session, merchant_id: int, bounds: Sequence[datetime]) -> list[Series]:
    """Calls that set numbers in each store, in each part."""
    part = _parts(bounds)
    count = (
        select(func.count())
        .select_from(PushBatch)
        .where(PushBatch.connection_id == Connection.id, _within(col(PushBatch.intent_at), part))
        .correlate(Connection, part)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Connection.name, part.c.n, count)
        .select_from(Connection)
        .join(part, true())
        .where(Connection.merchant_id == merchant_id)
        .order_by(col(Connection.name))
    ).all()
    return _series([(name, n, Decimal(calls)) for name, n, calls in rows if calls], len(bounds) - 1)


def _parts(bounds: Sequence[datetime]) -> Subquery:
    """The parts of a time as rows, so that each is a range of an index: `n`, `begin`, `end`."""
    rows = [
        sqlalchemy.select(
            sqlalchemy.literal(n).label("n"),
            sqlalchemy.literal(begin, UtcDateTime()).label("begin"),
            sqlalchemy.literal(end, UtcDateTime()).label("end"),
        )
        for n, (begin, end) in enumerate(pairwise(bounds))
    ]
    return sqlalchemy.union_all(*rows).subquery("part")


def _within(at: Mapped[datetime], part: Subquery) -> ColumnElement[bool]:
    return and_(at >= part.c.begin, at < part.c.end)


def _series(rows: Sequence[tuple[str, int, Decimal]], parts: int) -> list[Series]:
    found: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * parts)
    for name, n, value in rows:
        found[name][n] += value
    return [Series(name=name, values=tuple(values)) for name, values in found.items()]
