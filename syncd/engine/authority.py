"""Who says what is on the shelf: the back office connection of a merchant, or syncd's own ledger."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from schema.tables import BackOffice, Connection, ConnectionState, Merchant
from syncd.engine.context import Engine

LEDGER = "ledger"
OWN_NAME = "syncd's own ledger"
AT_REST = (ConnectionState.PAUSED, ConnectionState.NEEDS_AUTH, ConnectionState.DISCONNECTED)
"""States in which a back office is not called until a person changes that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The authority of one merchant. `connection` is None where syncd's own ledger is it.

    `source` names it in causes, `name` in sentences. `finds_sales` and `takes_returns` as in `BackOfficeTraits`.
    """

    merchant_id: int
    connection: Connection | None
    source: str
    name: str
    currency: str
    finds_sales: bool = True
    takes_returns: bool = True

    @property
    def connection_id(self) -> int | None:
        """Its connection, None for our own ledger."""
        return self.connection.id if self.connection else None


def back_office(session: Session, merchant_id: int, *, lock: bool = False) -> BackOffice:
    """The merchant's settings of the back office, made if there are none."""
    row = session.get(BackOffice, merchant_id, with_for_update=lock, populate_existing=lock)
    if row is None:
        row = BackOffice(merchant_id=merchant_id)
        session.add(row)
        session.flush()
    return row


def office_of(session: Session, merchant_id: int) -> Connection | None:
    """The back office that is the authority; None where syncd's own ledger is it."""
    settings = session.get(BackOffice, merchant_id)
    if settings is None or settings.connection_id is None:
        return None
    return session.get_one(Connection, settings.connection_id)


def authority_of(session: Session, merchant_id: int) -> Authority:
    """The authority as the database knows it; what its platform can do is asked by `load_authority`."""
    found: tuple[Merchant, Connection | None] = session.exec(
        _merchant_and_office(), params={"merchant": merchant_id}
    ).one()
    merchant, connection = found
    return Authority(
        merchant_id=merchant_id,
        connection=connection,
        source=connection.code if connection else LEDGER,
        name=connection.name if connection else OWN_NAME,
        currency=(connection.currency if connection else "") or merchant.currency,
    )


@cache
def _merchant_and_office() -> Select[Merchant, Connection]:
    return (
        select(Merchant, Connection)
        .outerjoin(BackOffice, col(BackOffice.merchant_id) == col(Merchant.id))
        .outerjoin(Connection, col(Connection.id) == col(BackOffice.connection_id))
        .where(col(Merchant.id) == bindparam("merchant"))
    )


def load_authority(engine: Engine, merchant_id: int) -> Authority:
    """The authority with what its platform can do."""
    with engine.database.reading() as session:
        known = authority_of(session, merchant_id)
    if known.connection is None:
        return known
    traits = engine.connectors.backoffice(engine, known.connection).traits
    return Authority(
        merchant_id=merchant_id,
        connection=known.connection,
        source=known.source,
        name=known.name,
        currency=known.currency,
        finds_sales=traits.finds_sales,
        takes_returns=traits.takes_returns,
    )


def may_be_called(connection: Connection, now: datetime) -> bool:
    """Whether a back office may be asked now: nobody paused it, it knows our key, and its back-off is over."""
    return connection.state not in AT_REST and (connection.not_before is None or connection.not_before <= now)
