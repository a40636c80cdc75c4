"""Where a platform's consent page answers to: `/connections/callback/{platform}`.

The person's browser comes by GET, WooCommerce itself by POST with the keys. What came back is kept here, once and
quickly; the daemon connects the store afterwards (`syncd/engine/consents.py`), and pages and CLI wait for that.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from connectors.sdk.errors import ConnectorError, Refused
from syncd.engine import consents
from syncd.engine.context import Engine
from syncd.errors import DatabaseAway, SyncdError
from syncd.web.body import BodyTooLarge, read_body
from syncd.web.connect_doors import ARRIVED
from syncd.web.frame.pages import visit_of
from syncd.web.frame.visit import SESSION
from syncd.web.pages.setup.platform_words import words_of_callback

log = structlog.get_logger(__name__)

STRANGE = "This approval did not start in this browser. Nothing was connected. Start again from the page of your store."
_HEADERS = {
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
            return await self._answer(request, 400, "Not connected", STRANGE)
        try:
            body = await read_body(request, self.body_limit)
            await run_in_threadpool(consents.finish, self.engine, platform, query.get("state", ""), query, body)
        except (BodyTooLarge, ClientDisconnect):
            return await self._answer(request, 413, "Not connected", "That was too much to read.")
        except DatabaseAway:
            return await self._answer(
                request, 503, "Not connected yet", "syncd cannot store anything right now. Try again."
            )
        except (SyncdError, Refused) as error:
            return await self._answer(request, 400, "Not connected", str(error))
        except ConnectorError as error:
            log.warning("consent_not_finished", platform=platform, error=error)
            return await self._answer(request, 502, "Not connected", f"The store did not answer as it should: {error}")
        if request.method == "GET" and request.cookies.get(SESSION):
            return RedirectResponse(f"{ARRIVED}?{urlencode({'user_id': query.get('state', '')})}", 303, _HEADERS)
        return await self._answer(request, 200, "Approved", "The store is being connected; you can close this page.")

    async def _answer(self, request: Request, status: int, title: str, words: str) -> Response:
        if request.method == "POST":
            return PlainTextResponse(words, status_code=status)
        return await run_in_threadpool(self._page, request, status, title, words)

    def _page(self, request: Request, status: int, title: str, words: str) -> Response:
        visit = visit_of(self.engine, request, FormData())
        response = visit.render("setup/not_connected.html", status, heading=title, words=words_of_callback(words))
        response.headers["Referrer-Policy"] = _HEADERS["Referrer-Policy"]
        return response
