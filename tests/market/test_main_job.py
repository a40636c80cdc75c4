"""The main job with fakes at the edges: one sale in one store changes every store, and the back office knows it once."""

from decimal import Decimal

import pytest

from schema.tables import Delivery, SalesLog
from tests.market.market import Market


def test_going_live_changes_nothing_where_the_numbers_are_right(market: Market) -> None:
    assert market.shows("MUG") == {"a": 10, "b": 10}
    assert market.cache("MUG") == (10, 0)
    assert market.writes("a") == market.writes("b") == 0


def test_a_sale_in_one_store_shows_in_the_other_and_is_recorded_once(market: Market) -> None:
    market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.settle()
    assert market.shows("MUG") == {"a": 7, "b": 7}
    assert market.office.stock("MUG") == 7
    assert market.cache("MUG") == (7, 0)
    assert market.writes("a") == 0
    (row,) = market.rows(SalesLog)
    assert (row.sku, row.quantity, row.kind) == ("MUG", 3, "sale")
    assert row.backoffice_id in market.office.booked
    assert market.issues() == []


def test_the_same_order_delivered_five_times_counts_once(market: Market) -> None:
    market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.deliver("a", times=5)
    market.calm()
    assert market.shows("MUG") == {"a": 7, "b": 7}
    assert market.office.stock("MUG") == 7
    assert len(market.rows(SalesLog)) == 1
    assert len(market.office.booked) == 1


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_refund_that_is_heard_of_before_its_sale_counts_once(market: Market, name: str) -> None:
    shop = market.shops[name]
    order = shop.sell({"MUG": 3}, is_paid=True)
    market.pass_time(2)
    shop.refund(order, {"MUG": 1}, restock=True)
    market.deliver(name, shuffle=list.reverse)
    market.calm()
    assert market.shows("MUG") == {"a": 8, "b": 8}
    assert market.office.stock("MUG") == 8
    assert market.issues() == []


def test_an_old_version_after_a_new_one_changes_nothing(market: Market) -> None:
    shop = market.shops["a"]
    order = shop.sell({"MUG": 3}, is_paid=True)
    old = shop.take_deliveries()
    market.pass_time(5)
    shop.edit(order, "MUG", 4)
    market.calm()
    for headers, body in old:
        market.store_delivery("a", headers, body, copy=7)
    market.calm()
    assert market.shows("MUG") == {"a": 6, "b": 6}
    assert market.office.stock("MUG") == 6


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize(("restock", "left"), [(True, 9), (False, 7)])
def test_only_a_refund_with_restock_returns_units(market: Market, name: str, restock: bool, left: int) -> None:
    order = market.shops[name].sell({"MUG": 3}, is_paid=True)
    market.calm()
    market.shops[name].refund(order, {"MUG": 2}, restock=restock)
    market.calm()
    assert market.shows("MUG") == {"a": left, "b": left}
    assert market.office.stock("MUG") == left
    (booked,) = market.office.booked.values()
    assert sum(line.returned for line in booked.record.lines) == (2 if restock else 0)


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_refund_is_not_taken_off_again_at_the_next_update(market: Market, name: str) -> None:
    order = market.shops[name].sell({"MUG": 5}, is_paid=True)
    market.calm()
    for restock in (True, False, False):
        market.shops[name].refund(order, {"MUG": 1}, restock=restock)
        market.calm()
        assert market.shows("MUG") == {"a": 6, "b": 6}
    assert market.office.stock("MUG") == 6


@pytest.mark.parametrize("name", ["a", "b"])
def test_the_create_and_the_payment_of_one_sale_count_once(market: Market, name: str) -> None:
    order = market.shops[name].sell({"MUG": 3}, is_paid=False)
    market.deliver()
    market.pass_time(5)
    market.shops[name].pay(order)
    market.calm()
    assert market.shows("MUG") == {"a": 7, "b": 7}
    assert market.office.stock("MUG") == 7
    assert market.cache("MUG") == (7, 0)


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_cancelled_unpaid_order_gives_back_and_is_never_recorded(market: Market, name: str) -> None:
    order = market.shops[name].sell({"MUG": 3}, is_paid=False)
    market.calm()
    assert market.shows("MUG") == {"a": 7, "b": 7}
    assert market.office.stock("MUG") == 10
    market.shops[name].cancel(order)
    market.calm()
    assert market.shows("MUG") == {"a": 10, "b": 10}
    assert market.office.booked == {}


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_cancelled_paid_order_returns(market: Market, name: str) -> None:
    order = market.shops[name].sell({"MUG": 3}, is_paid=True)
    market.calm()
    market.shops[name].cancel(order)
    market.calm()
    assert market.shows("MUG") == {"a": 10, "b": 10}
    assert market.office.stock("MUG") == 10
    assert market.cache("MUG") == (10, 0)


@pytest.mark.parametrize("name", ["a", "b"])
def test_an_order_edit_moves_the_difference(market: Market, name: str) -> None:
    order = market.shops[name].sell({"MUG": 3}, is_paid=True)
    market.calm()
    market.shops[name].edit(order, "MUG", 5)
    market.calm()
    assert market.shows("MUG") == {"a": 5, "b": 5}
    assert market.office.stock("MUG") == 5
    market.shops[name].edit(order, "MUG", 1)
    market.calm()
    assert market.shows("MUG") == {"a": 9, "b": 9}
    assert market.office.stock("MUG") == 9


def test_an_order_cancelled_without_payment_and_without_restock_is_told(market: Market) -> None:
    order = market.shops["a"].sell({"MUG": 3}, is_paid=False)
    market.settle()
    market.shops["a"].cancel(order, restock=False)
    market.calm()
    assert market.issues() == ["never_paid"]
    assert market.shows("MUG") == {"a": 7, "b": 7}


def test_the_price_of_an_order_goes_into_the_sales_log(market: Market) -> None:
    market.shops["a"].sell({"MUG": 2}, is_paid=True)
    market.settle()
    (row,) = market.rows(SalesLog)
    assert (row.unit_price, row.currency) == (Decimal("10.0000"), "KES")


def test_a_till_sale_shows_in_both_stores(market: Market) -> None:
    market.office.till_sale("MUG", 4)
    market.calm()
    assert market.shows("MUG") == {"a": 6, "b": 6}


def test_lost_webhooks_are_found_by_the_pull(market: Market) -> None:
    market.shops["a"].faults.is_deaf = True
    market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.settle()
    assert market.shows("MUG") == {"a": 7, "b": 10}
    market.pull("a")
    market.settle()
    assert market.shows("MUG") == {"a": 7, "b": 7}
    assert market.office.stock("MUG") == 7


def test_an_unreadable_delivery_is_kept_and_told(market: Market) -> None:
    headers, body = market.shops["a"].sign("orders/changed", b'{"id": []}')
    market.store_delivery("a", headers, body)
    market.settle()
    (row,) = [row for row in market.rows(Delivery) if row.state == "dead"]
    assert row.body == b'{"id": []}'
    assert market.issues() == ["unreadable_delivery"]


def test_a_test_order_takes_no_unit_from_anybody(market: Market) -> None:
    market.shops["a"].sell({"MUG": 3}, is_paid=True, is_test=True)
    market.calm()
    assert market.shows("MUG") == {"a": 10, "b": 10}
    assert market.office.booked == {}
    assert market.issues() == []


@pytest.mark.parametrize("name", ["a", "b"])
def test_an_order_that_the_store_deleted_gives_nothing_back(market: Market, name: str) -> None:
    order = market.shops[name].sell({"MUG": 3}, is_paid=True)
    market.calm()
    market.shops[name].delete_order(order)
    market.calm()
    assert market.shows("MUG") == {"a": 7, "b": 7}
    assert market.office.stock("MUG") == 7
