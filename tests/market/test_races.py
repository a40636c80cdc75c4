"""Sales that nobody has told us of, at every moment of our own work: no number is ever written over them."""

from collections.abc import Callable

import pytest

from connectors.sdk.errors import Unavailable
from connectors.sdk.fake import FakeShop, SoldOut
from schema.tables import Push, StockItem
from tests.market.market import Market


def act_once(shop: FakeShop, moment: str, act: Callable[[], object]) -> None:
    """Let something happen the next time that the wire passes this moment."""
    pending = [act]

    def on_call(passed: str) -> None:
        if passed == moment and pending:
            pending.pop()()

    shop.wire.on_call = on_call


def raised_over_unheard(market: Market, name: str) -> list[Push]:
    """Pushes to a store that set a higher number than the store had."""
    return [
        push
        for push in market.rows(Push)
        if push.connection_id == market.ids[name] and push.state == "acknowledged" and push.target > (push.before or 0)
    ]


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_sale_that_comes_before_our_write_is_not_written_over(market: Market, name: str) -> None:
    other = "b" if name == "a" else "a"
    shop = market.shops[name]
    act_once(shop, "write_stock.before", lambda: shop.sell({"MUG": 2}, is_paid=True))
    market.shops[other].sell({"MUG": 3}, is_paid=True)
    market.deliver()
    market.take_in()
    assert market.push(name) == 1
    assert market.shows("MUG")[name] == 8, "the store still shows what its own customer left"
    (push,) = market.rows(Push)
    assert (push.state, push.before) == ("refused", 8)
    market.calm()
    assert market.shows("MUG") == {"a": 5, "b": 5}
    assert market.office.stock("MUG") == 5
    assert market.issues() == []


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_sale_that_nobody_told_us_of_is_not_written_over(market: Market, name: str) -> None:
    """The store shows 8 when we come: what counts is that we believed 10, not what it shows now."""
    other = "b" if name == "a" else "a"
    market.shops[name].faults.is_deaf = True
    market.shops[name].sell({"MUG": 2}, is_paid=True)
    market.shops[other].sell({"MUG": 3}, is_paid=True)
    market.deliver()
    market.take_in()
    market.push(name)
    assert market.shows("MUG")[name] == 8
    market.calm()
    assert market.shows("MUG") == {"a": 5, "b": 5}
    assert market.office.stock("MUG") == 5


def test_a_sale_buried_between_read_and_write_is_found_and_mended(market: Market) -> None:
    """A store that cannot compare can bury a sale; nothing can prevent that, but it must not stay."""
    shop = market.shops["b"]
    act_once(shop, "write_stock.between", lambda: shop.sell({"MUG": 2}, is_paid=True))
    market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.calm()
    assert market.shows("MUG") == {"a": 5, "b": 5}
    assert market.office.stock("MUG") == 5


@pytest.mark.parametrize("failures", [0, 2])
@pytest.mark.parametrize("name", ["a", "b"])
def test_a_look_waits_for_an_order_of_which_two_states_of_one_second_were_told(
    market: Market, name: str, failures: int
) -> None:
    """What the pull tells has the time of what was heard, so neither is known to be the newer: the figure holds 3."""
    shop = market.shops[name]
    order = shop.sell({"MUG": 2}, is_paid=True)
    market.deliver(name)
    market.take_in()
    shop.edit(order, "MUG", 3)
    shop.take_deliveries()
    market.change(StockItem, market.item(name, "MUG").id, observed=None, look_at=market.clock.now())
    left = [failures]

    def fail(moment: str) -> None:
        if moment == "read_order.before" and left[0]:
            left[0] -= 1
            raise Unavailable("again later")

    shop.wire.on_call = fail
    looks = 0
    while market.item(name, "MUG").observed is None:
        market.look(name)
        market.push(name)
        market.pass_time(10)
        looks += 1
    assert looks == failures + 1
    assert market.item(name, "MUG").observed == 7
    assert raised_over_unheard(market, name) == []
    market.calm()
    assert market.shows("MUG") == {"a": 7, "b": 7}


@pytest.mark.parametrize("name", ["a", "b"])
def test_mismatch_after_mismatch_ends_in_reading_orders(market: Market, name: str) -> None:
    """Every write meets a number that somebody has just changed; at the end every order counts, and no number was
    forced."""
    shop = market.shops[name]
    other = market.shops["b" if name == "a" else "a"]
    left = [4]

    def buy_again(moment: str) -> None:
        if moment == "write_stock.before" and left[0]:
            left[0] -= 1
            shop.sell({"MUG": 1}, is_paid=True)

    shop.wire.on_call = buy_again
    shop.faults.is_deaf = True
    other.sell({"MUG": 3}, is_paid=True)
    market.calm(800)
    assert left == [0]
    assert market.shows("MUG") == {"a": 3, "b": 3}
    assert market.office.stock("MUG") == 3
    assert raised_over_unheard(market, name) == []
    assert shop.wire.calls["orders_since"] > 0


@pytest.mark.parametrize("late", [1, 4])
def test_while_both_stores_sell_and_webhooks_are_late_no_figure_is_raised(market: Market, late: int) -> None:
    """Two sales a second for half a minute, told seconds late: each push may only lower."""
    sold = 0
    waiting: list[tuple[int, str]] = []
    for second in range(30):
        for name, shop in market.shops.items():
            try:
                shop.sell({"MUG": 1}, is_paid=True)
                sold += 1
            except SoldOut:
                pass
            waiting.append((second, name))
        if second >= late:
            market.settle(3)
        else:
            for name in market.shops:
                market.push(name)
        market.pass_time(1)
    market.calm()
    assert raised_over_unheard(market, "a") == []
    on_hand, opened = market.cache("MUG")
    assert opened == 0
    assert on_hand == 10 - sold
    assert market.shows("MUG") == {"a": max(0, 10 - sold), "b": max(0, 10 - sold)}


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("fault", ["lost_writes", "swallowed_writes"])
def test_a_push_without_an_answer_is_settled_by_a_look(market: Market, name: str, fault: str) -> None:
    other = "b" if name == "a" else "a"
    setattr(market.shops[name].faults, fault, 1)
    market.shops[other].sell({"MUG": 3}, is_paid=True)
    market.settle()
    assert market.item(name, "MUG").unknown_until is not None
    market.calm()
    assert market.shows("MUG") == {"a": 7, "b": 7}
    assert market.issues() == []


def test_a_push_that_lands_late_is_waited_for(market: Market) -> None:
    market.shops["a"].faults.late_writes = 1
    market.shops["b"].sell({"MUG": 3}, is_paid=True)
    market.settle()
    market.pass_time(60)
    market.settle()
    market.shops["a"].land()
    market.calm()
    assert market.shows("MUG") == {"a": 7, "b": 7}


def test_an_inventory_webhook_before_its_order_erases_nothing(market: Market) -> None:
    """Story 1 of STOCK.md §11."""
    shop = market.shops["a"]
    shop.sell({"MUG": 1}, is_paid=True)
    told = sorted(shop.take_deliveries(), key=lambda d: d[0]["x-fake-topic"] != "stock/changed")
    market.store_delivery("a", *told[0])
    market.take_in()
    market.push("a")
    market.look("a")
    assert market.shows("MUG")["a"] == 9
    for delivery in told[1:]:
        market.store_delivery("a", *delivery)
    market.calm()
    assert market.shows("MUG") == {"a": 9, "b": 9}
    assert market.writes("a") == 0


def test_small_drift_is_corrected_after_settling_and_large_drift_waits_for_a_person(market: Market) -> None:
    market.shops["a"].set_stock("MUG", 8)
    market.calm()
    assert market.shows("MUG") == {"a": 10, "b": 10}
    assert market.issues() == []
    market.shops["a"].set_stock("MUG", 60)
    market.calm()
    assert market.shows("MUG") == {"a": 60, "b": 10}
    assert market.issues() == ["drift_held"]
    market.shops["b"].sell({"MUG": 3}, is_paid=True)
    market.calm()
    assert market.shows("MUG") == {"a": 57, "b": 7}, "held: sales elsewhere still lower the store"


def test_a_number_raised_by_hand_is_lowered_at_once(market: Market) -> None:
    market.shops["b"].set_stock("MUG", 15)
    market.settle()
    market.pass_time(6)
    market.settle()
    assert market.shows("MUG") == {"a": 10, "b": 10}


def test_sales_at_two_a_second_do_not_starve_the_pushes(market: Market) -> None:
    market.office.set_stock("MUG", 200)
    market.calm()
    for _ in range(60):
        market.shops["a"].sell({"MUG": 1}, is_paid=True)
        market.pass_time(0.5)
        market.settle(2)
    market.calm()
    assert market.shows("MUG") == {"a": 140, "b": 140}
