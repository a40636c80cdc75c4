"""What a store sold in shadow is taken off the own ledger that began with its figures (`starting.py`).

From the moment the ledger took the figure V, what the store shows moves by its orders and by hand. Once it is live,
its orders since then count as open; the others never do. So what the ledger lacks is what the figure has moved by, less
what counted orders moved it by: (shown now + counted now) - (V + counted then). It is known for sure when a first look
and a later one, `settle` after it, agree. Until then nothing is pushed to the figure, so that only the store moves it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy import bindparam
from sqlmodel import Session, col, delete, exists, func, select
from sqlmodel.sql.expression import SelectOfScalar

from schema.tables import (
    BackOffice,
    Connection,
    ConnectionState,
    Listing,
    MovementKind,
    OrderLine,
    StartingStock,
    StockItem,
)
from syncd.domain.observed import mark_for_look
from syncd.engine import items, ledger, linking
from syncd.engine.authority import LEDGER
from syncd.engine.batches import batched
from syncd.engine.context import Engine
from syncd.engine.desired import lock_behind, refresh
from syncd.engine.leases import Held, confirm
from syncd.engine.wake import wake

log = structlog.get_logger(__name__)


def waiting() -> SelectOfScalar[int]:
    """Figures of the live store `:store` of the merchant `:merchant` that wait to be settled, or to be looked at for
    that; none where another system than the own ledger is the authority.
    """
    other = exists().where(
        col(BackOffice.merchant_id) == bindparam("merchant"), col(BackOffice.connection_id).is_not(None)
    )
    return _unsettled().where(
        ~other,
        col(StockItem.look_at).is_(None),
        col(StockItem.suspect).is_(None),
        col(StockItem.unknown_until).is_(None),
        col(StockItem.held) == 0,
    )


def settle_due(engine: Engine, held: Held, connection_id: int) -> int:
    """Settle what a live store's figures have moved by in shadow; returns how many were settled."""
    with engine.database.reading() as session:
        store = session.get_one(Connection, connection_id)
        asked = {"store": connection_id, "merchant": store.merchant_id}
        if store.state is not ConnectionState.LIVE or session.exec(waiting().limit(1), params=asked).first() is None:
            return 0
        unsettled = session.exec(_unsettled(), params=asked).all()
    settled = 0
    for item_id in unsettled:
        now = engine.clock.now()
        with engine.database.transaction() as session:
            confirm(session, held, now)
            settled += _settle(engine, session, store, item_id, now)
            wake(session)
    return settled


def _unsettled() -> SelectOfScalar[int]:
    return (
        select(StartingStock.stock_item_id)
        .join(StockItem, col(StockItem.id) == col(StartingStock.stock_item_id))
        .where(col(StockItem.connection_id) == bindparam("store"), col(StartingStock.settled_at).is_(None))
        .order_by(col(StockItem.id))
    )


def _settle(engine: Engine, session: Session, store: Connection, item_id: int, now: datetime) -> bool:
    row = session.get(StartingStock, item_id)
    if row is None or row.settled_at is not None:
        return False
    lock_behind(session, store.merchant_id, [row.sku], [item_id])
    item = items.locked(session, item_id)
    if not linking.is_published(session, item):
        row.settled_at = now
        return False
    if not _is_sure(engine, store, row, item, now):
        return False
    delta = (item.observed or 0) + counted_units(session, [item_id]).get(item_id, 0) - row.basis
    row.settled_at = now
    if delta:
        _move(engine, session, store, row, delta, now)
    refresh(session, store.merchant_id, [row.sku])
    log.info("starting_stock_settled", connection=store.name, sku=row.sku, delta=delta)
    return True


def _is_sure(engine: Engine, store: Connection, row: StartingStock, item: StockItem, now: datetime) -> bool:
    """Whether two looks agree, the later one long enough after the first; else the next one is asked for."""
    settle = engine.settings.push.settle
    began = max(store.live_since or row.taken_at, row.taken_at)
    was_looked_at = item.observed is not None and item.confirmed_at is not None and item.confirmed_at >= began
    if row.looked_at is None and was_looked_at:
        row.looked_at = item.confirmed_at
    if item.look_at is not None or item.suspect is not None or item.unknown_until is not None or item.held:
        return False
    is_later = (
        row.looked_at is not None and item.confirmed_at is not None and (item.confirmed_at >= row.looked_at + settle)
    )
    if not is_later:
        due = now if row.looked_at is None else max(now, row.looked_at + settle)
        items.keep(item, mark_for_look(items.belief(item)), look_at=due, reason="what it sold in shadow is taken up")
    return is_later


def _move(engine: Engine, session: Session, store: Connection, row: StartingStock, delta: int, now: datetime) -> None:
    ledger.add_movement(
        session,
        merchant_id=store.merchant_id,
        location_id=row.location_id,
        sku=row.sku,
        kind=MovementKind.ADJUSTMENT,
        on_hand_delta=delta,
        source=LEDGER,
        event=f"settled-{engine.random.getrandbits(64):016x}",
        note=f"what {store.name} showed has moved by since it was counted, in shadow",
        occurred_at=now,
        now=now,
    )


def counted_units(session: Session, item_ids: Sequence[int]) -> dict[int, int]:
    """Units that orders which count have taken from these figures, acknowledged or not."""
    rows = session.exec(
        select(Listing.stock_item_id, func.sum(OrderLine.taken))
        .join(Listing, col(Listing.id) == col(OrderLine.listing_id))
        .where(
            col(Listing.stock_item_id).in_(item_ids),
            col(OrderLine.is_counted).is_(True),
            col(OrderLine.is_baseline).is_(False),
        )
        .group_by(col(Listing.stock_item_id))
    ).all()
    return {item_id: int(units) for item_id, units in rows}


def moved_in_shadow(session: Session, store: Connection, shows: Mapping[int, int]) -> dict[int, int]:
    """For figures that are not settled yet: by what the ledger would move if they were, showing this now."""
    rows = session.exec(
        select(StartingStock)
        .join(StockItem, col(StockItem.id) == col(StartingStock.stock_item_id))
        .where(StockItem.connection_id == store.id, col(StartingStock.settled_at).is_(None))
    ).all()
    counted: dict[int, int] = {}
    for part in batched([row.stock_item_id for row in rows]):
        counted |= counted_units(session, part)
    return {
        row.stock_item_id: shows[row.stock_item_id] + counted.get(row.stock_item_id, 0) - row.basis
        for row in rows
        if row.stock_item_id in shows
    }


def end(session: Session, location_id: int, sku: str) -> None:
    """A person has counted the SKU: from here on only orders that count move it."""
    session.exec(
        delete(StartingStock).where(
            col(StartingStock.location_id) == location_id,
            col(StartingStock.sku) == sku,
            col(StartingStock.settled_at).is_(None),
        )
    )
