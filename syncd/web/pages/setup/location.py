"""Which of its own locations a store sells from: asked of the store, and changed."""

from starlette.responses import Response

from connectors.sdk.errors import ConnectorError
from syncd.engine import connections
from syncd.engine.accounts import LOCATION
from syncd.engine.store_places import ask_places
from syncd.errors import NotPossible
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import store_path
from syncd.web.pages.stores import found

pages = Pages()


@pages.get("/app/stores/{name}/location")
def ask_location(visit: Visit) -> Response:
    """The store's own locations, as it tells them now."""
    return _location_page(visit)


def _location_page(visit: Visit, *, wrong: str = "") -> Response:
    with visit.reading() as session:
        row = found(session, visit)
    try:
        places = [place for place in ask_places(visit.engine, row.id or 0).locations if place.is_active]
    except (ConnectorError, NotPossible) as error:
        places, wrong = [], wrong or f"The store could not be asked just now: {error}"
    chosen = str(row.settings.get(LOCATION, ""))
    values = {"row": row, "places": places, "chosen": chosen, "wrong": wrong}
    return visit.render("stores/location.html", 422 if wrong else 200, **values)


@pages.post("/app/stores/{name}/location")
def change_location(visit: Visit) -> Response:
    """Sell from another one: its numbers are looked at anew."""
    with visit.reading() as session:
        row = found(session, visit)
    try:
        connections.change(visit.engine, row.id or 0, store_location=visit.sent(LOCATION), actor=visit.actor)
    except (ConnectorError, NotPossible) as error:
        return _location_page(visit, wrong=str(error))
    return visit.go(store_path(row.code), said="Changed. Its numbers are looked at anew before any is set.")
