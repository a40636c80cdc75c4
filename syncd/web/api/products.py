"""`/match/{name}/…`: products made where they are missing, in a store or in syncd's own ledger."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field
from sqlmodel import Session

from schema.tables import Connection, CreationState
from syncd.engine import connections, creation, runs, starting
from syncd.engine.creation import CreationView
from syncd.engine.hands import store_hand
from syncd.engine.new_products import NewProduct, absent_skus, count_absent, new_products
from syncd.engine.runs import RunView
from syncd.engine.starting import StoreProduct, Taken
from syncd.web.api.answers import Page, after_id, page
from syncd.web.api.asking import Asking, Caller, ConnectionName, Cursor, Id, Limit, Sent, missing_is_404

router = APIRouter(tags=["stock"])

SkusSent = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=191)], ...], Field(max_length=1000)]


class Missing(Page[NewProduct]):
    """What a store lacks, as it would be made; `total` is how many there are in all."""

    total: int


class CreateSent(Sent):
    """Which SKUs to make, all that are missing if none is named. `publish`: on sale at once, else as drafts."""

    skus: SkusSent = ()
    publish: bool = False
    images: bool = True


class TakeSent(Sent):
    """Which SKUs to take, all that the ledger has no figure for if none is named."""

    skus: SkusSent = ()


class Creating(BaseModel):
    """How far the making of products is; `run.done` of `run.total` have come to an end."""

    run: RunView
    products: list[CreationView]


@router.get("/match/{name}/missing")
def list_missing(
    name: ConnectionName,
    caller: Asking,
    q: Annotated[str, Query(max_length=191, description="In the SKU or the name.")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Missing:
    """What the back office has and the store lacks, with name, price and image; `problem`: why one cannot be made."""
    begin = after_id(cursor) or 0
    with caller.reading() as session:
        store = _store(session, caller, name)
        skus = absent_skus(session, store, q, offset=begin, limit=limit + 1)
        rows = new_products(session, store, skus, is_draft=True)
        total = count_absent(session, store, q)
    marked = page(rows, limit, lambda _: begin + limit)
    return Missing(items=marked.items, next=marked.next, total=total)


@router.post("/match/{name}/create", status_code=202)
def create(name: ConnectionName, sent: CreateSent, caller: Asking) -> Creating:
    """Make products in the store. The daemon does it; ask `/match/{name}/create/{run_id}` how far it is."""
    run_id = creation.want(
        caller.engine,
        caller.connection_id(name),
        sent.skus,
        is_draft=not sent.publish,
        with_images=sent.images,
        actor=caller.actor,
    )
    return _creating(caller, name, run_id)


@router.get("/match/{name}/create/{run_id}")
def show_creating(
    name: ConnectionName,
    run_id: Id,
    caller: Asking,
    state: Annotated[list[CreationState] | None, Query(description="Only products in these states.")] = None,
) -> Creating:
    """How far it is, and product by product what came of it."""
    return _creating(caller, name, run_id, tuple(state or ()))


@router.post("/match/{name}/create/{run_id}/stop")
def stop(name: ConnectionName, run_id: Id, caller: Asking) -> Creating:
    """Make nothing more of it."""
    _creating(caller, name, run_id)
    creation.stop(caller.engine, caller.merchant_id, run_id, actor=caller.actor)
    return _creating(caller, name, run_id)


@router.get("/match/{name}/take")
def list_to_take(name: ConnectionName, caller: Asking) -> list[StoreProduct]:
    """The store's products that syncd's own ledger has no figure for; `problem` says why one cannot be taken."""
    with caller.reading() as session:
        return starting.store_products(session, _store(session, caller, name))


@router.post("/match/{name}/take")
def take(name: ConnectionName, sent: TakeSent, caller: Asking) -> Taken:
    """Let syncd's own ledger begin with what the store shows of them."""
    connection_id = caller.connection_id(name)
    with store_hand(caller.engine, connection_id) as held:
        return starting.take(caller.engine, held, connection_id, sent.skus, actor=caller.actor)


def _store(session: Session, caller: Caller, name: str) -> Connection:
    with missing_is_404():
        return connections.find(session, caller.merchant_id, name)


def _creating(caller: Caller, name: str, run_id: int, states: tuple[CreationState, ...] = ()) -> Creating:
    connection_id = caller.connection_id(name)
    with caller.reading() as session:
        with missing_is_404():
            run = runs.find_run(session, caller.merchant_id, run_id)
        if run.kind != creation.KIND or run.connection_id != connection_id:
            raise HTTPException(404, f"Run {run_id} makes no products in {name}.")
        return Creating(run=runs.show_run(session, run)[0], products=creation.creations(session, run_id, states))
