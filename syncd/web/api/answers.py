"""What the API answers: pages of lists, and problems in one form."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from connectors.sdk.errors import AccessDenied, ConnectorError, Refused
from syncd.errors import DatabaseAway, NotSignedIn, SyncdError, TooManyTries
from syncd.web.problems import problem

log = structlog.get_logger(__name__)

Row = TypeVar("Row")


class Page(BaseModel, Generic[Row]):
    """A part of a list. `next` is the `cursor` of the following part, null at the end."""

    items: list[Row]
    next: str | None = None


class ProblemTold(BaseModel):
    """What went wrong (RFC 9457). `detail` is a sentence for a person."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[str] = Field(default_factory=list, description="For 422: each field and what is wrong with it.")


_TOLD = {
    400: "The request cannot be read.",
    401: "No token, or one that lets nobody in.",
    403: "The role does not suffice.",
    404: "There is no such thing, or it is somebody else's.",
    405: "The address takes other methods.",
    409: "Not possible as things stand; `detail` says why.",
    413: "The body is too large.",
    422: "A field is missing or wrong.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    502: "The platform did not answer as it should.",
    503: "The database is away.",
}
PROBLEMS: dict[int | str, dict[str, object]] = {
    status: {
        "description": words,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemTold"}}},
    }
    for status, words in _TOLD.items()
}


# ------------------------------------------------------------------------------------------- paging


def page(rows: Sequence[Row], limit: int, place: Callable[[Row], object]) -> Page[Row]:
    """A page of rows that were read with one more than `limit`; `place` is where the next one goes on after a row."""
    kept = list(rows[:limit])
    return Page[Row](items=kept, next=_sealed(place(kept[-1])) if len(rows) > limit else None)


def _sealed(place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, default=str).encode()).decode().rstrip("=")


def _opened(cursor: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise _wrong_cursor() from None


def _wrong_cursor() -> HTTPException:
    return HTTPException(422, "This cursor is none of ours: take `next` of the page before.")


def after_id(cursor: str | None) -> int | None:
    """The id that a page goes on after."""
    if cursor is None:
        return None
    place = _opened(cursor)
    if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place <= 2**53:
        raise _wrong_cursor()
    return place


def after_word(cursor: str | None) -> str:
    """The word that a page goes on after."""
    if cursor is None:
        return ""
    place = _opened(cursor)
    if not isinstance(place, str) or "\x00" in place or not place.isprintable():
        raise _wrong_cursor()
    return place


def after_moment(cursor: str | None) -> tuple[datetime, int] | None:
    """The time and id that a page goes on after."""
    if cursor is None:
        return None
    match _opened(cursor):
        case [str(moment), int(row_id)] if 0 <= row_id <= 2**53:
            try:
                at = datetime.fromisoformat(moment)
            except ValueError:
                raise _wrong_cursor() from None
            if at.tzinfo is not None and 2000 <= at.year <= 2200:
                return at, row_id
    raise _wrong_cursor()


# ------------------------------------------------------------------------------------------- problems


def tell_problems(app: FastAPI) -> None:
    """Give every error its answer."""
    app.add_exception_handler(StarletteHTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(SyncdError, _of_syncd)
    app.add_exception_handler(ConnectorError, _of_connector)
    app.add_exception_handler(Exception, _of_anything)


async def _of_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))


async def _of_validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
    return problem(422, "; ".join(told)[:1000], errors=told[:50])


async def _of_syncd(_request: Request, error: Exception) -> Response:
    match error:
        case TooManyTries():
            words = f"{error} You may try again at {error.until.isoformat(timespec='seconds')}."
            return problem(429, words, {"Retry-After": "900"})
        case NotSignedIn():
            return problem(401, str(error), {"WWW-Authenticate": "Bearer"})
        case DatabaseAway():
            return problem(503, "syncd cannot reach its database. Try again.", {"Retry-After": "5"})
        case _:
            return problem(409, str(error))


async def _of_connector(_request: Request, error: Exception) -> Response:
    is_ours_to_mend = isinstance(error, AccessDenied | Refused)
    return problem(409 if is_ours_to_mend else 502, str(error))


async def _of_anything(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return problem(500, "That did not work, and it is our fault. It is in the log.")
