"""What a person should know about an order: unknown SKU, change after the baseline, one that will never be paid."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from schema.tables import Connection, Listing, Match, Order, OrderLine
from syncd.domain import backoffice
from syncd.engine.issues import raise_issue, resolve_issue


def tell_about(
    session: Session, connection: Connection, order: Order, rows: Sequence[OrderLine], now: datetime
) -> None:
    """Raise what there is to raise about an order that was just counted."""
    if connection.live_at is None:
        return
    _unknown_skus(session, connection, rows, now)
    _changed_baseline(session, connection, order, rows, now)
    _never_paid(session, connection, order, rows, now)


def _unknown_skus(session: Session, connection: Connection, rows: Sequence[OrderLine], now: datetime) -> None:
    for row in rows:
        if row.sku is None and row.listing_id is not None and row.taken > 0 and not row.moves_nothing:
            listing = session.get_one(Listing, row.listing_id)
            if listing.match is not Match.IGNORED:
                tell_unknown(session, connection, listing, now)


def tell_unknown(session: Session, connection: Connection, listing: Listing, now: datetime) -> None:
    """One issue per SKU, not one per sale: a listing that nothing is joined to has been sold."""
    sku = listing.external_sku or f"a product without SKU ({listing.title})"
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind="unknown_sku",
        key=f"unknown_sku:{connection.id}:{listing.external_id}",
        title=f"{sku} was sold in {connection.name}; the back office does not know it.",
        why="Its stock is not kept right, and its sales are not in the back office.",
        what_to_do=f"`syncd match link --connection {connection.name} {listing.external_id} SKU` joins it to an SKU "
        "and records its sales; `syncd match ignore` leaves it alone.",
        connection_id=connection.id,
        sku=listing.external_sku,
        details={"listing": listing.external_id, "title": listing.title},
        now=now,
    )


def tell_unknown_sold(session: Session, connection: Connection, listing: Listing, now: datetime) -> None:
    """The same for a listing that was read only after it had been sold."""
    sold = session.exec(
        select(OrderLine.id)
        .where(OrderLine.listing_id == listing.id, OrderLine.taken > 0, col(OrderLine.sku).is_(None))
        .limit(1)
    ).first()
    if sold is not None:
        tell_unknown(session, connection, listing, now)


def _changed_baseline(
    session: Session, connection: Connection, order: Order, rows: Sequence[OrderLine], now: datetime
) -> None:
    """Orders from before going live are the back office's affair; a later return of one is a person's (STOCK §8)."""
    returned = [row for row in rows if row.is_baseline and row.taken < row.quantity and row.moves > 1]
    if not returned or order.is_test:
        return
    words = ", ".join(f"{row.quantity - row.taken} of {row.sku or row.title}" for row in returned)
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind="baseline_changed",
        key=f"baseline_changed:{connection.id}:{order.external_id}",
        title=f"Order {order.name} of {connection.name} is from before going live, and units came back.",
        why=f"{words} went back into that store's stock; syncd did not record the sale, so it cannot return it.",
        what_to_do="Return it by hand in the back office, then resolve this.",
        connection_id=connection.id,
        order_id=order.id,
        now=now,
    )


def _never_paid(
    session: Session, connection: Connection, order: Order, rows: Sequence[OrderLine], now: datetime
) -> None:
    """Under the policy `paid`, an order that ended unpaid and kept its units stays open for ever (STOCK §9)."""
    state = backoffice.OrderState(
        policy=backoffice.RecordPolicy(connection.record.value), was_paid=order.is_paid, is_final=order.is_final
    )
    kept = [
        row
        for row in rows
        if row.is_counted and backoffice.stays_open_for_ever(state, row.taken - row.acknowledged, ())
    ]
    key = f"never_paid:{connection.id}:{order.external_id}"
    if not kept or order.left_out:
        resolve_issue(session, connection.merchant_id, key, by="the order", now=now)
        return
    words = ", ".join(f"{row.taken} of {row.sku}" for row in kept)
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind="never_paid",
        key=key,
        title=f"Order {order.name} of {connection.name} ended unpaid, and its units did not go back.",
        why=f"The store still holds {words}. They are kept from sale everywhere until somebody decides.",
        what_to_do=f"Put them back in the store, or release them: `syncd sales leave-out {order.external_id}`.",
        connection_id=connection.id,
        order_id=order.id,
        now=now,
    )
