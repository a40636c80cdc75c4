"""One SKU: its name, its history as a line, and its movements with the sum after each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy
from sqlmodel import Session, col, func, select

from schema.tables import Connection, InventoryCache, Listing, Location, Movement, MovementKind, Order
from syncd.engine.authority import authority_of
from syncd.engine.rules import load_rules

MOST_POINTS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What an SKU is called, and what it costs in the first store that tells."""

    title: str
    price: Decimal | None
    listings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Available at a location from `at` on, until the next point."""

    at: datetime
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One movement. `available` is what it came to at its location afterwards, None while nothing was read.

    `place` is who told it: a store or the back office.
    """

    id: int
    at: datetime
    kind: str
    place: str
    location: str
    on_hand_delta: int
    open_delta: int
    value: int | None
    order_id: int | None
    order: str
    note: str
    actor: str
    available: int | None


def name_of(session: Session, merchant_id: int, sku: str) -> Name:
    """Its name in the stores, or in the back office."""
    stores = select(Connection.id).where(Connection.merchant_id == merchant_id)
    linked = select(Listing.id).where(Listing.merchant_id == merchant_id, Listing.sku == sku)
    told = select(Listing.id).where(col(Listing.connection_id).in_(stores), Listing.external_sku == sku)
    rows = session.execute(
        sqlalchemy.select(col(Listing.title), col(Listing.price), col(Listing.sku))
        .where(col(Listing.id).in_(linked.union(told)), col(Listing.gone_at).is_(None))
        .order_by(col(Listing.id))
    ).all()
    return Name(
        title=next((title for title, _, _ in rows if title), ""),
        price=next((price for _, price, _ in rows if price is not None), None),
        listings=sum(1 for *_, of in rows if of == sku),
    )


def places_of(session: Session, merchant_id: int, sku: str) -> Sequence[tuple[InventoryCache, Location]]:
    """Where it lies, the default location first."""
    return session.execute(
        select(InventoryCache, Location)
        .join(Location, col(Location.id) == col(InventoryCache.location_id))
        .where(InventoryCache.merchant_id == merchant_id, InventoryCache.sku == sku)
        .order_by(col(Location.is_default).desc(), col(Location.id))
    ).all()


def history(
    session: Session, merchant_id: int, sku: str, location_id: int, since: datetime, now: datetime
) -> list[Point]:
    """What was available there since then, folded back from what is now; empty where nothing was ever read.

    Safety stock is taken off as it is set today.
    """
    cache = session.exec(
        select(InventoryCache).where(
            InventoryCache.merchant_id == merchant_id,
            InventoryCache.sku == sku,
            InventoryCache.location_id == location_id,
        )
    ).first()
    if cache is None or cache.on_hand is None:
        return []
    available = cache.on_hand - cache.open - load_rules(session, merchant_id, [sku]).safety_stock(sku)
    rows = session.exec(
        select(Movement.recorded_at, Movement.on_hand_delta, Movement.open_delta)
        .where(
            Movement.merchant_id == merchant_id,
            Movement.sku == sku,
            Movement.location_id == location_id,
            col(Movement.recorded_at) >= since,
        )
        .order_by(col(Movement.id).desc())
        .limit(MOST_POINTS)
    ).all()
    points = [Point(at=now, available=available)]
    for at, on_hand, opened in rows:
        points.append(Point(at=at, available=available))
        available -= on_hand - opened
    first = since if len(rows) < MOST_POINTS else rows[-1][0]
    if _is_before_all(session, merchant_id, sku, location_id, since) and rows:
        return points[::-1]
    return [*points, Point(at=first, available=available)][::-1]


def _is_before_all(session: Session, merchant_id: int, sku: str, location_id: int, since: datetime) -> bool:
    """Whether the ledger of it begins only after this time, so that there is nothing to draw before."""
    earlier = session.exec(
        select(Movement.id)
        .where(
            Movement.merchant_id == merchant_id,
            Movement.sku == sku,
            Movement.location_id == location_id,
            col(Movement.recorded_at) < since,
        )
        .limit(1)
    ).first()
    return earlier is None


def movements(session: Session, merchant_id: int, sku: str, *, limit: int, before_id: int | None = None) -> list[Line]:
    """The newest first, each with what was available at its location afterwards."""
    query = (
        select(Movement, Location.name, Order.name)
        .join(Location, col(Location.id) == col(Movement.location_id))
        .outerjoin(Order, col(Order.id) == col(Movement.order_id))
        .where(Movement.merchant_id == merchant_id, Movement.sku == sku)
    )
    if before_id is not None:
        query = query.where(col(Movement.id) < before_id)
    rows = session.exec(query.order_by(col(Movement.id).desc()).limit(limit)).all()
    names = dict(
        session.exec(select(Connection.code, Connection.name).where(Connection.merchant_id == merchant_id)).all()
    )
    authority = authority_of(session, merchant_id)
    names[authority.source] = authority.name
    after = _after(session, merchant_id, sku, rows[0][0].id if rows else None)
    safety = load_rules(session, merchant_id, [sku]).safety_stock(sku)
    lines = []
    for row, location, order in rows:
        total = after.get(row.location_id)
        lines.append(_line(row, location, order or "", names, None if total is None else total - safety))
        if total is not None:
            after[row.location_id] = total - row.on_hand_delta + row.open_delta
    return lines


def _after(session: Session, merchant_id: int, sku: str, newest_id: int | None) -> dict[int, int]:
    """On hand less open at each location right after a movement: what is now, less what came later."""
    caches = session.exec(
        select(InventoryCache).where(InventoryCache.merchant_id == merchant_id, InventoryCache.sku == sku)
    ).all()
    now = {row.location_id: row.on_hand - row.open for row in caches if row.on_hand is not None}
    if newest_id is None:
        return now
    later = session.execute(
        select(Movement.location_id, func.sum(Movement.on_hand_delta - Movement.open_delta))
        .where(Movement.merchant_id == merchant_id, Movement.sku == sku, col(Movement.id) > newest_id)
        .group_by(col(Movement.location_id))
    ).all()
    moved = {location_id: int(units) for location_id, units in later}
    return {location_id: units - moved.get(location_id, 0) for location_id, units in now.items()}


def _line(row: Movement, location: str, order: str, names: dict[str, str], available: int | None) -> Line:
    return Line(
        id=row.id or 0,
        at=row.recorded_at,
        kind=row.kind.value,
        place=names.get(row.source, row.source),
        location=location,
        on_hand_delta=row.on_hand_delta,
        open_delta=row.open_delta,
        value=row.value,
        order_id=row.order_id,
        order=order or (row.note if row.kind is not MovementKind.ADJUSTMENT else ""),
        note=row.note,
        actor=row.actor,
        available=available,
    )
