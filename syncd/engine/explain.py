"""Why a number is what it is: the facts of one SKU, for the receipt that `syncd/domain/explain.py` writes.

On hand is told as the authority's last reading and our own recorded writes since; open units by order, from the ledger,
so that the receipt sums to the unit. Why a store shows what it shows is `story.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from schema.tables import (
    Connection,
    ConnectionRole,
    ConnectionState,
    InventoryCache,
    Listing,
    Location,
    Match,
    Merchant,
    Movement,
    MovementKind,
    Order,
    Rule,
    RuleKind,
    StockItem,
)
from syncd.domain.explain import ListingFacts, LocationFacts, OpenOrder, ReceiptLine, location_lines, receipt
from syncd.engine import story
from syncd.engine.authority import authority_of
from syncd.engine.desired import Facts
from syncd.errors import NotPossible


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReceipt:
    """One listing and the sum behind its number."""

    connection: str
    state: str
    external_id: str
    title: str
    desired: int | None
    shows: int | None
    lines: tuple[ReceiptLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One SKU: what lies at each location, then each store."""

    sku: str
    locations: tuple[tuple[ReceiptLine, ...], ...]
    stores: tuple[StoreReceipt, ...]


def explain(session: Session, merchant_id: int, sku: str, now: datetime) -> Explanation:
    """Account for every number of an SKU. Raises NotPossible for one that nobody knows."""
    teller = _Teller.load(session, merchant_id, sku, now)
    if not teller.caches and not teller.listings:
        raise NotPossible(f"Nothing is known of an SKU {sku!r}. SKUs count capitals.")
    return Explanation(
        sku=sku,
        locations=tuple(location_lines(teller.location(cache, place)) for cache, place in teller.caches),
        stores=tuple(teller.store(*found) for found in teller.listings),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Teller:
    """What is known of one SKU, loaded once."""

    session: Session
    sku: str
    clock: story.LocalTime
    authority: str
    source: str
    facts: Facts
    rules: Sequence[Rule]
    caches: Sequence[tuple[InventoryCache, Location]]
    listings: Sequence[tuple[Connection, Listing, StockItem]]

    @staticmethod
    def load(session: Session, merchant_id: int, sku: str, now: datetime) -> "_Teller":
        authority = authority_of(session, merchant_id)
        caches = session.exec(
            select(InventoryCache, Location)
            .join(Location, col(Location.id) == col(InventoryCache.location_id))
            .where(InventoryCache.merchant_id == merchant_id, InventoryCache.sku == sku)
            .order_by(col(Location.is_default).desc(), col(Location.id))
        ).all()
        listings = session.exec(
            select(Connection, Listing, StockItem)
            .join(Listing, col(Listing.connection_id) == col(Connection.id))
            .join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
            .where(
                Connection.merchant_id == merchant_id,
                Connection.role == ConnectionRole.STORE,
                Connection.state != ConnectionState.DISCONNECTED,
                Listing.sku == sku,
                Listing.match == Match.LINKED,
                col(Listing.gone_at).is_(None),
            )
            .order_by(col(Connection.name), col(Listing.id))
        ).all()
        return _Teller(
            session=session,
            sku=sku,
            clock=story.LocalTime(zone=ZoneInfo(session.get_one(Merchant, merchant_id).time_zone), now=now),
            authority=authority.name,
            source=authority.source,
            facts=Facts.load(session, merchant_id, [sku]),
            rules=session.exec(select(Rule).where(Rule.merchant_id == merchant_id)).all(),
            caches=caches,
            listings=listings,
        )

    # --------------------------------------------------------------------------------------- a location

    def location(self, cache: InventoryCache, place: Location, *, is_known: bool = True) -> LocationFacts:
        """On hand with its origin, open orders by name, safety stock with its rule."""
        waits = "waits for a reading begun after the store went live"
        safety_stock = self.facts.rules.safety_stock(self.sku)
        return LocationFacts(
            name=place.name or place.external_id,
            on_hand=cache.on_hand if is_known else None,
            reading=self._reading(cache) if is_known else waits,
            open_orders=self._open_orders(cache),
            safety_stock=safety_stock,
            safety_source=self._scope(RuleKind.SAFETY_STOCK, None) if safety_stock else "",
        )

    def _reading(self, cache: InventoryCache) -> str:
        """The last figure of the authority, and what was written since, each by its order."""
        last = self.session.exec(
            self._movements(cache, MovementKind.READING, MovementKind.ADJUSTMENT)
            .order_by(col(Movement.id).desc())
            .limit(1)
        ).first()
        if last is None or cache.on_hand is None:
            return "never read"
        since = self.session.exec(
            self._movements(cache)
            .where(col(Movement.id) > last.id, Movement.on_hand_delta != 0)
            .order_by(col(Movement.id))
        ).all()
        figure = cache.on_hand - sum(row.on_hand_delta for row in since)
        words = [f"{row.note or row.event} {row.on_hand_delta:+d}" for row in since]
        return f"{self._origin(cache, last, figure)}{', then ' + ', '.join(words) if words else ''}"

    def _origin(self, cache: InventoryCache, last: Movement, figure: int) -> str:
        if last.kind is MovementKind.ADJUSTMENT:
            who = f" by {last.actor}" if last.actor else ""
            return f"{figure} since {self.clock.say(last.recorded_at)}{who}: {last.note or 'adjusted'}"
        began = cache.read_began_at or last.recorded_at
        return f"{figure} by {self.authority}'s reading begun {self.clock.say(began)}"

    def _open_orders(self, cache: InventoryCache) -> tuple[OpenOrder, ...]:
        """Which orders hold units, by the ledger; those that no order explains are told as such."""
        rows = self.session.exec(
            select(Movement.order_id, func.sum(Movement.open_delta))
            .where(Movement.location_id == cache.location_id, Movement.sku == self.sku)
            .group_by(col(Movement.order_id))
            .having(func.sum(Movement.open_delta) != 0)
            .order_by(col(Movement.order_id))
        ).all()
        return tuple(self._open_order(order_id, int(units)) for order_id, units in rows)

    def _open_order(self, order_id: int | None, units: int) -> OpenOrder:
        if order_id is None:
            return OpenOrder(name="no order", units=units)
        order = self.session.get_one(Order, order_id)
        store = self.session.get_one(Connection, order.connection_id)
        if units < 0:
            why = "a return that is being recorded"
        elif not order.is_paid and store.record.value == "paid":
            why = "not paid yet"
        else:
            why = "being recorded"
        return OpenOrder(name=order.name or order.external_id, units=units, why=f"{store.name}, {why}")

    def _movements(self, cache: InventoryCache, *kinds: MovementKind) -> SelectOfScalar[Movement]:
        query = select(Movement).where(Movement.location_id == cache.location_id, Movement.sku == self.sku)
        return query.where(col(Movement.kind).in_(kinds)) if kinds else query

    # --------------------------------------------------------------------------------------- a store

    def store(self, connection: Connection, listing: Listing, item: StockItem) -> StoreReceipt:
        """The whole receipt of one listing."""
        buffer = self.facts.rules.of(RuleKind.BUFFER, self.sku, connection.id) or 0
        shows = None if item.observed is None else item.observed + item.held
        facts = ListingFacts(
            store=f"{connection.name}, {self._scope(RuleKind.BUFFER, connection.id)}" if buffer else connection.name,
            buffer=buffer,
            cap=self.facts.rules.of(RuleKind.CAP, self.sku, connection.id),
            shows=shows,
            story="; ".join(story.of_listing(self.session, self.clock, connection, listing, item)),
        )
        return StoreReceipt(
            connection=connection.name,
            state=connection.state.value,
            external_id=listing.external_id,
            title=listing.title,
            desired=item.desired,
            shows=shows,
            lines=receipt(self._pool(connection, listing), facts),
        )

    def _pool(self, connection: Connection, listing: Listing) -> list[LocationFacts]:
        """The locations it sells from; one whose figure does not count for it yet is told as not known."""
        by_place = {cache.location_id: (cache, place) for cache, place in self.caches}
        known = [by_place[place] for place in self.facts.pools[connection.id or 0] if place in by_place]
        figures = self.facts.pool_available(listing)
        return [
            self.location(cache, place, is_known=figure is not None)
            for (cache, place), figure in zip(known, figures, strict=True)
        ]

    # --------------------------------------------------------------------------------------- words

    def _scope(self, kind: RuleKind, connection_id: int | None) -> str:
        """For whom the rule is set that counts here."""
        scopes = {(rule.connection_id, rule.sku) for rule in self.rules if rule.kind is kind}
        named = {
            (connection_id, self.sku): "set for this SKU in this store",
            (None, self.sku): "set for this SKU",
            (connection_id, None): "set for this store",
            (None, None): "set for all SKUs",
        }
        if connection_id is None:
            named = {(None, self.sku): "set for this SKU", (None, None): "set for all SKUs"}
        return next((words for scope, words in named.items() if scope in scopes), "")
