"""What a shadow run shows: the market's third store is watched while the others sell."""

import pytest

from schema.tables import Connection, FigureSeen, RuleKind
from syncd.engine import outlook, rule_setting
from syncd.engine.views.shadow_run import shadow_run
from tests.market.market import make_market
from tests.web.pages.street import add_shop


@pytest.fixture
def market(migrated_database_url, tmp_path):
    market = make_market(migrated_database_url, tmp_path)
    add_shop(market, "c")
    market.sku("MUG", 3)
    market.sku("TIN", 50)
    market.go_live("a", "b")
    market.pass_time(60)
    yield market
    market.engine.database.close()


def watch(market):
    with market.engine.database.reading() as session:
        return shadow_run(session, session.get_one(Connection, market.ids["c"]), market.clock.now())


def sell(market, shop, sku, units, *, then=30):
    market.shops[shop].sell({sku: units})
    market.pass_time(1)
    market.settle()
    market.pass_time(then)


def test_a_sale_of_what_was_sold_elsewhere_counts_as_prevented(market):
    sell(market, "a", "MUG", 3)
    sell(market, "c", "MUG", 2)
    (found,) = watch(market).oversells
    assert (found.sku, found.sold, found.too_many, found.order) == ("MUG", 2, 2, "#1003")


def test_a_sale_of_what_there_was_counts_as_nothing(market):
    sell(market, "a", "MUG", 1)
    sell(market, "c", "MUG", 2)
    assert watch(market).oversells == ()


def test_a_sale_seconds_after_the_last_one_went_is_not_claimed(market):
    sell(market, "a", "MUG", 3, then=2)
    sell(market, "c", "MUG", 1)
    assert watch(market).oversells == ()


@pytest.mark.parametrize(("reach", "claimed"), [(1, 1), (3, 2), (50_000, 2)])
def test_in_a_very_large_house_nothing_is_claimed_beyond_the_newest_movements(market, monkeypatch, reach, claimed):
    sell(market, "a", "MUG", 3)
    sell(market, "c", "MUG", 1)
    sell(market, "a", "TIN", 1)
    sell(market, "c", "MUG", 1)
    monkeypatch.setattr("syncd.engine.views.shadow_run.MOST_MOVEMENTS", reach)
    assert len(watch(market).oversells) == claimed


def test_a_till_sale_that_a_reading_showed_counts_too(market):
    market.office.till_sale("MUG", 3)
    market.pass_time(60)
    market.sweep()
    market.pass_time(60)
    sell(market, "c", "MUG", 1)
    assert [found.too_many for found in watch(market).oversells] == [1]


def test_the_stores_buffer_is_part_of_our_number(market):
    rule_setting.set_rule(
        market.engine, market.merchant_id, RuleKind.BUFFER, 2, connection_id=market.ids["c"], actor="t"
    )
    market.pass_time(60)
    sell(market, "c", "MUG", 2)
    assert [found.too_many for found in watch(market).oversells] == [1], "3 - 2 held back = 1 shown, 2 sold"


def test_the_stores_own_sales_do_not_count_against_it(market):
    for _ in range(3):
        sell(market, "c", "MUG", 1)
    assert watch(market).oversells == ()


def test_todays_lag_is_from_a_sale_elsewhere_to_this_stores_number(market):
    market.shops["c"].set_stock("TIN", 50)
    market.settle()
    sell(market, "a", "TIN", 2, then=299)
    market.shops["c"].set_stock("TIN", 48)
    market.settle()
    lag = watch(market).lag
    assert (lag.median, lag.count, lag.never) == (300.0, 1, 0)


def test_a_number_that_never_follows_is_told_as_never(market):
    outlook.preview(market.engine, market.ids["c"])
    sell(market, "a", "TIN", 2, then=3600)
    lag = watch(market).lag
    assert (lag.median, lag.count, lag.never) == (None, 1, 1)


def test_of_a_number_that_was_never_seen_nothing_is_said(market):
    sell(market, "a", "TIN", 2, then=3600)
    assert watch(market).lag is None


def test_the_stores_own_sale_is_no_answer_to_one_elsewhere(market):
    market.shops["c"].set_stock("TIN", 50)
    market.settle()
    sell(market, "a", "TIN", 1, then=60)
    sell(market, "c", "TIN", 1, then=60)
    assert watch(market).lag.never == 1


def test_nothing_sold_shows_nothing(market):
    found = watch(market)
    assert (found.oversells, found.lag) == ((), None)


def test_what_the_store_told_since_is_in_the_preview_without_asking_it(market):
    outlook.preview(market.engine, market.ids["c"])
    calls = market.shops["c"].wire.calls["read_stock"]
    market.shops["c"].set_stock("TIN", 41)
    market.pass_time(2)
    market.settle()
    rows = {row.sku: row.shows_now for row in outlook.outlook_seen(market.engine, market.ids["c"]).rows}
    assert rows == {"MUG": 3, "TIN": 41}
    assert market.shops["c"].wire.calls["read_stock"] == calls


def test_a_number_is_kept_once_however_often_it_is_told(market):
    for _ in range(3):
        outlook.preview(market.engine, market.ids["c"])
    assert len(market.rows(FigureSeen)) == 2


def test_a_live_store_leaves_no_trace_of_watching(market):
    market.shops["a"].set_stock("TIN", 41)
    market.settle()
    assert market.rows(FigureSeen) == []
