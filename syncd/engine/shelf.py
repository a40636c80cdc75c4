"""Where the number on a shelf comes from: the authority's last figure with our own writes since, open units by order.

For the receipt of `explain.py`. A fixed number of questions, however much was sold.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy
from sqlalchemy import and_, or_
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col, func, select

from schema.tables import Connection, InventoryCache, Location, Movement, MovementKind, Order, OrderLine, RecordPolicy
from syncd.domain.explain import OpenOrder
from syncd.engine.authority import Authority
from syncd.engine.local_time import LocalTime

MOST_NAMED = 10
"""Recorded writes since a figure that are named one by one; of more than these only the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One SKU at one location. `origin` says in words where `on_hand` comes from."""

    cache: InventoryCache
    place: Location
    origin: str
    open_orders: tuple[OpenOrder, ...]


def shelves_of(session: Session, authority: Authority, sku: str, clock: LocalTime) -> list[Shelf]:
    """Every location where the SKU was ever seen, the default one first."""
    found = session.exec(
        select(InventoryCache, Location)
        .join(Location, col(Location.id) == col(InventoryCache.location_id))
        .where(InventoryCache.merchant_id == authority.merchant_id, InventoryCache.sku == sku)
        .order_by(col(Location.is_default).desc(), col(Location.id))
    ).all()
    if not found:
        return []
    caches = [cache for cache, _ in found]
    origins = _origins(session, authority, clock, caches)
    opened = _open_orders(session, caches)
    return [
        Shelf(
            cache=cache,
            place=place,
            origin=origins[cache.location_id],
            open_orders=tuple(opened[cache.location_id]),
        )
        for cache, place in found
    ]


# ------------------------------------------------------------------------------------------- on hand


@dataclass(frozen=True, slots=True, kw_only=True)
class _Since:
    """Movements of `on_hand` since the authority's last figure: how many, what they come to, the last of them."""

    count: int = 0
    units: int = 0
    named: Sequence[str] = ()


def _origins(
    session: Session, authority: Authority, clock: LocalTime, caches: Sequence[InventoryCache]
) -> dict[int, str]:
    """By location."""
    counted = _last_adjustments(session, caches[0]) if any(not _is_read(cache) for cache in caches) else {}
    begins: dict[int, ColumnElement[bool]] = {}
    for cache in caches:
        if _is_read(cache):
            begins[cache.location_id] = col(Movement.recorded_at) > cache.read_began_at
        elif cache.location_id in counted:
            begins[cache.location_id] = col(Movement.id) > counted[cache.location_id].id
    since = _since(session, caches[0], begins) if begins else {}
    words = {}
    for cache in caches:
        place = cache.location_id
        if place not in begins or cache.on_hand is None:
            words[place] = "never read"
            continue
        later = since.get(place, _Since())
        figure = cache.on_hand - later.units
        first = _counted(figure, counted[place], clock) if place in counted else _read(figure, cache, authority, clock)
        words[place] = f"{first}{_told(later)}"
    return words


def _is_read(cache: InventoryCache) -> bool:
    return cache.read_began_at is not None


def _read(figure: int, cache: InventoryCache, authority: Authority, clock: LocalTime) -> str:
    began = clock.say(cache.read_began_at) if cache.read_began_at else ""
    return f"{figure} by {authority.name}'s reading begun {began}"


def _counted(figure: int, last: Movement, clock: LocalTime) -> str:
    who = f" by {last.actor}" if last.actor else ""
    return f"{figure} since {clock.say(last.recorded_at)}{who}: {last.note or 'adjusted'}"


def _told(since: _Since) -> str:
    if not since.count:
        return ""
    named = ", ".join(since.named)
    if since.count <= MOST_NAMED:
        return f", then {named}"
    return f", then {since.units:+d} by {since.count} sales and returns, the last {named}"


def _last_adjustments(session: Session, one: InventoryCache) -> dict[int, Movement]:
    """The last time that somebody counted or corrected it, by location."""
    newest = (
        select(func.max(Movement.id))
        .where(
            Movement.merchant_id == one.merchant_id,
            Movement.sku == one.sku,
            Movement.kind == MovementKind.ADJUSTMENT,
        )
        .group_by(col(Movement.location_id))
    )
    return {row.location_id: row for row in session.exec(select(Movement).where(col(Movement.id).in_(newest)))}


def _since(session: Session, one: InventoryCache, begins: Mapping[int, ColumnElement[bool]]) -> dict[int, _Since]:
    """What moved `on_hand` at each location since its figure."""
    moved = (
        Movement.merchant_id == one.merchant_id,
        Movement.sku == one.sku,
        Movement.on_hand_delta != 0,
        col(Movement.kind).not_in((MovementKind.READING, MovementKind.ADJUSTMENT)),
        or_(*(and_(col(Movement.location_id) == place, begin) for place, begin in begins.items())),
    )
    sums = session.execute(
        select(Movement.location_id, func.count(), func.sum(Movement.on_hand_delta))
        .where(*moved)
        .group_by(col(Movement.location_id))
    ).all()
    if not sums:
        return {}
    named: dict[int, list[str]] = defaultdict(list)
    newest = session.execute(
        select(Movement.location_id, Movement.note, Movement.event, Movement.on_hand_delta)
        .where(*moved)
        .order_by(col(Movement.id).desc())
        .limit(MOST_NAMED * len(begins))
    ).all()
    for place, note, event, units in reversed(newest):
        named[place].append(f"order {note or event} {units:+d}")
    return {
        place: _Since(count=int(count), units=int(units), named=named[place][-MOST_NAMED:])
        for place, count, units in sums
    }


# ------------------------------------------------------------------------------------------- open


def _open_orders(session: Session, caches: Sequence[InventoryCache]) -> dict[int, list[OpenOrder]]:
    """Which orders hold units, by the ledger; what no order explains is told as such, so that it always sums."""
    one = caches[0]
    unfinished = select(OrderLine.order_id).where(OrderLine.sku == one.sku, OrderLine.taken != OrderLine.acknowledged)
    units = func.sum(Movement.open_delta)
    columns = (
        col(Order.id),
        col(Order.name),
        col(Order.external_id),
        col(Order.is_paid),
        col(Connection.name),
        col(Connection.record),
    )
    rows = session.execute(
        sqlalchemy.select(col(Movement.location_id), *columns, units)
        .join(Order, col(Order.id) == col(Movement.order_id))
        .join(Connection, col(Connection.id) == col(Order.connection_id))
        .where(
            col(Movement.merchant_id) == one.merchant_id,
            col(Movement.sku) == one.sku,
            col(Movement.order_id).in_(unfinished),
        )
        .group_by(col(Movement.location_id), *columns)
        .having(units != 0)
        .order_by(col(Order.id))
    ).all()
    opened: dict[int, list[OpenOrder]] = defaultdict(list)
    for place, _, name, external_id, is_paid, store, record, held in rows:
        why = _why_open(int(held), is_paid=is_paid, record=record)
        opened[place].append(OpenOrder(name=name or external_id, units=int(held), why=f"{store}, {why}"))
    for cache in caches:
        rest = cache.open - sum(order.units for order in opened[cache.location_id])
        if rest:
            opened[cache.location_id].append(OpenOrder(name="no order", units=rest))
    return opened


def _why_open(units: int, *, is_paid: bool, record: RecordPolicy) -> str:
    if units < 0:
        return "a return that is being recorded"
    return "not paid yet" if not is_paid and record is RecordPolicy.PAID else "being recorded"
