"""A store's connector gone wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.sdk.contract import Clock, Store, StoreTraits
from connectors.sdk.errors import OutcomeUnknown
from connectors.sdk.hostile.conduct import Conduct, Misdeed
from connectors.sdk.values import (
    AccountInfo,
    CatalogueItem,
    CataloguePage,
    Fact,
    OrderSnapshot,
    OrdersPage,
    StockReading,
    StockRef,
    StockWrite,
    WebhookReport,
    WriteAnswer,
    WriteBatch,
    WriteOutcome,
    WriteResult,
)


@dataclass(slots=True, kw_only=True)
class HostileStore:
    """A store's connector gone wrong; see `Misdeed`."""

    store: Store
    conduct: Conduct

    @classmethod
    def around(cls, store: Store, clock: Clock) -> "HostileStore":
        """Well-behaved until something is put into `misdeeds`."""
        return cls(store=store, conduct=Conduct(clock=clock))

    @property
    def misdeeds(self) -> dict[str, Misdeed]:
        """By operation, as the contract names it."""
        return self.conduct.misdeeds

    @property
    def traits(self) -> StoreTraits:
        """As they are."""
        return self.store.traits

    def probe(self) -> AccountInfo:
        """BREAKS, GARBLED, SLOW."""
        return self.conduct.call("probe", self.store.probe)

    def catalogue(self) -> Iterator[CataloguePage]:
        """All that concerns pages."""
        return self.conduct.pages("catalogue", self.store.catalogue)

    def items(self, external_ids: Sequence[str]) -> tuple[CatalogueItem, ...]:
        """OMITS, REPEATS."""
        found = self.conduct.call("items", lambda: self.store.items(external_ids))
        if self.conduct.does("items", Misdeed.OMITS):
            return found[: len(found) // 2]
        return found + found if self.conduct.does("items", Misdeed.REPEATS) else found

    def read_stock(self, refs: Sequence[StockRef]) -> StockReading:
        """LIES, OMITS, INVENTS."""
        reading = self.conduct.call("read_stock", lambda: self.store.read_stock(refs))
        figures = dict(reading.figures)
        if self.conduct.does("read_stock", Misdeed.LIES):
            figures = {
                key: replace(figure, quantity=None if figure.quantity is None else figure.quantity + 3)
                for key, figure in figures.items()
            }
        if self.conduct.does("read_stock", Misdeed.OMITS):
            figures = dict(list(figures.items())[: len(figures) // 2])
        if self.conduct.does("read_stock", Misdeed.INVENTS):
            figures |= {f"{key}-x": figure for key, figure in figures.items()}
        return replace(reading, figures=figures)

    def batches(self, writes: Sequence[StockWrite]) -> list[tuple[StockWrite, ...]]:
        """As they are."""
        return self.store.batches(writes)

    def write_stock(self, batch: WriteBatch) -> WriteAnswer:
        """HALF, LIES, OMITS, INVENTS, REPEATS."""
        if self.conduct.does("write_stock", Misdeed.HALF):
            self.store.write_stock(replace(batch, writes=batch.writes[: (len(batch.writes) + 1) // 2]))
            raise OutcomeUnknown("Sent, and no answer came.", operation="write_stock")
        if self.conduct.does("write_stock", Misdeed.LIES):
            written = WriteResult(outcome=WriteOutcome.WRITTEN)
            results = {write.ref.stock_id: written for write in batch.writes}
            return WriteAnswer(results=results, platform_at=self.conduct.clock.now())
        answer = self.conduct.call("write_stock", lambda: self.store.write_stock(batch))
        results = dict(answer.results)
        if self.conduct.does("write_stock", Misdeed.REPEATS):
            self.store.write_stock(batch)
        if self.conduct.does("write_stock", Misdeed.OMITS):
            results = dict(list(results.items())[: len(results) // 2])
        if self.conduct.does("write_stock", Misdeed.INVENTS):
            results |= {f"{key}-x": result for key, result in results.items()}
        return replace(answer, results=results)

    def orders_since(self, since: datetime) -> Iterator[OrdersPage]:
        """All that concerns pages, INVENTS and BACKWARDS."""
        pages = self.conduct.pages("orders_since", lambda: self.store.orders_since(since))
        return (self._told("orders_since", page) for page in pages)

    def open_orders(self) -> Iterator[OrdersPage]:
        """All that concerns pages, INVENTS and BACKWARDS."""
        pages = self.conduct.pages("open_orders", self.store.open_orders)
        return (self._told("open_orders", page) for page in pages)

    def _told(self, operation: str, page: OrdersPage) -> OrdersPage:
        if self.conduct.does(operation, Misdeed.BACKWARDS):
            return replace(page, orders=tuple(_earlier(order) for order in reversed(page.orders)))
        if self.conduct.does(operation, Misdeed.INVENTS):
            return replace(page, orders=page.orders + tuple(_invented(order) for order in page.orders))
        return page

    def read_order(self, order_id: str) -> OrderSnapshot | None:
        """LIES (it is gone), INVENTS (it is another one), BACKWARDS."""
        order = self.conduct.call("read_order", lambda: self.store.read_order(order_id))
        if order is None or self.conduct.does("read_order", Misdeed.LIES):
            return None
        if self.conduct.does("read_order", Misdeed.BACKWARDS):
            return _earlier(order)
        return _invented(order) if self.conduct.does("read_order", Misdeed.INVENTS) else order

    def check_webhooks(self, url: str, *, repair: bool) -> WebhookReport:
        """LIES: all is right, and nothing was done."""
        repair = repair and not self.conduct.does("check_webhooks", Misdeed.LIES)
        return self.conduct.call("check_webhooks", lambda: self.store.check_webhooks(url, repair=repair))

    def remove_webhooks(self, url: str) -> None:
        """LIES: nothing is removed."""
        if not self.conduct.does("remove_webhooks", Misdeed.LIES):
            self.conduct.call("remove_webhooks", lambda: self.store.remove_webhooks(url))

    def facts(self, headers: Mapping[str, str], body: bytes) -> tuple[Fact, ...]:
        """REPEATS, OMITS."""
        facts = self.conduct.call("facts", lambda: self.store.facts(headers, body))
        if self.conduct.does("facts", Misdeed.OMITS):
            return ()
        return facts + facts if self.conduct.does("facts", Misdeed.REPEATS) else facts

    def close(self) -> None:
        """BREAKS."""
        self.conduct.call("close", self.store.close)


def _earlier(order: OrderSnapshot) -> OrderSnapshot:
    """The order as it was when it was placed: nothing refunded, an hour before its last change."""
    lines = tuple(line if line.taken is None else replace(line, taken=line.quantity) for line in order.lines)
    return replace(
        order, version=order.version - timedelta(hours=1), cancelled_at=None, is_final=False, lines=lines, refunds=()
    )


def _invented(order: OrderSnapshot) -> OrderSnapshot:
    """An order that nobody placed, of things that the store does not have."""
    lines = tuple(
        replace(line, line_id=f"{line.line_id}-x", external_id="no-such-thing", sku=None) for line in order.lines
    )
    return replace(order, order_id=f"{order.order_id}-x", lines=lines, refunds=())
