"""Letting ourselves in: how a request carries the key pair, and the shop's authorize page that hands one over.

Facts: the plugin's class-wc-rest-authentication.php and class-wc-auth.php, seen on 11.0.1.
"""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from woocommerce.oauth import OAuth

from connectors.sdk.answer import parse_json
from connectors.sdk.contract import Account, Consent
from connectors.sdk.errors import AccessDenied, RefusalKind, Refused
from connectors.sdk.http import Request, Transport
from connectors.sdk.reader import Reader
from connectors.sdk.signatures import hmac_sha256_hex

APP_NAME = "syncd"
SCOPE = "read_write"


class AuthStyle(StrEnum):
    """How the key pair travels; OAUTH_AS_HTTP is for a shop whose proxy does not tell PHP that it is https."""

    BASIC = "basic"
    QUERY = "query"
    OAUTH = "oauth"
    OAUTH_AS_HTTP = "oauth_as_http"


def styles_to_try(url: str) -> tuple[AuthStyle, ...]:
    """What may work, best first. Over plain http a shop takes signatures only."""
    if urlsplit(url).scheme == "https":
        return (AuthStyle.BASIC, AuthStyle.QUERY, AuthStyle.OAUTH, AuthStyle.OAUTH_AS_HTTP)
    return (AuthStyle.OAUTH,)


def shop_url(settings: Mapping[str, str]) -> str:
    """The address at which the shop is called, without a slash at its end. Refused where it cannot be one."""
    url = (settings.get("api_url") or settings.get("url") or "").strip()
    wrong = Refused(
        "A shop's address looks like https://shop.example or https://shop.example/store.",
        kind=RefusalKind.CONFIGURATION,
    )
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise wrong
    path = parts.path.rstrip("/").removesuffix("/wp-json")
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def signer(account: Account, style: AuthStyle) -> Callable[[Request], Request]:
    """Puts the key pair on every request, read from the vault each time.

    A shop checks a signature against its own home address, with the scheme that it believes the request to have.
    """
    url = shop_url(account.settings)
    scheme = "http" if style is AuthStyle.OAUTH_AS_HTTP else urlsplit(url).scheme
    home = urlunsplit(urlsplit(account.settings.get("home") or url)._replace(scheme=scheme))

    def sign(request: Request) -> Request:
        key, secret = key_pair(account.vault.load())
        if style is AuthStyle.BASIC:
            request.headers["Authorization"] = _basic(key, secret)
        elif style is AuthStyle.QUERY:
            request.url = request.url.copy_merge_params({"consumer_key": key, "consumer_secret": secret})
        else:
            below = request.url.path.removeprefix(urlsplit(url).path)
            query = f"?{request.url.query.decode()}" if request.url.query else ""
            signed = _signed(f"{home}{below}{query}", request.method, key, secret, account.clock.now())
            request.url = request.url.copy_with(query=signed.encode())
        return request

    return sign


def key_pair(credentials: Mapping[str, str]) -> tuple[str, str]:
    """Consumer key and secret; AccessDenied where there are none."""
    key, secret = credentials.get("consumer_key", ""), credentials.get("consumer_secret", "")
    if not key or not secret:
        raise AccessDenied("There is no key for this shop. Connect it again.")
    return key, secret


def _basic(key: str, secret: str) -> str:
    return "Basic " + b64encode(f"{key}:{secret}".encode()).decode()


class _Signature(OAuth):  # type: ignore[misc] # published without types
    """OAuth 1.0a of the vendor's package; its own nonce has eight digits, too few for a shop that refuses repeats."""

    @staticmethod
    def generate_nonce() -> str:
        return secrets.token_hex(16)


def _signed(url: str, method: str, key: str, secret: str, now: datetime) -> str:
    """The query with its signature. Only values without a slash are signed right: ids, dates, words."""
    signature = _Signature(url, key, secret, version="v3", method=method, oauth_timestamp=int(now.timestamp()))
    signed: str = signature.get_oauth_url()
    return urlsplit(signed).query


def webhook_secrets(credentials: Mapping[str, str]) -> tuple[str, ...]:
    """What signs deliveries, the one for new webhooks first: the one given by hand, else one derived from the key.

    A derived secret is hexadecimal: WooCommerce decodes HTML entities in a secret before it signs.
    """
    given, secret = credentials.get("webhook_secret", ""), credentials.get("consumer_secret", "")
    derived = hmac_sha256_hex(secret.encode(), b"syncd webhook secret") if secret else ""
    return tuple(found for found in (given, derived) if found)


def fingerprint(secret: str) -> str:
    """Tells two secrets apart without telling either."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


class WooCommerceConsent:
    """The shop's authorize page. The key comes by POST to the callback, the browser to the return address."""

    def begin(self, settings: Mapping[str, str], *, callback_url: str, return_url: str, state: str) -> Consent:
        """Where to send the owner. The state travels twice: in the callback's query and as `user_id`."""
        url = shop_url(settings)
        if not state.replace("-", "").replace("_", "").isalnum() or not state.isascii():
            raise ValueError("WordPress keeps only letters, digits, - and _ of a state.")
        question = {
            "app_name": APP_NAME,
            "scope": SCOPE,
            "user_id": state,
            "return_url": return_url,
            "callback_url": _with_state(callback_url, state),
        }
        return Consent(url=f"{url}/wc-auth/v1/authorize?{urlencode(question)}", state=state)

    def finish(
        self,
        settings: Mapping[str, str],  # noqa: ARG002 - the hand-over names no shop
        *,
        query: Mapping[str, str],
        body: bytes,
        state: str,
        callback_url: str,  # noqa: ARG002 - nothing is exchanged
        transport: Transport | None,  # noqa: ARG002 - the shop waits for our answer and may have one worker only
        now: datetime,  # noqa: ARG002
    ) -> Mapping[str, str]:
        """The key pair that the shop handed over. Whether it works is for `probe` to say."""
        handed = Reader.of(parse_json(body), "the hand-over")
        told = (query.get("state", ""), handed.maybe_id("user_id") or "")
        if not all(secrets.compare_digest(one.encode(), state.encode()) for one in told):
            raise Refused("This key belongs to another attempt to connect. Begin again.")
        if handed.maybe_text("key_permissions") != SCOPE:
            raise Refused("The shop gave a key that may not both read and write. Begin again and approve.")
        return {"consumer_key": handed.text("consumer_key"), "consumer_secret": handed.text("consumer_secret")}


def _with_state(url: str, state: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), ("state", state)])))
