"""Making products by the API: what is missing, how far it is, what came of it; and the own ledger's beginning."""

from decimal import Decimal

import pytest

from schema.tables import ConnectionState
from syncd.engine import catalogue, creating, poll
from syncd.engine.hands import reading_hand, store_hand

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)


@pytest.fixture
def world(merchant_with):
    """The office has two lamps that store A lacks."""
    world = merchant_with(stores=("A",))
    for sku in ("LAMP-1", "LAMP-2"):
        world.office.add_item(sku, {"L1": 3}, price=Decimal("9.50"))
    with reading_hand(world.engine, world.merchant_id) as held:
        poll.catalogue(world.engine, held, world.merchant_id)
    return world


def make(world):
    with store_hand(world.engine, world.connection_ids["A"]) as held:
        creating.create_due(world.engine, held, world.connection_ids["A"])


def test_what_is_missing_is_listed_by_pages_with_name_and_price(as_, world):
    one = as_(world.merchant_id, "viewer")
    first = one.ask("GET", "/match/A/missing?limit=1").json()
    assert [(row["sku"], row["title"], Decimal(row["price"])) for row in first["items"]] == [
        ("LAMP-1", "Item LAMP-1", Decimal("9.50"))
    ]
    assert first["total"] == 2
    second = one.ask("GET", f"/match/A/missing?limit=1&cursor={first['next']}").json()
    assert ([row["sku"] for row in second["items"]], second["next"]) == (["LAMP-2"], None)
    assert one.ask("GET", "/match/A/missing?q=lamp-2").json()["total"] == 1


def test_products_are_made_and_what_came_of_each_is_told(as_, world):
    one = as_(world.merchant_id, "operator")
    world.stores["A"].unwanted["LAMP-2"] = "No more lamps."
    asked = one.ask("POST", "/match/A/create", json={"publish": True})
    assert (asked.status_code, asked.json()["run"]["state"], asked.json()["run"]["total"]) == (202, "wanted", 2)
    path = f"/match/A/create/{asked.json()['run']['id']}"
    make(world)
    done = one.ask("GET", path).json()
    assert (done["run"]["state"], done["run"]["done"]) == ("done", 2)
    assert {row["sku"]: (row["state"], row["words"]) for row in done["products"]} == {
        "LAMP-1": ("made", ""),
        "LAMP-2": ("refused", "No more lamps."),
    }
    assert [row["sku"] for row in one.ask("GET", f"{path}?state=refused").json()["products"]] == ["LAMP-2"]


def test_making_can_be_stopped(as_, world):
    one = as_(world.merchant_id, "operator")
    run_id = one.ask("POST", "/match/A/create", json={"skus": ["LAMP-1"]}).json()["run"]["id"]
    assert one.ask("POST", f"/match/A/create/{run_id}/stop").json()["run"]["counts"] == {"stopped": 1}


def test_what_cannot_be_made_is_a_conflict_in_words(as_, world):
    one = as_(world.merchant_id, "operator")
    answer = one.ask("POST", "/match/A/create", json={"skus": ["MUG"]})
    assert (answer.status_code, "MUG" in answer.json()["detail"]) == (409, True)


def test_a_run_of_another_kind_or_merchant_is_not_found(as_, world, merchant_with):
    one = as_(world.merchant_id, "operator")
    run_id = one.ask("POST", "/match/A/create", json={}).json()["run"]["id"]
    sync = one.ask("POST", "/sync/manual", json={}).json()["id"]
    assert one.ask("GET", f"/match/A/create/{sync}").status_code == 404
    other = merchant_with(stores=("B",), name="Other")
    stranger = as_(other.merchant_id)
    assert stranger.ask("GET", f"/match/B/create/{run_id}").status_code == 404
    assert stranger.ask("POST", f"/match/B/create/{run_id}/stop").status_code == 404


def test_a_viewer_makes_nothing(as_, world):
    one = as_(world.merchant_id, "viewer")
    assert one.ask("POST", "/match/A/create", json={}).status_code == 403
    assert one.ask("POST", "/match/A/take", json={}).status_code == 403


def test_the_own_ledger_begins_with_a_stores_products(as_, merchant_with):
    world = merchant_with(stores=("A",), skus={}, office=False, state=ConnectionState.SHADOW)
    world.stores["A"].add_item("MUG", 4)
    with store_hand(world.engine, world.connection_ids["A"]) as held:
        catalogue.refresh(world.engine, held, world.connection_ids["A"])
    one = as_(world.merchant_id, "operator")
    assert [row["sku"] for row in one.ask("GET", "/match/A/take").json()] == ["MUG"]
    assert one.ask("POST", "/match/A/take", json={}).json() == {"skus": ["MUG"], "left": {}}
    assert one.ask("GET", "/stock/MUG").json()[0]["on_hand"] == 4
