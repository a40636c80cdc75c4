"""The brake: a sweep that cannot be believed is held as a whole until a person lets the next one pass (DESIGN §2).

The rule is `syncd/domain/readings.py`, asked for each location; one that alarms holds all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlmodel import Session, col, select

from schema.tables import InventoryCache, Location, Merchant
from syncd.domain.readings import Held, HeldReason, alarming, judge_sweep
from syncd.engine.audit import audit
from syncd.engine.authority import Authority, back_office
from syncd.engine.context import Engine
from syncd.engine.issues import raise_issue, resolve_issue
from syncd.engine.readings import Row
from syncd.engine.wake import wake

log = structlog.get_logger(__name__)

KEY = "reading_held"
LISTED = 500
"""SKUs that the issue of a held reading names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Why a sweep is held, and where."""

    location_id: int
    held: Held
    figures: Mapping[str, int | None]
    previous: Mapping[str, int]


def judge(
    engine: Engine, session: Session, merchant_id: int, rows: Sequence[Row], expected: set[str] | None, missing: int = 0
) -> Alarm | None:
    """The first location whose rows cannot be believed.

    `expected` are the SKUs that should be among the rows (None: every one that was ever read), `missing` how many items
    fewer came than the authority announced.
    """
    settings = engine.settings.backoffice
    figures: dict[int, dict[str, int | None]] = {}
    for row in rows:
        figures.setdefault(row.location_id, {})[row.sku] = row.quantity
    previous = _previous(session, merchant_id, expected)
    for place in sorted(previous.keys() | figures.keys()):
        told, before = figures.get(place, {}), previous.get(place, {})
        verdict = judge_sweep(
            told,
            before,
            announced=len(told) + missing if missing else None,
            share=settings.brake_share,
            at_least=settings.brake_at_least,
        )
        if isinstance(verdict, Held):
            return Alarm(location_id=place, held=verdict, figures=told, previous=before)
    return None


def _previous(session: Session, merchant_id: int, expected: set[str] | None) -> dict[int, dict[str, int]]:
    rows = session.exec(
        select(InventoryCache)
        .join(Location, col(Location.id) == col(InventoryCache.location_id))
        .where(
            InventoryCache.merchant_id == merchant_id,
            col(InventoryCache.reading).is_not(None),
            col(Location.is_active).is_(True),
        )
    )
    before: dict[int, dict[str, int]] = {}
    for row in rows:
        if row.reading is not None and (expected is None or row.sku in expected):
            before.setdefault(row.location_id, {})[row.sku] = row.reading
    return before


def hold(session: Session, authority: Authority, alarm: Alarm, now: datetime) -> None:
    """Tell a person that a reading was held."""
    place = session.get_one(Location, alarm.location_id)
    counts = alarm.held.counts
    log.error("reading_held", location=place.name, reason=alarm.held.reason.value, known=counts.known, read=counts.read)
    raise_issue(
        session,
        merchant_id=authority.merchant_id,
        kind=KEY,
        key=KEY,
        title=f"The stock reading for {place.name} was held.",
        why=f"{_why(authority, alarm)} Until you decide we go on with {_last_reading(session, authority, place)} less "
        "what was sold since.",
        what_to_do="Look whether the numbers there are right. If they are: `syncd issues release` lets the next "
        "reading pass.",
        connection_id=authority.connection_id,
        details={
            "location": place.name,
            "reason": alarm.held.reason.value,
            "known": counts.known,
            "read": counts.read,
            "absent": counts.absent,
            "to_zero": counts.to_zero,
            "by_factor": counts.by_factor,
            "location_id": place.id,
            "skus": [[one.sku, one.before, one.now] for one in alarming(alarm.figures, alarm.previous)[:LISTED]],
        },
        now=now,
    )


def _why(authority: Authority, alarm: Alarm) -> str:
    counts = alarm.held.counts
    match alarm.held.reason:
        case HeldReason.EMPTY:
            return f"{authority.name} sent no SKU at all; there were {counts.known} before."
        case HeldReason.SHORT:
            return f"{authority.name} sent only part of its list: {counts.absent} of {counts.known} SKUs were missing."
        case HeldReason.LARGE_CHANGE:
            zero = sum(1 for figure in alarm.figures.values() if figure is not None and figure <= 0)
            before = sum(1 for figure in alarm.previous.values() if figure <= 0)
            were = "was" if before == 1 else "were"
            words = f"{authority.name} said {zero} of {counts.read} SKUs are at 0; before that {before} {were}."
            return words + (f" {counts.by_factor} others changed fivefold or more." if counts.by_factor else "")


def _last_reading(session: Session, authority: Authority, place: Location) -> str:
    """Words for the newest reading that was applied, in the merchant's time."""
    newest = session.exec(
        select(InventoryCache.read_answered_at)
        .where(InventoryCache.location_id == place.id, col(InventoryCache.read_answered_at).is_not(None))
        .order_by(col(InventoryCache.read_answered_at).desc())
        .limit(1)
    ).first()
    if newest is None:
        return "the last reading"
    zone = ZoneInfo(session.get_one(Merchant, authority.merchant_id).time_zone)
    return f"the reading of {newest.astimezone(zone):%H:%M}"


def passed(session: Session, merchant_id: int, *, was_released: bool, now: datetime) -> None:
    """A whole sweep was believed, or let through: the brake is set again."""
    if was_released:
        back_office(session, merchant_id).release_next = False
    resolve_issue(session, merchant_id, KEY, by="a reading", now=now)


def release_next(engine: Engine, merchant_id: int, *, actor: str) -> None:
    """Let the next reading pass, one that begins after now; the one that was held is gone."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = back_office(session, merchant_id)
        row.release_next = True
        row.swept_at = None
        row.catalogue_at = None
        audit(session, merchant_id, actor, "reading_release", "", {}, now)
        wake(session)


def take_some(
    engine: Engine, merchant_id: int, location_id: int, skus: Collection[str], *, actor: str, issue_id: int
) -> int:
    """Have these SKUs read again now and believed, whatever the brake says of the rest; returns how many."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        rows = session.exec(
            select(InventoryCache)
            .where(
                InventoryCache.merchant_id == merchant_id,
                InventoryCache.location_id == location_id,
                col(InventoryCache.sku).in_(sorted(skus)),
            )
            .order_by(col(InventoryCache.id))
            .with_for_update()
        ).all()
        for row in rows:
            row.reread_at = now
        details = {"issue": issue_id, "skus": sorted(row.sku for row in rows)}
        audit(session, merchant_id, actor, "reading.take", "", details, now)
        wake(session)
    return len(rows)


def read_again(engine: Engine, merchant_id: int, *, actor: str) -> None:
    """Ask for a reading now, which has to pass the brake as any other."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = back_office(session, merchant_id)
        row.swept_at = row.catalogue_at = None
        audit(session, merchant_id, actor, "reading_again", "", {}, now)
        wake(session)
