"""Prokip's tokens: bought with a password, renewed with refresh tokens that work once, stored before they are used.

Credentials are either `access_token` alone (pasted), or `username`, `password`, `client_id`, `client_secret`, to
which an exchange adds `access_token`, `refresh_token` and `renew_at` (ISO time, after four fifths of the token's
life).

The server ends the old refresh token before it answers, so a lost answer has used it up: then the password helps, and
where there is none a person. https://oauth2.thephpleague.com/authorization-server/refresh-token-grant/
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from connectors.sdk.answer import Answer
from connectors.sdk.budget import RateBudget
from connectors.sdk.contract import Account
from connectors.sdk.errors import AccessDenied, MalformedPayload, Refused, Unavailable
from connectors.sdk.http import Call, Endpoint, PlatformClient, Request, Timeouts
from connectors.sdk.reader import Reader

Credentials = Mapping[str, str]

EXCHANGE = "get a token"
_PASSWORD_KEYS = ("username", "password", "client_id", "client_secret")
_LIFE_USED = 0.8
# Logging in takes the live server up to a minute.
_TIMEOUTS = Timeouts(connect=15, read=60, write=30, pool=30, total=90)


class Session:
    """The bearer token of one connection. One instance may serve several threads.

    `authorize` completes a request; `renew` is for a 401, which the server may give at any time.
    """

    def __init__(self, account: Account, base_url: str) -> None:
        self._account = account
        self._known: Credentials = account.vault.load()
        self._office = PlatformClient(
            account,
            Endpoint(
                base_url=base_url,
                timeouts=_TIMEOUTS,
                headers={"Accept": "application/json"},
                statuses={400: AccessDenied, 404: Refused},
                words=_words,
            ),
            budget=RateBudget(maximum=10, per_second=1, clock=account.clock),
        )

    @property
    def known(self) -> Credentials:
        """The credentials in use, to be handed to `renew` when they are refused."""
        return self._known

    def authorize(self, request: Request) -> Request:
        """Put the bearer token on a request, renewing it first where it is missing or old."""
        request.headers["Authorization"] = f"Bearer {self._token()}"
        return request

    def renew(self, refused: Credentials) -> Credentials:
        """Other credentials than these. Raises AccessDenied where there are none to be had, Unavailable for now."""
        self._known = self._account.vault.renew(refused, self._exchanged)
        return self._known

    def _token(self) -> str:
        known = self._known
        if self._is_old(known):
            try:
                known = self.renew(known)
            except Unavailable:
                known = self._known  # it may still be good for a fifth of its life
        if not known.get("access_token"):
            known = self.renew(known)
        if not known.get("access_token"):  # a person has just entered other credentials: begin with those
            known = self.renew(known)
        return known["access_token"]

    def close(self) -> None:
        """Give back sockets."""
        self._office.close()

    def _is_old(self, known: Credentials) -> bool:
        renew_at = known.get("renew_at")
        return renew_at is not None and self._account.clock.now() >= datetime.fromisoformat(renew_at)

    def _exchanged(self, current: Credentials) -> Credentials:
        if current.get("refresh_token"):
            try:
                return self._bought(current, {"grant_type": "refresh_token", "refresh_token": current["refresh_token"]})
            except AccessDenied:
                if not current.get("password"):
                    raise
        if not all(current.get(key) for key in _PASSWORD_KEYS):
            raise AccessDenied(
                "Prokip does not accept the token any more. Enter a new token, or user name and password."
            )
        grant = {"grant_type": "password", "username": current["username"], "password": current["password"]}
        # Prokip's own description asks for these two; a stock server ignores them.
        return self._bought(current, {**grant, "desktop_version": "", "granttype": "password"})

    def _bought(self, current: Credentials, grant: Mapping[str, str]) -> Credentials:
        form = {
            **grant,
            "client_id": current.get("client_id", ""),
            "client_secret": current.get("client_secret", ""),
            "scope": "",
        }
        # Not a write to the engine: nobody has to look up what became of it, a lost pair is simply bought again.
        answer = self._office.send(
            Call(method="POST", path="/oauth/token", operation=EXCHANGE, is_write=False, form=form)
        )
        try:
            pair = Reader.of(answer.json(), "the token")
            life = timedelta(seconds=pair.maybe_whole("expires_in") or 3600)
            bought = {
                "access_token": pair.text("access_token"),
                "refresh_token": pair.maybe_text("refresh_token") or "",
            }
        except MalformedPayload as error:
            raise Unavailable(f"Prokip's answer to the log-in cannot be read: {error}") from error
        return {**current, **bought, "renew_at": (answer.answered_at + life * _LIFE_USED).isoformat()}


def _words(answer: Answer) -> str:
    try:
        said = Reader.of(answer.json(), "the refusal")
        return said.maybe_text("error_description") or said.maybe_text("message") or ""
    except MalformedPayload:
        return ""
