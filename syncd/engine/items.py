"""A stock item's row and the belief that the rules work on: the same thing twice, converted here and nowhere else."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from schema.tables import StockItem
from syncd.domain.observed import Hint, Observed, Suspect


def belief(item: StockItem) -> Observed:
    """What the row says, as the rules take it."""
    suspect = None
    if item.suspect is not None and item.suspect_at is not None:
        suspect = Suspect(difference=item.suspect, since=item.suspect_at)
    hint = None
    if item.hint is not None and item.hint_at is not None and item.hint_heard_at is not None:
        hint = Hint(quantity=item.hint, at=item.hint_at, heard_at=item.hint_heard_at)
    return Observed(
        observed=item.observed,
        fence=item.fence,
        look_due=item.look_at is not None,
        suspect=suspect,
        held=item.held,
        is_kept=item.is_kept,
        hint=hint,
        unknown=item.unknown_until is not None,
        late=item.late,
        moves=item.moves,
    )


def keep(
    item: StockItem, state: Observed, *, look_at: datetime, reason: str = "", unknown_until: datetime | None = None
) -> None:
    """Write a belief back.

    `look_at` is when a look that the state newly asks for is due (one already due keeps its time) and `reason` why;
    `unknown_until` is the end of the quarantine where the state has newly become unknown.
    """
    if state.look_due and item.look_at is None:
        item.look_at = look_at
        item.look_reason = reason
    if not state.look_due:
        item.look_at = None
        item.look_reason = ""
    if not state.unknown:
        item.unknown_until = None
    elif item.unknown_until is None:
        item.unknown_until = unknown_until or look_at
    item.observed = state.observed
    item.fence = state.fence
    item.suspect = state.suspect.difference if state.suspect else None
    item.suspect_at = state.suspect.since if state.suspect else None
    item.held = state.held
    item.is_kept = state.is_kept
    item.hint = state.hint.quantity if state.hint else None
    item.hint_at = state.hint.at if state.hint else None
    item.hint_heard_at = state.hint.heard_at if state.hint else None
    item.late = state.late
    item.moves = state.moves


def locked(session: Session, item_id: int) -> StockItem:
    """The row, read anew and locked until the transaction ends."""
    return session.exec(
        select(StockItem).where(StockItem.id == item_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def all_locked(session: Session, connection_id: int) -> Sequence[StockItem]:
    """Every figure of a store, locked in the order in which everybody locks them."""
    figures = select(StockItem).where(StockItem.connection_id == connection_id).order_by(col(StockItem.id))
    return session.exec(figures.with_for_update()).all()
