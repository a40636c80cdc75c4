"""The main job with fakes at the edges: one sale in one store changes every store, and the back office knows it once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schema.tables import SalesLog
from tests.market.market import Market, make_market


@pytest.fixture
def market(migrated_database_url: str, tmp_path: Path) -> Iterator[Market]:
    market = make_market(migrated_database_url, tmp_path)
    market.sku("MUG", 10)
    market.go_live()
    yield market
    assert market.ledger_is_whole()
    market.engine.database.close()


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
