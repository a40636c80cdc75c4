"""A Shopify store with several locations: which one it sells from is asked, after approval, by keys, and by command."""

import random
import re
from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlmodel import select

from schema.tables import Connection, OAuthState
from syncd.config import ShopifySettings, WebSettings
from syncd.engine import backoffice, connections, consents
from syncd.engine.connect import StoreRequest
from syncd.engine.connectors import Connectors
from syncd.engine.plugins import load_plugins
from syncd.errors import ChooseLocation, NotPossible
from syncd.sandbox.shopify import SimulatedShopify, catalogue, stock
from syncd.sandbox.wire import transport
from syncd.web.edge import Edge, create_app
from syncd.web.metrics import Metrics
from tests.web.conftest import csrf_of

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
SHOP = "demo.myshopify.com"


@pytest.fixture
def shopify(clock):
    """Eight mugs in the first place, three in the second."""
    shopify = SimulatedShopify(clock=clock.now, random=random.Random(2))
    shopify.act(catalogue.stock_product, "MUG", quantity=8)
    second = shopify.act(catalogue.add_location, "Mombasa Road")
    shopify.act(stock.stock_at, shopify.shop.variant_of("MUG").item, second, available=3)
    return shopify


@pytest.fixture
def real(engine, shopify):
    """The engine with the real connectors, and this store as the whole internet."""
    app = ShopifySettings(client_id=shopify.client_id, client_secret=SecretStr(shopify.client_secret))
    told = {"shopify": app, "web": WebSettings(public_url="https://sync.example")}
    return replace(
        engine,
        settings=engine.settings.model_copy(update=told),
        plugins={**engine.plugins, **load_plugins().found},
        connectors=Connectors(transport=lambda: transport(shopify)),
    )


@pytest.fixture
def app(real, inbox):
    return create_app(Edge(engine=real, inbox=inbox, metrics=Metrics()))


@pytest.fixture
def world(merchant_with, real):
    world = merchant_with(stores=(), skus={})
    backoffice.set_ledger(real, world.merchant_id, actor="test")
    return world


@pytest.fixture
def one(signed_in, world):
    return signed_in(world.merchant_id, "operator")


def store(real):
    with real.database.reading() as session:
        return session.exec(select(Connection).where(Connection.platform == "shopify")).one_or_none()


def places(shopify):
    return {location.name: str(location.number) for location in shopify.shop.locations.values()}


def with_token(one, shopify):
    token = csrf_of(one.get("/app/setup/shopify").text)
    keys = {"access_token": shopify.access_token, "webhook_secret": shopify.client_secret}
    return one.post("/app/setup/shopify", data={"csrf": token, "how": "keys", "shop": SHOP, **keys})


def arrive(one, answer):
    return answer.headers["location"], one.get(answer.headers["location"])


def test_which_location_is_asked_and_then_the_store_is_connected(one, real, shopify):
    path, _ = arrive(one, with_token(one, shopify))
    consents.complete_all(real)
    page = one.get(path).text
    assert "Which location does your store sell from?" in page
    assert all(name in page for name in places(shopify))
    assert shopify.access_token not in page
    assert store(real) is None
    state, token = re.search(r'name="user_id" value="([^"]+)"', page)[1], csrf_of(page)
    wanted = places(shopify)["Mombasa Road"]
    answer = one.post("/app/setup/arrived", data={"csrf": token, "user_id": state, "store_location": wanted})
    assert answer.headers["location"] == path
    consents.complete_all(real)
    assert store(real).settings["store_location"] == wanted
    assert "/matching" in one.get(path).headers["location"]


def test_a_location_that_is_none_of_the_stores_is_refused(one, real, shopify):
    path, _ = arrive(one, with_token(one, shopify))
    consents.complete_all(real)
    page = one.get(path).text
    state, token = re.search(r'name="user_id" value="([^"]+)"', page)[1], csrf_of(page)
    one.post("/app/setup/arrived", data={"csrf": token, "user_id": state, "store_location": "1"})
    assert "This store has no such location" in one.get(path).text
    consents.complete_all(real)
    assert store(real) is None


def test_another_merchant_cannot_choose(one, real, shopify, merchant_with, signed_in):
    path, _ = arrive(one, with_token(one, shopify))
    consents.complete_all(real)
    other = merchant_with(stores=(), skus={}, name="Other")
    state = path.partition("user_id=")[2]
    assert consents.choices(real, other.merchant_id, state) == ()
    with pytest.raises(NotPossible):
        consents.choose(real, other.merchant_id, state, places(shopify)["Mombasa Road"])
    assert signed_in(other.merchant_id, "operator").get(path).status_code == 404


def test_a_command_that_waits_for_an_approval_is_told_of_the_choice(real, shopify, world):
    wanted = StoreRequest(merchant_id=world.merchant_id, platform="shopify", settings={"shop": SHOP})
    keys = {"access_token": shopify.access_token, "client_secret": shopify.client_secret}
    state = consents.keep_grant(real, wanted, keys)
    with pytest.raises(ChooseLocation) as asked:
        consents.outcome(real, state)
    assert dict(asked.value.places) == {number: name for name, number in places(shopify).items()}
    consents.choose(real, world.merchant_id, state, places(shopify)["Mombasa Road"])
    done = consents.outcome(real, state)
    assert done.listings == 1


def test_keys_are_kept_no_longer_than_they_are_needed(real, shopify, world):
    wanted = StoreRequest(merchant_id=world.merchant_id, platform="shopify", settings={"shop": SHOP})
    state = consents.keep_grant(real, wanted, {"access_token": shopify.access_token})
    consents.complete(real, state)
    consents.choose(real, world.merchant_id, state, places(shopify)["Mombasa Road"])
    consents.complete(real, state)
    with real.database.reading() as session:
        assert real.keyring.open_bytes(session.get_one(OAuthState, state).request) == b""


def test_the_location_of_a_connected_store_can_be_changed(real, shopify, world, one):
    wanted = StoreRequest(merchant_id=world.merchant_id, platform="shopify", settings={"shop": SHOP})
    state = consents.keep_grant(real, wanted, {"access_token": shopify.access_token})
    consents.complete(real, state)
    first, second = (places(shopify)[name] for name in sorted(places(shopify), key=lambda name: name == "Mombasa Road"))
    consents.choose(real, world.merchant_id, state, first)
    consents.complete(real, state)
    connections.change(real, store(real).id, store_location=second, actor="test")
    assert store(real).settings["store_location"] == second


@pytest.fixture
def joined(real, shopify, world):
    """The store, connected, selling from Mombasa Road."""
    wanted = StoreRequest(merchant_id=world.merchant_id, platform="shopify", settings={"shop": SHOP})
    state = consents.keep_grant(real, wanted, {"access_token": shopify.access_token})
    consents.complete(real, state)
    consents.choose(real, world.merchant_id, state, places(shopify)["Mombasa Road"])
    consents.complete(real, state)
    return store(real)


def test_its_page_changes_the_location(one, real, shopify, joined):
    path = f"/app/stores/{joined.code}"
    assert f"{path}/location" in one.get(f"{path}/settings").text
    page = one.get(f"{path}/location").text
    assert all(name in page for name in places(shopify))
    first = next(number for name, number in places(shopify).items() if name != "Mombasa Road")
    assert one.post(f"{path}/location", {"store_location": first}).status_code == 303
    assert store(real).settings["store_location"] == first


def test_a_location_that_was_closed_is_replaced_by_another(one, real, shopify, joined):
    closed = next(each for each in shopify.shop.locations.values() if each.name == "Mombasa Road")
    shopify.act(catalogue.deactivate_location, closed)
    path = f"/app/stores/{joined.code}/location"
    page = one.get(path)
    assert (page.status_code, "Mombasa Road" in page.text) == (200, False)
    first = next(number for name, number in places(shopify).items() if name != "Mombasa Road")
    assert one.post(path, {"store_location": first}).status_code == 303
    assert store(real).settings["store_location"] == first


def test_a_store_that_cannot_be_asked_is_told_as_that(one, real, shopify, joined):
    shopify.auth.forget()
    answer = one.get(f"/app/stores/{joined.code}/location")
    assert answer.status_code == 422
    assert "could not be asked" in answer.text
