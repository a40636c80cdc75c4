"""What a platform needs to be connected, and what is wrong in the words of the pages.

Connectors raise errors named by what to do next; here they become sentences for who stands before the form.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from connectors.sdk.errors import AccessDenied, ConnectorError, OutcomeUnknown, Refused, Unavailable

DOES_NOT_ANSWER = ("connect", "resolve", "reached", "reach", "no answer", "time", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyField:
    """One thing that a person may paste. A secret one is never shown again."""

    name: str
    label: str
    is_secret: bool = True
    placeholder: str = ""
    help: str = ""


KEY_FIELDS: dict[str, tuple[KeyField, ...]] = {
    "shopify": (
        KeyField(name="access_token", label="Admin API access token", placeholder="shpat_…"),
        KeyField(name="webhook_secret", label="API secret key", help="Signs what the store tells us."),
    ),
    "woocommerce": (
        KeyField(name="consumer_key", label="Consumer key", is_secret=False, placeholder="ck_…"),
        KeyField(name="consumer_secret", label="Consumer secret", placeholder="cs_…"),
    ),
    "custom": (KeyField(name="secret", label="Secret", placeholder="whsec_…"),),
    "prokip": (
        KeyField(name="username", label="User name", is_secret=False),
        KeyField(name="password", label="Password"),
        KeyField(name="client_id", label="Client id", is_secret=False),
        KeyField(name="client_secret", label="Client secret"),
        KeyField(name="access_token", label="Or a token instead"),
    ),
}


def words_of_error(platform: str, settings: Mapping[str, object], error: ConnectorError) -> str:
    """What is wrong, and what to do."""
    host = _host(settings)
    found = _TELLERS[platform](host, settings, error) if platform in _TELLERS else ""
    return found or _any(host, error)


def _host(settings: Mapping[str, object]) -> str:
    url = str(settings.get("api_url") or settings.get("url") or "")
    return urlsplit(url).netloc or str(settings.get("shop") or "") or url


def _any(host: str, error: ConnectorError) -> str:
    words = str(error)
    if "private" in words.lower():
        return "This address is inside a private network, which syncd does not call. An operator can allow it."
    if isinstance(error, Unavailable | OutcomeUnknown) and _is_silent(words):
        return f"Nothing answers at {host}. Check the spelling."
    return words


def _is_silent(words: str) -> bool:
    return any(word in words.lower() for word in DOES_NOT_ANSWER)


def _prokip(host: str, _settings: Mapping[str, object], error: ConnectorError) -> str:
    words = str(error)
    if "right to see" in words:
        return "This user may not see all sales. Use one who may."
    if isinstance(error, AccessDenied) and "Client auth" in words:
        return (
            "Prokip did not accept this client id and secret. In Prokip open Connector, Clients, and copy both again."
        )
    if isinstance(error, AccessDenied):
        return (
            "Prokip did not accept this user name and password. Type them as on Prokip's own sign-in page; capitals "
            "count."
        )
    if isinstance(error, Refused) or "cannot be read" in words or "not JSON" in words:
        return (
            "A server answers, but it does not speak Prokip's connector. Take the address that begins with api., or "
            "ask Prokip to switch on 'Connector' for your business."
        )
    if isinstance(error, Unavailable | OutcomeUnknown) and "answered 5" in words:
        return f"{host} answers with an error just now: Prokip may be down. Nothing was changed. Try again in a minute."
    if isinstance(error, Unavailable | OutcomeUnknown):
        return (
            f"Nothing answers at {host}. Check the spelling; if it is right, Prokip may be down. Try again in a minute."
        )
    return ""


def _shopify(host: str, _settings: Mapping[str, object], error: ConnectorError) -> str:
    words, name = str(error), host.removesuffix(".myshopify.com")
    if isinstance(error, AccessDenied) and "lacks rights" in words:
        return (
            "Shopify gave no permission to change stock. Approve again; if it stays, the app lacks write_inventory. "
            f"{words}"
        )
    if isinstance(error, AccessDenied):
        return "Shopify does not accept this token. Copy it again: API credentials, shown once."
    is_missing = isinstance(error, Refused) and ("named by" in words or "no store" in words.lower() or "404" in words)
    if is_missing or (isinstance(error, Unavailable) and _is_silent(words)):
        return f"There is no Shopify store {name}. The name is the part before .myshopify.com, in Settings, Domains."
    return ""


def _woocommerce(host: str, _settings: Mapping[str, object], error: ConnectorError) -> str:
    words = str(error)
    if "no WooCommerce" in words or "no WordPress" in words:
        return "This is a website, but we find no WooCommerce on it. Is the store under another address, such as /shop?"
    if "ermalink" in words:
        return "In WordPress open Settings, Permalinks, choose 'Post name', save; check again."
    if "front of the shop" in words:
        return "A security plugin or Cloudflare turned us away. Allow this server's address for /wp-json/."
    if isinstance(error, AccessDenied) and ("read" in words.lower() and "write" in words.lower()):
        return "This key may only read. Edit it in WooCommerce: Read/Write."
    if isinstance(error, AccessDenied):
        return (
            "The store does not know this key, or the secret belongs to another. Copy both again. If they are right, "
            "the server drops them on the way: ask your host to pass 'Authorization'."
        )
    return "" if host else "Type the store's address, such as https://shop.example."


def _custom(_host: str, _settings: Mapping[str, object], error: ConnectorError) -> str:
    words, lines = str(error), "The lines to paste are below."
    if isinstance(error, AccessDenied):
        return f"Your shop refused our signature. Both sides need the same secret. {lines}"
    answered = re.search(r"answered (\d{3})", words)
    if answered and answered[1] == "200":
        return f"Your shop answered a signed test with something else than JSON. {lines}"
    if answered:
        return f"Your shop answered {answered[1]} to a signed test; it must answer 200. {lines}"
    return ""


_TELLERS: dict[str, Callable[[str, Mapping[str, object], ConnectorError], str]] = {
    "prokip": _prokip,
    "shopify": _shopify,
    "woocommerce": _woocommerce,
    "custom": _custom,
}

_CALLBACKS = (
    ("not approved", "You did not approve, so nothing was connected. Start again when you are ready."),
    (
        "another store",
        "You were signed in to another Shopify store than the one you wanted. Sign out of Shopify, then start again.",
    ),
    (
        "did not grant",
        "Shopify gave no permission to change stock. Approve again; if it stays, the app lacks write_inventory.",
    ),
    ("signature", "This approval did not come from Shopify, or the app's secret is another. Nothing was connected."),
)
_STRANGE = (
    "This approval did not start here, or is older than 10 minutes. Nothing was connected. Start again from this page."
)
_STRANGERS = ("did not start here", "another attempt", "too old", "used already")


def words_of_callback(words: str) -> str:
    """Why an approval came to nothing, and what to do."""
    if any(part in words for part in _STRANGERS):
        return _STRANGE
    return next((said for part, said in _CALLBACKS if part in words), words)
