"""An oversell from beginning to end: who sold what when, what we knew when, and whose window it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from schema.tables import Connection, InventoryCache, Issue, Location, Movement, MovementKind, Push, PushState
from syncd.domain.window import Blame, Taken, blame
from syncd.engine.authority import authority_of

BEFORE = timedelta(hours=6)
MOST = 40
SHOWN = 6
"""Movements before the one that was too many, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened. `kind`: reading, till, sale, back, push. `units` went, or the number that was set."""

    at: datetime
    heard_at: datetime
    kind: str
    place: str
    units: int
    number: int | None = None
    before: int | None = None
    order: str = ""
    order_id: int | None = None
    run_id: int | None = None
    left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What happened, the first first, and whose window it was."""

    moments: tuple[Moment, ...]
    blame: Blame | None
    location: str
    authority: str


def timeline(session: Session, issue: Issue) -> Timeline | None:
    """Of an issue about an oversell; None where its shelf is not known any more."""
    place = _place(session, issue)
    if place is None or issue.sku is None:
        return None
    moves = _movements(session, issue, place.id or 0)
    names = dict(
        session.exec(select(Connection.code, Connection.name).where(Connection.merchant_id == issue.merchant_id)).all()
    )
    authority = authority_of(session, issue.merchant_id)
    names[authority.source] = authority.name
    sums = _folded(session, issue, place.id or 0, moves)
    culprit = next((n for n, left in enumerate(sums) if left < 0), None)
    first = 0 if culprit is None else max(0, culprit - SHOWN)
    shown = list(zip(moves, sums, strict=True))[first:]
    pushes = _pushes(session, issue, shown[0][0].recorded_at if shown else issue.opened_at)
    moments = [moment for move, left in shown for moment in _moments(move, left, names)]
    moments += [_pushed(push, store) for push, store in pushes]
    return Timeline(
        moments=tuple(sorted(moments, key=lambda moment: moment.at)),
        blame=None if culprit is None else _blame(moves, culprit, pushes, names),
        location=place.name,
        authority=authority.name,
    )


def _place(session: Session, issue: Issue) -> Location | None:
    """The shelf that the issue's key names."""
    parts = issue.key.split(":")
    if len(parts) < 3 or not parts[1].isdigit():
        return None
    place = session.get(Location, int(parts[1]))
    return place if place is not None and place.merchant_id == issue.merchant_id else None


def _movements(session: Session, issue: Issue, location_id: int) -> list[Movement]:
    rows = session.exec(
        select(Movement)
        .where(
            Movement.merchant_id == issue.merchant_id,
            Movement.sku == issue.sku,
            Movement.location_id == location_id,
            col(Movement.recorded_at) >= issue.opened_at - BEFORE,
            col(Movement.recorded_at) <= (issue.resolved_at or issue.seen_at) + timedelta(minutes=1),
        )
        .order_by(col(Movement.id).desc())
        .limit(MOST)
    ).all()
    return list(rows)[::-1]


def _folded(session: Session, issue: Issue, location_id: int, moves: Sequence[Movement]) -> list[int]:
    """On hand less open after each movement, folded back from what is now."""
    cache = session.exec(
        select(InventoryCache).where(
            InventoryCache.merchant_id == issue.merchant_id,
            InventoryCache.sku == issue.sku,
            InventoryCache.location_id == location_id,
        )
    ).first()
    if cache is None or not moves:
        return [0] * len(moves)
    later = session.exec(
        select(Movement.on_hand_delta, Movement.open_delta).where(
            Movement.merchant_id == issue.merchant_id,
            Movement.sku == issue.sku,
            Movement.location_id == location_id,
            col(Movement.id) > (moves[-1].id or 0),
        )
    ).all()
    left = (cache.on_hand or 0) - cache.open - sum(on_hand - opened for on_hand, opened in later)
    sums = []
    for move in reversed(moves):
        sums.append(left)
        left -= move.on_hand_delta - move.open_delta
    return sums[::-1]


def _moments(move: Movement, left: int, names: dict[str, str]) -> list[Moment]:
    place = names.get(move.source, move.source)
    if move.kind is MovementKind.READING:
        return [
            Moment(
                at=move.occurred_at,
                heard_at=move.recorded_at,
                kind="till" if move.on_hand_delta < 0 else "reading",
                place=place,
                units=-move.on_hand_delta,
                number=move.value,
                left=left,
            )
        ]
    if move.kind is MovementKind.ORDER:
        return [
            Moment(
                at=move.occurred_at,
                heard_at=move.recorded_at,
                kind="sale" if move.open_delta > 0 else "back",
                place=place,
                units=abs(move.open_delta),
                order=move.note,
                order_id=move.order_id,
                left=left,
            )
        ]
    return []


def _pushes(session: Session, issue: Issue, since: datetime) -> Sequence[tuple[Push, str]]:
    rows = session.exec(
        select(Push, Connection.name)
        .join(Connection, col(Connection.id) == col(Push.connection_id))
        .where(
            Connection.merchant_id == issue.merchant_id,
            Push.sku == issue.sku,
            Push.state == PushState.ACKNOWLEDGED,
            col(Push.answered_at) >= since,
            col(Push.answered_at) <= (issue.resolved_at or issue.seen_at) + timedelta(minutes=1),
        )
        .order_by(col(Push.id))
        .limit(MOST)
    ).all()
    return list(rows)


def _pushed(push: Push, store: str) -> Moment:
    at = push.answered_at or push.intent_at
    return Moment(
        at=at,
        heard_at=at,
        kind="push",
        place=store,
        units=0,
        number=push.after,
        before=push.before,
        run_id=push.run_id,
    )


def _blame(moves: Sequence[Movement], culprit: int, pushes: Sequence[tuple[Push, str]], names: dict[str, str]) -> Blame:
    took = [n for n in range(culprit) if moves[n].on_hand_delta - moves[n].open_delta < 0]
    last = moves[culprit]
    if not took:
        return blame(None, _taken(last))
    earlier = moves[took[-1]]
    store = names.get(last.source, "")
    told = [
        push.answered_at
        for push, name in pushes
        if name == store and push.answered_at is not None and push.answered_at >= earlier.recorded_at
    ]
    return blame(_taken(earlier, told[0] if told else None), _taken(last))


def _taken(move: Movement, told_at: datetime | None = None) -> Taken:
    return Taken(
        at=move.occurred_at,
        heard_at=move.recorded_at,
        is_till=move.kind is MovementKind.READING,
        told_at=told_at,
    )
