"""What every connector of a back office has to get right: readings, sales exactly as sent, returns that only go up."""

# ruff: noqa: D102 - a test's name is its sentence

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.sdk.contract import BackOffice, Role
from connectors.sdk.driver import BackOfficeDriver
from connectors.sdk.errors import AccessDenied, ConnectorError, OutcomeUnknown, Refused, Unavailable
from connectors.sdk.values import (
    CatalogueItem,
    RecordedSale,
    ReturnLine,
    ReturnTarget,
    Sale,
    SaleLine,
    StockRef,
    StockRow,
)

A_WHILE = timedelta(seconds=30)


class BackOfficeConformance:
    """Inherit it (see `connectors.sdk.suite`) and give a fixture `driver`."""

    @pytest.fixture
    def driver(self) -> BackOfficeDriver:
        """The other side; to be overridden."""
        raise NotImplementedError("Give a fixture `driver` that makes a BackOfficeDriver.")

    @pytest.fixture
    def office(self, driver: BackOfficeDriver) -> Iterator[BackOffice]:
        """The connector, closed after the test."""
        office = driver.plugin.backoffice(driver.account)
        yield office
        office.close()

    @pytest.fixture
    def items(self, driver: BackOfficeDriver, office: BackOffice) -> dict[str, CatalogueItem]:
        """The driver's items by SKU, as the catalogue lists them."""
        listed = {item.sku: item for page in office.catalogue() for item in page.items}
        return {sku: listed[sku] for sku in driver.skus}

    # ------------------------------------------------------------------------------------------ the account

    def test_the_plugin_makes_back_offices_only(self, driver: BackOfficeDriver) -> None:
        assert driver.plugin.role is Role.BACKOFFICE
        with pytest.raises(Refused):
            driver.plugin.store(driver.account)

    def test_probing_tells_the_account_and_its_locations(self, driver: BackOfficeDriver, office: BackOffice) -> None:
        info = office.probe()
        assert info.account_id == office.probe().account_id != ""
        assert driver.location_id in {location.location_id for location in info.locations}

    # ------------------------------------------------------------------------------------------ readings

    def test_the_catalogue_lists_every_item_once_and_ends_once(
        self, driver: BackOfficeDriver, office: BackOffice
    ) -> None:
        pages = list(office.catalogue())
        assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True]
        ids = [item.external_id for page in pages for item in page.items]
        assert len(ids) == len(set(ids))
        assert set(driver.skus) <= {item.sku for page in pages for item in page.items}
        assert {page.expected for page in pages} <= {None, len(ids)}
        assert {row.external_id for page in pages for row in page.rows} <= set(ids)

    def test_the_catalogue_is_in_a_stable_order(self, office: BackOffice) -> None:
        first, second = ([item.external_id for page in office.catalogue() for item in page.items] for _ in range(2))
        assert first == second

    def test_every_page_tells_when_its_own_request_ran(self, driver: BackOfficeDriver, office: BackOffice) -> None:
        last = driver.account.clock.now()
        for page in office.catalogue():
            assert last <= page.began_at <= page.answered_at <= driver.account.clock.now()
            last = page.answered_at

    def test_every_item_has_its_figure_at_the_location(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        rows = [row for page in office.catalogue() for row in page.rows]
        for sku, item in items.items():
            assert self.at_location(driver, rows, item) == driver.stock(sku)

    def test_a_targeted_reading_holds_what_was_asked_for(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        wanted = [items[sku] for sku in driver.skus[:2]][: office.traits.read_rows]
        driver.till_sale(driver.skus[0], 1)
        page = office.read_stock([item.ref for item in wanted])
        assert {row.external_id for row in page.rows} == {item.external_id for item in wanted}
        for item in wanted:
            assert self.at_location(driver, page.rows, item) == driver.stock(item.sku or "")

    def test_an_item_that_is_gone_has_no_figure(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        gone = items[driver.skus[0]]
        driver.delete(driver.skus[0])
        rows = office.read_stock([gone.ref]).rows
        assert all(row.quantity is None for row in rows if row.external_id == gone.external_id)

    def test_an_item_that_cannot_be_read_hides_no_other_and_has_no_figure(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        spoiled, others = items[driver.skus[0]], [items[sku] for sku in driver.skus[1:]]
        listed = sum(len(page.items) for page in office.catalogue())
        driver.spoil(driver.skus[0])
        pages = list(office.catalogue())
        asked = [item.ref for item in (spoiled, *others)][: office.traits.read_rows]
        for told, count in ((pages, listed), ([office.read_stock(asked)], len(asked))):
            rows = [row for page in told for row in page.rows]
            unreadable = [one for page in told for one in page.unreadable]
            assert all(self.at_location(driver, rows, one) == driver.stock(one.sku or "") for one in others)
            assert spoiled.external_id not in {row.external_id for row in rows}
            assert [one.external_id for one in unreadable] == [spoiled.external_id]
            assert all(one.reason for one in unreadable)
            assert sum(len(page.items) for page in told) == count - 1
        assert {page.expected for page in pages} <= {None, listed}

    def test_a_negative_figure_stays_negative(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        item = items[driver.skus[0]]
        driver.set_stock(driver.skus[0], -2)
        assert self.at_location(driver, office.read_stock([item.ref]).rows, item) == -2

    def test_till_sales_are_hinted_at(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        if not office.traits.gives_hints:
            pytest.skip("This back office gives no hints.")
        since = driver.account.clock.now() - A_WHILE
        driver.till_sale(driver.skus[0], 1)
        driver.advance(1)
        hints = office.till_hints(since)
        assert items[driver.skus[0]].ref.stock_id in {ref.stock_id for ref in hints.refs}
        assert since <= hints.until <= driver.account.clock.now()

    # ------------------------------------------------------------------------------------------ sales

    def test_a_sale_is_recorded_as_it_was_sent(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        before = [driver.stock(sku) for sku in driver.skus[:2]]
        recorded = self.record(driver, office, self.sale(driver, items, (2, 1)))
        assert recorded.sale_id
        assert recorded.invoice_no == "SY-conf-1"
        assert [driver.stock(sku) for sku in driver.skus[:2]] == [before[0] - 2, before[1] - 1]

    def test_a_recorded_sale_names_its_lines(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        if not office.traits.takes_returns:
            pytest.skip("Lines are for returns, which this back office does not take.")
        recorded = self.record(driver, office, self.sale(driver, items, (2, 1)))
        expected = {items[sku].external_id: quantity for sku, quantity in zip(driver.skus, (2, 1), strict=False)}
        assert {line.external_id: line.quantity for line in recorded.lines} == expected
        assert len({line.external_line_id for line in recorded.lines}) == 2
        assert office.read_sale(recorded.sale_id) == recorded

    def test_a_sale_is_found_by_its_invoice_number(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        self.need_finding(office)
        sale = self.sale(driver, items, (1,))
        assert office.find_sale(sale) == ()
        recorded = self.record(driver, office, sale)
        self.record(driver, office, self.sale(driver, items, (1,), invoice_no="SY-conf-10"))
        assert [found.sale_id for found in office.find_sale(sale)] == [recorded.sale_id]

    def test_a_sale_whose_answer_is_lost_is_found_once(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        sale, shown = self.sale(driver, items, (2,)), driver.stock(driver.skus[0])
        driver.lose_next_answer()
        with pytest.raises(OutcomeUnknown):
            self.record(driver, office, sale)
        assert driver.stock(driver.skus[0]) == shown - 2
        if office.traits.finds_sales:
            assert len(office.find_sale(sale)) == 1

    def test_nothing_is_recorded_after_its_time(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        shown = driver.stock(driver.skus[0])
        with pytest.raises(Unavailable):
            office.record_sale(self.sale(driver, items, (1,)), not_after=driver.account.clock.now() - A_WHILE)
        assert driver.stock(driver.skus[0]) == shown

    def test_a_sale_of_an_unknown_item_is_refused_and_moves_nothing(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        sale = self.sale(driver, items, (1, 1))
        shown = driver.stock(driver.skus[0])
        driver.delete(driver.skus[1])
        with pytest.raises(Refused):
            self.record(driver, office, sale)
        assert driver.stock(driver.skus[0]) == shown

    def test_sales_of_a_channel_and_a_time_are_listed(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        self.need_finding(office)
        mine = self.record(driver, office, self.sale(driver, items, (1,)))
        self.record(driver, office, self.sale(driver, items, (1,), invoice_no="SY-conf-2", channel="other"))
        now = driver.account.clock.now()
        listed = list(office.sales_between("conf", now - timedelta(days=1), now + timedelta(days=1)))
        assert [sale.sale_id for sale in listed] == [mine.sale_id]
        assert list(office.sales_between("conf", now - timedelta(days=9), now - timedelta(days=8))) == []

    def test_a_sale_that_does_not_exist_is_none(self, office: BackOffice) -> None:
        if not office.traits.finds_sales:
            pytest.skip("This back office cannot look sales up.")
        assert office.read_sale("999999999") is None

    # ------------------------------------------------------------------------------------------ goods that come back

    def test_returns_are_absolute(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        recorded = self.returnable(driver, office, items)
        shown = driver.stock(driver.skus[0])
        assert self.give_back(driver, office, recorded, items, 1) == (0, 1)
        assert self.give_back(driver, office, recorded, items, 1) == (1, 1)
        assert self.give_back(driver, office, recorded, items, 3) == (1, 3)
        assert driver.stock(driver.skus[0]) == shown + 3
        again = office.read_sale(recorded.sale_id)
        assert again is not None
        assert [line.returned for line in again.lines] == [3]

    def test_what_was_returned_by_hand_is_never_lowered(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        recorded = self.returnable(driver, office, items)
        driver.hand_return(recorded.sale_id, driver.skus[0], 2)
        shown = driver.stock(driver.skus[0])
        assert self.give_back(driver, office, recorded, items, 1) == (2, 2)
        assert driver.stock(driver.skus[0]) == shown

    def test_a_return_whose_answer_is_lost_is_an_unknown_outcome(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        recorded = self.returnable(driver, office, items)
        driver.lose_next_answer()
        with pytest.raises(OutcomeUnknown):
            self.give_back(driver, office, recorded, items, 1)
        assert self.give_back(driver, office, recorded, items, 1) == (1, 1)

    def test_no_return_is_recorded_after_its_time(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        recorded = self.returnable(driver, office, items)
        shown = driver.stock(driver.skus[0])
        with pytest.raises(Unavailable):
            self.give_back(driver, office, recorded, items, 1, not_after=-A_WHILE)
        assert driver.stock(driver.skus[0]) == shown

    # ------------------------------------------------------------------------------------------ when it goes wrong

    def test_refused_credentials_are_told_as_that(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        driver.take_access_away()
        for call in (
            office.probe,
            lambda: list(office.catalogue()),
            lambda: office.read_stock([items[driver.skus[0]].ref]),
            lambda: self.record(driver, office, self.sale(driver, items, (1,))),
        ):
            with pytest.raises(AccessDenied):
                call()

    def test_nothing_that_fails_without_a_connection_is_in_doubt(
        self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]
    ) -> None:
        shown = driver.stock(driver.skus[0])
        driver.go_down()
        for call in (
            office.probe,
            lambda: list(office.catalogue()),
            lambda: office.read_stock([StockRef(stock_id="1", parent_id="1")]),
            lambda: self.record(driver, office, self.sale(driver, items, (1,))),
        ):
            with pytest.raises(Unavailable) as caught:
                call()
            assert caught.value.connection == driver.account.connection
            assert caught.value.operation
        driver.come_up()
        assert driver.stock(driver.skus[0]) == shown

    def test_no_error_shows_a_secret(self, driver: BackOfficeDriver, office: BackOffice) -> None:
        secrets = [secret for secret in driver.account.vault.load().values() if len(secret) > 5]
        driver.take_access_away()
        with pytest.raises(ConnectorError) as caught:
            office.probe()
        assert not any(secret in str(caught.value) for secret in secrets)

    # ------------------------------------------------------------------------------------------ words of these tests

    def at_location(
        self, driver: BackOfficeDriver, rows: tuple[StockRow, ...] | list[StockRow], item: CatalogueItem
    ) -> int | None:
        """The figure of an item at the account's location; there may be only one."""
        (row,) = [row for row in rows if (row.external_id, row.location_id) == (item.external_id, driver.location_id)]
        return row.quantity

    def sale(
        self,
        driver: BackOfficeDriver,
        items: dict[str, CatalogueItem],
        quantities: tuple[int, ...],
        *,
        invoice_no: str = "SY-conf-1",
        channel: str = "conf",
    ) -> Sale:
        """So many of the first SKUs, sold now."""
        lines = tuple(
            SaleLine(
                line_id=str(number),
                external_id=items[sku].external_id,
                parent_id=items[sku].ref.parent_id,
                sku=sku,
                quantity=quantity,
                unit_price=Decimal("12.5000"),
            )
            for number, (sku, quantity) in enumerate(zip(driver.skus, quantities, strict=False), 1)
        )
        return Sale(
            invoice_no=invoice_no,
            channel=channel,
            channel_name="Conformance",
            location_id=driver.location_id,
            sold_at=driver.account.clock.now().replace(microsecond=0),
            lines=lines,
        )

    def record(self, driver: BackOfficeDriver, office: BackOffice, sale: Sale) -> RecordedSale:
        """Record a sale that has still time."""
        return office.record_sale(sale, not_after=driver.account.clock.now() + A_WHILE)

    def need_finding(self, office: BackOffice) -> None:
        """Skip where sales cannot be looked up."""
        if not office.traits.finds_sales:
            pytest.skip("This back office cannot look sales up.")

    def returnable(self, driver: BackOfficeDriver, office: BackOffice, items: dict[str, CatalogueItem]) -> RecordedSale:
        """A recorded sale of five units; skips where returns cannot be recorded."""
        if not office.traits.takes_returns:
            pytest.skip("This back office takes no returns.")
        return self.record(driver, office, self.sale(driver, items, (5,)))

    def give_back(
        self,
        driver: BackOfficeDriver,
        office: BackOffice,
        recorded: RecordedSale,
        items: dict[str, CatalogueItem],
        target: int,
        not_after: timedelta = A_WHILE,
    ) -> tuple[int, int]:
        """Bring the only line's returned quantity up to `target`; gives what it was and what it is."""
        item = items[driver.skus[0]]
        line = ReturnLine(
            external_line_id=recorded.lines[0].external_line_id,
            external_id=item.external_id,
            parent_id=item.ref.parent_id,
            target=target,
            unit_price=Decimal("12.5000"),
        )
        (done,) = office.record_return(
            ReturnTarget(sale_id=recorded.sale_id, lines=(line,)),
            not_after=driver.account.clock.now() + not_after,
        )
        return done.before, done.after
