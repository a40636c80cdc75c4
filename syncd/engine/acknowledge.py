"""Booking what the authority has acknowledged: ledger, order, documents and sales log move in one transaction.

`on_hand` and `open` move together, so what may be sold does not change (STOCK §7). The caller holds the order's lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from connectors.sdk.values import RecordedLine, RecordedSale, ReturnedLine
from schema.tables import (
    DocumentState,
    InventoryCache,
    MovementKind,
    OrderLine,
    ReturnDocument,
    SaleDocument,
    SaleDocumentLine,
    SalesLog,
)
from syncd.domain import stock
from syncd.engine import record_issues
from syncd.engine.authority import Authority
from syncd.engine.desired import lock_behind, refresh
from syncd.engine.ledger import add_movement, cache_row
from syncd.engine.order_books import Books, return_targets


def acknowledge_sale(
    session: Session,
    authority: Authority,
    books: Books,
    document: SaleDocument,
    recorded: RecordedSale,
    now: datetime,
    *,
    actor: str = "",
) -> None:
    """The authority has this sale. `now` is after its answer."""
    parts = books.parts[document.id or 0]
    skus = {part.sku for part in parts}
    lock_behind(session, document.merchant_id, skus)
    document.state = DocumentState.RECORDED
    document.backoffice_id = recorded.sale_id
    document.recorded_at = now
    document.words, document.not_before = "", None
    name_lines(parts, recorded.lines)
    kind, event = MovementKind.RECORDED, document.invoice_no
    booking = _Booking(session=session, authority=authority, books=books, kind=kind, event=event, now=now, actor=actor)
    for part in parts:
        line = books.lines[part.order_line_id]
        cache = booking.cache(document.location_id, part.sku)
        booking.book(line, cache, stock.acknowledged_sale(_as_domain(cache), part.quantity))
        if actor:
            cache.reread_at = now  # what a person recorded may be in the last reading already
        line.acknowledged += part.quantity
    _name_sales(session, parts, document, before=document.sent_at)
    _close(session, authority, books, document, skus, now)


def acknowledge_return(
    session: Session,
    authority: Authority,
    books: Books,
    back: ReturnDocument,
    returned: Sequence[ReturnedLine],
    now: datetime,
) -> None:
    """The authority has this return. `returned` is empty where only that it happened is known: on hand waits."""
    document = books.documents[back.document_id]
    targets = return_targets(back)
    parts = [part for part in books.parts[document.id or 0] if part.order_line_id in targets]
    skus = {part.sku for part in parts}
    lock_behind(session, document.merchant_id, skus)
    back.state, back.recorded_at, back.words, back.not_before = DocumentState.RECORDED, now, "", None
    kind, event = MovementKind.RETURNED, f"return-{back.id}"
    booking = _Booking(session=session, authority=authority, books=books, kind=kind, event=event, now=now)
    answers = {line.external_line_id: line for line in returned}
    for part in parts:
        units = targets[part.order_line_id] - part.returned
        line = books.lines[part.order_line_id]
        cache = booking.cache(document.location_id, part.sku)
        answer = answers.get(part.external_line_id or "")
        before, after = (answer.before, answer.after) if answer else (0, 0)
        movement = stock.acknowledged_return(_as_domain(cache), units, returned_before=before, returned_after=after)
        booking.book(line, cache, movement)
        if after - before != units:
            cache.reread_at = cache.reread_at or now
        part.returned = targets[part.order_line_id]
        line.acknowledged -= units
    _name_sales(session, parts, document, before=back.sent_at)
    books.open_returns.pop(back.document_id, None)
    _close(session, authority, books, document, skus, now)


def release(session: Session, authority: Authority, books: Books, *, actor: str, now: datetime) -> None:
    """Let go of what an order takes and will never be recorded: nothing of it is open any more."""
    lines = [line for line in books.lines.values() if line.is_counted and line.taken != line.acknowledged]
    skus = {line.sku for line in lines if line.sku}
    lock_behind(session, books.order.merchant_id, skus)
    kind, event = MovementKind.RELEASED, f"{books.store.code}/{books.order.external_id}"[:191]
    booking = _Booking(session=session, authority=authority, books=books, kind=kind, event=event, now=now, actor=actor)
    for line in lines:
        cache = booking.cache(line.location_id or 0, line.sku or "")
        booking.book(line, cache, stock.released_open(line.taken, line.acknowledged), n=line.moves + 1)
        line.acknowledged = line.taken
    session.flush()
    refresh(session, books.order.merchant_id, skus)


def name_lines(parts: Sequence[SaleDocumentLine], lines: Sequence[RecordedLine]) -> None:
    """Keep how the authority calls each line. Two lines of one item are told apart by quantity, then by order."""
    left = list(lines)
    for part in parts:
        same = [line for line in left if line.external_id == part.external_id]
        chosen = next((line for line in same if line.quantity == part.quantity), same[0] if same else None)
        if chosen is not None:
            left.remove(chosen)
            part.external_line_id = chosen.external_line_id


def targets_met(parts: Sequence[SaleDocumentLine], targets: Mapping[int, int], lines: Sequence[RecordedLine]) -> bool:
    """Whether everything that shall have come back has."""
    returned = {line.external_line_id: line.returned for line in lines}
    wanted = {
        part.external_line_id or "": targets[part.order_line_id] for part in parts if part.order_line_id in targets
    }
    return all(returned.get(line, 0) >= target for line, target in wanted.items())


def _as_domain(cache: InventoryCache) -> stock.Cache:
    return stock.Cache(on_hand=cache.on_hand, open=cache.open)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Booking:
    """One answer, or one decision of a person, on its way into the ledger."""

    session: Session
    authority: Authority
    books: Books
    kind: MovementKind
    event: str
    now: datetime
    actor: str = ""

    def cache(self, location_id: int, sku: str) -> InventoryCache:
        return cache_row(self.session, self.books.order.merchant_id, location_id, sku, now=self.now)

    def book(self, line: OrderLine, cache: InventoryCache, movement: stock.Movement, n: int = 1) -> None:
        add_movement(
            self.session,
            merchant_id=cache.merchant_id,
            location_id=cache.location_id,
            sku=cache.sku,
            kind=self.kind,
            on_hand_delta=movement.on_hand or 0,
            open_delta=movement.open,
            source=self.authority.source,
            event=self.event,
            line=line.external_id,
            n=n,
            order_id=self.books.order.id,
            note=self.books.order.name,
            actor=self.actor,
            occurred_at=self.now,
            now=self.now,
        )
        if self.kind is not MovementKind.RELEASED:
            cache.last_write_at = self.now


def _name_sales(
    session: Session, parts: Sequence[SaleDocumentLine], document: SaleDocument, *, before: datetime
) -> None:
    """What the sales log held of these lines when the intent was stored is in the authority now."""
    rows = session.exec(
        select(SalesLog).where(
            col(SalesLog.order_line_id).in_([part.order_line_id for part in parts]),
            col(SalesLog.backoffice_id).is_(None),
            SalesLog.recorded_at <= before,
        )
    )
    for row in rows:
        row.backoffice_id = document.backoffice_id


def _close(
    session: Session, authority: Authority, books: Books, document: SaleDocument, skus: set[str], now: datetime
) -> None:
    books.order.is_owed = True
    record_issues.settled(session, authority, books.order, now)
    session.flush()
    refresh(session, document.merchant_id, skus)
