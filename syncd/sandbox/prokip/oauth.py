"""Laravel Passport's token endpoint: the password grant and refresh tokens that work once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

BAD_CLIENT = "Client authentication failed"
BAD_PASSWORD = "The user credentials were incorrect."  # noqa: S105 - an answer's words
BAD_REFRESH = "The refresh token is invalid."
MISSING = (
    "The request is missing a required parameter, includes an invalid parameter value, "
    "includes a parameter more than once, or is otherwise malformed."
)
UNSUPPORTED = "The authorization grant type is not supported by the authorization server."

Answer = tuple[int, dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a tenant is given. `access_token` is a pasted one that never ends."""

    username: str
    password: str
    client_id: str
    client_secret: str
    access_token: str


@dataclass(slots=True, kw_only=True)
class TokenOffice:
    """Hands out tokens and knows which are good."""

    credentials: Credentials
    random: Random
    lifetime: timedelta
    is_closed: bool = False
    _access: dict[str, datetime] = field(default_factory=dict)
    _refresh: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def answer(self, form: Mapping[str, str], now: datetime) -> Answer:
        """Answer one `POST /oauth/token`."""
        grant = form.get("grant_type", "")
        if grant not in {"password", "refresh_token"}:
            return _refused(
                400, "unsupported_grant_type", UNSUPPORTED, "Check that all required parameters have been provided"
            )
        for name in (
            ("client_id", "refresh_token") if grant == "refresh_token" else ("client_id", "username", "password")
        ):
            if not form.get(name):
                return _refused(400, "invalid_request", MISSING, f"Check the `{name}` parameter")
        known = self.credentials
        if (form.get("client_id"), form.get("client_secret")) != (known.client_id, known.client_secret):
            return _refused(401, "invalid_client", BAD_CLIENT)
        if self.is_closed:
            return _refused(400, "invalid_grant", BAD_PASSWORD)
        if grant == "refresh_token":
            return self._refreshed(form["refresh_token"], now)
        if (form["username"], form["password"]) != (known.username, known.password):
            return _refused(400, "invalid_grant", BAD_PASSWORD)
        return 200, self._pair(now)

    def is_valid(self, token: str, now: datetime) -> bool:
        """Whether this bearer token may call."""
        return not self.is_closed and (token == self.credentials.access_token or now < self._access.get(token, now))

    def revoke_all(self) -> None:
        """End every token, as a changed password or an operator does."""
        self._access.clear()
        self._refresh.clear()

    def close(self) -> None:
        """Lock the user out: no token is good any more, and none is given."""
        self.is_closed = True

    def end_access(self) -> None:
        """End the access tokens and leave the refresh tokens."""
        self._access.clear()

    def _refreshed(self, token: str, now: datetime) -> Answer:
        access, ends_at = self._refresh.pop(token, ("", now))
        if now >= ends_at:
            return _refused(401, "invalid_request", BAD_REFRESH, "Token has been revoked")
        self._access.pop(access, None)
        return 200, self._pair(now)

    def _pair(self, now: datetime) -> dict[str, object]:
        access = f"eyJ0eXAiOiJKV1QifQ.{self.random.getrandbits(512):0128x}.{self.random.getrandbits(256):064x}"
        refresh = f"def50200{self.random.getrandbits(1024):0256x}"
        self._access[access] = now + self.lifetime
        self._refresh[refresh] = (access, now + max(self.lifetime * 2, timedelta(days=30)))
        return {
            "token_type": "Bearer",
            "expires_in": int(self.lifetime.total_seconds()),
            "access_token": access,
            "refresh_token": refresh,
        }


def _refused(status: int, error: str, words: str, hint: str | None = None) -> Answer:
    body: dict[str, object] = {"error": error, "error_description": words}
    if hint:
        body["hint"] = hint
    return status, {**body, "message": words}
