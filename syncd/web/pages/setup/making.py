"""Making what is missing: products in a store, confirmed first and followed by a bar; or SKUs of syncd's own ledger."""

from typing import Any

from sqlmodel import Session
from starlette.responses import Response

from connectors.sdk.errors import ConnectorError
from schema.tables import Connection, CreationState, RunState, SyncRun
from syncd.engine import creation, starting
from syncd.engine.authority import authority_of
from syncd.engine.hands import store_hand
from syncd.engine.new_products import OPEN
from syncd.errors import NotPossible
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import count_words, store_path
from syncd.web.pages.setup.steps import rail
from syncd.web.pages.stores import found

pages = Pages()

MOST_SHOWN = 100


# ------------------------------------------------------------------------------------------- in the store


@pages.get("/app/stores/{name}/create")
def ask_create(visit: Visit) -> Response:
    """What will be made, as what; or how far that is, and what came of it."""
    return _create_page(visit)


def _create_page(visit: Visit, *, wrong: str = "") -> Response:
    with visit.reading() as session:
        row = found(session, visit)
        run = creation.latest_run(session, row)
        values: dict[str, Any] = {
            "row": row,
            "rail": rail(session, visit.merchant_id, "matching", store=row),
            "office": authority_of(session, row.merchant_id).name,
            "wrong": wrong,
        }
        wants_more = bool(_skus(visit) or visit.query("all") or visit.sent("all"))
        if run is not None and (_is_open(run) or not (wants_more or wrong)):
            return visit.render("setup/creating.html", **values, **_progress(session, run))
        values |= _plan(session, visit, row)
    return visit.render("setup/create.html", 422 if values["wrong"] else 200, **values)


def _skus(visit: Visit) -> list[str]:
    """The SKUs that were chosen, in the address or in the form."""
    return visit.sent_all("sku") or visit.request.query_params.getlist("sku")


def _plan(session: Session, visit: Visit, row: Connection) -> dict[str, Any]:
    """What is for sale at once needs a price; so what the page shows is what drafts would be."""
    skus = _skus(visit)
    try:
        return {"plan": creation.outline(session, row, skus, MOST_SHOWN), "skus": skus}
    except NotPossible as error:
        nothing = creation.Outline(made=0, priceless=0, in_work=0, first=())
        return {"plan": nothing, "skus": (), "wrong": str(error)}


@pages.post("/app/stores/{name}/create")
def create(visit: Visit) -> Response:
    """Make them, or make no more of them."""
    with visit.reading() as session:
        row = found(session, visit)
        run = creation.latest_run(session, row)
    path = f"{store_path(row.code)}/create"
    if visit.sent("deed") == "stop":
        left = creation.stop(visit.engine, visit.merchant_id, run.id or 0 if run else 0, actor=visit.actor)
        return visit.go(
            path, said=f"Stopped. {count_words(left, 'product was', 'products were')} not made.", tone="info"
        )
    try:
        creation.want(
            visit.engine,
            row.id or 0,
            [] if visit.sent("all") else _skus(visit),
            is_draft=visit.sent("status") != "publish",
            with_images=visit.sent("images") == "yes",
            actor=visit.actor,
        )
    except NotPossible as error:
        return _create_page(visit, wrong=str(error))
    return visit.go(path)


@pages.get("/app/stores/{name}/create/progress")
def progress(visit: Visit) -> Response:
    """The bar alone, asked for again and again; at the end the whole page is asked for once more."""
    with visit.reading() as session:
        row = found(session, visit)
        run = creation.latest_run(session, row)
        if run is None:
            return visit.go(f"{store_path(row.code)}/matching")
        values = _progress(session, run)
    response = visit.render("setup/creating_bar.html", row=row, **values)
    if not values["is_open"]:
        response.headers["HX-Refresh"] = "true"
    return response


def _is_open(run: SyncRun) -> bool:
    return run.state in (RunState.WANTED, RunState.RUNNING)


def _progress(session: Session, run: SyncRun) -> dict[str, Any]:
    rows = creation.creations(session, run.id or 0)
    waiting = [row for row in rows if row.state in OPEN and row.not_before is not None]
    return {
        "run": run,
        "is_open": _is_open(run),
        "rows": rows,
        "waiting": waiting,
        "failed": [row for row in rows if row.state == CreationState.REFUSED],
        "stopped": [row for row in rows if row.state == CreationState.STOPPED],
        "made": sum(1 for row in rows if row.state == CreationState.MADE),
        "was_there": sum(1 for row in rows if row.state == CreationState.FOUND),
        "most": MOST_SHOWN,
    }


# ------------------------------------------------------------------------------------------- in the own ledger


@pages.get("/app/stores/{name}/take")
def ask_take(visit: Visit) -> Response:
    """Which of the store's products the own ledger would begin with."""
    return _take_page(visit)


def _take_page(visit: Visit, *, wrong: str = "") -> Response:
    with visit.reading() as session:
        row = found(session, visit)
        office = authority_of(session, row.merchant_id)
        products = [] if office.connection else starting.store_products(session, row)
        steps = rail(session, visit.merchant_id, "matching", store=row)
    if office.connection is not None:
        wrong = wrong or f"{office.name} says what is in stock: make the products there. The file lists them."
    return visit.render(
        "setup/take.html",
        422 if wrong else 200,
        row=row,
        rail=steps,
        office=office.name,
        takes=[product for product in products if not product.problem],
        leaves=[product for product in products if product.problem],
        wrong=wrong,
        most=MOST_SHOWN,
    )


@pages.post("/app/stores/{name}/take")
def take(visit: Visit) -> Response:
    """Take them."""
    with visit.reading() as session:
        row = found(session, visit)
    try:
        with store_hand(visit.engine, row.id or 0) as held:
            taken = starting.take(visit.engine, held, row.id or 0, actor=visit.actor)
    except (ConnectorError, NotPossible) as error:
        return _take_page(visit, wrong=str(error))
    said = f"{count_words(len(taken.skus), 'SKU begins', 'SKUs begin')} with what {row.name} shows."
    if taken.left:
        said += f" {count_words(len(taken.left), 'is', 'are')} left: they have no figure of their own."
    return visit.go(f"{store_path(row.code)}/matching", said=said, tone="ok" if taken.skus else "warn")
