"""What an error looks like to a program: `application/problem+json` (RFC 9457), the same for every route."""

from http import HTTPStatus

from starlette.responses import JSONResponse


class Problem(JSONResponse):
    """One problem: `title` is the status in words, `detail` a sentence for a person."""

    media_type = "application/problem+json"


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **more: object) -> Problem:
    """The answer to what went wrong."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return Problem(body, status_code=status, headers=headers)
