"""Recording online sales and returns in the back office, each exactly once.

What is owed is computed anew each time (`sale_documents.py`), stored as a frozen intent and committed, then sent, then
its answer is booked (`acknowledge.py`). An answer that is lost makes the intent unknown; `sale_lookup.py` settles it.
One hand records per merchant: whoever holds the lease `backoffice:<merchant_id>`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import structlog
from sqlalchemy import CompoundSelect, SelectBase, bindparam
from sqlmodel import Session, col, or_, select, union

from connectors.sdk.contract import BackOffice
from connectors.sdk.errors import AccessDenied, ConnectorError, ListingGone, RefusalKind, Refused, Unavailable
from connectors.sdk.values import RecordedSale, ReturnedLine
from schema.tables import DocumentState, Order, ReturnDocument, SaleDocument
from syncd.domain import border
from syncd.engine import record_issues, sale_lookup
from syncd.engine.acknowledge import acknowledge_return, acknowledge_sale, name_lines
from syncd.engine.authority import AT_REST, Authority, load_authority, may_be_called, office_of
from syncd.engine.context import Engine
from syncd.engine.failures import note_failure, note_success
from syncd.engine.leases import Held, confirm
from syncd.engine.order_books import Books, drop_return, drop_sale, frozen_return, frozen_sale, locked_books
from syncd.engine.own_books import book_ourselves
from syncd.engine.sale_documents import Intent, LinesWanted, next_intent

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 500
SETUP_WAIT = timedelta(seconds=30)
LONGEST_SETUP_WAIT = timedelta(hours=1)


def record_due(engine: Engine, held: Held, merchant_id: int) -> int:
    """Record what is owed to a merchant's authority; returns how many sales and returns were acknowledged."""
    authority = load_authority(engine, merchant_id)
    if authority.connection is None:
        return sum(book_ourselves(engine, held, authority, order_id) for order_id in _due_orders(engine, merchant_id))
    if not may_be_called(authority.connection, engine.clock.now()):
        return 0
    office = engine.connectors.backoffice(engine, authority.connection)
    hand = Hand(engine=engine, held=held, authority=authority, office=office)
    try:
        hand.work()
    except ConnectorError as error:
        note_failure(engine, authority.connection, error)
    return hand.done


def take_over(engine: Engine, held: Held, merchant_id: int) -> int:
    """The hand before us is gone: what it sent without storing an answer is unknown. Returns how many there were."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        confirm(session, held, now)
        sales = session.exec(
            select(SaleDocument)
            .where(SaleDocument.merchant_id == merchant_id, SaleDocument.state == DocumentState.SENT)
            .where(SaleDocument.lease_token != held.token)
            .with_for_update()
        ).all()
        returns = session.exec(
            select(ReturnDocument)
            .where(ReturnDocument.merchant_id == merchant_id, ReturnDocument.state == DocumentState.SENT)
            .where(ReturnDocument.lease_token != held.token)
            .with_for_update()
        ).all()
        left: list[SaleDocument | ReturnDocument] = [*sales, *returns]
        for row in left:
            sale_lookup.now_unknown(row, "syncd stopped before the answer came", now)
    count = len(sales) + len(returns)
    if count:
        log.warning("records_unknown", merchant=merchant_id, count=count)
    return count


def count_owed(session: Session, merchant_id: int, now: datetime) -> int:
    """How many orders the back office is owed something of that syncd will do unaided."""
    office = office_of(session, merchant_id)
    if office is not None and office.state in AT_REST:
        return 0
    return len(session.execute(_owed(), {"merchant": merchant_id, "now": now}).all())


def _due_orders(engine: Engine, merchant_id: int) -> list[int]:
    asked = {"merchant": merchant_id, "now": engine.clock.now()}
    with engine.database.reading() as session:
        return sorted(session.execute(union(*_due()), asked).scalars())[:MOST_AT_ONCE]


@cache
def _owed() -> CompoundSelect[int]:
    """Orders of which something is due or in flight."""
    in_flight = (DocumentState.SENT, DocumentState.UNKNOWN)
    sales = select(SaleDocument.order_id).where(
        col(SaleDocument.merchant_id) == bindparam("merchant"),
        col(SaleDocument.state).in_(in_flight),
        or_(SaleDocument.state == DocumentState.SENT, col(SaleDocument.not_before).is_not(None)),
    )
    returns = (
        select(SaleDocument.order_id)
        .join(ReturnDocument, col(ReturnDocument.document_id) == col(SaleDocument.id))
        .where(col(ReturnDocument.merchant_id) == bindparam("merchant"), col(ReturnDocument.state).in_(in_flight))
    )
    return union(*_due(), sales, returns)


@cache
def _due() -> tuple[SelectBase, ...]:
    """Orders of which something may be owed, and those with something parked that is tried again by itself."""
    owed = select(Order.id).where(col(Order.merchant_id) == bindparam("merchant"), col(Order.is_owed).is_(True))
    parked_sales = select(SaleDocument.order_id).where(
        col(SaleDocument.merchant_id) == bindparam("merchant"),
        SaleDocument.state == DocumentState.PARKED,
        col(SaleDocument.not_before) <= bindparam("now"),
    )
    parked_returns = (
        select(SaleDocument.order_id)
        .join(ReturnDocument, col(ReturnDocument.document_id) == col(SaleDocument.id))
        .where(
            col(ReturnDocument.merchant_id) == bindparam("merchant"),
            ReturnDocument.state == DocumentState.PARKED,
            col(ReturnDocument.not_before) <= bindparam("now"),
        )
    )
    return owed, parked_sales, parked_returns


# ------------------------------------------------------------------------------------------- a back office


@dataclass(slots=True, kw_only=True)
class Hand:
    """The one hand that records just now. `done` counts what was acknowledged."""

    engine: Engine
    held: Held
    authority: Authority
    office: BackOffice
    done: int = 0

    def work(self) -> None:
        """Settle what is unknown and due, then send what is owed. Raises ConnectorError where it is no use to go on."""
        lookup = sale_lookup.Lookup(engine=self.engine, authority=self.authority, office=self.office)
        asked = lookup.settle_due()
        self.done += lookup.settled
        for order_id in _due_orders(self.engine, self.authority.merchant_id):
            asked = self._record(order_id, lookup) or asked
        if asked and self.authority.connection is not None:
            note_success(self.engine, self.authority.connection)

    def _record(self, order_id: int, lookup: sale_lookup.Lookup) -> bool:
        """Send what is owed of one order, one document after the other; returns whether the back office was called."""
        asked = False
        while True:
            now = self.engine.clock.now()
            with self.engine.database.transaction() as session:
                ends_at = confirm(session, self.held, now)
                step = next_intent(session, self.authority, order_id, self.held.token, now)
            if step is None:
                return asked
            asked = True
            not_after = min(ends_at, now + self.engine.settings.backoffice.begin_within)
            goes_on = self._ask_lines(step) if isinstance(step, LinesWanted) else self._send(step, lookup, not_after)
            if not goes_on:
                return asked

    def _send(self, intent: Intent, lookup: sale_lookup.Lookup, not_after: datetime) -> bool:
        """Call the back office and book its answer; False when nothing more of this order can be sent now."""
        try:
            answer = self._call(intent, not_after)
        except (Refused, ListingGone) as refused:
            self._park(intent, refused)
            return False
        except (Unavailable, AccessDenied):
            self._forget(intent)
            raise
        except ConnectorError as lost:
            self._lost(intent, str(lost))
            self.done += lookup.settle_now(intent)
            return False
        except Exception:
            self._lost(intent, "the connector broke while it was recording")
            raise
        self._acknowledge(intent, answer)
        return True

    def _call(self, intent: Intent, not_after: datetime) -> RecordedSale | tuple[ReturnedLine, ...]:
        document, back = intent.document, intent.return_document
        if back is None:
            return self.office.record_sale(frozen_sale(document), not_after=not_after)
        with self.engine.database.reading() as session:
            target = frozen_return(document, back, sale_lookup.parts_of(session, document))
        return self.office.record_return(target, not_after=not_after)

    def _acknowledge(self, intent: Intent, answer: RecordedSale | tuple[ReturnedLine, ...]) -> None:
        now = self.engine.clock.now()
        with self.engine.database.transaction() as session:
            books = locked_books(session, intent.order_id)
            row = _row(books, intent)
            if row is None or row.state not in (DocumentState.SENT, DocumentState.UNKNOWN):
                return
            if isinstance(answer, RecordedSale):
                document = books.documents[intent.document.id or 0]
                acknowledge_sale(session, self.authority, books, document, answer, now)
                record_issues.works_again(session, self.authority, now)
            elif isinstance(row, ReturnDocument):
                acknowledge_return(session, self.authority, books, row, answer, now)
        self.done += 1

    def _park(self, intent: Intent, error: Refused | ListingGone) -> None:
        """Understood and refused: surely not recorded. A fault of the set-up is tried again by itself."""
        now = self.engine.clock.now()
        kind = error.kind if isinstance(error, Refused) else RefusalKind.OTHER
        with self.engine.database.transaction() as session:
            books, row = self._ours(session, intent)
            if row is None:
                return
            row.state, row.words = DocumentState.PARKED, border.text(str(error))
            row.not_before = None
            if kind is RefusalKind.CONFIGURATION:
                row.not_before = now + min(LONGEST_SETUP_WAIT, SETUP_WAIT * 2 ** min(row.attempts, 10))
            is_return = intent.return_document is not None
            document = books.documents[intent.document.id or 0]
            record_issues.refused(
                session, self.authority, books.order, document, kind, str(error), now, is_return=is_return
            )
        log.error("record_refused", order=books.order.name, invoice=intent.document.invoice_no, refusal=kind.value)

    def _forget(self, intent: Intent) -> None:
        """It surely had no effect: owed again."""
        with self.engine.database.transaction() as session:
            books, row = self._ours(session, intent)
            if isinstance(row, SaleDocument):
                drop_sale(session, books, row)
            elif isinstance(row, ReturnDocument):
                drop_return(session, books, row)

    def _lost(self, intent: Intent, words: str) -> None:
        with self.engine.database.transaction() as session:
            _, row = self._ours(session, intent)
            if row is not None:
                sale_lookup.now_unknown(row, words, self.engine.clock.now())
        log.warning("record_unknown", invoice=intent.document.invoice_no, reason=words)

    def _ours(self, session: Session, intent: Intent) -> tuple[Books, SaleDocument | ReturnDocument | None]:
        """The intent's row, if the next hand has not declared it unknown meanwhile."""
        books = locked_books(session, intent.order_id)
        row = _row(books, intent)
        is_ours = row is not None and row.state is DocumentState.SENT and row.lease_token == self.held.token
        return books, row if is_ours else None

    def _ask_lines(self, wanted: LinesWanted) -> bool:
        """Learn how the back office calls the lines of a sale; False where it does not tell."""
        try:
            sale = self.office.read_sale(wanted.document.backoffice_id or "")
        except (Unavailable, AccessDenied):
            raise
        except ConnectorError as error:
            log.warning("sale_unreadable", invoice=wanted.document.invoice_no, error=str(error))
            sale = None
        now = self.engine.clock.now()
        with self.engine.database.transaction() as session:
            books = locked_books(session, wanted.order_id)
            parts = [part for part in books.parts[wanted.document.id or 0] if part.external_line_id is None]
            name_lines(parts, sale.lines if sale else ())
            if any(part.external_line_id is not None for part in parts):
                return True
            record_issues.return_by_hand(session, self.authority, books.order, now)
            books.order.is_owed = False
            return False


def _row(books: Books, intent: Intent) -> SaleDocument | ReturnDocument | None:
    document_id = intent.document.id or 0
    if intent.return_document is None:
        return books.documents.get(document_id)
    back = books.open_returns.get(document_id)
    return back if back is not None and back.id == intent.return_document.id else None
