"""What happened, as one list: sales heard of, numbers set, overwrites prevented, readings, sales recorded, drift.

Ordered by when we heard of it or did it. Each kind is read from the end of an index of the merchant's own, so that the
newest cost the same however long the history is, and whoever else is in the database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col, exists, func, select

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
from syncd.engine.batches import batched

Moment = Mapped[datetime] | Mapped[datetime | None]
STORES_AT_ONCE = 200
"""SQLite allows 500 parts of one statement."""


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

    def _within(self, at: Moment) -> list[ColumnElement[bool]]:
        """The conditions on when it was."""
        since = [] if self.since is None else [at >= self.since]
        return since if self.before is None else [*since, at < self.before]

    def sales(self) -> list[Event]:
        """Lines sold and given back."""
        at = col(SalesLog.recorded_at)
        rows = self.session.exec(
            select(SalesLog, Connection.name, Order.name)
            .join(Connection, col(Connection.id) == col(SalesLog.connection_id))
            .join(Order, col(Order.id) == col(SalesLog.order_id))
            .where(SalesLog.merchant_id == self.merchant_id, *self._within(at))
            .order_by(at.desc(), col(SalesLog.id).desc())
            .limit(self.limit)
        ).all()
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
        ids = [push_id for some in batched(list(stores), STORES_AT_ONCE) for push_id in self._newest_pushes(some)]
        newest = select(Push).where(col(Push.id).in_(ids)).order_by(col(Push.answered_at).desc(), col(Push.id).desc())
        rows = self.session.exec(newest.limit(self.limit)).all()
        return [_push(row, stores[row.connection_id]) for row in rows]

    def _newest_pushes(self, connection_ids: Sequence[int | None]) -> Sequence[int]:
        """The newest of each store, from the end of its own index."""
        at = col(Push.answered_at)
        each = [
            sqlalchemy.select(col(Push.id), at)
            .where(
                col(Push.connection_id) == connection_id,
                at.is_not(None),
                col(Push.state).in_((PushState.ACKNOWLEDGED, PushState.REFUSED)),
                *self._within(at),
            )
            .order_by(at.desc())
            .limit(self.limit)
            .subquery()
            for connection_id in connection_ids
        ]
        together = sqlalchemy.union_all(*(sqlalchemy.select(one) for one in each)).subquery()
        newest = sqlalchemy.select(together.c.id).order_by(together.c.answered_at.desc()).limit(self.limit)
        return self.session.execute(newest).scalars().all()

    def readings(self) -> list[Event]:
        """Readings of the authority that changed something, each once."""
        at = col(Movement.recorded_at)
        rows = self.session.execute(
            select(Movement, Location.name)
            .join(Location, col(Location.id) == col(Movement.location_id))
            .where(
                Movement.merchant_id == self.merchant_id,
                Movement.kind == MovementKind.READING,
                *self._within(at),
            )
            .order_by(at.desc(), col(Movement.id).desc())
            .limit(self.limit)
        )
        groups: dict[tuple[str, int], list[tuple[Movement, str]]] = {}
        for row, place in rows:
            groups.setdefault((row.event, row.location_id), []).append((row, place))
        name = authority_of(self.session, self.merchant_id).name
        sizes = self._sizes(groups)
        return [_reading(group, sizes[key], name) for key, group in groups.items()]

    def _sizes(self, groups: Mapping[tuple[str, int], Sequence[tuple[Movement, str]]]) -> dict[tuple[str, int], int]:
        """How many figures each reading changed; what was read above may be a part of a large one."""
        if not groups:
            return {}
        sources = {movement.source for group in groups.values() for movement, _ in group}
        rows = self.session.execute(
            select(Movement.event, Movement.location_id, func.count())
            .where(
                Movement.merchant_id == self.merchant_id,
                col(Movement.source).in_(sources),
                col(Movement.event).in_({event for event, _ in groups}),
            )
            .group_by(col(Movement.event), col(Movement.location_id))
        )
        return {(event, place): int(count) for event, place, count in rows}

    def recorded(self) -> list[Event]:
        """Sales that the back office has."""
        at = col(SaleDocument.recorded_at)
        rows = self.session.exec(
            select(SaleDocument, Order.name)
            .join(Order, col(Order.id) == col(SaleDocument.order_id))
            .where(
                SaleDocument.merchant_id == self.merchant_id,
                SaleDocument.state == DocumentState.RECORDED,
                at.is_not(None),
                *self._within(at),
            )
            .order_by(at.desc(), col(SaleDocument.id).desc())
            .limit(self.limit)
        ).all()
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
        at = col(Drift.found_at)
        mine = exists().where(
            col(StockItem.id) == col(Drift.stock_item_id),
            col(Connection.id) == col(StockItem.connection_id),
            col(Connection.merchant_id) == self.merchant_id,
        )
        newest = (
            select(Drift.id).where(mine, *self._within(at)).order_by(at.desc(), col(Drift.id).desc()).limit(self.limit)
        )
        rows = self.session.exec(
            select(Drift, Connection.name, sku)
            .join(StockItem, col(StockItem.id) == col(Drift.stock_item_id))
            .join(Connection, col(Connection.id) == col(StockItem.connection_id))
            .where(col(Drift.id).in_(newest))
        ).all()
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


def _reading(group: Sequence[tuple[Movement, str]], size: int, name: str) -> Event:
    newest, place = group[0]
    after = newest.value or 0
    return Event(
        key=f"m{newest.id}",
        kind="reading",
        at=newest.recorded_at,
        place=name,
        sku=newest.sku if size == 1 else "",
        units=size,
        number=after,
        expected=after - newest.on_hand_delta,
        words=place,
    )
