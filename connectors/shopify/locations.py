"""Which of the store's locations counts: the one that was set, else the only one there is."""

import threading
from collections.abc import Iterator, Mapping

from connectors.sdk.errors import RefusalKind, Refused
from connectors.sdk.values import Location
from connectors.shopify.client import ShopifyClient
from connectors.shopify.documents import gid, number_of

SEVERAL = "The store has several locations. Choose the one whose stock is sold online (store location)."


class StoreLocation:
    """The location of one connection; looked up once where the settings do not name it."""

    def __init__(self, client: ShopifyClient, settings: Mapping[str, str]) -> None:
        self._client = client
        self._known = set_location(settings)
        self._lock = threading.Lock()

    @property
    def known(self) -> str | None:
        """The location's id as far as it is known without asking."""
        return self._known

    def number(self) -> str:
        """The location's id. Refused where there are several and none was chosen."""
        with self._lock:
            if self._known is None:
                self._known = only_location(active_locations(self._client))
            return self._known

    def gid(self) -> str:
        """The location's global id."""
        return gid("Location", self.number())


def set_location(settings: Mapping[str, str]) -> str | None:
    """The location that the settings name, by number or global id."""
    told = settings.get("store_location", "").strip()
    return number_of(told, "Location") if told.startswith("gid:") else told or None


def only_location(locations: tuple[Location, ...]) -> str:
    """The single location; Refused where there is none or a choice."""
    if not locations:
        raise Refused("The store has no active location.", kind=RefusalKind.CONFIGURATION)
    if len(locations) > 1:
        names = ", ".join(f"{location.name} ({location.location_id})" for location in locations)
        raise Refused(f"{SEVERAL} They are: {names}.", kind=RefusalKind.CONFIGURATION)
    return locations[0].location_id


def active_locations(client: ShopifyClient) -> tuple[Location, ...]:
    """Active locations that are the merchant's own; a fulfilment service keeps its stock itself."""
    return tuple(_locations(client))


def _locations(client: ShopifyClient) -> Iterator[Location]:
    cursor: str | None = None
    while True:
        told = client.read("locations", "read the locations", {"after": cursor})
        connection = told.data.nested("locations")
        for row in connection.each("nodes"):
            if row.flag("isActive") and not row.flag("isFulfillmentService"):
                yield Location(
                    location_id=number_of(row.text("id"), "Location"),
                    name=row.text("name"),
                    sells_online=row.flag("fulfillsOnlineOrders"),
                )
        page = connection.nested("pageInfo")
        if not page.flag("hasNextPage"):
            return
        cursor = page.text("endCursor")
