"""Putting back what a run has set (STOCK.md §9): relative, by compare-and-set, and kept so until a person releases it.

`plan` lists first what can be put back and what has changed since and stays. Sales since then stay sold.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session, col, select

from connectors.sdk.errors import ConnectorError, OutcomeUnknown
from connectors.sdk.values import StockRef, StockWrite, WriteAnswer, WriteBatch, WriteOutcome, WriteResult
from schema.tables import Connection, ConnectionState, Push, PushBatch, PushState, RunState, StockItem, SyncRun
from syncd.domain import drift
from syncd.engine import items, push, push_answers
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.desired import lock_items
from syncd.engine.failures import note_failure, note_success
from syncd.engine.hands import store_hand
from syncd.engine.issues import raise_issue
from syncd.engine.leases import Held, confirm
from syncd.engine.linking import held_key
from syncd.engine.runs import find_run
from syncd.engine.stock_view import moved_between
from syncd.engine.wake import wake
from syncd.errors import NotPossible

log = structlog.get_logger(__name__)

KIND = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRow:
    """One figure of a run: from what it shows to what it would be put back to; `stays` says why it is not."""

    push_id: int
    connection: str
    sku: str
    shows: int | None
    becomes: int | None
    stays: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What came of it: the run that did it, and how many figures are back, were refused, or stayed."""

    run_id: int | None
    put_back: int
    refused: int
    stayed: int


# ------------------------------------------------------------------------------------------- planning


def plan(session: Session, run: SyncRun, now: datetime) -> list[UndoRow]:
    """What could be put back now. Raises NotPossible for a run that is still going on."""
    if run.state in (RunState.WANTED, RunState.RUNNING):
        raise NotPossible(f"Run {run.id} is still going on.")
    return [_row(session, one, now) for one in _pushes(session, run)]


def _pushes(session: Session, run: SyncRun) -> Sequence[Push]:
    """The last acknowledged push of the run to each figure, undoing ones left out."""
    rows = session.exec(
        select(Push)
        .where(Push.run_id == run.id, Push.state == PushState.ACKNOWLEDGED, col(Push.is_undo).is_(False))
        .order_by(col(Push.id))
    )
    return list({row.stock_item_id: row for row in rows}.values())


def _row(session: Session, one: Push, now: datetime) -> UndoRow:
    item = session.get_one(StockItem, one.stock_item_id)
    store = session.get_one(Connection, one.connection_id)
    write = _write(session, one, item, now)
    stays = ""
    if store.state is not ConnectionState.LIVE:
        stays = f"{store.name} is {store.state.value}"
    elif write is None:
        stays = "it has changed since"
    elif write.quantity == write.expected:
        stays = "it shows that already"
    return UndoRow(
        push_id=one.id or 0,
        connection=store.name,
        sku=one.sku,
        shows=None if item.observed is None else item.observed + item.held,
        becomes=None if stays or write is None else write.quantity,
        stays=stays,
    )


def _write(session: Session, one: Push, item: StockItem, now: datetime) -> drift.UndoWrite | None:
    if one.before is None or one.after is None or one.answered_at is None:
        return None
    moved = moved_between(session, item.id or 0, one.answered_at, now)
    return drift.plan_undo(items.belief(item), before=one.before, after=one.after, moved_since=moved)


# ------------------------------------------------------------------------------------------- doing


def undo(engine: Engine, merchant_id: int, run_id: int, *, actor: str) -> Undone:
    """Put back what can be. Raises NotPossible where the run was undone, or nothing of it can be put back."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        run = find_run(session, merchant_id, run_id)
        if run.undone_by is not None:
            raise NotPossible(f"Run {run_id} was undone by run {run.undone_by}.")
        rows = plan(session, run, now)
        able = [row.push_id for row in rows if not row.stays]
        if not able:
            raise NotPossible(f"Nothing of run {run_id} can be put back.")
        by_store: dict[int, list[int]] = defaultdict(list)
        for push_id in able:
            by_store[session.get_one(Push, push_id).connection_id].append(push_id)
        undoing = _open_run(session, run, actor, now)
    for connection_id, push_ids in by_store.items():
        with store_hand(engine, connection_id) as held:
            _put_back(engine, held, connection_id, undoing, push_ids)
    return _close(engine, run_id, undoing, stayed=len(rows) - len(able))


def _open_run(session: Session, run: SyncRun, actor: str, now: datetime) -> int:
    undoing = SyncRun(
        merchant_id=run.merchant_id,
        connection_id=run.connection_id,
        kind=KIND,
        cause=f"run {run.id} undone by {actor}",
        state=RunState.RUNNING,
        started_at=now,
    )
    session.add(undoing)
    session.flush()
    audit(session, run.merchant_id, actor, "run.undo", f"run {run.id}", {"undone_by": undoing.id}, now)
    return undoing.id or 0


def _put_back(engine: Engine, held: Held, connection_id: int, undoing: int, push_ids: Sequence[int]) -> None:
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
    store = engine.connectors.store(engine, connection)
    by_figure = _refs(engine, push_ids)
    shapes = [StockWrite(ref=ref, expected=0, quantity=0) for ref, _ in by_figure.values()]
    for shape in store.batches(shapes):
        group = [by_figure[write.ref.stock_id][1] for write in shape]
        batch = _store_intent(engine, held, connection_id, undoing, group)
        if batch is None:
            continue
        try:
            answer = store.write_stock(batch)
        except OutcomeUnknown as error:
            answer = _all(engine, batch, WriteOutcome.UNKNOWN, str(error))
        except ConnectorError as error:
            note_failure(engine, connection, error)
            answer = _all(engine, batch, WriteOutcome.NOT_SENT, str(error))
        else:
            note_success(engine, connection)
        _store_answer(engine, batch, answer, compares=store.traits.compares)


def _refs(engine: Engine, push_ids: Sequence[int]) -> dict[str, tuple[StockRef, int]]:
    """By the store's id of a figure, how it is named, and the push to take back."""
    with engine.database.reading() as session:
        rows = session.exec(
            select(StockItem, Push.id)
            .join(Push, col(Push.stock_item_id) == col(StockItem.id))
            .where(col(Push.id).in_(push_ids))
        ).all()
    return {
        item.external_id: (StockRef(stock_id=item.external_id, parent_id=item.parent_id), push_id or 0)
        for item, push_id in rows
    }


def _store_intent(
    engine: Engine, held: Held, connection_id: int, undoing: int, push_ids: Sequence[int]
) -> WriteBatch | None:
    """Plan again under the rows' locks and store what is about to be sent; None where nothing is left of it."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        ends_at = confirm(session, held, now)
        wanted = session.exec(select(Push).where(col(Push.id).in_(push_ids))).all()
        locked = {item.id: item for item in lock_items(session, [one.stock_item_id for one in wanted])}
        batch = PushBatch(
            connection_id=connection_id,
            run_id=undoing,
            key=str(uuid.UUID(int=engine.random.getrandbits(128), version=4)),
            lease_token=held.token,
            intent_at=now,
        )
        session.add(batch)
        session.flush()
        writes = []
        for one in wanted:
            item = locked[one.stock_item_id]
            write = _write(session, one, item, now)
            if write is not None and write.quantity != write.expected:
                session.add(_intent(batch, one, item, write, now))
                ref = StockRef(stock_id=item.external_id, parent_id=item.parent_id)
                writes.append(StockWrite(ref=ref, expected=write.expected, quantity=write.quantity))
    if not writes:
        return None
    return WriteBatch(
        reference=f"PushBatch/{batch.id}",
        key=batch.key,
        writes=tuple(writes),
        not_after=min(ends_at, now + engine.settings.push.begin_within),
    )


def _intent(batch: PushBatch, one: Push, item: StockItem, write: drift.UndoWrite, now: datetime) -> Push:
    return Push(
        connection_id=batch.connection_id,
        batch_id=batch.id or 0,
        run_id=batch.run_id,
        stock_item_id=item.id or 0,
        sku=one.sku,
        expected=write.expected,
        target=write.quantity,
        difference=write.quantity - write.expected,
        desired=item.desired or 0,
        is_doubtful=True,
        is_undo=True,
        moves=item.moves,
        state=PushState.INTENT,
        cause=f"run {one.run_id} was undone",
        intent_at=now,
    )


def _all(engine: Engine, batch: WriteBatch, outcome: WriteOutcome, words: str) -> WriteAnswer:
    result = WriteResult(outcome=outcome, words=words)
    return WriteAnswer(results={write.ref.stock_id: result for write in batch.writes}, platform_at=engine.clock.now())


def _store_answer(engine: Engine, batch: WriteBatch, answer: WriteAnswer, *, compares: bool) -> None:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.exec(select(PushBatch).where(PushBatch.key == batch.key)).one()
        row.answered_at = now
        sent = session.exec(select(Push).where(Push.batch_id == row.id, Push.state == PushState.INTENT)).all()
        locked = {item.id: item for item in lock_items(session, [one.stock_item_id for one in sent])}
        missing = WriteResult(outcome=WriteOutcome.UNKNOWN, words="the store's answer does not mention it")
        for one in sent:
            item = locked[one.stock_item_id]
            result = answer.results.get(item.external_id, missing)
            push_answers.answered(
                engine, session, one, item, result, compares=compares, platform_at=answer.platform_at, now=now
            )
            if one.state is PushState.ACKNOWLEDGED:
                _tell(session, one, item, now)
        wake(session)


def _tell(session: Session, one: Push, item: StockItem, now: datetime) -> None:
    """One issue for each figure that is kept, by which a person releases it."""
    store = session.get_one(Connection, item.connection_id)
    raise_issue(
        session,
        merchant_id=store.merchant_id,
        kind="undone",
        key=held_key(item),
        title=f"{store.name} shows {one.after} for {one.sku}, as before run {one.cause.split()[1]}.",
        why=f"The run was undone. It should show {item.desired}; it stays as it is until you release it.",
        what_to_do="`syncd issues release` sets it to ours, accepts theirs, or keeps it until a time.",
        connection_id=store.id,
        sku=one.sku,
        details={"shown": one.after, "should": item.desired, "stock_item": item.id},
        now=now,
    )


def _close(engine: Engine, run_id: int, undoing: int, *, stayed: int) -> Undone:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        push.close_run(session, undoing, now)
        counts = session.get_one(SyncRun, undoing).counts
        put_back = int(counts.get(PushState.ACKNOWLEDGED.value, 0))
        if put_back:
            session.get_one(SyncRun, run_id).undone_by = undoing
        wake(session)
    log.info("run_undone", run=run_id, by=undoing, put_back=put_back)
    return Undone(run_id=undoing, put_back=put_back, refused=sum(map(int, counts.values())) - put_back, stayed=stayed)
