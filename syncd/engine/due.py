"""Whether there is anything to do: cheap questions that a hand asks before it takes its lease."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import BindParameter, Exists, Select, bindparam, select
from sqlmodel import Session, and_, col, exists, or_

from schema.tables import Connection, ConnectionState, InventoryCache, ListingCheck, Order, StockItem
from syncd.config import Settings
from syncd.engine import creating, push, settling
from syncd.engine.creation import MAKES_IN

SPEAKS = (ConnectionState.SHADOW, ConnectionState.LIVE, ConnectionState.PAUSED)


def may_be_called(connection: Connection, now: datetime) -> bool:
    """Whether a store may be asked anything now."""
    return connection.state in SPEAKS and (connection.not_before is None or connection.not_before <= now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is due at one store: pushes, orders to read again, figures to look at, listings to read again, starting
    stock to settle, products to make.
    """

    pushes: bool = False
    rereads: bool = False
    looks: bool = False
    checks: bool = False
    settlings: bool = False
    creations: bool = False

    def __bool__(self) -> bool:
        return self.pushes or self.rereads or self.looks or self.checks or self.settlings or self.creations


def store_work(session: Session, settings: Settings, connection: Connection, now: datetime) -> Work:
    """What is due at a store now. One statement, for every hand asks it every other second."""
    asked = {
        "store": connection.id,
        "merchant": connection.merchant_id,
        "now": now,
        "suspected": now - settings.push.settle,
        "heard": now - settings.push.look_grace,
    }
    rereads, checks, looks, pushes, settlings, creations = session.execute(_questions(), asked).one()
    is_live = connection.state is ConnectionState.LIVE
    return Work(
        pushes=is_live and bool(pushes) and push.count_owed(session, connection, now) > 0,
        rereads=bool(rereads),
        looks=is_live and bool(looks),
        checks=bool(checks),
        settlings=is_live and bool(settlings),
        creations=connection.state in MAKES_IN and bool(creations),
    )


@cache
def _questions() -> Select[bool, bool, bool, bool, bool, bool]:
    store: BindParameter[int] = bindparam("store")
    now: BindParameter[datetime] = bindparam("now")
    return select(
        exists().where(col(Order.connection_id) == store, col(Order.reread_at) <= now),
        exists().where(col(ListingCheck.connection_id) == store, col(ListingCheck.due_at) <= now),
        _looks(),
        exists().where(*push.to_push()),
        settling.waiting().exists(),
        exists().where(*creating.to_make()),
    )


def _looks() -> Exists:
    """Figures to look at, as `look.look_due` will find them."""
    now: BindParameter[datetime] = bindparam("now")
    never_looked = and_(col(StockItem.observed).is_(None), col(StockItem.desired).is_not(None))
    return exists().where(
        col(StockItem.connection_id) == bindparam("store"),
        or_(
            and_(
                or_(col(StockItem.look_at).is_(None), col(StockItem.look_at) <= now),
                or_(
                    col(StockItem.look_at).is_not(None),
                    col(StockItem.suspect_at) <= bindparam("suspected"),
                    col(StockItem.unknown_until).is_not(None),
                    never_looked,
                ),
                or_(col(StockItem.unknown_until).is_(None), col(StockItem.unknown_until) <= now),
            ),
            col(StockItem.hint_heard_at) <= bindparam("heard"),
            col(StockItem.kept_until) <= now,
        ),
    )


def rows_to_read_again(session: Session, merchant_id: int, now: datetime) -> bool:
    """Whether a reading of the authority was dropped and is to be asked again."""
    return bool(session.execute(_dropped(), {"merchant": merchant_id, "now": now}).scalar_one())


@cache
def _dropped() -> Select[bool]:
    return select(
        exists().where(
            col(InventoryCache.merchant_id) == bindparam("merchant"), col(InventoryCache.reread_at) <= bindparam("now")
        )
    )
