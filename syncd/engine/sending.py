"""One batch of writes on its way to a store: stored before it is sent, called, its answer stored.

Used by `push.py` for what is owed and by `undo.py` for what is put back. What an answer changes is `push_answers.py`.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from connectors.sdk.contract import Store
from connectors.sdk.errors import ConnectorError, OutcomeUnknown
from connectors.sdk.values import StockWrite, WriteAnswer, WriteBatch, WriteOutcome, WriteResult
from schema.tables import Connection, Push, PushBatch, PushState, RunState, StockItem, SyncRun
from syncd.engine import push_answers
from syncd.engine.context import Engine
from syncd.engine.desired import lock_items
from syncd.engine.failures import note_failure, note_success
from syncd.engine.leases import Held
from syncd.engine.wake import wake

Booked = Callable[[Session, Push, StockItem, datetime], None]


def _nobody(session: Session, push: Push, item: StockItem, now: datetime) -> None:
    """Nobody wants to know what was booked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The one hand that writes to a store just now. `booked` is told of every outcome, in its transaction."""

    engine: Engine
    held: Held
    connection: Connection
    store: Store
    booked: Booked = _nobody

    def open_batch(self, session: Session, run_id: int, now: datetime) -> PushBatch:
        """The row of a batch that is about to be sent: its id is the store's reference, its key the idempotency key."""
        batch = PushBatch(
            connection_id=self.connection.id or 0,
            run_id=run_id,
            key=str(uuid.UUID(int=self.engine.random.getrandbits(128), version=4)),
            lease_token=self.held.token,
            intent_at=now,
        )
        session.add(batch)
        session.flush()
        return batch

    def request(self, batch: PushBatch, writes: Sequence[StockWrite], ends_at: datetime) -> WriteBatch | None:
        """What is sent of it, to begin before the lease ends; None where nothing is."""
        if not writes:
            return None
        return WriteBatch(
            reference=f"PushBatch/{batch.id}",
            key=batch.key,
            writes=tuple(writes),
            not_after=min(ends_at, batch.intent_at + self.engine.settings.push.begin_within),
        )

    def send(self, batch: WriteBatch) -> bool:
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
                    self.book(session, push, item, result, answer.platform_at, now)
            wake(session)

    def book(
        self, session: Session, push: Push, item: StockItem, result: WriteResult, platform_at: datetime, now: datetime
    ) -> None:
        """Store one outcome, under the figure's lock."""
        compares = self.store.traits.compares
        push_answers.answered(
            self.engine, session, push, item, result, compares=compares, platform_at=platform_at, now=now
        )
        self.booked(session, push, item, now)


# ------------------------------------------------------------------------------------------- runs of pushes


def open_run(
    session: Session, merchant_id: int, connection_id: int | None, kind: str, cause: str, now: datetime
) -> int:
    """A run of pushes that begins now; gives its id."""
    run = SyncRun(
        merchant_id=merchant_id,
        connection_id=connection_id,
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
