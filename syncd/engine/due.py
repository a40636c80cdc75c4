"""Whether there is anything to do: cheap questions that a hand asks before it takes its lease."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Exists, false
from sqlmodel import Session, and_, col, exists, or_, select

from schema.tables import Connection, ConnectionState, InventoryCache, ListingCheck, Order, StockItem
from syncd.config import Settings
from syncd.engine import push

SPEAKS = (ConnectionState.SHADOW, ConnectionState.LIVE, ConnectionState.PAUSED)


def may_be_called(connection: Connection, now: datetime) -> bool:
    """Whether a store may be asked anything now."""
    return connection.state in SPEAKS and (connection.not_before is None or connection.not_before <= now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is due at one store: pushes, orders to read again, figures to look at, listings to read again."""

    pushes: bool = False
    rereads: bool = False
    looks: bool = False
    checks: bool = False

    def __bool__(self) -> bool:
        return self.pushes or self.rereads or self.looks or self.checks


def store_work(session: Session, settings: Settings, connection: Connection, now: datetime) -> Work:
    """What is due at a store now."""
    is_live = connection.state is ConnectionState.LIVE
    rereads = exists().where(col(Order.connection_id) == connection.id, col(Order.reread_at) <= now)
    checks = exists().where(col(ListingCheck.connection_id) == connection.id, col(ListingCheck.due_at) <= now)
    looks = _looks(settings, connection, now) if is_live else false()
    is_reread, is_check, is_look = session.exec(select(rereads, checks, looks)).one()
    is_owed = is_live and push.count_owed(session, connection, now) > 0
    return Work(pushes=is_owed, rereads=bool(is_reread), looks=bool(is_look), checks=bool(is_check))


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
