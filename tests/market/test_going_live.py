"""Going live with orders of every kind: no unit counted twice, none forgotten (STOCK.md §8)."""

import pytest

from schema.tables import AuditEvent, Connection, ConnectionState, Order
from syncd.engine import catalogue, connections, golive, outlook, poll
from syncd.errors import NotPossible
from tests.market.market import Market


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize(
    ("story", "left", "recorded"),
    [
        # (what happens before and after T0; what every store shows at the end; units that the back office got from us)
        # Paid before: the merchant has rung it up (10 on the shelf is without it). Nothing is owed.
        ("paid", 10, 0),
        # Unpaid before: the shelf still holds its 3.
        ("unpaid", 7, 0),
        ("unpaid, paid after", 7, 3),
        ("unpaid, cancelled before", 10, 0),
        ("unpaid, cancelled after", 10, 0),
        ("paid, cancelled before", 10, 0),
        # Its sale is the merchant's own affair, so its return is too: the shelf says 10 until he books it.
        ("paid, cancelled after", 10, 0),
        ("none, paid after", 7, 3),
    ],
)
def test_orders_around_going_live(quiet_market: Market, name: str, story: str, left: int, recorded: int) -> None:
    market, shop = quiet_market, quiet_market.shops[name]
    order = "" if story.startswith("none") else shop.sell({"MUG": 3}, is_paid=story.startswith("paid"))
    market.pass_time(10)
    if story.endswith("cancelled before"):
        shop.cancel(order)
    market.pass_time(10)
    shop.take_deliveries()
    market.go_live()
    market.pass_time(30)
    if story.endswith("cancelled after"):
        shop.cancel(order)
    if story == "unpaid, paid after":
        shop.pay(order)
    if story == "none, paid after":
        shop.sell({"MUG": 3}, is_paid=True)
    market.calm()
    assert market.shows("MUG") == {"a": left, "b": left}
    assert sum(line.quantity for sale in market.office.booked.values() for line in sale.record.lines) == recorded
    assert market.issues() == (["baseline_changed"] if story == "paid, cancelled after" else [])


def test_an_order_paid_before_going_live_and_heard_of_after_it_is_baseline(quiet_market: Market) -> None:
    market, shop = quiet_market, quiet_market.shops["a"]
    order = shop.sell({"MUG": 3}, is_paid=False)
    old = shop.take_deliveries()
    market.pass_time(10)
    shop.pay(order)
    late = shop.take_deliveries()
    market.pass_time(10)
    market.go_live()
    for delivery in (*late, *old):
        market.store_delivery("a", *delivery)
    market.calm()
    assert market.cache("MUG") == (10, 0)
    assert market.office.booked == {}


def test_nothing_is_pushed_in_shadow_and_the_preview_says_what_would_be(quiet_market: Market) -> None:
    market = quiet_market
    market.shops["b"].set_stock("MUG", 4)
    market.shops["b"].sell({"MUG": 1}, is_paid=False)
    market.settle()
    market.sweep()
    preview = outlook.preview(market.engine, market.ids["b"])
    (row,) = preview.rows
    assert (row.sku, row.shows_now, row.will_show) == ("MUG", 3, 9)
    assert market.writes("b") == 0
    market.go_live("b")
    market.calm()
    assert market.shows("MUG")["b"] == 9


def test_two_products_on_one_stock_will_show_the_lesser_number_and_say_so(quiet_market: Market) -> None:
    market = quiet_market
    shop = market.shops["b"]
    shop.add_item("TIN", stock_id=shop.item("MUG").ref.stock_id)
    market.office.add_item("TIN", {"L1": 4})
    poll.catalogue(market.engine, market.held(f"readings:{market.merchant_id}"), market.merchant_id)
    market.sweep()
    catalogue.refresh(market.engine, market.held(f"store:{market.ids['b']}"), market.ids["b"])
    rows = {row.sku: row for row in outlook.preview(market.engine, market.ids["b"]).rows}
    assert {sku: (row.shows_now, row.will_show) for sku, row in rows.items()} == {"MUG": (10, 4), "TIN": (10, 4)}
    assert rows["MUG"].reason == "10 available, and no more than the other products on the same stock"
    assert rows["TIN"].reason == "4 available"


def test_a_paid_order_from_before_can_be_recorded_on_request(quiet_market: Market) -> None:
    market = quiet_market
    order = market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.settle()
    market.pass_time(5)
    (before,) = outlook.preview(market.engine, market.ids["a"]).paid_before
    assert (before.order_id, before.units) == (order, 3)
    market.pass_time(5)
    golive.go_live(market.engine, market.held(f"store:{market.ids['a']}"), market.ids["a"], record=[order], actor="ann")
    market.calm()
    assert market.office.stock("MUG") == 7
    assert market.shows("MUG")["a"] == 7


def test_with_the_policy_placed_an_unpaid_order_is_recorded_at_once(quiet_market: Market) -> None:
    market = quiet_market
    market.change(Connection, market.ids["a"], record="placed")
    market.go_live()
    market.pass_time(30)
    market.shops["a"].sell({"MUG": 2}, is_paid=False)
    market.calm()
    assert market.office.stock("MUG") == 8


def test_who_made_a_store_live_is_on_record(quiet_market: Market) -> None:
    market = quiet_market
    market.go_live("a")
    (deed,) = [row for row in market.rows(AuditEvent) if row.action == "connection.live"]
    assert (deed.actor, deed.target) == ("ann", "a")


def test_a_store_that_is_paused_while_it_goes_live_stays_paused(quiet_market: Market) -> None:
    market = quiet_market
    shop = market.shops["a"]

    def pause(moment: str) -> None:
        if moment == "open_orders.before":
            connections.pause(market.engine, market.ids["a"], actor="ben")

    shop.wire.on_call = pause
    with pytest.raises(NotPossible, match="is paused"):
        market.go_live("a")
    (store,) = [row for row in market.rows(Connection) if row.name == "a"]
    assert (store.state, store.live_at) == (ConnectionState.PAUSED, None)


def test_what_was_sold_and_closed_while_a_store_in_shadow_was_away_for_long_is_heard_of(quiet_market: Market) -> None:
    market = quiet_market
    shop = market.shops["a"]
    order = shop.sell({"MUG": 1}, is_paid=True)
    shop.cancel(order, restock=False)
    shop.take_deliveries()
    market.pass_time(70 * 86_400)
    market.go_live("a")
    assert [row.external_id for row in market.rows(Order)] == [order]
    assert market.cache("MUG") == (10, 0)
