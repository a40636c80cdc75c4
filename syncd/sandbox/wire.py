"""How a simulated platform meets the network: plain requests in, plain answers out, webhooks as a list of what is due.

A platform is one object with three methods (`Platform`). It is synchronous and takes its time from a clock that it is
given, so the same object runs behind a real socket (`serve.py`), behind an `httpx.MockTransport` (`transport`), and
under a virtual clock in a simulation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qsl

import httpx

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as it arrived: header names in lower case, `target` with the raw query string."""

    method: str
    scheme: str
    host: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def query(self) -> dict[str, str]:
        """Query parameters, the last of equal names winning (as PHP does)."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer. `seconds` is the latency the platform wants before it is seen; `lost` cuts the connection
    unanswered.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One delivery attempt that is due now."""

    id: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float


class Platform(Protocol):
    """What every simulated platform is to the outside."""

    def handle(self, request: Request) -> Response:
        """Answer one request. Safe to call from several threads."""
        ...

    def due(self) -> list[Webhook]:
        """Take the delivery attempts that are due by the platform's clock; each is handed out once."""
        ...

    def delivered(self, webhook_id: str, status: int | None) -> None:
        """Tell the platform how an attempt ended; None stands for no answer in time."""
        ...


def transport(platform: Platform) -> httpx.MockTransport:
    """Join a platform to an httpx client without a socket; latency is left out, a lost answer is a read time-out."""

    def respond(request: httpx.Request) -> httpx.Response:
        answer = platform.handle(
            Request(
                method=request.method,
                scheme=request.url.scheme,
                host=request.url.netloc.decode(),
                path=request.url.path,
                query_string=request.url.query.decode(),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=request.read(),
            )
        )
        if answer.lost:
            raise httpx.ReadTimeout("the simulated platform cut the connection", request=request)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)

    return httpx.MockTransport(respond)
