"""Another authority takes over: what must be settled with the one before, and what is forgotten of it.

Orders are recorded where they were recorded first, so the authority changes only when no store can bring news of them
and nothing is open. A sale that comes back later is returned by hand (`record_issues.return_by_hand`).
"""

from datetime import datetime

from sqlmodel import Session, col, select, update

from schema.tables import BackOffice, Connection, ConnectionRole, ConnectionState, InventoryCache, Order, OrderLine
from syncd.engine.authority import authority_of
from syncd.engine.brake import KEY as READING_HELD
from syncd.engine.issues import resolve_all_of, resolve_issue
from syncd.errors import NotPossible

NAMED = 5
"""So many open orders are named."""


def change_over(session: Session, settings: BackOffice, now: datetime) -> None:
    """End the present authority's time. Raises NotPossible in words that say what is open, and how to go on."""
    _refuse_while_live(session, settings)
    _refuse_while_open(session, settings)
    if settings.connection_id is not None:
        before = session.get_one(Connection, settings.connection_id)
        before.state = ConnectionState.DISCONNECTED
        resolve_all_of(session, settings.connection_id, by="another back office", now=now)
    resolve_issue(session, settings.merchant_id, READING_HELD, by="another back office", now=now)
    settings.release_next = False
    settings.hint_cursor = settings.hinted_at = settings.swept_at = settings.catalogue_at = settings.audited_at = None
    _forget_readings(session, settings.merchant_id)


def _refuse_while_live(session: Session, settings: BackOffice) -> None:
    live = session.exec(
        select(Connection.name)
        .where(
            Connection.merchant_id == settings.merchant_id,
            Connection.role == ConnectionRole.STORE,
            Connection.state != ConnectionState.DISCONNECTED,
            col(Connection.live_at).is_not(None),
        )
        .order_by(col(Connection.name))
    ).all()
    if live:
        raise NotPossible(
            f"{', '.join(live)} rest on {authority_of(session, settings.merchant_id).name}. Disconnect them, set the "
            "other back office, connect them again: each takes up its products, matches and orders where they were."
        )


def _refuse_while_open(session: Session, settings: BackOffice) -> None:
    found = session.exec(
        select(Order, Connection.name)
        .join(Connection, col(Connection.id) == col(Order.connection_id))
        .where(
            Order.merchant_id == settings.merchant_id,
            col(Order.left_out).is_(False),
            col(Order.id).in_(
                select(OrderLine.order_id).where(
                    col(OrderLine.is_counted).is_(True), col(OrderLine.taken) != col(OrderLine.acknowledged)
                )
            ),
        )
        .order_by(col(Order.id))
    ).all()
    if not found:
        return
    named = ", ".join(f"{order.name} of {store}{_unpaid(order)}" for order, store in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    raise NotPossible(
        f"{len(found)} orders are not settled with {authority_of(session, settings.merchant_id).name}: {named}{more}. "
        "Have them recorded there (`syncd sales` says what each waits for), or let them go: "
        "`syncd sales leave-out ORDER`."
    )


def _unpaid(order: Order) -> str:
    return "" if order.is_paid else " (not paid)"


def _forget_readings(session: Session, merchant_id: int) -> None:
    """What the one before said was on the shelf is no figure of the next one: nothing is published before it is read,
    and its first reading passes the brake.
    """
    session.exec(
        update(InventoryCache)
        .where(col(InventoryCache.merchant_id) == merchant_id)
        .values(reading=None, read_began_at=None, read_answered_at=None, drops=0, reread_at=None)
    )
