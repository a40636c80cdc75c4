"""The fake platforms as plugins: how the engine comes by their connectors, and the door of their webhooks."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.sdk.contract import Account, BackOffice, ConsentFlow, Role, Store, WebhookDoor
from connectors.sdk.errors import RefusalKind, Refused
from connectors.sdk.fake.backoffice import FakeBackOffice
from connectors.sdk.fake.office import FakeOffice
from connectors.sdk.fake.shop import FakeShop
from connectors.sdk.fake.store import FakeStore
from connectors.sdk.signatures import check_standard_webhook


@dataclass(slots=True)
class PlainVault:
    """Credentials in a dictionary, for one process."""

    credentials: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> Mapping[str, str]:
        """As they are now."""
        return self.credentials

    def renew(
        self, stale: Mapping[str, str], exchange: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> Mapping[str, str]:
        """Exchange them unless somebody has."""
        if dict(self.credentials) == dict(stale):
            self.credentials = exchange(self.credentials)
        return self.credentials


@dataclass(frozen=True, slots=True)
class FakeDoor:
    """Standard Webhooks, with the account and the topic in headers of their own."""

    def account_id(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the headers tell
        """The shop's account id."""
        return headers.get("x-fake-account")

    def is_unsigned_ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """A greeting without a signature."""
        return "webhook-signature" not in headers and body == b"ping"

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """InvalidSignature unless one of the secrets signed it lately."""
        check_standard_webhook(headers, body, secrets, now)

    def secrets(self, credentials: Mapping[str, str]) -> tuple[str, ...]:
        """The webhook secret, where there is one."""
        return tuple(secret for secret in (credentials.get("webhook_secret"),) if secret)

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Id and content: an id alone may be another shop's."""
        account, delivery = headers.get("x-fake-account", ""), headers.get("webhook-id", "")
        return hashlib.sha256(f"{account}\n{delivery}\n".encode() + body).hexdigest()

    def topic(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002 - the headers tell
        """As the shop names it."""
        return headers.get("x-fake-topic", "")


@dataclass(slots=True)
class FakePlugin:
    """Stores by the setting `shop`, the account id of a `FakeShop`."""

    shops: dict[str, FakeShop] = field(default_factory=dict)
    platform: str = "fake"
    role: Role = Role.STORE
    door: WebhookDoor | None = FakeDoor()
    consent: ConsentFlow | None = None

    def add(self, shop: FakeShop) -> FakeShop:
        """Make a shop known."""
        self.shops[shop.account_id] = shop
        return shop

    def store(self, account: Account) -> Store:
        """A connector to the shop of the account's settings."""
        shop = self.shops.get(account.settings.get("shop", ""))
        if shop is None:
            raise _nowhere(account)
        return FakeStore(account=account, shop=shop)

    def backoffice(self, account: Account) -> BackOffice:
        """Refused: it sells."""
        raise _nowhere(account)


@dataclass(slots=True)
class FakeBackOfficePlugin:
    """Back offices by the setting `office`, the account id of a `FakeOffice`."""

    offices: dict[str, FakeOffice] = field(default_factory=dict)
    platform: str = "fake-office"
    role: Role = Role.BACKOFFICE
    door: WebhookDoor | None = None
    consent: ConsentFlow | None = None

    def add(self, office: FakeOffice) -> FakeOffice:
        """Make an office known."""
        self.offices[office.account_id] = office
        return office

    def store(self, account: Account) -> Store:
        """Refused: it does not sell."""
        raise _nowhere(account)

    def backoffice(self, account: Account) -> BackOffice:
        """A connector to the office of the account's settings."""
        office = self.offices.get(account.settings.get("office", ""))
        if office is None:
            raise _nowhere(account)
        return FakeBackOffice(account=account, office=office)


def _nowhere(account: Account) -> Refused:
    return Refused(
        "There is no such fake account.",
        kind=RefusalKind.CONFIGURATION,
        connection=account.connection,
        operation="connect",
    )
