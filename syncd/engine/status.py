"""Whether work is left that syncd will do unaided, and whether anything needs a person.

The counters leave out what waits for a person: dead letters, stores in shadow, paused or without access, held figures,
orders that are not paid, parked documents. At rest they are 0.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from schema.tables import (
    BackOffice,
    Connection,
    ConnectionRole,
    ConnectionState,
    Delivery,
    DeliveryState,
    InventoryCache,
    Issue,
    IssueState,
    ListingCheck,
    Order,
    RunState,
    StockItem,
    SyncRun,
)
from syncd.domain import publish
from syncd.engine import items, look, record

SPEAKS = (ConnectionState.SHADOW, ConnectionState.LIVE, ConnectionState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStatus:
    """One connection: its state, whether it can be reached, and the work left for it."""

    name: str
    platform: str
    role: str
    state: str
    failing_since: datetime | None
    failure: str
    pushes_owed: int
    looks_due: int
    last_delivery_at: datetime | None
    pulled_at: datetime | None
    reconciled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A merchant's state of affairs."""

    deliveries_unapplied: int
    pushes_owed: int
    looks_due: int
    backoffice_owed: int
    issues_open: int
    runs_waiting: int
    backoffice_read_at: datetime | None
    connections: tuple[ConnectionStatus, ...]


def status(session: Session, merchant_id: int, now: datetime) -> Status:
    """Count what is left to do."""
    connections = session.exec(
        select(Connection)
        .where(Connection.merchant_id == merchant_id, Connection.state != ConnectionState.DISCONNECTED)
        .order_by(col(Connection.name))
    ).all()
    speaking = [row.id or 0 for row in connections if row.role is ConnectionRole.STORE and row.state in SPEAKS]
    live = [row.id or 0 for row in connections if row.id in speaking and row.state is ConnectionState.LIVE]
    owed, looks, checks = (
        _pushes_owed(session, live),
        look.waiting(session, merchant_id, live),
        _checks(session, speaking),
    )
    each = tuple(
        _of_connection(row, owed.get(row.id or 0, 0), looks.get(row.id or 0, 0) + checks.get(row.id or 0, 0))
        for row in connections
    )
    return Status(
        deliveries_unapplied=_unapplied(session, merchant_id) + _rereads(session, speaking),
        pushes_owed=sum(row.pushes_owed for row in each),
        looks_due=sum(row.looks_due for row in each),
        backoffice_owed=_owed_to_back_office(session, merchant_id, now),
        issues_open=_open_issues(session, merchant_id),
        runs_waiting=_waiting_runs(session, merchant_id),
        backoffice_read_at=_read_at(session, merchant_id),
        connections=each,
    )


def _of_connection(row: Connection, pushes_owed: int, looks_due: int) -> ConnectionStatus:
    return ConnectionStatus(
        name=row.name,
        platform=row.platform,
        role=row.role.value,
        state=row.state.value,
        failing_since=row.failing_since,
        failure=row.failure,
        pushes_owed=pushes_owed,
        looks_due=looks_due,
        last_delivery_at=row.last_delivery_at,
        pulled_at=row.pulled_at,
        reconciled_at=row.reconciled_at,
    )


def _pushes_owed(session: Session, connection_ids: Sequence[int]) -> Counter[int]:
    """Figures of each store that a push will go out for, those included that wait for a back-off to end."""
    owed = session.exec(
        select(StockItem).where(
            col(StockItem.connection_id).in_(connection_ids),
            col(StockItem.desired).is_not(None),
            col(StockItem.desired) != col(StockItem.observed),
        )
    )
    return Counter(
        item.connection_id for item in owed if publish.plan_push(items.belief(item), item.desired) is not None
    )


def _checks(session: Session, connection_ids: Sequence[int]) -> dict[int, int]:
    """Products of each store that it told a change of and that were not read again yet."""
    rows = session.execute(
        select(ListingCheck.connection_id, func.count())
        .where(col(ListingCheck.connection_id).in_(connection_ids))
        .group_by(col(ListingCheck.connection_id))
    )
    return {connection_id: int(count) for connection_id, count in rows}


def _unapplied(session: Session, merchant_id: int) -> int:
    return session.exec(
        select(func.count())
        .select_from(Delivery)
        .join(Connection, col(Connection.id) == col(Delivery.connection_id))
        .where(Connection.merchant_id == merchant_id, Delivery.state == DeliveryState.NEW)
    ).one()


def _rereads(session: Session, connection_ids: list[int]) -> int:
    """Orders that are to be read from their stores again: what a delivery said of them is not applied yet."""
    return session.exec(
        select(func.count())
        .select_from(Order)
        .where(col(Order.connection_id).in_(connection_ids), col(Order.reread_at).is_not(None))
    ).one()


def _owed_to_back_office(session: Session, merchant_id: int, now: datetime) -> int:
    """Orders to record, and figures to read again because our own writing overtook their reading."""
    back_office = session.get(BackOffice, merchant_id)
    if back_office is not None and back_office.connection_id is not None:
        connection = session.get_one(Connection, back_office.connection_id)
        if connection.state in (ConnectionState.PAUSED, ConnectionState.NEEDS_AUTH, ConnectionState.DISCONNECTED):
            return 0
    rereads = session.exec(
        select(func.count())
        .select_from(InventoryCache)
        .where(InventoryCache.merchant_id == merchant_id, col(InventoryCache.reread_at).is_not(None))
    ).one()
    return record.count_owed(session, merchant_id, now) + rereads


def _open_issues(session: Session, merchant_id: int) -> int:
    return session.exec(
        select(func.count()).select_from(Issue).where(Issue.merchant_id == merchant_id, Issue.state == IssueState.OPEN)
    ).one()


def _waiting_runs(session: Session, merchant_id: int) -> int:
    return session.exec(
        select(func.count())
        .select_from(SyncRun)
        .where(SyncRun.merchant_id == merchant_id, SyncRun.state == RunState.WANTED)
    ).one()


def _read_at(session: Session, merchant_id: int) -> datetime | None:
    return session.exec(
        select(func.max(InventoryCache.read_answered_at)).where(InventoryCache.merchant_id == merchant_id)
    ).one()
