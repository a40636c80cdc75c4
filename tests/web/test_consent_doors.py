"""Connecting by a store's own page, from a browser: there by our page, back only to the browser that began it."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

import connectors.shopify
from syncd.config import ShopifySettings, WebSettings
from syncd.web.edge import Edge, create_app
from syncd.web.metrics import Metrics
from tests.web.conftest import Person

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
HTML = {"Accept": "text/html"}


@pytest.fixture
def app(engine, inbox):
    told = {
        "shopify": ShopifySettings(client_id="app", client_secret=SecretStr("app-secret-of-the-test")),
        "web": WebSettings(public_url="https://sync.example"),
    }
    changed = replace(
        engine,
        settings=engine.settings.model_copy(update=told),
        plugins={**engine.plugins, "shopify": connectors.shopify.plugin},
    )
    return create_app(Edge(engine=changed, inbox=inbox, metrics=Metrics()))


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=())


def state_of(page):
    address = page.headers["refresh"].removeprefix("0; url=")
    return parse_qs(urlsplit(address).query)["state"][0]


def test_a_page_of_ours_leads_to_shopifys_own(signed_in, world):
    page = signed_in(world.merchant_id, "operator").get("/connections/shopify?shop=mwangaza-home", headers=HTML)
    assert page.status_code == 200
    assert page.headers["refresh"].startswith("0; url=https://mwangaza-home.myshopify.com/admin/oauth/authorize?")
    assert "Going to Shopify" in page.text


def test_who_is_signed_out_signs_in_first_and_comes_back(browser, person, world):
    person(world.merchant_id)
    door = browser().get("/connections/shopify?shop=mwangaza-home", headers=HTML).headers["location"]
    assert door == "/sign-in?next=%2Fconnections%2Fshopify%3Fshop%3Dmwangaza-home"


def test_an_approval_counts_only_in_the_browser_that_began_it(app, signed_in, world):
    one = signed_in(world.merchant_id, "operator")
    state = state_of(one.get("/connections/shopify?shop=mwangaza-home", headers=HTML))
    back = f"/connections/callback/shopify?state={state}&shop=mwangaza-home.myshopify.com&code=x&hmac=00&timestamp=1"
    stranger = Person(TestClient(app, base_url="http://127.0.0.1")).get(back)
    assert (stranger.status_code, "did not start in this browser" in stranger.text) == (400, True)
    own = one.get(back)
    assert own.status_code == 400
    assert "did not start in this browser" not in own.text


def test_a_shop_that_is_not_named_is_asked_for_in_words(signed_in, world):
    page = signed_in(world.merchant_id, "operator").get("/connections/shopify", headers=HTML)
    assert page.status_code == 409
    assert re.search(r"Say which store", page.text)
