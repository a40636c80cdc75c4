"""The connector to a fake office: a full second implementation of the contract's `BackOffice`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.sdk.contract import Account, BackOfficeTraits
from connectors.sdk.errors import ListingGone, RefusalKind, Refused, Unavailable
from connectors.sdk.fake.faults import CatalogueFault, Named
from connectors.sdk.fake.office import Booked, FakeOffice
from connectors.sdk.values import (
    AccountInfo,
    AuthorityPage,
    CatalogueItem,
    RecordedLine,
    RecordedSale,
    ReturnedLine,
    ReturnLine,
    ReturnTarget,
    Sale,
    StockRef,
    StockRow,
    TillHints,
    UnreadableItem,
)

_Listed = list[tuple[CatalogueItem, tuple[StockRow, ...]]]


@dataclass(slots=True, kw_only=True)
class FakeBackOffice:
    """Speaks to one fake office, by pages of `page_size`."""

    account: Account
    office: FakeOffice
    page_size: int = 50
    read_rows: int = 100
    _stale: _Listed | None = field(default=None)

    @property
    def traits(self) -> BackOfficeTraits:
        """As the office was made."""
        office = self.office
        return BackOfficeTraits(
            finds_sales=office.finds_sales,
            takes_returns=office.takes_returns,
            gives_hints=office.gives_hints,
            read_rows=self.read_rows,
        )

    def probe(self) -> AccountInfo:
        """One harmless request."""
        self._reach("probe")
        office = self.office
        return AccountInfo(
            account_id=office.account_id, name=office.name, currency=office.currency, locations=office.locations
        )

    # ------------------------------------------------------------------------------------------ stock

    def catalogue(self) -> Iterator[AuthorityPage]:
        """By external id. What the switch `faults.catalogue` spoils still looks whole, `expected` included."""
        start = 0
        while True:
            began_at = self.account.clock.now()
            self._reach("catalogue")
            listed = self._listed()
            part = listed[start : start + self.page_size]
            start += self.page_size
            is_last = start >= len(listed)
            if is_last and self.office.faults.catalogue is CatalogueFault.BROKEN_OFF:
                raise Unavailable("No answer came.", connection=self.account.connection, operation="catalogue")
            self.office.wire.on_call("catalogue.after")
            yield self._page(part, began_at, is_last=is_last, expected=len(listed))
            if is_last:
                return

    def read_stock(self, refs: Sequence[StockRef]) -> AuthorityPage:
        """One request."""
        began_at = self.account.clock.now()
        self._reach("read_stock")
        wanted = {ref.stock_id for ref in refs}
        with self.office.lock:
            listed = [self._rows(item) for item in self.office.items.values() if item.ref.stock_id in wanted]
        self.office.wire.on_call("read_stock.after")
        return self._page(listed, began_at, is_last=True, expected=None)

    def _listed(self) -> _Listed:
        with self.office.lock:
            listed = [self._rows(item) for item in self.office.items.values()]
        match self.office.faults.catalogue:
            case CatalogueFault.EMPTY:
                return []
            case CatalogueFault.HALF:
                return listed[: len(listed) // 2]
            case CatalogueFault.STALE if self._stale is not None:
                return self._stale
            case _:
                self._stale = listed
                return listed

    def _rows(self, item: CatalogueItem) -> tuple[CatalogueItem, tuple[StockRow, ...]]:
        shelves = self.office.shelves
        return item, tuple(
            StockRow(
                external_id=item.external_id,
                location_id=place.location_id,
                quantity=shelves.get((item.external_id, place.location_id)),
            )
            for place in self.office.locations
        )

    def _page(self, listed: _Listed, began_at: datetime, *, is_last: bool, expected: int | None) -> AuthorityPage:
        spoiled = self.office.faults.unreadable
        read = [(item, rows) for item, rows in listed if item.sku not in spoiled]
        return AuthorityPage(
            items=tuple(item for item, _ in read),
            rows=tuple(row for _, rows in read for row in rows),
            began_at=began_at,
            answered_at=self.account.clock.now(),
            is_last=is_last,
            expected=expected,
            unreadable=tuple(_spoiled(item, spoiled[item.sku]) for item, _ in listed if item.sku in spoiled),
        )

    def till_hints(self, since: datetime) -> TillHints:
        """One request; items of the till's sales and of ours."""
        self._need(self.office.gives_hints, "till_hints")
        until = self.account.clock.now()
        self._reach("till_hints")
        with self.office.lock:
            return TillHints(refs=tuple(self.office.touched_since(since)), until=until)

    # ------------------------------------------------------------------------------------------ sales

    def record_sale(self, sale: Sale, *, not_after: datetime) -> RecordedSale:
        """One request."""
        self._reach("record_sale", not_after=not_after)
        with self.office.lock:
            self._check(sale)
        recorded: list[RecordedSale] = []
        self._write("record_sale", lambda: recorded.append(self.office.book(sale)))
        return recorded[0]

    def _check(self, sale: Sale) -> None:
        if all(place.location_id != sale.location_id for place in self.office.locations):
            raise self._refusal("record_sale", "There is no such location.", RefusalKind.CONFIGURATION)
        for line in sale.lines:
            if line.external_id not in self.office.items:
                raise self._refusal("record_sale", "There is no such item.", RefusalKind.OTHER)
            on_shelf = self.office.shelves.get((line.external_id, sale.location_id), 0)
            if not self.office.allows_overselling and on_shelf < line.quantity:
                raise self._refusal("record_sale", f"Only {on_shelf} on the shelf.", RefusalKind.OVERSELLING)

    def find_sale(self, sale: Sale) -> tuple[RecordedSale, ...]:
        """One request."""
        self._need(self.office.finds_sales, "find_sale")
        self._reach("find_sale")
        with self.office.lock:
            found = [one.record for one in self.office.booked.values() if one.record.invoice_no == sale.invoice_no]
        return tuple(found)

    def read_sale(self, sale_id: str) -> RecordedSale | None:
        """One request."""
        self._reach("read_sale")
        with self.office.lock:
            booked = self.office.booked.get(sale_id)
            return booked.record if booked else None

    def record_return(self, target: ReturnTarget, *, not_after: datetime) -> tuple[ReturnedLine, ...]:
        """Reads what is returned, then writes what is missing, in one request each."""
        self._need(self.office.takes_returns, "record_return")
        self._reach("record_return", not_after=not_after)
        with self.office.lock:
            booked = self.office.booked.get(target.sale_id)
            if booked is None:
                raise ListingGone("There is no such sale.", connection=self.account.connection)
            planned = [(self._line_of(booked, line), line.target) for line in target.lines]
        if any(wanted > line.quantity for line, wanted in planned):
            raise self._refusal("record_return", "More than was sold cannot come back.", RefusalKind.OTHER)
        if any(wanted > line.returned for line, wanted in planned):
            self.office.wire.on_call("record_return.between")
            self._write("record_return", lambda: self._raise_returned(booked, target))
        return tuple(
            ReturnedLine(external_line_id=line.external_line_id, before=line.returned, after=max(line.returned, wanted))
            for line, wanted in planned
        )

    def _raise_returned(self, booked: Booked, target: ReturnTarget) -> None:
        with self.office.lock:
            for wanted in target.lines:
                line = self._line_of(booked, wanted)
                if wanted.target > line.returned:
                    self.office.set_returned(booked, line, wanted.target)

    def _line_of(self, booked: Booked, wanted: ReturnLine) -> RecordedLine:
        for line in booked.record.lines:
            if line.external_line_id == wanted.external_line_id:
                return line
        raise self._refusal("record_return", "The sale has no such line.", RefusalKind.OTHER)

    def sales_between(self, channel: str, since: datetime, until: datetime) -> Iterator[RecordedSale]:
        """One request for all, both ends included, the oldest first."""
        self._reach("sales_between")
        with self.office.lock:
            found = [
                one
                for one in self.office.booked.values()
                if one.sale.channel == channel and since <= one.sale.sold_at <= until
            ]
        for one in sorted(found, key=lambda booked: booked.sale.sold_at):
            yield one.record

    def close(self) -> None:
        """There are no sockets."""

    # ------------------------------------------------------------------------------------------ the way there

    def _reach(self, operation: str, *, not_after: datetime | None = None) -> None:
        self.office.wire.reach(self.account.connection, operation, not_after=not_after)

    def _write(self, operation: str, effect: Callable[[], None]) -> None:
        self.office.wire.write(self.account.connection, operation, effect, self.office.late)

    def _need(self, is_able: bool, operation: str) -> None:  # noqa: FBT001 - the one thing it is about
        if not is_able:
            raise self._refusal(operation, "This back office cannot do that.", RefusalKind.OTHER)

    def _refusal(self, operation: str, words: str, kind: RefusalKind) -> Refused:
        return Refused(words, kind=kind, connection=self.account.connection, operation=operation)


def _spoiled(item: CatalogueItem, named: Named) -> UnreadableItem:
    return UnreadableItem(
        external_id=item.external_id if named is Named.ITEM else None,
        parent_id=None if named is Named.NOTHING else item.ref.parent_id,
        reason=f"{item.title}: its stock should be a number, but is text.",
    )
