"""The books of one order: its lines, the documents made of it, and what of them was frozen before it was sent."""

from dataclasses import dataclass
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from connectors.sdk.values import ReturnLine, ReturnTarget, Sale
from schema.tables import Connection, DocumentState, Order, OrderLine, ReturnDocument, SaleDocument, SaleDocumentLine
from syncd.domain import backoffice as rules
from syncd.engine.lines import lines_of


@dataclass(slots=True, kw_only=True)
class Books:
    """One order with everything that was made of it, read under its lock."""

    order: Order
    store: Connection
    lines: dict[int, OrderLine]
    documents: dict[int, SaleDocument]
    parts: dict[int, list[SaleDocumentLine]]
    open_returns: dict[int, ReturnDocument]
    dropped_attempts: int = 0

    @property
    def taken(self) -> dict[str, int]:
        """Units that the store holds, by line, of the lines that the back office is to know of."""
        return {
            str(line.id): line.taken
            for line in self.lines.values()
            if line.is_counted and not line.is_baseline and line.sku is not None and line.location_id is not None
        }

    def owed(self) -> rules.Owed:
        """The difference now. What is parked is left out of the books: surely nothing of it was recorded."""
        state = rules.OrderState(
            policy=rules.RecordPolicy(self.store.record.value),
            was_paid=self.order.is_paid,
            is_final=self.order.is_final,
            is_test=self.order.is_test,
            waits_for_live=self.store.live_at is None and not self.order.is_wanted,
        )
        return rules.owed_documents(state, self.taken, [self._as_domain(row) for row in self._counted()])

    def _counted(self) -> list[SaleDocument]:
        left_aside = (DocumentState.PARKED, DocumentState.LEFT_OUT)
        return [row for row in self.documents.values() if row.state not in left_aside]

    def _as_domain(self, row: SaleDocument) -> rules.Document:
        parts = self.parts.get(row.id or 0, [])
        back = self.open_returns.get(row.id or 0)
        in_flight = back is not None and back.state is not DocumentState.PARKED
        return rules.Document(
            n=row.n,
            sold={str(part.order_line_id): part.quantity for part in parts},
            returned={str(part.order_line_id): part.returned for part in parts},
            is_settled=row.state is DocumentState.RECORDED and not in_flight,
        )

    def part(self, document_id: int, line_id: int) -> SaleDocumentLine:
        """The line of a document."""
        return next(part for part in self.parts[document_id] if part.order_line_id == line_id)


def locked_books(session: Session, order_id: int) -> Books:
    """Lock an order and read what was made of it."""
    order = session.exec(_order(), params={"order": order_id}).one()
    documents = session.exec(_documents(), params={"order": order_id}).all()
    ids = [row.id for row in documents]
    parts: dict[int, list[SaleDocumentLine]] = {}
    for part in session.exec(_parts(), params={"documents": ids}) if ids else ():
        parts.setdefault(part.document_id, []).append(part)
    returns = session.exec(_open_returns(), params={"documents": ids}) if ids else ()
    return Books(
        order=order,
        store=session.get_one(Connection, order.connection_id),
        lines={line.id or 0: line for line in lines_of(session, order_id)},
        documents={row.id or 0: row for row in documents},
        parts=parts,
        open_returns={row.document_id: row for row in returns},
    )


@cache
def _order() -> SelectOfScalar[Order]:
    locked = select(Order).where(col(Order.id) == bindparam("order")).with_for_update()
    return locked.execution_options(populate_existing=True)


@cache
def _documents() -> SelectOfScalar[SaleDocument]:
    of_order = select(SaleDocument).where(col(SaleDocument.order_id) == bindparam("order"))
    return of_order.order_by(col(SaleDocument.n)).execution_options(populate_existing=True)


@cache
def _parts() -> SelectOfScalar[SaleDocumentLine]:
    are_theirs = col(SaleDocumentLine.document_id).in_(bindparam("documents", expanding=True))
    return select(SaleDocumentLine).where(are_theirs).order_by(col(SaleDocumentLine.id))


@cache
def _open_returns() -> SelectOfScalar[ReturnDocument]:
    return select(ReturnDocument).where(
        col(ReturnDocument.document_id).in_(bindparam("documents", expanding=True)),
        col(ReturnDocument.state).in_((DocumentState.SENT, DocumentState.UNKNOWN, DocumentState.PARKED)),
    )


def drop_sale(session: Session, books: Books, row: SaleDocument) -> None:
    """Forget an intent that surely had no effect; its units are owed again."""
    for part in books.parts.pop(row.id or 0, []):
        session.delete(part)
    session.flush()
    session.delete(books.documents.pop(row.id or 0))
    session.flush()
    books.order.is_owed = True


def drop_return(session: Session, books: Books, row: ReturnDocument) -> None:
    """The same for a return."""
    books.open_returns.pop(row.document_id, None)
    session.delete(row)
    session.flush()
    books.order.is_owed = True


# ------------------------------------------------------------------------------------------- what was frozen


@cache
def _sales() -> TypeAdapter[Sale]:
    return TypeAdapter(Sale)


def frozen(sale: Sale) -> dict[str, object]:
    """A sale as it is stored."""
    body: dict[str, object] = _sales().dump_python(sale, mode="json")
    return body


def frozen_sale(document: SaleDocument) -> Sale:
    """The sale as it was stored: the same value, whenever it is asked for."""
    return _sales().validate_python(document.body)


def return_targets(back: ReturnDocument) -> dict[int, int]:
    """The frozen cumulative units by order line."""
    return {int(line): int(target) for line, target in back.body["targets"].items()}


def frozen_return(document: SaleDocument, back: ReturnDocument, parts: list[SaleDocumentLine]) -> ReturnTarget:
    """The return as the back office takes it: every line of which anything shall have come back."""
    targets = return_targets(back)
    wanted = [(part, targets.get(part.order_line_id, part.returned)) for part in parts]
    return ReturnTarget(
        sale_id=document.backoffice_id or "",
        lines=tuple(
            ReturnLine(
                external_line_id=part.external_line_id or "",
                external_id=part.external_id,
                parent_id=part.parent_id,
                target=target,
                unit_price=part.unit_price,
            )
            for part, target in wanted
            if target > 0
        ),
    )
