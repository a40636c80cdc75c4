"""What a thousand changed products cost in calls, and that an unchanged pass costs no write."""

import pytest

from tests.bench.bulk import Calls, warehouse

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """One shelf for both tests: it takes seconds to fill. How many calls are made does not depend on the database."""
    folder = tmp_path_factory.mktemp("warehouse")
    with warehouse(folder / "home", f"sqlite:///{folder / 'syncd.db'}") as found:
        yield found


def cost(before: Calls, after: Calls) -> int:
    return after.writes - before.writes


def test_a_thousand_changed_products_cost_4_writes_on_shopify_and_10_on_woocommerce(busy):
    busy.count_all(37)
    for store, writes in (("shopify", 4), ("woocommerce", 10)):
        before = busy.calls(store)
        assert busy.push(store) == 1000
        assert cost(before, busy.calls(store)) == writes
        assert busy.shown(store) == {37: 1000}


def test_an_unchanged_pass_makes_no_write(busy):
    for store in ("shopify", "woocommerce"):
        before = busy.calls(store)
        busy.compare(store)
        after = busy.calls(store)
        assert after.reads > before.reads
        assert cost(before, after) == 0
