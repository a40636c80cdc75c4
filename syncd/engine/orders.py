"""Storing what a store told of an order, and counting what it took. The rules: `syncd/domain/orders.py`.

`take_in` compares a snapshot with the stored order under the order's row lock; `count` turns the difference into
movements. A line keeps the listing, the SKU and the location that it was first counted at (STOCK.md §1).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache

import structlog
from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from connectors.sdk.values import OrderLine as ToldLine
from connectors.sdk.values import OrderSnapshot, Refund
from schema.tables import Connection, Order, OrderLine, OrderRefund, OrderRefundLine
from syncd.domain import orders as rules
from syncd.engine import lines, snapshots
from syncd.engine.context import Engine
from syncd.engine.desired import refresh
from syncd.engine.dialects import dialect_of, insert_into
from syncd.engine.order_issues import tell_about

log = structlog.get_logger(__name__)


def take_in(
    engine: Engine,
    session: Session,
    connection: Connection,
    snapshot: OrderSnapshot,
    *,
    now: datetime,
    seen_rev: int | None = None,
) -> None:
    """Apply a snapshot: a repeated one is no change, an older one is dropped, a doubtful one is asked for again.

    `seen_rev` is given with the answer to such a question: the revision that was stored before the question was sent.
    """
    order = locked(session, connection, snapshot.order_id, snapshot.created_at, now)
    digest = snapshots.content_hash(snapshot)
    decision = _decide(order, rules.Revision(version=snapshot.version, content_hash=digest), seen_rev)
    if decision is rules.Decision.REREAD:
        order.reread_at = now
        return
    if seen_rev is not None:
        order.reread_at = None
        order.reread_attempts = 0
    if decision is not rules.Decision.APPLY:
        return
    earliest = rules.earliest_time(order.version, snapshot.created_at)
    _store_header(order, snapshot, digest, now)
    _store_refunds(session, order, snapshot.refunds)
    _store_lines(session, order, snapshot.lines)
    session.flush()
    count(engine, session, connection, order, earliest=earliest, now=now)


def _decide(order: Order, told: rules.Revision, seen_rev: int | None) -> rules.Decision:
    stored = None
    if order.version is not None:
        stored = rules.Revision(version=order.version, content_hash=order.content_hash)
    if seen_rev is None:
        return rules.intake_decision(stored, told)
    if order.rev != seen_rev:
        return rules.Decision.REREAD
    return rules.reread_decision(stored, told, seen=stored)


def take_in_refunds(
    engine: Engine,
    session: Session,
    connection: Connection,
    external_id: str,
    refunds: Sequence[Refund],
    *,
    now: datetime,
) -> None:
    """Merge refunds that came without their order; an order not heard of yet keeps them until it comes."""
    first = min((refund.created_at for refund in refunds), default=now)
    order = locked(session, connection, external_id, first, now)
    if not _store_refunds(session, order, refunds):
        return
    order.rev += 1
    order.changed_at = now
    session.flush()
    count(engine, session, connection, order, earliest=order.version or first, now=now)


def ask_again(session: Session, connection: Connection, external_id: str, now: datetime) -> None:
    """Have the order read from the store."""
    locked(session, connection, external_id, now, now).reread_at = now


def not_found(engine: Engine, session: Session, connection: Connection, order_id: int, now: datetime) -> None:
    """The store does not know the order: it was deleted, or is older than the store shows.

    Neither gives anything back: its units stay taken.
    """
    order = session.exec(select(Order).where(Order.id == order_id).with_for_update()).one()
    order.reread_at = None
    reach = engine.connectors.store(engine, connection).traits.orders_reach
    if order.is_deleted or (reach is not None and order.placed_at < now - reach):
        return
    order.is_deleted = True
    order.is_final = True
    order.rev += 1
    order.changed_at = now
    count(engine, session, connection, order, earliest=order.version or order.placed_at, now=now)


def locked(session: Session, connection: Connection, external_id: str, placed_at: datetime, now: datetime) -> Order:
    """The order's row, made if there is none, locked until the transaction ends."""
    asked = {"store": connection.id, "order": external_id}
    found = session.exec(_by_external_id(), params=asked).first()
    if found is not None:
        return found
    blank = Order(
        merchant_id=connection.merchant_id,
        connection_id=connection.id or 0,
        external_id=external_id,
        placed_at=placed_at,
        heard_at=now,
        changed_at=now,
    ).model_dump(exclude={"id"})
    session.execute(insert_into(Order, dialect_of(session)).values(blank).on_conflict_do_nothing())
    return session.exec(_by_external_id(), params=asked).one()


@cache
def _by_external_id() -> SelectOfScalar[Order]:
    return (
        select(Order)
        .where(col(Order.connection_id) == bindparam("store"), col(Order.external_id) == bindparam("order"))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


# ------------------------------------------------------------------------------------------- storing what was told


def _store_header(order: Order, told: OrderSnapshot, digest: str, now: datetime) -> None:
    order.name = told.name
    order.version = told.version
    order.content_hash = digest
    order.rev += 1
    order.placed_at = told.created_at
    if told.is_paid and not order.is_paid:
        order.paid_at = told.paid_at or told.version
    order.is_paid = order.is_paid or told.is_paid
    order.cancelled_at = told.cancelled_at
    order.is_final = told.is_final
    order.is_test = told.is_test
    order.is_deleted = False
    order.currency = told.currency
    order.shipping = told.shipping
    order.changed_at = now


def _store_refunds(session: Session, order: Order, refunds: Iterable[Refund]) -> bool:
    """Keep each refund, and each line of one, once, by its id; returns whether anything was new."""
    known = {row.external_id: row for row in session.exec(_refunds(), params={"order": order.id})}
    is_new = False
    for refund in refunds:
        row = known.get(refund.refund_id)
        if row is None:
            row = OrderRefund(
                order_id=order.id or 0,
                external_id=refund.refund_id,
                created_at=refund.created_at,
                amount=refund.amount,
            )
            session.add(row)
            session.flush()
            is_new = True
        kept = set(session.exec(select(OrderRefundLine.external_id).where(OrderRefundLine.refund_id == row.id)))
        for line in refund.lines:
            if line.refund_line_id not in kept:
                session.add(
                    OrderRefundLine(
                        refund_id=row.id or 0,
                        external_id=line.refund_line_id,
                        line_external_id=line.line_id,
                        quantity=line.quantity,
                        restocked=line.restocked,
                    )
                )
                is_new = True
    return is_new


def _store_lines(session: Session, order: Order, told: Sequence[ToldLine]) -> None:
    """Keep each line by its id. A line that is told no more has given back what it took; a look will say if not."""
    known = {row.external_id: row for row in lines.lines_of(session, order.id)}
    for line in told:
        row = known.pop(line.line_id, None)
        if row is None:
            row = OrderLine(order_id=order.id or 0, external_id=line.line_id, moves_nothing=line.moves_nothing)
            session.add(row)
        row.listing_external_id = line.external_id or row.listing_external_id
        row.told_sku = line.sku or row.told_sku
        row.title = line.title
        row.quantity = line.quantity
        row.told_taken = line.taken
        row.total = line.total
        row.tax = line.tax
    for row in known.values():
        row.told_taken = 0


@cache
def _refunds() -> SelectOfScalar[OrderRefund]:
    return select(OrderRefund).where(col(OrderRefund.order_id) == bindparam("order"))


@cache
def _refunded() -> Select[OrderRefund, OrderRefundLine]:
    return (
        select(OrderRefund, OrderRefundLine)
        .join(OrderRefundLine, col(OrderRefund.id) == col(OrderRefundLine.refund_id))
        .where(col(OrderRefund.order_id) == bindparam("order"))
    )


# ------------------------------------------------------------------------------------------- counting


def count(
    engine: Engine, session: Session, connection: Connection, order: Order, *, earliest: datetime, now: datetime
) -> None:
    """Append what the order's lines have taken or given back since they were last counted."""
    if order.version is None:
        return
    rows = lines.lines_of(session, order.id)
    refunds = _refund_lines(session, order)
    lines.attach(session, connection, rows, now)
    skus: set[str] = set()
    for row in rows:
        told = rules.LineState(line_id=row.external_id, quantity=row.quantity, declared=row.told_taken)
        taken = rules.taken_units(told, refunds)
        if lines.count_line(engine, session, connection, order, row, taken, earliest=earliest, now=now) and row.sku:
            skus.add(row.sku)
    order.is_baseline = connection.live_at is not None and lines.is_baseline(connection, order)
    counts = connection.live_at is not None or any(row.is_counted for row in rows)
    order.is_owed = order.is_owed or (counts and not order.is_baseline)
    tell_about(session, connection, order, rows, now)
    session.flush()
    refresh(session, connection.merchant_id, skus)


def _refund_lines(session: Session, order: Order) -> tuple[rules.RefundLine, ...]:
    rows = session.exec(_refunded(), params={"order": order.id})
    return tuple(
        rules.RefundLine(
            refund_id=refund.external_id,
            refund_line_id=line.external_id,
            line_id=line.line_external_id,
            quantity=line.quantity,
            restocked=line.restocked,
        )
        for refund, line in rows
    )
