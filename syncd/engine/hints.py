"""Stock figures that a store tells unasked: never a reading, only a reason to look (STOCK §2)."""

from datetime import datetime

from sqlmodel import Session, col, select

from connectors.sdk.values import StockHint
from schema.tables import Connection, ConnectionState, StockItem
from syncd.domain import look
from syncd.domain.observed import mark_for_look
from syncd.engine import items, seen
from syncd.engine.context import Engine


def hear(engine: Engine, session: Session, connection: Connection, fact: StockHint, now: datetime) -> None:
    """Keep the figure; if it is still unexplained after the grace, a look is due."""
    item = session.exec(
        select(StockItem)
        .where(StockItem.connection_id == connection.id, StockItem.external_id == fact.stock_id)
        .with_for_update()
    ).first()
    if item is None:
        return
    if fact.quantity is not None and connection.state is ConnectionState.SHADOW:
        seen.note(session, item.id or 0, fact.quantity, at=fact.at, now=now)
    state = items.belief(item)
    if fact.quantity is None:
        state = mark_for_look(state)
    else:
        state = look.hear_hint(state, quantity=fact.quantity, at=fact.at, heard_at=now)
    items.keep(item, state, look_at=now + engine.settings.push.look_grace, reason="the store told of a change")


def mature(engine: Engine, session: Session, connection_id: int, now: datetime) -> None:
    """Turn hints whose grace is over into looks, or forget them where orders have explained them meanwhile."""
    ripe = session.exec(
        select(StockItem)
        .where(
            StockItem.connection_id == connection_id,
            col(StockItem.hint_heard_at) <= now - engine.settings.push.look_grace,
        )
        .order_by(col(StockItem.id))
        .with_for_update()
    )
    for item in ripe:
        items.keep(item, look.hint_matured(items.belief(item)), look_at=now, reason="the store told another number")
