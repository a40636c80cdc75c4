"""Stock as people see it: per SKU and location the sum, and what each store that sells from there shows.

Of the past: the ledger's fold by then, and of each store the last number that was set, less its own sales since.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

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
from syncd.engine.rules import Rules, load_rules
from syncd.errors import NotPossible


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
    return [
        row for start in range(0, len(skus), 400) for row in _present(session, merchant_id, skus[start : start + 400])
    ]


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
    rules = load_rules(session, merchant_id, [sku])
    sold = _Sold.load(session, merchant_id, [sku])
    rows = []
    for then in ledger.stock_at(session, merchant_id, sku, at):
        place = session.get_one(Location, then.location_id)
        listings = tuple(_listing_at(session, found, at) for found in sold.at(sku, then.location_id))
        rows.append(_row(place, sku, then.on_hand, then.open, rules, sold, listings))
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


@dataclass(frozen=True, slots=True)
class _Found:
    connection: Connection
    listing: Listing
    item: StockItem


@dataclass(frozen=True, slots=True)
class _Sold:
    """Who sells some SKUs, and from where."""

    by_sku: dict[str, list[_Found]]
    pools: dict[int, set[int]]
    titles: dict[str, str]

    @staticmethod
    def load(session: Session, merchant_id: int, skus: Iterable[str]) -> "_Sold":
        rows = session.exec(
            select(Connection, Listing, StockItem)
            .join(Listing, col(Listing.connection_id) == col(Connection.id))
            .join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
            .where(
                Listing.merchant_id == merchant_id,
                col(Listing.sku).in_(list(skus)),
                Listing.match == Match.LINKED,
                col(Listing.gone_at).is_(None),
                Connection.state != ConnectionState.DISCONNECTED,
            )
            .order_by(col(Connection.name), col(Listing.id))
        ).all()
        by_sku: dict[str, list[_Found]] = defaultdict(list)
        titles: dict[str, str] = {}
        for connection, listing, item in rows:
            sku = listing.sku or ""
            titles.setdefault(sku, listing.title)
            if connection.role is ConnectionRole.STORE:
                by_sku[sku].append(_Found(connection, listing, item))
        pools: dict[int, set[int]] = defaultdict(set)
        for place in session.exec(select(PoolLocation)):
            pools[place.connection_id].add(place.location_id)
        return _Sold(by_sku, pools, titles)

    def at(self, sku: str, location_id: int) -> list[_Found]:
        """The listings of stores that sell from a location."""
        return [found for found in self.by_sku[sku] if location_id in self.pools[found.connection.id or 0]]

    def present(self, sku: str, location_id: int) -> tuple[ListingStock, ...]:
        """As they are now."""
        return tuple(
            ListingStock(
                connection=found.connection.name,
                external_id=found.listing.external_id,
                state=found.connection.state.value,
                desired=found.item.desired,
                observed=None if found.item.observed is None else found.item.observed + found.item.held,
                held=found.item.held,
                look_due=found.item.look_at is not None,
            )
            for found in self.at(sku, location_id)
        )


def _listing_at(session: Session, found: _Found, at: datetime) -> ListingStock:
    """What the last acknowledged push had set by then, moved by the store's own sales that we had heard of."""
    last = session.exec(
        select(Push)
        .where(Push.stock_item_id == found.item.id, Push.state == PushState.ACKNOWLEDGED, col(Push.answered_at) <= at)
        .order_by(col(Push.answered_at).desc(), col(Push.id).desc())
        .limit(1)
    ).first()
    shown = None
    if last is not None and last.after is not None and last.answered_at is not None:
        shown = last.after + moved_between(session, found.item.id or 0, last.answered_at, at)
    return ListingStock(
        connection=found.connection.name,
        external_id=found.listing.external_id,
        state=found.connection.state.value,
        desired=last.desired if last else None,
        observed=shown,
    )


def moved_between(session: Session, item_id: int, after: datetime, until: datetime) -> int:
    """By how much a store's own orders moved one of its figures between two times of ours; negative for sales."""
    rows = session.exec(
        select(SalesLog.kind, func.sum(SalesLog.quantity))
        .join(OrderLine, col(OrderLine.id) == col(SalesLog.order_line_id))
        .join(Listing, col(Listing.id) == col(OrderLine.listing_id))
        .where(
            Listing.stock_item_id == item_id,
            SalesLog.reason == "",
            col(SalesLog.recorded_at) > after,
            col(SalesLog.recorded_at) <= until,
        )
        .group_by(col(SalesLog.kind))
    )
    return sum(int(units) * (-1 if kind is SaleKind.SALE else 1) for kind, units in rows)
