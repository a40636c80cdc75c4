"""Sales: the log with its filters, a file of it, and one order."""

import csv
import io
from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session
from starlette.responses import Response

from syncd.engine import record_by_hand, release, sales
from syncd.engine.sales import SaleRow
from syncd.engine.views.authority import authority_view
from syncd.engine.views.sales_list import STATES, SalesQuery, every_row, order_view, sales_page, sold_between
from syncd.engine.views.stores import connected_stores
from syncd.errors import NotPossible
from syncd.web.frame.pages import NothingHere, Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import day_begin
from syncd.web.pages.paging import Pager, file_of, number_of, safe_cell

pages = Pages()

PAGE = 50
MOST_IN_A_FILE = 200_000
DAYS = {"today": 0, "yesterday": 1, "week": 6, "month": 29}


@pages.get("/app/sales")
def log(visit: Visit) -> Response:
    """Each line sold or given back once, the newest first."""
    now, zone = visit.now, visit.times.zone
    with visit.reading() as session:
        query = _query(visit, session)
        found = sales_page(session, visit.merchant_id, query)
        today = sold_between(session, visit.merchant_id, day_begin(zone, now), now + timedelta(days=1))
        stores = connected_stores(session, visit.merchant_id)
        authority = authority_view(session, visit.merchant_id)
    return visit.render(
        "sales/list.html",
        found=found,
        query=query,
        today=today,
        stores=stores,
        authority=authority,
        told=backoffice_words,
        pager=Pager(offset=query.offset, limit=query.limit, total=found.total, is_more=found.is_more),
        days=visit.query("days", "week"),
        is_filtered=bool(query.text or query.connection_id or query.state),
    )


@pages.get("/app/sales.csv")
def log_file(visit: Visit) -> Response:
    """What is filtered, as a file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [
            "time",
            "store",
            "order",
            "kind",
            "sku",
            "name",
            "units",
            "unit_price",
            "currency",
            "in_back_office",
            "invoice",
        ]
    )
    with visit.reading() as session:
        for row in every_row(session, visit.merchant_id, _query(visit, session), MOST_IN_A_FILE):
            cells = [visit.times.iso(row.at), row.connection, row.order, row.kind, row.sku or "", row.title]
            money = [row.quantity, row.unit_price, row.currency]
            writer.writerow([safe_cell(cell) for cell in [*cells, *money, backoffice_words(row)[2], row.invoice_no]])
    return file_of(visit, text.getvalue(), "sales")


def backoffice_words(row: SaleRow) -> tuple[str, str, str]:
    """Tone, icon and words of what the back office has of a row."""
    if row.kind == "return" and row.state == "recorded":
        return "ok", "undo", f"Return on {row.invoice_no}" if row.invoice_no else "Return recorded"
    known = {
        "recorded": ("ok", "ok", row.invoice_no or "Recorded"),
        "being recorded": ("warn", "clock", "Being recorded"),
        "waits for payment": ("", "clock", "Waits for payment"),
        "not certain": ("warn", "clock", "Not certain"),
        "unknown SKU": ("warn", "link", "Unknown SKU"),
        "shadow": ("info", "eye", "Shadow, not recorded"),
        "waits for you": ("bad", "issue", "Refused"),
        "left out": ("", "info", "Left out"),
        "from before going live": ("", "info", "From before going live"),
        "a test order": ("", "info", "Test order"),
    }
    return known.get(row.state, ("", "info", row.state[:1].upper() + row.state[1:]))


def _query(visit: Visit, session: Session) -> SalesQuery:
    """As the address says; the last week where it says nothing."""
    stores = {store.name: store.id for store in connected_stores(session, visit.merchant_id)}
    since, until = _days(visit)
    state = visit.query("backoffice")
    return SalesQuery(
        text=visit.query("q"),
        connection_id=stores.get(visit.query("store")),
        state=state if state in STATES else "",
        since=since,
        until=until,
        offset=number_of(visit, "from"),
        limit=PAGE,
    )


def _days(visit: Visit) -> tuple[datetime | None, datetime | None]:
    now, zone = visit.now, visit.times.zone
    chosen = visit.query("days", "week")
    if chosen == "all":
        return None, None
    if chosen == "choose":
        first, last = _day(visit.query("first")), _day(visit.query("last"))
        begin = None if first is None else datetime.combine(first, time(), tzinfo=zone).astimezone(UTC)
        day_after = None if last is None else last + timedelta(days=1)
        end = None if day_after is None else datetime.combine(day_after, time(), tzinfo=zone).astimezone(UTC)
        return begin, end
    until = day_begin(zone, now) if chosen == "yesterday" else None
    return day_begin(zone, now, DAYS.get(chosen, DAYS["week"])), until


def _day(told: str) -> date | None:
    try:
        return date.fromisoformat(told)
    except ValueError:
        return None


# ------------------------------------------------------------------------------------------- one order


@pages.get("/app/sales/{order_id:int}")
def order(visit: Visit) -> Response:
    """An order: what it sold, what became of it, how we heard of it."""
    with visit.reading() as session:
        found = order_view(session, visit.merchant_id, int(visit.part("order_id")))
        authority = authority_view(session, visit.merchant_id)
        waiting = sales.waiting_documents(session, found.order.id or 0) if found else []
    if found is None:
        raise NothingHere
    is_waiting = any(document.state in ("parked", "unknown") for document in found.documents)
    return visit.render(
        "sales/order.html",
        found=found,
        authority=authority,
        told=backoffice_words,
        can_retry=bool(waiting) and is_waiting,
        document_words=_DOCUMENT_WORDS,
    )


_DOCUMENT_WORDS = {
    "sent": ("warn", "clock", "Being recorded"),
    "unknown": ("warn", "clock", "Not certain"),
    "recorded": ("ok", "ok", "Recorded"),
    "parked": ("bad", "issue", "Waits for you"),
    "left_out": ("", "info", "Left out"),
}


@pages.post("/app/sales/{order_id:int}/do")
def act(visit: Visit) -> Response:
    """Try again, say that it was recorded by hand, leave out."""
    order_id = int(visit.part("order_id"))
    with visit.reading() as session:
        if order_view(session, visit.merchant_id, order_id) is None:
            raise NothingHere
        waiting = sales.waiting_documents(session, order_id)
    match visit.sent("deed"):
        case "retry":
            if not release.retry_documents(visit.engine, waiting, actor=visit.actor):
                raise NotPossible("Nothing of this order waits to be tried again.")
            said = "It is sent again."
        case "recorded_as":
            record_by_hand.recorded_as(visit.engine, order_id, visit.sent("backoffice_id"), actor=visit.actor)
            said = f"Noted: recorded as {visit.sent('backoffice_id')}."
        case "leave_out":
            record_by_hand.leave_out(visit.engine, order_id, actor=visit.actor)
            said = "It is left out, and its units are offered again."
        case _:
            raise NotPossible("There is no such button here.")
    return visit.go(f"/app/sales/{order_id}", said=said)
