"""Customers in both stores race each other and us, and syncd hears of it late or not at all: nothing is written over."""

import random
import time

import pytest

from tests.e2e_sandbox.town import Town, founded, goods

pytestmark = pytest.mark.timeout(240)

STOCK = 20
CROWD = tuple(f"CROWD-{n}" for n in range(6))
UNHEARD = ("UNHEARD-s", "UNHEARD-w")
OTHER = {"shopify": "woocommerce", "woocommerce": "shopify"}


@pytest.fixture(scope="module")
def street(town_database, town_folder):
    with founded(town_folder, town_database, goods((*CROWD, *UNHEARD), STOCK)) as town:
        yield town


@pytest.fixture
def town(street: Town):
    tell(street, drop=0.0, delay=0.0)
    yield street
    tell(street, drop=0.0, delay=0.0)


def tell(town: Town, *, drop: float, delay: float) -> None:
    """How the stores' webhooks come: how many are lost, and how late the others are, seconds."""
    for name in OTHER:
        town.hand(name).trouble(webhook_drop_rate=drop, webhook_delay_seconds=delay)


@pytest.mark.parametrize("store", ["shopify", "woocommerce"])
def test_a_sale_that_nobody_told_is_not_written_over(town, store):
    """The push compares with what we believe; the refusal makes us read the store's orders, and the sale is found."""
    sku = f"UNHEARD-{store[0]}"
    tell(town, drop=1.0, delay=0.0)
    town.hand(store).buy({sku: 3}, paid=True)
    tell(town, drop=0.0, delay=0.0)
    town.hand(OTHER[store]).buy({sku: 2}, paid=True)
    town.everywhere(sku, STOCK - 5)
    assert [(push["before"], push["after"]) for push in town.pushes(store, sku)] == [(STOCK - 3, STOCK - 5)]
    assert sorted(row["quantity"] for row in town.sales(sku)) == [2, 3]
    assert len(town.booked(sku)) == 2


def test_while_both_stores_sell_and_all_webhooks_are_seconds_late_no_figure_is_raised(town):
    tell(town, drop=0.0, delay=3.0)
    chance, sold = random.Random(11), dict.fromkeys(CROWD, 0)
    until = time.monotonic() + 15
    while time.monotonic() < until:
        sku = chance.choice([sku for sku in CROWD if sold[sku] < STOCK - 6])
        town.hand(chance.choice(list(OTHER))).buy({sku: 1}, paid=True)
        sold[sku] += 1
        if sum(sold.values()) >= len(CROWD) * (STOCK - 6) - len(CROWD):
            break
        time.sleep(0.15)
    for sku, units in sold.items():
        town.everywhere(sku, STOCK - units, within=90)
    raised = {
        (name, sku, push["before"], push["after"])
        for name in OTHER
        for sku in CROWD
        for push in town.pushes(name, sku)
        if push["after"] > push["before"]
    }
    assert raised == set()
    assert sum(sold.values()) == sum(row["quantity"] for sku in CROWD for row in town.sales(sku))
