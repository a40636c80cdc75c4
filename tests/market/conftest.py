"""Every test gets a market of its own on both databases; at its end the ledger must be whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.market.market import Market, make_market


@pytest.fixture
def quiet_market(migrated_database_url: str, tmp_path: Path) -> Iterator[Market]:
    """Ten mugs everywhere; the stores are in shadow."""
    market = make_market(migrated_database_url, tmp_path)
    market.sku("MUG", 10)
    yield market
    assert market.ledger_is_whole()
    market.engine.database.close()


@pytest.fixture
def market(quiet_market: Market) -> Market:
    """The same, with both stores live for a minute."""
    quiet_market.go_live()
    quiet_market.pass_time(60)
    return quiet_market
