"""Catalogue and orders: variations old and new, lists that shift, the hour that a time zone can cost, the trash."""

from datetime import timedelta

import httpx
import pytest

from connectors.sdk.errors import Unavailable
from connectors.sdk.values import StockRef
from tests.connectors.woocommerce.driver import WooDriver


def catalogue(driver):
    return [item for page in driver.store().catalogue() for item in page.items]


def ids(pages):
    return [order.order_id for page in pages for order in page.orders]


@pytest.mark.parametrize("version", ["8.2.2", "11.0.1"])
def test_the_catalogue_holds_what_is_sold_and_not_what_is_above_it(version):
    driver = WooDriver(version=version)
    driver.people.add_product("UNM-1", tracked=False)
    driver.people.add_product("", 2, title="No code")
    bare = driver.people.add_product("", 2, parent=driver.people.product("SHIRT"), title="Bare")
    items = {item.external_id: item for item in catalogue(driver)}
    told = {
        item.sku or item.title: (item.ref.parent_id is not None, item.tracked, item.quantity) for item in items.values()
    }
    assert told == {
        "MUG-1": (False, True, 20),
        "SHIRT-S": (True, True, 15),
        "CAP-RED": (False, True, 12),
        "UNM-1": (False, False, None),
        "No code": (False, True, 2),
        "Shirt - Bare": (True, True, 2),
    }
    assert items[str(bare.id)].sku is None
    cap = driver.people.product("CAP")
    assert items[str(driver.people.product("CAP-RED").id)].ref == StockRef(stock_id=str(cap.id))


@pytest.mark.parametrize("version", ["8.2.2", "11.0.1"])
def test_items_are_found_by_id_whatever_they_are(version):
    driver = WooDriver(version=version)
    wanted = [str(driver.people.product(sku).id) for sku in ("MUG-1", "CAP-RED", "SHIRT")]
    listed = {item.external_id: item for item in catalogue(driver)}
    found = driver.store().items([*wanted, "999999"])
    assert [item.external_id for item in found] == wanted[:2]
    assert list(found) == [listed[one] for one in wanted[:2]]


def test_groups_of_products_are_blocked():
    driver = WooDriver()
    driver.people.add_product("SET", tracked=False).type = "grouped"
    (item,) = [item for item in catalogue(driver) if item.sku == "SET"]
    assert item.blocked


def test_more_than_a_page_is_read_whole_while_products_are_deleted():
    driver = WooDriver()
    for number in range(250):
        driver.people.add_product(f"P-{number}", 1)
    deleted = []

    def delete_one(request):
        if "page=2" in str(request.url) and not deleted:
            deleted.append(driver.woo.shop.products.pop(driver.people.product("P-0").id))

    driver.after = delete_one
    found = [item.sku for item in catalogue(driver)]
    assert len(found) == len(set(found))
    assert {f"P-{number}" for number in range(1, 250)} <= set(found)


class DropsPages:
    """A host that forgets the page number, so that every page is the first."""

    def __init__(self, driver):
        self.platform = driver._platform

    def handle_request(self, request):
        url = request.url.copy_set_param("page", "1")
        return self.platform.handle_request(httpx.Request(request.method, url, headers=request.headers))


def test_a_host_that_gives_the_same_page_for_ever_is_not_believed():
    driver = WooDriver()
    for number in range(150):
        driver.people.add_product(f"P-{number}", 1)
    driver._platform = DropsPages(driver)
    with pytest.raises(Unavailable, match="same page"):
        catalogue(driver)


# ---------------------------------------------------------------------------------------------- orders


def test_orders_since_a_moment_are_all_from_then_on_and_none_before():
    driver = WooDriver()
    old = driver.sell("MUG-1", 1)
    driver.advance(10)
    since = driver.clock.now()
    at_once = driver.sell("MUG-1", 1)
    driver.advance(1)
    later = driver.sell("MUG-1", 1)
    found = ids(driver.store().orders_since(since))
    assert (found, old in found) == ([at_once, later], False)


def test_orders_in_the_trash_are_among_those_that_changed():
    driver = WooDriver()
    trashed, kept = driver.sell("MUG-1", 1, is_paid=False), driver.sell("MUG-1", 1)
    driver.advance(5)
    driver.people.trash(int(trashed))
    (page,) = driver.store().orders_since(driver.clock.now() - timedelta(minutes=5))
    assert [order.order_id for order in page.orders] == [kept, trashed]
    assert page.orders[1].is_final
    assert page.orders[1].lines[0].taken == 1
    assert page.is_last


def test_many_orders_of_one_second_are_read_whole():
    driver = WooDriver()
    driver.set_stock("MUG-1", 1000)
    sold = [driver.sell("MUG-1", 1) for _ in range(230)]
    driver.advance(1)
    sold += [driver.sell("MUG-1", 1) for _ in range(30)]
    assert sorted(ids(driver.store().orders_since(driver.clock.now() - timedelta(minutes=1)))) == sorted(sold)


def test_an_order_that_changes_while_we_read_pushes_no_other_out():
    driver = WooDriver()
    driver.set_stock("MUG-1", 1000)
    sold = []
    for _ in range(150):
        sold.append(driver.sell("MUG-1", 1, is_paid=False))
        driver.advance(1)
    touched = []

    def pay_the_first(request):
        if not touched and request.method == "GET":
            touched.append(driver.people.pay(int(sold[0])))

    driver.after = pay_the_first
    found = ids(driver.store().orders_since(driver.clock.now() - timedelta(hours=1)))
    assert set(found) == set(sold)


def test_open_orders_hold_the_statuses_of_plugins_and_nothing_closed():
    driver = WooDriver()
    statuses = ("pending", "on-hold", "processing", "failed", "completed", "cancelled", "refunded")
    orders = {status: driver.people.buy([("MUG-1", 1)], status=status) for status in statuses}
    driver.people.trash(driver.people.buy([("MUG-1", 1)]).id)
    found = ids(driver.store().open_orders())
    assert sorted(found) == sorted(str(orders[status].id) for status in statuses[:4])


def test_an_unreadable_order_does_not_hide_the_others():
    driver = WooDriver()
    bad, good = driver.sell("MUG-1", 1), driver.sell("MUG-1", 1)
    driver.people.order(int(bad)).lines[0].meta[0].value = "many"
    (page,) = driver.store().orders_since(driver.clock.now() - timedelta(minutes=1))
    assert [order.order_id for order in page.orders] == [good]
    assert list(page.unreadable) == [bad]


def test_refunded_units_of_goods_that_nobody_counts_are_not_taken():
    driver = WooDriver()
    driver.people.add_product("UNM-1", tracked=False)
    order = driver.people.buy([("UNM-1", 5), ("MUG-1", 2)])
    driver.people.refund(order.id, [("UNM-1", 2)])
    snapshot = driver.store().read_order(str(order.id))
    assert snapshot is not None
    assert [line.taken for line in snapshot.lines] == [3, 2]
    (page,) = driver.store().orders_since(driver.clock.now() - timedelta(minutes=1))
    assert page.orders == (snapshot,)


def test_an_order_deleted_for_good_is_none():
    driver = WooDriver()
    order_id = driver.sell("MUG-1", 1)
    driver.people.delete(int(order_id))
    assert driver.store().read_order(order_id) is None
