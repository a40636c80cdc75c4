"""No request is larger than it may be, whether it says so or not. Webhooks count for themselves (`body.py`)."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncd.web.body import says_more_than
from syncd.web.problems import problem

COUNTS_ITSELF = ("/connections/webhook/", "/connections/callback/")


class BodyLimit:
    """413 for a body over `limit` bytes; the rest of it is not read."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, counting what is read."""
        if scope["type"] != "http" or scope["path"].startswith(COUNTS_ITSELF):
            await self._app(scope, receive, send)
            return
        words, read = f"The body may have {self._limit} bytes at most.", 0
        told = dict(scope["headers"]).get(b"content-length", b"")
        if says_more_than(self._limit, told.decode("latin-1")):
            await problem(413, words, {"Connection": "close"})(scope, receive, send)
            return

        async def receive_counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise HTTPException(413, words, {"Connection": "close"})
            return message

        await self._app(scope, receive_counted, send)
