import threading
from datetime import timedelta

import pytest

from connectors.sdk.errors import OutcomeUnknown, RateLimited, RefusalKind, Refused, Unavailable
from connectors.sdk.fake import CatalogueFault, SoldOut
from connectors.sdk.suite.store import units_taken
from connectors.sdk.values import OrderSnapshot, StockHint, StockWrite, WriteBatch, WriteOutcome
from tests.connectors.sdk.fake_drivers import FakeBackOfficeDriver, FakeStoreDriver

SOON = timedelta(seconds=30)


@pytest.fixture(params=[True, False], ids=["comparing", "not comparing"])
def driver(request):
    return FakeStoreDriver(compares=request.param)


def connect(driver):
    return driver.plugin.store(driver.account)


def push(driver, sku, expected, quantity):
    ref = driver.shop.item(sku).ref
    batch = WriteBatch(
        reference="PushBatch/1",
        key="k",
        writes=(StockWrite(ref=ref, expected=expected, quantity=quantity),),
        not_after=driver.clock.now() + SOON,
    )
    return connect(driver).write_stock(batch).results[ref.stock_id].outcome


def test_a_customer_cannot_buy_what_is_not_shown(driver):
    with pytest.raises(SoldOut):
        driver.shop.sell({"MUG": 19, "TIN": 21})
    assert (driver.stock("MUG"), driver.stock("TIN")) == (20, 20)


def test_shelf_and_orders_agree_through_edits_refunds_and_cancels(driver):
    shop, store = driver.shop, connect(driver)
    order_id = shop.sell({"MUG": 4, "TIN": 1}, typed_in=("Gift wrap",))
    shop.edit(order_id, "MUG", 6)
    shop.edit(order_id, "TIN", 0)
    shop.edit(order_id, "CUP", 2)
    shop.refund(order_id, {"MUG": 1}, restock=False)
    assert (driver.stock("MUG"), driver.stock("TIN"), driver.stock("CUP")) == (14, 20, 18)
    assert units_taken(store.read_order(order_id)) - 1 == 6 + 2  # the typed line takes no stock
    shop.cancel(order_id)
    assert (driver.stock("MUG"), driver.stock("CUP")) == (19, 20)  # the refunded mug is lost


def test_a_cancel_without_restock_keeps_the_units_off_the_shelf(driver):
    order_id = driver.shop.sell({"MUG": 4})
    driver.shop.cancel(order_id, restock=False)
    order = connect(driver).read_order(order_id)
    assert (order.is_final, units_taken(order), driver.stock("MUG")) == (True, 4, 16)


def test_a_lost_write_has_happened_a_swallowed_one_has_not_and_a_late_one_will(driver):
    driver.shop.faults.lost_writes = 1
    with pytest.raises(OutcomeUnknown):
        push(driver, "MUG", 20, 19)
    driver.shop.faults.swallowed_writes = 1
    with pytest.raises(OutcomeUnknown):
        push(driver, "TIN", 20, 19)
    driver.shop.faults.late_writes = 1
    with pytest.raises(OutcomeUnknown):
        push(driver, "CUP", 20, 19)
    assert [driver.stock(sku) for sku in ("MUG", "TIN", "CUP")] == [19, 20, 20]
    driver.shop.land()
    assert driver.stock("CUP") == 19


def test_a_sale_between_read_and_write_is_buried_only_where_the_store_cannot_compare(driver):
    def on_call(moment):
        if moment == ("write_stock.before" if driver.shop.compares else "write_stock.between"):
            driver.shop.sell({"MUG": 1})

    driver.shop.wire.on_call = on_call
    if driver.shop.compares:
        assert push(driver, "MUG", 20, 18) is WriteOutcome.MISMATCH
        assert driver.stock("MUG") == 19
    else:
        assert push(driver, "MUG", 20, 18) is WriteOutcome.WRITTEN
        assert driver.stock("MUG") == 18


def test_lists_that_lag_do_not_know_the_latest_orders_but_the_order_itself_does(driver):
    store, since = connect(driver), driver.clock.now() - SOON
    driver.shop.faults.order_lag = timedelta(seconds=10)
    order_id = driver.shop.sell({"MUG": 2})
    assert [page.orders for page in store.orders_since(since)] == [()]
    assert store.read_order(order_id) is not None
    driver.advance(11)
    driver.shop.refund(order_id, {"MUG": 1}, restock=True)
    (page,) = store.orders_since(since)
    assert [len(order.refunds) for order in page.orders] == [0]


def test_webhooks_tell_what_happened_and_only_once(driver):
    store = connect(driver)
    store.check_webhooks(driver.webhook_url, repair=True)
    driver.shop.sell({"MUG": 2})
    told = [fact for headers, body in driver.deliveries() for fact in store.facts(headers, body)]
    assert [(type(fact), getattr(fact, "quantity", None)) for fact in told] == [(StockHint, 18), (OrderSnapshot, None)]
    assert driver.deliveries() == []


def test_a_spoiled_catalogue_looks_whole(driver):
    store = connect(driver)

    def listed():
        return [item.external_id for page in store.catalogue() for item in page.items]

    whole = listed()
    driver.shop.add_item("NEW", 1)
    driver.shop.faults.catalogue = CatalogueFault.STALE
    assert listed() == whole
    driver.shop.faults.catalogue = CatalogueFault.HALF
    assert listed() == whole[:3]
    driver.shop.faults.catalogue = CatalogueFault.EMPTY
    assert listed() == []
    driver.shop.faults.catalogue = CatalogueFault.BROKEN_OFF
    with pytest.raises(Unavailable):
        listed()


def test_a_shared_figure_moves_for_both_items(driver):
    twin = driver.shop.add_item("MUG-GIFT", stock_id=driver.shop.item("MUG").ref.stock_id)
    driver.shop.sell({"MUG-GIFT": 3})
    assert driver.stock("MUG") == driver.stock("MUG-GIFT") == 17
    driver.shop.delete_item("MUG-GIFT")
    assert driver.stock("MUG") == 17
    assert connect(driver).items([twin]) == ()


def test_a_rate_limit_stops_every_call(driver):
    driver.shop.faults.rate_limit = 12.0
    with pytest.raises(RateLimited) as caught:
        connect(driver).probe()
    assert caught.value.retry_after == 12.0


def test_calls_are_counted_by_operation(driver):
    store = connect(driver)
    store.probe()
    list(store.open_orders())
    assert driver.shop.wire.calls == {"probe": 1, "open_orders": 1}


def test_a_platform_whose_clock_is_ahead_dates_its_orders_so():
    driver = FakeStoreDriver(skew=timedelta(minutes=3))
    order = connect(driver).read_order(driver.shop.sell({"MUG": 1}))
    assert order.version == (driver.clock.now() + timedelta(minutes=3)).replace(microsecond=0)


def test_customers_in_many_threads_never_oversell_one_store():
    driver = FakeStoreDriver()
    sold = []

    def buy():
        while True:
            try:
                sold.append(driver.shop.sell({"MUG": 1}))
            except SoldOut:
                return

    threads = [threading.Thread(target=buy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(set(sold)), driver.stock("MUG")) == (20, 0)


def test_a_pull_by_pages_of_one_loses_no_order_of_the_same_second():
    driver = FakeStoreDriver()
    store = connect(driver)
    store.page_size = 1
    sold = {driver.shop.sell({"MUG": 1}) for _ in range(5)}
    pages = list(store.orders_since(driver.clock.now() - SOON))
    assert {order.order_id for page in pages for order in page.orders} == sold
    assert [page.is_last for page in pages] == [False] * 4 + [True]


def test_a_back_office_counts_the_same_invoice_twice():
    driver = FakeBackOfficeDriver()
    office = driver.plugin.backoffice(driver.account)
    sale = make_sale(driver)
    for _ in range(2):
        office.record_sale(sale, not_after=driver.clock.now() + SOON)
    assert (len(office.find_sale(sale)), driver.stock("MUG")) == (2, 16)


@pytest.mark.parametrize("kind", list(RefusalKind))
def test_a_refusal_of_every_kind_can_be_had(kind):
    driver = FakeBackOfficeDriver()
    driver.office.faults.refusal = kind
    with pytest.raises(Refused) as caught:
        driver.plugin.backoffice(driver.account).record_sale(make_sale(driver), not_after=driver.clock.now() + SOON)
    assert (caught.value.kind, driver.stock("MUG")) == (kind, 20)


def test_a_back_office_that_must_not_oversell_refuses():
    driver = FakeBackOfficeDriver(allows_overselling=False)
    driver.set_stock("MUG", 1)
    with pytest.raises(Refused) as caught:
        driver.plugin.backoffice(driver.account).record_sale(make_sale(driver), not_after=driver.clock.now() + SOON)
    assert caught.value.kind is RefusalKind.OVERSELLING


def test_a_till_sale_between_two_pages_is_in_the_second_page_only():
    driver = FakeBackOfficeDriver()
    office = driver.plugin.backoffice(driver.account)
    office.page_size = 1
    pages = office.catalogue()
    rows = [next(pages).rows[0].quantity]
    for sku in ("MUG", "TIN"):
        driver.till_sale(sku, 5)
    rows += [page.rows[0].quantity for page in pages]
    assert rows == [20, 15, 20]


def make_sale(driver):
    from connectors.sdk.suite import BackOfficeConformance

    items = {sku: driver.office.item(sku) for sku in driver.skus}
    return BackOfficeConformance().sale(driver, items, (2,))
