"""The sales log as pages: filters, totals of a time, one order, and the rows of a CSV."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import and_, func
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col, select

from schema.tables import (
    Connection,
    Delivery,
    DocumentState,
    Listing,
    Order,
    OrderLine,
    Push,
    PushState,
    ReturnDocument,
    SaleDocument,
    SaleKind,
    SalesLog,
)
from syncd.engine import sales
from syncd.engine.batches import batched
from syncd.engine.lines import lines_of
from syncd.engine.sales import SaleRow
from syncd.engine.views.amounts import amount, sold_amount

MOST_FOUND = 400
MOST_COUNTED = 10_000
"""Rows that are counted; that there are more is enough to know."""
STATES = ("recorded", "being_recorded", "look")
"""What is asked for of the back office: it has it, it is on its way, a person should look."""
A_DAY = timedelta(days=1)
_NEEDS_A_LOOK = (DocumentState.UNKNOWN, DocumentState.PARKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesQuery:
    """Which lines. `until` is the first moment that is not in it."""

    text: str = ""
    connection_id: int | None = None
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesPage:
    """A page of the log. `total` counts the rows there are, `is_more` that there are more than were counted.
    `order_ids` are ours, by row id; `seconds` how long the other stores took, by row id.
    """

    rows: tuple[SaleRow, ...]
    total: int
    is_more: bool
    order_ids: Mapping[int, int]
    seconds: Mapping[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """What was sold in a time."""

    orders: int
    money: Decimal


def sales_page(session: Session, merchant_id: int, query: SalesQuery) -> SalesPage:
    """One page, the newest first."""
    where = _where(session, merchant_id, query)
    most = max(MOST_COUNTED, query.offset + query.limit)
    some = select(SalesLog.id).where(*where).limit(most + 1).subquery()
    total = session.exec(select(func.count()).select_from(some)).one()
    chosen = session.exec(
        select(SalesLog.id, SalesLog.order_id)
        .where(*where)
        .order_by(col(SalesLog.occurred_at).desc(), col(SalesLog.id).desc())
        .offset(query.offset)
        .limit(query.limit)
    ).all()
    ids = [row_id for row_id, _ in chosen if row_id is not None]
    rows = sales.rows_of(session, ids)
    return SalesPage(
        rows=tuple(rows),
        total=min(total, most),
        is_more=total > most,
        order_ids={row_id: order_id for row_id, order_id in chosen if row_id is not None},
        seconds=_seconds(session, merchant_id, rows),
    )


def every_row(session: Session, merchant_id: int, query: SalesQuery, most: int) -> Iterator[SaleRow]:
    """What is filtered, in pieces, for a file."""
    ids = session.exec(
        select(SalesLog.id)
        .where(*_where(session, merchant_id, query))
        .order_by(col(SalesLog.occurred_at).desc(), col(SalesLog.id).desc())
        .limit(most)
    ).all()
    for batch in batched(ids):
        yield from sales.rows_of(session, [row_id for row_id in batch if row_id is not None])


def _where(session: Session, merchant_id: int, query: SalesQuery) -> list[ColumnElement[bool]]:
    # Whoever has few rows by their ids must not be walked through by the merchant's index all the same.
    is_by_ids = bool(query.text) or query.state in ("look", "being_recorded")
    where: list[ColumnElement[bool]] = [] if is_by_ids else [col(SalesLog.merchant_id) == merchant_id]
    if query.connection_id is not None:
        where.append(col(SalesLog.connection_id) == query.connection_id)
    if query.since is not None:
        where.append(col(SalesLog.occurred_at) >= query.since)
    if query.until is not None:
        where.append(col(SalesLog.occurred_at) < query.until)
    if query.text:
        where.append(_contains(session, merchant_id, query.text))
    if query.state:
        where.append(_in_state(merchant_id, query.state))
    return where


def _contains(session: Session, merchant_id: int, text: str) -> ColumnElement[bool]:
    """An order by its name or the store's id, SKUs by a part of them, a sale by its invoice number."""
    stores = select(Connection.id).where(Connection.merchant_id == merchant_id)
    by_name = select(Order.id).where(Order.merchant_id == merchant_id, col(Order.name).in_((text, f"#{text}")))
    by_id = select(Order.id).where(col(Order.connection_id).in_(stores), Order.external_id == text)
    by_invoice = select(SaleDocument.order_id).where(
        SaleDocument.merchant_id == merchant_id, SaleDocument.invoice_no == text
    )
    orders = {row for query in (by_name, by_id, by_invoice) for row in session.exec(query.limit(MOST_FOUND))}
    skus = session.exec(
        select(Listing.external_sku)
        .where(
            Listing.merchant_id == merchant_id,
            func.lower(Listing.external_sku).contains(text.lower(), autoescape=True),
        )
        .distinct()
        .limit(MOST_FOUND)
    ).all()
    mine = select(SalesLog.id).where(SalesLog.merchant_id == merchant_id)
    by_sku = mine.where(col(SalesLog.sku).in_([sku for sku in skus if sku]))
    return col(SalesLog.id).in_(by_sku.union(mine.where(col(SalesLog.order_id).in_(orders))))


def _in_state(merchant_id: int, state: str) -> ColumnElement[bool]:
    """What waits is found from the few orders and lines that wait, not by looking through the log."""
    is_recorded = col(SalesLog.backoffice_id).is_not(None)
    if state == "recorded":
        return is_recorded
    waiting = select(SaleDocument.order_id).where(
        SaleDocument.merchant_id == merchant_id, col(SaleDocument.state).in_(_NEEDS_A_LOOK)
    )
    if state == "look":
        no_sku = (
            select(SalesLog.id)
            .join(OrderLine, col(OrderLine.id) == col(SalesLog.order_line_id))
            .where(
                col(OrderLine.sku).is_(None),
                OrderLine.taken != OrderLine.acknowledged,
                OrderLine.moves_nothing == "",
                SalesLog.merchant_id == merchant_id,
                ~is_recorded,
            )
        )
        return col(SalesLog.id).in_(select(SalesLog.id).where(col(SalesLog.order_id).in_(waiting)).union(no_sku))
    owed = select(Order.id).where(Order.merchant_id == merchant_id, col(Order.is_owed).is_(True))
    on_its_way = select(SalesLog.id).where(col(SalesLog.order_id).in_(owed), col(SalesLog.order_id).not_in(waiting))
    return and_(~is_recorded, col(SalesLog.id).in_(on_its_way))


def sold_between(session: Session, merchant_id: int, since: datetime, until: datetime) -> Sold:
    """Orders and money of a time."""
    orders, money = session.execute(
        select(func.count(col(SalesLog.order_id).distinct()), sold_amount(session)).where(
            SalesLog.merchant_id == merchant_id,
            col(SalesLog.occurred_at) >= since,
            col(SalesLog.occurred_at) < until,
        )
    ).one()
    return Sold(orders=int(orders), money=amount(money))


def _seconds(session: Session, merchant_id: int, rows: Sequence[SaleRow]) -> dict[int, float]:
    """How long it took until the last of the other stores had the number of a sale."""
    skus = sorted({row.sku for row in rows if row.sku})
    if not skus:
        return {}
    told = session.execute(
        select(Push.sku, Push.sold_at, func.max(Push.answered_at))
        .where(
            col(Push.connection_id).in_(select(Connection.id).where(Connection.merchant_id == merchant_id)),
            Push.state == PushState.ACKNOWLEDGED,
            col(Push.sold_at).in_({row.at for row in rows}),
            col(Push.sku).in_(skus),
        )
        .group_by(col(Push.sku), col(Push.sold_at))
    ).all()
    by_sale = {(sku, sold): answered for sku, sold, answered in told}
    return {
        row.id: max(0.0, (answered - row.at).total_seconds())
        for row in rows
        if row.kind == SaleKind.SALE.value and (answered := by_sale.get((row.sku or "", row.at))) is not None
    }


# ------------------------------------------------------------------------------------------- one order


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """What we sent to the back office of an order, or what waits."""

    id: int
    kind: str
    invoice_no: str
    state: str
    words: str
    attempts: int
    sent_at: datetime
    not_before: datetime | None
    recorded_at: datetime | None
    backoffice_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order with its lines, what became of each, and how we heard of it."""

    order: Order
    store: Connection
    lines: tuple[OrderLine, ...]
    log: tuple[SaleRow, ...]
    documents: tuple[DocumentView, ...]
    heard_by: str
    money: Decimal


def order_view(session: Session, merchant_id: int, order_id: int) -> OrderView | None:
    """One order; None where there is none of this merchant's."""
    order = session.get(Order, order_id)
    if order is None or order.merchant_id != merchant_id:
        return None
    lines = lines_of(session, order_id)
    ids = session.exec(select(SalesLog.id).where(SalesLog.order_id == order_id).order_by(col(SalesLog.id))).all()
    return OrderView(
        order=order,
        store=session.get_one(Connection, order.connection_id),
        lines=tuple(lines),
        log=tuple(sales.rows_of(session, [row_id for row_id in ids if row_id is not None])),
        documents=tuple(_documents(session, order_id)),
        heard_by=_heard_by(session, order),
        money=sum((row.total for row in lines), Decimal(0)),
    )


def _documents(session: Session, order_id: int) -> Iterator[DocumentView]:
    rows = session.exec(
        select(SaleDocument, ReturnDocument)
        .outerjoin(ReturnDocument, col(ReturnDocument.document_id) == col(SaleDocument.id))
        .where(SaleDocument.order_id == order_id)
        .order_by(col(SaleDocument.n), col(ReturnDocument.id))
    ).all()
    told = set()
    for sale, back in rows:
        if sale.id not in told:
            told.add(sale.id)
            yield _document(sale, sale.invoice_no, sale.backoffice_id, "sale")
        if back is not None:
            yield _document(back, sale.invoice_no, sale.backoffice_id, "return")


def _document(
    row: SaleDocument | ReturnDocument, invoice_no: str, backoffice_id: str | None, kind: str
) -> DocumentView:
    return DocumentView(
        id=row.id or 0,
        kind=kind,
        invoice_no=invoice_no,
        state=row.state.value,
        words=row.words,
        attempts=row.attempts,
        sent_at=row.sent_at,
        not_before=row.not_before,
        recorded_at=row.recorded_at,
        backoffice_id=backoffice_id,
    )


def _heard_by(session: Session, order: Order) -> str:
    """Whether the store told us, or we found it by reading orders: the first delivery about that time says."""
    source = session.exec(
        select(Delivery.source)
        .where(
            Delivery.connection_id == order.connection_id,
            col(Delivery.applied_at) >= order.heard_at,
            col(Delivery.received_at).between(order.heard_at - A_DAY, order.heard_at),
        )
        .order_by(col(Delivery.received_at).desc())
        .limit(1)
    ).first()
    return source or ""
