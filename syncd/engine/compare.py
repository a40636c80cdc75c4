"""The nightly comparison with the back office, both ways: what we recorded against what it holds. Changes nothing.

Found differences are issues: a sale that is missing there, one that is there twice, one that we know nothing of, one
whose quantities differ. Hand-made returns of more than we asked for are a cashier's business.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, select

from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import RecordedSale
from schema.tables import (
    Connection,
    ConnectionRole,
    DocumentState,
    Issue,
    IssueState,
    Order,
    SaleDocument,
    SaleDocumentLine,
)
from syncd.engine.authority import Authority, back_office, load_authority, may_be_called
from syncd.engine.context import Engine
from syncd.engine.failures import note_failure, note_success
from syncd.engine.issues import raise_issue, resolve_issue
from syncd.engine.record_by_hand import RECORDED_BY_HAND

log = structlog.get_logger(__name__)

REACH_BACK = timedelta(days=7)
SETTLED_FOR = timedelta(minutes=10)
"""Younger documents may be on their way just now."""
KIND = "sale_differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One difference, in words."""

    key: str
    title: str
    why: str
    what_to_do: str
    order_id: int | None = None


def compare_sales(engine: Engine, merchant_id: int, *, reach_back: timedelta = REACH_BACK) -> int:
    """Compare the last days of all stores; returns how many differences there are. None where it cannot be asked: 0."""
    authority = load_authority(engine, merchant_id)
    now = engine.clock.now()
    if authority.connection is None or not authority.finds_sales or not may_be_called(authority.connection, now):
        return 0
    since, until = now - reach_back, now - SETTLED_FOR
    try:
        held = _ask(engine, authority, since, until)
    except ConnectorError as error:
        note_failure(engine, authority.connection, error)
        return 0
    note_success(engine, authority.connection)
    with engine.database.transaction() as session:
        found = [one for code, sales in held.items() for one in _compare(session, authority, code, sales, since, until)]
        _keep(session, authority, found, now)
        back_office(session, merchant_id).audited_at = now
    return len(found)


def _ask(
    engine: Engine, authority: Authority, since: datetime, until: datetime
) -> Mapping[str, Sequence[RecordedSale]]:
    """What the back office holds of each store, by the store's code."""
    assert authority.connection is not None
    with engine.database.reading() as session:
        stores = session.exec(
            select(Connection).where(
                Connection.merchant_id == authority.merchant_id,
                Connection.role == ConnectionRole.STORE,
                col(Connection.live_at).is_not(None),
            )
        ).all()
    office = engine.connectors.backoffice(engine, authority.connection)
    return {store.code: list(office.sales_between(store.code, since, until)) for store in stores}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ours:
    order: Order
    document: SaleDocument
    lines: Sequence[SaleDocumentLine]


def _ours(session: Session, authority: Authority, code: str) -> dict[str, _Ours]:
    """Every document of one store that this back office was sent, by invoice number."""
    rows = session.exec(
        select(SaleDocument, Order)
        .join(Order, col(Order.id) == col(SaleDocument.order_id))
        .join(Connection, col(Connection.id) == col(Order.connection_id))
        .where(SaleDocument.connection_id == authority.connection_id, Connection.code == code)
    ).all()
    lines: dict[int, list[SaleDocumentLine]] = {}
    for line in session.exec(
        select(SaleDocumentLine)
        .join(SaleDocument, col(SaleDocument.id) == col(SaleDocumentLine.document_id))
        .where(SaleDocument.connection_id == authority.connection_id)
    ):
        lines.setdefault(line.document_id, []).append(line)
    return {
        document.invoice_no: _Ours(order=order, document=document, lines=lines.get(document.id or 0, []))
        for document, order in rows
    }


def _compare(
    session: Session,
    authority: Authority,
    code: str,
    sales: Sequence[RecordedSale],
    since: datetime,
    until: datetime,
) -> Iterable[Found]:
    ours = _ours(session, authority, code)
    by_invoice: dict[str, list[RecordedSale]] = {}
    for sale in sales:
        by_invoice.setdefault(sale.invoice_no, []).append(sale)
    for invoice, held in by_invoice.items():
        mine = ours.get(invoice)
        if mine is None:
            yield _unexpected(authority, held[0])
        elif len(held) > 1:
            yield _doubled(authority, mine, held)
        elif mine.document.state is DocumentState.RECORDED and _differs(mine, held[0]):
            yield _edited(authority, mine)
        elif mine.document.state in (DocumentState.PARKED, DocumentState.LEFT_OUT):
            yield _unexpected(authority, held[0])
    for invoice, mine in ours.items():
        if invoice not in by_invoice and _should_be_there(mine, since, until):
            yield _missing(authority, mine)


def _should_be_there(mine: _Ours, since: datetime, until: datetime) -> bool:
    document = mine.document
    return (
        document.state is DocumentState.RECORDED
        and document.words != RECORDED_BY_HAND
        and since <= mine.order.placed_at <= until
        and document.recorded_at is not None
        and document.recorded_at <= until
    )


def _differs(mine: _Ours, sale: RecordedSale) -> bool:
    """Other quantities, or less come back than was acknowledged."""
    sold, back = Counter[str](), Counter[str]()
    for line in mine.lines:
        sold[line.external_id] += line.quantity
        back[line.external_id] += line.returned
    held, returned = Counter[str](), Counter[str]()
    for told in sale.lines:
        held[told.external_id] += told.quantity
        returned[told.external_id] += told.returned
    return held != sold or any(returned[item] < units for item, units in back.items())


# ------------------------------------------------------------------------------------------- words


def _missing(authority: Authority, mine: _Ours) -> Found:
    number = mine.document.invoice_no
    return Found(
        key=f"{KIND}:{number}",
        title=f"The sale of order {mine.order.name} is missing in {authority.name}.",
        why=f"{authority.name} acknowledged {number} as {mine.document.backoffice_id}, and does not list it any more.",
        what_to_do=f"Ask who deleted it in {authority.name}; record it there again if the goods are gone.",
        order_id=mine.order.id,
    )


def _doubled(authority: Authority, mine: _Ours, held: Sequence[RecordedSale]) -> Found:
    return Found(
        key=f"{KIND}:{mine.document.invoice_no}",
        title=f"The sale of order {mine.order.name} is in {authority.name} {len(held)} times.",
        why=f"Their ids are {', '.join(sale.sale_id for sale in held)}; only one of them happened.",
        what_to_do=f"Delete all but {mine.document.backoffice_id or held[0].sale_id} in {authority.name}.",
        order_id=mine.order.id,
    )


def _edited(authority: Authority, mine: _Ours) -> Found:
    units = ", ".join(f"{line.quantity} of {line.sku} ({line.returned} returned)" for line in mine.lines)
    return Found(
        key=f"{KIND}:{mine.document.invoice_no}",
        title=f"The sale of order {mine.order.name} was changed in {authority.name}.",
        why=f"We recorded {units}; sale {mine.document.backoffice_id} says something else now.",
        what_to_do=f"Compare it with the order, and correct the sale in {authority.name} if it is wrong.",
        order_id=mine.order.id,
    )


def _unexpected(authority: Authority, sale: RecordedSale) -> Found:
    return Found(
        key=f"{KIND}:{sale.invoice_no}",
        title=f"{authority.name} holds a sale of ours that we do not count: {sale.invoice_no}.",
        why=f"Its id is {sale.sale_id}. It was sent by syncd, but no order of ours rests on it.",
        what_to_do=f"Look at it in {authority.name}; delete it if the order was never sold.",
    )


def _keep(session: Session, authority: Authority, found: Sequence[Found], now: datetime) -> None:
    """Have exactly these differences open."""
    still = {one.key[:255] for one in found}
    opened = session.exec(
        select(Issue.key).where(
            Issue.merchant_id == authority.merchant_id, Issue.kind == KIND, Issue.state == IssueState.OPEN
        )
    ).all()
    for key in set(opened) - still:
        resolve_issue(session, authority.merchant_id, key, by="syncd", now=now)
    for one in found:
        raise_issue(
            session,
            merchant_id=authority.merchant_id,
            kind=KIND,
            key=one.key[:255],
            title=one.title,
            why=one.why,
            what_to_do=one.what_to_do,
            connection_id=authority.connection_id,
            order_id=one.order_id,
            now=now,
        )
    if found:
        log.warning("sales_differ", merchant=authority.merchant_id, count=len(found))
