"""What it means that a listing gains or loses its SKU: its figure, its issues, and the orders taken in before.

Linking is a T0 for the listing: what the store shows is looked at anew, and earlier orders in its name are counted. Who
decides is `match.py`.
"""

from datetime import datetime

import structlog
from sqlmodel import Session, and_, col, or_, select

from schema.tables import Connection, Listing, Match, Order, OrderLine, StockItem
from syncd.domain.observed import mark_for_look
from syncd.engine import items, orders
from syncd.engine.context import Engine
from syncd.engine.desired import refresh, refresh_item
from syncd.engine.issues import resolve_issue
from syncd.engine.order_issues import tell_unknown_sold
from syncd.engine.wake import wake

log = structlog.get_logger(__name__)


def set_match(
    session: Session, connection: Connection, listing: Listing, match: Match, sku: str | None, now: datetime
) -> None:
    """Give a listing its match and SKU. The caller holds the lock of its figure."""
    if (listing.match, listing.sku) == (match, sku):
        return
    before, listing.match, listing.sku = listing.sku, match, sku
    listing.linked_at = now if sku else None
    session.flush()
    item = session.get_one(StockItem, listing.stock_item_id)
    if sku is not None:
        _begin_anew(session, item, listing, now)
        resolve_unknown(session, connection, listing, "linked", now)
        resolve_issue(session, connection.merchant_id, gone_key(connection, sku), by="syncd", now=now)
    refresh_item(session, item)
    if before:
        refresh(session, connection.merchant_id, [before])
    if match is Match.UNMATCHED and connection.live_at is not None:
        tell_unknown_sold(session, connection, listing, now)
    log.info("listing_matched", connection=connection.name, listing=listing.external_id, match=match.value, sku=sku)


def _begin_anew(session: Session, item: StockItem, listing: Listing, now: datetime) -> None:
    """A figure that was nobody's is looked at as if for the first time; one that is shared is looked at again."""
    others = session.exec(
        select(Listing.id).where(
            Listing.stock_item_id == item.id,
            Listing.match == Match.LINKED,
            Listing.id != listing.id,
            col(Listing.gone_at).is_(None),
        )
    ).first()
    if others is None:
        forget_belief(item)
    else:
        items.keep(item, mark_for_look(items.belief(item)), look_at=now, reason="another listing was linked to it")


def forget_belief(item: StockItem) -> None:
    """From here on the first look tells what the store shows. The quarantine of a lost push stays."""
    item.observed = item.suspect = item.hint = None
    item.suspect_at = item.hint_at = item.hint_heard_at = item.look_at = item.kept_until = None
    item.held = item.late = 0
    item.is_kept = False
    item.look_reason = ""


def is_published(session: Session, item: StockItem) -> bool:
    """Whether some listing of the store still shows this figure."""
    shows_it = (Listing.stock_item_id == item.id, col(Listing.gone_at).is_(None), col(Listing.tracked).is_(True))
    return session.exec(select(Listing.id).where(*shows_it).limit(1)).first() is not None


def let_go(session: Session, connection: Connection, item: StockItem, now: datetime) -> None:
    """Nothing shows this figure any more: nothing is believed of it, and nobody need decide about it."""
    forget_belief(item)
    end_refusal(session, item, now)
    resolve_issue(session, connection.merchant_id, held_key(item), by="the store", now=now)


def end_refusal(session: Session, item: StockItem, now: datetime) -> None:
    """The store has taken a number of this figure again, or need not."""
    if item.attempts:
        item.attempts, item.not_before = 0, None
        store = session.get_one(Connection, item.connection_id)
        resolve_issue(session, store.merchant_id, refused_key(item), by="the store", now=now)


def held_key(item: StockItem) -> str:
    """The key of the issue about a held figure."""
    return f"drift_held:{item.id}"


def refused_key(item: StockItem) -> str:
    """The key of the issue that a store did not take a figure's number."""
    return f"push_refused:{item.connection_id}:{item.external_id}"


def resolve_unknown(session: Session, connection: Connection, listing: Listing, by: str, now: datetime) -> None:
    """Close the issue that a listing without SKU of ours was sold."""
    resolve_issue(session, connection.merchant_id, f"unknown_sku:{connection.id}:{listing.external_id}", by=by, now=now)


def gone_key(connection: Connection, sku: str) -> str:
    """The key of the issue that a store no longer has an SKU."""
    return f"listing_gone:{connection.id}:{sku}"[:255]


# ------------------------------------------------------------------------------------------- orders from before


def count_earlier_orders(engine: Engine, connection_id: int) -> int:
    """Count orders with lines that have found their listing, or their listing its SKU, since they were taken in.

    Returns how many. Each is a transaction; killed in between, the next call finds the rest.
    """
    with engine.database.reading() as session:
        waiting = session.exec(
            select(Order.id, Order.external_id)
            .join(OrderLine, col(OrderLine.order_id) == col(Order.id))
            .join(
                Listing,
                and_(
                    col(Listing.connection_id) == col(Order.connection_id),
                    col(Listing.external_id) == col(OrderLine.listing_external_id),
                ),
            )
            .where(
                Order.connection_id == connection_id,
                col(Order.version).is_not(None),
                col(OrderLine.sku).is_(None),
                OrderLine.moves_nothing == "",
                or_(col(OrderLine.listing_id).is_(None), Listing.match == Match.LINKED),
            )
            .distinct()
            .order_by(col(Order.id))
        ).all()
    for _, external_id in waiting:
        now = engine.clock.now()
        with engine.database.transaction() as session:
            connection = session.get_one(Connection, connection_id)
            order = orders.locked(session, connection, external_id, now, now)
            orders.count(engine, session, connection, order, earliest=order.version or order.placed_at, now=now)
            wake(session)
    return len(waiting)
