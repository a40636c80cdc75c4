"""Issues as a list: what is open with the most urgent first, what is mine, what is done."""

from collections.abc import Sequence

from sqlalchemy import case
from sqlmodel import Session, col, select

from schema.tables import Connection, Issue, IssueState
from syncd.engine.release import IssueView, view

URGENCY = {"needs_auth": 0, "location_gone": 1, "oversell": 2, "reading_held": 3, "drift_held": 4, "undone": 5}
"""The smaller, the sooner somebody should look."""
_LATER = len(URGENCY)


def open_ones(
    session: Session, merchant_id: int, *, sku: str | None = None, assigned_to: int | None = None, limit: int
) -> list[IssueView]:
    """The open issues, the most urgent first, among those the last seen first; only those of an SKU, or of a user."""
    where = [] if sku is None else [col(Issue.sku) == sku]
    if assigned_to is not None:
        where.append(col(Issue.assigned_to) == assigned_to)
    rows = session.exec(
        select(Issue, Connection)
        .outerjoin(Connection, col(Connection.id) == col(Issue.connection_id))
        .where(Issue.merchant_id == merchant_id, Issue.state == IssueState.OPEN, *where)
        .order_by(case(URGENCY, value=col(Issue.kind), else_=_LATER), col(Issue.seen_at).desc(), col(Issue.id).desc())
        .limit(limit)
    ).all()
    return _views(rows)


def resolved_ones(session: Session, merchant_id: int, *, limit: int) -> list[IssueView]:
    """What was settled, the last seen first."""
    rows = session.exec(
        select(Issue, Connection)
        .outerjoin(Connection, col(Connection.id) == col(Issue.connection_id))
        .where(Issue.merchant_id == merchant_id, Issue.state == IssueState.RESOLVED)
        .order_by(col(Issue.seen_at).desc(), col(Issue.id).desc())
        .limit(limit)
    ).all()
    return _views(rows)


def _views(rows: Sequence[tuple[Issue, Connection]]) -> list[IssueView]:
    return [view(issue, store if issue.connection_id else None) for issue, store in rows]
