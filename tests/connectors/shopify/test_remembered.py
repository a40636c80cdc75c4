"""Which orders a pull may leave unread: no change is ever missed, and a busy shop is not read over and over."""

import json
import random
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from connectors.sdk.answer import Answer
from connectors.sdk.reader import Reader
from connectors.sdk.suite.store import units_taken
from connectors.sdk.values import OrderSnapshot
from connectors.shopify.remembered import Remembered
from syncd.sandbox.shopify import orders, refunds, returns
from syncd.sandbox.shopify.orders import Wanted
from syncd.sandbox.shopify.shop import NotAllowed, financial_status
from tests.connectors.shopify.driver import ShopifyDriver

PAID = ("PAID", "PARTIALLY_REFUNDED", "REFUNDED")
TEN_MINUTES = timedelta(minutes=10)
CHANGED_AT = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
ROW = {
    "id": "gid://shopify/Order/1",
    "updatedAt": "2026-11-21T10:00:00Z",
    "displayFinancialStatus": "PAID",
    "returnStatus": "NO_RETURN",
    "cancelledAt": None,
    "currentSubtotalLineItemsQuantity": 3,
}
ORDER = OrderSnapshot(order_id="1", name="#1", version=CHANGED_AT, created_at=CHANGED_AT, is_paid=True)


def row(**changes):
    return Reader({**ROW, **changes}, "order")


def answer(seconds, *, took=0.0, ours_is_ahead=0.0):
    """An answer that the platform dates so many seconds after the change."""
    platform_at = CHANGED_AT + timedelta(seconds=seconds)
    answered_at = platform_at + timedelta(seconds=ours_is_ahead)
    began_at = answered_at - timedelta(seconds=took)
    return Answer(status=200, headers={}, body=b"", began_at=began_at, answered_at=answered_at, platform_at=platform_at)


@pytest.mark.parametrize(
    ("told", "is_known"),
    [
        (answer(-5), False),  # Shopify's servers do not agree on the time
        (answer(0), False),  # read within the second of the change: another one may follow in it
        (answer(1), False),
        (answer(9), False),
        (answer(10), True),
        (answer(3600), True),
        (answer(30, took=25), False),  # it may have been put together 5 seconds after the change
        (answer(35, took=25), True),
        (answer(3, ours_is_ahead=3600), False),  # our own clock does not count
        (answer(10, ours_is_ahead=-3600), True),
    ],
)
def test_an_order_is_remembered_once_its_second_is_surely_over(told, is_known):
    remembered = Remembered()
    remembered.keep(row(), ORDER, told)
    assert remembered.find(row()) == (ORDER if is_known else None)


@pytest.mark.parametrize(
    "change",
    [
        {"updatedAt": "2026-11-21T10:00:01Z"},
        {"updatedAt": "2026-11-21T09:59:59Z"},
        {"displayFinancialStatus": "PARTIALLY_REFUNDED"},
        {"returnStatus": "IN_PROGRESS"},
        {"cancelledAt": "2026-11-21T10:00:00Z"},
        {"currentSubtotalLineItemsQuantity": 2},
        {"id": "gid://shopify/Order/2"},
    ],
)
def test_whatever_the_list_tells_otherwise_has_the_order_read(change):
    remembered = Remembered()
    remembered.keep(row(), ORDER, answer(60))
    assert remembered.find(row(**change)) is None


def test_an_order_with_a_return_is_read_every_time():
    remembered = Remembered()
    remembered.keep(row(returnStatus="RETURNED"), ORDER, answer(60))
    assert remembered.find(row(returnStatus="RETURNED")) is None


def test_a_reading_that_comes_too_early_takes_the_place_of_none():
    remembered = Remembered()
    remembered.keep(row(), ORDER, answer(60))
    remembered.keep(row(updatedAt="2026-11-21T10:01:00Z"), replace(ORDER, is_paid=False), answer(61))
    assert remembered.find(row()) is None


def test_those_that_were_not_asked_for_longest_are_forgotten_first():
    remembered = Remembered(most=2)
    first, second, third = (row(id=f"gid://shopify/Order/{n}") for n in (1, 2, 3))
    remembered.keep(first, ORDER, answer(60))
    remembered.keep(second, ORDER, answer(60))
    remembered.find(first)
    remembered.keep(third, ORDER, answer(60))
    assert [remembered.find(each) is not None for each in (first, second, third)] == [True, False, True]


# ------------------------------------------------------------------------------------------- against the store


def sell(driver, quantity=1):
    return driver.act(orders.place, [Wanted(sku="MUG-1", quantity=quantity)], force=True)


def pulled(store, driver):
    pages = list(store.orders_since(driver.clock.now() - TEN_MINUTES))
    return {order.order_id: order for page in pages for order in page.orders}


def give_back(driver, order):
    driver.act(refunds.refund, order, refunds.backs_of(order.lines[0], 1, restock=True))


@pytest.mark.parametrize("seconds_before_the_pull", [0, 1, 9, 10, 60])
def test_a_change_in_the_same_second_as_the_last_one_is_seen(seconds_before_the_pull):
    """The order is placed and given back within one second; a pull falls in between, or comes later."""
    driver = ShopifyDriver()
    store = driver.store()
    order = sell(driver, 3)
    pulled(store, driver)
    give_back(driver, order)
    driver.advance(seconds_before_the_pull)
    assert units_taken(pulled(store, driver)[str(order.number)]) == 2


def test_a_payment_in_the_same_second_is_seen_though_the_list_is_all_that_was_read_since():
    driver = ShopifyDriver()
    store = driver.store()
    order = driver.act(orders.place, [Wanted(sku="MUG-1", quantity=1)], paid=False)
    pulled(store, driver)
    driver.act(orders.pay, order)
    assert pulled(store, driver)[str(order.number)].is_paid


def test_a_change_between_the_list_and_the_reading_is_seen_by_the_next_pull():
    driver = ShopifyDriver()
    store = driver.store()
    order = sell(driver, 3)
    driver.advance(30)
    moments = iter([lambda: give_back(driver, order)])

    def after(request):
        if b"query OrdersById" in request.content:
            next(moments, lambda: None)()

    driver.after = after
    assert units_taken(pulled(store, driver)[str(order.number)]) == 3
    assert units_taken(pulled(store, driver)[str(order.number)]) == 2


def test_an_even_exchange_is_seen_however_late_it_is_processed():
    driver = ShopifyDriver()
    store = driver.store()
    order = sell(driver, 2)
    driver.act(orders.fulfil, order)
    what = driver.act(returns.approve, order, [(order.lines[0], 1)])
    driver.advance(30)
    assert units_taken(pulled(store, driver)[str(order.number)]) == 2
    exchange = Wanted(sku="CUP-1", quantity=1)
    driver.act(returns.process, what, restock=True, with_money=False, exchange_for=exchange)
    assert units_taken(pulled(store, driver)[str(order.number)]) == 2  # 2 - 1 + 1 of the other
    assert len(pulled(store, driver)[str(order.number)].refunds) == 1


ACTS = (
    give_back,
    lambda driver, order: driver.act(orders.fulfil, order),
    lambda driver, order: driver.act(orders.pay, order),
    lambda driver, order: driver.act(refunds.cancel, order, restock=True),
    lambda driver, order: driver.act(refunds.edit, order, "MUG-1", 1),
    lambda driver, order: driver.act(refunds.edit, order, "MUG-1", 4),
    lambda driver, order: driver.act(returns.approve, order, [(order.lines[0], 1)]),
)


def truth(order):
    taken = sum(line.taken for line in order.lines)
    return (order.updated_at, financial_status(order) in PAID, order.cancelled_at, taken, len(order.refunds))


def told(order):
    refunds_told = sum(not refund.refund_id.startswith("return-") for refund in order.refunds)
    return (order.version, order.is_paid, order.cancelled_at, units_taken(order), refunds_told)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("lag", [0, 7])
def test_in_any_history_a_pull_tells_every_order_as_it_is(seed, lag):
    """Most acts fall into the same second as another one, some between two requests of a pull."""
    chance = random.Random(seed)
    driver = ShopifyDriver(plan="enterprise", index_lag=timedelta(seconds=lag))
    store, placed = driver.store(), [sell(driver, 4)]

    def act():
        with suppress(NotAllowed):
            if chance.random() < 0.3:
                placed.append(sell(driver, 4))
            else:
                chance.choice(ACTS)(driver, chance.choice(placed[-5:]))

    def now_and_then(request):
        if chance.random() < 0.2:
            act()

    def is_right():
        found = pulled(store, driver)
        assert {key: told(order) for key, order in found.items()} == {
            str(order.number): truth(order) for order in placed if str(order.number) in found
        }
        return set(found)

    for _ in range(25):
        driver.advance(chance.choice([0, 0, 0, 1, 2, 9, 15]))
        act()
        driver.after = now_and_then
        if chance.random() < 0.7:
            pulled(store, driver)
        driver.after = lambda request: None
        is_right()
    driver.advance(lag)
    assert is_right() == {str(o.number) for o in placed if o.updated_at >= driver.clock.now() - TEN_MINUTES}


class Bill:
    """What requests cost, in Shopify's points."""

    def __init__(self, driver):
        self.whole, self.asked, self.used = 0, 0, 0
        platform = driver._platform

        def carry(request):
            response = platform.handle_request(request)
            cost = json.loads(response.content)["extensions"]["cost"]
            self.whole += len(json.loads(request.content)["variables"].get("ids", []))
            self.asked += cost["requestedQueryCost"]
            self.used += cost["actualQueryCost"]
            return response

        driver._platform = httpx.MockTransport(carry)

    def since(self, act):
        before, began = (self.whole, self.asked, self.used), act.clock.now()
        act()
        self.waited = act.clock.now() - began
        return tuple(now - then for now, then in zip((self.whole, self.asked, self.used), before, strict=True))


def test_a_busy_shop_is_read_once_and_then_only_listed():
    """300 orders in ten minutes. A pull that reads all of them again uses up the points of half a minute."""
    driver = ShopifyDriver()
    placed = []
    for _ in range(300):
        placed.append(sell(driver))
        driver.advance(2)
    driver.advance(10)
    store, bill = driver.store(), Bill(driver)

    def pull():
        pulled(store, driver)

    pull.clock = driver.clock
    since = driver.clock.now() - TEN_MINUTES
    listed = sum(order.updated_at >= since for order in placed)
    whole, _, used = bill.since(pull)
    assert whole == listed > 290
    assert used > 3000
    assert bill.waited > timedelta(seconds=15)

    whole, asked, used = bill.since(pull)
    assert (whole, bill.waited) == (0, timedelta(0))
    assert asked < 310
    assert used <= listed + 3

    for order in placed[-3:]:
        give_back(driver, order)
    driver.advance(10)
    assert bill.since(pull)[0] == 3
    assert bill.since(pull)[0] == 0
