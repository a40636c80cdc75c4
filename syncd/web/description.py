"""The API's description: `/openapi.json`, and `/docs` to read and try it, with files of our own only."""

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from syncd.web.api.answers import ProblemTold
from syncd.web.frame.drawing import templates

ABOUT = """Everything a page can do. Send `Authorization: Bearer TOKEN`, with a token of `/auth/login` or a
long-lived one.

Lists come in parts: `limit` rows, then `next` as `cursor` for the following part. Errors are
`application/problem+json`.
Times are ISO 8601 with a zone; quantities are whole units; amounts are text."""


def add_to(app: FastAPI) -> None:
    """Serve both."""
    app.openapi = lambda: _describe(app)  # type: ignore[method-assign]
    app.router.routes.append(Route("/docs", _page, methods=["GET"]))


async def _page(_request: Request) -> Response:
    return HTMLResponse(templates().get_template("docs.html").render())


def _describe(app: FastAPI) -> dict[str, object]:
    if app.openapi_schema is None:
        described = get_openapi(title="syncd", version="1", description=ABOUT, routes=app.routes)
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        schemas["ProblemTold"] = ProblemTold.model_json_schema()
        app.openapi_schema = described
    return app.openapi_schema
