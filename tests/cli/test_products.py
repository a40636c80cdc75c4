"""Making products by command, in the simulated stores: what is missing there, and what the own ledger lacks."""

from collections.abc import Callable

import pytest

from syncd.demo.stage import Stage
from tests.cli.conftest import Terminal

BOTH = ("gifts", "online")
HANDS = {"gifts": "woocommerce", "online": "shopify"}
LAMP = "LAMP-1"


@pytest.fixture
def lamp(terminal: Terminal, stage: Stage, connect: Callable[..., None]) -> None:
    """Everything is live, and the till sells a lamp that no store has."""
    connect()
    stage.till.add_product(LAMP, "A lamp", "1200", 6)
    assert terminal.type("sync", "--full", "--wait") == 0, terminal.errors


@pytest.mark.usefixtures("lamp")
def test_what_a_store_lacks_is_made_there_and_stocked(terminal: Terminal, stage: Stage) -> None:
    for name in BOTH:
        (new,) = terminal.ask("match", "create", "--connection", name, "--dry-run")["makes"]
        assert (new["sku"], new["title"], float(new["price"])) == (LAMP, "A lamp", 1200)
        assert LAMP not in stage.hands[HANDS[name]].stock()
        made = terminal.ask("match", "create", "--connection", name, "--publish")
        assert (made["run"]["state"], made["run"]["counts"]) == ("done", {"made": 1})
        assert [(row["sku"], row["state"]) for row in made["products"]] == [(LAMP, "made")]
        assert terminal.ask("match", "create", "--connection", name, "--dry-run") == {"makes": [], "leaves": []}
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert {name: hand.stock()[LAMP] for name, hand in stage.hands.items()} == dict.fromkeys(stage.hands, 6)
    stage.hands["shopify"].buy({LAMP: 2}, paid=True)
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert {name: hand.stock()[LAMP] for name, hand in stage.hands.items()} == dict.fromkeys(stage.hands, 4)


@pytest.mark.usefixtures("lamp")
def test_a_sku_that_the_store_does_not_lack_is_refused(terminal: Terminal) -> None:
    assert terminal.type("match", "create", "--connection", "gifts", "--sku", "NOBODY") == 1
    assert "NOBODY" in terminal.errors


@pytest.mark.usefixtures("lamp")
def test_where_a_daemon_works_a_command_may_leave_the_work_to_it(terminal: Terminal, stage: Stage) -> None:
    made = terminal.ask("match", "create", "--connection", "gifts", "--no-wait")
    assert (made["run"]["state"], made["run"]["total"]) == ("wanted", 1)
    assert LAMP not in stage.hands["woocommerce"].stock()


@pytest.mark.usefixtures("lamp")
def test_a_back_office_is_not_filled_from_a_store(terminal: Terminal) -> None:
    assert terminal.type("match", "take", "--connection", "gifts") == 1
    assert "make the products there" in terminal.errors


def test_the_own_ledger_begins_with_a_stores_products(terminal: Terminal, stage: Stage) -> None:
    assert terminal.type("backoffice", "set", "ledger") == 0, terminal.errors
    woo, key = stage.hands["woocommerce"], stage.woocommerce.key
    words = ("--url", woo.address, "--key", key.key, "--secret", key.secret, "--name", "gifts")
    assert terminal.type("connect", "woocommerce", *words) == 0, terminal.errors
    shown = woo.stock()
    assert {row["sku"] for row in terminal.ask("match", "take", "--connection", "gifts", "--dry-run")} == set(shown)
    assert set(terminal.ask("match", "take", "--connection", "gifts")["skus"]) == set(shown)
    for sku, quantity in shown.items():
        assert terminal.ask("stock", sku)["on_hand"] == quantity
    assert terminal.type("ledger", "verify") == 0
