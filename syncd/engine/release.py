"""What a person decides about an issue: it is settled, or what waits for it is let go.

Releasing differs by kind: a held figure is `held_figures.py`; a held reading lets the next one pass; a sale that waits
is tried again. Everything else is resolved by hand, or by itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session, and_, col, or_, select

from schema.tables import Connection, Issue, IssueState
from syncd.engine import brake, record_by_hand, sales
from syncd.engine.audit import audit
from syncd.engine.authority import back_office
from syncd.engine.context import Engine
from syncd.engine.held_figures import Choice, release_figure
from syncd.engine.issues import resolve_by_id
from syncd.engine.wake import wake
from syncd.errors import NotPossible

log = structlog.get_logger(__name__)

HELD_FIGURE = ("drift_held", "undone")
SALES = ("refused_by_backoffice", "sale_not_certain", "no_item")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueView:
    """One issue, for people: what happened, why, and what to do. `code` is the connection's."""

    id: int
    kind: str
    connection: str | None
    code: str | None
    sku: str | None
    title: str
    why: str
    what_to_do: str
    details: Mapping[str, object]
    state: str
    times: int
    opened_at: datetime
    seen_at: datetime
    resolved_at: datetime | None
    resolved_by: str
    releases: tuple[str, ...]


# ------------------------------------------------------------------------------------------- showing


def list_issues(
    session: Session,
    merchant_id: int,
    *,
    all_of_them: bool = False,
    kind: str | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[IssueView]:
    """The open ones, the newest first; the resolved ones too if `all_of_them`. `before`: the last one seen."""
    query = (
        select(Issue, Connection)
        .outerjoin(Connection, col(Connection.id) == col(Issue.connection_id))
        .where(Issue.merchant_id == merchant_id)
    )
    if not all_of_them:
        query = query.where(Issue.state == IssueState.OPEN)
    if kind is not None:
        query = query.where(Issue.kind == kind)
    if before is not None:
        seen = select(Issue.seen_at).where(Issue.id == before, Issue.merchant_id == merchant_id).scalar_subquery()
        is_older = and_(col(Issue.seen_at) == seen, col(Issue.id) < before)
        query = query.where(or_(col(Issue.seen_at) < seen, is_older))
    rows = session.exec(query.order_by(col(Issue.seen_at).desc(), col(Issue.id).desc()).limit(limit)).all()
    return [view(issue, store if issue.connection_id else None) for issue, store in rows]


def find_issue(session: Session, merchant_id: int, issue_id: int) -> Issue:
    """An issue of the merchant's. Raises NotPossible."""
    issue = session.get(Issue, issue_id)
    if issue is None or issue.merchant_id != merchant_id:
        raise NotPossible(f"There is no issue {issue_id}. `syncd issues list` shows the open ones.")
    return issue


def show_issue(session: Session, issue: Issue) -> IssueView:
    """One issue."""
    return view(issue, session.get_one(Connection, issue.connection_id) if issue.connection_id else None)


def view(issue: Issue, connection: Connection | None) -> IssueView:
    """A row for people."""
    return IssueView(
        id=issue.id or 0,
        kind=issue.kind,
        connection=connection.name if connection else None,
        code=connection.code if connection else None,
        sku=issue.sku,
        title=issue.title,
        why=issue.why,
        what_to_do=issue.what_to_do,
        details=issue.details,
        state=issue.state.value,
        times=issue.times,
        opened_at=issue.opened_at,
        seen_at=issue.seen_at,
        resolved_at=issue.resolved_at,
        resolved_by=issue.resolved_by,
        releases=releases(issue),
    )


def releases(issue: Issue) -> tuple[str, ...]:
    """What releasing this issue can be."""
    if issue.kind in HELD_FIGURE:
        return tuple(choice.value for choice in Choice)
    if issue.kind == brake.KEY:
        return ("let the next reading pass",)
    if issue.kind in SALES and issue.order_id is not None:
        return ("try again",)
    return ("let its units go",) if issue.kind == "never_paid" else ()


# ------------------------------------------------------------------------------------------- deciding


def resolve(engine: Engine, merchant_id: int, issue_id: int, *, actor: str) -> None:
    """A person has dealt with it. What still holds raises it again."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        issue = find_issue(session, merchant_id, issue_id)
        if not resolve_by_id(session, merchant_id, issue_id, by=actor, now=now):
            raise NotPossible(f"Issue {issue_id} is resolved already.")
        audit(session, merchant_id, actor, "issue.resolve", issue.key, {"issue": issue_id}, now)
        wake(session)


def release(
    engine: Engine,
    merchant_id: int,
    issue_id: int,
    choice: Choice | None = None,
    *,
    until: datetime | None = None,
    skus: Collection[str] = (),
    actor: str,
) -> str:
    """Let go of what the issue holds; returns what happens now, in words. Raises NotPossible.

    `skus`: only these of a held reading.
    """
    with engine.database.reading() as session:
        issue = find_issue(session, merchant_id, issue_id)
    if issue.state is not IssueState.OPEN:
        raise NotPossible(f"Issue {issue_id} is resolved already.")
    if issue.kind in HELD_FIGURE:
        return release_figure(engine, issue, choice, until, actor=actor)
    if issue.kind == brake.KEY:
        return _take_some(engine, issue, skus, actor) if skus else _release_reading(engine, issue, actor)
    if issue.order_id is not None and issue.kind in SALES:
        return _retry_order(engine, issue.order_id, actor)
    if issue.order_id is not None and issue.kind == "never_paid":
        record_by_hand.leave_out(engine, issue.order_id, actor=actor)
        return "Its units are offered again."
    raise NotPossible(f"There is nothing to release: {issue.what_to_do} Then: `syncd issues resolve {issue_id}`.")


def _release_reading(engine: Engine, issue: Issue, actor: str) -> str:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = back_office(session, issue.merchant_id, lock=True)
        row.release_next = True
        row.swept_at = row.catalogue_at = None
        resolve_by_id(session, issue.merchant_id, issue.id or 0, by=actor, now=now)
        audit(session, issue.merchant_id, actor, "reading.release", "", {"issue": issue.id}, now)
        wake(session)
    return "The back office is read again now, and that reading passes."


def _take_some(engine: Engine, issue: Issue, skus: Collection[str], actor: str) -> str:
    """Believe some SKUs of a held reading; the next sweep is judged by what is left."""
    held = {row[0] for row in issue.details.get("skus", [])}
    place = issue.details.get("location_id")
    strange = sorted(set(skus) - held)
    if strange or not isinstance(place, int):
        raise NotPossible(f"The held reading does not hold {', '.join(strange[:5]) or 'single SKUs'}.")
    count = brake.take_some(engine, issue.merchant_id, place, set(skus), actor=actor, issue_id=issue.id or 0)
    return f"{count} {'SKU is' if count == 1 else 'SKUs are'} read again now and believed; the others stay held."


def _retry_order(engine: Engine, order_id: int, actor: str) -> str:
    with engine.database.reading() as session:
        waiting = sales.waiting_documents(session, order_id)
    if not retry_documents(engine, waiting, actor=actor):
        raise NotPossible("Nothing of this order waits to be tried again.")
    return "It is sent again."


def retry_documents(engine: Engine, document_ids: list[int], *, actor: str) -> int:
    """Try every one again that may be; returns how many."""
    done = 0
    for document_id in document_ids:
        try:
            record_by_hand.retry(engine, document_id, actor=actor)
            done += 1
        except NotPossible as reason:
            log.info("not_retried", document=document_id, reason=str(reason))
    return done
