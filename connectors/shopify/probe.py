"""Whether a store can be worked with: the token, its rights, the version that is served, the locations."""

from connectors.sdk.contract import Account
from connectors.sdk.errors import AccessDenied, RefusalKind, Refused
from connectors.sdk.values import AccountInfo, Location
from connectors.shopify.auth import missing_rights
from connectors.shopify.client import ShopifyClient
from connectors.shopify.locations import SEVERAL, active_locations, set_location

USEFUL = {
    "read_all_orders": "Without read_all_orders Shopify hides orders older than 60 days.",
    "read_returns": "Without read_returns only the nightly check finds goods that come back in an even exchange.",
    "write_products": "Without write_products no products can be made in the store from here.",
}


def probe(client: ShopifyClient, account: Account) -> AccountInfo:
    """AccessDenied names the missing rights; Refused where the token is another store's or the location is missing."""
    told = client.read("account", "read the store")
    shop = told.data.nested("shop")
    granted = [row.text("handle") for row in told.data.nested("currentAppInstallation").each("accessScopes")]
    missing = missing_rights(granted)
    if missing:
        raise AccessDenied(
            f"The app lacks rights in the store: {', '.join(missing)}. Grant them and connect again.",
            connection=account.connection,
            operation="read the store",
        )
    domain = shop.text("myshopifyDomain").lower()
    if domain != client.shop:
        raise _refused(f"This token belongs to {domain}, not to {client.shop}.", account)
    locations = active_locations(client)
    chosen = _chosen(account, locations)
    return AccountInfo(
        account_id=domain,
        name=shop.text("name"),
        currency=shop.text("currencyCode"),
        time_zone=shop.text("ianaTimezone"),
        locations=locations,
        settings={"shop": domain, **({"store_location": chosen} if chosen else {})},
        warnings=tuple(_warnings(client, granted, chosen, locations)),
    )


def _chosen(account: Account, locations: tuple[Location, ...]) -> str | None:
    chosen = set_location(account.settings)
    known = {location.location_id for location in locations}
    if chosen is None:
        return known.pop() if len(known) == 1 else None
    if chosen not in known:
        raise _refused(f"The store has no active location {chosen}.", account)
    return chosen


def _warnings(
    client: ShopifyClient, granted: list[str], chosen: str | None, locations: tuple[Location, ...]
) -> list[str]:
    found = [words for right, words in USEFUL.items() if missing_rights(granted, [right])]
    if chosen is None:
        found.append(SEVERAL if locations else "The store has no active location.")
    else:
        found += _about_locations(chosen, locations)
    if client.served_version != client.version:
        found.append(f"Shopify answered with version {client.served_version}, not {client.version}. Update syncd.")
    return found


def _about_locations(chosen: str, locations: tuple[Location, ...]) -> list[str]:
    """What a person should know of a choice among several."""
    ours = next(location for location in locations if location.location_id == chosen)
    others = [location for location in locations if location is not ours]
    found = []
    if not ours.sells_online:
        found.append(f"{ours.name} does not ship online orders: what it holds is not for sale in the online store.")
    if others:
        online = ", ".join(location.name for location in others if location.sells_online)
        told = f" These ship online orders as well: {online}." if online else ""
        found.append(f"Units sold or shipped from other locations than {ours.name} are not seen in its figure.{told}")
    return found


def _refused(message: str, account: Account) -> Refused:
    return Refused(message, kind=RefusalKind.CONFIGURATION, connection=account.connection, operation="read the store")
