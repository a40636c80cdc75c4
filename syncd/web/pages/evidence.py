"""What an issue rests on, for those who want to see it: an oversell's timeline, figures, the platform's own words."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from schema.tables import InventoryCache, Issue
from syncd.domain.window import Blame, Window
from syncd.engine.views import oversell
from syncd.engine.views.oversell import Moment, Timeline
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import seconds_words
from syncd.web.pages.issue_words import elsewhere

_HIDDEN = ("stock_item", "last_orders", "skus", "location_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a timeline."""

    at: datetime
    icon: str
    tone: str
    title: str
    words: str
    sub: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """A SKU of a held reading: before, as it was read, and whether that was believed since."""

    sku: str
    before: int
    now: int | None
    is_taken: bool

    @property
    def change(self) -> int | None:
        """By how much it would change; None where it was missing."""
        return None if self.now is None else self.now - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is shown under an issue."""

    timeline: tuple[Entry, ...] = ()
    window: str = ""
    window_icon: str = "clock"
    window_words: str = ""
    elsewhere: tuple[tuple[str, int], ...] = ()
    held: tuple[HeldRow, ...] = ()
    alarming: int = 0
    details: str = ""


def evidence_of(session: Session, visit: Visit, issue: Issue) -> Evidence:
    """The evidence of one issue."""
    details = {name: value for name, value in issue.details.items() if name not in _HIDDEN}
    words = json.dumps(details, indent=2, ensure_ascii=False) if details else ""
    found = oversell.timeline(session, issue) if issue.kind == "oversell" else None
    if found is None:
        counts = [int(issue.details.get(name) or 0) for name in ("absent", "to_zero", "by_factor")]
        return Evidence(held=_held(session, issue), alarming=sum(counts), details=words)
    name, icon, said = _window(found)
    return Evidence(
        timeline=tuple(_entry(found, moment) for moment in found.moments),
        window=name,
        window_icon=icon,
        window_words=said,
        elsewhere=tuple(elsewhere(session, visit.merchant_id, issue.sku or "", found.location)),
        details=words,
    )


def _held(session: Session, issue: Issue) -> tuple[HeldRow, ...]:
    """The SKUs of a held reading, with what has been believed of them since."""
    if issue.kind != "reading_held":
        return ()
    rows = [(str(sku), int(before), now) for sku, before, now in issue.details.get("skus", [])]
    caches = session.exec(
        select(InventoryCache).where(
            InventoryCache.merchant_id == issue.merchant_id,
            InventoryCache.location_id == issue.details.get("location_id"),
            col(InventoryCache.sku).in_([sku for sku, _, _ in rows]),
        )
    )
    known = {cache.sku: cache.reading for cache in caches}
    return tuple(
        HeldRow(sku=sku, before=before, now=now, is_taken=now is not None and known.get(sku) == now)
        for sku, before, now in rows
    )


def _entry(found: Timeline, moment: Moment) -> Entry:
    heard = f"We heard of it {seconds_words((moment.heard_at - moment.at).total_seconds())} later."
    is_last = moment.left is not None and moment.left < 0
    match moment.kind:
        case "reading":
            words = f"{moment.number} on hand."
            return Entry(
                at=moment.at,
                icon="read",
                tone="muted",
                title=f"We read {found.authority}, {found.location}:",
                words=words,
                sub="",
            )
        case "till":
            sub = f"{moment.number} left on hand. Nobody tells us of till sales; we look."
            title = f"The till had sold {moment.units}."
            return Entry(at=moment.at, icon="store", tone="tone-bad", title=title, words="", sub=sub)
        case "sale":
            sub = f"{heard} {'One more sold than there was.' if is_last else ''}".strip()
            title = f"{moment.place} sold {moment.units},"
            words = f"order {moment.order}."
            return Entry(at=moment.at, icon="sale", tone="tone-bad", title=title, words=words, sub=sub)
        case "back":
            title = f"{moment.place} took back {moment.units},"
            return Entry(
                at=moment.at, icon="undo", tone="muted", title=title, words=f"order {moment.order}.", sub=heard
            )
        case _:
            title = f"We set {moment.place} from {moment.before} to {moment.number}."
            sub = f"run {moment.run_id}"
            return Entry(at=moment.at, icon="push", tone="muted", title=title, words="", sub=sub)


def _window(found: Timeline) -> tuple[str, str, str]:
    """Whose window it was, in words that blame no person."""
    if found.blame is None:
        return "Not known", "clock", "The movements that led to it are not kept any more."
    width = _width(found.blame)
    match found.blame.window:
        case Window.TILL:
            words = f"{width} between two sales, inside the time in which {found.authority} cannot tell us of a till "
            return "Till", "store", words + "sale. No store was behind."
        case Window.NETWORK:
            return (
                "Network",
                "clock",
                f"We heard of the first of the two sales only after {width}, when both were made.",
            )
        case Window.STORE:
            return "Store", "store", "The store sold more than it had to sell; it had been told in time."
        case Window.OURS:
            return "Ours", "run", f"We were late: {width}. Sorry."


def _width(it: Blame) -> str:
    return f"{it.seconds:.0f} seconds" if it.seconds < 90 else seconds_words(it.seconds)
