"""`/sync…`, `/runs…`: what is left to do, doing it now, what was done, and putting it back."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from syncd.engine import runs, status, sync, undo
from syncd.engine.runs import PushView, RunView
from syncd.engine.status import Status
from syncd.engine.undo import Undone, UndoRow
from syncd.web.api.answers import Page, after_id, page
from syncd.web.api.asking import Asking, Caller, Cursor, Id, Limit, OfConnection, Sent, missing_is_404

router = APIRouter(tags=["sync"])


class Wish(Sent):
    """What to sync: these connections and SKUs, or all. `full` reads whole catalogues too; `dry_run` only looks."""

    connections: Annotated[tuple[Annotated[str, Field(max_length=60)], ...], Field(max_length=100)] = ()
    skus: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=191)], ...], Field(max_length=1000)] = ()
    full: bool = False
    dry_run: bool = False


class RunWhole(BaseModel):
    """A run with every number it set or tried to."""

    run: RunView
    pushes: list[PushView]


@router.get("/sync/status")
def show_status(caller: Asking) -> Status:
    """What is left to do, and whether anything needs a person. At rest the counters are 0."""
    with caller.reading() as session:
        return status.status(session, caller.merchant_id, caller.engine.clock.now())


@router.post("/sync/manual", status_code=202)
def sync_now(sent: Wish, caller: Asking) -> RunView:
    """Do now what the schedule does. The daemon takes the steps; ask `/runs/{id}` how far it is."""
    run_id = sync.want(
        caller.engine,
        caller.merchant_id,
        connection_ids=[caller.connection_id(name) for name in sent.connections],
        skus=sent.skus,
        full=sent.full,
        dry_run=sent.dry_run,
        actor=caller.actor,
    )
    return _whole(caller, run_id).run


@router.get("/runs")
def list_runs(
    caller: Asking,
    connection: OfConnection = None,
    kind: Annotated[str | None, Query(max_length=32)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RunView]:
    """What was done, the newest first."""
    connection_id = caller.maybe_connection_id(connection)
    with caller.reading() as session:
        rows = runs.list_runs(
            session,
            caller.merchant_id,
            connection_id=connection_id,
            kind=kind,
            before=after_id(cursor),
            limit=limit + 1,
        )
    return page(rows, limit, lambda row: row.id)


@router.get("/runs/{run_id}")
def show_run(run_id: Id, caller: Asking) -> RunWhole:
    """One run, push by push."""
    return _whole(caller, run_id)


@router.get("/runs/{run_id}/undo")
def plan_undo(run_id: Id, caller: Asking) -> list[UndoRow]:
    """What undoing it would put back, and what has changed since and stays."""
    with caller.reading() as session:
        with missing_is_404():
            run = runs.find_run(session, caller.merchant_id, run_id)
        return undo.plan(session, run, caller.engine.clock.now())


@router.post("/runs/{run_id}/undo")
def undo_run(run_id: Id, caller: Asking) -> Undone:
    """Put back what can be."""
    with caller.reading() as session, missing_is_404():
        runs.find_run(session, caller.merchant_id, run_id)
    return undo.undo(caller.engine, caller.merchant_id, run_id, actor=caller.actor)


def _whole(caller: Caller, run_id: int) -> RunWhole:
    with caller.reading() as session, missing_is_404():
        run, pushes = runs.show_run(session, runs.find_run(session, caller.merchant_id, run_id))
    return RunWhole(run=run, pushes=pushes)
