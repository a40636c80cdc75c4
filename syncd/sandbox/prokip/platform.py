"""`SimulatedProkip`: one Prokip tenant. Requests go in by `handle`; people act through `people`.

What a request meets, in order: the sandbox's own control routes, switched-on faults, the token check, the throttle,
then the dialect (`rest.py` or `simple.py`). There are no webhooks: Prokip tells nobody anything.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from urllib.parse import parse_qsl

from syncd.sandbox.prokip import control, rest, simple
from syncd.sandbox.prokip.business import Business
from syncd.sandbox.prokip.call import Call
from syncd.sandbox.prokip.faults import Faults, WriteOutcome
from syncd.sandbox.prokip.journal import Journal
from syncd.sandbox.prokip.oauth import Credentials, TokenOffice
from syncd.sandbox.prokip.paging import Page
from syncd.sandbox.prokip.people import People
from syncd.sandbox.prokip.throttle import Throttle
from syncd.sandbox.wire import Clock, Request, Response, Webhook

CONNECTOR = "/connector/api/"
SIMPLE = frozenset({"/inventory", "/sells"})
CSRF_ONLY = frozenset({"/stock-adjustments", "/opening-stock"})
WRITES = frozenset({"/connector/api/sell", "/connector/api/sell-return", "/sells"})
HTML = {"Content-Type": "text/html; charset=UTF-8"}
NOT_STORED = {"Cache-Control": "no-store, private", "Pragma": "no-cache"}
JSON = {"Content-Type": "application/json"}


class SimulatedProkip:
    """One tenant of a Prokip server.

    `throttle` is requests a minute for the user, None for no limit. `people` is what happens in the shop, `faults` the
    switches, `journal` the calls that were made. Deviations that a connector has to notice: `ignored_filters` are query
    parameters that this server does not honour, `lossy_filters` those of sales that find nothing whatever is asked,
    `missing_routes` first path segments and `missing_methods` methods that it does not have; `hides_drafts` leaves
    drafts out of its list of sales.
    """

    def __init__(  # noqa: PLR0913 - every one is a setting of its own
        self,
        *,
        clock: Clock,
        random: Random,
        throttle: int | None = 60,
        time_zone: str = "Africa/Nairobi",
        dialect: str = "connector",
        username: str = "sync.robot",
        password: str = "sandbox-password",  # noqa: S107 - opens nothing but this simulation
        client_id: str = "6",
        client_secret: str = "sandbox-client-secret",  # noqa: S107
        access_token: str = "sandbox-access-token",  # noqa: S107
        token_lifetime: timedelta = timedelta(days=365),
        allow_overselling: bool = True,
        may_view_sells: bool = True,
        ignored_filters: Sequence[str] = (),
        missing_routes: Sequence[str] = (),
        missing_methods: Sequence[str] = (),
        lossy_filters: Sequence[str] = (),
        hides_drafts: bool = False,
        locations: Sequence[str] = ("Main shop",),
    ) -> None:
        if dialect not in {"connector", "simple", "both"}:
            raise ValueError(f"dialect is connector, simple or both, not {dialect!r}")
        self.clock = clock
        self.dialect = dialect
        self.faults = Faults()
        self.journal = Journal()
        self.business = Business(clock=clock, random=random, time_zone=time_zone, allow_overselling=allow_overselling)
        self.business.add_contact("Walk-In Customer")
        for name in locations:
            self.business.add_location(name)
        self.credentials = Credentials(
            username=username,
            password=password,
            client_id=client_id,
            client_secret=client_secret,
            access_token=access_token,
        )
        self.tokens = TokenOffice(credentials=self.credentials, random=random, lifetime=token_lifetime)
        self.throttle = Throttle(throttle)
        self.lock = threading.RLock()
        self.people = People(self.business, self.lock)
        self._random = random
        self._may_view_sells = may_view_sells
        self._ignored_filters = frozenset(ignored_filters)
        self._missing_routes = frozenset(missing_routes)
        self.missing_methods = frozenset(missing_methods)
        self.lossy_filters = frozenset(lossy_filters)
        self._hides_drafts = hides_drafts
        self._late: list[tuple[datetime, Request]] = []

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        with self.lock:
            self.commit_late()
            if request.path.startswith("/_sandbox"):
                return control.answer(self, request)
            answer = self._with_faults(request)
            self.journal.note(request, answer, self.clock())
            return replace(answer, seconds=answer.seconds + self.faults.latency_seconds)

    def due(self) -> list[Webhook]:
        """Nothing: Prokip has no webhooks."""
        return []

    def delivered(self, webhook_id: str, status: int | None) -> None:
        """Never called with a webhook of ours."""

    def commit_late(self) -> None:
        """Record the sales whose requests were cut off and whose time has come; every request does this first."""
        with self.lock:
            now = self.clock()
            ripe = [request for at, request in self._late if at <= now]
            self._late = [(at, request) for at, request in self._late if at > now]
            for request in ripe:
                self._dispatch(request)

    def _with_faults(self, request: Request) -> Response:
        faults = self.faults
        if faults.down:
            return Response(status=502, headers=HTML, body=b"<html><h1>502 Bad Gateway</h1></html>")
        if self._random.random() < faults.error_rate:
            return _json(500, {"message": "Server Error"})
        if _is_write(request):
            return self._write(request, faults.write_outcome(self._random))
        return self._answered(request)

    def _write(self, request: Request, outcome: WriteOutcome) -> Response:
        cut = Response(lost=True, seconds=self.faults.commit_then_hang_seconds)
        if outcome is WriteOutcome.ERROR:
            return _json(500, {"message": "Server Error"})
        if outcome is WriteOutcome.LOST_REQUEST:
            return cut
        if outcome is WriteOutcome.LATE_COMMIT:
            self._late.append((self.clock() + timedelta(seconds=self.faults.late_commit_seconds), request))
            return cut
        answer = self._answered(request)
        if outcome is WriteOutcome.COMMIT_THEN_HANG:
            return cut
        return _json(500, {"message": "Server Error"}) if outcome is WriteOutcome.COMMIT_THEN_500 else answer

    def _answered(self, request: Request) -> Response:
        answer = self._dispatch(request)
        return Response(lost=True) if self._random.random() < self.faults.lost_answer_rate else answer

    def _dispatch(self, request: Request) -> Response:
        if request.path == "/oauth/token" and request.method == "POST":
            return _json(*self.tokens.answer(_fields(request), self.clock()), NOT_STORED)
        if request.path in CSRF_ONLY and request.method == "POST":
            return _json(419, {"message": "CSRF token mismatch."})
        is_connector = request.path.startswith(CONNECTOR) and self.dialect != "simple"
        if not is_connector and not (request.path in SIMPLE and self.dialect != "connector"):
            return _json(404, {"message": f"The route {request.path.lstrip('/')} could not be found."})
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not self.tokens.is_valid(token, self.clock()):
            return _unauthenticated(request)
        admitted = self.throttle.admit(self.credentials.username, self.clock())
        if not admitted.is_allowed:
            return _json(429, {"message": "Too Many Attempts."}, admitted.headers)
        call = self._call(request)
        if not is_connector:
            return _json(*simple.answer(call, request.method, request.path), admitted.headers)
        path = request.path.removeprefix(CONNECTOR)
        missing = self._missing_routes | self.missing_methods
        status, body, allowed = rest.answer(call, request.method, path, missing)
        return _json(status, body, admitted.headers | ({"Allow": allowed} if allowed else {}))

    def _call(self, request: Request) -> Call:
        host = f"{request.scheme}://{request.host}"
        query = {name: value for name, value in request.query.items() if name not in self._ignored_filters}
        return Call(
            business=self.business,
            faults=self.faults,
            random=self._random,
            host=host,
            page=Page(address=host + request.path, query_string=request.query_string),
            query=query,
            form=_form(request),
            may_view_sells=self._may_view_sells,
            lossy_filters=self.lossy_filters,
            hides_drafts=self._hides_drafts,
        )


def _is_write(request: Request) -> bool:
    """Whether a request makes, changes or deletes a sale, or gives back."""
    if request.method == "POST":
        return request.path in WRITES
    return request.method in {"PUT", "DELETE"} and request.path.startswith(f"{CONNECTOR}sell/")


def _unauthenticated(request: Request) -> Response:
    """A JSON answer for who asks for JSON first, the login page for everybody else."""
    wanted = request.headers.get("accept", "").split(",")[0]
    if "/json" in wanted or "+json" in wanted:
        return _json(401, {"message": "Unauthenticated."})
    login = f"{request.scheme}://{request.host}/login"
    return Response(status=302, headers={**HTML, "Location": login}, body=b"<html>Redirecting to login</html>")


def _form(request: Request) -> Mapping[str, object]:
    """The JSON object of a body; anything else is an empty form, as in Laravel."""
    try:
        found = json.loads(request.body, parse_float=Decimal) if request.body else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _fields(request: Request) -> dict[str, str]:
    if "json" in request.headers.get("content-type", ""):
        return {name: str(value) for name, value in _form(request).items()}
    return dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))


def _json(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status=status, headers={**JSON, **(headers or {})}, body=json.dumps(body).encode())
