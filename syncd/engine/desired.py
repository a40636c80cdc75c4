"""Keeping `StockItem.desired`: what each external figure should show, from the caches, the rules and the links.

Called in the transaction of whatever changed one of these. The rule itself is `syncd/domain/publish.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import sqlalchemy
from sqlalchemy import Row, Select, bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from schema.tables import (
    BackOffice,
    Connection,
    ConnectionRole,
    ConnectionState,
    InventoryCache,
    Listing,
    Match,
    PoolLocation,
    RuleKind,
    StartingStock,
    StockItem,
)
from syncd.domain import publish, stock
from syncd.engine.batches import batched
from syncd.engine.rules import Rules, load_rules

CacheRow = Row[int, str, int | None, int, datetime | None]
"""Location, SKU, on hand, open, and when the reading began: of a whole store there are many, so no objects."""


def refresh(session: Session, merchant_id: int, skus: Iterable[str]) -> None:
    """Compute again what every figure behind these SKUs should show."""
    session.flush()
    for batch in batched(sorted(set(skus))):
        _refresh_some(session, merchant_id, batch)


def refresh_all(session: Session, merchant_id: int) -> None:
    """The same for every SKU that is linked anywhere: after a rule, a pool or a connection's state has changed."""
    linked = select(Listing.sku).where(Listing.merchant_id == merchant_id, col(Listing.sku).is_not(None)).distinct()
    refresh(session, merchant_id, [sku for sku in session.exec(linked).all() if sku is not None])


def refresh_item(session: Session, item: StockItem) -> None:
    """The same for one figure, whose listings may have lost their SKU."""
    connection = session.get_one(Connection, item.connection_id)
    skus = session.exec(
        select(Listing.sku).where(Listing.stock_item_id == item.id, col(Listing.sku).is_not(None))
    ).all()
    item.desired = None
    refresh(session, connection.merchant_id, [sku for sku in skus if sku is not None])


def _refresh_some(session: Session, merchant_id: int, skus: Sequence[str]) -> None:
    item_ids = _items_behind(session, merchant_id, skus)
    listings = [listing for batch in batched(item_ids) for listing in _listings_of(session, batch)]
    every_sku = sorted({listing.sku for listing in listings if listing.sku})
    facts = Facts.load(session, merchant_id, every_sku)
    by_item: dict[int, list[Listing]] = defaultdict(list)
    for listing in listings:
        by_item[listing.stock_item_id].append(listing)
    for batch in batched(item_ids):
        for item in lock_items(session, batch):
            figures = [facts.desired(listing) for listing in by_item[item.id or 0] if _is_published(listing)]
            item.desired = publish.desired_of_shared(figures)
    session.flush()


def lock_items(session: Session, item_ids: Iterable[int]) -> Sequence[StockItem]:
    """Lock figures in the one order that everybody uses, so that two transactions never wait for each other."""
    return session.exec(_to_lock(), params={"ids": sorted(item_ids)}).all()


@cache
def _to_lock() -> SelectOfScalar[StockItem]:
    return (
        select(StockItem)
        .where(col(StockItem.id).in_(bindparam("ids", expanding=True)))
        .order_by(col(StockItem.id))
        .with_for_update()
    )


def lock_behind(session: Session, merchant_id: int, skus: Iterable[str], also: Iterable[int] = ()) -> None:
    """Lock what a movement of these SKUs will touch, in order: their caches, then every figure behind them."""
    names = sorted(set(skus))
    session.exec(_caches_to_lock(), params={"merchant": merchant_id, "skus": names}).all()
    lock_items(session, {*_items_behind(session, merchant_id, names), *also})


@cache
def _caches_to_lock() -> SelectOfScalar[int | None]:
    return (
        select(col(InventoryCache.id))
        .where(
            col(InventoryCache.merchant_id) == bindparam("merchant"),
            col(InventoryCache.sku).in_(bindparam("skus", expanding=True)),
        )
        .order_by(col(InventoryCache.id))
        .with_for_update()
    )


def _is_published(listing: Listing) -> bool:
    return listing.match is Match.LINKED and listing.gone_at is None


def _items_behind(session: Session, merchant_id: int, skus: Sequence[str]) -> list[int]:
    return sorted(session.exec(_behind(), params={"merchant": merchant_id, "skus": list(skus)}))


@cache
def _behind() -> SelectOfScalar[int]:
    """Figures of stores that show the SKUs `:skus` of the merchant `:merchant`."""
    return (
        select(Listing.stock_item_id)
        .join(Connection, col(Connection.id) == col(Listing.connection_id))
        .where(
            col(Listing.merchant_id) == bindparam("merchant"),
            col(Listing.sku).in_(bindparam("skus", expanding=True)),
            col(Connection.role) == ConnectionRole.STORE,
        )
        .distinct()
    )


def _listings_of(session: Session, item_ids: Sequence[int]) -> Sequence[Listing]:
    return session.exec(_listings(), params={"ids": list(item_ids)}).all()


@cache
def _listings() -> SelectOfScalar[Listing]:
    return select(Listing).where(col(Listing.stock_item_id).in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that says what some SKUs' listings should show, loaded once."""

    rules: Rules
    stores: dict[int, Connection]
    pools: dict[int, list[int]]
    caches: dict[tuple[int, str], CacheRow]
    is_ledger: bool
    unsettled: frozenset[int] = frozenset()

    @staticmethod
    def load(session: Session, merchant_id: int, skus: Sequence[str]) -> "Facts":
        """Read what is needed for these SKUs."""
        back_office = session.get(BackOffice, merchant_id)
        asked = {"merchant": merchant_id, "skus": list(skus)}
        stores = session.exec(_stores(), params=asked).all()
        pools: dict[int, list[int]] = defaultdict(list)
        for place in session.exec(_places()):
            pools[place.connection_id].append(place.location_id)
        caches = session.execute(_caches(), asked).all()
        is_ledger = back_office is None or back_office.connection_id is None
        return Facts(
            rules=load_rules(session, merchant_id, skus),
            stores={store.id or 0: store for store in stores},
            pools=pools,
            caches={(cache.location_id, cache.sku): cache for cache in caches},
            is_ledger=is_ledger,
            unsettled=_unsettled(session, skus) if is_ledger else frozenset(),
        )

    def desired(self, listing: Listing) -> int | None:
        """What one linked listing should show; None where nothing can be said or nothing is published."""
        store = self.stores[listing.connection_id]
        if listing.sku is None or not listing.tracked or listing.blocked:
            return None
        if store.state is ConnectionState.DISCONNECTED:
            return None
        if store.live_at is not None and listing.stock_item_id in self.unsettled:
            return None
        return publish.desired(
            self.pool_available(listing),
            buffer=self.rules.of(RuleKind.BUFFER, listing.sku, listing.connection_id) or 0,
            cap=self.rules.of(RuleKind.CAP, listing.sku, listing.connection_id),
        )

    def pool_available(self, listing: Listing) -> list[int | None]:
        """Available at each location of the store's pool where the SKU is known at all."""
        store = self.stores[listing.connection_id]
        sku = listing.sku or ""
        places = [self.caches.get((location, sku)) for location in self.pools[listing.connection_id]]
        return [self._available(cache, store) for cache in places if cache is not None]

    def _available(self, cache: CacheRow, store: Connection) -> int | None:
        if not self.is_ledger and not _was_read_since(cache, store):
            return None
        return stock.available(
            stock.Cache(on_hand=cache.on_hand, open=cache.open, safety_stock=self.rules.safety_stock(cache.sku))
        )


@cache
def _stores() -> SelectOfScalar[Connection]:
    return select(Connection).where(col(Connection.merchant_id) == bindparam("merchant"))


@cache
def _places() -> SelectOfScalar[PoolLocation]:
    return select(PoolLocation).order_by(col(PoolLocation.position))


@cache
def _caches() -> Select[int, str, int | None, int, datetime | None]:
    return sqlalchemy.select(
        col(InventoryCache.location_id),
        col(InventoryCache.sku),
        col(InventoryCache.on_hand),
        col(InventoryCache.open),
        col(InventoryCache.read_began_at),
    ).where(
        col(InventoryCache.merchant_id) == bindparam("merchant"),
        col(InventoryCache.sku).in_(bindparam("skus", expanding=True)),
    )


def _unsettled(session: Session, skus: Sequence[str]) -> frozenset[int]:
    """Figures that the own ledger began with and that nobody may set yet (`settling.py`)."""
    query = select(StartingStock.stock_item_id).where(
        col(StartingStock.sku).in_(list(skus)), col(StartingStock.settled_at).is_(None)
    )
    return frozenset(session.exec(query))


def _was_read_since(cache: CacheRow, store: Connection) -> bool:
    """Whether this authority was read, after the store went live (STOCK §8: T0, then the reading, then the looks)."""
    if cache.read_began_at is None:
        return False
    return store.live_since is None or cache.read_began_at >= store.live_since
