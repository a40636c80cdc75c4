"""Reading rows of a back office under the names that its items and locations have here, and applying them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from connectors.sdk.contract import BackOffice
from connectors.sdk.values import AuthorityPage, StockRef
from schema.tables import Issue, Listing, Location, Match, StockItem
from syncd.domain import border
from syncd.engine import readings
from syncd.engine.authority import Authority, back_office
from syncd.engine.batches import batched
from syncd.engine.context import Engine
from syncd.engine.issues import raise_issue
from syncd.engine.leases import Held, confirm
from syncd.engine.readings import Applied, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One poll of one back office. `skus`, `told_skus` (as it calls them) and `by_hand` are by its items' ids."""

    engine: Engine
    held: Held
    authority: Authority
    office: BackOffice
    skus: dict[str, str]
    told_skus: dict[str, str | None]
    by_hand: dict[str, str]
    refs: dict[str, StockRef]
    locations: dict[str, int]
    reading_id: str

    @property
    def merchant_id(self) -> int:
        """Whose back office it is."""
        return self.authority.merchant_id

    def read(self, skus: Iterable[str]) -> Iterator[AuthorityPage]:
        """These SKUs, as many at once as the back office takes."""
        refs = [self.refs[sku] for sku in sorted(set(skus)) if sku in self.refs]
        for batch in batched(refs, self.office.traits.read_rows):
            yield border.page(self.office.read_stock(batch))

    def rows(self, page: AuthorityPage, *, skus: dict[str, str] | None = None) -> list[Row]:
        """What of a page is a figure of ours. Not stocked there, untracked, or under another SKU now: no reading."""
        names, told = (self.skus, self.told_skus) if skus is None else (skus, None)
        usable = {
            item.external_id
            for item in page.items
            if item.tracked and item.external_id in names and (told is None or item.sku == told[item.external_id])
        }
        return [
            Row(
                sku=names[row.external_id],
                location_id=self.locations[row.location_id],
                quantity=row.quantity,
                began_at=page.began_at,
                answered_at=page.answered_at,
            )
            for row in page.rows
            if row.quantity is not None and row.external_id in usable and row.location_id in self.locations
        ]

    def apply(self, rows: Sequence[Row]) -> Applied:
        """Apply rows, one transaction per chunk."""
        total = Applied()
        for batch in batched(rows, readings.CHUNK):
            now = self.engine.clock.now()
            with self.engine.database.transaction() as session:
                confirm(session, self.held, now)
                if back_office(session, self.merchant_id).connection_id != self.authority.connection_id:
                    return total  # another back office was set while this one was read
                source, event = self.authority.source, self.reading_id
                total += readings.apply_rows(
                    session, self.merchant_id, source=source, reading_id=event, rows=batch, now=now
                )
        return total

    def tell_fractions(self, page: AuthorityPage) -> None:
        """Half units are told once for each SKU, ever."""
        skus = {self.skus[row.external_id] for row in page.rows if row.was_fractional and row.external_id in self.skus}
        if not skus:
            return
        with self.engine.database.transaction() as session:
            for sku in sorted(skus):
                key = f"fractional:{sku}"[:255]
                told = select(Issue.id).where(Issue.merchant_id == self.merchant_id, Issue.key == key).limit(1)
                if session.exec(told).first() is None:
                    _tell_fraction(session, self, sku, key)


def open_reader(engine: Engine, held: Held, authority: Authority) -> Reader:
    """Read what the back office's items are called here."""
    assert authority.connection is not None
    with engine.database.reading() as session:
        listed = session.exec(_linked(), params={"office": authority.connection_id}).all()
        places = session.exec(select(Location).where(Location.merchant_id == authority.merchant_id)).all()
    return Reader(
        engine=engine,
        held=held,
        authority=authority,
        office=engine.connectors.backoffice(engine, authority.connection),
        skus={listing.external_id: listing.sku or "" for listing, _ in listed},
        told_skus={listing.external_id: listing.external_sku for listing, _ in listed},
        by_hand={listing.external_id: listing.sku or "" for listing, _ in listed if listing.is_by_hand},
        refs={
            listing.sku or "": StockRef(stock_id=item.external_id, parent_id=item.parent_id) for listing, item in listed
        },
        locations={place.external_id: place.id or 0 for place in places},
        reading_id=f"reading-{engine.random.getrandbits(64):016x}",
    )


@cache
def _linked() -> Select[Listing, StockItem]:
    return (
        select(Listing, StockItem)
        .join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
        .where(col(Listing.connection_id) == bindparam("office"), col(Listing.match) == Match.LINKED)
        .where(col(Listing.gone_at).is_(None))
    )


def _tell_fraction(session: Session, reader: Reader, sku: str, key: str) -> None:
    raise_issue(
        session,
        merchant_id=reader.merchant_id,
        kind="fractional_stock",
        key=key,
        title=f"{reader.authority.name} holds a fraction of {sku}.",
        why="Stores sell whole units, so its stock is rounded down.",
        what_to_do=f"Correct the stock of {sku} in {reader.authority.name}, or sell it in whole units. Told once.",
        connection_id=reader.authority.connection_id,
        sku=sku,
        now=reader.engine.clock.now(),
    )
