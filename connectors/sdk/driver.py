"""What the conformance suite needs besides a connector: somebody on the other side of it.

A driver owns a platform (simulated, recorded or real) with a prepared account and acts there as customers, staff and
the network do. It is made anew for every test. See `suite.py` for a test file.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from connectors.sdk.contract import Account, Plugin

Delivery = tuple[Mapping[str, str], bytes]
"""One signed webhook as it arrives: headers with names in lower case, and the raw body."""


class PlatformDriver(Protocol):
    """What stores and back offices have in common.

    `account` has working credentials and a clock that the driver advances. `skus` names at least three sellable units,
    each tracked, with a figure of its own and at least ten units; no other unit carries one of these SKUs.
    """

    @property
    def plugin(self) -> Plugin:
        """What the entry point of the connector names."""
        ...

    @property
    def account(self) -> Account:
        """The same account every time."""
        ...

    @property
    def skus(self) -> Sequence[str]:
        """At least three, in no special order."""
        ...

    def stock(self, sku: str) -> int:
        """Units that the platform shows for an SKU right now, asked past the connector."""
        ...

    def set_stock(self, sku: str, quantity: int) -> None:
        """Staff type another number."""
        ...

    def delete(self, sku: str) -> None:
        """Staff delete the unit for good."""
        ...

    def advance(self, seconds: float) -> None:
        """Time passes, on the platform and on the account's clock alike."""
        ...

    def lose_next_answer(self) -> None:
        """The next request that writes takes effect, and its answer never arrives (a time-out)."""
        ...

    def go_down(self) -> None:
        """From now on nothing answers: no connection comes about."""
        ...

    def come_up(self) -> None:
        """It answers again."""
        ...

    def take_access_away(self) -> None:
        """From now on the credentials are not accepted any more, and cannot be renewed."""
        ...


class StoreDriver(PlatformDriver, Protocol):
    """The other side of a store. Sales take units off the store's own stock at once, as its checkout does."""

    @property
    def webhook_url(self) -> str:
        """An address of ours that the platform accepts for webhooks."""
        ...

    def sell(self, sku: str, quantity: int, *, is_paid: bool = True) -> str:
        """A customer orders; gives the order's id."""
        ...

    def refund(self, order_id: str, quantity: int, *, restock: bool) -> None:
        """Staff refund units of the order's only line and, if `restock`, put them back on the shelf."""
        ...

    def cancel(self, order_id: str) -> None:
        """Staff cancel the whole order and put its units back on the shelf."""
        ...

    def deliveries(self) -> Sequence[Delivery]:
        """Webhooks sent since the last call, oldest first; there are some once `check_webhooks` has subscribed us."""
        ...


class BackOfficeDriver(PlatformDriver, Protocol):
    """The other side of a back office. `skus` and `stock` are about `location_id`."""

    @property
    def location_id(self) -> str:
        """The location that the account is set to."""
        ...

    def spoil(self, sku: str) -> None:
        """From now on what is told of this unit's stock makes no sense. Skips the test where that cannot be had."""
        ...

    def till_sale(self, sku: str, quantity: int) -> None:
        """A cashier sells at the location's till."""
        ...

    def hand_return(self, sale_id: str, sku: str, quantity: int) -> None:
        """A cashier takes units of a recorded sale back, by hand. Called only where returns can be recorded."""
        ...
