"""Who did what: one row per deed of a person or of a command."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from schema.tables import AuditEvent
from syncd.domain import border


def audit(
    session: Session,
    merchant_id: int,
    actor: str,
    action: str,
    target: str,
    details: Mapping[str, object],
    now: datetime,
) -> None:
    """Note a deed in the transaction that does it. `details` must be JSON and hold no secret."""
    kept = {name: border.text(value) if isinstance(value, str) else value for name, value in details.items()}
    session.add(
        AuditEvent(
            merchant_id=merchant_id,
            actor=border.text(actor, 254),
            action=action,
            target=border.text(target, 255),
            details=kept,
            at=now,
        )
    )
