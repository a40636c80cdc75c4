"""Taking deliveries in: a stored delivery becomes facts, and facts become orders, movements, hints and checks.

One transaction per delivery; killed at any point it is done again or not at all. The rules of an order are in
`orders.py` and `syncd/domain/orders.py`. `reread_due` asks the store for orders whose news were doubtful.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

import structlog
from sqlalchemy import bindparam
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from connectors.sdk.errors import AccessDenied, ConnectorError, MalformedPayload
from connectors.sdk.values import (
    AccessEnded,
    Fact,
    ListingChanged,
    Nothing,
    OrderChanged,
    OrderRefunds,
    OrderSnapshot,
    PrivacyRequest,
    ProductChanged,
    StockHint,
)
from schema.tables import Connection, Delivery, DeliveryState, Listing, Order, StockItem
from syncd.domain import border
from syncd.domain.retry import full_jitter
from syncd.engine import hints, orders, pull, snapshots
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.failures import lost_access, note_failure
from syncd.engine.issues import raise_issue
from syncd.engine.listing_checks import check_listing
from syncd.engine.wake import wake
from syncd.errors import DatabaseAway

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 5
LISTING_GRACE = timedelta(seconds=3)
REREAD_ROWS = 50


def apply_new(engine: Engine, limit: int = 100) -> int:
    """Take in up to `limit` stored deliveries, the oldest first; returns how many were looked at."""
    for count in range(limit):
        if not _apply_one(engine):
            return count
    return limit


def _apply_one(engine: Engine) -> bool:
    """Take in the oldest delivery that no other worker holds; False where there is none."""
    now = engine.clock.now()
    delivery_id: int | None = None
    try:
        with engine.database.transaction() as session:
            delivery = _claim(session, now)
            if delivery is None:
                return False
            delivery_id = delivery.id
            connection = session.get_one(Connection, delivery.connection_id)
            _apply(engine, session, connection, delivery, now)
            wake(session)
    except DatabaseAway:  # no fault of the delivery: it is neither counted nor buried, and told by the loop
        raise
    except Exception:  # the loop's edge: one bad delivery must not hold up the others
        if delivery_id is None:
            raise
        log.exception("delivery_failed", delivery=delivery_id)
        _postpone(engine, delivery_id, now)
    return True


def _claim(session: Session, now: datetime) -> Delivery | None:
    return session.exec(_oldest(), params={"now": now}).first()


@cache
def _oldest() -> SelectOfScalar[Delivery]:
    return (
        select(Delivery)
        .where(
            col(Delivery.state) == DeliveryState.NEW,
            or_(col(Delivery.not_before).is_(None), col(Delivery.not_before) <= bindparam("now")),
        )
        .order_by(col(Delivery.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _postpone(engine: Engine, delivery_id: int, now: datetime) -> None:
    """After an error of ours: again later, and after some attempts never, with an issue."""
    with engine.database.transaction() as session:
        delivery = session.get_one(Delivery, delivery_id)
        delivery.attempts += 1
        delivery.not_before = now + timedelta(seconds=2**delivery.attempts)
        if delivery.attempts >= MOST_ATTEMPTS:
            connection = session.get_one(Connection, delivery.connection_id)
            _bury(session, connection, delivery, "syncd could not take this in; its log says why", now)


def _bury(session: Session, connection: Connection, delivery: Delivery, reason: str, now: datetime) -> None:
    delivery.state = DeliveryState.DEAD
    delivery.reason = border.text(reason)
    delivery.applied_at = now
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind="unreadable_delivery",
        key=f"unreadable_delivery:{connection.id}:{delivery.topic}",
        title=f"A message from {connection.name} could not be read.",
        why=reason,
        what_to_do=f"Look at it with `syncd deliveries show {delivery.id}`; after an update of syncd take it in again "
        f"with `syncd deliveries replay {delivery.id}`. Its order is also found by the next pull.",
        connection_id=connection.id,
        details={"delivery": delivery.id},
        now=now,
    )
    log.error("delivery_unreadable", connection=connection.name, delivery=delivery.id, reason=reason)


def _apply(engine: Engine, session: Session, connection: Connection, delivery: Delivery, now: datetime) -> None:
    try:
        facts = [border.fact(fact) for fact in _facts(engine, connection, delivery)]
    except (MalformedPayload, border.Unfit) as error:
        _bury(session, connection, delivery, str(error), now)
        return
    for fact in facts:
        apply_fact(engine, session, connection, fact, now)
    words = "; ".join(fact.words for fact in facts if isinstance(fact, Nothing))
    idle = all(isinstance(fact, Nothing) for fact in facts)
    delivery.state = DeliveryState.IGNORED if idle else DeliveryState.APPLIED
    delivery.reason = border.text(words)
    delivery.applied_at = now
    connection.last_delivery_at = now


def _facts(engine: Engine, connection: Connection, delivery: Delivery) -> Sequence[Fact]:
    if delivery.source == "pull":
        return (snapshots.from_bytes(delivery.body),)
    headers = {str(name): str(value) for name, value in delivery.headers.items()}
    return engine.connectors.store(engine, connection).facts(headers, delivery.body)


def apply_fact(engine: Engine, session: Session, connection: Connection, fact: Fact, now: datetime) -> None:
    """Take one fact in, within the caller's transaction."""
    match fact:
        case OrderSnapshot():
            orders.take_in(engine, session, connection, fact, now=now)
        case OrderRefunds():
            orders.take_in_refunds(engine, session, connection, fact.order_id, fact.refunds, now=now)
        case OrderChanged():
            orders.ask_again(session, connection, fact.order_id, now)
        case StockHint():
            hints.hear(engine, session, connection, fact, now)
        case ListingChanged():
            _check_listing(session, connection, fact.external_id, now)
        case ProductChanged():
            _check_product(session, connection, fact, now)
        case AccessEnded():
            lost_access(session, connection, fact.words, now)
        case PrivacyRequest():
            _honour_privacy(session, connection, fact, now)
        case Nothing():
            pass


def _check_listing(session: Session, connection: Connection, external_id: str, now: datetime) -> None:
    assert connection.id is not None
    check_listing(session, connection.id, external_id, due_at=now + LISTING_GRACE)


def _check_product(session: Session, connection: Connection, fact: ProductChanged, now: datetime) -> None:
    """Its listings are those whose figures have it above them."""
    below = select(Listing.external_id).join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
    ours = below.where(StockItem.connection_id == connection.id, StockItem.parent_id == fact.product_id)
    for external_id in session.exec(ours.where(col(Listing.gone_at).is_(None))):
        _check_listing(session, connection, external_id, now)


def _honour_privacy(session: Session, connection: Connection, fact: PrivacyRequest, now: datetime) -> None:
    """Raw bodies are the only place where a customer's data can be; forget those already taken in."""
    taken_in = select(Delivery).where(
        Delivery.connection_id == connection.id, col(Delivery.state).in_((DeliveryState.APPLIED, DeliveryState.IGNORED))
    )
    for delivery in session.exec(taken_in):
        delivery.body = b""
    audit(session, connection.merchant_id, "store", "privacy_request", connection.name, {"kind": fact.kind}, now)


# ------------------------------------------------------------------------------------------- reading orders again


def reread_due(engine: Engine, connection_id: int) -> int:
    """Read doubtful orders again from the store; returns how many were read."""
    now = engine.clock.now()
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        due = session.exec(
            select(Order.id, Order.external_id, Order.rev)
            .where(Order.connection_id == connection_id, col(Order.reread_at) <= now)
            .order_by(col(Order.reread_at))
            .limit(REREAD_ROWS)
        ).all()
    for order_id, external_id, rev in due:
        assert order_id is not None
        _reread(engine, connection, order_id, external_id, rev)
    return len(due)


def _reread(engine: Engine, connection: Connection, order_id: int, external_id: str, rev: int) -> None:
    """One order: what the store answers is taken in if nothing was stored since `rev` was seen (STOCK §1)."""
    try:
        told = engine.connectors.store(engine, connection).read_order(external_id)
        snapshot = None if told is None else border.order(told)
    except AccessDenied as error:
        note_failure(engine, connection, error)
        return
    except border.Unfit as error:
        pull.bury(engine, connection, external_id, str(error))
        _reread_no_more(engine, order_id)
        return
    except ConnectorError as error:
        _reread_later(engine, order_id, error)
        return
    now = engine.clock.now()
    with engine.database.transaction() as session:
        connection = session.get_one(Connection, connection.id)
        if snapshot is None:
            orders.not_found(engine, session, connection, order_id, now)
        else:
            orders.take_in(engine, session, connection, snapshot, now=now, seen_rev=rev)
        wake(session)


def _reread_no_more(engine: Engine, order_id: int) -> None:
    """What the store says of it cannot be kept; its next change may."""
    with engine.database.transaction() as session:
        session.exec(select(Order).where(Order.id == order_id).with_for_update()).one().reread_at = None


def _reread_later(engine: Engine, order_id: int, error: ConnectorError) -> None:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        order = session.exec(select(Order).where(Order.id == order_id).with_for_update()).one()
        order.reread_attempts += 1
        order.reread_at = now + timedelta(seconds=1 + full_jitter(order.reread_attempts, engine.random.random()))
        log.warning("order_not_read", order=order.external_id, attempt=order.reread_attempts, error=str(error))
