"""Why a store shows what it shows, and why not what it should: in words, for `explain.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from schema.tables import Connection, ConnectionState, Listing, Push, PushState, StockItem
from syncd.domain import publish
from syncd.engine import items
from syncd.engine.local_time import LocalTime
from syncd.engine.stock_view import moved_since


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The last push to each of some figures, and by how much its store's own orders moved it since."""

    clock: LocalTime
    last: Mapping[int, Push]
    own: Mapping[int, int]


def told_of(session: Session, clock: LocalTime, item_ids: Sequence[int]) -> Told:
    """Read for all of them at once."""
    newest = select(func.max(Push.id)).where(col(Push.stock_item_id).in_(item_ids)).group_by(col(Push.stock_item_id))
    last = {row.stock_item_id: row for row in session.exec(select(Push).where(col(Push.id).in_(newest)))}
    since = {
        item_id: row.answered_at or row.intent_at
        for item_id, row in last.items()
        if row.state is PushState.ACKNOWLEDGED
    }
    return Told(clock=clock, last=last, own=moved_since(session, since, clock.now))


def of_listing(told: Told, connection: Connection, listing: Listing, item: StockItem) -> list[str]:
    """Why it shows what it shows, and why not what it should."""
    not_published = _not_published(connection, listing)
    story = [not_published] if not_published else []
    last = told.last.get(item.id or 0)
    if last is not None:
        story.append(_push_words(told, last))
    elif item.observed is not None:
        story.append("shown so when we first looked, no push was needed")
    doubt = _doubt(told.clock, item)
    if doubt:
        story.append(doubt)
    elif publish.plan_push(items.belief(item), item.desired) is not None and not not_published:
        story.append("waits to be pushed")
    elif item.confirmed_at is not None:
        story.append(f"confirmed {told.clock.say(item.confirmed_at)}")
    return story


def _not_published(connection: Connection, listing: Listing) -> str:
    if connection.state is not ConnectionState.LIVE:
        return {
            ConnectionState.SHADOW: "in shadow: nothing is pushed until it goes live",
            ConnectionState.PAUSED: "paused: nothing is pushed",
        }.get(connection.state, "we have no access: nothing is pushed until it is reconnected")
    if not listing.tracked:
        return "the store does not track its stock"
    return listing.blocked


def _push_words(told: Told, last: Push) -> str:
    when = told.clock.say(last.answered_at or last.intent_at)
    because = f", because of {last.cause}" if last.cause else ""
    match last.state:
        case PushState.ACKNOWLEDGED:
            words = f"pushed {last.before} to {last.after} at {when} by run {last.run_id}{because}"
            own = told.own.get(last.stock_item_id, 0)
            return words + (f", then {own:+d} by its own orders, for which no push is needed" if own else "")
        case PushState.REFUSED:
            found = f"it showed {last.before}, not {last.expected}"
            return f"run {last.run_id} did not write {last.target} at {when}: {found}"
        case PushState.UNKNOWN:
            return f"run {last.run_id} wrote {last.target} at {when} and got no answer"
        case PushState.INTENT:
            return f"run {last.run_id} is writing {last.target}"
        case PushState.NOT_SENT:
            return f"run {last.run_id} could not write {last.target} at {when}: {last.words}"


def _doubt(clock: LocalTime, item: StockItem) -> str:
    if item.is_kept:
        until = f" until {clock.say(item.kept_until)}" if item.kept_until else " until you release it"
        return f"kept as it is{until}"
    if item.held:
        return f"held: {item.held:+d} that no order explains waits for you (`syncd issues list`)"
    if item.unknown_until is not None:
        return f"nothing is concluded before {clock.say(item.unknown_until)}, then we look"
    if item.suspect is not None:
        return f"{item.suspect:+d} is not explained yet, we look again"
    if item.look_at is not None:
        return f"we look at it: {item.look_reason}"
    return ""
