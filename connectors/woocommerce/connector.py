"""The WooCommerce connector: what the engine can ask of a shop. Each part has a module of its own."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from connectors.sdk.contract import Account, BackOffice, Role, Store, StoreTraits
from connectors.sdk.errors import AccessDenied, RefusalKind, Refused
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
from connectors.woocommerce import products, subscriptions, webhooks
from connectors.woocommerce.address import WooCommerceDoorstep
from connectors.woocommerce.auth import webhook_secrets
from connectors.woocommerce.client import PAGE, WooClient
from connectors.woocommerce.goods import Goods
from connectors.woocommerce.orders import Orders
from connectors.woocommerce.probe import probe
from connectors.woocommerce.stock import Stock, split
from connectors.woocommerce.webhooks import WooCommerceDoor

ORDER_OVERLAP = timedelta(minutes=5)


class WooCommercePlugin:
    """What the entry point names."""

    platform = "woocommerce"
    role = Role.STORE
    door = WooCommerceDoor()
    consent = WooCommerceDoorstep()

    def store(self, account: Account) -> Store:
        """A connector for one shop; Refused where its address is missing or none."""
        return WooCommerceStore(account)

    def backoffice(self, account: Account) -> BackOffice:
        """Refused: a shop sells."""
        raise Refused(
            "WooCommerce is a store, not a back office.",
            kind=RefusalKind.CONFIGURATION,
            connection=account.connection,
        )


class WooCommerceStore:
    """One shop."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client = WooClient(account)
        self._goods = Goods(self._client, account.clock)
        self._orders = Orders(self._client, account.clock)
        self._stock = Stock(self._client, self._goods)

    @property
    def traits(self) -> StoreTraits:
        """WooCommerce compares nothing when it is written to."""
        return StoreTraits(
            compares=False,
            order_overlap=ORDER_OVERLAP,
            write_rows=PAGE,
            read_rows=PAGE,
            create_rows=products.CREATE_ROWS,
        )

    def probe(self) -> AccountInfo:
        """See `probe.py`; the settings that it tells are how this shop is called from then on."""
        return probe(self._account)

    def catalogue(self) -> Iterator[CataloguePage]:
        """Every product and variation."""
        return self._goods.catalogue()

    def items(self, external_ids: Sequence[str]) -> tuple[CatalogueItem, ...]:
        """These products or variations now."""
        return self._goods.items(external_ids)

    def read_stock(self, refs: Sequence[StockRef]) -> StockReading:
        """These figures now, past any cache."""
        return self._goods.reading(refs)

    def batches(self, writes: Sequence[StockWrite]) -> list[tuple[StockWrite, ...]]:
        """Products together, variations by parent, as many at once as the host has shown to bear."""
        return split(writes, self._stock.size.rows)

    def write_stock(self, batch: WriteBatch) -> WriteAnswer:
        """Read, compare, set, and judge each row of the answer."""
        return self._stock.write(batch)

    def create_items(self, wanted: NewItems) -> Mapping[str, CreateResult]:
        """See `products.py`."""
        return products.create(self._client, self._goods, wanted)

    def orders_since(self, since: datetime) -> Iterator[OrdersPage]:
        """Changed since then, the trash included."""
        return self._orders.since(since)

    def open_orders(self) -> Iterator[OrdersPage]:
        """Neither closed nor cancelled."""
        return self._orders.open()

    def read_order(self, order_id: str) -> OrderSnapshot | None:
        """One order now."""
        return self._orders.one(order_id)

    def check_webhooks(self, url: str, *, repair: bool) -> WebhookReport:
        """See `subscriptions.py`."""
        return subscriptions.check(self._client, url, self._secret(), repair=repair)

    def remove_webhooks(self, url: str) -> None:
        """Delete our webhooks."""
        subscriptions.remove(self._client, url)

    def facts(self, headers: Mapping[str, str], body: bytes) -> tuple[Fact, ...]:
        """See `webhooks.py`."""
        return webhooks.facts(headers, body)

    def close(self) -> None:
        """Give back sockets."""
        self._client.close()

    def _secret(self) -> str:
        secrets = webhook_secrets(self._account.vault.load())
        if not secrets:
            raise AccessDenied("There is no key for this shop. Connect it again.")
        return secrets[0]
