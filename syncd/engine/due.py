"""Whether there is anything to do: cheap questions that a hand asks before it takes its lease."""

from datetime import datetime

from sqlalchemy import Exists
from sqlmodel import Session, and_, col, exists, or_, select

from schema.tables import Connection, ConnectionState, InventoryCache, ListingCheck, Order, StockItem
from syncd.config import Settings
from syncd.engine import push

SPEAKS = (ConnectionState.SHADOW, ConnectionState.LIVE, ConnectionState.PAUSED)


def may_be_called(connection: Connection, now: datetime) -> bool:
    """Whether a store may be asked anything now."""
    return connection.state in SPEAKS and (connection.not_before is None or connection.not_before <= now)


def store_has_work(session: Session, settings: Settings, connection: Connection, now: datetime) -> bool:
    """Whether a push, a look or something to read again is due at a store."""
    questions = [
        exists().where(col(Order.connection_id) == connection.id, col(Order.reread_at) <= now),
        exists().where(col(ListingCheck.connection_id) == connection.id, col(ListingCheck.due_at) <= now),
    ]
    if connection.state is ConnectionState.LIVE:
        questions.append(_looks(settings, connection, now))
    if any(session.exec(select(question)).one() for question in questions):
        return True
    return push.count_owed(session, connection, now) > 0


def _looks(settings: Settings, connection: Connection, now: datetime) -> Exists:
    """Figures to look at, as `look.look_due` will find them."""
    never_looked = and_(col(StockItem.observed).is_(None), col(StockItem.desired).is_not(None))
    return exists().where(
        col(StockItem.connection_id) == connection.id,
        or_(
            and_(
                or_(col(StockItem.look_at).is_(None), col(StockItem.look_at) <= now),
                or_(
                    col(StockItem.look_at).is_not(None),
                    col(StockItem.suspect_at) <= now - settings.push.settle,
                    col(StockItem.unknown_until).is_not(None),
                    never_looked,
                ),
                or_(col(StockItem.unknown_until).is_(None), col(StockItem.unknown_until) <= now),
            ),
            col(StockItem.hint_heard_at) <= now - settings.push.look_grace,
            col(StockItem.kept_until) <= now,
        ),
    )


def rows_to_read_again(session: Session, merchant_id: int, now: datetime) -> bool:
    """Whether a reading of the authority was dropped and is to be asked again."""
    question = exists().where(col(InventoryCache.merchant_id) == merchant_id, col(InventoryCache.reread_at) <= now)
    return bool(session.exec(select(question)).one())
