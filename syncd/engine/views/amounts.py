"""Adding up money in the database, exactly: SQLite keeps amounts as text of four places and would add floats."""

from decimal import Decimal

import sqlalchemy
from sqlalchemy import BigInteger, cast, func
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col

from schema.tables import SaleKind, SalesLog
from syncd.engine.dialects import dialect_of

_PLACES = 10_000


def sold_amount(session: Session) -> ColumnElement[int]:
    """The sum of a selection of the sales log, returns taken off, in ten thousandths; `amount` makes it money."""
    if dialect_of(session) == "sqlite":
        price = cast(func.replace(cast(col(SalesLog.unit_price), sqlalchemy.String), ".", ""), BigInteger)
    else:
        price = cast(col(SalesLog.unit_price) * Decimal(_PLACES), BigInteger)
    return func.coalesce(func.sum(price * signed_quantity()), 0)


def signed_quantity() -> ColumnElement[int]:
    """Units of a row of the sales log, negative for a return."""
    quantity = col(SalesLog.quantity)
    return sqlalchemy.case((col(SalesLog.kind) == SaleKind.RETURN, -quantity), else_=quantity)


def amount(ten_thousandths: int) -> Decimal:
    """Money from what `sold_amount` adds up."""
    return Decimal(int(ten_thousandths)) / _PLACES
