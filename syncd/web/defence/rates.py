"""How often somebody may ask: per token or address, counted in memory of this process.

Webhooks are only counted when they were refused: a store that signs rightly is never turned away, whatever it sends.
Failed sign-ins are counted in the database as well (`syncd/engine/people/sign_in.py`), where processes share them.
"""

import hashlib

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncd.web.problems import problem

FREE = ("/static/", "/healthz", "/readyz", "/metrics", "/app/events")
WEBHOOKS = "/connections/webhook/"
DOORS = ("/sign-in", "/welcome", "/forgot", "/reset/", "/invite/", "/auth/")
REFUSED_A_MINUTE = 60
DOORS_A_MINUTE = 30


class RateLimit:
    """429 with Retry-After for who asks too often."""

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self._app = app
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._ordinary = RateLimitItemPerMinute(per_minute)
        self._doors = RateLimitItemPerMinute(DOORS_A_MINUTE)
        self._refused = RateLimitItemPerMinute(REFUSED_A_MINUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, and pass on."""
        if scope["type"] != "http" or scope["path"].startswith(FREE):
            await self._app(scope, receive, send)
        elif scope["path"].startswith(WEBHOOKS):
            await self._webhook(scope, receive, send)
        elif all(self._limiter.hit(limit, *keys) for limit, keys in self._limits(scope)):
            await self._app(scope, receive, send)
        else:
            await _refuse(scope, receive, send)

    def _limits(self, scope: Scope) -> list[tuple[RateLimitItemPerMinute, tuple[str, ...]]]:
        is_door = scope["method"] == "POST" and scope["path"].startswith(DOORS)
        limits: list[tuple[RateLimitItemPerMinute, tuple[str, ...]]] = [(self._ordinary, (_who(scope),))]
        return [(self._doors, ("door", _address(scope))), *limits] if is_door else limits

    async def _webhook(self, scope: Scope, receive: Receive, send: Send) -> None:
        keys = ("refused", _address(scope), scope["path"])
        if not self._limiter.test(self._refused, *keys):
            await _refuse(scope, receive, send)
            return

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start" and 400 <= message["status"] < 500:
                self._limiter.hit(self._refused, *keys)
            await send(message)

        await self._app(scope, receive, send_noted)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _who(scope: Scope) -> str:
    """A token is counted for itself, so that programs behind one address do not take each other's share."""
    told = dict(scope["headers"]).get(b"authorization", b"")
    return f"token:{hashlib.sha256(told).hexdigest()[:32]}:{_address(scope)}" if told else f"address:{_address(scope)}"


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(429, "Too many requests. Wait a minute.", {"Retry-After": "60"})(scope, receive, send)
