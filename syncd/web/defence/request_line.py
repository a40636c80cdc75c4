"""What a request line may be: an ASCII address of ordinary length. Anything else is an attack or a broken client."""

from starlette.types import ASGIApp, Receive, Scope, Send

from syncd.web.problems import problem

LONGEST_PATH = 4000  # bytes, escaped; the longest SKU is shorter, and the number in a longer one takes too long to read


class RequestLine:
    """400 for an address that is no ASCII, 414 for one that is too long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is an address."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif len(scope.get("raw_path") or scope["path"]) > LONGEST_PATH:
            await problem(414, "This address is too long.")(scope, receive, send)
        elif not scope["query_string"].isascii():
            await problem(400, "An address is written in ASCII.")(scope, receive, send)
        else:
            await self._app(scope, receive, send)
