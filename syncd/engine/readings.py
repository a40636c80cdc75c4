"""Applying readings of the authority: row by row, fenced against our own writes in the applying transaction (STOCK §7).

A row that may or may not hold one of our sales is dropped and read again; never is it applied by guess.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, func, or_, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from schema.tables import (
    Connection,
    DocumentState,
    InventoryCache,
    MovementKind,
    ReturnDocument,
    SaleDocument,
    SaleDocumentLine,
)
from syncd.domain.readings import Dropped, why_dropped
from syncd.engine.desired import refresh
from syncd.engine.ledger import add_movement, cache_row
from syncd.engine.wake import wake

CHUNK = 200
"""Rows that are applied in one transaction."""
FIRST_REREAD = timedelta(seconds=5)
LONGEST_REREAD = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the authority says of one SKU at one location, with the times of the request that told it."""

    sku: str
    location_id: int
    quantity: int
    began_at: datetime
    answered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of rows: `changed` of the `applied` ones moved the figure."""

    applied: int = 0
    changed: int = 0
    dropped: int = 0

    def __add__(self, other: "Applied") -> "Applied":
        return Applied(
            applied=self.applied + other.applied,
            changed=self.changed + other.changed,
            dropped=self.dropped + other.dropped,
        )


def apply_rows(
    session: Session, merchant_id: int, *, source: str, reading_id: str, rows: Sequence[Row], now: datetime
) -> Applied:
    """Apply these rows, at most CHUNK of them. `reading_id` is the movements' event, `source` the authority's code."""
    caches = _locked(session, merchant_id, rows, now)
    intents = _open_intents(session, merchant_id, {row.sku for row in rows})
    newest_live = _newest_live(session, merchant_id)
    applied = changed = 0
    moved: set[str] = set()
    for row in rows:
        cache = caches[row.location_id, row.sku]
        dropped = why_dropped(
            began_at=row.began_at,
            last_write_at=cache.last_write_at,
            last_read_answered_at=cache.read_answered_at,
            intents_open=intents[row.location_id, row.sku],
        )
        if dropped is not None:
            _drop(cache, dropped, now)
            continue
        applied += 1
        if newest_live is not None and (cache.read_began_at is None or cache.read_began_at < newest_live):
            moved.add(row.sku)
        if _apply(session, cache, row, source, reading_id, now):
            changed += 1
            moved.add(row.sku)
    session.flush()
    if moved:
        refresh(session, merchant_id, moved)
        wake(session)
    return Applied(applied=applied, changed=changed, dropped=len(rows) - applied)


def _apply(session: Session, cache: InventoryCache, row: Row, source: str, reading_id: str, now: datetime) -> bool:
    cache.reading = row.quantity
    cache.read_began_at, cache.read_answered_at = row.began_at, row.answered_at
    cache.drops, cache.reread_at = 0, None
    if cache.on_hand == row.quantity:
        return False
    return add_movement(
        session,
        merchant_id=cache.merchant_id,
        location_id=cache.location_id,
        sku=cache.sku,
        kind=MovementKind.READING,
        on_hand_delta=row.quantity - (cache.on_hand or 0),
        value=row.quantity,
        source=source,
        event=reading_id,
        line=f"{cache.id}",
        occurred_at=row.answered_at,
        now=now,
    )


def _drop(cache: InventoryCache, why: Dropped, now: datetime) -> None:
    """Read it again, ever later. What a newer reading overtook needs no further one."""
    if why is Dropped.BEFORE_LAST_READING:
        return
    cache.drops += 1
    cache.reread_at = now + min(LONGEST_REREAD, FIRST_REREAD * 2 ** min(cache.drops - 1, 10))


def _locked(
    session: Session, merchant_id: int, rows: Iterable[Row], now: datetime
) -> dict[tuple[int, str], InventoryCache]:
    """The caches of these rows, made where there are none, locked in the one order in which everybody locks them."""
    wanted = {(row.location_id, row.sku) for row in rows}
    known = _caches(session, merchant_id, {sku for _, sku in wanted}, lock=False)
    for place, sku in sorted(wanted - known.keys()):
        cache_row(session, merchant_id, place, sku, now=now, lock=False)
    return _caches(session, merchant_id, {sku for _, sku in wanted}, lock=True)


def _caches(session: Session, merchant_id: int, skus: set[str], *, lock: bool) -> dict[tuple[int, str], InventoryCache]:
    rows = session.exec(_of_skus(lock=lock), params={"merchant": merchant_id, "skus": sorted(skus)})
    return {(row.location_id, row.sku): row for row in rows}


@cache
def _of_skus(*, lock: bool) -> SelectOfScalar[InventoryCache]:
    query = (
        select(InventoryCache)
        .where(
            col(InventoryCache.merchant_id) == bindparam("merchant"),
            col(InventoryCache.sku).in_(bindparam("skus", expanding=True)),
        )
        .order_by(col(InventoryCache.id))
        .execution_options(populate_existing=True)
    )
    return query.with_for_update() if lock else query


def _open_intents(session: Session, merchant_id: int, skus: set[str]) -> Counter[tuple[int, str]]:
    """Sales and returns that are in flight or unknown. What waits for a person is in flight no more."""
    count: Counter[tuple[int, str]] = Counter()
    for query in _sales_and_returns():
        for place, sku, units in session.execute(query, {"merchant": merchant_id, "skus": sorted(skus)}):
            count[place, sku] += units
    return count


@cache
def _sales_and_returns() -> tuple[Select[int, str, int], ...]:
    in_flight = (DocumentState.SENT, DocumentState.UNKNOWN)
    lines = (
        select(SaleDocument.location_id, SaleDocumentLine.sku, func.count())
        .join(SaleDocument, col(SaleDocument.id) == col(SaleDocumentLine.document_id))
        .where(
            col(SaleDocument.merchant_id) == bindparam("merchant"),
            col(SaleDocumentLine.sku).in_(bindparam("skus", expanding=True)),
        )
        .group_by(col(SaleDocument.location_id), col(SaleDocumentLine.sku))
    )
    sales = lines.where(
        col(SaleDocument.state).in_(in_flight),
        or_(SaleDocument.state == DocumentState.SENT, col(SaleDocument.not_before).is_not(None)),
    )
    returns = lines.join(ReturnDocument, col(ReturnDocument.document_id) == col(SaleDocument.id)).where(
        col(ReturnDocument.state).in_(in_flight)
    )
    return sales, returns


def _newest_live(session: Session, merchant_id: int) -> datetime | None:
    """When the last store went live: a figure read for the first time since then counts for it from now on."""
    return session.exec(select(func.max(Connection.live_since)).where(Connection.merchant_id == merchant_id)).one()
