"""Movements of the ledger as people see them."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from schema.tables import Location, Movement


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementView:
    """One line of the ledger; `value` is the absolute figure of a reading or a count."""

    id: int
    sku: str
    location: str
    kind: str
    on_hand_delta: int
    open_delta: int
    value: int | None
    source: str
    event: str
    line: str
    n: int
    note: str
    actor: str
    occurred_at: datetime
    recorded_at: datetime


def list_movements(
    session: Session, merchant_id: int, *, sku: str | None = None, before: int | None = None, limit: int = 50
) -> list[MovementView]:
    """The newest first; those with a smaller id than `before`."""
    query = (
        select(Movement, Location.external_id)
        .join(Location, col(Location.id) == col(Movement.location_id))
        .where(Movement.merchant_id == merchant_id)
    )
    if sku is not None:
        query = query.where(Movement.sku == sku)
    if before is not None:
        query = query.where(col(Movement.id) < before)
    return [_view(row, place) for row, place in session.exec(query.order_by(col(Movement.id).desc()).limit(limit))]


def _view(row: Movement, place: str) -> MovementView:
    return MovementView(
        id=row.id or 0,
        sku=row.sku,
        location=place,
        kind=row.kind.value,
        on_hand_delta=row.on_hand_delta,
        open_delta=row.open_delta,
        value=row.value,
        source=row.source,
        event=row.event,
        line=row.line,
        n=row.n,
        note=row.note,
        actor=row.actor,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
    )
