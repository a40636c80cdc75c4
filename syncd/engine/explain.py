"""Why a number is what it is: the facts of one SKU, for the receipt that `syncd/domain/explain.py` writes.

On hand is told as the authority's last reading and our own recorded writes since; open units by order, from the ledger,
so that the receipt sums to the unit (`shelf.py`). Why a store shows what it shows is `story.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, or_, select

from schema.tables import (
    Connection,
    ConnectionRole,
    ConnectionState,
    Listing,
    Match,
    Merchant,
    Rule,
    RuleKind,
    StockItem,
)
from syncd.domain.explain import ListingFacts, LocationFacts, ReceiptLine, location_lines, receipt
from syncd.engine import story
from syncd.engine.authority import authority_of
from syncd.engine.desired import Facts
from syncd.engine.local_time import LocalTime
from syncd.engine.shelf import Shelf, shelves_of
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
    if not teller.shelves and not teller.listings:
        raise NotPossible(f"Nothing is known of an SKU {sku!r}. SKUs count capitals.")
    return Explanation(
        sku=sku,
        locations=tuple(location_lines(teller.location(shelf)) for shelf in teller.shelves),
        stores=tuple(teller.store(*found) for found in teller.listings),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Teller:
    """What is known of one SKU, loaded once."""

    sku: str
    facts: Facts
    scopes: frozenset[tuple[RuleKind, int | None, str | None]]
    shelves: Sequence[Shelf]
    listings: Sequence[tuple[Connection, Listing, StockItem]]
    told: story.Told

    @staticmethod
    def load(session: Session, merchant_id: int, sku: str, now: datetime) -> "_Teller":
        authority = authority_of(session, merchant_id)
        clock = LocalTime(zone=ZoneInfo(session.get_one(Merchant, merchant_id).time_zone), now=now)
        listings = _listings(session, merchant_id, sku)
        rules = session.execute(
            select(Rule.kind, Rule.connection_id, Rule.sku).where(
                Rule.merchant_id == merchant_id, or_(col(Rule.sku).is_(None), Rule.sku == sku)
            )
        )
        return _Teller(
            sku=sku,
            facts=Facts.load(session, merchant_id, [sku]),
            scopes=frozenset((kind, connection_id, of) for kind, connection_id, of in rules),
            shelves=shelves_of(session, authority, sku, clock),
            listings=listings,
            told=story.told_of(session, clock, [item.id or 0 for _, _, item in listings]),
        )

    def location(self, shelf: Shelf, *, is_known: bool = True) -> LocationFacts:
        """On hand with its origin, open orders by name, safety stock with its rule."""
        safety_stock = self.facts.rules.safety_stock(self.sku)
        return LocationFacts(
            name=shelf.place.name or shelf.place.external_id,
            on_hand=shelf.cache.on_hand if is_known else None,
            reading=shelf.origin if is_known else "waits for a reading begun after the store went live",
            open_orders=shelf.open_orders,
            safety_stock=safety_stock,
            safety_source=self._scope(RuleKind.SAFETY_STOCK, None) if safety_stock else "",
        )

    def store(self, connection: Connection, listing: Listing, item: StockItem) -> StoreReceipt:
        """The whole receipt of one listing."""
        buffer = self.facts.rules.of(RuleKind.BUFFER, self.sku, connection.id) or 0
        shows = None if item.observed is None else item.observed + item.held
        facts = ListingFacts(
            store=f"{connection.name}, {self._scope(RuleKind.BUFFER, connection.id)}" if buffer else connection.name,
            buffer=buffer,
            cap=self.facts.rules.of(RuleKind.CAP, self.sku, connection.id),
            shows=shows,
            story="; ".join(story.of_listing(self.told, connection, listing, item)),
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
        by_place = {shelf.cache.location_id: shelf for shelf in self.shelves}
        known = [by_place[place] for place in self.facts.pools[connection.id or 0] if place in by_place]
        figures = self.facts.pool_available(listing)
        return [self.location(shelf, is_known=figure is not None) for shelf, figure in zip(known, figures, strict=True)]

    def _scope(self, kind: RuleKind, connection_id: int | None) -> str:
        """For whom the rule is set that counts here."""
        named = {
            (connection_id, self.sku): "set for this SKU in this store",
            (None, self.sku): "set for this SKU",
            (connection_id, None): "set for this store",
            (None, None): "set for all SKUs",
        }
        if connection_id is None:
            named = {(None, self.sku): "set for this SKU", (None, None): "set for all SKUs"}
        return next((words for scope, words in named.items() if (kind, *scope) in self.scopes), "")


def _listings(session: Session, merchant_id: int, sku: str) -> Sequence[tuple[Connection, Listing, StockItem]]:
    """Where it is sold, by the store's name."""
    return session.exec(
        select(Connection, Listing, StockItem)
        .join(Listing, col(Listing.connection_id) == col(Connection.id))
        .join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
        .where(
            Listing.merchant_id == merchant_id,
            Connection.role == ConnectionRole.STORE,
            Connection.state != ConnectionState.DISCONNECTED,
            Listing.sku == sku,
            Listing.match == Match.LINKED,
            col(Listing.gone_at).is_(None),
        )
        .order_by(col(Connection.name), col(Listing.id))
    ).all()
