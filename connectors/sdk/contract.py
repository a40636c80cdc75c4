"""The contract: what a plugin is, what a store can do, what a back office can do.

A package joins by an entry point in the group `syncd.connectors` that names a `Plugin`. A connector translates; it
never decides. Calls block, may come from any thread, and raise only the errors of `errors.py`. Every request has a
time-out.
`suite.py` is the conformance suite that every connector passes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

import httpx

from connectors.sdk.values import (
    AccountInfo,
    AuthorityPage,
    CatalogueItem,
    CataloguePage,
    CreateResult,
    Fact,
    NewItems,
    OrderSnapshot,
    OrdersPage,
    RecordedSale,
    ReturnedLine,
    ReturnTarget,
    Sale,
    StockReading,
    StockRef,
    StockWrite,
    TillHints,
    WebhookReport,
    WriteAnswer,
    WriteBatch,
)


class Role(StrEnum):
    """A connection either sells or is the authority on stock."""

    STORE = "store"
    BACKOFFICE = "backoffice"


class Clock(Protocol):
    """Time and waiting, given so that tests and simulations can own them."""

    def now(self) -> datetime:
        """Aware UTC time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; returns early when the daemon is stopping."""
        ...


class Vault(Protocol):
    """The credentials of one connection, encrypted where they rest."""

    def load(self) -> Mapping[str, str]:
        """The credentials as stored now."""
        ...

    def renew(
        self, stale: Mapping[str, str], exchange: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> Mapping[str, str]:
        """Replace credentials that have expired, exactly once over all threads and processes.

        Runs `exchange(current)` alone and stores what it returns before anybody uses it. Where the stored credentials
        differ from `stale` already, somebody else was quicker: they are returned and nothing is exchanged.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything a connector needs to speak for one connection.

    `settings` holds what is not secret: `url`, `shop`, `api_url`, `store_location`, `dialect` … and the operator's
    settings of the platform (`api_version`). `transport` replaces the network in tests; None is the real one, guarded
    against private addresses as the operator configured.
    """

    connection: str
    settings: Mapping[str, str]
    vault: Vault
    clock: Clock
    transport: httpx.BaseTransport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTraits:
    """What the engine must know of a store's platform.

    `compares`: the platform itself refuses a write whose expected value is stale; else the connector reads just before
    it writes, and a sale in between can be buried. `order_overlap`: how far a pull reaches back behind its cursor.
    `write_rows`: how many figures one write call takes, `read_rows` one read. `orders_reach`: the platform hides orders
    older than this, so that one it does not know need not be gone; None where it hides none. `create_rows`: how many
    products one call can make (see `ItemMaker`); 0 where it makes none.
    """

    compares: bool
    order_overlap: timedelta
    write_rows: int
    read_rows: int
    orders_reach: timedelta | None = None
    create_rows: int = 0


class Store(Protocol):
    """A connection that sells."""

    @property
    def traits(self) -> StoreTraits:
        """The same for the life of the connector."""
        ...

    def probe(self) -> AccountInfo:
        """Check credentials, rights and version by harmless calls, and tell what the account is."""
        ...

    def catalogue(self) -> Iterator[CataloguePage]:
        """Every sellable unit, page by page, in a stable order."""
        ...

    def items(self, external_ids: Sequence[str]) -> tuple[CatalogueItem, ...]:
        """These items as they are now; one that is gone is missing from the answer. At most `traits.read_rows` ids."""
        ...

    def read_stock(self, refs: Sequence[StockRef]) -> StockReading:
        """These figures as they are now, past any cache. At most `traits.read_rows`."""
        ...

    def batches(self, writes: Sequence[StockWrite]) -> list[tuple[StockWrite, ...]]:
        """Split writes into what goes out in one call each. Pure."""
        ...

    def write_stock(self, batch: WriteBatch) -> WriteAnswer:
        """Compare and set one batch as given by `batches`.

        A raised Unavailable means that no row was written, a raised OutcomeUnknown that any may have been.
        """
        ...

    def orders_since(self, since: datetime) -> Iterator[OrdersPage]:
        """Every order, of any status, that changed at or after `since` by the platform's clock, oldest change first."""
        ...

    def open_orders(self) -> Iterator[OrdersPage]:
        """Every order that is neither closed nor cancelled, however old."""
        ...

    def read_order(self, order_id: str) -> OrderSnapshot | None:
        """One order as it is now; None where the platform says that it does not exist."""
        ...

    def check_webhooks(self, url: str, *, repair: bool) -> WebhookReport:
        """Compare our subscriptions with what they should be, delivering to `url`; make and mend them if asked to."""
        ...

    def remove_webhooks(self, url: str) -> None:
        """Delete our subscriptions that deliver to `url`."""
        ...

    def facts(self, headers: Mapping[str, str], body: bytes) -> tuple[Fact, ...]:
        """Translate one verified delivery. No network. Header names are in lower case. Raises MalformedPayload."""
        ...

    def close(self) -> None:
        """Give back sockets."""
        ...


@runtime_checkable
class ItemMaker(Protocol):
    """What a store can do besides, where `traits.create_rows` is not 0: make new products."""

    def create_items(self, wanted: NewItems) -> Mapping[str, CreateResult]:
        """Make a product for each, its stock counted and beginning at nothing; results by SKU, one for each.

        A unit that has the SKU already is found, also one that was made a moment ago by a call whose answer was lost:
        the same call may be made again. At most `traits.create_rows`. A raised Unavailable or Refused means that
        nothing was made, a raised OutcomeUnknown that any may have been.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOfficeTraits:
    """What the engine must know of a back office.

    `finds_sales`: a lost answer can be looked up. `takes_returns`: returns can be recorded. `gives_hints`: it can tell
    which items were sold at the till lately. `read_rows`: how many items a targeted reading asks for at once.
    """

    finds_sales: bool
    takes_returns: bool
    gives_hints: bool
    read_rows: int


class BackOffice(Protocol):
    """The connection whose stock figure is the authority."""

    @property
    def traits(self) -> BackOfficeTraits:
        """The same for the life of the connector."""
        ...

    def probe(self) -> AccountInfo:
        """Check credentials and what the account really honours, by harmless calls; locations are in the answer."""
        ...

    def catalogue(self) -> Iterator[AuthorityPage]:
        """Every item with its stock at every location, in a stable order, one request per page.

        An item that cannot be read is told as that; it hides no other.
        """
        ...

    def read_stock(self, refs: Sequence[StockRef]) -> AuthorityPage:
        """These items with their stock now. At most `traits.read_rows`."""
        ...

    def till_hints(self, since: datetime) -> TillHints:
        """Items touched by sales in the back office since then; not complete, only quick."""
        ...

    def record_sale(self, sale: Sale, *, not_after: datetime) -> RecordedSale:
        """Record one sale. Begins no request after `not_after` (raises Unavailable instead).

        Raises Refused with its kind, Unavailable when surely not recorded, OutcomeUnknown when it may have been.
        """
        ...

    def find_sale(self, sale: Sale) -> tuple[RecordedSale, ...]:
        """Every sale under this invoice number, the oldest first."""
        ...

    def read_sale(self, sale_id: str) -> RecordedSale | None:
        """A recorded sale with what has been returned of it."""
        ...

    def record_return(self, target: ReturnTarget, *, not_after: datetime) -> tuple[ReturnedLine, ...]:
        """Bring the returned quantities up to the target. Raises like `record_sale`."""
        ...

    def sales_between(self, channel: str, since: datetime, until: datetime) -> Iterator[RecordedSale]:
        """Every sale that we recorded for a channel and that was sold in this time, for the comparison both ways."""
        ...

    def close(self) -> None:
        """Give back sockets."""
        ...


class WebhookDoor(Protocol):
    """What can be said of a delivery before the connection is even loaded. Pure; header names are in lower case."""

    def account_id(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Which account a delivery claims to come from, where its headers tell (Shopify's shop domain)."""
        ...

    def is_unsigned_ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether this is a platform's unsigned greeting, to be answered 200 and forgotten."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """Prove over the raw bytes that one of the secrets signed this; InvalidSignature. Empty ones prove nothing."""
        ...

    def secrets(self, credentials: Mapping[str, str]) -> tuple[str, ...]:
        """The secrets among a connection's credentials that may sign its deliveries."""
        ...

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """What makes a delivery the same as another one: at most 200 characters."""
        ...

    def topic(self, headers: Mapping[str, str], body: bytes) -> str:
        """The platform's name of what a delivery is about."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A step of a consent flow: where to send the person, and the one-time state that must come back."""

    url: str
    state: str


class ConsentFlow(Protocol):
    """Connecting by the platform's own consent page."""

    def begin(self, settings: Mapping[str, str], *, callback_url: str, return_url: str, state: str) -> Consent:
        """Where to send the person; Refused where the settings cannot be right (a shop name that is none)."""
        ...

    def finish(
        self,
        settings: Mapping[str, str],
        *,
        query: Mapping[str, str],
        body: bytes,
        state: str,
        callback_url: str,
        transport: httpx.BaseTransport | None,
        now: datetime,
    ) -> Mapping[str, str]:
        """Check what came back and exchange it for credentials; Refused says in words what is wrong with it."""
        ...


class Plugin(Protocol):
    """What an entry point of the group `syncd.connectors` names.

    `platform` is the word in commands, paths and tables.
    """

    @property
    def platform(self) -> str:
        """In lower case."""
        ...

    @property
    def role(self) -> Role:
        """One role per plugin."""
        ...

    @property
    def door(self) -> WebhookDoor | None:
        """None where the platform sends nothing."""
        ...

    @property
    def consent(self) -> ConsentFlow | None:
        """None where it has no consent page."""
        ...

    def store(self, account: Account) -> Store:
        """A connector for one store. Refused where the role is another one or a setting is missing."""
        ...

    def backoffice(self, account: Account) -> BackOffice:
        """A connector for one back office. Refused where the role is another one or a setting is missing."""
        ...
