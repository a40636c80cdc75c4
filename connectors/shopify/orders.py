"""Orders as they are now: the list of those that changed, then each of them whole.

A list of ids is cheap, whole orders are dear; so a page is a list first. Of its orders those that were read before and
have not changed since come from memory (`remembered.py`), the others are read a few at a time. What does not fit into
an order's first lists is read to the end: a line that is left out would look like stock given back.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from connectors.sdk.answer import Answer
from connectors.sdk.budget import Priority
from connectors.sdk.errors import AccessDenied, MalformedPayload, Refused
from connectors.sdk.reader import Reader
from connectors.sdk.values import OrderSnapshot, OrdersPage, Refund
from connectors.shopify import translate
from connectors.shopify.catalogue import nodes
from connectors.shopify.client import ShopifyClient, Told, TooDear
from connectors.shopify.documents import gid, number_of
from connectors.shopify.remembered import Remembered

LIST = 100
WHOLE, MOST_WHOLE = 4, 25  # orders in one call: as long as their price is not known, and at most
POINTS = 800  # that a call may ask for; Shopify refuses more than 1000
FIRST_REFUNDS, MOST_REFUNDS = 5, 50
NO_RETURN = "NO_RETURN"
OPERATION = "read orders"


class Orders:
    """Reads the orders of one store."""

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client
        self._remembered = Remembered()
        self._may_read_returns = True

    def since(self, since: datetime) -> Iterator[OrdersPage]:
        """Changed at or after `since`, oldest change first; closed and cancelled ones are among them."""
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._pages(f"updated_at:>='{moment}'", "UPDATED_AT")

    def open(self) -> Iterator[OrdersPage]:
        """Neither closed nor cancelled. Without read_all_orders only those of the last 60 days."""
        return self._pages("status:open", "ID")

    def one(self, order_id: str) -> OrderSnapshot | None:
        """One order; None where Shopify knows none (or shows none, being older than 60 days)."""
        if not (order_id.isascii() and order_id.isdecimal()):
            return None
        ((row, answer),) = self._rows([gid("Order", order_id)], Priority.TARGETED)
        return None if row is None else self._whole(row, answer)

    def _pages(self, query: str, sort_key: str) -> Iterator[OrdersPage]:
        cursor: str | None = None
        while True:
            variables = {"first": LIST, "after": cursor, "query": query, "sortKey": sort_key}
            told = self._client.read("orders", OPERATION, variables, priority=Priority.TARGETED)
            if told.ignored_filter:
                raise Refused("Shopify does not understand our search for orders. Update syncd.", operation=OPERATION)
            connection = told.data.nested("orders")
            page = connection.nested("pageInfo")
            is_last = not page.flag("hasNextPage")
            yield self._page(told, list(connection.each("nodes")), is_last=is_last)
            if is_last:
                return
            cursor = page.text("endCursor")

    def _page(self, told: Told, listed: Sequence[Reader], *, is_last: bool) -> OrdersPage:
        known = {row.text("id"): self._remembered.find(row) for row in listed}
        unreadable: dict[str, str] = {}
        known |= self._read([global_id for global_id, order in known.items() if order is None], unreadable)
        orders = tuple(order for order in known.values() if order is not None)
        platform_at = told.answer.platform_at
        return OrdersPage(orders=orders, platform_at=platform_at, is_last=is_last, unreadable=unreadable)

    def _read(self, ids: Sequence[str], unreadable: dict[str, str]) -> dict[str, OrderSnapshot | None]:
        """These orders whole; None for one that was deleted since it was listed, or cannot be read."""
        found: dict[str, OrderSnapshot | None] = {}
        while part := ids[len(found) : len(found) + self._at_once()]:
            for global_id, (row, answer) in zip(part, self._rows(part, Priority.BULK), strict=True):
                found[global_id] = None
                try:
                    found[global_id] = None if row is None else self._whole(row, answer)
                except MalformedPayload as error:
                    unreadable[number_of(global_id, "Order")] = str(error)
        return found

    def _at_once(self) -> int:
        """How many whole orders a call may ask for, by what one was said to cost."""
        each = self._client.price("orders_by_id")
        return WHOLE if each is None else max(1, min(MOST_WHOLE, int(POINTS / each)))

    def _rows(self, ids: Sequence[str], priority: Priority) -> list[tuple[Reader | None, Answer]]:
        """Whole orders, each with the answer that it came in; fewer at a time where Shopify finds the call too dear."""
        try:
            told = self._client.read("orders_by_id", OPERATION, {"ids": list(ids)}, priority=priority)
        except TooDear:
            if len(ids) == 1:
                raise
            half = len(ids) // 2
            return self._rows(ids[:half], priority) + self._rows(ids[half:], priority)
        return [(row, told.answer) for row in nodes(told.data, "Order", len(ids))]

    def _whole(self, row: Reader, answer: Answer) -> OrderSnapshot:
        lines = self._all(row.nested("lineItems"), "order_lines", row.text("id"), ("order", "lineItems"))
        refunds = [*self._refunds(row), *self._even_exchanges(row)]
        order = translate.order(row, lines, refunds)
        self._remembered.keep(row, order, answer)
        return order

    def _refunds(self, row: Reader) -> Iterator[Refund]:
        """Refunds are a plain list, cut without a word at the length that was asked for."""
        found = list(row.each("refunds"))
        if len(found) == FIRST_REFUNDS:
            told = self._client.read("order_refunds", OPERATION, {"id": row.text("id")})
            found = list(told.data.nested("order").each("refunds"))
        if len(found) == MOST_REFUNDS:
            raise MalformedPayload(f"Order {row.text('name')} has too many refunds to be read whole.")
        for each in found:
            lines = each.nested("refundLineItems")
            path = ("refund", "refundLineItems")
            yield translate.refund(each, self._all(lines, "refund_lines", each.text("id"), path))

    def _even_exchanges(self, row: Reader) -> Iterator[Refund]:
        """Goods that came back in a return without any refund. Those of a return with one stand in the refund."""
        if row.text("returnStatus") == NO_RETURN or not self._may_read_returns:
            return
        order_id = row.text("id")
        try:
            told = self._client.read("order_returns", OPERATION, {"id": order_id, "after": None})
        except AccessDenied:  # the right is not needed for anything else; a dead token is told by the next call
            self._may_read_returns = False
            return
        first = told.data.nested("order").nested("returns")
        for what in self._all(first, "order_returns", order_id, ("order", "returns")):
            if what.nested("refunds").values("nodes"):
                continue
            lines = self._dispositions(what.text("id"))
            found = translate.returned(number_of(what.text("id"), "Return"), lines, row.time("updatedAt"))
            if found is not None:
                yield found

    def _dispositions(self, return_id: str) -> Iterator[Reader]:
        told = self._client.read("return_dispositions", OPERATION, {"id": return_id})
        orders = told.data.nested("return").nested("reverseFulfillmentOrders")
        parts = [one.nested("lineItems") for one in orders.each("nodes")]
        if any(part.nested("pageInfo").flag("hasNextPage") for part in (orders, *parts)):
            raise MalformedPayload(f"The return {return_id} has too many lines to be read whole.")
        for part in parts:
            yield from part.each("nodes")

    def _all(self, first: Reader, name: str, owner: str, path: tuple[str, str]) -> Iterator[Reader]:
        """Every element of a connection whose first page is here."""
        connection = first
        while True:
            yield from connection.each("nodes")
            page = connection.nested("pageInfo")
            if not page.flag("hasNextPage"):
                return
            told = self._client.read(name, OPERATION, {"id": owner, "after": page.text("endCursor")})
            connection = told.data.nested(path[0]).nested(path[1])
