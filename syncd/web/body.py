"""Reading a request's body with a limit, which is counted and not believed."""

from starlette.requests import Request


class BodyTooLarge(Exception):
    """The body is over the limit; the rest of it is not read."""


def says_more_than(limit: int, told: str) -> bool:
    """Whether a Content-Length is over the limit; one that is no number says nothing."""
    return told.isascii() and told.isdigit() and (len(told) > 18 or int(told) > limit)


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises BodyTooLarge, and Starlette's ClientDisconnect."""
    if says_more_than(limit, request.headers.get("content-length", "")):
        raise BodyTooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge
    return bytes(body)
