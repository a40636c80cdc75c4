"""The connector to a fake shop: a full second implementation of the contract's `Store`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.sdk.contract import Account, StoreTraits
from connectors.sdk.errors import Unavailable
from connectors.sdk.fake.faults import CatalogueFault
from connectors.sdk.fake.messages import read_fact
from connectors.sdk.fake.post import TOPICS
from connectors.sdk.fake.shop import FakeShop
from connectors.sdk.values import (
    AccountInfo,
    CatalogueItem,
    CataloguePage,
    CreateOutcome,
    CreateResult,
    Fact,
    FigureState,
    Location,
    NewItem,
    NewItems,
    OrderSnapshot,
    OrdersPage,
    StockFigure,
    StockReading,
    StockRef,
    StockWrite,
    WebhookReport,
    WebhookState,
    WriteAnswer,
    WriteBatch,
    WriteOutcome,
    WriteResult,
)


@dataclass(slots=True, kw_only=True)
class FakeStore:
    """Speaks to one fake shop, by pages of `page_size`."""

    account: Account
    shop: FakeShop
    page_size: int = 50
    write_rows: int = 100
    read_rows: int = 100
    create_rows: int = 10
    order_overlap: timedelta = timedelta(minutes=2)
    _stale: tuple[CatalogueItem, ...] | None = field(default=None)

    @property
    def traits(self) -> StoreTraits:
        """As the shop was made."""
        return StoreTraits(
            compares=self.shop.compares,
            order_overlap=self.order_overlap,
            write_rows=self.write_rows,
            read_rows=self.read_rows,
            create_rows=self.create_rows,
        )

    def probe(self) -> AccountInfo:
        """One harmless request."""
        self._reach("probe")
        shop = self.shop
        main = Location(location_id="main", name="Main")
        return AccountInfo(account_id=shop.account_id, name=shop.name, currency=shop.currency, locations=(main,))

    # ------------------------------------------------------------------------------------------ goods and stock

    def catalogue(self) -> Iterator[CataloguePage]:
        """By external id. What the switch `faults.catalogue` spoils still looks whole."""
        listed = self._listed()
        pages = [listed[at : at + self.page_size] for at in range(0, len(listed), self.page_size)] or [()]
        for number, page in enumerate(pages, start=1):
            self._reach("catalogue")
            is_last = number == len(pages)
            if is_last and self.shop.faults.catalogue is CatalogueFault.BROKEN_OFF:
                raise Unavailable("No answer came.", connection=self.account.connection, operation="catalogue")
            yield CataloguePage(items=tuple(page), is_last=is_last)

    def _listed(self) -> tuple[CatalogueItem, ...]:
        with self.shop.lock:
            items = tuple(self._shown(item) for item in self.shop.items.values())
        match self.shop.faults.catalogue:
            case CatalogueFault.EMPTY:
                return ()
            case CatalogueFault.HALF:
                return items[: len(items) // 2]
            case CatalogueFault.STALE if self._stale is not None:
                return self._stale
            case _:
                self._stale = items
                return items

    def _shown(self, item: CatalogueItem) -> CatalogueItem:
        figure = self.shop.figures.get(item.ref.stock_id)
        return CatalogueItem(
            external_id=item.external_id,
            ref=item.ref,
            sku=item.sku,
            title=item.title,
            tracked=item.tracked,
            quantity=figure if item.tracked else None,
            price=item.price,
            image_url=item.image_url,
        )

    def items(self, external_ids: Sequence[str]) -> tuple[CatalogueItem, ...]:
        """One request."""
        self._reach("items")
        with self.shop.lock:
            return tuple(self._shown(self.shop.items[one]) for one in external_ids if one in self.shop.items)

    def read_stock(self, refs: Sequence[StockRef]) -> StockReading:
        """One request."""
        began_at = self.account.clock.now()
        self._reach("read_stock")
        with self.shop.lock:
            figures = {ref.stock_id: self._figure(ref.stock_id) for ref in refs}
        self.shop.wire.on_call("read_stock.after")
        return StockReading(
            figures=figures,
            began_at=began_at,
            answered_at=self.account.clock.now(),
            platform_at=self.shop.date(),
        )

    def _figure(self, stock_id: str) -> StockFigure:
        if stock_id in self.shop.figures:
            return StockFigure(state=FigureState.TRACKED, quantity=self.shop.figures[stock_id])
        is_known = any(item.ref.stock_id == stock_id for item in self.shop.items.values())
        return StockFigure(state=FigureState.UNTRACKED if is_known else FigureState.GONE)

    def batches(self, writes: Sequence[StockWrite]) -> list[tuple[StockWrite, ...]]:
        """In the order given, `write_rows` to a call."""
        return [tuple(writes[at : at + self.write_rows]) for at in range(0, len(writes), self.write_rows)]

    def write_stock(self, batch: WriteBatch) -> WriteAnswer:
        """Where the shop compares, one mismatch leaves the whole batch unwritten."""
        self._reach("write_stock", not_after=batch.not_after)
        results: dict[str, WriteResult] = {}
        if self.shop.compares:
            self._write(lambda: results.update(self._compare_and_set(batch.writes)))
        else:
            results.update({write.ref.stock_id: self._compared(write) for write in batch.writes})
            agreed = [write for write in batch.writes if results[write.ref.stock_id].outcome is WriteOutcome.WRITTEN]
            self.shop.wire.on_call("write_stock.between")
            if agreed:
                self._write(lambda: self._set(agreed))
        return WriteAnswer(results=results, platform_at=self.shop.date())

    def _write(self, effect: Callable[[], None]) -> None:
        self.shop.wire.write(self.account.connection, "write_stock", effect, self.shop.late)

    def _compare_and_set(self, writes: Sequence[StockWrite]) -> dict[str, WriteResult]:
        with self.shop.lock:
            results = {write.ref.stock_id: self._compared(write) for write in writes}
            if all(result.outcome is WriteOutcome.WRITTEN for result in results.values()):
                self._set(writes)
                return results
        unsent = WriteResult(outcome=WriteOutcome.NOT_SENT)
        return {key: unsent if one.outcome is WriteOutcome.WRITTEN else one for key, one in results.items()}

    def _compared(self, write: StockWrite) -> WriteResult:
        """What would become of one write now."""
        if words := self.shop.unwritable.get(write.ref.stock_id):
            return WriteResult(outcome=WriteOutcome.REFUSED, words=words)
        figure = self._figure(write.ref.stock_id)
        if figure.state is FigureState.UNTRACKED:
            return WriteResult(outcome=WriteOutcome.UNTRACKED)
        if figure.quantity is None:
            return WriteResult(outcome=WriteOutcome.GONE)
        if figure.quantity != write.expected:
            return WriteResult(outcome=WriteOutcome.MISMATCH, found=figure.quantity)
        return WriteResult(outcome=WriteOutcome.WRITTEN)

    def _set(self, writes: Iterable[StockWrite]) -> None:
        with self.shop.lock:
            for write in writes:
                before = self.shop.figures.get(write.ref.stock_id)
                if before is not None:
                    self.shop.set_figure(write.ref.stock_id, write.quantity)
                    self.shop.on_written(write.ref.stock_id, before, write.quantity)

    # ------------------------------------------------------------------------------------------ making products

    def create_items(self, wanted: NewItems) -> Mapping[str, CreateResult]:
        """One request: what has a SKU already is left as it is; a SKU among `shop.unwanted` is refused by itself."""
        self._reach("create_items", not_after=wanted.not_after)
        results: dict[str, CreateResult] = {}
        self.shop.wire.write(
            self.account.connection,
            "create_items",
            lambda: results.update({new.sku: self._create(new, is_draft=wanted.is_draft) for new in wanted.items}),
            self.shop.late,
        )
        return results

    def _create(self, new: NewItem, *, is_draft: bool) -> CreateResult:
        with self.shop.lock:
            there = [item for item in self.shop.items.values() if item.sku == new.sku]
            if there:
                return CreateResult(outcome=CreateOutcome.EXISTS, item=self._shown(there[0]))
            if new.sku in self.shop.unwanted:
                return CreateResult(outcome=CreateOutcome.REFUSED, words=self.shop.unwanted[new.sku])
            made = self.shop.create(new, is_draft=is_draft)
            return CreateResult(outcome=CreateOutcome.CREATED, item=self._shown(made))

    # ------------------------------------------------------------------------------------------ orders

    def orders_since(self, since: datetime) -> Iterator[OrdersPage]:
        """By version and id, each page asked for after the last one; late by `faults.order_lag`."""
        whole = since.replace(microsecond=0)
        return self._order_pages("orders_since", lambda order: order.version >= whole)

    def open_orders(self) -> Iterator[OrdersPage]:
        """By version and id; late by `faults.order_lag`."""
        return self._order_pages("open_orders", lambda order: order.cancelled_at is None, closed=False)

    def _order_pages(
        self, operation: str, wanted: Callable[[OrderSnapshot], bool], *, closed: bool = True
    ) -> Iterator[OrdersPage]:
        after: tuple[datetime, str] | None = None
        while True:
            self._reach(operation)
            with self.shop.lock:
                known = [order for order in self._indexed(closed=closed) if wanted(order)]
            rest = [order for order in known if after is None or (order.version, order.order_id) > after]
            page = rest[: self.page_size]
            is_last = len(page) == len(rest)
            self.shop.wire.on_call(f"{operation}.after")
            yield OrdersPage(orders=tuple(page), platform_at=self.shop.date(), is_last=is_last)
            if is_last:
                return
            after = (page[-1].version, page[-1].order_id)

    def _indexed(self, *, closed: bool) -> list[OrderSnapshot]:
        """Every order as the lists know it, the oldest change first."""
        until = self.shop.now() - self.shop.faults.order_lag
        known: list[OrderSnapshot] = []
        for order in self.shop.orders.values():
            versions = [snapshot for changed_at, snapshot in order.history if changed_at <= until]
            if versions and (closed or not order.is_closed):
                known.append(versions[-1])
        return sorted(known, key=lambda order: (order.version, order.order_id))

    def read_order(self, order_id: str) -> OrderSnapshot | None:
        """As it is, however the lists lag."""
        self._reach("read_order")
        with self.shop.lock:
            order = self.shop.orders.get(order_id)
            found = order.now if order else None
        self.shop.wire.on_call("read_order.after")
        return found

    # ------------------------------------------------------------------------------------------ webhooks

    def check_webhooks(self, url: str, *, repair: bool) -> WebhookReport:
        """One subscription to each of `TOPICS`."""
        self._reach("check_webhooks")
        with self.shop.lock:
            states = {topic: self._checked(topic, url, repair=repair) for topic in TOPICS}
        return WebhookReport(states=states)

    def _checked(self, topic: str, url: str, *, repair: bool) -> WebhookState:
        before = self.shop.post.subscriptions.get(topic)
        if before == url:
            return WebhookState.RIGHT
        if not repair:
            return WebhookState.MISSING
        self.shop.post.subscriptions[topic] = url
        return WebhookState.MADE if before is None else WebhookState.REPAIRED

    def remove_webhooks(self, url: str) -> None:
        """Only those that deliver to `url`."""
        self._reach("remove_webhooks")
        with self.shop.lock:
            for topic in [topic for topic, target in self.shop.post.subscriptions.items() if target == url]:
                del self.shop.post.subscriptions[topic]

    def facts(self, headers: Mapping[str, str], body: bytes) -> tuple[Fact, ...]:
        """One fact per delivery."""
        return (read_fact(headers.get("x-fake-topic", ""), body),)

    def close(self) -> None:
        """There are no sockets."""

    def _reach(self, operation: str, *, not_after: datetime | None = None) -> None:
        self.shop.wire.reach(self.account.connection, operation, not_after=not_after)
