"""API keys, and how a request proves that it holds one: Basic or query on https, OAuth 1.0a anywhere.

Facts: the plugin's class-wc-rest-authentication.php, seen on 11.0.1.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from urllib.parse import parse_qsl, quote, unquote

from syncd.sandbox.wire import Request
from syncd.sandbox.woocommerce.answers import RestError

WINDOW = timedelta(minutes=15)
METHODS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
OAUTH = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key pair with its permission: read, write or read_write."""

    id: int
    key: str
    secret: str
    permissions: str


@dataclass(slots=True, kw_only=True)
class Keys:
    """The shop's keys and the nonces seen lately (a nonce counts once within the time window)."""

    now: Callable[[], datetime]
    random: Random
    home: Callable[[], str]
    held: dict[str, Key] = field(default_factory=dict)
    _made: int = 0
    _nonces: dict[str, datetime] = field(default_factory=dict)

    def issue(self, permissions: str = "read_write") -> Key:
        """Make a key pair."""
        self._made += 1
        key = Key(
            id=self._made,
            key=f"ck_{self.random.getrandbits(160):040x}",
            secret=f"cs_{self.random.getrandbits(160):040x}",
            permissions=permissions,
        )
        self.held[key.key] = key
        return key

    def revoke(self, key: str) -> None:
        """Take a key away."""
        del self.held[key]

    def caller(self, request: Request, *, secure: bool, headers: bool) -> Key | None:
        """The key that signed or sent the request; None when nothing was tried, RestError when it is wrong.

        `headers` is false on hosts that strip the Authorization header.
        """
        authorization = request.headers.get("authorization", "") if headers else ""
        if secure:
            given = _basic(authorization) or _query(request)
            if given is not None:
                return self._checked(*given)
        return self._signed(request, authorization, "https" if secure else "http")

    def _checked(self, key: str, secret: str) -> Key | None:
        held = self.held.get(key)
        if held is not None and not hmac.compare_digest(held.secret.encode(), secret.encode()):
            raise _refused("Consumer secret is invalid.")
        return held

    def _signed(self, request: Request, authorization: str, scheme: str) -> Key | None:
        parameters = dict(parse_qsl(request.query_string, keep_blank_values=True)) | _oauth_header(authorization)
        given = [name for name in OAUTH if parameters.get(name)]
        if not given:
            return None
        missing = [name for name in OAUTH if name not in given]
        if missing:
            raise _refused(f"Missing OAuth parameter {', '.join(missing)}")
        held = self.held.get(parameters["oauth_consumer_key"])
        if held is None:
            raise _refused("Consumer key is invalid.")
        self._check_signature(request, held, parameters, scheme)
        self._check_nonce(parameters["oauth_timestamp"], parameters["oauth_nonce"])
        return held

    def _check_signature(self, request: Request, held: Key, parameters: dict[str, str], scheme: str) -> None:
        """The signed address is the shop's home, with the scheme that PHP believes the request to have."""
        method = METHODS.get(parameters["oauth_signature_method"])
        if method is None:
            raise _refused("Invalid signature - signature method is invalid.")
        home = f"{scheme}://{self.home().split('://', 1)[1]}"
        text = base_string(request.method, f"{home}{_below(request, home)}", parameters)
        digest = hmac.new(f"{held.secret}&".encode(), text.encode(), method).digest()
        if not hmac.compare_digest(base64.b64encode(digest), parameters["oauth_signature"].encode()):
            raise _refused("Invalid signature - provided signature does not match.")

    def _check_nonce(self, timestamp: str, nonce: str) -> None:
        now = self.now()
        try:
            claimed = int(timestamp)
        except ValueError:
            raise _refused("Invalid timestamp.") from None
        if abs(now.timestamp() - claimed) > WINDOW.total_seconds():
            raise _refused("Invalid timestamp.")
        if nonce in self._nonces:
            raise _refused("Invalid nonce - nonce has already been used.")
        self._nonces = {used: at for used, at in self._nonces.items() if now - at < WINDOW} | {nonce: now}


def base_string(method: str, address: str, parameters: dict[str, str]) -> str:
    """What OAuth 1.0a signs: method, address without query, and all parameters but the signature, sorted."""
    pairs = sorted((_rfc3986(name), _rfc3986(value)) for name, value in parameters.items() if name != "oauth_signature")
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join((method.upper(), _rfc3986(address), _rfc3986(joined)))


def _rfc3986(text: str) -> str:
    return quote(text, safe="-._~")


def _below(request: Request, home: str) -> str:
    base = home.split("://", 1)[1].partition("/")[2]
    return request.path.removeprefix(f"/{base}") if base else request.path


def _basic(authorization: str) -> tuple[str, str] | None:
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (key, secret) if key and secret else None


def _query(request: Request) -> tuple[str, str] | None:
    query = request.query
    key, secret = query.get("consumer_key"), query.get("consumer_secret")
    return (key, secret) if key and secret else None


def _oauth_header(authorization: str) -> dict[str, str]:
    kind, _, rest = authorization.partition(" ")
    if kind.lower() != "oauth":
        return {}
    pairs = (part.strip().partition("=") for part in rest.split(","))
    return {name: unquote(value.strip('"')) for name, _, value in pairs if name.startswith("oauth_")}


def _refused(message: str) -> RestError:
    return RestError(401, "woocommerce_rest_authentication_error", message)
