"""Putting back what a run has set (STOCK.md §9): relative, by compare-and-set, and kept so until a person releases it.

`plan` lists first what can be put back and what has changed since and stays. Sales since then stay sold.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session, col, select

from connectors.sdk.values import StockRef, StockWrite, WriteBatch
from schema.tables import Connection, ConnectionState, Push, PushBatch, PushState, RunState, StockItem, SyncRun
from syncd.domain import drift
from syncd.engine import items
from syncd.engine.audit import audit
from syncd.engine.batches import batched
from syncd.engine.context import Engine
from syncd.engine.desired import lock_items
from syncd.engine.hands import store_hand
from syncd.engine.issues import raise_issue
from syncd.engine.leases import Held, confirm
from syncd.engine.linking import held_key
from syncd.engine.runs import find_run
from syncd.engine.sending import Sender, close_run, open_run
from syncd.engine.stock_view import AT_ONCE, moved_since
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
    pushes = _pushes(session, run)
    behind = [some for batch in batched(pushes, AT_ONCE) for some in _behind(session, batch)]
    moved = _moved_since(session, pushes, now)
    return [
        _row(one, item, store, moved.get(one.stock_item_id, 0))
        for one, (item, store) in zip(pushes, behind, strict=True)
    ]


def _behind(session: Session, pushes: Sequence[Push]) -> list[tuple[StockItem, Connection]]:
    """The figure and the store of each push."""
    rows = session.exec(
        select(StockItem, Connection)
        .join(Connection, col(Connection.id) == col(StockItem.connection_id))
        .where(col(StockItem.id).in_([one.stock_item_id for one in pushes]))
    )
    found = {item.id: (item, store) for item, store in rows}
    return [found[one.stock_item_id] for one in pushes]


def _moved_since(session: Session, pushes: Sequence[Push], now: datetime) -> dict[int, int]:
    """By how much the stores' own orders have moved the figures since they were set."""
    return moved_since(session, {one.stock_item_id: one.answered_at for one in pushes if one.answered_at}, now)


def _pushes(session: Session, run: SyncRun) -> Sequence[Push]:
    """The last acknowledged push of the run to each figure, undoing ones left out."""
    rows = session.exec(
        select(Push)
        .where(Push.run_id == run.id, Push.state == PushState.ACKNOWLEDGED, col(Push.is_undo).is_(False))
        .order_by(col(Push.id))
    )
    return list({row.stock_item_id: row for row in rows}.values())


def _row(one: Push, item: StockItem, store: Connection, moved: int) -> UndoRow:
    write = _write(one, item, moved)
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


def _write(one: Push, item: StockItem, moved: int) -> drift.UndoWrite | None:
    if one.before is None or one.after is None or one.answered_at is None:
        return None
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
        cause = f"run {run_id} undone by {actor}"
        undoing = open_run(session, merchant_id, run.connection_id, KIND, cause, now)
        audit(session, merchant_id, actor, "run.undo", f"run {run_id}", {"undone_by": undoing}, now)
    for connection_id, push_ids in by_store.items():
        with store_hand(engine, connection_id) as held:
            _put_back(engine, held, connection_id, undoing, push_ids)
    return _close(engine, run_id, undoing, wanted=len(rows))


def _put_back(engine: Engine, held: Held, connection_id: int, undoing: int, push_ids: Sequence[int]) -> None:
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
    store = engine.connectors.store(engine, connection)
    sender = Sender(engine=engine, held=held, connection=connection, store=store, booked=_tell)
    by_figure = _refs(engine, push_ids)
    shapes = [StockWrite(ref=ref, expected=0, quantity=0) for ref, _ in by_figure.values()]
    for shape in store.batches(shapes):
        batch = _store_intent(sender, undoing, [by_figure[write.ref.stock_id][1] for write in shape])
        if batch is not None and not sender.send(batch):
            return


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


def _store_intent(sender: Sender, undoing: int, push_ids: Sequence[int]) -> WriteBatch | None:
    """Plan again under the rows' locks and store what is about to be sent; None where nothing is left of it."""
    now = sender.engine.clock.now()
    with sender.engine.database.transaction() as session:
        ends_at = confirm(session, sender.held, now)
        wanted = session.exec(select(Push).where(col(Push.id).in_(push_ids))).all()
        locked = {item.id: item for item in lock_items(session, [one.stock_item_id for one in wanted])}
        moved = _moved_since(session, wanted, now)
        batch = sender.open_batch(session, undoing, now)
        writes = []
        for one in wanted:
            item = locked[one.stock_item_id]
            write = _write(one, item, moved.get(one.stock_item_id, 0))
            if write is not None and write.quantity != write.expected:
                session.add(_intent(batch, one, item, write, now))
                ref = StockRef(stock_id=item.external_id, parent_id=item.parent_id)
                writes.append(StockWrite(ref=ref, expected=write.expected, quantity=write.quantity))
    return sender.request(batch, writes, ends_at)


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


def _tell(session: Session, one: Push, item: StockItem, now: datetime) -> None:
    """One issue for each figure that is kept, by which a person releases it."""
    if one.state is not PushState.ACKNOWLEDGED:
        return
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


def _close(engine: Engine, run_id: int, undoing: int, *, wanted: int) -> Undone:
    now = engine.clock.now()
    with engine.database.transaction() as session:
        close_run(session, undoing, now)
        counts = session.get_one(SyncRun, undoing).counts
        put_back = int(counts.get(PushState.ACKNOWLEDGED.value, 0))
        if put_back:
            session.get_one(SyncRun, run_id).undone_by = undoing
        wake(session)
    log.info("run_undone", run=run_id, by=undoing, put_back=put_back)
    tried = sum(map(int, counts.values()))
    return Undone(run_id=undoing, put_back=put_back, refused=tried - put_back, stayed=wanted - tried)
