"""Looking: read the figures, pull the orders, read again. The only way a reading becomes what we believe (STOCK §3).

All marked figures of a store share two stock reads and one pull. What a look concludes is `syncd/domain/look.py`; here
it is stored, and told where a person is needed. Runs in the hand that pushes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, func, or_, select

from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import StockReading, StockRef
from schema.tables import BackOffice, Connection, ConnectionState, Drift, Listing, Match, Order, OrderLine, StockItem
from syncd.domain import border, drift, look
from syncd.engine import hints, intake, items, linking
from syncd.engine.batches import batched
from syncd.engine.context import Engine
from syncd.engine.desired import lock_items
from syncd.engine.failures import note_failure
from syncd.engine.issues import raise_issue, resolve_issue
from syncd.engine.leases import Held, confirm
from syncd.engine.listing_checks import check_listings_of
from syncd.engine.pull import pull_orders
from syncd.engine.wake import wake

log = structlog.get_logger(__name__)

UNANSWERED_WAIT = timedelta(seconds=30)
MOST_REREADS = 5
"""Failed readings of one order that a look waits for."""


def look_due(engine: Engine, held: Held, connection_id: int) -> int:
    """Look at every figure of a store that a look is due for; returns how many looks closed."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        connection = session.get_one(Connection, connection_id)
        if connection.state is not ConnectionState.LIVE or (connection.not_before and connection.not_before > now):
            return 0
        hints.mature(engine, session, connection_id, now)
        _end_waits(session, connection_id, now)
        due = _due(engine, session, connection_id, now)
    if not due:
        return 0
    try:
        return _look_at(engine, held, connection, due)
    except ConnectorError as error:
        note_failure(engine, connection, error)
        return 0


def waiting(session: Session, merchant_id: int, connection_ids: Sequence[int]) -> dict[int, int]:
    """How many figures of each of a merchant's stores wait for a look, now or after a quarantine, a grace or a settling
    time.

    Right after going live that is every figure: first the back office is read, then they are looked at.
    """
    never_looked = _never_looked()
    if _awaits_reading(session, merchant_id):
        never_looked = col(StockItem.observed).is_(None)
    rows = session.execute(
        select(StockItem.connection_id, func.count())
        .where(
            col(StockItem.connection_id).in_(connection_ids),
            or_(
                col(StockItem.look_at).is_not(None),
                col(StockItem.suspect).is_not(None),
                col(StockItem.unknown_until).is_not(None),
                col(StockItem.hint_heard_at).is_not(None),
                never_looked,
            ),
        )
        .group_by(col(StockItem.connection_id))
    )
    return {connection_id: int(count) for connection_id, count in rows}


def _awaits_reading(session: Session, merchant_id: int) -> bool:
    """Whether a sweep of the back office was asked for and has not been read yet."""
    back_office = session.get(BackOffice, merchant_id)
    if back_office is None or back_office.connection_id is None or back_office.swept_at is not None:
        return False
    return session.get_one(Connection, back_office.connection_id).state is ConnectionState.LIVE


def _never_looked() -> ColumnElement[bool]:
    return and_(col(StockItem.observed).is_(None), col(StockItem.desired).is_not(None))


def _due(engine: Engine, session: Session, connection_id: int, now: datetime) -> Sequence[StockItem]:
    """Figures to look at now. While a push is unknown, no look begins within its quarantine."""
    settled = now - engine.settings.push.settle
    rows = engine.connectors.store(engine, session.get_one(Connection, connection_id)).traits.read_rows
    return session.exec(
        select(StockItem)
        .where(
            StockItem.connection_id == connection_id,
            or_(col(StockItem.look_at).is_(None), col(StockItem.look_at) <= now),
            or_(
                col(StockItem.look_at).is_not(None),
                col(StockItem.suspect_at) <= settled,
                col(StockItem.unknown_until).is_not(None),
                _never_looked(),
            ),
            or_(col(StockItem.unknown_until).is_(None), col(StockItem.unknown_until) <= now),
        )
        .order_by(col(StockItem.look_at), col(StockItem.id))
        .limit(rows)
    ).all()


def _end_waits(session: Session, connection_id: int, now: datetime) -> None:
    """A figure that a person wanted kept until now is looked at again."""
    over = select(StockItem).where(StockItem.connection_id == connection_id, col(StockItem.kept_until) <= now)
    for item in session.exec(over.order_by(col(StockItem.id)).with_for_update()):
        item.kept_until = None
        items.keep(item, drift.release_and_look(items.belief(item)), look_at=now, reason="the time to keep it is over")


def _look_at(engine: Engine, held: Held, connection: Connection, due: Sequence[StockItem]) -> int:
    store = engine.connectors.store(engine, connection)
    refs = [StockRef(stock_id=item.external_id, parent_id=item.parent_id) for item in due]
    ids = [item.id or 0 for item in due]
    first = store.read_stock(refs)
    pull_orders(engine, held, connection.id or 0)
    intake.reread_due(engine, connection.id or 0)
    with engine.database.reading() as session:
        moves = dict(session.exec(select(StockItem.id, StockItem.moves).where(col(StockItem.id).in_(ids))).all())
    second = store.read_stock(refs)
    closed = 0
    with engine.database.transaction() as session:
        confirm(session, held, engine.clock.now())
        unread = _touched_by_unread(session, connection.id)
        for item in lock_items(session, ids):
            if item.id in unread:
                item.look_at = unread[item.id]
                continue
            closed += _conclude(engine, session, connection, item, moves[item.id], first, second)
        wake(session)
    return closed


def _touched_by_unread(session: Session, connection_id: int | None) -> dict[int, datetime]:
    """Figures that an order moves of which two states of one second were told, and when it is read to know which holds.

    Their look is not closed before that: the figure may hold more than we have heard. An order that cannot be read
    however often holds up no figure.
    """
    unread = session.exec(
        select(Order.id, Order.reread_at).where(
            Order.connection_id == connection_id,
            col(Order.reread_at).is_not(None),
            col(Order.reread_attempts) < MOST_REREADS,
        )
    ).all()
    touched: dict[int, datetime] = {}
    for some in batched(unread):
        due = {order_id: at for order_id, at in some if at is not None}
        lines = session.exec(
            select(Listing.stock_item_id, OrderLine.order_id)
            .join(OrderLine, col(OrderLine.listing_id) == col(Listing.id))
            .where(col(OrderLine.order_id).in_(list(due)))
        )
        for item_id, order_id in lines:
            touched[item_id] = max(due[order_id], touched.get(item_id, due[order_id]))
    return touched


def _conclude(
    engine: Engine,
    session: Session,
    connection: Connection,
    item: StockItem,
    moves: int,
    first: StockReading,
    second: StockReading,
) -> bool:
    """Store what the look at one figure concluded; returns whether it closed."""
    now = engine.clock.now()
    figures = [border.figure(reading.figures.get(item.external_id)) for reading in (first, second)]
    if figures[0] is None or figures[1] is None:
        _not_answered(session, connection, item, now)
        return False
    if item.unknown_until is not None and item.unknown_until > first.began_at:
        return False
    outcome = look.close_look(
        items.belief(item),
        look.Look(
            first=figures[0],
            second=figures[1],
            moves=moves,
            began_at=first.began_at,
            ended_at=second.answered_at,
            platform_at=second.platform_at,
        ),
        settle=engine.settings.push.settle,
        drift_limit=engine.settings.reconcile.drift_limit,
        corrections_today=_corrections(session, item, now),
    )
    was_held, believed = item.held, item.observed
    if outcome.verdict is not look.Verdict.AGAIN:
        item.look_at = None
        item.confirmed_at = now
    items.keep(item, outcome.state, look_at=now, reason=item.look_reason or outcome.verdict.value)
    _tell(engine, session, connection, item, outcome, was_held, believed, now)
    return outcome.verdict is not look.Verdict.AGAIN


def _not_answered(session: Session, connection: Connection, item: StockItem, now: datetime) -> None:
    """No figure is no reading. Its listings are read again, for they may be gone or no longer tracked.

    A figure that no listing publishes any more is not asked for again: nothing could answer.
    """
    if not linking.is_published(session, item):
        linking.let_go(session, connection, item, now)
        item.unknown_until = None
        return
    item.look_at = now + UNANSWERED_WAIT
    item.look_reason = "the store gave no figure"
    check_listings_of(session, item, now)


def _corrections(session: Session, item: StockItem, now: datetime) -> int:
    return session.exec(
        select(func.count())
        .select_from(Drift)
        .where(
            Drift.stock_item_id == item.id,
            Drift.found_at > now - drift.CORRECTIONS_COUNT_FOR,
            col(Drift.verdict).in_((look.Verdict.DRIFT_CORRECTED.value, look.Verdict.ADOPTED_HIGHER.value)),
        )
    ).one()


# ------------------------------------------------------------------------------------------- telling


def _tell(
    engine: Engine,
    session: Session,
    connection: Connection,
    item: StockItem,
    outcome: look.LookOutcome,
    was_held: int,
    believed: int | None,
    now: datetime,
) -> None:
    is_new_hold = outcome.verdict is look.Verdict.HELD and item.held != was_held
    if (outcome.is_correction or is_new_hold) and believed is not None:
        found = believed + outcome.drift
        session.add(
            Drift(
                stock_item_id=item.id or 0,
                believed=believed,
                found=found,
                verdict=outcome.verdict.value,
                found_at=now,
            )
        )
        log.info("drift", connection=connection.name, item=item.external_id, believed=believed, found=found)
    if item.held:
        _tell_held(engine, session, connection, item, outcome, now)
    elif was_held and not item.is_kept:
        resolve_issue(session, connection.merchant_id, linking.held_key(item), by="the figure fits again", now=now)


def _tell_held(
    engine: Engine,
    session: Session,
    connection: Connection,
    item: StockItem,
    outcome: look.LookOutcome,
    now: datetime,
) -> None:
    sku = session.exec(
        select(Listing.sku).where(Listing.stock_item_id == item.id, Listing.match == Match.LINKED).limit(1)
    ).first()
    if outcome.judgement is drift.DriftJudgement.HOLD_REPEATED:
        why = "It is the third time within a day: another program seems to set the same number."
    else:
        why = (
            f"No order explains it. It is more than your limit of {engine.settings.reconcile.drift_limit}, so we wait."
        )
    shown = (item.observed or 0) + item.held
    should = item.desired if item.desired is not None else item.observed
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind="drift_held",
        key=linking.held_key(item),
        title=f"{connection.name} shows {shown} for {sku}; it should show {should}.",
        why=why,
        what_to_do="`syncd issues release` sets it to ours, accepts theirs, or keeps it until a time.",
        connection_id=connection.id,
        sku=sku,
        details={"shown": shown, "should": should, "stock_item": item.id},
        now=now,
    )
