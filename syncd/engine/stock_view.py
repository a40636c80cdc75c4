"""Stock as people see it: per SKU and location the sum, and what each store that sells from there shows.

Of the past: the ledger's fold by then, the safety stock of then, and of each store that sells it now the last number
that had been set, less its own sales since.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy
from sqlmodel import Session, and_, col, func, or_, select

from schema.tables import (
    Connection,
    ConnectionRole,
    ConnectionState,
    InventoryCache,
    Listing,
    Location,
    Match,
    OrderLine,
    PoolLocation,
    Push,
    PushState,
    SaleKind,
    SalesLog,
    StockItem,
)
from syncd.domain import stock
from syncd.engine import ledger
from syncd.engine.batches import batched
from syncd.engine.rules import Rules, load_rules, safety_stock_at
from syncd.errors import NotPossible

AT_ONCE = 200
"""Figures that are asked for in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingStock:
    """One listing. `desired`: what it should show; `observed`: what we believe it shows; None where nobody knows."""

    connection: str
    external_id: str
    state: str
    desired: int | None
    observed: int | None
    held: int = 0
    look_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One SKU at one location; `location` is the back office's id of it. `available` may be negative."""

    sku: str
    title: str
    location: str
    location_name: str
    on_hand: int | None
    open: int
    safety_stock: int
    available: int | None
    listings: tuple[ListingStock, ...]


def stock_of(session: Session, merchant_id: int, sku: str, at: datetime | None = None) -> list[Stock]:
    """One SKU at every location that it was ever seen at. Raises NotPossible for one that nobody knows."""
    found = _present(session, merchant_id, [sku]) if at is None else _past(session, merchant_id, sku, at)
    if not found:
        then = "" if at is None else " then"
        raise NotPossible(f"Nothing is known of an SKU {sku!r}{then}. SKUs count capitals.")
    return found


def all_stock(
    session: Session, merchant_id: int, contains: str = "", limit: int | None = None, *, after: str = ""
) -> list[Stock]:
    """Every SKU, or those whose SKU contains a text, by SKU and location; `limit` SKUs of those after `after`."""
    wanted = select(InventoryCache.sku).where(InventoryCache.merchant_id == merchant_id).distinct()
    if contains:
        wanted = wanted.where(func.lower(InventoryCache.sku).contains(contains.lower(), autoescape=True))
    if after:
        wanted = wanted.where(col(InventoryCache.sku) > after)
    skus = session.exec(wanted.order_by(col(InventoryCache.sku)).limit(limit)).all()
    return [row for batch in batched(skus) for row in _present(session, merchant_id, batch)]


def _present(session: Session, merchant_id: int, skus: Sequence[str]) -> list[Stock]:
    caches = session.exec(
        select(InventoryCache, Location)
        .join(Location, col(Location.id) == col(InventoryCache.location_id))
        .where(InventoryCache.merchant_id == merchant_id, col(InventoryCache.sku).in_(list(skus)))
        .order_by(col(InventoryCache.sku), col(Location.is_default).desc(), col(Location.id))
    ).all()
    rules = load_rules(session, merchant_id, skus)
    sold = _Sold.load(session, merchant_id, skus)
    return [
        _row(place, cache.sku, cache.on_hand, cache.open, rules, sold, sold.present(cache.sku, place.id or 0))
        for cache, place in caches
    ]


def _past(session: Session, merchant_id: int, sku: str, at: datetime) -> list[Stock]:
    rules = safety_stock_at(session, merchant_id, sku, at)
    sold = _Sold.load(session, merchant_id, [sku])
    shown = _shown_at(session, sold, sku, at)
    places = {place.id: place for place in session.exec(select(Location).where(Location.merchant_id == merchant_id))}
    rows = []
    for then in ledger.stock_at(session, merchant_id, sku, at):
        listings = tuple(
            _past_listing(found, shown.get(found.item_id, (None, None))) for found in sold.at(sku, then.location_id)
        )
        rows.append(_row(places[then.location_id], sku, then.on_hand, then.open, rules, sold, listings))
    return rows


def _row(
    place: Location,
    sku: str,
    on_hand: int | None,
    opened: int,
    rules: Rules,
    sold: "_Sold",
    listings: tuple[ListingStock, ...],
) -> Stock:
    cache = stock.Cache(on_hand=on_hand, open=opened, safety_stock=rules.safety_stock(sku))
    return Stock(
        sku=sku,
        title=sold.titles.get(sku, ""),
        location=place.external_id,
        location_name=place.name,
        on_hand=on_hand,
        open=opened,
        safety_stock=cache.safety_stock,
        available=stock.available(cache),
        listings=listings,
    )


class _Found(NamedTuple):
    """One listing of a store; `shows` is what customers see, as far as we know."""

    sku: str
    connection_id: int
    connection: str
    state: ConnectionState
    external_id: str
    item_id: int
    desired: int | None
    observed: int | None
    held: int
    look_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Sold:
    """Where some SKUs are sold, from which locations, and what they are called there or in the back office."""

    by_sku: dict[str, list[_Found]]
    pools: dict[int, set[int]]
    titles: dict[str, str]

    @staticmethod
    def load(session: Session, merchant_id: int, skus: Sequence[str]) -> "_Sold":
        rows = session.execute(
            sqlalchemy.select(
                col(Connection.role),
                col(Listing.title),
                col(Listing.sku),
                col(Connection.id),
                col(Connection.name),
                col(Connection.state),
                col(Listing.external_id),
                col(StockItem.id),
                col(StockItem.desired),
                col(StockItem.observed),
                col(StockItem.held),
                col(StockItem.look_at),
            )
            .join(Listing, col(Listing.connection_id) == col(Connection.id))
            .join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
            .where(
                col(Listing.merchant_id) == merchant_id,
                col(Listing.sku).in_(list(skus)),
                col(Listing.match) == Match.LINKED,
                col(Listing.gone_at).is_(None),
                col(Connection.state) != ConnectionState.DISCONNECTED,
            )
            .order_by(col(Connection.name), col(Listing.id))
        ).all()
        by_sku: dict[str, list[_Found]] = defaultdict(list)
        titles: dict[str, str] = {}
        for role, title, *figures in rows:
            found = _Found(*figures)
            titles.setdefault(found.sku, title)
            if role is ConnectionRole.STORE:
                by_sku[found.sku].append(found)
        return _Sold(by_sku, pools_of(session, merchant_id), titles)

    def at(self, sku: str, location_id: int) -> list[_Found]:
        """The listings of stores that sell from a location."""
        return [found for found in self.by_sku[sku] if location_id in self.pools[found.connection_id]]

    def present(self, sku: str, location_id: int) -> tuple[ListingStock, ...]:
        """As they are now."""
        return tuple(
            ListingStock(
                connection=found.connection,
                external_id=found.external_id,
                state=found.state.value,
                desired=found.desired,
                observed=None if found.observed is None else found.observed + found.held,
                held=found.held,
                look_due=found.look_at is not None,
            )
            for found in self.at(sku, location_id)
        )


def pools_of(session: Session, merchant_id: int) -> dict[int, set[int]]:
    """The locations that each store sells from."""
    pools: dict[int, set[int]] = defaultdict(set)
    rows = session.execute(
        select(PoolLocation.connection_id, PoolLocation.location_id)
        .join(Connection, col(Connection.id) == col(PoolLocation.connection_id))
        .where(Connection.merchant_id == merchant_id)
    )
    for connection_id, location_id in rows:
        pools[connection_id].add(location_id)
    return pools


# ------------------------------------------------------------------------------------------- what was shown


def _shown_at(session: Session, sold: _Sold, sku: str, at: datetime) -> dict[int, tuple[int | None, int | None]]:
    """What each figure should have shown and showed then: the last acknowledged push by then, moved by the store's own
    sales that we had heard of.
    """
    item_ids = [found.item_id for found in sold.by_sku[sku]]
    newest = (
        select(Push.id)
        .where(
            Push.stock_item_id == StockItem.id,
            Push.state == PushState.ACKNOWLEDGED,
            col(Push.answered_at) <= at,
        )
        .order_by(col(Push.id).desc())
        .limit(1)
        .correlate(StockItem)
        .scalar_subquery()
    )
    ids = session.exec(select(newest).where(col(StockItem.id).in_(item_ids))).all()
    last = session.exec(select(Push).where(col(Push.id).in_([push_id for push_id in ids if push_id is not None]))).all()
    own = moved_since(session, {row.stock_item_id: row.answered_at for row in last if row.answered_at}, at)
    return {
        row.stock_item_id: (row.desired, None if row.after is None else row.after + own.get(row.stock_item_id, 0))
        for row in last
    }


def _past_listing(found: _Found, then: tuple[int | None, int | None]) -> ListingStock:
    return ListingStock(
        connection=found.connection,
        external_id=found.external_id,
        state=found.state.value,
        desired=then[0],
        observed=then[1],
    )


def moved_since(session: Session, after: Mapping[int, datetime], until: datetime) -> dict[int, int]:
    """By how much the stores' own orders moved some of their figures after a time each, up to another; negative for
    sales. Figures that did not move are left out.
    """
    moved: dict[int, int] = defaultdict(int)
    for some in batched(sorted(after.items()), AT_ONCE):
        rows = session.execute(
            select(Listing.stock_item_id, SalesLog.kind, func.sum(SalesLog.quantity))
            .join(
                SalesLog,
                and_(
                    col(SalesLog.merchant_id) == col(Listing.merchant_id),
                    col(SalesLog.sku) == col(Listing.sku),
                    col(SalesLog.recorded_at) > min(bound for _, bound in some),
                ),
            )
            .join(
                OrderLine,
                and_(col(OrderLine.id) == col(SalesLog.order_line_id), col(OrderLine.listing_id) == col(Listing.id)),
            )
            .where(
                or_(
                    *(
                        and_(col(Listing.stock_item_id) == item_id, col(SalesLog.recorded_at) > bound)
                        for item_id, bound in some
                    )
                ),
                col(Listing.stock_item_id).in_([item_id for item_id, _ in some]),
                SalesLog.reason == "",
                col(SalesLog.recorded_at) <= until,
            )
            .group_by(col(Listing.stock_item_id), col(SalesLog.kind))
        )
        for item_id, kind, units in rows:
            moved[item_id] += int(units) * (-1 if kind is SaleKind.SALE else 1)
    return moved
