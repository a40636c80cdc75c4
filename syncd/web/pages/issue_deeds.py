"""What the buttons of an issue do, each by the engine function of the same verb; gives what is said afterwards."""

from collections.abc import Callable
from datetime import timedelta

from schema.tables import Connection, Issue
from syncd.engine import brake, connections, match, record_by_hand, release
from syncd.engine.held_figures import Choice
from syncd.errors import NotPossible
from syncd.web.frame.visit import Visit

KEPT_FOR = timedelta(days=1)


def _resolve(visit: Visit, issue: Issue) -> str:
    release.resolve(visit.engine, visit.merchant_id, issue.id or 0, actor=visit.actor)
    return "Marked as solved. What still holds opens it again."


def _release(visit: Visit, issue: Issue) -> str:
    return release.release(visit.engine, visit.merchant_id, issue.id or 0, actor=visit.actor)


def _take_some(visit: Visit, issue: Issue) -> str:
    skus = visit.sent_all("sku")
    if not skus:
        raise NotPossible("Choose the SKUs that are right.")
    return release.release(visit.engine, visit.merchant_id, issue.id or 0, skus=skus, actor=visit.actor)


def _choose(choice: Choice) -> Callable[[Visit, Issue], str]:
    def done(visit: Visit, issue: Issue) -> str:
        until = visit.now + KEPT_FOR if choice is Choice.KEEP else None
        release.release(visit.engine, visit.merchant_id, issue.id or 0, choice, until=until, actor=visit.actor)
        match choice:
            case Choice.OURS:
                return f"Its number is set to {issue.details.get('should')} now."
            case Choice.THEIRS:
                return f"The ledger has {issue.details.get('shown')} now, and the other stores follow."
            case Choice.KEEP:
                return f"It stays until {visit.times.at(until)}; sales elsewhere still lower it."

    return done


def _read_again(visit: Visit, _issue: Issue) -> str:
    brake.read_again(visit.engine, visit.merchant_id, actor=visit.actor)
    return "It is read again now. If the reading can be believed, this closes by itself."


def _link(visit: Visit, issue: Issue) -> str:
    sku = visit.sent("sku")
    counted = match.link(visit.engine, issue.connection_id or 0, _listing(issue), sku, actor=visit.actor)
    sales = "1 sale" if counted == 1 else f"{counted} sales"
    return f"Linked to {sku}. {sales} will now be recorded." if counted else f"Linked to {sku}."


def _ignore(visit: Visit, issue: Issue) -> str:
    match.ignore(visit.engine, issue.connection_id or 0, _listing(issue), actor=visit.actor)
    return "Ignored. It can be undone on the store's page, under Match products."


def _listing(issue: Issue) -> str:
    return str(issue.details.get("listing") or issue.sku)


def _recorded_as(visit: Visit, issue: Issue) -> str:
    record_by_hand.recorded_as(visit.engine, _order(issue), visit.sent("backoffice_id"), actor=visit.actor)
    return f"Noted: recorded as {visit.sent('backoffice_id')}."


def _leave_out(visit: Visit, issue: Issue) -> str:
    record_by_hand.leave_out(visit.engine, _order(issue), actor=visit.actor)
    return "It is left out, and its units are offered again."


def _order(issue: Issue) -> int:
    if issue.order_id is None:
        raise NotPossible("This issue is about no order.")
    return issue.order_id


def _mend_webhooks(visit: Visit, issue: Issue) -> str:
    with visit.reading() as session:
        name = session.get_one(Connection, issue.connection_id).name
    report = connections.check_webhooks(visit.engine, issue.connection_id or 0)
    broken = [topic for topic, words in report.words.items() if words]
    return f"{name} still does not tell us of: {', '.join(broken)}." if broken else f"{name} tells us of its orders."


DEEDS: dict[str, Callable[[Visit, Issue], str]] = {
    "resolve": _resolve,
    "release": _release,
    "take": _take_some,
    "ours": _choose(Choice.OURS),
    "theirs": _choose(Choice.THEIRS),
    "keep": _choose(Choice.KEEP),
    "read_again": _read_again,
    "link": _link,
    "ignore": _ignore,
    "recorded_as": _recorded_as,
    "leave_out": _leave_out,
    "webhooks": _mend_webhooks,
}
