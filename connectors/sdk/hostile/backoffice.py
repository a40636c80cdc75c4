"""A back office's connector gone wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import repeat

from connectors.sdk.contract import BackOffice, BackOfficeTraits, Clock
from connectors.sdk.errors import OutcomeUnknown
from connectors.sdk.hostile.conduct import Conduct, Misdeed
from connectors.sdk.values import (
    AccountInfo,
    AuthorityPage,
    RecordedSale,
    ReturnedLine,
    ReturnTarget,
    Sale,
    StockRef,
    TillHints,
    UnreadableItem,
)


@dataclass(slots=True, kw_only=True)
class HostileBackOffice:
    """A back office's connector gone wrong; see `Misdeed`."""

    office: BackOffice
    conduct: Conduct

    @classmethod
    def around(cls, office: BackOffice, clock: Clock) -> "HostileBackOffice":
        """Well-behaved until something is put into `misdeeds`."""
        return cls(office=office, conduct=Conduct(clock=clock))

    @property
    def misdeeds(self) -> dict[str, Misdeed]:
        """By operation, as the contract names it."""
        return self.conduct.misdeeds

    @property
    def traits(self) -> BackOfficeTraits:
        """As they are."""
        return self.office.traits

    def probe(self) -> AccountInfo:
        """BREAKS, GARBLED, SLOW."""
        return self.conduct.call("probe", self.office.probe)

    def catalogue(self) -> Iterator[AuthorityPage]:
        """All that concerns pages, LIES and SPOILS."""
        pages = self.conduct.pages("catalogue", self.office.catalogue)
        return (self._told("catalogue", page) for page in pages)

    def read_stock(self, refs: Sequence[StockRef]) -> AuthorityPage:
        """LIES, OMITS, INVENTS, REPEATS, SPOILS."""
        return self._told("read_stock", self.conduct.call("read_stock", lambda: self.office.read_stock(refs)))

    def _told(self, operation: str, page: AuthorityPage) -> AuthorityPage:
        if page.items and self.conduct.does(operation, Misdeed.SPOILS):
            return _spoiled(page)
        rows = page.rows
        if self.conduct.does(operation, Misdeed.LIES):
            rows = tuple(replace(row, quantity=None if row.quantity is None else row.quantity + 3) for row in rows)
        if self.conduct.does(operation, Misdeed.OMITS):
            rows = rows[: len(rows) // 2]
        if self.conduct.does(operation, Misdeed.INVENTS):
            rows += tuple(replace(row, external_id=f"{row.external_id}-x") for row in rows)
        if self.conduct.does(operation, Misdeed.REPEATS):
            rows += rows
        return replace(page, rows=rows)

    def till_hints(self, since: datetime) -> TillHints:
        """OMITS, INVENTS, BACKWARDS (the next look would begin earlier than this one)."""
        hints = self.conduct.call("till_hints", lambda: self.office.till_hints(since))
        if self.conduct.does("till_hints", Misdeed.OMITS):
            return replace(hints, refs=())
        if self.conduct.does("till_hints", Misdeed.INVENTS):
            return replace(hints, refs=(*hints.refs, StockRef(stock_id="no-such-thing")))
        if self.conduct.does("till_hints", Misdeed.BACKWARDS):
            return replace(hints, until=since - timedelta(hours=1))
        return hints

    def record_sale(self, sale: Sale, *, not_after: datetime) -> RecordedSale:
        """HALF (recorded, answer lost), REPEATS (recorded twice), LIES (said to be recorded, under no id of theirs),
        OMITS (recorded, and the answer lacks the lines).
        """
        if self.conduct.does("record_sale", Misdeed.LIES):
            return RecordedSale(sale_id="no-such-sale", invoice_no=sale.invoice_no)
        recorded = self.conduct.call("record_sale", lambda: self.office.record_sale(sale, not_after=not_after))
        if self.conduct.does("record_sale", Misdeed.REPEATS):
            return self.office.record_sale(sale, not_after=not_after)
        if self.conduct.does("record_sale", Misdeed.HALF):
            raise OutcomeUnknown("Sent, and no answer came.", operation="record_sale")
        return replace(recorded, lines=()) if self.conduct.does("record_sale", Misdeed.OMITS) else recorded

    def find_sale(self, sale: Sale) -> tuple[RecordedSale, ...]:
        """OMITS (it was never recorded), REPEATS."""
        found = self.conduct.call("find_sale", lambda: self.office.find_sale(sale))
        if self.conduct.does("find_sale", Misdeed.OMITS):
            return ()
        return found + found if self.conduct.does("find_sale", Misdeed.REPEATS) else found

    def read_sale(self, sale_id: str) -> RecordedSale | None:
        """OMITS: there is no such sale."""
        found = self.conduct.call("read_sale", lambda: self.office.read_sale(sale_id))
        return None if self.conduct.does("read_sale", Misdeed.OMITS) else found

    def record_return(self, target: ReturnTarget, *, not_after: datetime) -> tuple[ReturnedLine, ...]:
        """HALF (recorded, answer lost), OMITS (recorded, and the answer is empty)."""
        done = self.conduct.call("record_return", lambda: self.office.record_return(target, not_after=not_after))
        if self.conduct.does("record_return", Misdeed.HALF):
            raise OutcomeUnknown("Sent, and no answer came.", operation="record_return")
        return () if self.conduct.does("record_return", Misdeed.OMITS) else done

    def sales_between(self, channel: str, since: datetime, until: datetime) -> Iterator[RecordedSale]:
        """OMITS, REPEATS, ENDLESS."""
        sales = self.conduct.call("sales_between", lambda: list(self.office.sales_between(channel, since, until)))
        if self.conduct.does("sales_between", Misdeed.OMITS):
            return iter(sales[: len(sales) // 2])
        if sales and self.conduct.does("sales_between", Misdeed.ENDLESS):
            return (sale for _ in repeat(None) for sale in sales)
        return iter(sales + sales) if self.conduct.does("sales_between", Misdeed.REPEATS) else iter(sales)

    def close(self) -> None:
        """BREAKS."""
        self.conduct.call("close", self.office.close)


def _spoiled(page: AuthorityPage) -> AuthorityPage:
    first, *rest = page.items
    return replace(
        page,
        items=tuple(rest),
        rows=tuple(row for row in page.rows if row.external_id != first.external_id),
        unreadable=(UnreadableItem(external_id=first.external_id, parent_id=None, reason="It makes no sense."),),
    )
