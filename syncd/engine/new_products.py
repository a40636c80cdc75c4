"""What a store lacks of what the back office sells, and what a product made of it would be.

Asking that they be made is `creation.py`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Row, ScalarSelect
from sqlmodel import Session, and_, case, col, exists, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from schema.tables import (
    BackOffice,
    Connection,
    ConnectionRole,
    Creation,
    CreationState,
    InventoryCache,
    Listing,
    Merchant,
)
from syncd.engine.batches import batched

OPEN = (CreationState.WANTED, CreationState.SENT, CreationState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """A product that a store lacks, as it would be made. `price` is in the store's currency, None where none is known.

    `problem` says in words why it cannot be made as wanted, and is empty where it can.
    """

    sku: str
    title: str
    price: Decimal | None = None
    image_url: str | None = None
    problem: str = ""


def absent(store: Connection) -> ColumnElement[bool]:
    """Rows of the inventory cache whose SKU no listing of the store has or says."""
    mine = (col(Listing.connection_id) == store.id, col(Listing.gone_at).is_(None))
    linked = select(Listing.sku).where(*mine, col(Listing.sku).is_not(None))
    said = select(Listing.external_sku).where(*mine, col(Listing.external_sku).is_not(None))
    return and_(
        col(InventoryCache.merchant_id) == store.merchant_id,
        col(InventoryCache.sku).not_in(linked),
        col(InventoryCache.sku).not_in(said),
    )


def absent_skus(
    session: Session,
    store: Connection,
    text: str = "",
    *,
    offset: int = 0,
    limit: int | None = None,
    without_work: bool = False,
) -> list[str]:
    """SKUs that the authority knows and the store lacks, in order; only those that a text is in, or in their name.
    `without_work` leaves out what is being made already.
    """
    query = select(InventoryCache.sku).where(absent(store), *_containing(store, text)).distinct()
    if without_work:
        query = query.where(col(InventoryCache.sku).not_in(_in_work(store)))
    return list(session.exec(query.order_by(col(InventoryCache.sku)).offset(offset).limit(limit)).all())


def count_absent(session: Session, store: Connection, text: str = "") -> int:
    """How many there are of them."""
    return _count_absent(session, store, *_containing(store, text))


def count_in_work(session: Session, store: Connection) -> int:
    """How many of them are being made already."""
    return _count_absent(session, store, col(InventoryCache.sku).in_(_in_work(store)))


def count_priceless(session: Session, store: Connection) -> int:
    """Of how many others nobody tells the price in the store's currency."""
    home = session.get_one(Merchant, store.merchant_id).currency
    stores = session.exec(select(Connection).where(Connection.merchant_id == store.merchant_id)).all()
    priced = (
        col(Listing.merchant_id) == store.merchant_id,
        col(Listing.gone_at).is_(None),
        col(Listing.price).is_not(None),
        col(Listing.connection_id).in_([each.id for each in stores if _is_same(each.currency or home, store.currency)]),
    )
    is_unlinked_offices = and_(col(Listing.connection_id) == _office(store), col(Listing.sku).is_(None))
    return _count_absent(
        session,
        store,
        col(InventoryCache.sku).not_in(_in_work(store)),
        ~exists().where(*priced, col(Listing.sku) == col(InventoryCache.sku)),
        ~exists().where(*priced, is_unlinked_offices, col(Listing.external_sku) == col(InventoryCache.sku)),
    )


def _count_absent(session: Session, store: Connection, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count(col(InventoryCache.sku).distinct())).where(absent(store), *conditions)
    return session.exec(query).one()


def _in_work(store: Connection) -> SelectOfScalar[str]:
    return select(Creation.sku).where(Creation.connection_id == store.id, col(Creation.state).in_(OPEN))


def _containing(store: Connection, text: str) -> tuple[ColumnElement[bool], ...]:
    if not text:
        return ()
    wanted = text.lower()
    called = select(Listing.external_sku).where(
        Listing.connection_id == _office(store), func.lower(Listing.title).contains(wanted, autoescape=True)
    )
    is_in = func.lower(InventoryCache.sku).contains(wanted, autoescape=True)
    return (or_(is_in, col(InventoryCache.sku).in_(called)),)


def _office(store: Connection) -> ScalarSelect[int | None]:
    query = select(BackOffice.connection_id).where(BackOffice.merchant_id == store.merchant_id)
    return query.scalar_subquery()


def new_products(session: Session, store: Connection, skus: Sequence[str], *, is_draft: bool) -> list[NewProduct]:
    """These SKUs as products of a store: name, price and image as the back office has them, else as another store has.

    Nothing is for sale at a price that nobody has set.
    """
    found: list[NewProduct] = []
    in_work = set(session.exec(_in_work(store)))
    for part in batched(skus):
        described = _described(session, store, part)
        found += [_judged(store, described[sku], is_in_work=sku in in_work, is_draft=is_draft) for sku in part]
    return found


def _judged(store: Connection, product: NewProduct, *, is_in_work: bool, is_draft: bool) -> NewProduct:
    if is_in_work:
        return replace(product, problem="It is being made already.")
    if product.price is None and not is_draft:
        return replace(
            product, problem=f"Nobody tells its price in {store.currency or 'the store'}: make it as a draft."
        )
    return product


def _described(session: Session, store: Connection, skus: Sequence[str]) -> dict[str, NewProduct]:
    """Name, price and image by SKU, each from the first who tells it: the back office, then the stores by age."""
    is_offices = col(Listing.connection_id) == _office(store)
    columns = (Listing.sku, Listing.external_sku, Listing.title, Listing.price, Listing.image_url, Connection.currency)
    rows = session.execute(
        sqlalchemy.select(*map(col, columns))
        .join(Connection, col(Connection.id) == col(Listing.connection_id))
        .where(
            col(Listing.merchant_id) == store.merchant_id,
            col(Listing.gone_at).is_(None),
            or_(col(Listing.sku).in_(skus), and_(is_offices, col(Listing.external_sku).in_(skus))),
        )
        .order_by(case((col(Connection.role) == ConnectionRole.BACKOFFICE, 0), else_=1), col(Listing.id))
    ).all()
    told: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        told[row.sku or row.external_sku or ""].append(row)
    home = session.get_one(Merchant, store.merchant_id).currency
    return {sku: _product(store, sku, told[sku], home) for sku in skus}


def _product(store: Connection, sku: str, told: Sequence[Row[Any]], home: str) -> NewProduct:
    titles = (row.title for row in told if row.title)
    prices = (row.price for row in told if row.price is not None and _is_same(row.currency or home, store.currency))
    images = (row.image_url for row in told if row.image_url)
    return NewProduct(sku=sku, title=next(titles, sku), price=next(prices, None), image_url=next(images, None))


def _is_same(currency: str, wanted: str) -> bool:
    """Whether a price can be taken over; where one side does not tell its currency, it is taken to be the same."""
    return not currency or not wanted or currency == wanted
