"""Stock: the list, and one SKU with why its number is what it is."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session
from starlette.responses import Response

from schema.tables import Location
from syncd.domain.explain import ReceiptLine, Sign
from syncd.engine import adjust, explain, stock_view
from syncd.engine.views import sku as sku_view
from syncd.engine.views.authority import authority_view
from syncd.engine.views.issue_list import open_ones
from syncd.engine.views.stock_list import SORTS, TABS, StockQuery, locations, stock_page
from syncd.engine.views.stores import connected_stores, office_row
from syncd.errors import NotPossible
from syncd.web.frame.pages import NothingHere, Pages
from syncd.web.frame.visit import Visit
from syncd.web.pages import plots
from syncd.web.pages.issue_words import sku_path, tell_all
from syncd.web.pages.paging import Pager, file_of, number_of, safe_cell

pages = Pages()

PAGE = 50
MOST_IN_A_FILE = 100_000
MOST_STORES = 6
"""Columns of the table; more stores than these are on the page of the SKU."""
RANGES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "90d": timedelta(days=90)}
MOVEMENTS = 20
MOST_ISSUES = 20


# ------------------------------------------------------------------------------------------- the list


@pages.get("/app/stock")
def stock_list(visit: Visit) -> Response:
    """Every SKU, with search, tabs and what each store shows."""
    with visit.reading() as session:
        places = locations(session, visit.merchant_id)
        query = _query(visit, places)
        found = stock_page(session, visit.merchant_id, query)
        stores = connected_stores(session, visit.merchant_id)
        office = office_row(session, visit.merchant_id, visit.now)
    return visit.render(
        "stock/list.html",
        found=found,
        query=query,
        places=places,
        place=next((place.name for place in places if place.id == query.location_id), "all locations"),
        stores=[store for store in stores if store.state.value != "shadow"][:MOST_STORES],
        office=office,
        pager=Pager(offset=query.offset, limit=query.limit, total=found.total),
    )


@pages.get("/app/stock.csv")
def stock_file(visit: Visit) -> Response:
    """What is filtered, as a file."""
    with visit.reading() as session:
        query = _query(visit, locations(session, visit.merchant_id))
        found = stock_page(session, visit.merchant_id, replace(query, offset=0, limit=MOST_IN_A_FILE))
        names = {store.id: store.name for store in connected_stores(session, visit.merchant_id)}
    text = io.StringIO()
    writer = csv.writer(text)
    head = ["sku", "name", "location", "on_hand", "open", "safety_stock", "available"]
    writer.writerow([*head, *(f"{name} shows" for name in names.values())])
    for row in found.rows:
        shows = [row.stores[key].shows if key in row.stores else "" for key in names if key is not None]
        figures = [row.on_hand, row.open, row.safety_stock, row.available]
        writer.writerow([safe_cell(row.sku), safe_cell(row.title), safe_cell(row.location), *figures, *shows])
    return file_of(visit, text.getvalue(), "stock")


def _query(visit: Visit, places: Sequence[Location]) -> StockQuery:
    """As the address says; the default location where it says nothing."""
    wanted = visit.query("location")
    default = places[0].id if places else None
    location = default if not wanted else next((p.id for p in places if p.external_id == wanted), None)
    tab, sort = visit.query("show", "all"), visit.query("sort", "sku")
    return StockQuery(
        text=visit.query("q"),
        location_id=location,
        tab=tab if tab in TABS else "all",
        sort=sort if sort in SORTS else "sku",
        offset=number_of(visit, "from"),
        limit=PAGE,
    )


# ------------------------------------------------------------------------------------------- one SKU


@pages.get("/app/stock/{sku:path}")
def one_sku(visit: Visit) -> Response:
    """Why, every place, history, movements, issues."""
    sku = visit.part("sku")
    at = _at(visit)
    if at is not None:
        return _then(visit, sku, at)
    with visit.reading() as session:
        try:
            values = _told(session, visit, sku)
        except NotPossible:
            raise NothingHere from None
        return visit.render(
            "stock/sku.html",
            **values,
            authority=authority_view(session, visit.merchant_id),
            history=_history(session, visit, sku),
            range=visit.query("range", "7d"),
            issues=tell_all(session, visit, open_ones(session, visit.merchant_id, sku=sku, limit=MOST_ISSUES)),
        )


def _told(session: Session, visit: Visit, sku: str) -> dict[str, Any]:
    """The receipt of one store, every place, the last movements. Raises NotPossible where nobody knows the SKU."""
    told = explain.explain(session, visit.merchant_id, sku, visit.now)
    store = next((each for each in told.stores if each.connection == visit.query("store")), None)
    if store is None and told.stores:
        store = told.stores[0]
    before = number_of(visit, "before") or None
    return {
        "sku": sku,
        "name": sku_view.name_of(session, visit.merchant_id, sku),
        "told": told,
        "store": store,
        "lines": receipt_rows(store.lines if store else _of_locations(told)),
        "story": store.lines[-1] if store else None,
        "places": sku_view.places_of(session, visit.merchant_id, sku),
        "office": office_row(session, visit.merchant_id, visit.now),
        "movements": sku_view.movements(session, visit.merchant_id, sku, limit=MOVEMENTS, before_id=before),
    }


def live_parts(visit: Visit) -> list[tuple[str, str]]:
    """What changes by itself on the page of an SKU."""
    try:
        with visit.reading() as session:
            values = _told(session, visit, visit.query("sku"))
    except NotPossible:
        return []
    return [(name, visit.draw(f"stock/{name}.html", **values)) for name in ("receipt", "places", "movements")]


def _of_locations(told: explain.Explanation) -> tuple[ReceiptLine, ...]:
    return tuple(line for lines in told.locations for line in lines)


def receipt_rows(lines: tuple[ReceiptLine, ...]) -> list[tuple[str, ReceiptLine]]:
    """The lines of a receipt with how each is drawn: `mid` states a sum on the way, `sum` the last one."""
    rows = [line for line in lines if line.sign is not Sign.NOTE]
    last = max((n for n, line in enumerate(rows) if line.sign is Sign.EQUALS), default=-1)
    return [
        ("" if line.sign is not Sign.EQUALS else "sum" if n == last else "mid", line) for n, line in enumerate(rows)
    ]


def _at(visit: Visit) -> datetime | None:
    told = visit.query("at")
    if not told:
        return None
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise NotPossible(f"{told!r} is no time. Write it as 2026-11-20T10:43.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=visit.times.zone)


def _then(visit: Visit, sku: str, at: datetime) -> Response:
    with visit.reading() as session:
        rows = stock_view.stock_of(session, visit.merchant_id, sku, at)
        name = sku_view.name_of(session, visit.merchant_id, sku)
    return visit.render("stock/then.html", sku=sku, name=name, rows=rows, moment=at)


def _history(session: Session, visit: Visit, sku: str) -> dict[str, object] | None:
    """What is drawn of the past at the default location."""
    places = sku_view.places_of(session, visit.merchant_id, sku)
    if not places:
        return None
    span = RANGES.get(visit.query("range", "7d"), RANGES["7d"])
    now, place = visit.now, places[0][1]
    points = sku_view.history(session, visit.merchant_id, sku, place.id or 0, now - span, now)
    if not points:
        return None
    shares = [((point.at - (now - span)) / span, point.available) for point in points]
    lowest = min(points, key=lambda point: point.available)
    marks = [now - span + span * n / 6 for n in range(7)]
    return {
        "plot": plots.steps(shares),
        "points": points,
        "place": place.name,
        "first": points[0],
        "lowest": lowest,
        "now": points[-1],
        "marks": marks,
        "is_day": span <= timedelta(hours=24),
    }


# ------------------------------------------------------------------------------------------- adjusting


@pages.get("/app/adjust/{sku:path}")
def ask_adjust(visit: Visit) -> Response:
    """Count or correct it; only where syncd's own ledger is the authority."""
    return _adjust_page(visit, wrong="")


@pages.post("/app/adjust/{sku:path}")
def take_adjustment(visit: Visit) -> Response:
    """Book it in the ledger."""
    sku, units = visit.part("sku"), visit.sent("units").replace("\N{MINUS SIGN}", "-")
    is_count = visit.sent("how") == "count"
    if not units.lstrip("+-").isdigit():
        return _adjust_page(visit, wrong="Type a whole number.")
    if not visit.sent("reason"):
        return _adjust_page(visit, wrong="Say why, in a word or two: it stands in the history.")
    try:
        adjust.adjust(
            visit.engine,
            visit.merchant_id,
            sku,
            to=int(units) if is_count else None,
            delta=None if is_count else int(units),
            location=visit.sent("location") or None,
            reason=visit.sent("reason"),
            actor=visit.actor,
        )
    except NotPossible as error:
        return _adjust_page(visit, wrong=str(error))
    return visit.go(sku_path(sku), said=f"{sku} is adjusted. Your stores follow within seconds.")


def _adjust_page(visit: Visit, *, wrong: str) -> Response:
    with visit.reading() as session:
        authority = authority_view(session, visit.merchant_id)
        name = sku_view.name_of(session, visit.merchant_id, visit.part("sku"))
        places = sku_view.places_of(session, visit.merchant_id, visit.part("sku"))
    return visit.render(
        "stock/adjust.html",
        422 if wrong else 200,
        sku=visit.part("sku"),
        name=name,
        authority=authority,
        places=places,
        wrong=wrong,
    )
