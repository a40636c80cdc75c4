"""A store that is disconnected and connected again: the same connection, a T0 anew, no unit counted twice or forgotten."""

from dataclasses import replace

import pytest

from connectors.sdk.errors import ConnectorError
from schema.tables import Connection, ConnectionState, Issue, IssueState, Listing, Order, StockItem
from syncd.engine import connect, connections, leaving, match, outlook
from syncd.engine.vault import Keyring, new_key
from syncd.errors import NotPossible
from tests.market.market import Market


def leave(market: Market, name: str = "a") -> tuple[str, ...]:
    market.forget_leases()
    return leaving.disconnect(market.engine, market.ids[name], actor="ann")


def come_back(market: Market, name: str = "a", **more) -> int:
    """Connect the same store; it is in shadow."""
    market.forget_leases()
    shop = market.shops[name]
    wanted = connect.StoreRequest(
        merchant_id=market.merchant_id, platform="fake", settings={"shop": shop.account_id}, **more
    )
    done = connect.connect_store(market.engine, wanted, {})
    return done.connection_id


def back_live(market: Market, name: str = "a") -> None:
    come_back(market, name)
    market.pull(name)
    market.calm(100)
    market.go_live(name)


def booked(market: Market) -> int:
    """Units that the back office got from us and that did not come back."""
    lines = [line for sale in market.office.booked.values() for line in sale.record.lines]
    return sum(line.quantity - line.returned for line in lines)


def row(market: Market, name: str = "a") -> Connection:
    return next(found for found in market.rows(Connection) if found.id == market.ids[name])


def test_the_same_store_takes_up_its_connection_with_all_that_it_had(market: Market) -> None:
    other = market.shops["a"].add_item("CUP (blue)", 4)
    before = row(market)
    leave(market)
    assert row(market).state is ConnectionState.DISCONNECTED
    market.pass_time(3600)
    assert come_back(market) == market.ids["a"]
    after = row(market)
    assert (after.state, after.name, after.code, after.public_id) == (
        ConnectionState.SHADOW,
        before.name,
        before.code,
        before.public_id,
    )
    assert (after.live_at, after.live_since) == (None, None)
    listings = {one.external_id: one for one in market.rows(Listing) if one.connection_id == market.ids["a"]}
    assert {one.sku for one in listings.values()} == {"MUG", None}
    assert other in listings
    market.go_live("a")
    assert row(market).live_at > before.live_at
    market.shops["b"].sell({"MUG": 3}, is_paid=True)
    market.calm()
    assert market.shows("MUG") == {"a": 7, "b": 7}


def test_a_new_key_does_not_bring_back_a_store_that_was_left(market: Market) -> None:
    leave(market)
    with pytest.raises(NotPossible, match=r"was disconnected\. Connect it again"):
        connect.reconnect(market.engine, market.ids["a"], {}, actor="ann")
    assert row(market).state is ConnectionState.DISCONNECTED


def test_what_a_person_matched_stays_matched(market: Market) -> None:
    external_id = market.shops["a"].items[next(iter(market.shops["a"].items))].external_id
    match.ignore(market.engine, market.ids["a"], external_id, actor="ann")
    leave(market)
    come_back(market)
    (listing,) = [one for one in market.rows(Listing) if one.connection_id == market.ids["a"]]
    assert (listing.match, listing.is_by_hand) == ("ignored", True)


@pytest.mark.parametrize(("wanted", "kept"), [({}, "placed"), ({"record": "paid"}, "paid")])
def test_when_its_orders_are_recorded_stays_as_it_was_unless_it_is_said_anew(
    market: Market, wanted: dict[str, str], kept: str
) -> None:
    connections.change(market.engine, market.ids["a"], record="placed", actor="ann")
    leave(market)
    come_back(market, **wanted)
    assert row(market).record == kept


def test_a_store_whose_name_was_taken_gets_another_one(market: Market) -> None:
    leave(market)
    market.change(Connection, market.ids["b"], name="c")
    connections.change(market.engine, market.ids["b"], name="a", actor="ann")
    come_back(market)
    assert (row(market).name, row(market, "b").name) == ("a 2", "a")


@pytest.mark.parametrize("is_gone_for", [3600, 90 * 86400])
@pytest.mark.parametrize(
    ("story", "left", "recorded"),
    [
        # (an order of 3 before it leaves | what happens while it is away; what stores show at the end; units in the
        # back office from us). 10 lie on the shelf, and the back office knows of nothing but what we record.
        ("paid | ", 7, 3),
        ("paid | restocked", 10, 0),  # ours to record, so its return is ours too
        ("unpaid | ", 7, 0),  # still open, counted once
        ("unpaid | paid", 10, 0),  # paid while nobody listened: the merchant rings it up himself
        ("unpaid | restocked", 10, 0),
        (" | unpaid", 7, 0),  # sold while it was away, not paid: ours from now on
        (" | paid", 10, 0),  # and paid: the merchant's own
    ],
)
def test_orders_around_an_absence(market: Market, story: str, left: int, recorded: int, is_gone_for: int) -> None:
    shop = market.shops["a"]
    before, meanwhile = (part.strip() for part in story.split("|"))
    order = shop.sell({"MUG": 3}, is_paid=before == "paid") if before else ""
    market.calm(100)
    leave(market)
    market.pass_time(is_gone_for / 2)
    if meanwhile == "restocked":
        shop.cancel(order)
    elif before and meanwhile == "paid":
        shop.pay(order)
    elif meanwhile:
        shop.sell({"MUG": 3}, is_paid=meanwhile == "paid")
    shop.take_deliveries()
    market.pass_time(is_gone_for / 2)
    back_live(market)
    market.calm()
    assert market.shows("MUG") == {"a": left, "b": left}
    assert booked(market) == recorded
    assert market.cache("MUG")[1] == (3 if left == 7 and not recorded else 0)
    assert market.issues() == []


def test_an_unpaid_order_from_before_is_recorded_once_when_it_is_paid_afterwards(market: Market) -> None:
    shop = market.shops["a"]
    order = shop.sell({"MUG": 3}, is_paid=False)
    market.calm(100)
    leave(market)
    market.pass_time(3600)
    back_live(market)
    assert market.cache("MUG") == (10, 3)
    shop.pay(order)
    market.calm()
    assert booked(market) == 3
    assert market.shows("MUG") == {"a": 7, "b": 7}


def test_a_sale_that_waited_for_the_back_office_is_recorded_all_the_same(market: Market) -> None:
    market.office.faults.is_down = True
    market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.calm(100)
    leave(market)
    market.pass_time(600)
    market.office.faults.is_down = False
    back_live(market)
    market.calm()
    assert booked(market) == 3
    assert market.shows("MUG") == {"a": 7, "b": 7}


def test_a_refund_that_is_heard_of_in_shadow_counts(market: Market) -> None:
    shop = market.shops["a"]
    order = shop.sell({"MUG": 3}, is_paid=True)
    market.calm(100)
    leave(market)
    come_back(market)
    market.pass_time(5)
    shop.refund(order, {"MUG": 1}, restock=True)
    market.pull("a")
    market.calm(100)
    assert booked(market) == 2
    market.go_live("a")
    market.calm()
    assert booked(market) == 2
    assert market.shows("MUG") == {"a": 8, "b": 8}


def test_the_last_sales_are_heard_of_before_a_store_leaves(market: Market) -> None:
    shop = market.shops["a"]
    shop.faults.is_deaf = True
    shop.sell({"MUG": 3}, is_paid=True)
    assert leave(market) == ()
    market.calm()
    assert booked(market) == 3
    assert market.shows("MUG")["b"] == 7


def test_a_store_that_does_not_answer_leaves_with_a_warning(market: Market) -> None:
    market.shops["a"].faults.is_down = True
    (warning,) = leave(market)
    assert "last orders could not be read" in warning
    assert row(market).state is ConnectionState.DISCONNECTED


def test_a_store_that_takes_our_key_no_more_leaves_with_a_warning(market: Market) -> None:
    market.change(Connection, market.ids["a"], state=ConnectionState.NEEDS_AUTH)
    (warning,) = leave(market)
    assert "last orders could not be read" in warning


def test_what_was_held_in_a_store_that_leaves_is_nobodys_business_any_more(market: Market) -> None:
    market.change(StockItem, market.item("a", "MUG").id, held=30, is_kept=True)
    leave(market)
    assert market.item("a", "MUG").held == 0
    assert [issue for issue in market.rows(Issue) if issue.state is IssueState.OPEN] == []


def test_the_preview_counts_what_is_open_already_once(market: Market) -> None:
    shop = market.shops["a"]
    shop.sell({"MUG": 3}, is_paid=False)
    paid = shop.sell({"MUG": 2}, is_paid=False)
    market.calm(100)
    leave(market)
    market.pass_time(60)
    shop.pay(paid)
    shop.take_deliveries()
    come_back(market)
    market.pull("a")
    market.sweep()
    market.pass_time(5)
    preview = outlook.preview(market.engine, market.ids["a"])
    assert [(one.order_id, one.units) for one in preview.paid_before] == [(paid, 2)]
    (line,) = preview.rows
    assert line.will_show == 7  # 10 less the 3 that are open; the 2 were paid while it was away
    market.pass_time(5)
    market.go_live("a")
    market.calm()
    assert market.shows("MUG")["a"] == 7


def test_an_order_that_is_still_open_is_read_again_however_old_it_is(market: Market) -> None:
    """Closed in the store meanwhile, and older than what is pulled: nothing tells of it by itself."""
    shop = market.shops["a"]
    order = shop.sell({"MUG": 3}, is_paid=False)
    market.calm(100)
    leave(market)
    shop.cancel(order)
    shop.close_order(order)
    market.pass_time(100 * 86400)
    market.change(Connection, market.ids["a"], orders_cursor=None)
    back_live(market)
    market.calm()
    assert market.cache("MUG") == (10, 0)
    assert next(found for found in market.rows(Order) if found.external_id == order).cancelled_at is not None


def test_nothing_is_kept_of_a_store_that_cannot_be_connected_again(market: Market) -> None:
    leave(market)
    market.shops["a"].faults.is_denied = True
    with pytest.raises(ConnectorError):
        come_back(market)
    assert row(market).state is ConnectionState.DISCONNECTED


@pytest.mark.parametrize("why", ["no connector", "another key"])
def test_a_store_that_we_cannot_even_speak_to_can_be_left(market: Market, why: str) -> None:
    if why == "no connector":
        plugins = {name: plugin for name, plugin in market.engine.plugins.items() if name != "fake"}
        market.engine = replace(market.engine, plugins=plugins)
        market.engine.connectors.forget(market.ids["a"])
    else:
        market.change(Connection, market.ids["a"], credentials=Keyring([new_key()]).seal({}))
        market.shops["a"].faults.is_denied = True
    warnings = leave(market)
    assert "last orders could not be read" in warnings[0]
    assert row(market).state is ConnectionState.DISCONNECTED
