"""Connectors: found by entry point, kept while their connection stays the same."""

from importlib.metadata import EntryPoint

import pytest
from sqlmodel import Session

from connectors.sdk.errors import Refused
from schema.tables import Connection
from syncd.engine import plugins
from syncd.errors import PluginMissing


def test_a_broken_connector_is_named_and_the_others_run():
    entries = [
        EntryPoint("fake", "connectors.sdk.fake:FakePlugin", plugins.GROUP),
        EntryPoint("gone", "connectors.nowhere", plugins.GROUP),
        EntryPoint("hollow", "json:JSONDecoder", plugins.GROUP),
        EntryPoint("other", "connectors.sdk.fake:FakePlugin", plugins.GROUP),
    ]
    loaded = plugins.load_from(entries)
    assert list(loaded.found) == ["fake"]
    assert loaded.broken == {
        "gone": "ModuleNotFoundError: No module named 'connectors.nowhere'",
        "hollow": "TypeError: json:JSONDecoder is no connector: it has no platform, role, door, consent, store,"
        " backoffice",
        "other": "another connector is called fake already",
    }


def test_the_connectors_of_this_installation_are_found():
    loaded = plugins.load_plugins()
    assert {"shopify", "woocommerce", "prokip", "custom"} == set(loaded.found), loaded.broken


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=("A",), skus={})


def change(world, **values):
    with world.engine.database.transaction() as session:
        row: Connection = Session.get_one(session, Connection, world.connection_ids["A"])
        for name, value in values.items():
            setattr(row, name, value)


def test_a_connector_is_kept_while_its_connection_stays_the_same(engine, world):
    first = engine.connectors.store(engine, world.connection("A"))
    assert engine.connectors.store(engine, world.connection("A")) is first
    assert first.probe().account_id == world.stores["A"].account_id


def test_new_settings_or_credentials_make_a_new_connector(engine, world):
    first = engine.connectors.store(engine, world.connection("A"))
    change(world, settings={**world.connection("A").settings, "url": "elsewhere"})
    second = engine.connectors.store(engine, world.connection("A"))
    change(world, credentials=engine.keyring.seal({"webhook_secret": "other"}))
    third = engine.connectors.store(engine, world.connection("A"))
    assert len({id(first), id(second), id(third)}) == 3


def test_a_forgotten_connector_is_made_anew(engine, world):
    first = engine.connectors.store(engine, world.connection("A"))
    engine.connectors.forget(world.connection_ids["A"])
    assert engine.connectors.store(engine, world.connection("A")) is not first


def test_a_platform_without_connector_is_said_so(engine, world):
    change(world, platform="teapot")
    with pytest.raises(PluginMissing, match="teapot"):
        engine.connectors.store(engine, world.connection("A"))


def test_a_store_is_no_back_office(engine, world):
    with pytest.raises(Refused):
        engine.connectors.backoffice(engine, world.connection("A"))
