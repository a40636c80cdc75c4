"""What every connector of a store has to get right: catalogue, stock, compare-and-set, orders."""

# ruff: noqa: D102, ARG002, FBT001 - a test's name is its sentence; a fixture may be asked for only for what it does

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.sdk.contract import ItemMaker, Role, Store
from connectors.sdk.driver import StoreDriver
from connectors.sdk.errors import AccessDenied, ConnectorError, OutcomeUnknown, Refused, Unavailable
from connectors.sdk.values import (
    CatalogueItem,
    CreateOutcome,
    CreateResult,
    FigureState,
    NewItem,
    NewItems,
    OrderSnapshot,
    OrdersPage,
    StockRef,
    StockWrite,
    WriteBatch,
    WriteOutcome,
    WriteResult,
)

A_WHILE = timedelta(seconds=30)


def units_taken(order: OrderSnapshot) -> int:
    """What an order has taken from the store's stock and not put back, as the engine counts it."""
    total = 0
    for line in order.lines:
        if line.taken is not None:
            total += line.taken
            continue
        back = [one for refund in order.refunds for one in refund.lines if one.line_id == line.line_id]
        total += line.quantity - sum(one.quantity for one in back if one.restocked)
    return total


class StoreConformance:
    """Inherit it (see `connectors.sdk.suite`) and give a fixture `driver`."""

    @pytest.fixture
    def driver(self) -> StoreDriver:
        """The other side; to be overridden."""
        raise NotImplementedError("Give a fixture `driver` that makes a StoreDriver.")

    @pytest.fixture
    def store(self, driver: StoreDriver) -> Iterator[Store]:
        """The connector, closed after the test."""
        store = driver.plugin.store(driver.account)
        yield store
        store.close()

    @pytest.fixture
    def items(self, driver: StoreDriver, store: Store) -> dict[str, CatalogueItem]:
        """The driver's units by SKU, as the catalogue lists them."""
        listed = {item.sku: item for page in store.catalogue() for item in page.items}
        return {sku: listed[sku] for sku in driver.skus}

    # ------------------------------------------------------------------------------------------ the account

    def test_the_plugin_makes_stores_only(self, driver: StoreDriver) -> None:
        assert driver.plugin.role is Role.STORE
        assert driver.plugin.platform == driver.plugin.platform.lower().strip() != ""
        with pytest.raises(Refused):
            driver.plugin.backoffice(driver.account)

    def test_probing_tells_what_the_account_is(self, driver: StoreDriver, store: Store) -> None:
        info = store.probe()
        assert info.account_id == store.probe().account_id != ""
        assert info.name

    def test_the_traits_can_be_worked_with(self, store: Store) -> None:
        assert store.traits.write_rows >= 1
        assert store.traits.read_rows >= 1
        assert store.traits.order_overlap >= timedelta(0)

    # ------------------------------------------------------------------------------------------ catalogue

    def test_the_catalogue_lists_every_unit_once_and_ends_once(self, driver: StoreDriver, store: Store) -> None:
        pages = list(store.catalogue())
        assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True]
        ids = [item.external_id for page in pages for item in page.items]
        assert len(ids) == len(set(ids))
        assert set(driver.skus) <= {item.sku for page in pages for item in page.items}

    def test_the_catalogue_is_in_a_stable_order(self, store: Store) -> None:
        first, second = ([item.external_id for page in store.catalogue() for item in page.items] for _ in range(2))
        assert first == second

    def test_ids_and_skus_are_clean_strings(self, store: Store) -> None:
        for item in (item for page in store.catalogue() for item in page.items):
            for text in (item.external_id, item.ref.stock_id, item.ref.parent_id, item.sku):
                assert text is None or (type(text) is str and text.strip() == text != "")

    def test_prepared_units_can_be_published(self, items: dict[str, CatalogueItem]) -> None:
        assert all(item.tracked and not item.blocked for item in items.values())

    def test_single_items_are_read_as_the_catalogue_lists_them(
        self, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        wanted = list(items.values())[: store.traits.read_rows]
        found = {item.external_id: item for item in store.items([item.external_id for item in wanted])}
        assert {key: (one.ref, one.sku) for key, one in found.items()} == {
            item.external_id: (item.ref, item.sku) for item in wanted
        }

    def test_an_item_that_is_gone_is_missing_from_the_answer(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        gone, kept = items[driver.skus[0]], items[driver.skus[1]]
        driver.delete(driver.skus[0])
        found = [item.external_id for one in (gone, kept) for item in store.items([one.external_id])]
        assert found == [kept.external_id]

    # ------------------------------------------------------------------------------------------ reading stock

    def test_figures_are_what_the_store_shows(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        driver.set_stock(driver.skus[0], 7)
        for sku, item in items.items():
            figure = store.read_stock([item.ref]).figures[item.ref.stock_id]
            assert (figure.state, figure.quantity) == (FigureState.TRACKED, driver.stock(sku))

    def test_only_what_was_asked_for_is_answered(self, store: Store, items: dict[str, CatalogueItem]) -> None:
        asked = [item.ref for item in items.values()][: store.traits.read_rows]
        assert set(store.read_stock(asked).figures) == {ref.stock_id for ref in asked}

    def test_a_sale_shows_in_the_very_next_reading(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        sku = driver.skus[0]
        before = store.read_stock([items[sku].ref]).figures[items[sku].ref.stock_id].quantity
        driver.sell(sku, 2)
        after = store.read_stock([items[sku].ref]).figures[items[sku].ref.stock_id].quantity
        assert before is not None
        assert after == before - 2

    def test_a_figure_that_is_gone_is_no_zero(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        gone = items[driver.skus[0]].ref
        driver.delete(driver.skus[0])
        figure = store.read_stock([gone]).figures.get(gone.stock_id)
        assert figure is None or (figure.state, figure.quantity) == (FigureState.GONE, None)

    def test_a_reading_tells_when_it_was_made(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        before = driver.account.clock.now()
        reading = store.read_stock([items[driver.skus[0]].ref])
        assert before <= reading.began_at <= reading.answered_at <= driver.account.clock.now()
        assert reading.platform_at.utcoffset() == timedelta(0)

    # ------------------------------------------------------------------------------------------ writing stock

    def test_a_write_with_the_right_expectation_is_written(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        sku = driver.skus[0]
        shown = driver.stock(sku)
        result = self.write(driver, store, [self.change(driver, items[sku], shown - 3)])
        assert result[items[sku].ref.stock_id].outcome is WriteOutcome.WRITTEN
        assert driver.stock(sku) == shown - 3

    def test_a_write_with_a_stale_expectation_never_writes(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        sku = driver.skus[0]
        stale = self.change(driver, items[sku], driver.stock(sku) + 5)
        driver.sell(sku, 1)
        shown = driver.stock(sku)
        result = self.write(driver, store, [stale])[items[sku].ref.stock_id]
        assert result.outcome is WriteOutcome.MISMATCH
        assert result.found in {shown, None}
        assert driver.stock(sku) == shown

    def test_zero_can_be_written(self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]) -> None:
        sku = driver.skus[0]
        self.write(driver, store, [self.change(driver, items[sku], 0)])
        assert driver.stock(sku) == 0

    def test_a_stale_neighbour_spoils_no_right_answer(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        good, bad = driver.skus[0], driver.skus[1]
        before = {sku: driver.stock(sku) for sku in (good, bad)}
        stale = StockWrite(ref=items[bad].ref, expected=before[bad] + 1, quantity=before[bad] + 9)
        results = self.write(driver, store, [self.change(driver, items[good], before[good] - 1), stale])
        assert results[items[bad].ref.stock_id].outcome is WriteOutcome.MISMATCH
        assert driver.stock(bad) == before[bad]
        written = results[items[good].ref.stock_id].outcome is WriteOutcome.WRITTEN
        assert driver.stock(good) == before[good] - (1 if written else 0)

    def test_writing_to_what_is_gone_is_told_as_that(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        item = items[driver.skus[0]]
        write = self.change(driver, item, 3)
        driver.delete(driver.skus[0])
        result = self.write(driver, store, [write])[item.ref.stock_id]
        assert result.outcome in {WriteOutcome.GONE, WriteOutcome.REFUSED, WriteOutcome.UNTRACKED}

    def test_batches_cover_every_write_once_and_within_the_limit(
        self, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        some = next(iter(items.values())).ref
        refs = [
            StockRef(stock_id=str(9000 + n), parent_id=some.parent_id) for n in range(2 * store.traits.write_rows + 1)
        ]
        writes = [StockWrite(ref=ref, expected=1, quantity=2) for ref in refs]
        batches = store.batches(writes)
        assert sorted(write.ref.stock_id for batch in batches for write in batch) == sorted(r.stock_id for r in refs)
        assert all(0 < len(batch) <= store.traits.write_rows for batch in batches)
        assert store.batches([]) == []

    def test_nothing_is_written_after_its_time(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        sku = driver.skus[0]
        shown = driver.stock(sku)
        late = self.batch(driver, [self.change(driver, items[sku], shown - 1)], not_after=-A_WHILE)
        with pytest.raises(Unavailable):
            store.write_stock(late)
        assert driver.stock(sku) == shown

    def test_a_lost_answer_is_an_unknown_outcome(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        sku = driver.skus[0]
        batch = self.batch(driver, [self.change(driver, items[sku], driver.stock(sku) - 1)])
        driver.lose_next_answer()
        try:
            outcome = store.write_stock(batch).results[items[sku].ref.stock_id].outcome
        except OutcomeUnknown:
            outcome = WriteOutcome.UNKNOWN
        assert outcome is WriteOutcome.UNKNOWN

    # ------------------------------------------------------------------------------------------ making products

    @pytest.fixture
    def maker(self, store: Store) -> ItemMaker:
        """The store as one that makes products; only for those that do."""
        if store.traits.create_rows == 0:
            pytest.skip("This store makes no products.")
        assert isinstance(store, ItemMaker)
        return store

    def test_a_new_product_is_counted_and_begins_at_nothing(
        self, driver: StoreDriver, store: Store, maker: ItemMaker
    ) -> None:
        result = self.make(driver, maker, "NEW-1")["NEW-1"]
        assert result.outcome is CreateOutcome.CREATED
        assert result.item is not None
        assert (result.item.sku, result.item.tracked, result.item.blocked) == ("NEW-1", True, "")
        figure = store.read_stock([result.item.ref]).figures[result.item.ref.stock_id]
        assert (figure.state, figure.quantity) == (FigureState.TRACKED, 0)
        (listed,) = self.listed(store, "NEW-1")
        assert (listed.external_id, listed.ref) == (result.item.external_id, result.item.ref)
        assert (listed.title, listed.price) == ("Product NEW-1", Decimal("12.50"))

    def test_a_new_product_can_be_stocked(self, driver: StoreDriver, store: Store, maker: ItemMaker) -> None:
        item = self.make(driver, maker, "NEW-1")["NEW-1"].item
        assert item is not None
        written = self.write(driver, store, [StockWrite(ref=item.ref, expected=0, quantity=4)])
        assert written[item.ref.stock_id].outcome is WriteOutcome.WRITTEN
        assert driver.stock("NEW-1") == 4

    def test_a_product_that_is_there_is_not_made_again(
        self, driver: StoreDriver, store: Store, maker: ItemMaker
    ) -> None:
        sku, shown = driver.skus[0], driver.stock(driver.skus[0])
        result = self.make(driver, maker, sku)[sku]
        assert result.outcome in {CreateOutcome.EXISTS, CreateOutcome.CREATED}
        assert result.item is not None
        assert len(self.listed(store, sku)) == 1
        assert driver.stock(sku) == shown

    def test_a_creation_whose_answer_was_lost_can_be_made_again(
        self, driver: StoreDriver, store: Store, maker: ItemMaker
    ) -> None:
        driver.lose_next_answer()
        try:
            outcome = self.make(driver, maker, "NEW-1")["NEW-1"].outcome
        except OutcomeUnknown:
            outcome = CreateOutcome.UNKNOWN
        assert outcome is CreateOutcome.UNKNOWN
        again = self.make(driver, maker, "NEW-1")["NEW-1"]
        assert again.outcome in {CreateOutcome.EXISTS, CreateOutcome.CREATED}
        assert again.item is not None
        assert not again.item.blocked
        assert len(self.listed(store, "NEW-1")) == 1

    def test_nothing_is_made_after_its_time(self, driver: StoreDriver, store: Store, maker: ItemMaker) -> None:
        with pytest.raises(Unavailable):
            self.make(driver, maker, "NEW-1", not_after=-A_WHILE)
        assert self.listed(store, "NEW-1") == []

    def test_nothing_is_made_without_a_connection(self, driver: StoreDriver, store: Store, maker: ItemMaker) -> None:
        driver.go_down()
        with pytest.raises(Unavailable):
            self.make(driver, maker, "NEW-1")
        driver.come_up()
        assert self.listed(store, "NEW-1") == []

    # ------------------------------------------------------------------------------------------ orders

    def test_an_order_is_found_by_its_time_and_by_its_id(self, driver: StoreDriver, store: Store) -> None:
        since = driver.account.clock.now() - A_WHILE
        order_id = driver.sell(driver.skus[0], 2)
        driver.advance(1)
        listed = self.pulled(store.orders_since(since))
        assert order_id in listed
        assert store.read_order(order_id) == listed[order_id]
        assert order_id in self.pulled(store.open_orders())

    def test_an_order_tells_what_it_took_of_which_unit(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        sku = driver.skus[0]
        order = self.read(store, driver.sell(sku, 2))
        assert units_taken(order) == 2
        (line,) = order.lines
        assert (line.external_id, line.sku, line.quantity) == (items[sku].external_id, sku, 2)
        assert line.total >= line.tax >= 0

    def test_times_of_an_order_are_aware_and_its_version_is_whole_seconds(
        self, driver: StoreDriver, store: Store
    ) -> None:
        order = self.read(store, driver.sell(driver.skus[0], 1))
        for moment in (order.version, order.created_at, order.paid_at):
            assert moment is not None
            assert moment.utcoffset() == timedelta(0)
        assert order.version.microsecond == 0

    def test_paid_is_paid_and_unpaid_is_not(self, driver: StoreDriver, store: Store) -> None:
        paid = self.read(store, driver.sell(driver.skus[0], 1))
        unpaid = self.read(store, driver.sell(driver.skus[1], 1, is_paid=False))
        assert (paid.is_paid, unpaid.is_paid, unpaid.is_final) == (True, False, False)

    def test_orders_of_the_same_second_are_all_found(self, driver: StoreDriver, store: Store) -> None:
        since = driver.account.clock.now() - A_WHILE
        sold = {driver.sell(sku, 1) for sku in (*driver.skus, *driver.skus)}
        driver.advance(1)
        assert sold <= set(self.pulled(store.orders_since(since)))

    def test_an_order_that_changed_at_the_cursor_is_found(self, driver: StoreDriver, store: Store) -> None:
        order_id = driver.sell(driver.skus[0], 1)
        driver.advance(1)
        assert order_id in self.pulled(store.orders_since(self.read(store, order_id).version))

    def test_orders_come_with_the_oldest_change_first(self, driver: StoreDriver, store: Store) -> None:
        since = driver.account.clock.now() - A_WHILE
        first = driver.sell(driver.skus[0], 2)
        driver.advance(5)
        driver.sell(driver.skus[1], 1)
        driver.advance(5)
        driver.refund(first, 1, restock=True)
        driver.advance(1)
        versions = [order.version for page in store.orders_since(since) for order in page.orders]
        assert versions == sorted(versions)

    def test_an_old_order_is_not_pulled_again(self, driver: StoreDriver, store: Store) -> None:
        order_id = driver.sell(driver.skus[0], 1)
        driver.advance(3600)
        assert order_id not in self.pulled(store.orders_since(driver.account.clock.now() - A_WHILE))
        assert order_id in self.pulled(store.open_orders())

    @pytest.mark.parametrize(("restock", "taken"), [(True, 2), (False, 3)])
    def test_a_refund_gives_back_only_what_was_restocked(
        self, driver: StoreDriver, store: Store, restock: bool, taken: int
    ) -> None:
        order_id = driver.sell(driver.skus[0], 3)
        driver.advance(2)
        driver.refund(order_id, 1, restock=restock)
        order = self.read(store, order_id)
        assert units_taken(order) == taken
        assert len(order.refunds) == 1

    def test_a_cancelled_order_holds_nothing(self, driver: StoreDriver, store: Store) -> None:
        shown = driver.stock(driver.skus[0])
        order_id = driver.sell(driver.skus[0], 2, is_paid=False)
        driver.advance(2)
        driver.cancel(order_id)
        order = self.read(store, order_id)
        assert (units_taken(order), order.is_final) == (0, True)
        assert order.cancelled_at is not None
        assert driver.stock(driver.skus[0]) == shown

    def test_an_order_that_does_not_exist_is_none(self, driver: StoreDriver, store: Store) -> None:
        order_id = driver.sell(driver.skus[0], 1)
        unknown = "9" * len(order_id) if order_id.isdecimal() else order_id[::-1] + "x"
        assert store.read_order(unknown) is None

    # ------------------------------------------------------------------------------------------ when it goes wrong

    def test_refused_credentials_are_told_as_that(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        driver.take_access_away()
        item = items[driver.skus[0]]
        batch = self.batch(driver, [StockWrite(ref=item.ref, expected=1, quantity=2)])
        for call in (
            store.probe,
            lambda: list(store.catalogue()),
            lambda: store.read_stock([item.ref]),
            lambda: self.pulled(store.orders_since(driver.account.clock.now())),
            lambda: store.read_order("1"),
            lambda: store.write_stock(batch),
        ):
            with pytest.raises(AccessDenied):
                call()

    def test_nothing_that_fails_without_a_connection_is_in_doubt(
        self, driver: StoreDriver, store: Store, items: dict[str, CatalogueItem]
    ) -> None:
        sku = driver.skus[0]
        shown = driver.stock(sku)
        batch = self.batch(driver, [self.change(driver, items[sku], shown - 1)])
        driver.go_down()
        for call in (
            store.probe,
            lambda: list(store.catalogue()),
            lambda: store.read_stock([items[sku].ref]),
            lambda: list(store.open_orders()),
            lambda: store.write_stock(batch),
        ):
            with pytest.raises(Unavailable) as caught:
                call()
            assert caught.value.connection == driver.account.connection
            assert caught.value.operation
        driver.come_up()
        assert driver.stock(sku) == shown

    def test_no_error_shows_a_secret(self, driver: StoreDriver, store: Store) -> None:
        secrets = [secret for secret in driver.account.vault.load().values() if len(secret) > 5]
        driver.take_access_away()
        with pytest.raises(ConnectorError) as caught:
            store.probe()
        assert not any(secret in str(caught.value) for secret in secrets)

    # ------------------------------------------------------------------------------------------ words of these tests

    def change(self, driver: StoreDriver, item: CatalogueItem, quantity: int) -> StockWrite:
        """A write that expects what the store shows now."""
        assert item.sku is not None
        return StockWrite(ref=item.ref, expected=driver.stock(item.sku), quantity=quantity)

    def batch(self, driver: StoreDriver, writes: Sequence[StockWrite], not_after: timedelta = A_WHILE) -> WriteBatch:
        """A batch that must be sent within `not_after` from now."""
        until = driver.account.clock.now() + not_after
        key = "6f1f7f2e-6a53-4f0c-9d57-2b8a4f0e5c11"
        return WriteBatch(reference="PushBatch/1", key=key, writes=tuple(writes), not_after=until)

    def write(self, driver: StoreDriver, store: Store, writes: Sequence[StockWrite]) -> dict[str, WriteResult]:
        """Send writes as the connector batches them; every row has to be answered once."""
        results: dict[str, WriteResult] = {}
        for part in store.batches(writes):
            answer = store.write_stock(self.batch(driver, part))
            assert set(answer.results) == {write.ref.stock_id for write in part}
            results.update(answer.results)
        return results

    def make(
        self, driver: StoreDriver, maker: ItemMaker, sku: str, *, not_after: timedelta = A_WHILE
    ) -> Mapping[str, CreateResult]:
        """Have one product made, as a draft."""
        new = NewItem(sku=sku, title=f"Product {sku}", price=Decimal("12.50"))
        until = driver.account.clock.now() + not_after
        key = "0b0cbb3e-57a0-4b94-a5f1-9d1d2f0d7c55"
        results = maker.create_items(NewItems(items=(new,), is_draft=True, key=key, not_after=until))
        assert set(results) == {sku}
        return results

    def listed(self, store: Store, sku: str) -> list[CatalogueItem]:
        """Every unit of the catalogue with this SKU."""
        return [item for page in store.catalogue() for item in page.items if item.sku == sku]

    def pulled(self, pages: Iterator[OrdersPage]) -> dict[str, OrderSnapshot]:
        """The orders of all pages; only the last one may say that it is."""
        read = list(pages)
        assert [page.is_last for page in read] == [False] * (len(read) - 1) + [True]
        assert all(page.platform_at.tzinfo == UTC and isinstance(page.platform_at, datetime) for page in read)
        assert not any(page.unreadable for page in read)
        return {order.order_id: order for page in read for order in page.orders}

    def read(self, store: Store, order_id: str) -> OrderSnapshot:
        """An order that exists."""
        order = store.read_order(order_id)
        assert order is not None
        return order
