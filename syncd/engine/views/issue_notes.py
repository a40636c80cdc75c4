"""What people say about an issue: who looks after it, and notes beside it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from schema.tables import IssueNote, User
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.people.users import find_user
from syncd.engine.release import find_issue
from syncd.errors import NotPossible

LONGEST = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """A note; `author` is a user's address."""

    id: int
    author: str
    words: str
    at: datetime


def list_notes(session: Session, merchant_id: int, issue_id: int) -> list[NoteView]:
    """The notes of an issue, the oldest first. Raises NotPossible for another merchant's."""
    find_issue(session, merchant_id, issue_id)
    rows = session.exec(select(IssueNote).where(IssueNote.issue_id == issue_id).order_by(col(IssueNote.id)))
    return [_view(row) for row in rows]


def assignee(session: Session, merchant_id: int, issue_id: int) -> str | None:
    """Who looks after it: a user's address."""
    user_id = find_issue(session, merchant_id, issue_id).assigned_to
    return None if user_id is None else session.get_one(User, user_id).email


def add_note(engine: Engine, merchant_id: int, issue_id: int, words: str, *, actor: str) -> NoteView:
    """Write something beside an issue. Raises NotPossible."""
    said, now = words.strip(), engine.clock.now()
    if not said or len(said) > LONGEST:
        raise NotPossible(f"A note has between 1 and {LONGEST} characters.")
    with engine.database.transaction() as session:
        issue = find_issue(session, merchant_id, issue_id)
        row = IssueNote(issue_id=issue.id or 0, author=actor, words=said, at=now)
        session.add(row)
        session.flush()
        audit(session, merchant_id, actor, "issue.note", issue.key, {"issue": issue_id}, now)
        return _view(row)


def assign(engine: Engine, merchant_id: int, issue_id: int, email: str | None, *, actor: str) -> None:
    """Have a user look after an issue; None: nobody. Raises NotPossible."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        issue = find_issue(session, merchant_id, issue_id)
        user = None if email is None else find_user(session, merchant_id, email)
        issue.assigned_to = None if user is None else user.id
        audit(session, merchant_id, actor, "issue.assign", issue.key, {"to": user.email if user else None}, now)


def _view(row: IssueNote) -> NoteView:
    return NoteView(id=row.id or 0, author=row.author, words=row.words, at=row.at)
