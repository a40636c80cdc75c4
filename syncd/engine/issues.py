"""Issues: what a person should look at, with what to do. One open issue per merchant and key; it counts how often."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy
from sqlalchemy import text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from schema.tables import Issue, IssueState
from syncd.domain import border


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
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
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
        insert(Issue)
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
    return _resolve(session, by, now, col(Issue.merchant_id) == merchant_id, col(Issue.key) == key)


def resolve_by_id(session: Session, merchant_id: int, issue_id: int, *, by: str, now: datetime) -> bool:
    """Close this issue of this merchant; False where it is not open."""
    return _resolve(session, by, now, col(Issue.merchant_id) == merchant_id, col(Issue.id) == issue_id)


def resolve_all_of(session: Session, connection_id: int, *, by: str, now: datetime) -> bool:
    """Close every open issue about this connection; False where there is none."""
    return _resolve(session, by, now, col(Issue.connection_id) == connection_id)


def _resolve(session: Session, by: str, now: datetime, *which: sqlalchemy.ColumnElement[bool]) -> bool:
    statement = (
        update(Issue)
        .where(col(Issue.state) == IssueState.OPEN, *which)
        .values(state=IssueState.RESOLVED, resolved_at=now, resolved_by=by)
    )
    return _rows(session, statement) > 0


def _rows(session: Session, statement: sqlalchemy.Update) -> int:
    result = session.execute(statement)
    return result.rowcount if isinstance(result, sqlalchemy.CursorResult) else 0
