"""Finding out, by harmless calls, whether a shop can be worked with, and how."""

from dataclasses import replace
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.sdk.answer import Answer
from connectors.sdk.contract import Account
from connectors.sdk.errors import AccessDenied, ListingGone, RefusalKind, Refused
from connectors.sdk.reader import Reader
from connectors.sdk.values import AccountInfo
from connectors.woocommerce.auth import AuthStyle, shop_url, styles_to_try
from connectors.woocommerce.client import NoRoute, WooClient

NOT_ENCRYPTED = "The shop's own address begins with https, and it was connected without: use that address."
COUNTS_NOTHING = (
    "Stock management is switched off for the whole shop (WooCommerce, Settings, Products, Inventory): "
    "no figure can be set until it is on."
)


def probe(account: Account) -> AccountInfo:
    """Read the index, find how the key travels, check that it may write, and tell what the shop is."""
    index = _index(account)
    home = (index.maybe_text("home") or shop_url(account.settings)).rstrip("/")
    told = replace(account, settings={**account.settings, "home": home})
    style, system = _let_in(told)
    client = WooClient(told, style)
    try:
        _check_writing(client)
        counts = _counts_stock(client)
    finally:
        client.close()
    environment, settings = system.maybe_nested("environment"), system.maybe_nested("settings")
    version = environment.maybe_text("version") if environment else None
    hpos = settings.maybe_flag("HPOS_enabled") if settings else None
    return AccountInfo(
        account_id=urlsplit(home).netloc.lower() + urlsplit(home).path,
        name=index.maybe_text("name") or home,
        currency=(settings.maybe_text("currency") if settings else None) or "",
        time_zone=_zone(index.maybe_text("timezone_string") or ""),
        settings={"home": home, "auth": style.value, "version": version or "", "hpos": "yes" if hpos else "no"},
        warnings=tuple(
            words
            for words, applies in (
                (COUNTS_NOTHING, not counts),
                (NOT_ENCRYPTED, home.startswith("https:") and shop_url(account.settings).startswith("http:")),
            )
            if applies
        ),
    )


def _index(account: Account) -> Reader:
    client = WooClient(account, AuthStyle.BASIC if shop_url(account.settings).startswith("https") else None)
    try:
        index = Reader.of(client.index().json(), "the index")
    finally:
        client.close()
    if "wc/v3" not in (index.maybe_values("namespaces") or []):
        raise Refused("There is a WordPress at this address, but no WooCommerce in it.", kind=RefusalKind.CONFIGURATION)
    return index


def _let_in(account: Account) -> tuple[AuthStyle, Reader]:
    """The first way of carrying the key that is let in; hosts strip headers, proxies hide https. Else AccessDenied."""
    denied: AccessDenied | None = None
    for style in styles_to_try(shop_url(account.settings)):
        client = WooClient(account, style)
        try:
            return style, Reader.of(_system(client).json(), "the system status")
        except AccessDenied as error:
            denied = denied or error
        finally:
            client.close()
    raise denied or AccessDenied("The shop lets nobody in.")


def _system(client: WooClient) -> Answer:
    return client.read("system_status", "read the system status", {"_fields": "environment,settings"})


def _check_writing(client: WooClient) -> None:
    """An empty batch changes nothing, and a key that may only read is not let through."""
    client.write("products/batch", "check the right to write", {})


def _counts_stock(client: WooClient) -> bool:
    try:
        answer = client.read("settings/products/woocommerce_manage_stock", "read the stock setting")
    except (NoRoute, ListingGone, AccessDenied):
        return True
    return Reader.of(answer.json(), "the stock setting").fields.get("value") != "no"


def _zone(name: str) -> str:
    """The shop's time zone; UTC where it has an offset only."""
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return "UTC"
