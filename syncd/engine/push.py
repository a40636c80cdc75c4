"""Pushing: where a store should show another number than we believe it shows, set it by compare-and-set.

What is owed is a query, not a queue. Three parts per call (`sending.py`): the intent is stored and committed, the store
is called, the answer is stored and committed. What may be pushed, and what an answer does to our belief, is decided in
`syncd/domain/publish.py`. One hand pushes and looks per store: whoever holds the lease `store:<id>`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import structlog
from sqlalchemy import ColumnElement, bindparam
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import StockRef, StockWrite, WriteBatch, WriteOutcome, WriteResult
from schema.tables import (
    Connection,
    ConnectionState,
    Push,
    PushBatch,
    PushState,
    StockItem,
)
from syncd.domain import publish
from syncd.engine import causes, items, push_answers
from syncd.engine.context import Engine
from syncd.engine.desired import lock_items
from syncd.engine.failures import note_failure
from syncd.engine.figures import read_figures
from syncd.engine.leases import Held, confirm
from syncd.engine.sending import Sender, close_run, open_run

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A figure that is owed a push. `is_doubtful`: it must be read first."""

    item_id: int
    ref: StockRef
    is_doubtful: bool


def push_owed(engine: Engine, held: Held, connection_id: int) -> int:
    """Write what is owed to one store; returns how many figures were acknowledged."""
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        owed = _owed(session, connection, engine.clock.now())
    if not owed:
        return 0
    store = engine.connectors.store(engine, connection)
    return Hand(sender=Sender(engine=engine, held=held, connection=connection, store=store)).push(owed)


def _owed(session: Session, connection: Connection, now: datetime) -> list[Owed]:
    if connection.state is not ConnectionState.LIVE or (connection.not_before and connection.not_before > now):
        return []
    rows = session.exec(_figures_to_push(), params={"store": connection.id, "now": now})
    return [owed for item in rows if (owed := _owed_item(item)) is not None]


@cache
def _figures_to_push() -> SelectOfScalar[StockItem]:
    return select(StockItem).where(*to_push()).order_by(col(StockItem.id)).limit(MOST_AT_ONCE)


def to_push() -> tuple[ColumnElement[bool], ...]:
    """What a figure of the store `:store` fulfils that may be owed a push at the time `:now`."""
    return (
        col(StockItem.connection_id) == bindparam("store"),
        col(StockItem.desired).is_not(None),
        col(StockItem.desired) != col(StockItem.observed),
        col(StockItem.unknown_until).is_(None),
        or_(col(StockItem.not_before).is_(None), col(StockItem.not_before) <= bindparam("now")),
    )


def _owed_item(item: StockItem) -> Owed | None:
    plan = publish.plan_push(items.belief(item), item.desired)
    if plan is None:
        return None
    ref = StockRef(stock_id=item.external_id, parent_id=item.parent_id)
    return Owed(item_id=item.id or 0, ref=ref, is_doubtful=plan.write is None)


def count_owed(session: Session, connection: Connection, now: datetime) -> int:
    """How many figures of a store are owed a push that nothing keeps from going out."""
    return len(_owed(session, connection, now))


def take_over(engine: Engine, held: Held, connection_id: int) -> int:
    """The hand before us is gone: what it sent without storing an answer is unknown (STOCK §4)."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        confirm(session, held, now)
        rows = session.exec(_left_behind(), params={"store": connection_id, "ours": held.token}).all()
        for push, _batch in rows:
            item = items.locked(session, push.stock_item_id)
            push_answers.lost(engine, push, item, "the daemon stopped before the answer came", now)
    if rows:
        log.warning("pushes_unknown", connection=connection_id, count=len(rows))
    return len(rows)


@cache
def _left_behind() -> Select[Push, PushBatch]:
    return (
        select(Push, PushBatch)
        .join(PushBatch, col(PushBatch.id) == col(Push.batch_id))
        .where(
            col(Push.connection_id) == bindparam("store"),
            col(Push.state) == PushState.INTENT,
            col(PushBatch.lease_token) != bindparam("ours"),
        )
        .order_by(col(Push.stock_item_id))
        .with_for_update()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """The one hand that pushes to a store just now."""

    sender: Sender

    def push(self, owed: Sequence[Owed]) -> int:
        """Send everything owed, batch by batch; stops at the first batch that fails as a whole."""
        by_id = {each.ref.stock_id: each for each in owed}
        shapes = [StockWrite(ref=each.ref, expected=0, quantity=0) for each in owed]
        run_id: int | None = None
        done = 0
        for shape in self.sender.store.batches(shapes):
            group = [by_id[write.ref.stock_id] for write in shape]
            found = self._read_doubtful([each.ref for each in group if each.is_doubtful])
            if found is None:
                break
            run_id, batch = self._store_intent(run_id, group, found)
            if batch is not None and not self.sender.send(batch):
                break
            done += len(batch.writes) if batch else 0
        if run_id is not None:
            with self.sender.engine.database.transaction() as session:
                close_run(session, run_id, self.sender.engine.clock.now())
        return done

    def _read_doubtful(self, refs: Sequence[StockRef]) -> Mapping[str, int] | None:
        """Figures of what is in doubt, read just now; None when the store cannot be read."""
        if not refs:
            return {}
        try:
            return read_figures(self.sender.store, refs)
        except ConnectorError as error:
            note_failure(self.sender.engine, self.sender.connection, error)
            return None

    def _store_intent(
        self, run_id: int | None, group: Sequence[Owed], found: Mapping[str, int]
    ) -> tuple[int | None, WriteBatch | None]:
        """Plan again under the rows' locks and store what is about to be sent; nothing to send gives None."""
        sender, now = self.sender, self.sender.engine.clock.now()
        with sender.engine.database.transaction() as session:
            ends_at = confirm(session, sender.held, now)
            planned = []
            for item in lock_items(session, [each.item_id for each in group]):
                write = _plan(item, found.get(item.external_id))
                if write is not None:
                    planned.append((item, write))
            if not planned:
                return run_id, None
            if run_id is None:
                store = sender.connection
                run_id = open_run(session, store.merchant_id, store.id, "push", "what is owed", now)
            batch = sender.open_batch(session, run_id, now)
            writes = self._store_pushes(session, batch, planned, now)
        return run_id, sender.request(batch, writes, ends_at)

    def _store_pushes(
        self,
        session: Session,
        batch: PushBatch,
        planned: Sequence[tuple[StockItem, publish.PushWrite]],
        now: datetime,
    ) -> list[StockWrite]:
        labels = causes.labels(session, self.sender.connection, [item.id or 0 for item, _ in planned])
        writes = []
        for item, write in planned:
            label = labels.get(item.id or 0, causes.Label())
            push = Push(
                connection_id=batch.connection_id,
                batch_id=batch.id or 0,
                run_id=batch.run_id,
                stock_item_id=item.id or 0,
                sku=label.sku,
                expected=write.expected,
                target=max(0, write.quantity),
                difference=write.full,
                desired=item.desired or 0,
                is_doubtful=items.belief(item).look_due or bool(item.held) or item.suspect is not None,
                moves=item.moves,
                state=PushState.INTENT,
                cause=label.cause,
                sold_at=label.sold_at,
                intent_at=now,
            )
            session.add(push)
            if write.changes_the_store:
                ref = StockRef(stock_id=item.external_id, parent_id=item.parent_id)
                writes.append(StockWrite(ref=ref, expected=write.expected, quantity=write.quantity))
            else:
                result = WriteResult(outcome=WriteOutcome.WRITTEN, words="nothing to send")
                self.sender.book(session, push, item, result, now, now)
        return writes


def _plan(item: StockItem, found: int | None) -> publish.PushWrite | None:
    """What to write, by the row as it is now under its lock."""
    plan = publish.plan_push(items.belief(item), item.desired)
    if plan is None:
        return None
    if plan.write is not None:
        return plan.write
    if found is None:
        return None
    return publish.plan_doubtful_write(found, desired=plan.desired, observed=plan.observed)
