"""Webhooks: read, verify the raw bytes, hand to the inbox, answer when the row is durable. Nothing is parsed here.

`/connections/webhook/{platform}/{public_id}` is what we register with stores; `/connections/webhook/{platform}` finds
the store by what its headers claim, for app-wide subscriptions. What deliveries mean is the business of
`syncd/engine/intake.py`.
"""

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sdk.contract import Clock, WebhookDoor
from connectors.sdk.errors import InvalidSignature
from syncd.engine.inbox import Arrival, Inbox
from syncd.errors import DatabaseAway
from syncd.web.body import BodyTooLarge, read_body
from syncd.web.doors import Address, Doors, Guest
from syncd.web.metrics import Metrics

log = structlog.get_logger(__name__)

READ_WITHIN = 10.0
STORE_WITHIN = 4.0
"""Seconds. Platforms wait five: what takes longer is told to come again, and is stored once all the same."""

NOT_KEPT = frozenset({"authorization", "proxy-authorization", "cookie"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """The route's parts."""

    doors: Doors
    inbox: Inbox
    clock: Clock
    metrics: Metrics
    body_limit: int

    def routes(self) -> list[Route]:
        """Both addresses."""
        return [
            Route("/connections/webhook/{platform}/{public_id}", self.receive, methods=["POST"]),
            Route("/connections/webhook/{platform}", self.receive, methods=["POST"]),
        ]

    async def receive(self, request: Request) -> Response:
        """Answer one delivery."""
        platform: str = request.path_params["platform"]
        door = self.doors.of(platform)
        if door is None:
            return _answer(HTTPStatus.NOT_FOUND)
        try:
            async with asyncio.timeout(READ_WITHIN):
                body = await read_body(request, self.body_limit)
        except BodyTooLarge:
            return self._count(platform, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except (TimeoutError, ClientDisconnect):
            return self._count(platform, HTTPStatus.REQUEST_TIMEOUT)
        began = time.perf_counter()
        try:
            status = await self._take(request, platform, door, body)
        except DatabaseAway as error:
            log.warning("delivery_turned_away", platform=platform, reason=str(error))
            status = HTTPStatus.SERVICE_UNAVAILABLE
        self.metrics.seconds.labels(platform).observe(time.perf_counter() - began)
        return self._count(platform, status)

    async def _take(self, request: Request, platform: str, door: WebhookDoor, body: bytes) -> HTTPStatus:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw}
        public_id: str | None = request.path_params.get("public_id")
        account_id = door.account_id(headers, body) if public_id is None else None
        address = Address(platform=platform, public_id=public_id, account_id=account_id)
        if public_id is None and account_id is None:
            return self._of_nobody(platform, door, headers, body)
        guest = self.doors.known(address) or await run_in_threadpool(self.doors.find, address, door)
        if guest is None:
            return self._of_nobody(platform, door, headers, body)
        if door.is_unsigned_ping(headers, body):
            return HTTPStatus.OK
        if not await self._is_signed(address, door, guest, headers, body):
            self.inbox.refuse(guest.connection_id)
            return HTTPStatus.UNAUTHORIZED
        return await self._store(guest, door, headers, body)

    async def _is_signed(
        self, address: Address, door: WebhookDoor, guest: Guest, headers: dict[str, str], body: bytes
    ) -> bool:
        if self._verifies(door, headers, body, guest.secrets):
            return True
        if not self.doors.is_stale(guest):
            return False
        fresh = await run_in_threadpool(self.doors.find, address, door)
        return fresh is not None and self._verifies(door, headers, body, fresh.secrets)

    def _of_nobody(self, platform: str, door: WebhookDoor, headers: dict[str, str], body: bytes) -> HTTPStatus:
        """A shop that we do not know (any more): an app is told of it all the same, and must say 200 (privacy topics).

        Nothing is kept of such a shop but deliveries that end by themselves, so there is nothing to do either.
        """
        if not self._verifies(door, headers, body, self.doors.own_secrets(platform, door)):
            return HTTPStatus.NOT_FOUND
        log.info("delivery_of_unknown_store", platform=platform, topic=door.topic(headers, body))
        return HTTPStatus.OK

    def _verifies(self, door: WebhookDoor, headers: dict[str, str], body: bytes, secrets: tuple[str, ...]) -> bool:
        try:
            door.verify(headers, body, secrets, self.clock.now())
        except InvalidSignature:
            return False
        return True

    async def _store(self, guest: Guest, door: WebhookDoor, headers: dict[str, str], body: bytes) -> HTTPStatus:
        arrival = Arrival(
            connection_id=guest.connection_id,
            key=door.delivery_key(headers, body),
            topic=door.topic(headers, body),
            headers={name: value for name, value in headers.items() if name not in NOT_KEPT},
            body=body,
            received_at=self.clock.now(),
        )
        try:
            async with asyncio.timeout(STORE_WITHIN):
                await asyncio.wrap_future(self.inbox.put(arrival))
        except TimeoutError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK

    def _count(self, platform: str, status: HTTPStatus) -> Response:
        self.metrics.deliveries.labels(platform, str(status.value)).inc()
        return _answer(status)


def _answer(status: HTTPStatus) -> Response:
    return Response(status_code=status)
