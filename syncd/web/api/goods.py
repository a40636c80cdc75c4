"""`/stock`, `/explain`, `/adjust`, `/match`: numbers, why they are what they are, and which product is which SKU."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, Field, model_validator

from syncd.engine import adjust, connections, explain, ledger_view, match, match_view, stock_view
from syncd.engine.explain import Explanation
from syncd.engine.ledger_view import MovementView
from syncd.engine.match_view import MatchRow
from syncd.engine.stock_view import Stock
from syncd.web.api.answers import Page, after_id, after_word, page
from syncd.web.api.asking import Asking, ConnectionName, Cursor, Limit, Moment, Sent, missing_is_404

router = APIRouter(tags=["stock"])

Sku = Annotated[str, Path(max_length=191)]
SkuSent = Annotated[str, Field(min_length=1, max_length=191)]
RESULTS = ("linked", "unmatched", "duplicate", "no_sku", "untracked", "blocked", "ignored", "gone")


class Adjustment(Sent):
    """`delta` units more or less, or `to` as counted; one of them."""

    sku: SkuSent
    delta: Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)] | None = None
    to: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    location: Annotated[str, Field(max_length=120)] | None = None
    reason: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _is_one(self) -> "Adjustment":
        if (self.delta is None) == (self.to is None):
            raise ValueError("send either `delta` or `to`")
        return self


class Matches(Page[MatchRow]):
    """A page of a store's listings, and how many there are of each result."""

    counts: dict[str, int]


class ListingNamed(Sent):
    """A listing by its id in the store."""

    listing: Annotated[str, Field(min_length=1, max_length=191)]


class LinkSent(ListingNamed):
    """… and the SKU that it is."""

    sku: SkuSent


class Linked(BaseModel):
    """How many orders taken in before are counted now."""

    orders_counted: int


@router.get("/stock")
def list_stock(
    caller: Asking,
    q: Annotated[str, Query(max_length=191, description="SKUs that contain this.")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Stock]:
    """Every SKU at every location, and what each store shows. `limit` counts SKUs."""
    with caller.reading() as session:
        rows = stock_view.all_stock(session, caller.merchant_id, q, limit + 1, after=after_word(cursor))
    skus = list(dict.fromkeys(row.sku for row in rows))
    kept = set(skus[:limit])
    marked = page(skus, limit, str)
    return Page[Stock](items=[row for row in rows if row.sku in kept], next=marked.next)


@router.get("/stock/{sku:path}/movements")
def list_movements(sku: Sku, caller: Asking, cursor: Cursor = None, limit: Limit = 50) -> Page[MovementView]:
    """The ledger of one SKU, the newest first."""
    with caller.reading() as session:
        rows = ledger_view.list_movements(
            session, caller.merchant_id, sku=sku, before=after_id(cursor), limit=limit + 1
        )
    return page(rows, limit, lambda row: row.id)


@router.get("/stock/{sku:path}")
def show_stock(sku: Sku, caller: Asking, at: Moment | None = None) -> list[Stock]:
    """One SKU at every location, now or as it was."""
    with caller.reading() as session, missing_is_404():
        return stock_view.stock_of(session, caller.merchant_id, sku, at)


@router.get("/explain/{sku:path}")
def explain_sku(sku: Sku, caller: Asking) -> Explanation:
    """Why each store's number is what it is: a receipt that sums."""
    with caller.reading() as session, missing_is_404():
        return explain.explain(session, caller.merchant_id, sku, caller.engine.clock.now())


@router.post("/adjust")
def adjust_stock(sent: Adjustment, caller: Asking) -> list[Stock]:
    """Correct syncd's own ledger."""
    adjust.adjust(
        caller.engine,
        caller.merchant_id,
        sent.sku,
        delta=sent.delta,
        to=sent.to,
        location=sent.location,
        reason=sent.reason,
        actor=caller.actor,
    )
    match.match_waiting(caller.engine, caller.merchant_id)
    with caller.reading() as session:
        return stock_view.stock_of(session, caller.merchant_id, sent.sku)


@router.get("/match/{name}")
def list_matches(
    name: ConnectionName,
    caller: Asking,
    result: Annotated[list[str] | None, Query(max_length=len(RESULTS), description=", ".join(RESULTS))] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Matches:
    """How a store's products stand to the SKUs, each with what to do."""
    if result and not set(result) <= set(RESULTS):
        raise HTTPException(422, f"`result` is one of {', '.join(RESULTS)}.")
    with caller.reading() as session, missing_is_404():
        store = connections.find(session, caller.merchant_id, name)
        begin = after_id(cursor) or 0
        found = match_view.list_matches(session, store, result or (), offset=begin, limit=limit + 1)
    marked = page(found.rows, limit, lambda _: begin + limit)
    return Matches(items=marked.items, next=marked.next, counts=dict(found.counts))


@router.post("/match/{name}/link")
def link(name: ConnectionName, sent: LinkSent, caller: Asking) -> Linked:
    """Join a product to an SKU by hand; its earlier sales are counted."""
    counted = match.link(caller.engine, caller.connection_id(name), sent.listing, sent.sku, actor=caller.actor)
    return Linked(orders_counted=counted)


@router.post("/match/{name}/unlink", status_code=204)
def unlink(name: ConnectionName, sent: ListingNamed, caller: Asking) -> None:
    """Take its SKU away; its number in the store stays as it is."""
    match.unlink(caller.engine, caller.connection_id(name), sent.listing, actor=caller.actor)


@router.post("/match/{name}/ignore", status_code=204)
def ignore(name: ConnectionName, sent: ListingNamed, caller: Asking) -> None:
    """Leave a product alone from now on."""
    match.ignore(caller.engine, caller.connection_id(name), sent.listing, actor=caller.actor)
