"""Issues: the inbox, one of them with its evidence, and what a person does about it."""

from typing import Any

from sqlmodel import Session, col, func, select
from starlette.responses import Response

from schema.tables import InventoryCache, Issue, IssueState
from syncd.engine.people.users import list_users
from syncd.engine.release import find_issue, show_issue
from syncd.engine.views import issue_list, issue_notes
from syncd.engine.views.authority import authority_view
from syncd.engine.views.stores import connected_stores
from syncd.errors import NotPossible
from syncd.web.frame.pages import NothingHere, Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import count_words
from syncd.web.pages.evidence import evidence_of
from syncd.web.pages.issue_deeds import DEEDS
from syncd.web.pages.issue_words import Told, tell, tell_all

pages = Pages()

MOST = 200
MOST_SUGGESTED = 500


# ------------------------------------------------------------------------------------------- showing


@pages.get("/app/issues")
def inbox(visit: Visit) -> Response:
    """The list, and the first of it beside."""
    with visit.reading() as session:
        listed = _listed(session, visit)
        first = listed[0].id if listed else None
    return _page(visit, listed, first, is_one=False)


@pages.get("/app/issues/{issue_id:int}")
def one(visit: Visit) -> Response:
    """One issue; on a phone without the list."""
    with visit.reading() as session:
        listed = _listed(session, visit)
    return _page(visit, listed, _issue_id(visit), is_one=True)


def _issue_id(visit: Visit) -> int:
    return int(visit.part("issue_id"))


def _listed(session: Session, visit: Visit) -> list[Told]:
    show, merchant_id = visit.query("show", "open"), visit.merchant_id
    if show == "resolved":
        rows = issue_list.resolved_ones(session, merchant_id, limit=MOST)
    else:
        mine = visit.who.user_id if show == "mine" else None
        rows = issue_list.open_ones(session, merchant_id, assigned_to=mine, limit=MOST)
    return tell_all(session, visit, rows)


def _page(visit: Visit, listed: list[Told], issue_id: int | None, *, is_one: bool) -> Response:
    with visit.reading() as session:
        values: dict[str, Any] = {
            "issues": listed,
            "show": visit.query("show", "open"),
            "counts": counts(session, visit),
            "told": None,
            "is_one": is_one,
        }
        if issue_id is not None:
            values |= _one(session, visit, issue_id)
    return visit.render("issues/page.html", **values)


def _one(session: Session, visit: Visit, issue_id: int) -> dict[str, Any]:
    issue = _found(session, visit, issue_id)
    users = list_users(session, visit.merchant_id)
    told = tell(session, visit, show_issue(session, issue))
    return {
        "told": told,
        "order_id": issue.order_id,
        "evidence": evidence_of(session, visit, issue),
        "notes": issue_notes.list_notes(session, visit.merchant_id, issue_id),
        "assignee": issue_notes.assignee(session, visit.merchant_id, issue_id),
        "users": [user for user in users if not user.is_disabled],
        "names": {user.email: user.name for user in users},
        "authority": authority_view(session, visit.merchant_id),
        "known": _known(session, visit.merchant_id) if told.can_link else [],
    }


def _found(session: Session, visit: Visit, issue_id: int) -> Issue:
    try:
        return find_issue(session, visit.merchant_id, issue_id)
    except NotPossible:
        raise NothingHere from None


def live_parts(visit: Visit) -> list[tuple[str, str]]:
    """What changes by itself on the page: the list."""
    with visit.reading() as session:
        rows = _listed(session, visit)
    return [("issue-rows", visit.draw("parts/issue_rows.html", issues=rows))]


def counts(session: Session, visit: Visit) -> dict[str, int]:
    """How many issues are open, and how many of them are the visitor's."""
    is_open = (Issue.merchant_id == visit.merchant_id, Issue.state == IssueState.OPEN)
    count = select(func.count()).select_from(Issue).where(*is_open)
    return {
        "open": session.exec(count).one(),
        "mine": session.exec(count.where(Issue.assigned_to == visit.who.user_id)).one(),
    }


def _known(session: Session, merchant_id: int) -> list[str]:
    return list(
        session.exec(
            select(InventoryCache.sku)
            .where(InventoryCache.merchant_id == merchant_id)
            .distinct()
            .order_by(col(InventoryCache.sku))
            .limit(MOST_SUGGESTED)
        )
    )


# ------------------------------------------------------------------------------------------- asking first

QUESTIONS = {
    "release": {
        "reading_held": (
            "Let the next reading pass?",
            "The back office is read again now, and that reading is applied, whatever it says. You can undo the run.",
            "Let it pass",
        ),
        "never_paid": (
            "Let its units go?",
            "They are offered again in every store. If the store still holds them, put them back there too.",
            "Let its units go",
        ),
    },
    "leave-out": {
        "": (
            "Leave this sale out?",
            "It is never recorded in the back office by syncd, and its units are offered again. This cannot be undone.",
            "Leave out",
        )
    },
    "ignore": {
        "": (
            "Ignore this product?",
            "Neither its stock nor its sales are counted from now on. It can be undone on the store's page.",
            "Ignore it",
        )
    },
}


@pages.get("/app/issues/{issue_id:int}/{deed}")
def ask(visit: Visit) -> Response:
    """A page that asks, for what cannot be taken back easily."""
    deed = visit.part("deed")
    with visit.reading() as session:
        issue = _found(session, visit, _issue_id(visit))
        told = tell(session, visit, show_issue(session, issue))
    asked = QUESTIONS.get(deed, {})
    words = asked.get(issue.kind) or asked.get("")
    if words is None or issue.state is not IssueState.OPEN:
        raise NothingHere
    question, consequence, label = words
    if deed == "release" and issue.kind == "reading_held":
        consequence = _consequence(visit, issue)
    return visit.render(
        "issues/ask.html",
        told=told,
        deed=deed.replace("-", "_"),
        question=question,
        consequence=consequence,
        label=label,
    )


def _consequence(visit: Visit, issue: Issue) -> str:
    """What letting a reading pass comes to, if the back office says the same again."""
    with visit.reading() as session:
        name = authority_view(session, visit.merchant_id).name
        live = sum(1 for row in connected_stores(session, visit.merchant_id) if row.state.value == "live")
    counts = {key: int(issue.details.get(key) or 0) for key in ("absent", "to_zero", "by_factor")}
    changed = counts["to_zero"] + counts["by_factor"]
    missing = f" {count_words(counts['absent'], 'SKU')} that were missing stay as they are." if counts["absent"] else ""
    return (
        f"{name} is read again now. If it still says so, {count_words(changed, 'number changes', 'numbers change')}, "
        f"{counts['to_zero']} to 0, in {count_words(live, 'live store')}.{missing} You can undo the run."
    )


# ------------------------------------------------------------------------------------------- doing


@pages.post("/app/issues/{issue_id:int}/do")
def act(visit: Visit) -> Response:
    """Do what a button says; what came of it is told on the issue's page."""
    with visit.reading() as session:
        issue = _found(session, visit, _issue_id(visit))
    deed = DEEDS.get(visit.sent("deed"))
    if deed is None:
        raise NotPossible("There is no such button here.")
    return visit.go(f"/app/issues/{issue.id}", said=deed(visit, issue))


@pages.post("/app/issues/{issue_id:int}/note")
def add_note(visit: Visit) -> Response:
    """Write something beside it."""
    with visit.reading() as session:
        _found(session, visit, _issue_id(visit))
    issue_notes.add_note(visit.engine, visit.merchant_id, _issue_id(visit), visit.sent("note"), actor=visit.actor)
    return visit.go(f"/app/issues/{_issue_id(visit)}", said="Your note is added.")


@pages.post("/app/issues/{issue_id:int}/assign")
def assign(visit: Visit) -> Response:
    """Have somebody look after it."""
    with visit.reading() as session:
        _found(session, visit, _issue_id(visit))
    email = visit.sent("assignee") or None
    issue_notes.assign(visit.engine, visit.merchant_id, _issue_id(visit), email, actor=visit.actor)
    return visit.go(f"/app/issues/{_issue_id(visit)}", said=f"{email} looks after it." if email else "Nobody does now.")
