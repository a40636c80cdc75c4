"""Where a platform's consent page answers to: `/connections/callback/{platform}`.

The person's browser comes by GET, WooCommerce itself by POST with the keys. What came back is kept here, once and
quickly; the daemon connects the store afterwards (`syncd/engine/consents.py`), and pages and CLI wait for that.
"""

from dataclasses import dataclass
from html import escape

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from connectors.sdk.errors import ConnectorError, Refused
from syncd.engine import consents
from syncd.engine.context import Engine
from syncd.errors import DatabaseAway, SyncdError
from syncd.web.body import BodyTooLarge, read_body
from syncd.web.frame.visit import SESSION

log = structlog.get_logger(__name__)

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>syncd</title>
<main><h1>{title}</h1><p>{words}</p><p><a href="/app/stores">Go to your stores</a></p></main></html>"""
STRANGE = "This approval did not start in this browser. Nothing was connected. Start again from the page of your store."
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address holds a one-time code
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentCallback:
    """The route's parts."""

    engine: Engine
    body_limit: int

    def routes(self) -> list[Route]:
        """One address, both methods."""
        return [Route("/connections/callback/{platform}", self.receive, methods=["GET", "POST"])]

    async def receive(self, request: Request) -> Response:
        """Keep the answer of a consent page and say what became of it."""
        platform: str = request.path_params["platform"]
        query = dict(request.query_params)
        if request.method == "GET" and not consents.is_from_browser(
            query.get("state", ""), request.cookies.get(SESSION, "")
        ):
            return _answer(request, 400, "Not connected", STRANGE)
        try:
            body = await read_body(request, self.body_limit)
            await run_in_threadpool(consents.finish, self.engine, platform, query.get("state", ""), query, body)
        except (BodyTooLarge, ClientDisconnect):
            return _answer(request, 413, "Not connected", "That was too much to read.")
        except DatabaseAway:
            return _answer(request, 503, "Not connected yet", "syncd cannot store anything right now. Try again.")
        except (SyncdError, Refused) as error:
            return _answer(request, 400, "Not connected", str(error))
        except ConnectorError as error:
            log.warning("consent_not_finished", platform=platform, error=error)
            return _answer(request, 502, "Not connected", f"The store did not answer as it should: {error}")
        return _answer(request, 200, "Approved", "The store is being connected; you can close this page.")


def _answer(request: Request, status: int, title: str, words: str) -> Response:
    if request.method == "POST":
        return PlainTextResponse(words, status_code=status)
    page = _PAGE.format(title=escape(title), words=escape(words))
    return HTMLResponse(page, status_code=status, headers=_HEADERS)
