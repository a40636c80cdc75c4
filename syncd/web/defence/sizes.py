"""No request is larger than it may be, whether it says so or not. Webhooks count for themselves (`body.py`)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncd.web.problems import problem

COUNTS_ITSELF = ("/connections/webhook/", "/connections/callback/")


class _TooLarge(Exception):
    pass


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
        if _told(scope) > self._limit:
            await self._refuse(scope, receive, send)
            return
        read, is_answered = 0, False

        async def receive_counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise _TooLarge
            return message

        async def send_noted(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await self._app(scope, receive_counted, send_noted)
        except _TooLarge:
            if not is_answered:
                await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        words = f"The body may have {self._limit} bytes at most."
        await problem(413, words, {"Connection": "close"})(scope, receive, send)


def _told(scope: Scope) -> int:
    told = dict(scope["headers"]).get(b"content-length", b"")
    return int(told) if told.isdigit() else 0
