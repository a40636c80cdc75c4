"""Who did what, for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from schema.tables import AuditEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    """One deed."""

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    details: Mapping[str, object]


def list_events(
    session: Session,
    merchant_id: int,
    *,
    actor: str | None = None,
    action: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[AuditView]:
    """The newest first; those with a smaller id than `before`. `action` is the beginning of one, such as `user`."""
    query = select(AuditEvent).where(AuditEvent.merchant_id == merchant_id)
    if actor is not None:
        query = query.where(AuditEvent.actor == actor)
    if action is not None:
        query = query.where(col(AuditEvent.action).startswith(action, autoescape=True))
    if before is not None:
        query = query.where(col(AuditEvent.id) < before)
    return [
        AuditView(id=row.id or 0, at=row.at, actor=row.actor, action=row.action, target=row.target, details=row.details)
        for row in session.exec(query.order_by(col(AuditEvent.id).desc()).limit(limit))
    ]
