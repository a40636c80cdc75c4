"""Reading the orders of a shop: what changed since a moment, what is open, and one by its id."""

import heapq
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from connectors.sdk.contract import Clock
from connectors.sdk.errors import AccessDenied, ListingGone, MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.values import OrderSnapshot, OrdersPage
from connectors.woocommerce import translate
from connectors.woocommerce.client import PAGE, NoRoute, WooClient
from connectors.woocommerce.paging import Listing, by_number, by_time, rows_of

SHOWN_BY_ANY = "any"
TRASH = "trash"
OPEN = ("pending", "on-hold", "processing", "failed")
CLOSED = ("completed", "cancelled", "refunded", "checkout-draft")
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
Told = tuple[Reader, datetime]


class Orders:
    """Reads a shop's orders."""

    def __init__(self, client: WooClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    def since(self, since: datetime) -> Iterator[OrdersPage]:
        """Changed at or after `since`, oldest change first, those in the trash among them (`any` leaves them out)."""
        listed = [
            by_time(self._client, _orders(status), order_by="modified", since=since, at=translate.modified_at)
            for status in (SHOWN_BY_ANY, TRASH)
        ]
        return self._pages(heapq.merge(*listed, key=lambda told: translate.modified_at(told[0])))

    def open(self) -> Iterator[OrdersPage]:
        """Neither closed nor cancelled; statuses that plugins brought along count as open."""
        statuses = ",".join((*OPEN, *self._statuses_of_plugins()))
        return self._pages(by_time(self._client, _orders(statuses), order_by="date", since=BEGINNING, at=_created_at))

    def one(self, order_id: str) -> OrderSnapshot | None:
        """An order as it is now; None where there is none."""
        try:
            answer = self._client.read(f"orders/{order_id}", "read an order")
        except ListingGone:
            return None
        return self._snapshot(Reader.of(answer.json(), "order"))

    def _pages(self, rows: Iterable[Told]) -> Iterator[OrdersPage]:
        """Bundle rows into pages; the last one, maybe empty, says so."""
        some: list[Told] = []
        platform_at = self._clock.now()
        for row, platform_at in rows:
            some.append((row, platform_at))
            if len(some) == PAGE:
                yield self._page(some, platform_at, is_last=False)
                some = []
        yield self._page(some, platform_at, is_last=True)

    def _page(self, rows: list[Told], platform_at: datetime, *, is_last: bool) -> OrdersPage:
        orders: list[OrderSnapshot] = []
        unreadable: dict[str, str] = {}
        for row, _ in rows:
            try:
                orders.append(self._snapshot(row))
            except MalformedPayload as error:
                unreadable[row.id("id")] = str(error)
        return OrdersPage(orders=tuple(orders), platform_at=platform_at, is_last=is_last, unreadable=unreadable)

    def _snapshot(self, order: Reader) -> OrderSnapshot:
        refunded = self._refunded(order.id("id")) if translate.needs_refunds(order) else {}
        return translate.snapshot(order, refunded)

    def _refunded(self, order_id: str) -> dict[str, int]:
        listing = Listing(path=f"orders/{order_id}/refunds", operation="read refunds", params={})
        return translate.refunded_units(row for rows in by_number(self._client, listing) for row in rows)

    def _statuses_of_plugins(self) -> list[str]:
        """Statuses beyond core's, by the report of totals; none where the shop or the key cannot see it."""
        try:
            answer = self._client.read("reports/orders/totals", "read the order statuses")
        except (NoRoute, AccessDenied):
            return []
        slugs = [row.text("slug") for row in rows_of(answer, "statuses")]
        return [slug for slug in slugs if slug not in (*OPEN, *CLOSED)]


def _orders(status: str) -> Listing:
    return Listing(path="orders", operation="read orders", params={"status": status})


def _created_at(order: Reader) -> datetime:
    return order.time("date_created_gmt", without_zone_is_utc=True)
