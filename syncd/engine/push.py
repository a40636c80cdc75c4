"""Pushing: where a store should show another number than we believe it shows, set it by compare-and-set.

What is owed is a query, not a queue. Three parts per call: the intent is stored and committed, the store is called, the
answer is stored and committed. What may be pushed, and what an answer does to our belief, is decided in
`syncd/domain/publish.py`. One hand pushes and looks per store: whoever holds the lease `store:<id>`.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session, col, func, or_, select

from connectors.sdk.contract import Store
from connectors.sdk.errors import ConnectorError, OutcomeUnknown
from connectors.sdk.values import StockRef, StockWrite, WriteAnswer, WriteBatch, WriteOutcome, WriteResult
from schema.tables import (
    Connection,
    ConnectionState,
    Push,
    PushBatch,
    PushState,
    RunState,
    StockItem,
    SyncRun,
)
from syncd.domain import border, publish
from syncd.engine import items, push_answers
from syncd.engine.context import Engine
from syncd.engine.desired import lock_items
from syncd.engine.failures import note_failure, note_success
from syncd.engine.leases import Held, confirm
from syncd.engine.wake import wake

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
    hand = Hand(engine=engine, held=held, connection=connection, store=store)
    return hand.push(owed)


def _owed(session: Session, connection: Connection, now: datetime) -> list[Owed]:
    if connection.state is not ConnectionState.LIVE or (connection.not_before and connection.not_before > now):
        return []
    rows = session.exec(
        select(StockItem)
        .where(
            StockItem.connection_id == connection.id,
            col(StockItem.desired).is_not(None),
            col(StockItem.desired) != col(StockItem.observed),
            col(StockItem.unknown_until).is_(None),
            or_(col(StockItem.not_before).is_(None), col(StockItem.not_before) <= now),
        )
        .order_by(col(StockItem.id))
        .limit(MOST_AT_ONCE)
    )
    return [owed for item in rows if (owed := _owed_item(item)) is not None]


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
        rows = session.exec(
            select(Push, PushBatch)
            .join(PushBatch, col(PushBatch.id) == col(Push.batch_id))
            .where(
                Push.connection_id == connection_id, Push.state == PushState.INTENT, PushBatch.lease_token != held.token
            )
            .order_by(col(Push.stock_item_id))
            .with_for_update()
        ).all()
        for push, _batch in rows:
            item = items.locked(session, push.stock_item_id)
            push_answers.lost(engine, push, item, "the daemon stopped before the answer came", now)
    if rows:
        log.warning("pushes_unknown", connection=connection_id, count=len(rows))
    return len(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """The one hand that writes to a store just now."""

    engine: Engine
    held: Held
    connection: Connection
    store: Store

    def push(self, owed: Sequence[Owed]) -> int:
        """Send everything owed, batch by batch; stops at the first batch that fails as a whole."""
        by_id = {each.ref.stock_id: each for each in owed}
        shapes = [StockWrite(ref=each.ref, expected=0, quantity=0) for each in owed]
        run_id: int | None = None
        done = 0
        for shape in self.store.batches(shapes):
            group = [by_id[write.ref.stock_id] for write in shape]
            found = self._read_doubtful([each.ref for each in group if each.is_doubtful])
            if found is None:
                break
            run_id, batch = self._store_intent(run_id, group, found)
            if batch is not None and not self._send(batch):
                break
            done += len(batch.writes) if batch else 0
        if run_id is not None:
            self._close_run(run_id)
        return done

    def _read_doubtful(self, refs: Sequence[StockRef]) -> Mapping[str, int] | None:
        """Figures of what is in doubt, read just now; None when the store cannot be read."""
        if not refs:
            return {}
        figures: dict[str, int] = {}
        rows = self.store.traits.read_rows
        try:
            for start in range(0, len(refs), rows):
                reading = self.store.read_stock(refs[start : start + rows])
                for stock_id, told in reading.figures.items():
                    if (figure := border.figure(told)) is not None:
                        figures[stock_id] = figure
        except ConnectorError as error:
            note_failure(self.engine, self.connection, error)
            return None
        return figures

    def _store_intent(
        self, run_id: int | None, group: Sequence[Owed], found: Mapping[str, int]
    ) -> tuple[int | None, WriteBatch | None]:
        """Plan again under the rows' locks and store what is about to be sent; nothing to send gives None."""
        engine, now = self.engine, self.engine.clock.now()
        with engine.database.transaction() as session:
            ends_at = confirm(session, self.held, now)
            planned = []
            for item in lock_items(session, [each.item_id for each in group]):
                write = _plan(item, found.get(item.external_id))
                if write is not None:
                    planned.append((item, write))
            if not planned:
                return run_id, None
            if run_id is None:
                run_id = _open_run(session, self.connection, "push", "what is owed", now)
            batch = PushBatch(
                connection_id=self.connection.id or 0,
                run_id=run_id,
                key=str(uuid.UUID(int=engine.random.getrandbits(128), version=4)),
                lease_token=self.held.token,
                intent_at=now,
            )
            session.add(batch)
            session.flush()
            writes = self._store_pushes(session, batch, planned, now)
        if not writes:
            return run_id, None
        return run_id, WriteBatch(
            reference=f"PushBatch/{batch.id}",
            key=batch.key,
            writes=tuple(writes),
            not_after=min(ends_at, now + engine.settings.push.begin_within),
        )

    def _store_pushes(
        self,
        session: Session,
        batch: PushBatch,
        planned: Sequence[tuple[StockItem, publish.PushWrite]],
        now: datetime,
    ) -> list[StockWrite]:
        labels = push_answers.labels(session, self.connection, [item.id or 0 for item, _ in planned])
        writes = []
        for item, write in planned:
            label = labels.get(item.id or 0, push_answers.Label())
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
                self._book(session, push, item, result, now, now)
        return writes

    def _send(self, batch: WriteBatch) -> bool:
        """Call the store and store its answer; False when the store is not to be called again now."""
        error: ConnectorError | None = None
        try:
            answer = self.store.write_stock(batch)
        except OutcomeUnknown as unknown:
            error, answer = unknown, self._all(batch, WriteOutcome.UNKNOWN, str(unknown))
        except ConnectorError as failed:
            error, answer = failed, self._all(batch, WriteOutcome.NOT_SENT, str(failed))
        except Exception:
            self._record(batch, self._all(batch, WriteOutcome.UNKNOWN, "the connector broke while it was writing"))
            raise
        self._record(batch, answer)
        if error is None:
            note_success(self.engine, self.connection)
            return True
        if not isinstance(error, OutcomeUnknown):
            note_failure(self.engine, self.connection, error)
        return False

    def _all(self, batch: WriteBatch, outcome: WriteOutcome, words: str) -> WriteAnswer:
        result = WriteResult(outcome=outcome, words=words)
        return WriteAnswer(
            results={write.ref.stock_id: result for write in batch.writes}, platform_at=self.engine.clock.now()
        )

    def _record(self, batch: WriteBatch, answer: WriteAnswer) -> None:
        """Store each row's outcome, unless the next hand has declared it unknown meanwhile."""
        now = self.engine.clock.now()
        with self.engine.database.transaction() as session:
            row = session.exec(select(PushBatch).where(PushBatch.key == batch.key)).one()
            row.answered_at = now
            pushes = session.exec(select(Push).where(Push.batch_id == row.id, Push.state == PushState.INTENT)).all()
            locked = {item.id: item for item in lock_items(session, [push.stock_item_id for push in pushes])}
            missing = WriteResult(outcome=WriteOutcome.UNKNOWN, words="the store's answer does not mention it")
            for push in pushes:
                session.refresh(push, with_for_update=True)
                if push.state is PushState.INTENT:
                    item = locked[push.stock_item_id]
                    result = answer.results.get(item.external_id, missing)
                    self._book(session, push, item, result, answer.platform_at, now)
            wake(session)

    def _book(
        self, session: Session, push: Push, item: StockItem, result: WriteResult, platform_at: datetime, now: datetime
    ) -> None:
        compares = self.store.traits.compares
        push_answers.answered(
            self.engine, session, push, item, result, compares=compares, platform_at=platform_at, now=now
        )

    def _close_run(self, run_id: int) -> None:
        now = self.engine.clock.now()
        with self.engine.database.transaction() as session:
            close_run(session, run_id, now)


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


def _open_run(session: Session, connection: Connection, kind: str, cause: str, now: datetime) -> int:
    run = SyncRun(
        merchant_id=connection.merchant_id,
        connection_id=connection.id,
        kind=kind,
        cause=cause,
        state=RunState.RUNNING,
        started_at=now,
    )
    session.add(run)
    session.flush()
    return run.id or 0


def close_run(session: Session, run_id: int, now: datetime) -> None:
    """Count what a run of pushes came to."""
    run = session.get_one(SyncRun, run_id)
    rows = session.exec(select(Push.state, func.count()).where(Push.run_id == run_id).group_by(col(Push.state))).all()
    run.counts = {PushState(state).value: count for state, count in rows}
    run.done = run.total = sum(count for _, count in rows)
    run.state = RunState.DONE
    run.ended_at = now
