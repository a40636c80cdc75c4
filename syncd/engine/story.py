"""Why a store shows what it shows, and why not what it should: in words, for `explain.py`."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from schema.tables import Connection, ConnectionState, Listing, Push, PushState, StockItem
from syncd.domain import publish
from syncd.engine import items
from syncd.engine.stock_view import moved_between


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTime:
    """Times as the merchant reads them."""

    zone: ZoneInfo
    now: datetime

    def say(self, at: datetime) -> str:
        """The time of day for today, else the date with it."""
        local = at.astimezone(self.zone)
        same_day = local.date() == self.now.astimezone(self.zone).date()
        return f"{local:%H:%M:%S}" if same_day else f"{local:%d %b %H:%M}"


def of_listing(
    session: Session, clock: LocalTime, connection: Connection, listing: Listing, item: StockItem
) -> list[str]:
    """Why it shows what it shows, and why not what it should."""
    not_published = _not_published(connection, listing)
    story = [not_published] if not_published else []
    last = session.exec(
        select(Push).where(Push.stock_item_id == item.id).order_by(col(Push.id).desc()).limit(1)
    ).first()
    if last is not None:
        story.append(_push_words(session, clock, last, item))
    elif item.observed is not None:
        story.append("shown so when we first looked, no push was needed")
    doubt = _doubt(clock, item)
    if doubt:
        story.append(doubt)
    elif publish.plan_push(items.belief(item), item.desired) is not None and not not_published:
        story.append("waits to be pushed")
    elif item.confirmed_at is not None:
        story.append(f"confirmed {clock.say(item.confirmed_at)}")
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


def _push_words(session: Session, clock: LocalTime, last: Push, item: StockItem) -> str:
    when = clock.say(last.answered_at or last.intent_at)
    because = f", because of {last.cause}" if last.cause else ""
    match last.state:
        case PushState.ACKNOWLEDGED:
            words = f"pushed {last.before} to {last.after} at {when} by run {last.run_id}{because}"
            own = moved_between(session, item.id or 0, last.answered_at or last.intent_at, clock.now)
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
