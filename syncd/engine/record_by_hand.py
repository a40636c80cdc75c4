"""What a person decides about a sale that syncd cannot record by itself: try again, it is there, leave it out."""

from connectors.sdk.values import RecordedSale
from schema.tables import DocumentState, Order, ReturnDocument, SaleDocument
from syncd.engine import record_issues
from syncd.engine.acknowledge import acknowledge_sale, release
from syncd.engine.audit import audit
from syncd.engine.authority import authority_of
from syncd.engine.context import Engine
from syncd.engine.issues import resolve_issue
from syncd.engine.order_books import Books, drop_return, drop_sale, locked_books
from syncd.engine.sale_documents import hand_made_sale
from syncd.engine.wake import wake
from syncd.errors import NotPossible

RECORDED_BY_HAND = "recorded by hand"
"""The words of a document that somebody else made in the back office; the comparison leaves it alone."""
_WAITING = (DocumentState.PARKED, DocumentState.UNKNOWN)


def retry(engine: Engine, document_id: int, *, actor: str) -> None:
    """Send a parked sale, or a parked return of it, again. Raises NotPossible.

    A sale without an answer may be sent again only where the back office cannot be asked: the person has looked.
    """
    now = engine.clock.now()
    with engine.database.transaction() as session:
        document = session.get(SaleDocument, document_id)
        if document is None:
            raise NotPossible(f"There is no document {document_id}.")
        books = locked_books(session, document.order_id)
        row = _waiting(books, document_id)
        if row is None:
            raise NotPossible(f"{document.invoice_no} is {document.state.value}; there is nothing to try again.")
        if isinstance(row, SaleDocument):
            drop_sale(session, books, row)
        else:
            drop_return(session, books, row)
        record_issues.settled(session, authority_of(session, document.merchant_id), books.order, now)
        audit(session, document.merchant_id, actor, "sale_retry", document.invoice_no, {}, now)
        wake(session)


def _waiting(books: Books, document_id: int) -> SaleDocument | ReturnDocument | None:
    """What of this document waits for a person, or for its next try."""
    row = books.documents.get(document_id)
    if row is not None and (row.state is DocumentState.PARKED or _is_for_a_person(row)):
        return row
    back = books.open_returns.get(document_id)
    return back if back is not None and back.state is DocumentState.PARKED else None


def _is_for_a_person(row: SaleDocument) -> bool:
    return row.state is DocumentState.UNKNOWN and row.not_before is None


def recorded_as(engine: Engine, order_id: int, backoffice_id: str, *, actor: str) -> None:
    """A person recorded the order's sale by hand, or found it there, under this id. Raises NotPossible."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        books = locked_books(session, order_id)
        authority = authority_of(session, books.order.merchant_id)
        row = next((row for row in books.documents.values() if row.state in _WAITING), None)
        if row is None:
            row = hand_made_sale(session, authority, books, now)
        if row is None:
            raise NotPossible(f"Nothing of order {books.order.name} waits to be recorded.")
        sale = RecordedSale(sale_id=backoffice_id, invoice_no=row.invoice_no)
        acknowledge_sale(session, authority, books, row, sale, now, actor=actor)
        row.words = RECORDED_BY_HAND
        details = {"backoffice_id": backoffice_id, "invoice_no": row.invoice_no}
        audit(session, books.order.merchant_id, actor, "sale_recorded_as", books.order.name, details, now)
        wake(session)


def leave_out(engine: Engine, order_id: int, *, actor: str) -> None:
    """Never record what is still owed of this order; let its units go. Raises NotPossible while an answer is out."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        books = locked_books(session, order_id)
        order: Order = books.order
        authority = authority_of(session, order.merchant_id)
        rows: list[SaleDocument | ReturnDocument] = [*books.documents.values(), *books.open_returns.values()]
        for row in rows:
            if row.state is DocumentState.SENT or (row.state is DocumentState.UNKNOWN and row.not_before is not None):
                raise NotPossible(f"Order {order.name} was just sent, and its answer is not certain yet. Try later.")
            if row.state in _WAITING:
                row.state = DocumentState.LEFT_OUT
        order.left_out, order.is_owed = True, False
        release(session, authority, books, actor=actor, now=now)
        record_issues.settled(session, authority, order, now, by=actor)
        key = f"never_paid:{order.connection_id}:{order.external_id}"
        resolve_issue(session, order.merchant_id, key, by=actor, now=now)
        audit(session, order.merchant_id, actor, "sale_leave_out", order.name, {}, now)
        wake(session)
