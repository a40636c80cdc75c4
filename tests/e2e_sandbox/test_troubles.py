"""The back office fails, lies by leaving out, and the power goes: every sale is in Prokip once, no store is emptied."""

import threading

import pytest

from tests.e2e_sandbox.town import Town, founded, goods, until

pytestmark = pytest.mark.timeout(240)

TRANSIENT = ("error", "commit_then_500", "commit_then_hang", "lost_request", "late_commit")
SHELF = tuple(f"SHELF-{n}" for n in range(6))
WAYS = tuple(f"WAY-{n}" for n in range(5))
SKUS = (*SHELF, *WAYS, "DEADLOCK", "REFUSED", "DOWN")
SETTINGS = {"backoffice": {"brake_at_least": 3, "unknown_quarantine": "4s"}}
CALM = {
    "next_writes": [],
    "reject_sells": None,
    "down": False,
    "empty_stock": False,
    "half_catalogue": False,
    "commit_then_hang_seconds": 1.0,
    "late_commit_seconds": 2.0,
}


@pytest.fixture(scope="module")
def street(town_database, town_folder):
    skus = (*goods(SKUS), *goods(["RUSH"], 1000))
    with founded(town_folder, town_database, skus, settings=SETTINGS) as town:
        yield town


@pytest.fixture
def town(street: Town):
    street.stage.till.trouble(**CALM)
    yield street
    street.stage.till.trouble(**CALM)


# ------------------------------------------------------------------------------------------------- recording a sale


def test_sales_whose_recording_goes_wrong_in_every_way_are_in_prokip_once_at_the_end(town):
    """Failed, done and then failed, done and then hung, lost on the way, done late: two of each, for five sales."""
    town.stage.till.trouble(next_writes=[*TRANSIENT, *TRANSIENT])
    for n, sku in enumerate(WAYS):
        town.hand(("shopify", "woocommerce")[n % 2]).buy({sku: 3}, paid=True)
    for sku in WAYS:
        town.everywhere(sku, 17, within=110)
    for sku in WAYS:
        (sale,) = town.booked(sku)
        assert town.backoffice_ids(sku) == [str(sale["id"])]
    assert town.open_issues() == []


def test_a_passing_failure_that_is_answered_200_is_tried_again_by_itself(town):
    town.stage.till.trouble(reject_sells="SQLSTATE[40001]: Serialization failure: 1213 Deadlock found")
    town.hand("woocommerce").buy({"DEADLOCK": 3}, paid=True)
    until(town.backoffice_is_failing, "it was refused")
    town.stage.till.trouble(reject_sells=None)
    town.everywhere("DEADLOCK", 17, within=90)
    assert len(town.booked("DEADLOCK")) == 1
    assert town.open_issues() == []


def test_a_sale_that_prokip_refuses_waits_for_a_person_who_lets_it_go(town):
    town.stage.till.trouble(reject_sells="This customer may not buy")
    town.hand("woocommerce").buy({"REFUSED": 3}, paid=True)
    until(lambda: "refused_by_backoffice" in town.open_issues(), "the refusal is an issue")
    town.will_show("REFUSED", shopify=17, woocommerce=17, prokip=20)
    (issue,) = town.issues("refused_by_backoffice")
    assert "This customer may not buy" in issue["why"]
    town.stage.till.trouble(reject_sells=None)
    town.home.command("issues", "release", str(issue["id"]))
    town.everywhere("REFUSED", 17)
    assert len(town.booked("REFUSED")) == 1


def test_sales_while_prokip_is_down_are_recorded_when_it_is_back(town):
    town.stage.till.trouble(down=True)
    for store in ("shopify", "woocommerce", "shopify"):
        town.hand(store).buy({"DOWN": 2}, paid=True)
    until(
        lambda: town.shows("DOWN") == {"shopify": 14, "woocommerce": 14, "prokip": 20},
        lambda: f"the stores go on: {town.shows('DOWN')}",
    )
    assert town.booked("DOWN") == []
    town.stage.till.trouble(down=False)
    town.everywhere("DOWN", 14, within=110)
    assert len(town.booked("DOWN")) == 3


# ------------------------------------------------------------------------------------------------- a list that lacks rows


@pytest.mark.parametrize("fault", ["empty_stock", "half_catalogue"])
def test_a_list_that_lacks_rows_changes_no_store_and_is_one_issue(town, fault):
    before = {sku: town.shows(sku) for sku in SHELF}
    town.stage.till.trouble(**{fault: True})
    until(lambda: "reading_held" in town.open_issues(), "the reading is held")
    (issue,) = town.issues("reading_held")
    assert "syncd issues release" in issue["what_to_do"]
    assert issue["why"]
    town.rest()
    assert {sku: town.shows(sku) for sku in SHELF} == before
    town.stage.till.trouble(**{fault: False})
    until(lambda: "reading_held" not in town.open_issues(), "a whole reading settles it")


def test_a_reading_that_empties_the_shop_is_held_until_it_is_released(town):
    for sku in SHELF:
        town.stage.till.set_stock(sku, 0)
    until(lambda: "reading_held" in town.open_issues(), "the reading is held")
    town.rest()
    assert all(town.shows(sku) == {"shopify": 20, "woocommerce": 20, "prokip": 0} for sku in SHELF)
    (issue,) = town.issues("reading_held")
    town.home.command("issues", "release", str(issue["id"]))
    for sku in SHELF:
        town.everywhere(sku, 0)


# ------------------------------------------------------------------------------------------------- the power goes


def test_a_power_cut_in_the_middle_of_150_orders_loses_and_doubles_none(town):
    def sell(store: str, orders: int) -> None:
        for _ in range(orders):
            town.hand(store).buy({"RUSH": 1}, paid=True)

    people = [threading.Thread(target=sell, args=(store, 75)) for store in ("shopify", "woocommerce")]
    for one in people:
        one.start()
    until(lambda: len(town.booked("RUSH")) >= 20, "twenty are recorded")
    town.home.kill()
    for one in people:
        one.join()
    assert len(town.booked("RUSH")) < 150
    town.home.start()
    town.everywhere("RUSH", 850, within=120)
    assert len({sale["invoice_no"] for sale in town.booked("RUSH")}) == len(town.booked("RUSH")) == 150
    assert "right" in town.home.command("ledger", "verify")
