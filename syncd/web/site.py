"""Everything that people and programs ask for, put together, and what stands before every route."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from syncd.engine.context import Engine
from syncd.web import entrance, overview
from syncd.web.defence.headers import SecurityHeaders
from syncd.web.defence.rates import RateLimit
from syncd.web.defence.sizes import BodyLimit
from syncd.web.frame.drawing import STATIC
from syncd.web.frame.pages import NothingHere, Pages
from syncd.web.frame.visit import Visit
from syncd.web.problems import problem

PAGES = (entrance.pages, overview.pages)
"""Every module of pages; a new one is entered here, its routes in `who.py`."""

KEPT = "public, max-age=31536000, immutable"

nowhere = Pages()


@nowhere.get("/app/{rest:path}")
def nothing_here(_visit: Visit) -> Response:
    """The answer to addresses of pages that there are not."""
    raise NothingHere


def add_site(app: FastAPI, engine: Engine) -> None:
    """Add everything to the app. KeyError for a route that has no line in `who.py`."""
    for pages in (*PAGES, nowhere):
        app.router.routes.extend(pages.routes(engine))
    app.router.routes.append(Mount("/static", _Static(directory=STATIC), name="static"))
    app.add_exception_handler(HTTPException, _http_problem)
    # The last one added is the first that a request meets.
    app.add_middleware(BodyLimit, limit=engine.settings.web.body_limit)
    app.add_middleware(RateLimit, per_minute=engine.settings.security.requests_per_minute)
    app.add_middleware(SecurityHeaders)


async def _http_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))


class _Static(StaticFiles):
    """Files whose address changes with their content, so that browsers keep them for ever."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = KEPT
        return response
