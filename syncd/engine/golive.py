"""Going live: from T0 on a store's orders count and its numbers are ours to set (STOCK §8).

T0 is read from the store's own clock; all its orders are pulled; then one transaction judges each order by its dates
and makes the store live. What follows is level-triggered: no number is known until the back office has been read after
T0, no push goes out until a look has closed. `preview` shows what that will come to.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

import structlog
from sqlmodel import Session, col, select, update

from connectors.sdk.contract import Store
from connectors.sdk.values import OrdersPage, StockRef
from schema.tables import (
    BackOffice,
    Connection,
    ConnectionState,
    Listing,
    Match,
    Order,
    OrderLine,
    RuleKind,
    StockItem,
)
from syncd.domain import border, publish
from syncd.engine import lines, orders, seen, settling
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.desired import Facts, chunks, refresh_all
from syncd.engine.items import all_locked
from syncd.engine.leases import Held, confirm
from syncd.engine.pull import take_in_pages
from syncd.engine.wake import wake
from syncd.errors import NotPossible

log = structlog.get_logger(__name__)

AT_ONCE = 5000
"""Listings that a preview asks about in one statement."""
REACH_BACK = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """One figure of a store: what it shows, what it will show, and the sum behind that."""

    sku: str
    title: str
    external_id: str
    shows_now: int | None
    will_show: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidBefore:
    """A paid order from before going live: the back office is taken to know it already."""

    order_id: str
    name: str
    placed_at: datetime
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What going live would do."""

    rows: tuple[PreviewRow, ...]
    paid_before: tuple[PaidBefore, ...]

    @property
    def changes(self) -> tuple[PreviewRow, ...]:
        """The numbers that would change."""
        return tuple(row for row in self.rows if row.will_show is not None and row.will_show != row.shows_now)


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
    if connection.state is not ConnectionState.SHADOW:
        raise NotPossible(f"{connection.name} is {connection.state.value}; only a connection in shadow can go live.")
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


# ------------------------------------------------------------------------------------------- before that


def preview(engine: Engine, connection_id: int) -> Preview:
    """Read the store's figures and say what each would become. Changes nothing but what is known to be shown."""
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        items = session.exec(select(StockItem).where(StockItem.connection_id == connection_id)).all()
    told = figures(engine.connectors.store(engine, connection), items)
    shown = {item.id or 0: told[item.external_id] for item in items if item.external_id in told}
    if connection.state is ConnectionState.SHADOW:
        with engine.database.transaction() as session:
            seen.note_all(session, connection_id, shown, engine.clock.now())
    return _previewed(engine, connection_id, shown)


def preview_seen(engine: Engine, connection_id: int) -> Preview:
    """The same by the numbers that the store has last told of itself, without asking it."""
    with engine.database.reading() as session:
        shown = seen.newest(session, connection_id)
    return _previewed(engine, connection_id, shown)


def _previewed(engine: Engine, connection_id: int, shown: Mapping[int, int]) -> Preview:
    now = engine.clock.now()
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        listings = session.exec(
            select(Listing)
            .where(
                Listing.connection_id == connection_id, Listing.match == Match.LINKED, col(Listing.gone_at).is_(None)
            )
            .order_by(col(Listing.sku))
        ).all()
        would_open, paid_before = _judge(session, connection, now)
        moved = settling.moved_in_shadow(session, connection, shown)
        rows: list[PreviewRow] = []
        for part in chunks(listings, AT_ONCE):
            facts = Facts.load(session, connection.merchant_id, [listing.sku for listing in part if listing.sku])
            rows += [
                _row(
                    facts,
                    listing,
                    shown.get(listing.stock_item_id),
                    would_open.get(listing.sku or "", 0),
                    moved.get(listing.stock_item_id),
                )
                for listing in part
            ]
    return Preview(rows=tuple(rows), paid_before=paid_before)


def figures(store: Store, items: Sequence[StockItem]) -> dict[str, int]:
    """What a store shows now, by the platform's id; what it does not count is missing. Raises ConnectorError."""
    refs = [StockRef(stock_id=item.external_id, parent_id=item.parent_id) for item in items]
    size = store.traits.read_rows
    shown: dict[str, int] = {}
    for start in range(0, len(refs), size):
        for stock_id, told in store.read_stock(refs[start : start + size]).figures.items():
            if (figure := border.figure(told)) is not None:
                shown[stock_id] = figure
    return shown


def _judge(session: Session, connection: Connection, now: datetime) -> tuple[dict[str, int], tuple[PaidBefore, ...]]:
    """Units per SKU that the store's orders would hold open on top of what they do, and the paid orders that would not
    count.
    """
    would_open: dict[str, int] = defaultdict(int)
    paid_before = []
    if connection.live_at is not None:
        return would_open, ()
    stored = session.exec(
        select(Order, OrderLine)
        .join(OrderLine, col(OrderLine.order_id) == col(Order.id))
        .where(
            Order.connection_id == connection.id,
            col(Order.version).is_not(None),
            col(OrderLine.is_baseline).is_(False),
        )
        .order_by(col(Order.placed_at), col(Order.id))
    )
    for order, found in groupby(stored, key=itemgetter(0)):
        rows = [row for _, row in found]
        is_before = lines.is_before(connection, order, now) and not order.is_wanted
        units = sum(row.taken for row in rows)
        if is_before and units and not order.is_test:
            paid_before.append(
                PaidBefore(order_id=order.external_id, name=order.name, placed_at=order.placed_at, units=units)
            )
        for row in rows:
            would_open[row.sku or ""] += _would_open_more(row, is_before=is_before)
    return would_open, tuple(paid_before)


def _would_open_more(row: OrderLine, *, is_before: bool) -> int:
    """Units that a line would hold open on top of what it does; fewer where its order was paid meanwhile."""
    opened = row.taken - row.acknowledged
    would = 0 if is_before and row.acknowledged == 0 else opened
    return would - (opened if row.is_counted else 0)


def _row(
    facts: Facts, listing: Listing, shows_now: int | None, would_open: int, moved: int | None = None
) -> PreviewRow:
    """`moved`: where the own ledger began with this figure, by what it has moved since; its orders are in that."""
    sku = listing.sku or ""
    buffer = facts.rules.of(RuleKind.BUFFER, sku, listing.connection_id) or 0
    cap = facts.rules.of(RuleKind.CAP, sku, listing.connection_id)
    pool = facts.pool_available(listing)
    if not listing.tracked or listing.blocked:
        will_show, reason = None, listing.blocked or "the store does not track its stock"
    else:
        more = -would_open if moved is None else moved
        will_show = publish.desired([*pool, more] if pool else [], buffer=buffer, cap=cap)
        reason = _reason(pool, would_open, buffer, cap, moved)
    return PreviewRow(
        sku=sku,
        title=listing.title,
        external_id=listing.external_id,
        shows_now=shows_now,
        will_show=will_show,
        reason=reason,
    )


def _reason(pool: Sequence[int | None], would_open: int, buffer: int, cap: int | None, moved: int | None = None) -> str:
    if not pool or any(units is None for units in pool):
        return "the back office has not told its stock yet"
    parts = [f"{sum(units or 0 for units in pool)} available"]
    if moved is not None:
        would_open = 0
    if moved:
        parts.append(f"{'less' if moved < 0 else 'and'} {abs(moved)} that the store's own number has moved by since")
    if would_open > 0:
        parts.append(f"less {would_open} in open orders of this store")
    if would_open < 0:
        parts.append(f"and {-would_open} of orders that were paid while it was disconnected")
    if buffer:
        parts.append(f"less {buffer} held back here")
    if cap is not None:
        parts.append(f"at most {cap}")
    return ", ".join(parts)
