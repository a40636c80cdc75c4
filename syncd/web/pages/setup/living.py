"""Steps 5 and 6 of the wizard, also later on the store's own pages: watch in shadow, go live.

Step 4 is `matching.py`.
"""

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select
from starlette.responses import Response

from connectors.sdk.errors import ConnectorError
from schema.tables import Connection, ConnectionState, Issue, IssueState, Order, SalesLog
from syncd.engine import connections, golive, outlook, sync
from syncd.engine.hands import store_hand
from syncd.engine.outlook import Outlook, PreviewRow
from syncd.engine.views import lag
from syncd.engine.views.matching_list import match_page
from syncd.engine.views.shadow_run import shadow_run
from syncd.engine.views.stores import connected_stores
from syncd.errors import NotPossible
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import count_words, store_path
from syncd.web.pages.paging import Pager, file_of, number_of, safe_cell
from syncd.web.pages.setup.steps import rail
from syncd.web.pages.stores import found

pages = Pages()

PAGE = 50
A_DAY = timedelta(days=1)
LONG_ENOUGH = timedelta(days=2)
ENOUGH_ORDERS = 20


# ------------------------------------------------------------------------------------------- shadow


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What was seen in shadow. `verdict`: watching, first, or ready."""

    verdict: str
    since: datetime
    orders: int
    sold: int
    back: int
    understood: int
    unknown: int
    matched: int
    products: int
    held: int | None


@pages.get("/app/stores/{name}/shadow")
def shadow(visit: Visit) -> Response:
    """A verdict, and the table of what would change with the reason of each number."""
    with visit.reading() as session:
        row = found(session, visit)
        steps = rail(session, visit.merchant_id, "shadow", store=row)
    ahead, failure = _outlook(visit, row)
    return visit.render("setup/shadow.html", rail=steps, failure=failure, **_told(visit, row, ahead))


def _told(visit: Visit, row: Connection, ahead: Outlook) -> dict[str, Any]:
    """The verdict and the rows, for the page and for its events."""
    tab, offset = visit.query("show", "change"), number_of(visit, "from")
    tabs = _tabs(ahead)
    chosen = tabs.get(tab, tabs["change"])
    with visit.reading() as session:
        rows = outlook.reasoned(session, row, ahead, chosen[offset : offset + PAGE])
        seen = watched(session, row, visit.now)
        run = shadow_run(session, row, visit.now)
        stores = [store.id or 0 for store in connected_stores(session, visit.merchant_id)]
        ours = lag.lag_of(lag.measured(session, stores, visit.now - A_DAY, visit.now))
    return {
        "row": row,
        "seen": seen,
        "run": run,
        "ours": ours,
        "preview": ahead,
        "tab": tab,
        "counts": {name: len(each) for name, each in tabs.items()},
        "rows": rows,
        "pager": Pager(offset=offset, limit=PAGE, total=len(chosen)),
        "watched_words": _span_words(visit.now - seen.since),
        "risky": tabs["down"],
    }


def live_parts(visit: Visit) -> list[tuple[str, str]]:
    """What changes by itself on the page of a shadow run, by what the store has told: it is not asked."""
    if not visit.may("operator"):
        return []
    with visit.reading() as session:
        row = connections.find(session, visit.merchant_id, visit.query("store"))
    if row.state is not ConnectionState.SHADOW:
        return []
    told = _told(visit, row, outlook.outlook_seen(visit.engine, row.id or 0))
    parts = {"verdict": "verdict", "rows": "shadow_rows", "differ": "differ"}
    return [(name, visit.draw(f"setup/{template}.html", **told)) for name, template in parts.items()]


def _outlook(visit: Visit, row: Connection) -> tuple[Outlook, str]:
    """What going live would do; empty and in words where the store cannot be read."""
    nothing = Outlook(rows=(), paid_before=(), would_open={}, moved={})
    if row.state is not ConnectionState.SHADOW:
        return nothing, ""
    try:
        return outlook.outlook(visit.engine, row.id or 0), ""
    except ConnectorError as error:
        return nothing, f"The store could not be read just now: {error}"


def _tabs(found: Outlook) -> dict[str, list[PreviewRow]]:
    """The rows of each tab; the largest changes first."""
    changes = sorted(found.changes, key=lambda row: -abs(_step(row)))
    return {
        "change": changes,
        "down": [row for row in changes if _step(row) < 0],
        "up": [row for row in changes if _step(row) > 0],
        "zero": [row for row in changes if row.will_show == 0],
        "right": [row for row in found.rows if row.will_show is not None and row.will_show == row.shows_now],
    }


def _step(row: PreviewRow) -> int:
    return (row.will_show or 0) - (row.shows_now or 0)


def watched(session: Session, row: Connection, now: datetime) -> Watched:
    """What has been seen of a store since it was connected."""
    mine = (SalesLog.connection_id == row.id, col(SalesLog.recorded_at) >= row.created_at)
    orders = session.exec(select(func.count(col(SalesLog.order_id).distinct())).where(*mine)).one()
    kinds = dict(session.execute(select(SalesLog.kind, func.count()).where(*mine).group_by(col(SalesLog.kind))).all())
    unknown = session.exec(
        select(func.count()).select_from(Order).where(Order.connection_id == row.id, col(Order.reread_at).is_not(None))
    ).one()
    page = match_page(session, row, limit=1)
    held = session.exec(
        select(func.max(Issue.id)).where(
            Issue.merchant_id == row.merchant_id, Issue.kind == "reading_held", Issue.state == IssueState.OPEN
        )
    ).one()
    is_long = now - row.created_at >= LONG_ENOUGH or orders >= ENOUGH_ORDERS
    verdict = "first" if held is not None or page.counts["matched"] == 0 else "ready" if is_long else "watching"
    return Watched(
        verdict=verdict,
        since=row.created_at,
        orders=orders,
        sold=sum(count for kind, count in kinds.items() if kind.value == "sale"),
        back=sum(count for kind, count in kinds.items() if kind.value == "return"),
        understood=max(0, orders - unknown),
        unknown=unknown,
        matched=page.counts["matched"],
        products=page.all,
        held=held,
    )


def _span_words(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    if hours < 1:
        return count_words(int(span.total_seconds() // 60), "minute")
    if hours < 48:
        return count_words(hours, "hour")
    days, rest = divmod(hours, 24)
    return f"{count_words(days, 'day')} {count_words(rest, 'hour')}" if rest else count_words(days, "day")


@pages.get("/app/stores/{name}/shadow.csv")
def shadow_file(visit: Visit) -> Response:
    """The table as a file."""
    with visit.reading() as session:
        row = found(session, visit)
    ahead, _ = _outlook(visit, row)
    with visit.reading() as session:
        rows = outlook.reasoned(session, row, ahead, ahead.rows)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["sku", "name", "shows", "would_show", "why"])
    for each in rows:
        writer.writerow([safe_cell(each.sku), safe_cell(each.title), each.shows_now, each.will_show, each.reason])
    return file_of(visit, text.getvalue(), "shadow")


# ------------------------------------------------------------------------------------------- going live


@pages.get("/app/stores/{name}/go-live")
def ask_go_live(visit: Visit) -> Response:
    """What changes at once, and the one thing to be sure of."""
    return _go_live_page(visit, wrong="")


def _go_live_page(visit: Visit, *, wrong: str) -> Response:
    with visit.reading() as session:
        row = found(session, visit)
    if row.state is not ConnectionState.SHADOW:
        return visit.go(store_path(row.code), said=f"{row.name} is not in shadow.", tone="info")
    ahead, failure = _outlook(visit, row)
    return visit.render(
        "setup/go_live.html",
        422 if wrong else 200,
        row=row,
        preview=ahead,
        counts={name: len(each) for name, each in _tabs(ahead).items()},
        wrong=wrong or failure,
        chosen=visit.sent_all("order"),
    )


@pages.post("/app/stores/{name}/go-live")
def go_live(visit: Visit) -> Response:
    """Make it live."""
    with visit.reading() as session:
        row = found(session, visit)
    if visit.sent("alone") != "yes":
        return _go_live_page(visit, wrong="Tick that no other tool changes stock here; two tools undo each other.")
    try:
        with store_hand(visit.engine, row.id or 0) as held:
            golive.go_live(visit.engine, held, row.id or 0, record=visit.sent_all("order"), actor=visit.actor)
    except (ConnectorError, NotPossible) as error:
        return _go_live_page(visit, wrong=str(error))
    sync.want(visit.engine, visit.merchant_id, connection_ids=[row.id or 0], actor=visit.actor)
    said = f"Live since {visit.times.at(visit.now)}. The back office is read now; then its numbers are set."
    return visit.go(store_path(row.code), said=said)
