import itertools
from datetime import timedelta

import pytest

from connectors.sdk.errors import MalformedPayload, OutcomeUnknown
from connectors.sdk.hostile import HostileBackOffice, HostileStore, Misdeed
from connectors.sdk.suite import BackOfficeConformance, StoreConformance
from connectors.sdk.values import StockWrite, WriteOutcome
from tests.connectors.sdk.fake_drivers import FakeBackOfficeDriver, FakeStoreDriver

SOON = timedelta(seconds=30)


@pytest.fixture
def driver():
    return FakeStoreDriver()


@pytest.fixture
def store(driver):
    return HostileStore.around(driver.plugin.store(driver.account), driver.clock)


@pytest.fixture
def batch(driver):
    writes = [StockWrite(ref=driver.shop.item(sku).ref, expected=20, quantity=11) for sku in ("MUG", "TIN")]
    return StoreConformance().batch(driver, writes)


def test_half_a_write_happens_and_its_answer_is_lost(driver, store, batch):
    store.misdeeds["write_stock"] = Misdeed.HALF
    with pytest.raises(OutcomeUnknown):
        store.write_stock(batch)
    assert (driver.stock("MUG"), driver.stock("TIN")) == (11, 20)


def test_a_lie_calls_written_what_was_not(driver, store, batch):
    store.misdeeds["write_stock"] = Misdeed.LIES
    assert {result.outcome for result in store.write_stock(batch).results.values()} == {WriteOutcome.WRITTEN}
    assert (driver.stock("MUG"), driver.stock("TIN")) == (20, 20)


@pytest.mark.parametrize(("misdeed", "figures"), [(Misdeed.LIES, [23, 23]), (Misdeed.OMITS, [20])])
def test_a_reading_is_wrong_as_it_was_told_to_be(driver, store, misdeed, figures):
    store.misdeeds["read_stock"] = misdeed
    reading = store.read_stock([driver.shop.item(sku).ref for sku in ("MUG", "TIN")])
    assert [figure.quantity for figure in reading.figures.values()] == figures


def test_slowness_takes_time_on_the_clock(driver, store):
    before = driver.clock.now()
    store.misdeeds["probe"] = Misdeed.SLOW
    store.probe()
    assert driver.clock.now() - before == timedelta(minutes=10)


def test_errors_that_nobody_declared_and_garbage_come_out(store):
    store.misdeeds.update(probe=Misdeed.BREAKS, catalogue=Misdeed.GARBLED)
    with pytest.raises(ZeroDivisionError):
        store.probe()
    with pytest.raises(MalformedPayload):
        list(store.catalogue())


def test_pages_come_twice_or_for_ever(driver, store):
    driver.shop.sell({"MUG": 1})
    store.misdeeds["open_orders"] = Misdeed.REPEATS
    assert [(len(page.orders), page.is_last) for page in store.open_orders()] == [(1, False), (1, True)]
    store.misdeeds["open_orders"] = Misdeed.ENDLESS
    assert not any(page.is_last for page in itertools.islice(store.open_orders(), 500))


def test_orders_come_as_they_were_before(driver, store):
    order_id = driver.shop.sell({"MUG": 3})
    version = store.read_order(order_id).version
    driver.shop.cancel(order_id)
    store.misdeeds["read_order"] = Misdeed.BACKWARDS
    order = store.read_order(order_id)
    assert (order.version < version, order.cancelled_at, order.refunds) == (True, None, ())


@pytest.mark.parametrize(
    ("misdeed", "sold", "is_lost"), [(Misdeed.HALF, 2, True), (Misdeed.REPEATS, 4, False), (Misdeed.LIES, 0, False)]
)
def test_a_sale_is_lost_doubled_or_invented(misdeed, sold, is_lost):
    driver = FakeBackOfficeDriver()
    office = HostileBackOffice.around(driver.plugin.backoffice(driver.account), driver.clock)
    office.misdeeds["record_sale"] = misdeed
    items = {sku: driver.office.item(sku) for sku in driver.skus}
    sale = BackOfficeConformance().sale(driver, items, (2,))
    try:
        assert office.record_sale(sale, not_after=driver.clock.now() + SOON).invoice_no == sale.invoice_no
        assert not is_lost
    except OutcomeUnknown:
        assert is_lost
    assert driver.stock("MUG") == 20 - sold


def test_the_first_item_of_each_page_is_spoiled():
    driver = FakeBackOfficeDriver()
    office = HostileBackOffice.around(driver.plugin.backoffice(driver.account), driver.clock)
    office.misdeeds["catalogue"] = Misdeed.SPOILS
    (page,) = office.catalogue()
    assert [item.sku for item in page.items] == ["TIN", "CUP"]
    assert [one.external_id for one in page.unreadable] == [driver.office.item("MUG").external_id]
    assert {row.external_id for row in page.rows} == {item.external_id for item in page.items}
