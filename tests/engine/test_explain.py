"""Every number is accounted for to the unit: the receipt, the ledger and the store agree."""

import pytest
from sqlmodel import select

from schema.tables import ConnectionState, InventoryCache, RuleKind
from syncd.domain.explain import Sign
from syncd.engine import connections, explain, rule_setting, runs, sales, stock_view, sync
from syncd.errors import NotPossible
from tests.engine.world import AN_HOUR

ACTOR = "ada@example.com"


def synced(world):
    sync.want(world.engine, world.merchant_id, actor=ACTOR)
    runs.begin_wanted(world.engine)


def told(world, sku="MUG"):
    with world.engine.database.reading() as session:
        found = explain.explain(session, world.merchant_id, sku, world.clock.now())
    return {store.connection: store for store in found.stores}


def line(store, label):
    return next(each for each in store.lines if each.label == label)


def the_sum(store):
    """What the lines that add and take come to, up to what should be shown."""
    total = 0
    for each in store.lines:
        if each.sign is Sign.ADDS:
            total += each.amount
        elif each.sign is Sign.TAKES:
            total -= each.amount
    return total


def set_rule(world, kind, value, **scope):
    rule_setting.set_rule(world.engine, world.merchant_id, kind, value, actor=ACTOR, **scope)


def test_a_receipt_sums_to_what_the_store_shows(merchant_with):
    world = merchant_with(skus={"MUG": 50})
    set_rule(world, RuleKind.SAFETY_STOCK, 2)
    set_rule(world, RuleKind.BUFFER, 1, connection_id=world.connection_ids["B"])
    world.stores["A"].sell({"MUG": 3}, is_paid=False)
    synced(world)
    for name, shows in (("A", 45), ("B", 44)):
        store = told(world)[name]
        assert (the_sum(store), store.desired, store.shows) == (shows, shows, shows)
        assert world.stores[name].stock("MUG") == shows


def test_open_orders_are_named_with_their_store_and_why_they_are_open(merchant_with):
    world = merchant_with(skus={"MUG": 50})
    order = world.stores["A"].sell({"MUG": 3}, is_paid=False)
    synced(world)
    opened = line(told(world)["B"], "open orders")
    assert (opened.amount, opened.detail) == (3, f"#{order} (3), A, not paid yet")
    with world.engine.database.reading() as session:
        assert session.exec(select(InventoryCache.open)).one() == opened.amount


def test_our_own_recorded_writes_since_the_reading_are_told_by_order(merchant_with):
    world = merchant_with(skus={"MUG": 50})
    order = world.stores["A"].sell({"MUG": 3})
    synced(world)
    detail = line(told(world)["B"], "on hand")
    assert detail.amount == 47
    assert f"#{order} -3" in detail.detail or "47 by Office's reading" in detail.detail


def test_the_push_that_set_a_number_is_named(merchant_with):
    world = merchant_with(skus={"MUG": 50})
    order = world.stores["A"].sell({"MUG": 3}, is_paid=False)
    synced(world)
    story = line(told(world)["B"], "shows").detail
    assert "pushed 50 to 47 at 10:00:01 by run" in story
    assert f"because of order #{order}" in story
    assert "confirmed" in story


def test_a_number_that_waits_or_is_held_says_why(merchant_with):
    world = merchant_with(skus={"MUG": 50})
    world.stores["A"].set_stock("MUG", 99)
    synced(world)
    assert "held: +49 that no order explains" in line(told(world)["A"], "shows").detail
    connections.pause(world.engine, world.connection_ids["B"], actor=ACTOR)
    assert line(told(world)["B"], "shows").detail.startswith("paused")


def test_a_store_in_shadow_says_so(merchant_with):
    world = merchant_with(state=ConnectionState.SHADOW)
    assert line(told(world)["A"], "shows").detail.startswith("in shadow")


def test_below_zero_is_shown_as_zero_and_the_receipt_still_sums(merchant_with):
    world = merchant_with(skus={"MUG": 2})
    set_rule(world, RuleKind.SAFETY_STOCK, 5, sku="MUG")
    store = told(world)["A"]
    assert (the_sum(store), store.desired) == (0, 0)
    assert line(store, "safety stock").detail == "set for this SKU"


def test_an_unknown_sku_has_no_receipt(merchant_with):
    world = merchant_with()
    with pytest.raises(NotPossible, match="SKUs count capitals"):
        told(world, "mug")


def test_stock_of_an_earlier_time_is_the_ledgers_and_the_pushes(merchant_with):
    world = merchant_with(skus={"MUG": 50})
    world.stores["A"].sell({"MUG": 3}, is_paid=False)
    synced(world)
    then = world.clock.now()
    world.clock.advance(AN_HOUR)
    world.stores["A"].sell({"MUG": 4}, is_paid=False)
    synced(world)
    with world.engine.database.reading() as session:
        (past,) = stock_view.stock_of(session, world.merchant_id, "MUG", then)
        (now,) = stock_view.stock_of(session, world.merchant_id, "MUG")
    assert (past.on_hand, past.open, past.available) == (50, 3, 47)
    assert {each.connection: each.observed for each in past.listings} == {"A": None, "B": 47}
    assert (now.open, {each.connection: each.observed for each in now.listings}) == (7, {"A": 43, "B": 43})


def test_each_sale_is_listed_once_with_its_place_in_the_back_office(merchant_with):
    world = merchant_with(skus={"MUG": 50})
    paid = world.stores["A"].sell({"MUG": 3})
    unpaid = world.stores["B"].sell({"MUG": 1}, is_paid=False)
    synced(world)
    with world.engine.database.reading() as session:
        rows = {row.connection: row for row in sales.list_sales(session, world.merchant_id)}
    assert {name: row.order_id for name, row in rows.items()} == {"A": paid, "B": unpaid}
    assert (rows["A"].quantity, rows["A"].state) == (3, "recorded")
    assert rows["A"].backoffice_id in world.office.booked
    assert (rows["B"].backoffice_id, rows["B"].state) == (None, "waits for payment")


def test_stock_of_an_earlier_time_has_the_safety_stock_of_then(merchant_with):
    world = merchant_with(skus={"MUG": 50, "CUP": 9})
    times = []

    def later() -> None:
        times.append(world.clock.now())
        world.clock.advance(AN_HOUR)

    def set_safety(value, sku=None) -> None:
        rule_setting.set_rule(world.engine, world.merchant_id, RuleKind.SAFETY_STOCK, value, sku=sku, actor=ACTOR)
        later()

    later()
    set_safety(3)
    set_safety(5, "MUG")
    set_safety(1, "CUP")
    set_safety(None, "MUG")
    set_safety(None)
    with world.engine.database.reading() as session:
        told = [stock_view.stock_of(session, world.merchant_id, "MUG", at)[0] for at in times]
    assert [each.safety_stock for each in told] == [0, 3, 5, 5, 3, 0]
    assert [each.available for each in told] == [50, 47, 45, 45, 47, 50]
