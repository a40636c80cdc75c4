"""How many there are."""

from sqlmodel import Session, func, select

from schema.tables import Issue, IssueState


def open_issues(session: Session, merchant_id: int) -> int:
    """Open issues of a merchant."""
    return session.exec(
        select(func.count()).select_from(Issue).where(Issue.merchant_id == merchant_id, Issue.state == IssueState.OPEN)
    ).one()
