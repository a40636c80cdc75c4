"""What a person should know about recording: the words of its issues, raised and closed here."""

from datetime import datetime

from sqlmodel import Session, col, select

from connectors.sdk.errors import RefusalKind
from schema.tables import Connection, Order, OrderLine, RecordPolicy, SaleDocument
from syncd.engine.authority import OWN_NAME, Authority
from syncd.engine.issues import raise_issue, resolve_issue

NAMED = 5
"""So many orders are named in the words of one issue."""
MOST_KEPT = 100
"""So many are kept with it."""


def currency_fits(session: Session, authority: Authority, order: Order, now: datetime) -> bool:
    """Whether the order's money is the back office's; an issue where it is not, one for each store and currency."""
    if authority.connection is None or not _is_foreign(authority, order):
        return True
    _tell_foreign(session, authority, order, now)
    return False


def _is_foreign(authority: Authority, order: Order) -> bool:
    return bool(authority.currency and order.currency and authority.currency != order.currency)


def _tell_foreign(session: Session, authority: Authority, order: Order, now: datetime) -> None:
    """Say how many orders of this store wait because of their currency; nothing once none does."""
    waiting = _waiting_in(session, order)
    key = f"currency:{order.connection_id}:{order.currency}"
    if not waiting:
        resolve_issue(session, order.merchant_id, key, by="syncd", now=now)
        return
    store = session.get_one(Connection, order.connection_id)
    named = ", ".join(name for _, name in waiting[:NAMED]) + (" …" if len(waiting) > NAMED else "")
    count = f"{len(waiting)} orders" if len(waiting) > 1 else "One order"
    raise_issue(
        session,
        merchant_id=order.merchant_id,
        kind="foreign_currency",
        key=key,
        title=f"{count} of {store.name}: sold in {order.currency}; {authority.name} counts in {authority.currency}.",
        why=f"syncd converts no money, so these sales are not recorded: {named}. Their units are kept from sale.",
        what_to_do=f"Record each by hand in {authority.name}, then `syncd sales recorded-as ORDER ID`; or "
        "`syncd sales leave-out ORDER`.",
        connection_id=order.connection_id,
        details={
            "currency": order.currency,
            "count": len(waiting),
            "orders": [external_id for external_id, _ in waiting[:MOST_KEPT]],
        },
        now=now,
    )


def _waiting_in(session: Session, order: Order) -> list[tuple[str, str]]:
    """Orders of the same store in the same currency that are due and not recorded: the store's id and name of each."""
    store = session.get_one(Connection, order.connection_id)
    session.flush()
    query = (
        select(Order.external_id, Order.name)
        .where(
            Order.connection_id == order.connection_id,
            Order.currency == order.currency,
            col(Order.left_out).is_(False),
            col(Order.id).in_(
                select(OrderLine.order_id).where(
                    col(OrderLine.is_counted).is_(True), col(OrderLine.taken) > col(OrderLine.acknowledged)
                )
            ),
        )
        .order_by(col(Order.id))
    )
    if store.record is RecordPolicy.PAID:
        query = query.where(col(Order.is_paid).is_(True))
    return list(session.exec(query).all())


def no_item(session: Session, authority: Authority, order: Order, sku: str, now: datetime) -> None:
    """The back office has no item of this SKU any more: one issue per SKU."""
    raise_issue(
        session,
        merchant_id=authority.merchant_id,
        kind="no_item",
        key=f"no_item:{sku}"[:255],
        title=f"{sku} was sold, and {authority.name} has no such item.",
        why="Its sales cannot be recorded there until the item is back; its units are kept from sale.",
        what_to_do=f"Give an item in {authority.name} the SKU {sku}; what is owed is recorded after the next reading "
        "of the whole catalogue.",
        sku=sku,
        order_id=order.id,
        now=now,
    )


def return_by_hand(
    session: Session, authority: Authority, order: Order, now: datetime, document: SaleDocument | None = None
) -> None:
    """Units came back, and syncd cannot tell the back office: it takes no returns, or the sale is in another one."""
    why = f"{authority.name} takes no returns from syncd for this sale."
    if document is not None and document.connection_id != authority.connection_id:
        former = session.get(Connection, document.connection_id) if document.connection_id else None
        why = f"Its sale was recorded in {former.name if former else OWN_NAME}, before {authority.name} was set."
    raise_issue(
        session,
        merchant_id=authority.merchant_id,
        kind="return_by_hand",
        key=f"return:{order.id}",
        title=f"Units of order {order.name} came back; {authority.name} must be told by hand.",
        why=why,
        what_to_do=f"Put them into the stock there, then `syncd sales leave-out {order.external_id}`.",
        connection_id=order.connection_id,
        order_id=order.id,
        now=now,
    )


def refused(
    session: Session,
    authority: Authority,
    order: Order,
    document: SaleDocument,
    kind: RefusalKind,
    words: str,
    now: datetime,
    *,
    is_return: bool = False,
) -> None:
    """The back office understood and refused: its words, and what can be done."""
    if kind is RefusalKind.CONFIGURATION:
        key, what_to_do = (
            f"setup:{authority.connection_id}",
            (
                f"Mend the set-up in {authority.name} as it says. We try again by ourselves, ever more rarely; "
                f"`syncd sales retry {document.invoice_no}` does it at once."
            ),
        )
        title = f"{authority.name} refuses our sales because of its set-up; order {order.name} is one of them."
    else:
        thing = "return" if is_return else "sale"
        key = f"{thing}:{order.id}"
        title = f"{authority.name} refused the {thing} of order {order.name}."
        what_to_do = (
            f"`syncd sales retry {document.invoice_no}`; or record it by hand and `syncd sales recorded-as "
            f"{order.external_id} ID`; or `syncd sales leave-out {order.external_id}`."
        )
    raise_issue(
        session,
        merchant_id=authority.merchant_id,
        kind="refused_by_backoffice",
        key=key,
        title=title,
        why=words,
        what_to_do=what_to_do,
        connection_id=authority.connection_id,
        order_id=order.id,
        details={"invoice_no": document.invoice_no, "refusal": kind.value, "attempts": document.attempts},
        now=now,
    )


def not_certain(session: Session, authority: Authority, order: Order, document: SaleDocument, now: datetime) -> None:
    """No answer, and this back office cannot be asked whether the sale is there: never sent again by ourselves."""
    raise_issue(
        session,
        merchant_id=authority.merchant_id,
        kind="sale_not_certain",
        key=f"sale:{order.id}",
        title=f"We sent order {order.name} to {authority.name} and got no answer.",
        why=f"{authority.name} cannot be asked whether it has the sale; sending it again might count it twice.",
        what_to_do=f"Look for {document.invoice_no} there. If it is there: `syncd sales recorded-as "
        f"{order.external_id} ID`. If not: `syncd sales retry {document.invoice_no}`.",
        connection_id=authority.connection_id,
        order_id=order.id,
        details={"invoice_no": document.invoice_no},
        now=now,
    )


def doubled(session: Session, authority: Authority, order: Order, ids: list[str], now: datetime) -> None:
    """The back office holds one sale several times: the oldest counts, a person removes the others."""
    raise_issue(
        session,
        merchant_id=authority.merchant_id,
        kind="sale_doubled",
        key=f"doubled:{order.id}",
        title=f"{authority.name} holds the sale of order {order.name} {len(ids)} times.",
        why=f"Their ids are {', '.join(ids)}. We go on with the oldest, {ids[0]}; until then its stock is too low.",
        what_to_do=f"Delete the others in {authority.name}, then resolve this.",
        connection_id=authority.connection_id,
        order_id=order.id,
        details={"ids": ids},
        now=now,
    )


def settled(session: Session, authority: Authority, order: Order, now: datetime, *, by: str = "syncd") -> None:
    """What stood in the way of recording this order is over."""
    for key in (f"sale:{order.id}", f"return:{order.id}"):
        resolve_issue(session, order.merchant_id, key, by=by, now=now)
    if authority.connection is not None and _is_foreign(authority, order):
        _tell_foreign(session, authority, order, now)


def works_again(session: Session, authority: Authority, now: datetime) -> None:
    """A sale went through: the set-up is right."""
    resolve_issue(session, authority.merchant_id, f"setup:{authority.connection_id}", by="syncd", now=now)
