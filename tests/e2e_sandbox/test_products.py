"""What the back office has and a store lacks is made there by the real daemon, once, whatever answers are lost."""

import pytest

from tests.e2e_sandbox.town import founded, goods, until

pytestmark = pytest.mark.timeout(400)

STORES = ("shopify", "woocommerce")
LAMPS = [f"LAMP-{number}" for number in range(6)]


@pytest.fixture(scope="module")
def town(town_database, town_folder):
    with founded(town_folder, town_database, goods(("MUG",))) as town:
        for sku in LAMPS:
            town.stage.till.add_product(sku, f"A lamp, {sku}", "900", 4)
        town.home.command("sync", "--full", "--wait")
        yield town


def copies(town, store, sku):
    if store == "shopify":
        return len(town.stage.shopify.shop.variants_of(sku))
    return len([one for one in town.stage.woocommerce.shop.products.values() if one.sku == sku])


def make_missing(town, store):
    """Every fifth answer of the store is lost while its products are made."""
    town.hand(store).trouble(lost_answer_rate=0.2)
    town.home.command("match", "create", "--connection", store, "--publish", "--no-wait")
    until(
        lambda: all(town.hand(store).stock().get(sku) == 4 for sku in LAMPS),
        lambda: f"{town.hand(store).stock()}",
        within=150,
    )
    town.hand(store).trouble(lost_answer_rate=0.0)


def test_every_missing_product_is_made_once_and_kept_right_like_any_other(town):
    for store in STORES:
        make_missing(town, store)
    assert {(store, sku): copies(town, store, sku) for store in STORES for sku in LAMPS} == {
        (store, sku): 1 for store in STORES for sku in LAMPS
    }
    made = {row["connection"]: row["total"] for row in town.home.ask("runs", "list") if row["kind"] == "create"}
    assert made == {"shopify": 6, "woocommerce": 6}
    town.hand("shopify").buy({LAMPS[0]: 1}, paid=True)
    town.everywhere(LAMPS[0], 3)
