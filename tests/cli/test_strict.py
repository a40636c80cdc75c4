"""`syncd backoffice set prokip --strict`: sales go through drafts, and what the account honours is found out first."""

from collections import Counter

import pytest
from sqlmodel import select

from connectors.prokip.look_up import BY_BOTH, NOT_AT_ALL
from schema.tables import Connection
from syncd.config import load_settings
from syncd.demo.stage import GOODS, Stage
from syncd.engine.opening import opened
from tests.cli.conftest import Terminal

MUG = GOODS[0].sku


@pytest.fixture
def office(terminal: Terminal, stage: Stage, monkeypatch: pytest.MonkeyPatch):
    """Sets the back office up, with more options; what it says of it."""
    own = stage.prokip.credentials
    monkeypatch.setenv("SYNCD_PASSWORD", own.password)
    people = ("--username", own.username, "--client-id", own.client_id, "--client-secret", own.client_secret)
    place = stage.prokip.people.location().name

    def office(*more: str) -> int:
        words = ("backoffice", "set", "prokip", "--url", stage.till.address, "--location", place, *people)
        return terminal.type(*words, *more)

    return office


def settings(terminal: Terminal) -> dict[str, object]:
    with opened(load_settings(terminal.home)) as engine, engine.database.reading() as session:
        return session.exec(select(Connection.settings).where(Connection.platform == "prokip")).one()


def sold(stage: Stage) -> Counter[str]:
    return Counter(sale.status for sale in stage.prokip.business.sales.values() if sale.is_from_api)


def test_an_online_sale_becomes_one_sale_by_way_of_a_draft(connect, office, terminal, stage):
    connect()
    assert office("--strict") == 0, terminal.errors
    assert settings(terminal)["strict"] == "yes"
    before = stage.till.stock()[MUG]
    stage.prokip.faults.next_writes = ["ok", "commit_then_500"]
    stage.hands["shopify"].buy({MUG: 3}, paid=True)
    assert terminal.type("sync", "--wait") == 0, terminal.errors
    assert sold(stage) == {"final": 1}
    assert stage.till.stock()[MUG] == before - 3
    calls = stage.prokip.journal.calls
    assert [count for call, count in calls.items() if call.startswith("PUT")], calls
    assert office("--no-strict") == 0, terminal.errors
    assert settings(terminal)["strict"] == "no"


def test_what_the_account_honours_is_learnt_again_with_every_catalogue(connect, terminal, stage):
    connect()
    assert settings(terminal)["look_up"] == BY_BOTH
    stage.prokip.people.sell([(MUG, 1)])
    stage.prokip.lossy_filters = frozenset({"contact_id"})
    stage.prokip.business.allow_overselling = False
    assert terminal.type("sync", "--full", "--wait") == 0, terminal.errors
    assert settings(terminal)["look_up"] == NOT_AT_ALL
    assert settings(terminal)["allow_overselling"] == "no"


def test_a_prokip_that_cannot_change_a_sale_is_not_set_up_strict(office, terminal, stage):
    stage.prokip.missing_methods = frozenset({"PUT"})
    assert office("--strict") == 1
    assert "without --strict" in terminal.errors
    assert office() == 0, terminal.errors
