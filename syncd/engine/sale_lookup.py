"""Settling intents whose answer was lost: look, wait out the quarantine, look again, and only then let it be sent anew.

A request may still be working in the server when nobody waits for it any more. So "not found" counts only when the
look began after the quarantine, measured from the last moment at which the request may have begun (STOCK §7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, select

from connectors.sdk.contract import BackOffice
from connectors.sdk.errors import AccessDenied, ConnectorError, Unavailable
from connectors.sdk.values import RecordedSale
from schema.tables import DocumentState, ReturnDocument, SaleDocument, SaleDocumentLine
from syncd.domain import border
from syncd.engine import record_issues
from syncd.engine.acknowledge import acknowledge_return, acknowledge_sale, targets_met
from syncd.engine.authority import Authority
from syncd.engine.context import Engine
from syncd.engine.order_books import drop_return, drop_sale, frozen_sale, locked_books, return_targets
from syncd.engine.sale_documents import Intent

log = structlog.get_logger(__name__)

LOOKS_NEEDED = 2
BETWEEN_LOOKS = timedelta(seconds=15)
UNREADABLE_WAIT = timedelta(minutes=5)


def now_unknown(row: SaleDocument | ReturnDocument, words: str, now: datetime) -> None:
    """The answer is lost; the first look is due at once."""
    row.state = DocumentState.UNKNOWN
    row.words = border.text(words)
    row.not_before = now


def parts_of(session: Session, document: SaleDocument) -> list[SaleDocumentLine]:
    """The lines of a document."""
    rows = select(SaleDocumentLine).where(SaleDocumentLine.document_id == document.id)
    return list(session.exec(rows.order_by(col(SaleDocumentLine.id))))


@dataclass(slots=True, kw_only=True)
class Lookup:
    """Looks on behalf of the hand that records. `settled` counts what was found."""

    engine: Engine
    authority: Authority
    office: BackOffice
    settled: int = 0

    def settle_due(self) -> bool:
        """Look for everything unknown that is due; returns whether the back office was asked. Raises ConnectorError."""
        sales, returns = self._due()
        for document in sales:
            self._look_for_sale(document)
        for back, document in returns:
            self._look_for_return(back, document)
        return bool(sales and self.authority.finds_sales) or bool(returns)

    def settle_now(self, intent: Intent) -> int:
        """Look for one intent at once; returns 1 where it was found."""
        before = self.settled
        if intent.return_document is None:
            self._look_for_sale(intent.document)
        else:
            self._look_for_return(intent.return_document, intent.document)
        return self.settled - before

    def _due(self) -> tuple[list[SaleDocument], list[tuple[ReturnDocument, SaleDocument]]]:
        now, merchant_id = self.engine.clock.now(), self.authority.merchant_id
        with self.engine.database.reading() as session:
            sales = session.exec(
                select(SaleDocument)
                .where(
                    SaleDocument.merchant_id == merchant_id,
                    SaleDocument.state == DocumentState.UNKNOWN,
                    col(SaleDocument.not_before) <= now,
                )
                .order_by(col(SaleDocument.id))
            ).all()
            returns = session.exec(
                select(ReturnDocument, SaleDocument)
                .join(SaleDocument, col(SaleDocument.id) == col(ReturnDocument.document_id))
                .where(
                    ReturnDocument.merchant_id == merchant_id,
                    ReturnDocument.state == DocumentState.UNKNOWN,
                    col(ReturnDocument.not_before) <= now,
                )
                .order_by(col(ReturnDocument.id))
            ).all()
            return list(sales), [(back, document) for back, document in returns]

    def _quarantine_end(self, row: SaleDocument | ReturnDocument) -> datetime:
        settings = self.engine.settings.backoffice
        return row.sent_at + settings.begin_within + settings.unknown_quarantine

    # ------------------------------------------------------------------------------------------ sales

    def _look_for_sale(self, document: SaleDocument) -> None:
        asked_at = self.engine.clock.now()
        found: Sequence[RecordedSale] = ()
        if self.authority.finds_sales:
            try:
                found = self.office.find_sale(frozen_sale(document))
            except (Unavailable, AccessDenied):
                raise
            except ConnectorError as error:
                self._postpone(document, error)
                return
        with self.engine.database.transaction() as session:
            self._judge_sale(session, document, found, asked_at)

    def _judge_sale(
        self, session: Session, document: SaleDocument, found: Sequence[RecordedSale], asked_at: datetime
    ) -> None:
        now = self.engine.clock.now()
        books = locked_books(session, document.order_id)
        row = books.documents.get(document.id or 0)
        if row is None or row.state is not DocumentState.UNKNOWN:
            return
        row.looks += 1
        end = self._quarantine_end(row)
        if found:
            if len(found) > 1:
                record_issues.doubled(session, self.authority, books.order, [one.sale_id for one in found], now)
            acknowledge_sale(session, self.authority, books, row, found[0], now)
            self.settled += 1
        elif asked_at < end:
            row.not_before = end
        elif not self.authority.finds_sales:
            row.not_before = None
            record_issues.not_certain(session, self.authority, books.order, row, now)
        elif row.looks < LOOKS_NEEDED:
            row.not_before = now + BETWEEN_LOOKS
        else:
            log.info("record_not_found", invoice=row.invoice_no, looks=row.looks)
            drop_sale(session, books, row)

    # ------------------------------------------------------------------------------------------ giving back

    def _look_for_return(self, back: ReturnDocument, document: SaleDocument) -> None:
        asked_at = self.engine.clock.now()
        try:
            sale = self.office.read_sale(document.backoffice_id or "")
        except (Unavailable, AccessDenied):
            raise
        except ConnectorError as error:
            self._postpone(back, error)
            return
        with self.engine.database.transaction() as session:
            self._judge_return(session, back, document, sale, asked_at)

    def _judge_return(
        self,
        session: Session,
        back: ReturnDocument,
        document: SaleDocument,
        sale: RecordedSale | None,
        asked_at: datetime,
    ) -> None:
        """What is found done is done, but what our write did to the shelf is not known: a reading tells (STOCK §7)."""
        books = locked_books(session, document.order_id)
        row = books.open_returns.get(document.id or 0)
        if row is None or row.id != back.id or row.state is not DocumentState.UNKNOWN:
            return
        parts = books.parts[document.id or 0]
        if sale is not None and targets_met(parts, return_targets(row), sale.lines):
            acknowledge_return(session, self.authority, books, row, (), self.engine.clock.now())
            self.settled += 1
        elif asked_at < self._quarantine_end(row):
            row.not_before = self._quarantine_end(row)
        else:
            drop_return(session, books, row)

    def _postpone(self, row: SaleDocument | ReturnDocument, error: ConnectorError) -> None:
        """This one cannot be looked up now; the others can."""
        log.warning("record_lookup_failed", document=row.id, error=str(error))
        with self.engine.database.transaction() as session:
            stored: SaleDocument | ReturnDocument | None
            if isinstance(row, SaleDocument):
                stored = session.get(SaleDocument, row.id, with_for_update=True)
            else:
                stored = session.get(ReturnDocument, row.id, with_for_update=True)
            if stored is not None and stored.state is DocumentState.UNKNOWN:
                stored.words = border.text(str(error))
                stored.not_before = self.engine.clock.now() + UNREADABLE_WAIT
