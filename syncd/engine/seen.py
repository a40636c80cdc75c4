"""Numbers that a store in shadow shows, as we see them change: what a shadow run is judged by, and nothing else."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, func, select

from schema.tables import FigureSeen, StockItem


def note(session: Session, stock_item_id: int, quantity: int, *, at: datetime, now: datetime) -> None:
    """Keep a number that differs from the last one that was seen. `at` is the platform's time."""
    last = session.exec(
        select(FigureSeen).where(FigureSeen.stock_item_id == stock_item_id).order_by(col(FigureSeen.id).desc()).limit(1)
    ).first()
    if last is None or last.quantity != quantity:
        session.add(FigureSeen(stock_item_id=stock_item_id, quantity=quantity, at=at, heard_at=now))


def note_all(session: Session, connection_id: int, figures: Mapping[int, int], now: datetime) -> None:
    """Keep what a whole reading of a store told, by our id of each figure."""
    known = newest(session, connection_id)
    session.add_all(
        FigureSeen(stock_item_id=item_id, quantity=quantity, at=now, heard_at=now)
        for item_id, quantity in figures.items()
        if known.get(item_id) != quantity
    )


def newest(session: Session, connection_id: int) -> dict[int, int]:
    """The last number that was seen of each figure of a store."""
    ours = select(StockItem.id).where(StockItem.connection_id == connection_id)
    last = (
        select(func.max(FigureSeen.id))
        .where(col(FigureSeen.stock_item_id).in_(ours))
        .group_by(col(FigureSeen.stock_item_id))
    )
    rows = session.exec(select(FigureSeen.stock_item_id, FigureSeen.quantity).where(col(FigureSeen.id).in_(last)))
    return dict(rows.all())
