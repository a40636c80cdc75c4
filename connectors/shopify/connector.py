"""The Shopify connector: what the engine can ask of a store. Each part has a module of its own."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from connectors.sdk.contract import Account, BackOffice, Role, Store, StoreTraits
from connectors.sdk.errors import RefusalKind, Refused
from connectors.sdk.values import (
    AccountInfo,
    CatalogueItem,
    CataloguePage,
    CreateResult,
    Fact,
    NewItems,
    OrderSnapshot,
    OrdersPage,
    StockReading,
    StockRef,
    StockWrite,
    WebhookReport,
    WriteAnswer,
    WriteBatch,
)
from connectors.shopify import products, stock, subscriptions, webhooks
from connectors.shopify.auth import ShopifyConsent
from connectors.shopify.catalogue import READ_ROWS, Catalogue
from connectors.shopify.client import ShopifyClient
from connectors.shopify.locations import StoreLocation
from connectors.shopify.orders import Orders
from connectors.shopify.probe import probe
from connectors.shopify.webhooks import ShopifyDoor

ORDER_OVERLAP = timedelta(minutes=10)  # Shopify's search index lags behind its orders
ORDERS_REACH = timedelta(days=60)  # read_orders shows no older ones (schema text); read_all_orders needs approval


class ShopifyPlugin:
    """What the entry point names."""

    platform = "shopify"
    role = Role.STORE
    door = ShopifyDoor()
    consent = ShopifyConsent()

    def store(self, account: Account) -> Store:
        """A connector for one store; Refused where its name is missing or none."""
        return ShopifyStore(account)

    def backoffice(self, account: Account) -> BackOffice:
        """Refused: it sells."""
        raise Refused(
            "Shopify is a store, not a back office.",
            kind=RefusalKind.CONFIGURATION,
            connection=account.connection,
        )


class ShopifyStore:
    """One store."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client = ShopifyClient(account)
        self._location = StoreLocation(self._client, account.settings)
        self._catalogue = Catalogue(self._client, account.clock, self._location)
        self._orders = Orders(self._client)

    @property
    def traits(self) -> StoreTraits:
        """Shopify compares by itself."""
        return StoreTraits(
            compares=True,
            order_overlap=ORDER_OVERLAP,
            write_rows=stock.WRITE_ROWS,
            read_rows=READ_ROWS,
            orders_reach=ORDERS_REACH,
            create_rows=products.CREATE_ROWS,
        )

    def probe(self) -> AccountInfo:
        """See `probe.py`."""
        return probe(self._client, self._account)

    def catalogue(self) -> Iterator[CataloguePage]:
        """Every variant."""
        return self._catalogue.pages()

    def items(self, external_ids: Sequence[str]) -> tuple[CatalogueItem, ...]:
        """These variants now."""
        return self._catalogue.items(external_ids)

    def read_stock(self, refs: Sequence[StockRef]) -> StockReading:
        """These figures now, at the store's location."""
        return self._catalogue.reading(refs)

    def batches(self, writes: Sequence[StockWrite]) -> list[tuple[StockWrite, ...]]:
        """As many rows as one mutation takes."""
        return stock.split(writes)

    def write_stock(self, batch: WriteBatch) -> WriteAnswer:
        """Compare and set, all rows or none."""
        return stock.write(self._client, self._location, batch)

    def create_items(self, wanted: NewItems) -> Mapping[str, CreateResult]:
        """See `products.py`."""
        return products.create(self._client, self._location, wanted)

    def orders_since(self, since: datetime) -> Iterator[OrdersPage]:
        """Changed since then."""
        return self._orders.since(since)

    def open_orders(self) -> Iterator[OrdersPage]:
        """Neither closed nor cancelled."""
        return self._orders.open()

    def read_order(self, order_id: str) -> OrderSnapshot | None:
        """One order now."""
        return self._orders.one(order_id)

    def check_webhooks(self, url: str, *, repair: bool) -> WebhookReport:
        """See `subscriptions.py`."""
        return subscriptions.check(self._client, url, repair=repair)

    def remove_webhooks(self, url: str) -> None:
        """Delete our subscriptions."""
        subscriptions.remove(self._client, url)

    def facts(self, headers: Mapping[str, str], body: bytes) -> tuple[Fact, ...]:
        """See `webhooks.py`."""
        return webhooks.facts(headers, body, shop=self._client.shop, location_id=self._location.known)

    def close(self) -> None:
        """Give back sockets."""
        self._client.close()
