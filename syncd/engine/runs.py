"""Sync runs: what was done, every push of it, and beginning those that somebody asked for.

Asking and the steps are `sync.py`, putting back is `undo.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import sqlalchemy
import structlog
from sqlalchemy import Select
from sqlmodel import Session, col, select

from schema.tables import Connection, Push, RunState, SyncRun
from syncd.engine import sync
from syncd.engine.context import Engine
from syncd.engine.hands import trying
from syncd.engine.wake import wake
from syncd.errors import NotPossible

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run. `counts` says what came of it, `words` what went wrong, `total` is None while it is not known."""

    id: int
    kind: str
    connection: str | None
    cause: str
    state: str
    is_dry: bool
    counts: Mapping[str, object]
    done: int
    total: int | None
    words: str
    undone_by: int | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushView:
    """One figure set, or tried to: `before` is what the store showed, `expected` what we believed."""

    id: int
    connection: str
    sku: str
    expected: int
    before: int | None
    target: int
    after: int | None
    desired: int
    state: str
    cause: str
    words: str
    is_undo: bool
    intent_at: datetime
    answered_at: datetime | None


# ------------------------------------------------------------------------------------------- showing


def list_runs(
    session: Session,
    merchant_id: int,
    *,
    connection_id: int | None = None,
    kind: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[RunView]:
    """The newest first; those with a smaller id than `before`."""
    query = (
        select(SyncRun, Connection)
        .outerjoin(Connection, col(Connection.id) == col(SyncRun.connection_id))
        .where(SyncRun.merchant_id == merchant_id)
    )
    if connection_id is not None:
        query = query.where(SyncRun.connection_id == connection_id)
    if kind is not None:
        query = query.where(SyncRun.kind == kind)
    if before is not None:
        query = query.where(col(SyncRun.id) < before)
    return [_view(run, store) for run, store in session.exec(query.order_by(col(SyncRun.id).desc()).limit(limit))]


def find_run(session: Session, merchant_id: int, run_id: int) -> SyncRun:
    """A run of the merchant's. Raises NotPossible."""
    run = session.get(SyncRun, run_id)
    if run is None or run.merchant_id != merchant_id:
        raise NotPossible(f"There is no run {run_id}. `syncd runs list` shows the latest.")
    return run


def show_run(session: Session, run: SyncRun) -> tuple[RunView, list[PushView]]:
    """A run with every push of it."""
    store = session.get(Connection, run.connection_id) if run.connection_id else None
    pushes = session.exec(
        select(Push, Connection)
        .join(Connection, col(Connection.id) == col(Push.connection_id))
        .where(Push.run_id == run.id)
        .order_by(col(Push.id))
    ).all()
    return _view(run, store), [_push_view(push, connection) for push, connection in pushes]


def _view(run: SyncRun, store: Connection | None) -> RunView:
    return RunView(
        id=run.id or 0,
        kind=run.kind,
        connection=store.name if store else None,
        cause=run.cause,
        state=run.state.value,
        is_dry=run.is_dry,
        counts=run.counts,
        done=run.done,
        total=run.total,
        words=run.words,
        undone_by=run.undone_by,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


def _push_view(push: Push, store: Connection) -> PushView:
    return PushView(
        id=push.id or 0,
        connection=store.name,
        sku=push.sku,
        expected=push.expected,
        before=push.before,
        target=push.target,
        after=push.after,
        desired=push.desired,
        state=push.state.value,
        cause=push.cause,
        words=push.words,
        is_undo=push.is_undo,
        intent_at=push.intent_at,
        answered_at=push.answered_at,
    )


# ------------------------------------------------------------------------------------------- beginning


def begin_wanted(engine: Engine, merchant_id: int | None = None) -> int:
    """Take the steps of every run that somebody asked for and nobody has begun; returns how many.

    A run that was begun and whose hand is gone has failed. The daemon calls this; `sync --wait` too where none runs.
    """
    with engine.database.reading() as session:
        unfinished = session.execute(_unfinished()).all()
    return sum(_begin(engine, run_id or 0) for run_id, owner in unfinished if merchant_id in (None, owner))


@cache
def _unfinished() -> Select[int | None, int]:
    """The id and the merchant of every forced sync that is not at its end."""
    states = col(SyncRun.state).in_((RunState.WANTED, RunState.RUNNING))
    query = sqlalchemy.select(col(SyncRun.id), col(SyncRun.merchant_id)).where(col(SyncRun.kind) == sync.KIND, states)
    return query.order_by(col(SyncRun.id))


def _begin(engine: Engine, run_id: int) -> bool:
    with trying(engine, f"run:{run_id}") as held:
        if held is None:
            return False
        with engine.database.transaction() as session:
            run = session.get_one(SyncRun, run_id)
            if run.state is RunState.RUNNING:
                run.state, run.words, run.ended_at = RunState.FAILED, "syncd stopped before its end", engine.clock.now()
                return False
            if run.state is not RunState.WANTED:
                return False
            run.state = RunState.RUNNING
            run.started_at = engine.clock.now()
        log.info("run_begun", run=run_id, kind=sync.KIND)
        sync.take_steps(engine, run_id)
        with engine.database.transaction() as session:
            wake(session)
        return True
