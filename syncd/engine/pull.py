"""Pulling: every order that changed since the cursor, through the same inbox and intake as a webhook.

Found this way is what a lost webhook would have told. The cursor moves only when the whole pass is committed.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlmodel import Session, col, select

from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import OrderSnapshot, OrdersPage
from schema.tables import Connection, ConnectionState, Delivery, DeliveryState, Order
from syncd.domain import border
from syncd.engine import orders, snapshots
from syncd.engine.context import Engine
from syncd.engine.dialects import dialect_of, insert_into
from syncd.engine.failures import note_failure, note_success
from syncd.engine.issues import raise_issue
from syncd.engine.leases import Held, confirm
from syncd.engine.wake import wake

log = structlog.get_logger(__name__)

SPEAKS = (ConnectionState.SHADOW, ConnectionState.LIVE, ConnectionState.PAUSED)


def pull_orders(engine: Engine, held: Held, connection_id: int) -> int:
    """Take in what changed since the cursor; returns how many orders were new or changed. Raises ConnectorError
    after noting it.
    """
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
    if connection.state not in SPEAKS:
        return 0
    store = engine.connectors.store(engine, connection)
    since = (connection.orders_cursor or connection.created_at) - store.traits.order_overlap
    try:
        changed, began = take_in_pages(engine, connection, store.orders_since(since))
    except ConnectorError as error:
        note_failure(engine, connection, error)
        raise
    note_success(engine, connection)
    now = engine.clock.now()
    with engine.database.transaction() as session:
        confirm(session, held, now)
        row = session.exec(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
        row.pulled_at = now
        if began is not None and (row.orders_cursor is None or row.orders_cursor < began):
            row.orders_cursor = began
    return changed


def take_in_pages(engine: Engine, connection: Connection, pages: Iterable[OrdersPage]) -> tuple[int, datetime | None]:
    """Take pages of orders in as they come; returns how many changed, and the platform's time of the first page."""
    began: datetime | None = None
    changed = 0
    for page in pages:
        began = began or page.platform_at
        changed += take_in_page(engine, connection, page)
    return changed, began


def take_in_page(engine: Engine, connection: Connection, page: OrdersPage) -> int:
    """Take one page in, an order a transaction; orders that say nothing new cost nothing."""
    told, unreadable = _readable(page)
    digests = {order.order_id: snapshots.content_hash(order) for order in told}
    with engine.database.reading() as session:
        known = {
            external_id: (version, digest)
            for external_id, version, digest in session.exec(
                select(Order.external_id, Order.version, Order.content_hash).where(
                    Order.connection_id == connection.id, col(Order.external_id).in_(list(digests))
                )
            )
        }
    news = [o for o in told if known.get(o.order_id) != (o.version, digests[o.order_id])]
    for order in news:
        _take_in_order(engine, connection, order, digests[order.order_id])
    for order_id, reason in unreadable.items():
        bury(engine, connection, order_id, reason)
    return len(news)


def _readable(page: OrdersPage) -> tuple[list[OrderSnapshot], dict[str, str]]:
    """The orders of a page that may enter, and why the others may not."""
    orders_told, unreadable = [], dict(page.unreadable)
    for order in page.orders:
        try:
            orders_told.append(border.order(order))
        except border.Unfit as error:
            unreadable[order.order_id] = str(error)
    return orders_told, unreadable


def _take_in_order(engine: Engine, connection: Connection, order: OrderSnapshot, digest: str) -> None:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        key = f"pull:{order.order_id}:{int(order.version.timestamp())}:{digest[:16]}"
        _keep(session, connection, key, snapshots.to_bytes(order), DeliveryState.APPLIED, "", now)
        row = session.get_one(Connection, connection.id)
        orders.take_in(engine, session, row, order, now=now)
        wake(session)


def bury(engine: Engine, connection: Connection, order_id: str, reason: str) -> None:
    """An order that was read and cannot be kept: a dead letter and an issue, so that the cursor may go on."""
    now = engine.clock.now()
    order_id, reason = border.text(order_id, border.LONGEST_ID), border.text(reason)
    with engine.database.transaction() as session:
        key = f"pull:{order_id}:unreadable:{reason}"[:255]
        if not _keep(session, connection, key, order_id.encode(), DeliveryState.DEAD, reason, now):
            return
        raise_issue(
            session,
            merchant_id=connection.merchant_id,
            kind="unreadable_delivery",
            key=f"unreadable_order:{connection.id}:{order_id}",
            title=f"Order {order_id} of {connection.name} could not be read.",
            why=reason,
            what_to_do="Its stock is not counted. After an update of syncd it is read again when it changes, or by "
            f"`syncd sync --connection {connection.name} --full`.",
            connection_id=connection.id,
            now=now,
        )


def _keep(
    session: Session, connection: Connection, key: str, body: bytes, state: DeliveryState, reason: str, now: datetime
) -> bool:
    """Store a pulled delivery once; False when it was there."""
    row = Delivery(
        connection_id=connection.id or 0,
        source="pull",
        key=key,
        topic="order",
        body=body,
        state=state,
        reason=reason,
        received_at=now,
        applied_at=now,
    ).model_dump(exclude={"id"})
    insert = insert_into(Delivery, dialect_of(session)).values(row).on_conflict_do_nothing()
    result = session.execute(insert.returning(col(Delivery.id)))
    return result.first() is not None
