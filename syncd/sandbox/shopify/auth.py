"""Connecting an app: the consent page, the token endpoint with its three grants, and which tokens are good.

Expiring tokens live an hour and come with a refresh token of ninety days. A used refresh token stays good until its
successor is used, thirty days at most.
"""

import hashlib
import hmac
import html
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

from syncd.sandbox.wire import Clock, Request, Response

TOKEN_LIVES = timedelta(hours=1)
CREDENTIALS_TOKEN_LIVES = timedelta(seconds=86_399)
REFRESH_LIVES = timedelta(days=90)
USED_REFRESH_LIVES = timedelta(days=30)
CODE_LIVES = timedelta(minutes=10)
ALPHABET = "0123456789abcdef"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An access token's scopes and end; None never ends."""

    scopes: frozenset[str]
    expires_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class _Refresh:
    scopes: frozenset[str]
    expires_at: datetime
    replaces: str | None = None


@dataclass(slots=True, kw_only=True)
class Auth:
    """The app's registration in one store. `own_store` allows the client credentials grant."""

    shop: str
    clock: Clock
    random: random.Random
    client_id: str
    client_secret: str
    scopes: frozenset[str]
    own_store: bool = True
    redirect_urls: Sequence[str] | None = None
    tokens: dict[str, Grant] = field(default_factory=dict)
    codes: dict[str, tuple[datetime, frozenset[str]]] = field(default_factory=dict)
    refreshes: dict[str, _Refresh] = field(default_factory=dict)

    def secret(self, prefix: str, length: int = 32) -> str:
        """A fresh random token."""
        return prefix + "".join(self.random.choice(ALPHABET) for _ in range(length))

    def grant(self, scopes: frozenset[str], lives: timedelta | None = None) -> str:
        """Issue an access token."""
        token = self.secret("shpat_")
        self.tokens[token] = Grant(scopes=scopes, expires_at=None if lives is None else self.clock() + lives)
        return token

    def scopes_of(self, token: str) -> frozenset[str] | None:
        """What a token may do; None for a dead, expired or unknown one."""
        grant = self.tokens.get(token)
        if grant is None or (grant.expires_at is not None and grant.expires_at <= self.clock()):
            return None
        return grant.scopes

    def forget(self) -> None:
        """The app was uninstalled: nothing is good any more."""
        self.tokens.clear()
        self.codes.clear()
        self.refreshes.clear()

    def page(self, request: Request) -> Response:
        """GET shows the consent page, POST takes the decision."""
        wanted = request.query if request.method == "GET" else _form(request)
        refusal = self._refusal(wanted)
        if refusal:
            return Response(status=400, headers={"content-type": "text/html"}, body=_page("Oauth error", refusal))
        if request.method == "GET":
            return Response(headers={"content-type": "text/html; charset=utf-8"}, body=self._consent(wanted))
        return self._decided(wanted)

    def _refusal(self, wanted: Mapping[str, str]) -> str | None:
        target = wanted.get("redirect_uri", "")
        if wanted.get("client_id") != self.client_id:
            return "Oauth error invalid_request: the client_id is unknown"
        if urlsplit(target).scheme not in ("http", "https"):
            return "Oauth error invalid_request: the redirect_uri is missing or no address"
        if self.redirect_urls is not None and target not in self.redirect_urls:
            return "Oauth error invalid_request: the redirect_uri is not whitelisted"
        return None

    def _consent(self, wanted: Mapping[str, str]) -> bytes:
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(wanted.get(name, ""), quote=True)}">'
            for name in ("client_id", "redirect_uri", "state", "scope")
        )
        scopes = "".join(f"<li>{html.escape(scope)}</li>" for scope in sorted(self._asked(wanted)))
        form = (
            f"<p>An app asks for access to <b>{html.escape(self.shop)}</b>:</p><ul>{scopes}</ul>"
            f'<form method="post" action="/admin/oauth/authorize">{hidden}'
            '<button name="decision" value="approve">Approve</button> '
            '<button name="decision" value="deny">Deny</button></form>'
        )
        return _page("Install app", form, is_markup=True)

    def _asked(self, wanted: Mapping[str, str]) -> frozenset[str]:
        named = frozenset(filter(None, wanted.get("scope", "").split(",")))
        return named or self.scopes

    def _decided(self, wanted: Mapping[str, str]) -> Response:
        answer = {"shop": self.shop, "state": wanted.get("state", ""), "timestamp": str(int(self.clock().timestamp()))}
        if wanted.get("decision") == "approve":
            code = self.secret("")
            self.codes[code] = (self.clock() + CODE_LIVES, self._asked(wanted))
            answer |= {"code": code, "host": "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvZGVtbw"}
        else:
            answer |= {"error": "access_denied"}
        answer["hmac"] = sign_query(answer, self.client_secret)
        joint = "&" if urlsplit(wanted["redirect_uri"]).query else "?"
        return Response(status=302, headers={"location": wanted["redirect_uri"] + joint + urlencode(answer)})

    def token(self, request: Request) -> Response:
        """The token endpoint, form or JSON."""
        wanted = _form(request)
        if wanted.get("client_id") != self.client_id or wanted.get("client_secret") != self.client_secret:
            return _json(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        grants = {"client_credentials": self._by_credentials, "refresh_token": self._by_refresh}
        return grants.get(wanted.get("grant_type", ""), self._by_code)(wanted)

    def _by_credentials(self, _wanted: Mapping[str, str]) -> Response:
        if not self.own_store:
            return _json(400, {"error": "shop_not_permitted"})
        token = self.grant(self.scopes, CREDENTIALS_TOKEN_LIVES)
        seconds = int(CREDENTIALS_TOKEN_LIVES.total_seconds())
        return _json(200, {"access_token": token, "scope": _written(self.scopes), "expires_in": seconds})

    def _by_code(self, wanted: Mapping[str, str]) -> Response:
        ends_at, scopes = self.codes.pop(wanted.get("code", ""), (None, frozenset[str]()))
        if ends_at is None or ends_at <= self.clock():
            message = "The authorization code was not found or was already used"
            return _json(400, {"error": "invalid_request", "error_description": message})
        if wanted.get("expiring") == "1":
            return self._pair(scopes, None)
        return _json(200, {"access_token": self.grant(scopes), "scope": _written(scopes)})

    def _by_refresh(self, wanted: Mapping[str, str]) -> Response:
        used = wanted.get("refresh_token", "")
        refresh = self.refreshes.get(used)
        if refresh is None or refresh.expires_at <= self.clock():
            return _json(400, {"error": "invalid_grant", "error_description": "The refresh token is not valid"})
        if refresh.replaces is not None:
            self.refreshes.pop(refresh.replaces, None)
        refresh.expires_at = min(refresh.expires_at, self.clock() + USED_REFRESH_LIVES)
        return self._pair(refresh.scopes, used)

    def _pair(self, scopes: frozenset[str], replaces: str | None) -> Response:
        refresh = self.secret("shprt_")
        self.refreshes[refresh] = _Refresh(scopes=scopes, expires_at=self.clock() + REFRESH_LIVES, replaces=replaces)
        return _json(
            200,
            {
                "access_token": self.grant(scopes, TOKEN_LIVES),
                "scope": _written(scopes),
                "expires_in": int(TOKEN_LIVES.total_seconds()),
                "refresh_token": refresh,
                "refresh_token_expires_in": int(REFRESH_LIVES.total_seconds()),
            },
        )


def sign_query(parameters: Mapping[str, str], secret: str) -> str:
    """The hmac of a callback: all parameters but hmac, sorted, joined as k=v&…, hex SHA-256 with the app's secret."""
    text = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()) if name != "hmac")
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _written(scopes: frozenset[str]) -> str:
    """Scopes as the token endpoint writes them; read_x is left out where write_x is there."""
    return ",".join(sorted(s for s in scopes if s.replace("read_", "write_", 1) not in scopes - {s}))


def _form(request: Request) -> dict[str, str]:
    if "json" in request.headers.get("content-type", ""):
        try:
            return {str(k): str(v) for k, v in json.loads(request.body).items()}
        except (ValueError, AttributeError):
            return {}
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _json(status: int, body: Mapping[str, object]) -> Response:
    return Response(status=status, headers={"content-type": "application/json"}, body=json.dumps(body).encode())


def _page(title: str, content: str, *, is_markup: bool = False) -> bytes:
    shown = content if is_markup else f"<p>{html.escape(content)}</p>"
    return (
        f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1>{shown}</body></html>".encode()
    )
