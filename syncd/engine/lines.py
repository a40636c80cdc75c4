"""Counting one line of an order: the sales log, the ledger, and what we believe its store shows.

The three move in one transaction, so that `open` and `observed` never tell different stories of one sale (STOCK §2a).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from sqlalchemy import Row, bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from schema.tables import (
    Connection,
    Listing,
    Match,
    MovementKind,
    Order,
    OrderLine,
    PoolLocation,
    Push,
    PushState,
    RecordPolicy,
    SaleKind,
    SalesLog,
)
from syncd.domain import backoffice, golive, look, stock
from syncd.domain import orders as rules
from syncd.engine import items
from syncd.engine.context import Engine
from syncd.engine.desired import lock_behind
from syncd.engine.ledger import add_movement
from syncd.engine.listing_checks import check_listing

FOUR_PLACES = Decimal("0.0001")
WHY_NO_STOCK = {
    rules.NoStock.UNTRACKED: "the store does not track its stock",
    rules.NoStock.IGNORED: "the listing is ignored",
}
NEW_LISTING_GRACE = timedelta(seconds=1)


def lines_of(session: Session, order_id: int | None) -> Sequence[OrderLine]:
    """Each line of one order, the first told first."""
    return session.exec(_lines(), params={"order": order_id}).all()


@cache
def _lines() -> SelectOfScalar[OrderLine]:
    return select(OrderLine).where(col(OrderLine.order_id) == bindparam("order")).order_by(col(OrderLine.id))


# ------------------------------------------------------------------------------------------- attaching


def attach(session: Session, connection: Connection, rows: Sequence[OrderLine], now: datetime) -> None:
    """Find each line's listing, once and for all, and lock what the lines will move."""
    for row in rows:
        if row.sku is None and row.listing_external_id and not row.moves_nothing:
            _attach_line(session, connection, row, now)
    listing_ids = [row.listing_id for row in rows if row.listing_id]
    item_ids = session.exec(select(Listing.stock_item_id).where(col(Listing.id).in_(listing_ids))).all()
    lock_behind(session, connection.merchant_id, {row.sku for row in rows if row.sku}, item_ids)


def _attach_line(session: Session, connection: Connection, row: OrderLine, now: datetime) -> None:
    listing = session.exec(
        select(Listing).where(Listing.connection_id == connection.id, Listing.external_id == row.listing_external_id)
    ).first()
    if listing is None:
        due = now + NEW_LISTING_GRACE
        check_listing(session, connection.id or 0, row.listing_external_id or "", due_at=due)
        return
    reason = rules.why_no_stock(
        was_attached=row.listing_id is not None,
        said_by_store=None,
        has_sku=listing.external_sku is not None,
        has_listing=True,
        is_tracked=listing.tracked,
        is_ignored=listing.match is Match.IGNORED,
    )
    row.listing_id = listing.id
    row.moves_nothing = WHY_NO_STOCK.get(reason, "") if reason else ""
    if reason is None and listing.match is Match.LINKED and listing.sku:
        row.sku = listing.sku
        row.location_id = row.location_id or order_location(session, connection)


def order_location(session: Session, connection: Connection) -> int | None:
    """The location that a store's orders are taken from: the first of its pool."""
    return session.exec(_pool(), params={"store": connection.id}).first()


@cache
def _pool() -> SelectOfScalar[int]:
    places = select(PoolLocation.location_id).where(col(PoolLocation.connection_id) == bindparam("store"))
    return places.order_by(col(PoolLocation.position)).limit(1)


# ------------------------------------------------------------------------------------------- counting


def count_line(
    engine: Engine,
    session: Session,
    connection: Connection,
    order: Order,
    row: OrderLine,
    taken: int,
    *,
    earliest: datetime,
    now: datetime,
) -> bool:
    """Bring one line up to `taken`; returns whether `open` has moved."""
    if row.moves_nothing:
        _log_once(session, connection, order, row, now)
        return False
    delta = taken - row.taken
    if delta:
        row.moves += 1
        _log_sale(session, connection, order, row, delta, now)
    row.taken = taken
    moved = _count_open(session, connection, order, row, delta, now)
    _move_belief(engine, session, row, delta, earliest, now)
    return moved


def count_open(session: Session, connection: Connection, order: Order, row: OrderLine, now: datetime) -> bool:
    """Count a line as open that was not counted before: its connection went live, or its SKU was linked."""
    return _count_open(session, connection, order, row, 0, now)


def _count_open(
    session: Session, connection: Connection, order: Order, row: OrderLine, delta: int, now: datetime
) -> bool:
    """Move `open` by what the line has taken since it was last counted. Baseline lines never count (STOCK §8).

    In shadow nothing begins to count; what counted before its store was disconnected goes on.
    """
    if row.sku is None or row.location_id is None or (connection.live_at is None and not row.is_counted):
        return False
    kind = MovementKind.ORDER
    if is_baseline(connection, order) and not row.is_baseline and row.acknowledged == 0:
        # Its date says so only now: what was counted is taken back, and nothing of it is owed.
        counted = row.taken - delta if row.is_counted else 0
        row.is_baseline, row.is_counted = True, False
        kind, delta = MovementKind.BASELINE, -counted
    elif order.left_out:
        # A person let go of it: nothing of it is open, whatever becomes of it.
        row.is_counted, row.acknowledged, delta = True, row.taken, 0
    elif not row.is_counted and not row.is_baseline:
        row.is_counted = True
        delta = row.taken - row.acknowledged
    elif row.is_baseline:
        delta = 0
    if row.is_baseline:
        row.acknowledged = row.taken
    if delta == 0:
        return False
    return add_movement(
        session,
        merchant_id=order.merchant_id,
        location_id=row.location_id,
        sku=row.sku,
        kind=kind,
        open_delta=stock.order_movement(delta).open,
        source=connection.code,
        event=order.external_id,
        line=row.external_id if kind is MovementKind.ORDER else f"{row.external_id}/baseline",
        n=max(1, row.moves),
        order_id=order.id,
        note=order.name,
        occurred_at=order.version or order.placed_at,
        now=now,
    )


def is_baseline(connection: Connection, order: Order) -> bool:
    """Whether nothing of the order is ours to count.

    Its recording condition was met before its connection went live, or it is a test, for which no unit leaves a shelf.
    """
    return order.is_test or (not order.is_wanted and is_before(connection, order, connection.live_at))


def is_before(connection: Connection, order: Order | Row[Any], live_at: datetime | None) -> bool:
    """Whether an order would be baseline if its store had gone live then."""
    met_at = golive.condition_met_at(
        backoffice.RecordPolicy(connection.record.value), created_at=order.placed_at, paid_at=order.paid_at
    )
    return golive.standing(golive.began_at(live_at), met_at) is golive.Standing.BASELINE


def _move_belief(
    engine: Engine, session: Session, row: OrderLine, delta: int, earliest: datetime, now: datetime
) -> None:
    """The store's own order moves what we believe it shows, and may be a reason to look (STOCK §5)."""
    if row.listing_id is None:
        return
    listing = session.get_one(Listing, row.listing_id)
    item = items.locked(session, listing.stock_item_id)
    store = session.get_one(Connection, item.connection_id)
    compares = engine.connectors.store(engine, store).traits.compares
    in_flight = not compares and _write_in_flight(session, item.id or 0)
    state = items.belief(item)
    cause = rules.needs_look(
        earliest=earliest,
        fence=state.fence,
        delta=delta,
        taken=row.taken,
        quantity=row.quantity,
        write_in_flight=in_flight,
        store_compares=compares,
    )
    moved = look.own_movement(state, -delta, must_look=cause is not None)
    items.keep(
        item, moved, look_at=now, reason="an order that our figure may hold already" if cause else "an order came"
    )


def _write_in_flight(session: Session, item_id: int) -> bool:
    return (
        session.exec(
            select(Push.id).where(Push.stock_item_id == item_id, Push.state == PushState.INTENT).limit(1)
        ).first()
        is not None
    )


# ------------------------------------------------------------------------------------------- the sales log


def _log_sale(
    session: Session, connection: Connection, order: Order, row: OrderLine, delta: int, now: datetime
) -> None:
    kind = SaleKind.SALE if delta > 0 else SaleKind.RETURN
    session.add(_log_row(connection, order, row, kind, abs(delta), row.moves, now))


def _log_once(session: Session, connection: Connection, order: Order, row: OrderLine, now: datetime) -> None:
    """A line that moves no stock is sold all the same: logged once, when its order is due to be recorded."""
    is_due = order.is_paid or connection.record is RecordPolicy.PLACED
    if row.moves or row.quantity <= 0 or not is_due:
        return
    row.moves = 1
    session.add(_log_row(connection, order, row, SaleKind.SALE, row.quantity, 1, now))


def _log_row(
    connection: Connection, order: Order, row: OrderLine, kind: SaleKind, quantity: int, n: int, now: datetime
) -> SalesLog:
    price = row.total / row.quantity if row.quantity else Decimal(0)
    return SalesLog(
        merchant_id=order.merchant_id,
        connection_id=connection.id or 0,
        order_id=order.id or 0,
        order_line_id=row.id or 0,
        order_external_id=order.external_id,
        line=row.external_id,
        kind=kind,
        n=n,
        sku=row.sku or row.told_sku,
        title=row.title,
        quantity=quantity,
        unit_price=price.quantize(FOUR_PLACES, ROUND_HALF_UP),
        currency=order.currency,
        reason=row.moves_nothing,
        occurred_at=order.version or order.placed_at,
        recorded_at=now,
    )
