"""Recording where syncd's own ledger is the authority: what a back office would acknowledge is acknowledged at once."""

from connectors.sdk.values import RecordedLine, RecordedSale, ReturnedLine
from schema.tables import ReturnDocument, SaleDocument
from syncd.engine.acknowledge import acknowledge_return, acknowledge_sale
from syncd.engine.authority import Authority
from syncd.engine.context import Engine
from syncd.engine.leases import Held, confirm
from syncd.engine.order_books import Books, frozen_return, locked_books
from syncd.engine.sale_documents import Intent, next_intent


def book_ourselves(engine: Engine, held: Held, authority: Authority, order_id: int) -> int:
    """Our own books are the authority: the intent and its acknowledgement are one transaction."""
    now = engine.clock.now()
    done = 0
    with engine.database.transaction() as session:
        confirm(session, held, now)
        while isinstance(intent := next_intent(session, authority, order_id, held.token, now), Intent):
            books = locked_books(session, order_id)
            document = books.documents[intent.document.id or 0]
            if intent.return_document is None:
                acknowledge_sale(session, authority, books, document, _our_sale(books, document), now)
            else:
                back = books.open_returns[document.id or 0]
                acknowledge_return(session, authority, books, back, _our_return(books, document, back), now)
            done += 1
    return done


def _our_sale(books: Books, document: SaleDocument) -> RecordedSale:
    lines = tuple(
        RecordedLine(external_line_id=f"{part.id}", external_id=part.external_id, quantity=part.quantity)
        for part in books.parts[document.id or 0]
    )
    return RecordedSale(sale_id=f"ledger-{document.id}", invoice_no=document.invoice_no, lines=lines)


def _our_return(books: Books, document: SaleDocument, back: ReturnDocument) -> tuple[ReturnedLine, ...]:
    parts = books.parts[document.id or 0]
    before = {part.external_line_id: part.returned for part in parts}
    return tuple(
        ReturnedLine(
            external_line_id=line.external_line_id, before=before.get(line.external_line_id, 0), after=line.target
        )
        for line in frozen_return(document, back, parts).lines
    )
