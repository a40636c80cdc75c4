"""Reading a request's body with a limit, which is counted and not believed."""

from starlette.requests import Request


class BodyTooLarge(Exception):
    """The body is over the limit; the rest of it is not read."""


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises BodyTooLarge, and Starlette's ClientDisconnect."""
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told) > limit:
        raise BodyTooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge
    return bytes(body)
