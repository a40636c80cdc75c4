"""The ledger: the only way to move stock. Each movement and the inventory cache that it changes are one transaction.

A movement's cause counts once. The arithmetic is `syncd/domain/stock.py`; `verify` folds the ledger again and compares.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import sqlalchemy
from sqlalchemy import bindparam
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from schema.tables import InventoryCache, Location, Movement, MovementKind
from syncd.domain import stock
from syncd.engine.dialects import Dialect, dialect_of, insert_into
from syncd.engine.issues import raise_issue, resolve_issue

MOVEMENT = Movement.metadata.tables["movement"]
SETS_ON_HAND = frozenset({MovementKind.READING, MovementKind.ADJUSTMENT})
"""Kinds that make an unknown figure known; the others leave it unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A cache that is not the fold of its ledger."""

    location_id: int
    sku: str
    on_hand: int | None
    on_hand_by_ledger: int | None
    open: int
    open_by_ledger: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAt:
    """What the ledger said of one SKU at one location."""

    location_id: int
    on_hand: int | None
    open: int


def cache_row(
    session: Session, merchant_id: int, location_id: int, sku: str, *, now: datetime, lock: bool = True
) -> InventoryCache:
    """The cache of one SKU at one location, made if there is none, and locked until the transaction ends."""
    query, asked = _cache(lock=lock), {"place": location_id, "sku": sku}
    found = session.exec(query, params=asked).first()
    if found is not None:
        return found
    blank = {
        "merchant_id": merchant_id,
        "location_id": location_id,
        "sku": sku,
        "open": 0,
        "drops": 0,
        "updated_at": now,
    }
    session.execute(insert_into(InventoryCache, dialect_of(session)).values(blank).on_conflict_do_nothing())
    return session.exec(query, params=asked).one()


@cache
def _cache(*, lock: bool) -> SelectOfScalar[InventoryCache]:
    query = select(InventoryCache).where(
        col(InventoryCache.location_id) == bindparam("place"), col(InventoryCache.sku) == bindparam("sku")
    )
    return query.with_for_update().execution_options(populate_existing=True) if lock else query


def add_movement(  # noqa: PLR0913 - a movement has as many facts
    session: Session,
    *,
    merchant_id: int,
    location_id: int,
    sku: str,
    kind: MovementKind,
    on_hand_delta: int = 0,
    open_delta: int = 0,
    value: int | None = None,
    source: str,
    event: str,
    line: str = "",
    n: int = 1,
    order_id: int | None = None,
    note: str = "",
    actor: str = "",
    occurred_at: datetime,
    now: datetime,
) -> bool:
    """Append one movement and move its cache; False, and nothing done, where its cause is in the ledger already.

    While `on_hand` is unknown, only a reading or an adjustment gives it a figure.
    """
    session.flush()
    cache = cache_row(session, merchant_id, location_id, sku, now=now)
    if cache.on_hand is None and kind not in SETS_ON_HAND:
        on_hand_delta = 0
    row = {
        "merchant_id": merchant_id,
        "location_id": location_id,
        "sku": sku,
        "kind": kind,
        "on_hand_delta": on_hand_delta,
        "open_delta": open_delta,
        "value": value,
        "source": source,
        "event": event,
        "line": line,
        "n": n,
        "order_id": order_id,
        "note": note,
        "actor": actor,
        "occurred_at": occurred_at,
        "recorded_at": now,
    }
    if session.execute(_append(dialect_of(session)), row).scalar_one_or_none() is None:
        return False
    _move(session, cache, _as_domain(kind, on_hand_delta, open_delta), now)
    return True


@cache
def _append(dialect: Dialect) -> ReturningInsert[int]:
    """One movement, whose columns are given when it is executed; nothing where its cause is there already."""
    return insert_into(MOVEMENT, dialect).on_conflict_do_nothing().returning(MOVEMENT.c.id)


def _move(session: Session, cache: InventoryCache, movement: stock.Movement, now: datetime) -> None:
    before = stock.Cache(on_hand=cache.on_hand, open=cache.open)
    after = stock.apply(before, movement)
    cache.on_hand, cache.open, cache.updated_at = after.on_hand, after.open, now
    if after != before and (stock.is_oversold(before) or stock.is_oversold(after)):
        tell_oversell(session, cache, now)


def tell_oversell(session: Session, cache: InventoryCache, now: datetime) -> None:
    """Raise the issue of an SKU of which more is sold than there is, or close it when that is over."""
    key = f"oversell:{cache.location_id}:{cache.sku}"[:255]
    if not stock.is_oversold(stock.Cache(on_hand=cache.on_hand, open=cache.open)):
        resolve_issue(session, cache.merchant_id, key, by="syncd", now=now)
        return
    place = session.get_one(Location, cache.location_id).name
    on_hand = cache.on_hand or 0
    raise_issue(
        session,
        merchant_id=cache.merchant_id,
        kind="oversell",
        key=key,
        title=f"{cache.sku} is oversold by {cache.open - on_hand} at {place}.",
        why=f"{on_hand} on hand, {cache.open} sold online that the back office does not have yet.",
        what_to_do=f"Find the units, or cancel an order. `syncd explain {cache.sku}` tells who sold when.",
        sku=cache.sku,
        details={
            "location": place,
            "on_hand": on_hand,
            "open": cache.open,
            "last_orders": _last_orders(session, cache),
        },
        now=now,
    )


def _last_orders(session: Session, cache: InventoryCache) -> list[dict[str, object]]:
    """Who sold lately, when, and when we heard of it."""
    rows = session.exec(
        select(Movement)
        .where(
            Movement.location_id == cache.location_id, Movement.sku == cache.sku, Movement.kind == MovementKind.ORDER
        )
        .order_by(col(Movement.id).desc())
        .limit(5)
    )
    return [
        {
            "source": row.source,
            "order": row.note or row.event,
            "units": row.open_delta,
            "sold_at": row.occurred_at.isoformat(),
            "heard_at": row.recorded_at.isoformat(),
        }
        for row in rows
    ]


# ------------------------------------------------------------------------------------------- folding


def verify(session: Session, merchant_id: int) -> list[Difference]:
    """Every cache of a merchant that is not the fold of its movements; empty when the books are right."""
    folded = _fold(session, merchant_id)
    cached = {
        (row.location_id, row.sku): (row.on_hand, row.open)
        for row in session.exec(select(InventoryCache).where(InventoryCache.merchant_id == merchant_id))
    }
    nothing: tuple[int | None, int] = (None, 0)
    return [
        Difference(
            location_id=place,
            sku=sku,
            on_hand=cached.get((place, sku), nothing)[0],
            on_hand_by_ledger=folded.get((place, sku), nothing)[0],
            open=cached.get((place, sku), nothing)[1],
            open_by_ledger=folded.get((place, sku), nothing)[1],
        )
        for place, sku in sorted(folded.keys() | cached.keys())
        if cached.get((place, sku), nothing) != folded.get((place, sku), nothing)
    ]


def stock_at(session: Session, merchant_id: int, sku: str, at: datetime) -> list[StockAt]:
    """What the ledger said at a time: every movement that had been recorded by then, by location."""
    folded = _fold(session, merchant_id, sku=sku, until=at)
    return [
        StockAt(location_id=place, on_hand=on_hand, open=opened) for (place, _), (on_hand, opened) in folded.items()
    ]


def _fold(
    session: Session, merchant_id: int, *, sku: str | None = None, until: datetime | None = None
) -> dict[tuple[int, str], tuple[int | None, int]]:
    """(on hand, open) by location and SKU. The database adds up each kind, the domain the kinds."""
    columns = (col(Movement.location_id), col(Movement.sku), col(Movement.kind))
    totals = (func.sum(Movement.on_hand_delta), func.sum(Movement.open_delta))
    query = sqlalchemy.select(*columns, *totals).where(col(Movement.merchant_id) == merchant_id)
    if sku is not None:
        query = query.where(col(Movement.sku) == sku)
    if until is not None:
        query = query.where(col(Movement.recorded_at) <= until)
    sums: dict[tuple[int, str], list[stock.Movement]] = defaultdict(list)
    for place, name, kind, on_hand, opened in session.execute(query.group_by(*columns).order_by(*columns)):
        sums[place, name].append(_as_domain(kind, int(on_hand), int(opened)))
    return {key: stock.fold(movements) for key, movements in sums.items()}


def _as_domain(kind: MovementKind, on_hand: int, opened: int) -> stock.Movement:
    is_known = kind in SETS_ON_HAND or on_hand != 0
    return stock.Movement(on_hand=on_hand if is_known else None, open=opened)
