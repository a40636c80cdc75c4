"""Who may ask for what: the one table of every route. A route that is not in it is not served.

`PAGES` take the cookie, and a CSRF token on every POST; `API` takes a bearer token only. Webhooks, health and static
files are no business of anybody in particular and have their own defence.
"""

from enum import StrEnum

from schema.tables import UserRole


class Who(StrEnum):
    """Who may come through a door."""

    ANYONE = "anyone"
    VIEWER = "viewer"
    OPERATOR = "operator"
    OWNER = "owner"

    @property
    def role(self) -> UserRole | None:
        """The role that is needed; None where nobody has to be signed in."""
        return None if self is Who.ANYONE else UserRole(self.value)


_ANYONE, _VIEWER, _OPERATOR, _OWNER = Who.ANYONE, Who.VIEWER, Who.OPERATOR, Who.OWNER

PAGES: dict[str, Who] = {
    "GET /": _ANYONE,
    "GET /welcome": _ANYONE,
    "POST /welcome": _ANYONE,
    "GET /sign-in": _ANYONE,
    "POST /sign-in": _ANYONE,
    "GET /sign-in/code": _ANYONE,
    "POST /sign-in/code": _ANYONE,
    "GET /forgot": _ANYONE,
    "POST /forgot": _ANYONE,
    "GET /reset/{token}": _ANYONE,
    "POST /reset/{token}": _ANYONE,
    "GET /invite/{token}": _ANYONE,
    "POST /invite/{token}": _ANYONE,
    "POST /sign-out": _ANYONE,
    "POST /theme": _ANYONE,
    "GET /app/menu": _VIEWER,
    # The pages under /app: one line each, beside its method.
    "GET /app": _VIEWER,
    "GET /app/{rest:path}": _VIEWER,
}

API: dict[str, Who] = {}
