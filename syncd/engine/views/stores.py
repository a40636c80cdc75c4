"""The stores and the back office in numbers: when last heard of, what waits, how quick, what was sold today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session, col, func, select

from schema.tables import (
    BackOffice,
    Connection,
    ConnectionRole,
    ConnectionState,
    Location,
    Push,
    PushState,
    SalesLog,
    StockItem,
)
from syncd.engine.record import count_owed
from syncd.engine.views.amounts import amount, sold_amount
from syncd.engine.views.lag import Lag, Measured, lag_of, measured

A_DAY = timedelta(days=1)
HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRow:
    """One store. `waiting` is None where nothing is published (shadow); `lag` None where nothing was measured."""

    id: int
    code: str
    name: str
    platform: str
    state: str
    failing_since: datetime | None
    failure: str
    heard_at: datetime | None
    waiting: int | None
    lag: Lag | None
    orders: int
    sold: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeRow:
    """The back office; `id` is None for syncd's own ledger. `waiting` counts orders that it is to be told of."""

    id: int | None
    code: str
    name: str
    platform: str
    state: str
    failing_since: datetime | None
    failure: str
    heard_at: datetime | None
    waiting: int
    locations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoresView:
    """Everything that is connected. `office` is None while nobody has been named. `measured`: the lag of each hour."""

    stores: tuple[StoreRow, ...]
    office: OfficeRow | None
    lag: Lag | None
    prevented: int
    measured: tuple[Measured, ...]

    @property
    def waiting(self) -> int:
        """Numbers that stores still have to be told."""
        return sum(row.waiting or 0 for row in self.stores)

    @property
    def sold(self) -> Decimal:
        """What all of them sold today."""
        return sum((row.sold for row in self.stores), Decimal(0))

    @property
    def only_waiting(self) -> str:
        """The store that all of them are for; empty where there are several, or none."""
        names = [row.name for row in self.stores if row.waiting]
        return names[0] if len(names) == 1 else ""


def store_rows(session: Session, merchant_id: int, day_began: datetime, now: datetime) -> StoresView:
    """All of it; today began at `day_began`."""
    rows = connected_stores(session, merchant_id)
    ids = [row.id or 0 for row in rows]
    waiting, today = _waiting(session, ids), _today(session, merchant_id, day_began)
    lags = measured(session, ids, now - A_DAY, now, HOURS)
    stores = tuple(
        _row(
            row,
            waiting.get(row.id or 0, 0),
            lag_of(each for each in lags if each.connection_id == row.id),
            today.get(row.id or 0, (0, Decimal(0))),
        )
        for row in rows
    )
    return StoresView(
        stores=stores,
        office=office_row(session, merchant_id, now),
        lag=lag_of(lags),
        prevented=prevented(session, ids, now - A_DAY),
        measured=tuple(lags),
    )


def connected_stores(session: Session, merchant_id: int) -> Sequence[Connection]:
    """Stores that are not disconnected, in the order in which they came."""
    return session.exec(
        select(Connection)
        .where(
            Connection.merchant_id == merchant_id,
            Connection.role == ConnectionRole.STORE,
            Connection.state != ConnectionState.DISCONNECTED,
        )
        .order_by(col(Connection.id))
    ).all()


def _row(row: Connection, waiting: int, lag: Lag | None, today: tuple[int, Decimal]) -> StoreRow:
    return StoreRow(
        id=row.id or 0,
        code=row.code,
        name=row.name,
        platform=row.platform,
        state=row.state.value,
        failing_since=row.failing_since,
        failure=row.failure,
        heard_at=heard_at(row),
        waiting=None if row.state is ConnectionState.SHADOW else waiting,
        lag=lag,
        orders=today[0],
        sold=today[1],
    )


def heard_at(row: Connection) -> datetime | None:
    """When a store last told us something, or answered when we asked for its orders."""
    return max((at for at in (row.last_delivery_at, row.pulled_at) if at is not None), default=None)


def _waiting(session: Session, connection_ids: Sequence[int]) -> dict[int, int]:
    """Numbers that differ from what they should be and are not held, for each store."""
    rows = session.execute(
        select(StockItem.connection_id, func.count())
        .where(
            col(StockItem.connection_id).in_(connection_ids),
            col(StockItem.desired).is_not(None),
            col(StockItem.desired) != col(StockItem.observed),
            StockItem.held == 0,
            col(StockItem.is_kept).is_(False),
        )
        .group_by(col(StockItem.connection_id))
    )
    return {connection_id: int(count) for connection_id, count in rows}


def _today(session: Session, merchant_id: int, since: datetime) -> dict[int, tuple[int, Decimal]]:
    rows = session.execute(
        select(SalesLog.connection_id, func.count(col(SalesLog.order_id).distinct()), sold_amount(session))
        .where(SalesLog.merchant_id == merchant_id, col(SalesLog.occurred_at) >= since)
        .group_by(col(SalesLog.connection_id))
    )
    return {connection_id: (int(orders), amount(sold)) for connection_id, orders, sold in rows}


def prevented(session: Session, connection_ids: Sequence[int], since: datetime) -> int:
    """How often a store showed another number than we believed, so that nothing was written over it."""
    return session.exec(
        select(func.count())
        .select_from(Push)
        .where(
            col(Push.connection_id).in_(connection_ids),
            col(Push.answered_at) >= since,
            Push.state == PushState.REFUSED,
        )
    ).one()


def office_row(session: Session, merchant_id: int, now: datetime) -> OfficeRow | None:
    """The authority on stock, or None."""
    settings = session.get(BackOffice, merchant_id)
    if settings is None:
        return None
    connection = session.get(Connection, settings.connection_id) if settings.connection_id else None
    places = session.exec(
        select(Location.name)
        .where(Location.merchant_id == merchant_id, col(Location.is_active).is_(True))
        .order_by(col(Location.is_default).desc(), col(Location.id))
    ).all()
    read_at = (settings.hinted_at, settings.swept_at, settings.catalogue_at)
    return OfficeRow(
        id=connection.id if connection else None,
        code=connection.code if connection else "",
        name=connection.name if connection else "syncd's own ledger",
        platform=connection.platform if connection else "ledger",
        state=connection.state.value if connection else "live",
        failing_since=connection.failing_since if connection else None,
        failure=connection.failure if connection else "",
        heard_at=max((at for at in read_at if at is not None), default=None),
        waiting=count_owed(session, merchant_id, now) if connection else 0,
        locations=tuple(places),
    )
