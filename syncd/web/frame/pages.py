"""Where pages are served. A page is a plain function `(visit) -> Response`, entered by `@pages.get("/app/stock")`.

Before it runs: its line in `who.py` was found, the cookie was looked up, the role suffices, and a POST brought the CSRF
token of this browser. After it: what went wrong is a page in words, never a traceback.
"""

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sdk.errors import ConnectorError
from schema.tables import SessionKind
from syncd.engine.context import Engine
from syncd.engine.people import sessions, users
from syncd.errors import DatabaseAway, SyncdError
from syncd.web.frame.visit import BROWSER, SESSION, Visit
from syncd.web.who import PAGES, Who

log = structlog.get_logger(__name__)

Handler = Callable[[Visit], Response]
Stream = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
MOST_FIELDS = 20_000
LARGEST_ID = 2**53
_OUR_PATH = re.compile(r"/(app([/?][^\\\x00-\x20\x7f]*)?|connections/[^\\\x00-\x20\x7f]*)")
_OF_ADDRESSES = "/?#=&%+;,:@!$'()*~-._"


class NothingHere(Exception):
    """What was asked for does not exist, or is somebody else's."""


@dataclass(frozen=True, slots=True)
class Pages:
    """A module's pages."""

    entries: list[tuple[str, str, Handler]] = field(default_factory=list)
    streams: list[tuple[str, Stream]] = field(default_factory=list)

    def get(self, path: str) -> Callable[[Handler], Handler]:
        """Serve a page; it runs in a thread and may block."""
        return self._entered("GET", path)

    def post(self, path: str) -> Callable[[Handler], Handler]:
        """Take a form."""
        return self._entered("POST", path)

    def stream(self, path: str) -> Callable[[Stream], Stream]:
        """Serve events: an `async` function, called on the event loop, which it must not block."""

        def enter(handler: Stream) -> Stream:
            self.streams.append((path, handler))
            return handler

        return enter

    def _entered(self, method: str, path: str) -> Callable[[Handler], Handler]:
        def enter(handler: Handler) -> Handler:
            self.entries.append((method, path, handler))
            return handler

        return enter

    def routes(self, engine: Engine) -> list[Route]:
        """The routes of all pages. KeyError for a page that has no line in `who.py`."""
        pages = [
            Route(path, _endpoint(engine, PAGES[f"{method} {path}"], handler), methods=[method])
            for method, path, handler in self.entries
        ]
        streams = [
            Route(path, _stream_endpoint(engine, PAGES[f"GET {path}"], handler), methods=["GET"])
            for path, handler in self.streams
        ]
        return pages + streams


def _endpoint(engine: Engine, who: Who, handler: Handler) -> Endpoint:
    def answer(request: Request, form: FormData) -> Response:
        visit = visit_of(engine, request, form)
        try:
            return _refusal(visit, who) or _answer(visit, handler)
        except NothingHere:
            return visit.render("not_found.html", 404)
        except DatabaseAway as error:
            return _went_wrong(visit, 503, error)
        except (SyncdError, ConnectorError) as error:
            return _not_possible(visit, error)
        except Exception as error:  # noqa: BLE001 the edge: told in words, logged with its traceback
            return _went_wrong(visit, 500, error)

    async def serve(request: Request) -> Response:
        form = await request.form(max_fields=MOST_FIELDS) if _is_form(request) else FormData()
        return await run_in_threadpool(answer, request, form)

    return serve


def _is_form(request: Request) -> bool:
    """What our own forms send. A multipart body names its charset, and decoding some of them takes for ever."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.method == "POST" and kind == "application/x-www-form-urlencoded"


def _answer(visit: Visit, handler: Handler) -> Response:
    if any(isinstance(part, int) and part > LARGEST_ID for part in visit.request.path_params.values()):
        raise NothingHere
    return handler(visit)


def _stream_endpoint(engine: Engine, who: Who, handler: Stream) -> Endpoint:
    def admit(request: Request) -> tuple[Visit, Response | None]:
        visit = visit_of(engine, request, FormData())
        return visit, _refusal(visit, who)

    async def serve(request: Request) -> Response:
        visit, refusal = await run_in_threadpool(admit, request)
        return refusal or await handler(visit)

    return serve


def visit_of(engine: Engine, request: Request, form: FormData) -> Visit:
    """Who asks, by the cookie and nothing else."""
    token, browser = request.cookies.get(SESSION, ""), request.cookies.get(BROWSER, "")
    visitor = sessions.visitor_of(engine, token, SessionKind.PAGE) if token else None
    return Visit(
        request=request,
        engine=engine,
        visitor=visitor,
        token=token if visitor else "",
        browser=browser or secrets.token_urlsafe(24),
        is_new_browser=not browser,
        form=form,
    )


def _refusal(visit: Visit, who: Who) -> Response | None:
    """The answer to whom the page is not for."""
    if who.role is not None:
        if visit.visitor is None or visit.visitor.is_pending:
            return to_sign_in(visit)
        if not visit.may(who.value):
            return visit.render("not_allowed.html", 403, needed=who.value)
    if visit.request.method == "POST" and not visit.has_csrf():
        return visit.render("form_too_old.html", 403, back=back_path(visit))
    return None


def to_sign_in(visit: Visit) -> Response:
    """To the door: to the first visit's on a fresh installation, to the code's where only that is missing."""
    with visit.reading() as session:
        if not users.is_claimed(session):
            return visit.go("/welcome")
    door = "/sign-in/code" if visit.visitor is not None else "/sign-in"
    wanted = visit.path if visit.request.method == "GET" else back_path(visit)
    return visit.go(door if wanted in ("/app", "/") else f"{door}?next={quote(wanted, safe='')}")


def own_path(told: str) -> str:
    """A path of ours to go to after signing in; `/app` for anything else, such as another site's address."""
    return quote(told, safe=_OF_ADDRESSES) if _OUR_PATH.fullmatch(told) else "/app"


def back_path(visit: Visit) -> str:
    """The page that a form stood on."""
    try:
        referer = urlsplit(visit.request.headers.get("referer", ""))
    except ValueError:
        return "/app"
    is_ours = referer.netloc == visit.request.url.netloc and referer.path.startswith("/")
    if not is_ours:
        return "/app"
    path = "/" + referer.path.lstrip("/")  # two slashes would be another host's address
    return path + (f"?{referer.query}" if referer.query else "")


def _not_possible(visit: Visit, error: SyncdError | ConnectorError) -> Response:
    """A form goes back to its page, which says why; a page says it itself."""
    if visit.request.method == "POST":
        return visit.go(back_path(visit), said=str(error), tone="bad")
    return visit.render("not_possible.html", 409, words=str(error))


def _went_wrong(visit: Visit, status: int, error: Exception) -> Response:
    number = secrets.token_hex(2).upper()
    log.error("page_failed", error_id=number, path=visit.request.url.path, exc_info=error)
    return visit.render("error.html", status, number=number, open_issues=lambda: 0)
