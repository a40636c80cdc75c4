"""The own ledger begins with what a store shows, and no unit counts twice, whatever was sold before, meanwhile or late."""

from datetime import timedelta

import pytest
from sqlmodel import select

from schema.tables import ConnectionState, InventoryCache, Listing, Match, StartingStock
from syncd.engine import adjust, catalogue, golive, look, match, outlook, push, record, settling, starting
from syncd.engine.hands import backoffice_hand, store_hand
from syncd.engine.pull import pull_orders
from syncd.errors import NotPossible
from tests.engine.world import add_store

ACTOR = "ada@example.com"
SETTLE = timedelta(seconds=61)


@pytest.fixture
def world(merchant_with):
    """Own ledger, empty; store A in shadow has ten mugs, four tins and something that nobody counts."""
    world = merchant_with(stores=("A",), skus={}, office=False, state=ConnectionState.SHADOW)
    world.stores["A"].add_item("MUG", 10)
    world.stores["A"].add_item("TIN", 4)
    world.stores["A"].add_item("VOUCHER", tracked=False)
    world.stores["A"].add_item(None, 3)
    read(world, "A")
    return world


def read(world, name):
    tick(world)
    with store_hand(world.engine, world.connection_ids[name]) as held:
        catalogue.refresh(world.engine, held, world.connection_ids[name])


def tick(world, seconds=1):
    world.clock.advance(timedelta(seconds=seconds))


def take(world, *skus, name="A"):
    tick(world)
    with store_hand(world.engine, world.connection_ids[name]) as held:
        return starting.take(world.engine, held, world.connection_ids[name], skus, actor=ACTOR)


def go_live(world, name="A"):
    tick(world)
    with store_hand(world.engine, world.connection_ids[name]) as held:
        golive.go_live(world.engine, held, world.connection_ids[name], actor=ACTOR)


def work(world, *names, rounds=3):
    """The daemon's hands, a few times."""
    for _ in range(rounds):
        tick(world)
        for name in names or ("A",):
            connection_id = world.connection_ids[name]
            with store_hand(world.engine, connection_id) as held:
                pull_orders(world.engine, held, connection_id)
                look.look_due(world.engine, held, connection_id)
                settling.settle_due(world.engine, held, connection_id)
                push.push_owed(world.engine, held, connection_id)
        with backoffice_hand(world.engine, world.merchant_id) as held:
            record.record_due(world.engine, held, world.merchant_id)


def settle(world, *names):
    work(world, *names)
    world.clock.advance(SETTLE)
    work(world, *names)


def cache(world, sku="MUG"):
    with world.engine.database.reading() as session:
        return session.exec(select(InventoryCache).where(InventoryCache.sku == sku)).one()


def available(world, sku="MUG"):
    row = cache(world, sku)
    return row.on_hand - row.open


def preview(world, sku="MUG"):
    rows = outlook.preview(world.engine, world.connection_ids["A"]).rows
    return next(row for row in rows if row.sku == sku)


def unsettled(world):
    with world.engine.database.reading() as session:
        return session.exec(select(StartingStock.sku).where(StartingStock.settled_at == None)).all()  # noqa: E711


# ------------------------------------------------------------------------------------------- taking


def test_the_stores_products_become_skus_with_the_stores_quantities(world):
    taken = take(world)
    assert taken.skus == ("MUG", "TIN")
    assert taken.left == {"VOUCHER": starting.NOT_TRACKED}
    assert (available(world, "MUG"), available(world, "TIN")) == (10, 4)
    with world.engine.database.reading() as session:
        matches = {row.external_sku: row.match for row in session.exec(select(Listing))}
    assert (matches["MUG"], matches["TIN"], matches["VOUCHER"]) == (Match.LINKED, Match.LINKED, Match.UNMATCHED)


def test_taking_again_changes_nothing(world):
    take(world)
    assert take(world).skus == ()
    assert available(world) == 10


def test_only_the_skus_that_were_named_are_taken(world):
    assert take(world, "TIN").skus == ("TIN",)


def test_going_live_right_away_changes_no_number(world):
    take(world)
    assert preview(world).will_show == 10
    go_live(world)
    settle(world)
    assert (world.stores["A"].stock("MUG"), available(world)) == (10, 10)
    assert unsettled(world) == []


def test_one_figure_behind_two_skus_is_no_stock_of_either(world):
    shop = world.stores["A"]
    shop.add_item("MUG-RED", stock_id=shop.item("MUG").ref.stock_id)
    read(world, "A")
    assert take(world).left["MUG"] == starting.SHARED


def test_safety_stock_is_added_so_that_the_store_goes_on_showing_what_it_shows(world):
    from schema.tables import RuleKind
    from syncd.engine import rule_setting

    rule_setting.set_rule(
        world.engine, world.merchant_id, RuleKind.SAFETY_STOCK, 2, connection_id=None, sku=None, actor=ACTOR
    )
    take(world)
    go_live(world)
    settle(world)
    assert (cache(world).on_hand, world.stores["A"].stock("MUG")) == (12, 10)


def test_where_a_back_office_is_the_authority_nothing_is_taken(merchant_with):
    world = merchant_with(stores=("A",))
    with pytest.raises(NotPossible, match="make the products there"):
        take(world)


def test_what_a_person_unlinked_is_not_taken(world):
    take(world)
    match.unlink(world.engine, world.connection_ids["A"], "MUG", actor=ACTOR)
    assert take(world).skus == ()


# ------------------------------------------------------------------------------------------- what is sold in between


def test_what_was_sold_in_shadow_is_not_on_the_shelf_any_more(world):
    take(world)
    world.stores["A"].sell({"MUG": 2})
    tick(world)
    row = preview(world)
    assert (row.shows_now, row.will_show) == (8, 8)
    go_live(world)
    settle(world)
    assert (world.stores["A"].stock("MUG"), available(world)) == (8, 8)


def test_an_unpaid_order_from_before_is_counted_once(world):
    shop = world.stores["A"]
    order = shop.sell({"MUG": 3}, is_paid=False)
    take(world)
    assert available(world) == 7
    assert preview(world).will_show == 7
    go_live(world)
    settle(world)
    assert (cache(world).on_hand, cache(world).open, shop.stock("MUG")) == (10, 3, 7)
    shop.pay(order)
    work(world)
    assert (cache(world).on_hand, cache(world).open, shop.stock("MUG")) == (7, 0, 7)


def test_an_order_unpaid_at_the_taking_and_paid_before_going_live_is_counted_once(world):
    shop = world.stores["A"]
    order = shop.sell({"MUG": 3}, is_paid=False)
    take(world)
    tick(world)
    shop.pay(order)
    go_live(world)
    settle(world)
    assert (available(world), shop.stock("MUG")) == (7, 7)


def test_a_sale_between_going_live_and_the_sure_look_is_counted_once(world):
    take(world)
    go_live(world)
    work(world)
    world.stores["A"].sell({"MUG": 1})
    settle(world)
    assert (available(world), world.stores["A"].stock("MUG")) == (9, 9)


def test_an_order_that_the_lists_tell_late_is_counted_once(world):
    shop = world.stores["A"]
    take(world)
    go_live(world)
    shop.faults.order_lag = timedelta(seconds=20)
    shop.sell({"MUG": 1})
    work(world)
    world.clock.advance(timedelta(seconds=20))
    work(world)
    shop.faults.order_lag = timedelta(0)
    settle(world)
    settle(world)
    assert (available(world), shop.stock("MUG"), unsettled(world)) == (9, 9, [])


def test_staff_who_type_another_number_in_shadow_are_believed(world):
    take(world)
    world.stores["A"].set_stock("MUG", 25)
    assert preview(world).will_show == 25
    go_live(world)
    settle(world)
    assert (available(world), world.stores["A"].stock("MUG")) == (25, 25)


def test_a_cancelled_order_from_before_gives_its_units_back(world):
    shop = world.stores["A"]
    order = shop.sell({"MUG": 2}, is_paid=False)
    take(world)
    tick(world)
    shop.cancel(order)
    go_live(world)
    settle(world)
    assert (available(world), shop.stock("MUG")) == (10, 10)


def test_until_it_is_settled_the_stores_number_is_left_alone(world):
    take(world)
    go_live(world)
    work(world)
    assert unsettled(world) == ["MUG", "TIN"]
    assert world.stock_item("A", "MUG").desired is None


def test_a_person_who_counts_meanwhile_is_right(world):
    take(world)
    world.stores["A"].sell({"MUG": 2})
    adjust.adjust(world.engine, world.merchant_id, "MUG", to=20, reason="counted", actor=ACTOR)
    go_live(world)
    settle(world)
    assert (available(world), world.stores["A"].stock("MUG")) == (20, 20)


def test_what_another_live_store_sold_in_between_stays_sold(world):
    with world.engine.database.transaction() as session:
        add_store(session, world, "B")
    world.stores["B"].add_item("MUG", 10)
    read(world, "B")
    take(world)
    work(world, "B")
    world.stores["B"].sell({"MUG": 3})
    work(world, "B")
    world.stores["A"].sell({"MUG": 2})
    tick(world)
    assert available(world) == 7
    go_live(world)
    settle(world, "A", "B")
    assert (available(world), world.stores["A"].stock("MUG"), world.stores["B"].stock("MUG")) == (5, 5, 5)


# ------------------------------------------------------------------------------------------- a store that is live


def test_a_live_stores_earlier_sales_are_counted_once(world):
    shop = world.stores["A"]
    go_live(world)
    shop.sell({"MUG": 2})
    shop.sell({"MUG": 1}, is_paid=False)
    work(world)
    take(world)
    settle(world)
    assert (available(world), shop.stock("MUG")) == (7, 7)
    assert cache(world).open == 1


def test_a_listing_that_is_gone_holds_nothing_up(world):
    take(world)
    world.stores["A"].delete_item("MUG")
    go_live(world)
    read(world, "A")
    settle(world)
    assert unsettled(world) == []
