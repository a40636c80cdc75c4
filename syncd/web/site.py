"""Everything that people and programs ask for, put together, and what stands before every route."""

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from syncd.engine.context import Engine
from syncd.web import connect_doors, description, entrance, pages
from syncd.web.api import auth, goods, people, products, setup, stores, trade, work
from syncd.web.api.answers import PROBLEMS, tell_problems
from syncd.web.defence.headers import SecurityHeaders
from syncd.web.defence.rates import RateLimit
from syncd.web.defence.request_line import RequestLine
from syncd.web.defence.sizes import BodyLimit
from syncd.web.frame.drawing import STATIC
from syncd.web.frame.pages import NothingHere, Pages
from syncd.web.frame.visit import Visit
from syncd.web.who import API

PAGES = (entrance.pages, *pages.PAGES)
"""Every module of pages; a new one is entered here, its routes in `who.py`."""

ROUTERS = (
    auth.router,
    people.router,
    setup.router,
    stores.router,
    goods.router,
    products.router,
    trade.router,
    work.router,
)
KEPT = "public, max-age=31536000, immutable"

nowhere = Pages()


@nowhere.get("/app/{rest:path}")
def nothing_here(_visit: Visit) -> Response:
    """The answer to addresses of pages that there are not."""
    raise NothingHere


def add_site(app: FastAPI, engine: Engine) -> None:
    """Add everything to the app. KeyError for a route that has no line in `who.py`."""
    for each in (*PAGES, nowhere):
        app.router.routes.extend(each.routes(engine))
    app.router.routes.extend(_by_browser(route) for route in connect_doors.pages.routes(engine))
    for router in ROUTERS:
        _require_lines(router)
        app.include_router(router, responses=PROBLEMS)
    description.add_to(app)
    app.router.routes.append(Mount("/static", _Static(directory=STATIC), name="static"))
    tell_problems(app)
    # The last one added is the first that a request meets.
    app.add_middleware(BodyLimit, limit=engine.settings.web.body_limit)
    app.add_middleware(RequestLine)
    app.add_middleware(RateLimit, per_minute=engine.settings.security.requests_per_minute)
    app.add_middleware(SecurityHeaders)


def _require_lines(router: APIRouter) -> None:
    """KeyError for a route of the API that has no line."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                API[f"{method} {route.path}"]


class _BrowserRoute(Route):
    """A page at an address that the API has too: for who brings no bearer token and wants to see a page."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        headers = dict(scope.get("headers", ()))
        if b"authorization" in headers or b"text/html" not in headers.get(b"accept", b""):
            return Match.NONE, {}
        return super().matches(scope)


def _by_browser(route: Route) -> Route:
    return _BrowserRoute(route.path, route.endpoint, methods=list(route.methods or ()))


class _Static(StaticFiles):
    """Files whose address changes with their content, so that browsers keep them for ever."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = KEPT
        return response
