"""`/sales`, `/issues`, `/deliveries`: what happened, and what people decide about it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from schema.tables import DeliveryState
from syncd.engine import deliveries, record_by_hand, release, sales
from syncd.engine.deliveries import DeliveryView
from syncd.engine.held_figures import Choice
from syncd.engine.release import IssueView
from syncd.engine.sales import SaleRow
from syncd.engine.views import issue_notes
from syncd.engine.views.issue_notes import NoteView
from syncd.web import sales_csv
from syncd.web.api.answers import Page, after_id, after_moment, page
from syncd.web.api.asking import (
    Asking,
    Caller,
    Cursor,
    Id,
    Limit,
    Moment,
    OfConnection,
    Sent,
    missing_is_404,
)

router = APIRouter()

SkuQuery = Annotated[str | None, Query(max_length=191)]
OrderQuery = Annotated[str | None, Query(max_length=191, description="The store's number or id of it.")]


class OrderNamed(Sent):
    """An order by the store's number or id; which store, where several have one of that number."""

    order: Annotated[str, Field(min_length=1, max_length=191)]
    connection: Annotated[str, Field(max_length=60)] | None = None


class RecordedAs(OrderNamed):
    """… and the back office's id of the sale."""

    backoffice_id: Annotated[str, Field(min_length=1, max_length=64)]


class Retried(BaseModel):
    """How many documents are sent again."""

    documents: int


class Release(Sent):
    """For a held number: `ours` sets it to ours, `theirs` takes the store's, `keep` leaves it (until `until`).

    For a held reading: only these `skus`, or all of the next one.
    """

    choice: Choice | None = None
    until: Moment | None = None
    skus: Annotated[tuple[Annotated[str, Field(max_length=191)], ...], Field(max_length=500)] = ()


class Released(BaseModel):
    """What happens now."""

    words: str


class Assignment(Sent):
    """A user's address; null: nobody."""

    email: Annotated[str, Field(max_length=254)] | None


class NewNote(Sent):
    """What to write beside it."""

    words: Annotated[str, Field(min_length=1, max_length=issue_notes.LONGEST)]


class IssueWhole(BaseModel):
    """An issue with who looks after it and what people wrote."""

    issue: IssueView
    assigned_to: str | None
    notes: list[NoteView]


class DeliveryWhole(BaseModel):
    """A delivery as it came, but for headers that prove something."""

    delivery: DeliveryView
    headers: dict[str, str]
    body: str


# ------------------------------------------------------------------------------------------- sales


@router.get("/sales", tags=["sales"])
def list_sales(
    caller: Asking,
    connection: OfConnection = None,
    sku: SkuQuery = None,
    order: OrderQuery = None,
    since: Moment | None = None,
    until: Moment | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[SaleRow]:
    """Each line sold or given back, once; the newest first."""
    connection_id = caller.maybe_connection_id(connection)
    with caller.reading() as session:
        rows = sales.list_sales(
            session,
            caller.merchant_id,
            connection_id=connection_id,
            sku=sku,
            order=order,
            since=since,
            until=until,
            before=after_moment(cursor),
            limit=limit + 1,
        )
    return page(rows, limit, lambda row: (row.at.isoformat(), row.id))


@router.get(
    "/sales.csv",
    tags=["sales"],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def export_sales(
    caller: Asking,
    connection: OfConnection = None,
    sku: SkuQuery = None,
    order: OrderQuery = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> StreamingResponse:
    """The same, whole, as CSV."""
    connection_id = caller.maybe_connection_id(connection)

    def part(before: tuple[datetime, int] | None) -> list[SaleRow]:
        with caller.reading() as session:
            return sales.list_sales(
                session,
                caller.merchant_id,
                connection_id=connection_id,
                sku=sku,
                order=order,
                since=since,
                until=until,
                before=before,
                limit=sales_csv.AT_ONCE,
            )

    return StreamingResponse(
        sales_csv.lines(part),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="sales.csv"'},
    )


@router.post("/sales/retry", tags=["sales"])
def retry_order(sent: OrderNamed, caller: Asking) -> Retried:
    """Send what waits of an order to the back office again."""
    order_id = _order_id(caller, sent)
    with caller.reading() as session:
        waiting = sales.waiting_documents(session, order_id)
    return Retried(documents=release.retry_documents(caller.engine, waiting, actor=caller.actor))


@router.post("/sales/recorded-as", tags=["sales"], status_code=204)
def recorded_as(sent: RecordedAs, caller: Asking) -> None:
    """Say that an order's sale is in the back office already, under this id."""
    record_by_hand.recorded_as(caller.engine, _order_id(caller, sent), sent.backoffice_id, actor=caller.actor)


@router.post("/sales/leave-out", tags=["sales"], status_code=204)
def leave_out(sent: OrderNamed, caller: Asking) -> None:
    """Never record what is still owed of an order; its units are offered again."""
    record_by_hand.leave_out(caller.engine, _order_id(caller, sent), actor=caller.actor)


def _order_id(caller: Caller, sent: OrderNamed) -> int:
    connection_id = caller.maybe_connection_id(sent.connection)
    with caller.reading() as session, missing_is_404():
        return sales.find_order(session, caller.merchant_id, sent.order, connection_id).id or 0


# ------------------------------------------------------------------------------------------- issues


@router.get("/issues", tags=["issues"])
def list_issues(
    caller: Asking,
    *,
    resolved: Annotated[bool, Query(description="The resolved ones too.")] = False,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[IssueView]:
    """What needs a person, with what to do."""
    with caller.reading() as session:
        rows = release.list_issues(
            session,
            caller.merchant_id,
            all_of_them=resolved,
            kind=kind,
            before=after_id(cursor),
            limit=limit + 1,
        )
    return page(rows, limit, lambda row: row.id)


@router.get("/issues/{issue_id}", tags=["issues"])
def show_issue(issue_id: Id, caller: Asking) -> IssueWhole:
    """One issue, whole."""
    with caller.reading() as session, missing_is_404():
        return IssueWhole(
            issue=release.show_issue(session, release.find_issue(session, caller.merchant_id, issue_id)),
            assigned_to=issue_notes.assignee(session, caller.merchant_id, issue_id),
            notes=issue_notes.list_notes(session, caller.merchant_id, issue_id),
        )


@router.post("/issues/{issue_id}/resolve", tags=["issues"], status_code=204)
def resolve_issue(issue_id: Id, caller: Asking) -> None:
    """Say that it is dealt with. What still holds comes again."""
    _require_issue(caller, issue_id)
    release.resolve(caller.engine, caller.merchant_id, issue_id, actor=caller.actor)


@router.post("/issues/{issue_id}/release", tags=["issues"])
def release_issue(issue_id: Id, sent: Release, caller: Asking) -> Released:
    """Let go of what an issue holds: a number, a reading, a sale that waits."""
    _require_issue(caller, issue_id)
    words = release.release(
        caller.engine, caller.merchant_id, issue_id, sent.choice, until=sent.until, skus=sent.skus, actor=caller.actor
    )
    return Released(words=words)


@router.put("/issues/{issue_id}/assignee", tags=["issues"], status_code=204)
def assign_issue(issue_id: Id, sent: Assignment, caller: Asking) -> None:
    """Have a user look after it."""
    _require_issue(caller, issue_id)
    issue_notes.assign(caller.engine, caller.merchant_id, issue_id, sent.email, actor=caller.actor)


@router.post("/issues/{issue_id}/notes", tags=["issues"], status_code=201)
def note_issue(issue_id: Id, sent: NewNote, caller: Asking) -> NoteView:
    """Write something beside it."""
    _require_issue(caller, issue_id)
    return issue_notes.add_note(caller.engine, caller.merchant_id, issue_id, sent.words, actor=caller.actor)


def _require_issue(caller: Caller, issue_id: int) -> None:
    with caller.reading() as session, missing_is_404():
        release.find_issue(session, caller.merchant_id, issue_id)


# ------------------------------------------------------------------------------------------- deliveries


@router.get("/deliveries", tags=["deliveries"])
def list_deliveries(
    caller: Asking,
    connection: OfConnection = None,
    state: DeliveryState | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DeliveryView]:
    """What stores have told us, the newest first."""
    connection_id = caller.maybe_connection_id(connection)
    with caller.reading() as session:
        rows = deliveries.list_deliveries(
            session,
            caller.merchant_id,
            connection_id=connection_id,
            state=state,
            before=after_id(cursor),
            limit=limit + 1,
        )
    return page(rows, limit, lambda row: row.id)


@router.get("/deliveries/{delivery_id}", tags=["deliveries"])
def show_delivery(delivery_id: Id, caller: Asking) -> DeliveryWhole:
    """One delivery with its body, as it came."""
    with caller.reading() as session, missing_is_404():
        found, headers, body = deliveries.show(session, caller.merchant_id, delivery_id)
    return DeliveryWhole(delivery=found, headers=dict(headers), body=body)


@router.post("/deliveries/{delivery_id}/replay", tags=["deliveries"], status_code=204)
def replay_delivery(delivery_id: Id, caller: Asking) -> None:
    """Take one in again; what is known of it counts once."""
    with caller.reading() as session, missing_is_404():
        deliveries.show(session, caller.merchant_id, delivery_id)
    deliveries.replay(caller.engine, caller.merchant_id, delivery_id, actor=caller.actor)
