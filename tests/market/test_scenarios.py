"""Stories that other systems of this kind get wrong, each told once in full."""

import contextlib
import random
from datetime import timedelta

import pytest

from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import OrdersPage
from schema.tables import Connection, Delivery, Issue, Order, StockItem, SyncRun
from syncd.engine import catalogue, golive, intake, poll, pull, push, record, release, undo
from tests.market.market import Market
from tests.market.test_races import act_once

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)  # the stories of others run on both
STORE_MOMENTS = (
    "write_stock.before",
    "write_stock.between",
    "write_stock.after",
    "read_stock.before",
    "read_stock.after",
    "orders_since.before",
    "orders_since.after",
)
OFFICE_MOMENTS = ("record_sale.before", "record_sale.after", "read_stock.before", "read_stock.after")


def all_is_right(market: Market, left: int) -> None:
    assert market.shows("MUG") == dict.fromkeys(market.shops, left)
    assert market.office.stock("MUG") == left
    assert market.cache("MUG") == (left, 0)
    assert market.issues() == []


# ------------------------------------------------------------------------------------------- unheard-of sales


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("moment", STORE_MOMENTS)
def test_a_sale_at_any_moment_of_our_talk_with_its_store_counts_once(market: Market, name: str, moment: str) -> None:
    shop = market.shops[name]
    shop.faults.is_deaf = True
    sold = []
    market.change(StockItem, market.item(name, "MUG").id, look_at=market.clock.now(), look_reason="a doubt")
    market.shops["b" if name == "a" else "a"].sell({"MUG": 3}, is_paid=True)
    act_once(shop, moment, lambda: sold.append(shop.sell({"MUG": 2}, is_paid=True)))
    market.calm(100)
    for _ in range(2):
        market.pull(name)
        market.calm(100)
    assert len(sold) == (0 if moment == "write_stock.between" and name == "a" else 1)
    all_is_right(market, 7 - 2 * len(sold))


@pytest.mark.parametrize("moment", OFFICE_MOMENTS)
def test_a_sale_at_any_moment_of_our_talk_with_the_back_office_counts_once(market: Market, moment: str) -> None:
    pending = [lambda: market.shops["b"].sell({"MUG": 2}, is_paid=True)]

    def on_call(passed: str) -> None:
        if passed == moment and pending:
            pending.pop()()

    market.office.wire.on_call = on_call
    market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.calm()
    all_is_right(market, 5)


@pytest.mark.parametrize("first", ["stock/changed", "orders/changed"])
@pytest.mark.parametrize("name", ["a", "b"])
def test_the_stock_event_and_the_order_event_of_one_sale_come_in_any_order(
    market: Market, name: str, first: str
) -> None:
    shop = market.shops[name]
    shop.sell({"MUG": 2}, is_paid=True)
    for headers, body in sorted(shop.take_deliveries(), key=lambda told: told[0]["x-fake-topic"] != first):
        market.store_delivery(name, headers, body)
        market.settle()
        market.pass_time(2)
    market.calm()
    all_is_right(market, 8)
    assert market.writes(name) == 0


def test_what_is_sent_is_what_is_right_when_it_is_sent_not_when_it_was_planned(market: Market) -> None:
    """A figure in doubt is read before the batch goes out; meanwhile another one is sold elsewhere."""
    market.sku("TIN", 10)
    market.refresh("TIN")
    market.settle()
    market.sweep()
    market.calm()
    shop, other = market.shops["a"], market.shops["b"]
    other.sell({"MUG": 3}, is_paid=True)
    other.sell({"TIN": 1}, is_paid=True)
    market.deliver()
    intake.apply_new(market.engine)
    market.change(StockItem, market.item("a", "MUG").id, look_at=market.clock.now(), look_reason="a doubt")

    def sell_more() -> None:
        other.sell({"TIN": 4}, is_paid=True)
        market.deliver("b")
        intake.apply_new(market.engine)

    act_once(shop, "read_stock.after", sell_more)
    market.push("a")
    assert market.shows("TIN")["a"] == 5


def test_a_figure_that_is_gone_does_not_have_its_batch_begun_again_for_ever(market: Market) -> None:
    """The store writes a batch as a whole or not at all: its neighbours go without it the next time."""
    market.sku("TIN", 10)
    market.refresh("TIN")
    market.settle()
    market.sweep()
    market.calm()
    market.shops["a"].delete_item("MUG")
    market.shops["b"].sell({"MUG": 1, "TIN": 3}, is_paid=True)
    market.deliver("b")
    intake.apply_new(market.engine)
    for _ in range(2):
        market.push("a")
    assert market.shows("TIN") == {"a": 7, "b": 7}


# ------------------------------------------------------------------------------------------- orders out of order


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_cancel_that_comes_before_its_create_counts(market: Market, name: str) -> None:
    shop = market.shops[name]
    order = shop.sell({"MUG": 3}, is_paid=False)
    create = shop.take_deliveries()
    market.pass_time(5)
    shop.cancel(order)
    for headers, body in (*shop.take_deliveries(), *create):
        market.store_delivery(name, headers, body)
        market.take_in()
    assert market.cache("MUG") == (10, 0)
    market.calm()
    all_is_right(market, 10)
    assert market.office.booked == {}


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_payment_that_comes_before_its_create_is_recorded_at_once(market: Market, name: str) -> None:
    shop = market.shops[name]
    order = shop.sell({"MUG": 3}, is_paid=False)
    create = shop.take_deliveries()
    market.pass_time(5)
    shop.pay(order)
    for headers, body in shop.take_deliveries():
        market.store_delivery(name, headers, body)
    market.settle()
    assert market.office.stock("MUG") == 7
    for headers, body in create:
        market.store_delivery(name, headers, body)
    market.calm()
    all_is_right(market, 7)


def test_an_order_that_changes_while_it_is_read_again_is_read_once_more(market: Market) -> None:
    """The answer was true when it was given; what a message told meanwhile is newer."""
    shop = market.shops["a"]
    order = shop.sell({"MUG": 3}, is_paid=True)
    market.calm()
    (row,) = market.rows(Order)
    market.change(Order, row.id, reread_at=market.clock.now())

    def change() -> None:
        market.pass_time(3)
        shop.edit(order, "MUG", 5)
        market.deliver("a")
        intake.apply_new(market.engine)

    act_once(shop, "read_order.after", change)
    intake.reread_due(market.engine, market.ids["a"])
    assert market.cache("MUG") == (7, 2)
    market.calm()
    all_is_right(market, 5)


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_refund_without_restock_and_a_later_one_with_it_return_one_unit(market: Market, name: str) -> None:
    shop = market.shops[name]
    order = shop.sell({"MUG": 3}, is_paid=True)
    market.calm()
    shop.refund(order, {"MUG": 1}, restock=False)
    market.calm()
    all_is_right(market, 7)
    shop.refund(order, {"MUG": 1}, restock=True)
    market.calm()
    all_is_right(market, 8)
    (booked,) = market.office.booked.values()
    assert [(line.quantity, line.returned) for line in booked.record.lines] == [(3, 1)]


# ------------------------------------------------------------------------------------------- cursors, outages


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("away_for", [timedelta(hours=3), timedelta(days=8), timedelta(days=70)], ids=str)
def test_what_was_sold_during_an_outage_is_found_after_it(market: Market, name: str, away_for: timedelta) -> None:
    shop, other = market.shops[name], market.shops["b" if name == "a" else "a"]
    shop.faults.is_down = shop.faults.is_deaf = True
    shop.sell({"MUG": 2}, is_paid=True)
    other.sell({"MUG": 1}, is_paid=True)
    for _ in range(4):
        market.pass_time(away_for.total_seconds() / 4)
        for each in market.shops:
            try:
                market.pull(each)
            except ConnectorError:
                assert each == name
        market.settle()
    shop.sell({"MUG": 2}, is_paid=True)
    assert market.shows("MUG") == {name: 6, other.account_id[0]: 9}
    shop.faults.is_down = shop.faults.is_deaf = False
    market.pass_time(600)
    market.pull(name)
    market.calm()
    all_is_right(market, 5)


def test_more_orders_of_one_second_than_a_page_holds_are_all_pulled(market: Market) -> None:
    market.office.set_stock("MUG", 200)
    market.calm()
    shop = market.shops["a"]
    shop.faults.is_deaf = True
    for _ in range(60):
        shop.sell({"MUG": 1}, is_paid=True)
    market.pull("a")
    market.calm()
    all_is_right(market, 140)
    assert len(market.office.booked) == 60


def test_an_order_that_cannot_be_read_is_told_and_holds_up_neither_the_others_nor_the_cursor(market: Market) -> None:
    shop = market.shops["a"]
    good = shop.orders[shop.sell({"MUG": 2}, is_paid=True)].now
    shop.take_deliveries()
    page = OrdersPage(orders=(good,), platform_at=shop.date(), is_last=True, unreadable={"77": "its lines are no list"})
    with market.engine.database.reading() as session:
        connection = session.get_one(Connection, market.ids["a"])
    for _ in range(3):
        pull.take_in_pages(market.engine, connection, [page])
    market.calm()
    assert market.issues() == ["unreadable_delivery"]
    assert market.office.stock("MUG") == 8
    assert [row.state for row in market.rows(Delivery) if row.state == "dead"] == ["dead"]


def test_a_pull_that_fails_leaves_its_cursor_where_it_was(market: Market) -> None:
    shop = market.shops["a"]
    shop.faults.is_deaf = True
    market.pull("a")
    shop.sell({"MUG": 2}, is_paid=True)
    shop.faults.is_down = True
    market.pass_time(1000)
    with contextlib.suppress(ConnectorError):
        market.pull("a")
    shop.faults.is_down = False
    market.pass_time(600)
    market.pull("a")
    market.calm()
    all_is_right(market, 8)


# ------------------------------------------------------------------------------------------- goods


def test_tracking_switched_off_is_no_zero_and_switched_on_again_is_looked_at(market: Market) -> None:
    shop = market.shops["a"]
    shop.track("MUG", None)
    recheck(market, "a")
    market.shops["b"].sell({"MUG": 3}, is_paid=True)
    market.calm()
    assert market.office.stock("MUG") == 7
    assert market.shops["b"].stock("MUG") == 7
    assert market.item("a", "MUG").desired is None
    shop.track("MUG", 4)
    recheck(market, "a")
    market.calm()
    all_is_right(market, 7)


def test_an_item_that_the_back_office_stops_counting_is_not_sold_out(market: Market) -> None:
    """A zero without proof: what is not counted any more is no zero, and the stores keep what they show."""
    item = market.office.item("MUG")
    shelf = market.office.shelves.pop((item.external_id, "L1"))
    market.calm()
    assert market.shows("MUG") == {"a": 10, "b": 10}
    market.office.shelves[item.external_id, "L1"] = shelf
    market.calm()
    all_is_right(market, 10)


def test_a_product_made_anew_under_its_sku_goes_on(market: Market) -> None:
    shop = market.shops["a"]
    order = shop.sell({"MUG": 2}, is_paid=True)
    market.calm()
    shop.delete_item("MUG")
    recheck(market, "a")
    shop.add_item("MUG", 3)
    recheck(market, "a")
    market.calm()
    all_is_right(market, 8)
    shop.sell({"MUG": 1}, is_paid=True)
    shop.refund(order, {"MUG": 1}, restock=True)
    market.calm()
    assert market.office.stock("MUG") == 8
    assert market.shows("MUG") == {"a": 8, "b": 8}


def test_a_product_made_anew_goes_on_when_nobody_told_that_the_old_one_was_deleted(market: Market) -> None:
    shop = market.shops["a"]
    recheck(market, "a")
    shop.delete_item("MUG")
    shop.take_deliveries()
    shop.add_item("MUG", 3)
    recheck(market, "a")
    market.calm()
    all_is_right(market, 10)


def test_a_sale_of_the_product_before_it_was_made_anew_counts_when_it_is_heard_of_late(market: Market) -> None:
    shop = market.shops["a"]
    shop.faults.is_deaf = True
    shop.sell({"MUG": 2}, is_paid=True)
    shop.delete_item("MUG")
    shop.add_item("MUG", 3)
    held = market.held(f"store:{market.ids['a']}")
    catalogue.refresh(market.engine, held, market.ids["a"])  # for a moment both have the SKU
    market.pull("a")
    market.calm()
    all_is_right(market, 8)


def test_skus_that_differ_only_in_case_are_two(market: Market) -> None:
    market.sku("mug", 6)
    market.sweep()
    market.calm()
    market.shops["a"].sell({"mug": 2}, is_paid=True)
    market.shops["b"].sell({"MUG": 3}, is_paid=True)
    market.calm()
    assert (market.shows("MUG"), market.shows("mug")) == ({"a": 7, "b": 7}, {"a": 4, "b": 4})
    assert (market.office.stock("MUG"), market.office.stock("mug")) == (7, 4)


def test_several_listings_on_one_figure_show_it_once(market: Market) -> None:
    """Two products of one store share their stock: whichever is bought, the one figure and one SKU move."""
    shop = market.shops["a"]
    twin = shop.add_item("MUG", stock_id=shop.item("MUG").ref.stock_id)
    recheck(market, "a")
    market.calm()
    shop.sell({"MUG": 2}, is_paid=True)
    shop.items[twin], first = shop.items.pop(twin), shop.item("MUG").external_id
    shop.items[first] = shop.items.pop(first)
    shop.sell({"MUG": 1}, is_paid=True)
    market.shops["b"].sell({"MUG": 3}, is_paid=True)
    market.calm()
    all_is_right(market, 4)


def test_a_reading_that_began_before_our_sale_was_recorded_is_dropped_though_it_ended_after_it(market: Market) -> None:
    market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.deliver()
    market.take_in()
    pending = [market.record]

    def on_call(passed: str) -> None:
        if passed == "read_stock.after" and pending:
            pending.pop()()
            market.pass_time(5)

    market.office.wire.on_call = on_call
    market.sweep()
    assert pending == []
    assert market.cache("MUG") == (7, 0)
    market.calm()
    all_is_right(market, 7)


# ------------------------------------------------------------------------------------------- pushes, processes


@pytest.mark.parametrize("name", ["a", "b"])
def test_two_pushes_of_5_then_4_cannot_be_swapped(market: Market, name: str) -> None:
    """The first one is still on its way in the server when the next one is owed: the next one waits."""
    shop, other = market.shops[name], market.shops["b" if name == "a" else "a"]
    shop.faults.late_writes = 1
    other.sell({"MUG": 5}, is_paid=True)
    market.settle()
    other.sell({"MUG": 1}, is_paid=True)
    market.settle()
    assert market.writes(name) == 1
    market.pass_time(20)
    market.settle()
    shop.land()
    assert shop.stock("MUG") == 5
    market.calm()
    all_is_right(market, 4)


@pytest.mark.parametrize("name", ["a", "b"])
def test_what_a_dead_process_had_sent_is_neither_repeated_nor_taken_for_done(market: Market, name: str) -> None:
    shop = market.shops[name]

    class PowerCut(BaseException):
        """The process is gone."""

    def die() -> None:
        raise PowerCut

    act_once(shop, "write_stock.after", die)
    market.shops["b" if name == "a" else "a"].sell({"MUG": 3}, is_paid=True)
    market.deliver()
    market.take_in()
    with pytest.raises(PowerCut):
        market.push(name)
    market.forget_leases()
    assert push.take_over(market.engine, market.held(f"store:{market.ids[name]}"), market.ids[name]) == 1
    record.take_over(market.engine, market.held(f"backoffice:{market.merchant_id}"), market.merchant_id)
    assert market.push(name) == 0
    assert market.item(name, "MUG").unknown_until is not None
    market.calm()
    all_is_right(market, 7)


def test_a_store_that_goes_live_is_not_pushed_the_number_of_before(quiet_market: Market) -> None:
    """The back office was read in shadow; since then its till has sold. Nothing is pushed before it was read again."""
    market = quiet_market
    market.sweep()
    market.pass_time(60)
    market.office.till_sale("MUG", 6)
    golive.go_live(market.engine, market.held(f"store:{market.ids['a']}"), market.ids["a"], actor="ann")
    market.shops["a"].set_stock("MUG", 4)
    market.look("a")
    market.push("a")
    assert market.shows("MUG")["a"] == 4
    assert market.item("a", "MUG").desired is None
    market.calm()
    assert market.shows("MUG")["a"] == 4
    assert market.writes("a") == 0


@pytest.mark.parametrize("seed", range(3))
def test_stores_stopped_one_by_one_and_freed_in_any_order_end_right(market: Market, seed: int) -> None:
    chance = random.Random(seed)
    sold = 0
    for name in chance.sample(["a", "b"], 2):
        market.shops[name].faults.is_down = True
        for shop in market.shops.values():
            shop.sell({"MUG": 1}, is_paid=True)
            sold += 1
        market.settle()
        market.pass_time(400)
    for name in chance.sample(["a", "b"], 2):
        market.shops[name].faults.is_down = False
        market.pass_time(400)
        market.calm()
    all_is_right(market, 10 - sold)


def test_a_figure_that_a_person_keeps_stays_told_although_it_fits_again(market: Market) -> None:
    """A run was undone; later the store shows what it should. Only the person who holds the figure lets go of it."""
    shop = market.shops["a"]
    market.shops["b"].sell({"MUG": 3}, is_paid=True)
    market.calm()
    (run_id,) = [run.id for run in market.rows(SyncRun) if run.kind == "push" and run.counts.get("acknowledged")]
    market.forget_leases()
    undo.undo(market.engine, market.merchant_id, run_id, actor="me")
    assert shop.stock("MUG") == 10
    shop.set_stock("MUG", 7)
    market.calm()
    assert market.item("a", "MUG").is_kept
    (issue,) = [row for row in market.rows(Issue) if row.state == "open"]
    release.release(market.engine, market.merchant_id, issue.id, release.Choice.OURS, actor="me")
    market.calm()
    assert not market.item("a", "MUG").is_kept
    all_is_right(market, 7)


def recheck(market: Market, name: str) -> None:
    """Let the store's products that it told of be read again."""
    for _ in range(2):
        market.settle()
        market.pass_time(10)
        catalogue.recheck_due(market.engine, market.held(f"store:{market.ids[name]}"), market.ids[name])
    poll.rereads(market.engine, market.held(f"readings:{market.merchant_id}"), market.merchant_id)
