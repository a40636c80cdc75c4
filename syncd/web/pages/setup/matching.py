"""Step 4 of the wizard, also later on the store's own page: which product is which SKU, and files of what is missing.

Making what is missing is `making.py`.
"""

import csv
import io
from typing import Any

from sqlmodel import Session, col, select
from starlette.responses import Response

from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import StockRef
from schema.tables import Connection, InventoryCache, Listing, Match, StockItem
from syncd.engine import creation, match, starting
from syncd.engine.audit import audit
from syncd.engine.authority import authority_of
from syncd.engine.figures import read_figures
from syncd.engine.new_products import absent_skus, new_products
from syncd.engine.views.authority import authority_view
from syncd.engine.views.matching_list import TABS, match_page
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import count_words, store_path
from syncd.web.pages.paging import Pager, file_of, number_of, safe_cell
from syncd.web.pages.setup.steps import rail
from syncd.web.pages.stores import found

pages = Pages()

PAGE = 50
MOST_SUGGESTED = 500
MOST_IN_A_FILE = 100_000


@pages.get("/app/stores/{name}/matching")
def matching(visit: Visit) -> Response:
    """What belongs together, what does not, and what to do for each."""
    with visit.reading() as session:
        row = found(session, visit)
        tab, text, offset = visit.query("show", "all"), visit.query("q"), number_of(visit, "from")
        page = match_page(session, row, tab=tab, text=text, offset=offset, limit=PAGE)
        values: dict[str, Any] = {
            "row": row,
            "page": page,
            "rail": rail(session, visit.merchant_id, "matching", store=row),
            "authority": authority_view(session, visit.merchant_id),
            "known": _known(session, visit.merchant_id),
            "to_take": _to_take(session, row),
            "making": creation.latest_run(session, row),
        }
    values["can_create"] = row.state in creation.MAKES_IN and creation.can_create(visit.engine, row)
    pager = Pager(offset=offset, limit=PAGE, total=page.total)
    return visit.render("setup/matching.html", **values, tab=tab, text=text, tabs=TABS, pager=pager)


def _to_take(session: Session, row: Connection) -> int:
    """How many products the own ledger could begin with; 0 where a back office is the authority."""
    if authority_of(session, row.merchant_id).connection is not None:
        return 0
    return sum(1 for product in starting.store_products(session, row) if not product.problem)


def _known(session: Session, merchant_id: int) -> list[str]:
    return list(
        session.exec(
            select(InventoryCache.sku)
            .where(InventoryCache.merchant_id == merchant_id)
            .distinct()
            .order_by(col(InventoryCache.sku))
            .limit(MOST_SUGGESTED)
        )
    )


@pages.post("/app/stores/{name}/matching")
def change_match(visit: Visit) -> Response:
    """Link by hand, ignore, undo either; or keep which side is the starting point."""
    with visit.reading() as session:
        row = found(session, visit)
    path = f"{store_path(row.code)}/matching"
    back, listing = visit.sent("back") or path, visit.sent("listing")
    if not back.startswith(path):
        back = path
    match visit.sent("deed"):
        case "link":
            counted = match_link(visit, row, listing)
            said = f"Linked to {visit.sent('sku')}."
            if counted:
                said += f" {count_words(counted, 'sale')} will now be recorded."
        case "unlink":
            match_unlink(visit, row, listing)
            said = "Undone."
        case "ignore":
            chosen = visit.sent_all("listing")
            for each in chosen:
                match_ignore(visit, row, each)
            said = f"{count_words(len(chosen), 'product')} ignored. It can be undone under Ignored."
        case _:
            return _keep_direction(visit, row)
    return visit.go(back, said=said)


def match_link(visit: Visit, row: Connection, listing: str) -> int:
    """Join a product to an SKU."""
    return match.link(visit.engine, row.id or 0, listing, visit.sent("sku"), actor=visit.actor)


def match_unlink(visit: Visit, row: Connection, listing: str) -> None:
    """Take back what was decided by hand."""
    match.unlink(visit.engine, row.id or 0, listing, actor=visit.actor)


def match_ignore(visit: Visit, row: Connection, listing: str) -> None:
    """Leave a product alone."""
    match.ignore(visit.engine, row.id or 0, listing, actor=visit.actor)


def _keep_direction(visit: Visit, row: Connection) -> Response:
    wanted = {"pull": "store", "push": "backoffice"}.get(visit.sent("direction"))
    if wanted is not None and wanted != row.starting_point:
        with visit.engine.database.transaction() as session:
            kept = session.get_one(Connection, row.id)
            kept.starting_point = wanted
            audit(session, row.merchant_id, visit.actor, "starting_point", row.name, {"is": wanted}, visit.now)
    return visit.go(f"{store_path(row.code)}/shadow")


@pages.get("/app/stores/{name}/matching.csv")
def missing_file(visit: Visit) -> Response:
    """What the other side lacks, as a file it can import: SKU, name, price, quantity."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["sku", "name", "price", "quantity"])
    with visit.reading() as session:
        row = found(session, visit)
    rows = _rows_for_store(visit, row) if visit.query("for") == "store" else _rows_for_office(visit, row)
    for cells in rows:
        writer.writerow([safe_cell(cell) for cell in cells])
    return file_of(visit, text.getvalue(), "products")


def _rows_for_store(visit: Visit, row: Connection) -> list[tuple[object, ...]]:
    """What the store lacks, with as many of each as the back office has to sell."""
    with visit.reading() as session:
        skus = absent_skus(session, row, limit=MOST_IN_A_FILE)
        stock = {
            cache.sku: max(0, (cache.on_hand or 0) - cache.open)
            for cache in session.exec(select(InventoryCache).where(InventoryCache.merchant_id == row.merchant_id))
        }
        products = new_products(session, row, skus, is_draft=True)
    return [
        (each.sku, each.title, "" if each.price is None else each.price, stock.get(each.sku, "")) for each in products
    ]


def _rows_for_office(visit: Visit, row: Connection) -> list[tuple[object, ...]]:
    """What the back office lacks, with as many of each as the store shows now; none where it cannot be asked."""
    with visit.reading() as session:
        waiting = session.exec(
            select(Listing, StockItem)
            .join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
            .where(Listing.connection_id == row.id, Listing.match == Match.UNMATCHED, col(Listing.gone_at).is_(None))
            .order_by(col(Listing.external_sku), col(Listing.id))
            .limit(MOST_IN_A_FILE)
        ).all()
    try:
        refs = [StockRef(stock_id=item.external_id, parent_id=item.parent_id) for _, item in waiting]
        shown = read_figures(visit.engine.connectors.store(visit.engine, row), refs)
    except ConnectorError:
        shown = {}
    return [
        (
            listing.external_sku,
            listing.title,
            "" if listing.price is None else listing.price,
            shown.get(item.external_id, ""),
        )
        for listing, item in waiting
    ]
