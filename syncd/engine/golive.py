"""Going live: from T0 on a store's orders count and its numbers are ours to set (STOCK §8).

T0 is read from the store's own clock; all its orders are pulled; then one transaction judges each order by its dates
and makes the store live. What follows is level-triggered: no number is known until the back office has been read after
T0, no push goes out until a look has closed. What that will come to is told by `outlook.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, select, update

from connectors.sdk.contract import Store
from connectors.sdk.values import OrdersPage
from schema.tables import (
    BackOffice,
    Connection,
    ConnectionState,
    Order,
    OrderLine,
)
from syncd.engine import orders
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.desired import refresh_all
from syncd.engine.items import all_locked
from syncd.engine.leases import Held, confirm
from syncd.engine.pull import take_in_pages
from syncd.engine.wake import wake
from syncd.errors import NotPossible

log = structlog.get_logger(__name__)

REACH_BACK = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class WentLive:
    """T0, and how the orders were judged."""

    live_at: datetime
    baseline: int
    live: int


# ------------------------------------------------------------------------------------------- going live


def go_live(engine: Engine, held: Held, connection_id: int, *, actor: str, record: Sequence[str] = ()) -> WentLive:
    """Make a store live. `record` names paid orders from before T0 that the back office shall learn of all the same."""
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        _require_shadow(connection)
    store = engine.connectors.store(engine, connection)
    since = min(engine.clock.now() - REACH_BACK, connection.orders_cursor or connection.created_at)
    _, live_at = take_in_pages(engine, connection, _every_order(store, since))
    if live_at is None:
        raise NotPossible(f"{connection.name} gave no time with its orders, so nothing was changed. Try again.")
    now = engine.clock.now()
    with engine.database.transaction() as session:
        confirm(session, held, now)
        went = _switch(engine, session, connection_id, live_at, frozenset(record), now)
        details = {"live_at": live_at.isoformat(), "recorded": len(record)}
        audit(session, connection.merchant_id, actor, "connection.live", connection.name, details, now)
        wake(session)
    log.info("went_live", connection=connection.name, baseline=went.baseline, live=went.live)
    return went


def _require_shadow(connection: Connection) -> None:
    if connection.state is not ConnectionState.SHADOW:
        raise NotPossible(f"{connection.name} is {connection.state.value}; only a connection in shadow can go live.")


def _every_order(store: Store, since: datetime) -> Iterator[OrdersPage]:
    """All that changed within the last 60 days, or since we last pulled (or connected it) if that is longer ago, then
    everything that is still open, however old (DESIGN §6).
    """
    yield from store.orders_since(since)
    yield from store.open_orders()


def _switch(
    engine: Engine, session: Session, connection_id: int, live_at: datetime, record: frozenset[str], now: datetime
) -> WentLive:
    """The moment itself: judge every order, forget what was believed in shadow, ask for a reading."""
    connection = session.exec(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
    _require_shadow(connection)
    connection.live_at = live_at
    connection.live_since = now
    connection.orders_cursor = live_at
    connection.state = ConnectionState.LIVE
    known = session.exec(
        select(Order)
        .where(Order.connection_id == connection_id, col(Order.version).is_not(None))
        .order_by(col(Order.id))
        .with_for_update()
    ).all()
    for item in all_locked(session, connection_id):
        item.observed, item.fence, item.suspect, item.held, item.hint, item.late = None, None, None, 0, None, 0
        item.hint_heard_at = item.look_at = None
        item.is_kept = False
    back_office = session.get(BackOffice, connection.merchant_id)
    if back_office is not None:
        back_office.swept_at = None
    session.flush()
    baseline = live = 0
    _ask_for_open(session, connection_id, now)
    for order in known:
        order.is_wanted = order.is_wanted or order.external_id in record
        orders.count(engine, session, connection, order, earliest=order.placed_at, now=now)
        baseline += order.is_baseline
        live += not order.is_baseline
    refresh_all(session, connection.merchant_id)
    return WentLive(live_at=live_at, baseline=baseline, live=live)


def _ask_for_open(session: Session, connection_id: int, now: datetime) -> None:
    """Orders that count since the store was live the last time may be older than what was pulled: read each again."""
    still_open = select(OrderLine.order_id).where(
        col(OrderLine.is_counted).is_(True), col(OrderLine.taken) != col(OrderLine.acknowledged)
    )
    session.exec(
        update(Order)
        .where(col(Order.connection_id) == connection_id, col(Order.id).in_(still_open))
        .values(reread_at=now)
    )
