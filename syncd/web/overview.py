"""The overview, which says whether all is well and what needs a person."""

from starlette.responses import Response

from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit

pages = Pages()


@pages.get("/app")
def overview(visit: Visit) -> Response:
    """What the merchant sees first."""
    return visit.render("overview.html")
