"""Goods that come and go: in a store, and in the back office."""

import pytest

from schema.tables import Connection, Issue, Listing, Order
from syncd.engine import catalogue, due, leaving, poll, reconcile, record_by_hand
from tests.market.market import Market


def test_an_sku_that_the_back_office_gets_later_is_linked_and_its_sales_are_recorded(market: Market) -> None:
    shop = market.shops["a"]
    shop.add_item("NEW", 5)
    market.settle()
    catalogue.recheck_due(market.engine, market.held(f"store:{market.ids['a']}"), market.ids["a"])
    market.pass_time(60)
    catalogue.recheck_due(market.engine, market.held(f"store:{market.ids['a']}"), market.ids["a"])
    shop.sell({"NEW": 2}, is_paid=True)
    market.calm()
    assert market.issues() == ["unknown_sku"]
    market.office.add_item("NEW", {"L1": 8})
    poll.catalogue(market.engine, market.held(f"readings:{market.merchant_id}"), market.merchant_id)
    market.calm()
    assert market.issues() == []
    assert market.office.stock("NEW") == 6
    assert shop.stock("NEW") == 6


@pytest.mark.parametrize("how", ["deleted", "tracked no more"])
def test_a_figure_that_is_gone_is_not_asked_for_for_ever(market: Market, how: str) -> None:
    """A push to it got no answer, so a look is due; nothing will ever answer that."""
    shop = market.shops["a"]
    shop.faults.swallowed_writes = 1
    market.shops["b"].sell({"MUG": 3}, is_paid=True)
    market.settle()
    if how == "deleted":
        shop.delete_item("MUG")
    else:
        shop.track("MUG", None)
    for _ in range(6):
        market.settle()
        catalogue.recheck_due(market.engine, market.held(f"store:{market.ids['a']}"), market.ids["a"])
        market.pass_time(60)
    asked = shop.wire.calls["read_stock"]
    for _ in range(5):
        market.pass_time(60)
        assert market.look("a") == 0
    assert shop.wire.calls["read_stock"] == asked
    (listing,) = [row for row in market.rows(Listing) if row.connection_id == market.ids["a"]]
    assert listing.gone_at is not None or not listing.tracked
    assert not has_work(market, "a")


@pytest.mark.parametrize("how", ["it is taken", "nothing is owed", "it is deleted", "the store is left"])
def test_a_number_that_a_store_refuses_is_told_until_that_is_over(market: Market, how: str) -> None:
    shop, other = market.shops["a"], market.shops["b"]
    stock_id = shop.item("MUG").ref.stock_id
    shop.unwritable[stock_id] = "a bundle has no stock of its own"
    sold = other.sell({"MUG": 3}, is_paid=True)
    market.calm()
    (issue,) = market.rows(Issue)
    assert (issue.kind, issue.why) == ("push_refused", "a bundle has no stock of its own")
    assert market.shows("MUG") == {"a": 10, "b": 7}
    match how:
        case "it is taken":
            shop.unwritable.clear()
        case "nothing is owed":
            other.cancel(sold)
        case "it is deleted":
            shop.delete_item("MUG")
            catalogue.refresh(market.engine, market.held(f"store:{market.ids['a']}"), market.ids["a"])
        case "the store is left":
            market.forget_leases()
            leaving.disconnect(market.engine, market.ids["a"], actor="ann")
    market.calm(8000, every=1000)
    if how == "nothing is owed":
        reconcile.reconcile(market.engine, market.held(f"store:{market.ids['a']}"), market.ids["a"])
    assert "push_refused" not in market.issues()
    assert market.item("a", "MUG").attempts == 0


def test_a_product_that_was_sold_and_deleted_before_we_read_it_counts_all_the_same(market: Market) -> None:
    shop = market.shops["a"]
    shop.delete_item("MUG")
    shop.add_item("MUG", 5)
    shop.sell({"MUG": 2}, is_paid=True)
    shop.delete_item("MUG")
    for _ in range(3):
        market.settle()
        market.pass_time(10)
        catalogue.recheck_due(market.engine, market.held(f"store:{market.ids['a']}"), market.ids["a"])
    market.calm()
    assert market.office.stock("MUG") == 8
    assert market.shops["b"].stock("MUG") == 8
    assert market.issues() == ["listing_gone"]


def test_a_product_that_was_deleted_before_its_sale_was_counted_counts_all_the_same(
    market: Market, monkeypatch
) -> None:
    """The process died after it had read the product, and before it counted the sale that had waited for that."""
    shop, held = market.shops["a"], market.held(f"store:{market.ids['a']}")
    shop.delete_item("MUG")
    shop.add_item("MUG", 5)
    shop.sell({"MUG": 2}, is_paid=True)
    market.settle()
    monkeypatch.setattr(catalogue, "count_earlier_orders", lambda *_: 0)
    catalogue.refresh(market.engine, held, market.ids["a"])
    monkeypatch.undo()
    shop.delete_item("MUG")
    catalogue.refresh(market.engine, held, market.ids["a"])
    market.calm()
    assert market.office.stock("MUG") == 8
    assert market.shops["b"].stock("MUG") == 8


def test_an_order_that_was_let_go_is_not_told_again_when_another_of_its_lines_is_linked(market: Market) -> None:
    shop = market.shops["a"]
    shop.add_item("NEW", 5)
    market.settle()
    for _ in range(2):
        market.pass_time(10)
        catalogue.recheck_due(market.engine, market.held(f"store:{market.ids['a']}"), market.ids["a"])
    order = shop.sell({"MUG": 2, "NEW": 1}, is_paid=False)
    shop.cancel(order, restock=False)
    market.calm()
    assert "never_paid" in market.issues()
    (row,) = [row for row in market.rows(Order) if row.external_id == order]
    record_by_hand.leave_out(market.engine, row.id, actor="me")
    market.calm()
    market.office.add_item("NEW", {"L1": 8})
    poll.catalogue(market.engine, market.held(f"readings:{market.merchant_id}"), market.merchant_id)
    market.calm()
    assert market.issues() == []
    assert (market.cache("MUG"), market.cache("NEW")) == ((10, 0), (8, 0))


def test_a_figure_without_an_answer_is_asked_for_again_only_after_a_while(market: Market) -> None:
    """The store still lists the product but tells no figure: it is not asked again and again without a pause."""
    shop = market.shops["a"]
    market.shops["b"].sell({"MUG": 3}, is_paid=True)
    shop.faults.swallowed_writes = 1
    market.settle()
    figure = shop.figures.pop(shop.item("MUG").ref.stock_id)
    market.pass_time(130)
    asked = shop.wire.calls["read_stock"]
    for _ in range(5):
        market.look("a")
    assert shop.wire.calls["read_stock"] == asked + 2
    shop.figures[shop.item("MUG").ref.stock_id] = figure
    market.calm()
    assert market.shows("MUG") == {"a": 7, "b": 7}


def has_work(market: Market, name: str) -> bool:
    """Whether the daemon's hand of this store would find anything to do."""
    with market.engine.database.reading() as session:
        connection = session.get_one(Connection, market.ids[name])
        return bool(due.store_work(session, market.engine.settings, connection, market.clock.now()))
