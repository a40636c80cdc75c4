"""What the back office is owed of one order, frozen and stored as an intent before anything is sent.

`next_intent` is asked under the lease and locks the order's row. The difference is computed in
`syncd/domain/backoffice.py`; `record.py` sends, `acknowledge.py` books the answer.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from connectors.sdk.values import Sale, SaleLine
from schema.tables import (
    DocumentState,
    InventoryCache,
    Listing,
    Location,
    Match,
    OrderLine,
    ReturnDocument,
    SaleDocument,
    SaleDocumentLine,
    StockItem,
)
from syncd.domain import backoffice as rules
from syncd.engine import record_issues
from syncd.engine.acknowledge import release
from syncd.engine.authority import Authority
from syncd.engine.desired import lock_behind
from syncd.engine.order_books import Books, drop_return, drop_sale, frozen, locked_books, return_targets

HOT_DROPS = 3
"""After so many dropped readings of an SKU, new sales of it wait for one that is applied (DESIGN §6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A sale or a return that was stored and is to be sent now."""

    order_id: int
    document: SaleDocument
    return_document: ReturnDocument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesWanted:
    """A return is owed, but how the back office calls the lines of this sale is not known yet: read it."""

    order_id: int
    document: SaleDocument


# ------------------------------------------------------------------------------------------- what comes next


def next_intent(
    session: Session, authority: Authority, order_id: int, token: str, now: datetime
) -> Intent | LinesWanted | None:
    """Store what is to be sent next for this order; None where there is nothing, or it has to wait.

    `Order.is_owed` goes down when only news of the order, an answer or a person can change that.
    """
    books = locked_books(session, order_id)
    if books.order.left_out:
        release(session, authority, books, actor="", now=now)
        books.order.is_owed = False
        return None
    owed = books.owed()
    if _waits_parked(session, authority, books, owed, now):
        books.order.is_owed = False
        return None
    fits = record_issues.currency_fits(session, authority, books.order, now)
    if owed.sale is not None and fits:
        made = _SaleMaker(session=session, authority=authority, books=books, now=now)
        lines = made.recordable(owed.sale)
        if made.is_too_hot(lines):
            return None
        if lines:
            return made.store(owed.sale.n, lines, token)
    for owed_return in owed.returns:
        document = next(row for row in books.documents.values() if row.n == owed_return.n)
        if authority.takes_returns and document.connection_id == authority.connection_id:
            return _store_return(session, authority, books, document, owed_return, token, now)
        record_issues.return_by_hand(session, authority, books.order, now, document=document)
    books.order.is_owed = False
    return None


def _waits_parked(session: Session, authority: Authority, books: Books, owed: rules.Owed, now: datetime) -> bool:
    """Whether something parked is still exactly what is owed, and not due. What is outdated or due is made anew."""
    waits = False
    parked: list[SaleDocument | ReturnDocument] = [*books.documents.values(), *books.open_returns.values()]
    for row in parked:
        if row.state is not DocumentState.PARKED:
            continue
        if _is_still_owed(books, owed, row) and not _is_due(row.not_before, now):
            waits = True
            continue
        books.dropped_attempts = row.attempts
        if isinstance(row, SaleDocument):
            drop_sale(session, books, row)
        else:
            drop_return(session, books, row)
        record_issues.settled(session, authority, books.order, now)
    return waits


def _is_still_owed(books: Books, owed: rules.Owed, row: SaleDocument | ReturnDocument) -> bool:
    if isinstance(row, SaleDocument):
        units = {str(part.order_line_id): part.quantity for part in books.parts[row.id or 0]}
        return owed.sale is not None and units.items() <= owed.sale.units.items()
    targets = {str(line): target for line, target in return_targets(row).items()}
    n = books.documents[row.document_id].n
    return any(one.n == n and one.targets == targets for one in owed.returns)


def _is_due(not_before: datetime | None, now: datetime) -> bool:
    return not_before is not None and not_before <= now


# ------------------------------------------------------------------------------------------- sales


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recordable:
    """A line that the back office can take: how it calls the item, and how many units."""

    row: OrderLine
    external_id: str
    parent_id: str | None
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _SaleMaker:
    session: Session
    authority: Authority
    books: Books
    now: datetime

    def recordable(self, owed: rules.OwedSale) -> list[_Recordable]:
        """The owed lines that have an item in the back office, of one location: a document has one."""
        rows = [(self.books.lines[int(line)], units) for line, units in sorted(owed.units.items(), key=_by_line)]
        found = [line for row, units in rows if (line := self._line(row, units)) is not None]
        return [line for line in found if line.row.location_id == found[0].row.location_id]

    def _line(self, row: OrderLine, units: int) -> _Recordable | None:
        sku = row.sku or ""
        if self.authority.connection is None:
            return _Recordable(row=row, external_id=sku, parent_id=None, quantity=units)
        found = self.session.exec(
            select(Listing, StockItem)
            .join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
            .where(
                Listing.connection_id == self.authority.connection_id,
                Listing.sku == sku,
                Listing.match == Match.LINKED,
                col(Listing.gone_at).is_(None),
            )
        ).first()
        if found is None:
            record_issues.no_item(self.session, self.authority, self.books.order, sku, self.now)
            return None
        listing, item = found
        return _Recordable(row=row, external_id=listing.external_id, parent_id=item.parent_id, quantity=units)

    def is_too_hot(self, lines: list[_Recordable]) -> bool:
        """Whether an SKU has sold so fast that no reading of it could be applied: it gets one first."""
        if self.authority.connection is None or not lines:
            return False
        hot = self.session.exec(
            select(InventoryCache.id).where(
                InventoryCache.location_id == lines[0].row.location_id,
                col(InventoryCache.sku).in_([line.row.sku for line in lines]),
                InventoryCache.drops >= HOT_DROPS,
            )
        )
        return hot.first() is not None

    def store(self, n: int, lines: list[_Recordable], token: str) -> Intent:
        """Freeze the sale. The caches are locked first, so that no reading is applied past this intent unseen."""
        order = self.books.order
        lock_behind(self.session, order.merchant_id, {line.row.sku or "" for line in lines})
        sale = self._freeze(n, lines)
        document = SaleDocument(
            merchant_id=order.merchant_id,
            order_id=order.id or 0,
            connection_id=self.authority.connection_id,
            location_id=lines[0].row.location_id or 0,
            n=n,
            invoice_no=sale.invoice_no,
            state=DocumentState.SENT,
            body=frozen(sale),
            lease_token=token,
            attempts=self.books.dropped_attempts + 1,
            sent_at=self.now,
        )
        self.session.add(document)
        self.session.flush()
        parts = [_part(document, line) for line in lines]
        self.session.add_all(parts)
        self.session.flush()
        self.books.documents[document.id or 0] = document
        self.books.parts[document.id or 0] = parts
        return Intent(order_id=order.id or 0, document=document)

    def _freeze(self, n: int, lines: list[_Recordable]) -> Sale:
        order, store = self.books.order, self.books.store
        return Sale(
            invoice_no=rules.invoice_number(store.code, order.external_id, n),
            channel=store.code,
            channel_name=store.name,
            location_id=self.session.get_one(Location, lines[0].row.location_id).external_id,
            sold_at=order.placed_at,
            lines=tuple(
                SaleLine(
                    line_id=line.row.external_id,
                    external_id=line.external_id,
                    parent_id=line.parent_id,
                    sku=line.row.sku or "",
                    quantity=line.quantity,
                    unit_price=rules.unit_price(line.row.total, line.row.quantity),
                    title=line.row.title,
                )
                for line in lines
            ),
            shipping=order.shipping if n == 1 else order.shipping * 0,
            note=f"{order.name}, {store.name}",
        )


def hand_made_sale(session: Session, authority: Authority, books: Books, now: datetime) -> SaleDocument | None:
    """A document for what is owed of an order that a person has recorded by hand; None where nothing is."""
    owed = books.owed()
    if owed.sale is None:
        return None
    maker = _SaleMaker(session=session, authority=authority, books=books, now=now)
    lines = maker.recordable(owed.sale)
    return maker.store(owed.sale.n, lines, "").document if lines else None


def _by_line(item: tuple[str, int]) -> int:
    return int(item[0])


def _part(document: SaleDocument, line: _Recordable) -> SaleDocumentLine:
    return SaleDocumentLine(
        document_id=document.id or 0,
        order_line_id=line.row.id or 0,
        sku=line.row.sku or "",
        external_id=line.external_id,
        parent_id=line.parent_id,
        quantity=line.quantity,
        unit_price=rules.unit_price(line.row.total, line.row.quantity),
    )


# ------------------------------------------------------------------------------------------- giving back


def _store_return(
    session: Session,
    authority: Authority,
    books: Books,
    document: SaleDocument,
    owed: rules.OwedReturn,
    token: str,
    now: datetime,
) -> Intent | LinesWanted:
    parts = [books.part(document.id or 0, int(line)) for line in owed.targets]
    if authority.connection is not None and any(part.external_line_id is None for part in parts):
        return LinesWanted(order_id=books.order.id or 0, document=document)
    lock_behind(session, books.order.merchant_id, {part.sku for part in parts})
    back = ReturnDocument(
        merchant_id=document.merchant_id,
        document_id=document.id or 0,
        state=DocumentState.SENT,
        body={"targets": {str(part.order_line_id): owed.targets[str(part.order_line_id)] for part in parts}},
        lease_token=token,
        attempts=books.dropped_attempts + 1,
        sent_at=now,
    )
    session.add(back)
    session.flush()
    books.open_returns[back.document_id] = back
    return Intent(order_id=books.order.id or 0, document=document, return_document=back)
