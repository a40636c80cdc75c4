"""The sales log as people see it: each line sold or given back once, and whether the back office has it.

What a person decides about one that waits is `record_by_hand.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy
from sqlalchemy import CompoundSelect
from sqlmodel import Session, col, or_, select

from schema.tables import (
    Connection,
    DocumentState,
    Order,
    OrderLine,
    SaleDocument,
    SaleDocumentLine,
    SaleKind,
    SalesLog,
)
from syncd.engine.batches import batched
from syncd.errors import NotPossible

WORDS = {
    DocumentState.SENT: "being recorded",
    DocumentState.UNKNOWN: "not certain",
    DocumentState.PARKED: "waits for you",
    DocumentState.LEFT_OUT: "left out",
    DocumentState.RECORDED: "recorded",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRow:
    """One line of one order, sold or given back. `order_id` is the store's; `state` says in words what became of it in
    the back office, `backoffice_id` its id there once it has one, `document` our number of it for `retry`.
    """

    id: int
    at: datetime
    connection: str
    order_id: str
    order: str
    kind: str
    sku: str | None
    title: str
    quantity: int
    unit_price: Decimal
    currency: str
    backoffice_id: str | None
    state: str
    document: int | None
    invoice_no: str
    words: str


def list_sales(  # noqa: PLR0913 one argument for each filter
    session: Session,
    merchant_id: int,
    *,
    connection_id: int | None = None,
    sku: str | None = None,
    order: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int | None = None,
) -> list[SaleRow]:
    """The newest first. `order` is the store's id or name of one; `before` is the time and id of the last row seen."""
    query = (
        select(SalesLog, Connection, Order, OrderLine)
        .join(Connection, col(Connection.id) == col(SalesLog.connection_id))
        .join(Order, col(Order.id) == col(SalesLog.order_id))
        .join(OrderLine, col(OrderLine.id) == col(SalesLog.order_line_id))
        .where(SalesLog.merchant_id == merchant_id)
    )
    if connection_id is not None:
        query = query.where(SalesLog.connection_id == connection_id)
    if sku is not None:
        query = query.where(SalesLog.sku == sku)
    if order is not None:
        query = query.where(col(SalesLog.order_id).in_(_orders_called(merchant_id, order)))
    if since is not None:
        query = query.where(col(SalesLog.occurred_at) >= since)
    if until is not None:
        query = query.where(col(SalesLog.occurred_at) < until)
    if before is not None:
        at, row_id = before
        # The first condition is where the index goes on; the second alone would be looked for from the newest row on.
        query = query.where(
            col(SalesLog.occurred_at) <= at, or_(col(SalesLog.occurred_at) < at, col(SalesLog.id) < row_id)
        )
    found = session.exec(query.order_by(col(SalesLog.occurred_at).desc(), col(SalesLog.id).desc()).limit(limit)).all()
    return _told(session, found)


def rows_of(session: Session, ids: Sequence[int]) -> list[SaleRow]:
    """These rows of the log, the newest first."""
    query = (
        select(SalesLog, Connection, Order, OrderLine)
        .join(Connection, col(Connection.id) == col(SalesLog.connection_id))
        .join(Order, col(Order.id) == col(SalesLog.order_id))
        .join(OrderLine, col(OrderLine.id) == col(SalesLog.order_line_id))
        .where(col(SalesLog.id).in_(ids))
        .order_by(col(SalesLog.occurred_at).desc(), col(SalesLog.id).desc())
    )
    return _told(session, session.exec(query).all())


def _told(session: Session, found: Sequence[tuple[SalesLog, Connection, Order, OrderLine]]) -> list[SaleRow]:
    documents = _documents(session, {row.order_line_id for row, *_ in found})
    return [_row(row, store, sold, line, documents.get(row.order_line_id)) for row, store, sold, line in found]


def _documents(session: Session, line_ids: set[int]) -> dict[int, SaleDocument]:
    """The newest document that holds each order line."""
    newest: dict[int, SaleDocument] = {}
    for ids in batched(sorted(line_ids)):
        rows = session.exec(
            select(SaleDocumentLine.order_line_id, SaleDocument)
            .join(SaleDocument, col(SaleDocument.id) == col(SaleDocumentLine.document_id))
            .where(col(SaleDocumentLine.order_line_id).in_(ids))
            .order_by(col(SaleDocument.n))
        )
        newest.update(dict(rows.all()))
    return newest


def _row(row: SalesLog, store: Connection, order: Order, line: OrderLine, document: SaleDocument | None) -> SaleRow:
    return SaleRow(
        id=row.id or 0,
        at=row.occurred_at,
        connection=store.name,
        order_id=row.order_external_id,
        order=order.name,
        kind=row.kind.value,
        sku=row.sku,
        title=row.title,
        quantity=row.quantity,
        unit_price=row.unit_price,
        currency=row.currency,
        backoffice_id=row.backoffice_id,
        state=_state(row, store, order, line, document),
        document=document.id if document else None,
        invoice_no=document.invoice_no if document else "",
        words=document.words if document else "",
    )


def _state(  # noqa: PLR0911 - one answer for each case
    row: SalesLog, store: Connection, order: Order, line: OrderLine, document: SaleDocument | None
) -> str:
    if row.reason:
        return row.reason
    if row.backoffice_id:
        return "recorded"
    if store.live_at is None and not line.is_counted:
        return "shadow"
    if line.is_baseline:
        return "from before going live"
    if line.sku is None:
        return "unknown SKU"
    if order.is_test:
        return "a test order"
    if order.left_out:
        return "left out"
    if document is not None and document.state is not DocumentState.RECORDED:
        return WORDS[document.state]
    if row.kind is SaleKind.SALE and not order.is_paid and store.record.value == "paid":
        return "waits for payment"
    return "recorded" if line.acknowledged == line.taken else "being recorded"


def find_order(session: Session, merchant_id: int, word: str, connection_id: int | None = None) -> Order:
    """An order by the store's id or name of it. Raises NotPossible where there is none, or more than one."""
    query = select(Order).where(col(Order.id).in_(_orders_called(merchant_id, word)))
    if connection_id is not None:
        query = query.where(Order.connection_id == connection_id)
    found = session.exec(query).all()
    if not found:
        raise NotPossible(f"There is no order {word!r}. `syncd sales` lists them.")
    if len(found) > 1:
        raise NotPossible(f"Several stores have an order {word!r}: say which with --connection NAME.")
    return found[0]


def _orders_called(merchant_id: int, word: str) -> CompoundSelect[Any]:
    """The ids of orders by the store's id or name of them, each by an index of its own."""
    stores = select(Connection.id).where(Connection.merchant_id == merchant_id)
    by_name = sqlalchemy.select(col(Order.id)).where(col(Order.merchant_id) == merchant_id, col(Order.name) == word)
    by_id = sqlalchemy.select(col(Order.id)).where(col(Order.connection_id).in_(stores), col(Order.external_id) == word)
    return by_name.union(by_id)


def waiting_documents(session: Session, order_id: int) -> list[int]:
    """The documents of an order that may be tried again."""
    rows = session.exec(
        select(SaleDocument.id).where(
            SaleDocument.order_id == order_id,
            col(SaleDocument.state).in_((DocumentState.PARKED, DocumentState.UNKNOWN, DocumentState.RECORDED)),
        )
    )
    return [document_id for document_id in rows if document_id is not None]
