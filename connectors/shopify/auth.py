"""Letting ourselves in: the token on every request, how it is renewed, and the store's consent page.

Credentials of a connection, by the way it was connected:
- `access_token` alone: an app made inside the store; never expires.
- `client_id`, `client_secret`: an app of the same organisation (client credentials); the first exchange adds
  `access_token` and `expires_at`.
- `access_token`, `client_id`, `client_secret`, and `refresh_token`, `expires_at` where the token expires: by consent.
`webhook_secret` may stand beside any of them, for webhooks signed with another key than the client secret.
The client id and secret of the operator's settings serve where a connection has none of its own.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import shopify

from connectors.sdk.budget import RateBudget
from connectors.sdk.consent import account_of_exchange
from connectors.sdk.contract import Account, Consent
from connectors.sdk.errors import AccessDenied, MalformedPayload, RefusalKind, Refused, Unavailable
from connectors.sdk.failures import Meaning
from connectors.sdk.http import Answer, Call, Endpoint, PlatformClient, Request, Timeouts, Transport
from connectors.sdk.reader import Reader

SCOPES = (
    "write_products",
    "write_inventory",
    "read_locations",
    "read_orders",
    "read_all_orders",
    "read_returns",
)
NEEDED = ("read_products", "read_inventory", "write_inventory", "read_locations", "read_orders")

AT_THE_STORE = "https://{shop}"
RENEW_EARLY = timedelta(minutes=5)
CALLBACK_IS_FRESH_FOR = timedelta(minutes=10)
LINK_IS_FRESH_FOR = timedelta(days=1)
"""An install link may wait until its owner has signed in here."""
TIMEOUTS = Timeouts(connect=10, read=30, write=30, pool=10, total=60)
USER_AGENT = "syncd (stock synchronisation)"
_TOKEN_PATH = "admin/oauth/access_token"  # noqa: S105 (an address)
_STATUSES: Mapping[int, Meaning | None] = {400: AccessDenied, 404: Refused}
_SHOP = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com")


# ------------------------------------------------------------------------------------------------- addresses


def shop_domain(settings: Mapping[str, str]) -> str:
    """The store's myshopify.com name, in lower case; `demo` stands for demo.myshopify.com. Refused for another name."""
    told = settings.get("shop", "").strip().lower().removeprefix("https://").removesuffix("/")
    name = told if "." in told else f"{told}.myshopify.com"
    if _SHOP.fullmatch(name) is None:
        message = "A Shopify store is named by its myshopify.com address, such as my-shop.myshopify.com."
        raise Refused(message, kind=RefusalKind.CONFIGURATION)
    return name


def api_url(settings: Mapping[str, str]) -> str:
    """Where the Admin API is, without a slash at its end: the store itself unless `api_url` says otherwise."""
    return (settings.get("api_url") or login_url(settings)).rstrip("/")


def login_url(settings: Mapping[str, str]) -> str:
    """Where the consent page and the token endpoint are: `base_url`, in which {shop} stands for the store's name.

    Left at its default it follows `api_url`: what stands in for a store's API stands in for all of the store.
    """
    told = settings.get("base_url") or AT_THE_STORE
    base = settings.get("api_url") or told if told == AT_THE_STORE else told
    return base.replace("{shop}", shop_domain(settings)).rstrip("/")


# ------------------------------------------------------------------------------------------------- tokens


class Tokens:
    """The access token of one connection, renewed before it ends and once after it was refused."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def sign(self, request: Request) -> Request:
        """Put the token on a request."""
        request.headers["X-Shopify-Access-Token"] = self._usable()
        return request

    def renew_refused(self) -> bool:
        """Get another token after a refusal; False where there is no way to one."""
        known = self._account.vault.load()
        if not _grant(self._with_app(known)):
            return False
        self._account.vault.renew(known, self._exchange)
        return True

    def _usable(self) -> str:
        known = self._account.vault.load()
        if _grant(self._with_app(known)) and self._ends_within(known, RENEW_EARLY):
            known = self._renewed_in_time(known)
        token = known.get("access_token", "")
        if not token:
            raise AccessDenied("There is no access token for this store. Connect it again.")
        return token

    def _renewed_in_time(self, known: Mapping[str, str]) -> Mapping[str, str]:
        """Renewing early may fail as long as the old token is still good."""
        try:
            return self._account.vault.renew(known, self._exchange)
        except Unavailable:
            if self._ends_within(known, timedelta()):
                raise
            return known

    def _ends_within(self, known: Mapping[str, str], margin: timedelta) -> bool:
        if not known.get("access_token"):
            return True
        ends_at = known.get("expires_at", "")
        return bool(ends_at) and datetime.fromisoformat(ends_at) - margin <= self._account.clock.now()

    def _with_app(self, known: Mapping[str, str]) -> dict[str, str]:
        settings = self._account.settings
        app = {name: settings[name] for name in ("client_id", "client_secret") if settings.get(name)}
        return {**app, **{name: value for name, value in known.items() if value}}

    def _exchange(self, current: Mapping[str, str]) -> Mapping[str, str]:
        known = self._with_app(current)
        given = _ask_for_token(self._account, {**_app(known), **_grant(known)})
        return {**current, **_kept(given, self._account.clock.now())}


def _app(known: Mapping[str, str]) -> dict[str, str]:
    return {name: known.get(name, "") for name in ("client_id", "client_secret")}


def _grant(known: Mapping[str, str]) -> dict[str, str]:
    """What to ask a new token with; empty where the token is one that stays."""
    if not (known.get("client_id") and known.get("client_secret")):
        return {}
    if known.get("refresh_token"):
        return {"grant_type": "refresh_token", "refresh_token": known["refresh_token"]}
    if known.get("expires_at") or not known.get("access_token"):
        return {"grant_type": "client_credentials"}
    return {}


def _ask_for_token(account: Account, form: Mapping[str, str], *, is_write: bool = False) -> Reader:
    """Call the token endpoint. A refresh may be repeated: the used token stays good until its successor is used."""
    endpoint = Endpoint(
        base_url=login_url(account.settings),
        timeouts=TIMEOUTS,
        user_agent=USER_AGENT,
        headers={"Accept": "application/json"},
        statuses=_STATUSES,
        words=_words,
    )
    budget = RateBudget(maximum=10, per_second=1, clock=account.clock)
    client = PlatformClient(account, endpoint, budget=budget)
    try:
        call = Call(method="POST", path=_TOKEN_PATH, operation="get an access token", is_write=is_write, form=form)
        return Reader.of(client.send(call).json(), "the token")
    finally:
        client.close()


def _words(answer: Answer) -> str:
    """The `error` of a refusal; its description may repeat what was sent and is left out."""
    try:
        return Reader.of(answer.json(), "the refusal").maybe_text("error") or ""
    except MalformedPayload:
        return ""


def _kept(given: Reader, now: datetime) -> dict[str, str]:
    """What of a token answer is stored. `expires_at` is aware and by our clock."""
    kept = {"access_token": given.text("access_token")}
    seconds = given.maybe_whole("expires_in")
    if seconds is not None:
        kept["expires_at"] = (now + timedelta(seconds=seconds)).isoformat()
    refresh = given.maybe_text("refresh_token")
    return {**kept, "refresh_token": refresh} if refresh else kept


def missing_rights(granted: Sequence[str], needed: Sequence[str] = NEEDED) -> list[str]:
    """Needed rights that were not granted; write_x covers read_x."""
    have = set(granted) | {right.replace("write_", "read_", 1) for right in granted}
    return [right for right in needed if right not in have]


# ------------------------------------------------------------------------------------------------- consent


class ShopifyConsent:
    """The store's consent page: OAuth's authorization code, asking for a token that expires."""

    def begin(self, settings: Mapping[str, str], *, callback_url: str, return_url: str, state: str) -> Consent:  # noqa: ARG002
        """Where to send the owner. Refused without a store name or an app."""
        shop, (client_id, _) = shop_domain(settings), _app_of(settings)
        session = shopify.Session(shop, settings.get("api_version") or "2026-10")
        session.api_key = client_id  # on the instance: the library keeps it on the class otherwise
        asked = urlsplit(session.create_permission_url(scope=list(SCOPES), redirect_uri=callback_url, state=state))
        return Consent(url=f"{login_url(settings)}{asked.path}?{asked.query}", state=state)

    def finish(
        self,
        settings: Mapping[str, str],
        *,
        query: Mapping[str, str],
        body: bytes,  # noqa: ARG002 - Shopify answers in the query
        state: str,
        callback_url: str,  # noqa: ARG002 - the code is bound to it at Shopify
        transport: Transport | None,
        now: datetime,
    ) -> Mapping[str, str]:
        """Prove that the callback is Shopify's, for this store and this attempt, and exchange the code."""
        shop, (client_id, client_secret) = shop_domain(settings), _app_of(settings)
        _check_callback(query, shop=shop, client_secret=client_secret, state=state, now=now)
        account = account_of_exchange(settings, transport=transport, now=now)
        app = {"client_id": client_id, "client_secret": client_secret}
        try:
            given = _ask_for_token(account, {**app, "code": query["code"], "expiring": "1"}, is_write=True)
        except AccessDenied as error:
            raise Refused(f"Shopify gave no access token. {error} Begin again.") from error
        missing = missing_rights((given.maybe_text("scope") or "").split(","))
        if missing:
            raise Refused(f"The store did not grant {', '.join(missing)}. Approve all rights that are asked for.")
        return {**app, **_kept(given, now)}

    def check_link(self, settings: Mapping[str, str], *, query: Mapping[str, str], now: datetime) -> None:
        """Whether Shopify itself sent the owner here to install or open the app: `shop` signed with the app's secret.

        https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
        """
        _, client_secret = _app_of(settings)
        if not callback_is_signed(query, client_secret):
            raise Refused("This link was not made by Shopify for our app: its signature is wrong.")
        if not _is_fresh(query.get("timestamp", ""), now, LINK_IS_FRESH_FOR):
            raise Refused("This link is too old. Open the app from Shopify again.")


def _app_of(settings: Mapping[str, str]) -> tuple[str, str]:
    client_id, client_secret = settings.get("client_id", ""), settings.get("client_secret", "")
    if not client_id or not client_secret:
        message = "There is no Shopify app to connect with: set client_id and client_secret of [shopify]."
        raise Refused(message, kind=RefusalKind.CONFIGURATION)
    return client_id, client_secret


def _check_callback(query: Mapping[str, str], *, shop: str, client_secret: str, state: str, now: datetime) -> None:
    if not secrets.compare_digest(query.get("state", "").encode(), state.encode()):
        raise Refused("This answer belongs to another attempt to connect. Begin again.")
    if not callback_is_signed(query, client_secret):
        raise Refused("Shopify's signature on this answer is wrong. Check the client secret, and begin again.")
    if query.get("shop", "").lower() != shop:
        raise Refused(f"The answer is from another store than {shop}. Begin again.")
    if not _is_fresh(query.get("timestamp", ""), now, CALLBACK_IS_FRESH_FOR):
        raise Refused("This answer is too old. Begin again.")
    if not query.get("code"):
        raise Refused("The store was not connected: the app was not approved.")


def callback_is_signed(query: Mapping[str, str], client_secret: str) -> bool:
    """Whether the app's secret signed the query, by the vendor's own check. An empty secret proves nothing."""
    if not client_secret:
        return False

    # The library reads the secret from the class: a class of our own leaves everybody else's alone.
    class OneApp(shopify.Session):  # type: ignore[misc] # published without types
        secret = client_secret

    return bool(OneApp.validate_hmac(dict(query)))


def _is_fresh(timestamp: str, now: datetime, within: timedelta) -> bool:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12):
        return False
    return abs(now.timestamp() - int(timestamp)) <= within.total_seconds()
