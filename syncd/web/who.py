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
    "GET /connections/shopify": _OPERATOR,
    "GET /connections/woocommerce": _OPERATOR,
    # The pages under /app: one line each, beside its method.
    "GET /app": _VIEWER,
    "POST /app/sync": _OPERATOR,
    "GET /app/pause": _OPERATOR,
    "POST /app/pause": _OPERATOR,
    "GET /app/stock": _VIEWER,
    "GET /app/stock.csv": _VIEWER,
    "GET /app/stock/{sku:path}": _VIEWER,
    "GET /app/adjust/{sku:path}": _OPERATOR,
    "POST /app/adjust/{sku:path}": _OPERATOR,
    "GET /app/sales": _VIEWER,
    "GET /app/sales.csv": _VIEWER,
    "GET /app/sales/{order_id:int}": _VIEWER,
    "POST /app/sales/{order_id:int}/do": _OPERATOR,
    "GET /app/issues": _VIEWER,
    "GET /app/issues/{issue_id:int}": _VIEWER,
    "GET /app/issues/{issue_id:int}/{deed}": _OPERATOR,
    "POST /app/issues/{issue_id:int}/do": _OPERATOR,
    "POST /app/issues/{issue_id:int}/note": _OPERATOR,
    "POST /app/issues/{issue_id:int}/assign": _OPERATOR,
    "GET /app/{rest:path}": _VIEWER,
}

API: dict[str, Who] = {
    "POST /auth/register": _ANYONE,
    "POST /auth/login": _ANYONE,
    "POST /auth/forgot": _ANYONE,
    "POST /auth/reset": _ANYONE,
    "POST /auth/invitations/accept": _ANYONE,
    "POST /auth/logout": _VIEWER,
    "GET /auth/me": _VIEWER,
    "PUT /auth/password": _VIEWER,
    "GET /auth/sessions": _VIEWER,
    "DELETE /auth/sessions/{session_id}": _VIEWER,
    "POST /auth/second-factor": _VIEWER,
    "POST /auth/second-factor/confirm": _VIEWER,
    "POST /auth/second-factor/remove": _VIEWER,
    "GET /users": _OWNER,
    "GET /users/invitations": _OWNER,
    "POST /users/invitations": _OWNER,
    "DELETE /users/invitations/{invitation_id}": _OWNER,
    "PATCH /users/{email}": _OWNER,
    "GET /tokens": _OWNER,
    "POST /tokens": _OWNER,
    "DELETE /tokens/{token_id}": _OWNER,
    "GET /audit": _OWNER,
    "GET /setup": _VIEWER,
    "POST /setup/prokip/check": _OPERATOR,
    "POST /setup/prokip": _OPERATOR,
    "POST /setup/ledger": _OPERATOR,
    "GET /rules": _VIEWER,
    "PUT /rules": _OWNER,
    "GET /connections": _VIEWER,
    "POST /connections": _OPERATOR,
    "GET /connections/shopify": _OPERATOR,
    "GET /connections/woocommerce": _OPERATOR,
    "GET /connections/approvals/{state}": _OPERATOR,
    "GET /connections/{name}": _VIEWER,
    "PATCH /connections/{name}": _OPERATOR,
    "POST /connections/{name}/reconnect": _OPERATOR,
    "POST /connections/{name}/pause": _OPERATOR,
    "POST /connections/{name}/resume": _OPERATOR,
    "GET /connections/{name}/preview": _VIEWER,
    "POST /connections/{name}/live": _OPERATOR,
    "POST /connections/{name}/test": _OPERATOR,
    "POST /connections/{name}/webhooks": _OPERATOR,
    "POST /connections/{name}/disconnect": _OPERATOR,
    "GET /match/{name}": _VIEWER,
    "POST /match/{name}/link": _OPERATOR,
    "POST /match/{name}/unlink": _OPERATOR,
    "POST /match/{name}/ignore": _OPERATOR,
    "GET /stock": _VIEWER,
    "GET /stock/{sku:path}": _VIEWER,
    "GET /stock/{sku:path}/movements": _VIEWER,
    "GET /explain/{sku:path}": _VIEWER,
    "POST /adjust": _OPERATOR,
    "GET /sales": _VIEWER,
    "GET /sales.csv": _VIEWER,
    "POST /sales/retry": _OPERATOR,
    "POST /sales/recorded-as": _OPERATOR,
    "POST /sales/leave-out": _OPERATOR,
    "GET /issues": _VIEWER,
    "GET /issues/{issue_id}": _VIEWER,
    "POST /issues/{issue_id}/resolve": _OPERATOR,
    "POST /issues/{issue_id}/release": _OPERATOR,
    "PUT /issues/{issue_id}/assignee": _OPERATOR,
    "POST /issues/{issue_id}/notes": _OPERATOR,
    "GET /deliveries": _OPERATOR,
    "GET /deliveries/{delivery_id}": _OPERATOR,
    "POST /deliveries/{delivery_id}/replay": _OPERATOR,
    "GET /sync/status": _VIEWER,
    "POST /sync/manual": _OPERATOR,
    "GET /runs": _VIEWER,
    "GET /runs/{run_id}": _VIEWER,
    "GET /runs/{run_id}/undo": _VIEWER,
    "POST /runs/{run_id}/undo": _OPERATOR,
}
