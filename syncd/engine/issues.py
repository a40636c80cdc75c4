"""Issues: what a person should look at, with what to do. One open issue per merchant and key; it counts how often."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from sqlalchemy import CursorResult, Update, bindparam, text, update
from sqlmodel import Session, col

from schema.tables import Issue, IssueState
from syncd.domain import border
from syncd.engine.dialects import dialect_of, insert_into

ISSUE = Issue.metadata.tables["issue"]


def raise_issue(  # noqa: PLR0913 an issue has this many columns
    session: Session,
    *,
    merchant_id: int,
    kind: str,
    key: str,
    title: str,
    why: str = "",
    what_to_do: str = "",
    connection_id: int | None = None,
    sku: str | None = None,
    order_id: int | None = None,
    details: Mapping[str, object] | None = None,
    now: datetime,
) -> int:
    """Open the issue, or note that the open one of this key came again with these words. Gives its id."""
    told = {"title": border.text(title), "why": border.text(why), "what_to_do": border.text(what_to_do)}
    words = {**told, "details": dict(details or {}), "seen_at": now}
    row = {
        "merchant_id": merchant_id,
        "kind": kind,
        "key": key,
        "connection_id": connection_id,
        "sku": sku,
        "order_id": order_id,
        "state": IssueState.OPEN,
        "times": 1,
        "opened_at": now,
        "resolved_by": "",
        **words,
    }
    statement = (
        insert_into(Issue, dialect_of(session))
        .values(row)
        .on_conflict_do_update(
            index_elements=["merchant_id", "key"],
            index_where=text("state = 'open'"),
            set_={**words, "times": col(Issue.times) + 1},
        )
        .returning(col(Issue.id))
    )
    return int(session.execute(statement).scalar_one())


def resolve_issue(session: Session, merchant_id: int, key: str, *, by: str, now: datetime) -> bool:
    """Close the open issue of this key; False where there is none. `by` is a user's email, or `syncd`."""
    return _close(session, _of_key(), {"of_merchant": merchant_id, "of_key": key}, by, now)


def resolve_by_id(session: Session, merchant_id: int, issue_id: int, *, by: str, now: datetime) -> bool:
    """Close this issue of this merchant; False where it is not open."""
    which = ISSUE.c.merchant_id == merchant_id, ISSUE.c.id == issue_id
    return _close(session, _open_ones().where(*which), {}, by, now)


def resolve_all_of(session: Session, connection_id: int, *, by: str, now: datetime) -> bool:
    """Close every open issue about this connection; False where there is none."""
    return _close(session, _open_ones().where(ISSUE.c.connection_id == connection_id), {}, by, now)


@cache
def _of_key() -> Update:
    return _open_ones().where(ISSUE.c.merchant_id == bindparam("of_merchant"), ISSUE.c.key == bindparam("of_key"))


def _open_ones() -> Update:
    return update(ISSUE).where(ISSUE.c.state == IssueState.OPEN)


def _close(session: Session, which: Update, given: Mapping[str, object], by: str, now: datetime) -> bool:
    values = {"state": IssueState.RESOLVED, "resolved_at": now, "resolved_by": by}
    result = session.execute(which, {**given, **values})
    return isinstance(result, CursorResult) and result.rowcount > 0
