"""What happened, as one list: sales heard of, numbers set, overwrites prevented, readings, sales recorded, drift.

Ordered by when we heard of it or did it. Each kind is read from the end of its table, so the newest cost the same
however long the history is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session, SQLModel, col, func, select

from schema.tables import (
    Connection,
    ConnectionRole,
    DocumentState,
    Drift,
    Listing,
    Location,
    Match,
    Movement,
    MovementKind,
    Order,
    Push,
    PushState,
    SaleDocument,
    SaleKind,
    SalesLog,
    StockItem,
)
from syncd.engine.authority import authority_of

REACH = 20_000
"""How many rows back from the end of a table the newest events of one merchant are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. `key` tells it apart; `place` is the store or the back office.

    `number` is what a store was set to or, of a prevented overwrite, what it showed; `expected` what we believed.
    `seconds`: how long after the sale.
    """

    key: str
    kind: str
    at: datetime
    place: str
    sku: str = ""
    units: int = 0
    number: int | None = None
    expected: int | None = None
    order_id: int | None = None
    order: str = ""
    money: Decimal | None = None
    currency: str = ""
    seconds: float | None = None
    words: str = ""


def events(
    session: Session,
    merchant_id: int,
    *,
    limit: int,
    since: datetime | None = None,
    before: datetime | None = None,
    kinds: Sequence[str] = (),
) -> list[Event]:
    """The newest first: those at or after `since`, those before `before`."""
    reader = _Reader(session=session, merchant_id=merchant_id, limit=limit, since=since, before=before)
    sources: dict[str, Callable[[], list[Event]]] = {
        "sales": reader.sales,
        "pushes": reader.pushes,
        "readings": reader.readings,
        "recorded": reader.recorded,
        "drift": reader.drift,
    }
    wanted = [read for name, read in sources.items() if not kinds or name in kinds]
    found = [event for read in wanted for event in read()]
    return sorted(found, key=lambda event: (event.at, event.key), reverse=True)[:limit]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    session: Session
    merchant_id: int
    limit: int
    since: datetime | None
    before: datetime | None

    def _within(self, at: datetime | None) -> bool:
        is_late_enough = self.since is None or (at is not None and at >= self.since)
        return is_late_enough and (self.before is None or (at is not None and at < self.before))

    def _floor(self, table: type[SQLModel]) -> int:
        """The id from which on a table is looked through; the whole of it where an older time is asked for."""
        if self.before is not None:
            return 0
        newest: int | None = self.session.exec(select(func.max(table.id))).one()  # type: ignore[attr-defined]
        return (newest or 0) - REACH

    def sales(self) -> list[Event]:
        """Lines sold and given back."""
        query = (
            select(SalesLog, Connection.name, Order.name)
            .join(Connection, col(Connection.id) == col(SalesLog.connection_id))
            .join(Order, col(Order.id) == col(SalesLog.order_id))
            .where(SalesLog.merchant_id == self.merchant_id, col(SalesLog.id) > self._floor(SalesLog))
        )
        query = query if self.since is None else query.where(col(SalesLog.recorded_at) >= self.since)
        query = query if self.before is None else query.where(col(SalesLog.recorded_at) < self.before)
        rows = self.session.exec(query.order_by(col(SalesLog.id).desc()).limit(self.limit)).all()
        return [_sale(row, store, order) for row, store, order in rows]

    def pushes(self) -> list[Event]:
        """Numbers set, and numbers not set because the store showed another one."""
        stores = dict(
            self.session.exec(
                select(Connection.id, Connection.name).where(
                    Connection.merchant_id == self.merchant_id, Connection.role == ConnectionRole.STORE
                )
            ).all()
        )
        query = select(Push).where(
            col(Push.connection_id).in_(stores),
            col(Push.id) > self._floor(Push),
            col(Push.state).in_((PushState.ACKNOWLEDGED, PushState.REFUSED)),
        )
        query = query if self.since is None else query.where(col(Push.answered_at) >= self.since)
        query = query if self.before is None else query.where(col(Push.answered_at) < self.before)
        rows = self.session.exec(query.order_by(col(Push.id).desc()).limit(self.limit)).all()
        return [_push(row, stores[row.connection_id]) for row in rows if row.answered_at is not None]

    def readings(self) -> list[Event]:
        """Readings of the authority that changed something, each once."""
        query = (
            select(Movement, Location.name)
            .join(Location, col(Location.id) == col(Movement.location_id))
            .where(
                Movement.merchant_id == self.merchant_id,
                Movement.kind == MovementKind.READING,
                col(Movement.id) > self._floor(Movement),
            )
        )
        query = query if self.since is None else query.where(col(Movement.recorded_at) >= self.since)
        query = query if self.before is None else query.where(col(Movement.recorded_at) < self.before)
        groups: dict[tuple[str, int], list[tuple[Movement, str]]] = {}
        for row, place in self.session.exec(query.order_by(col(Movement.id).desc()).limit(self.limit)):
            groups.setdefault((row.event, row.location_id), []).append((row, place))
        name = authority_of(self.session, self.merchant_id).name
        return [_reading(group, name) for group in groups.values()]

    def recorded(self) -> list[Event]:
        """Sales that the back office has."""
        query = (
            select(SaleDocument, Order.name)
            .join(Order, col(Order.id) == col(SaleDocument.order_id))
            .where(
                SaleDocument.merchant_id == self.merchant_id,
                SaleDocument.state == DocumentState.RECORDED,
                col(SaleDocument.recorded_at).is_not(None),
                col(SaleDocument.id) > self._floor(SaleDocument),
            )
        )
        query = query if self.since is None else query.where(col(SaleDocument.recorded_at) >= self.since)
        query = query if self.before is None else query.where(col(SaleDocument.recorded_at) < self.before)
        rows = self.session.exec(query.order_by(col(SaleDocument.id).desc()).limit(self.limit)).all()
        name = authority_of(self.session, self.merchant_id).name
        return [
            Event(
                key=f"d{row.id}",
                kind="recorded",
                at=row.recorded_at,
                place=name,
                order_id=row.order_id,
                order=order,
                words=row.invoice_no,
            )
            for row, order in rows
            if row.recorded_at is not None
        ]

    def drift(self) -> list[Event]:
        """Numbers that somebody else changed in a store."""
        sku = (
            select(Listing.sku)
            .where(Listing.stock_item_id == StockItem.id, Listing.match == Match.LINKED)
            .limit(1)
            .scalar_subquery()
        )
        query = (
            select(Drift, Connection.name, sku)
            .join(StockItem, col(StockItem.id) == col(Drift.stock_item_id))
            .join(Connection, col(Connection.id) == col(StockItem.connection_id))
            .where(Connection.merchant_id == self.merchant_id, col(Drift.id) > self._floor(Drift))
        )
        rows = self.session.exec(query.order_by(col(Drift.id).desc()).limit(self.limit)).all()
        return [
            Event(
                key=f"x{row.id}",
                kind="drift",
                at=row.found_at,
                place=store,
                sku=code or "",
                number=row.found,
                expected=row.believed,
                words=row.verdict,
            )
            for row, store, code in rows
            if self._within(row.found_at)
        ]


def _sale(row: SalesLog, store: str, order: str) -> Event:
    is_return = row.kind is SaleKind.RETURN
    return Event(
        key=f"s{row.id}",
        kind="return" if is_return else "sale",
        at=row.recorded_at,
        place=store,
        sku=row.sku or "",
        units=row.quantity,
        order_id=row.order_id,
        order=order or row.order_external_id,
        money=row.unit_price * row.quantity * (-1 if is_return else 1),
        currency=row.currency,
        seconds=max(0.0, (row.recorded_at - row.occurred_at).total_seconds()),
    )


def _push(row: Push, store: str) -> Event:
    is_refused = row.state is PushState.REFUSED
    at = row.answered_at or row.intent_at
    return Event(
        key=f"p{row.id}",
        kind="prevented" if is_refused else "push",
        at=at,
        place=store,
        sku=row.sku,
        number=row.before if is_refused else row.after,
        expected=row.expected,
        seconds=None if row.sold_at is None or is_refused else max(0.0, (at - row.sold_at).total_seconds()),
        words=row.cause,
    )


def _reading(group: Sequence[tuple[Movement, str]], name: str) -> Event:
    newest, place = group[0]
    after = newest.value or 0
    return Event(
        key=f"m{newest.id}",
        kind="reading",
        at=newest.recorded_at,
        place=name,
        sku=newest.sku if len(group) == 1 else "",
        units=len(group),
        number=after,
        expected=after - newest.on_hand_delta,
        words=place,
    )
