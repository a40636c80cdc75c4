"""From the first visit to two live stores, in a real browser, against the real process and simulated platforms."""

import re
import socket
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Page, expect

from syncd.config import load_settings
from syncd.engine.init import make_home
from syncd.engine.opening import opened
from syncd.engine.people import setup_code
from syncd.sandbox.prokip import SimulatedProkip
from syncd.sandbox.serve import served
from syncd.sandbox.shopify import SimulatedShopify, catalogue, orders
from syncd.sandbox.shopify.orders import Wanted
from syncd.sandbox.woocommerce import SimulatedWooCommerce
from tests.axe import violations
from tests.e2e.town import Town, until

pytestmark = pytest.mark.browser

GOODS = {"MUG": 20, "TIN": 8, "TSH": 5}
SLOW = 30_000


@pytest.fixture
def platforms():
    """A Prokip with two locations, a Shopify and a WooCommerce that sell its goods, each with a number of its own."""

    def clock():
        return datetime.now(UTC)

    prokip = SimulatedProkip(clock=clock, random=Random(1), throttle=None, locations=("Westlands", "Mombasa Road"))
    shopify = SimulatedShopify(clock=clock, random=Random(2))
    woo = SimulatedWooCommerce(clock=clock, random=Random(3), queue_seconds=0.05)
    for sku, quantity in GOODS.items():
        prokip.people.add_product(sku, title=f"{sku} of Prokip", price=850, quantity=quantity)
        shopify.act(catalogue.stock_product, sku, quantity=quantity + 3)
        woo.people.add_product(sku, quantity + 1)
    woo.people.add_product("MUG-XMAS", 4)
    with ExitStack() as running:
        prokip.url = running.enter_context(served(prokip))
        shopify.url = running.enter_context(served(shopify))
        woo.url = running.enter_context(served(woo))
        yield prokip, shopify, woo


@pytest.fixture
def town(tmp_path: Path, platforms):
    _, shopify, _ = platforms
    port = free_port()
    (tmp_path / "config.toml").write_text(
        f'[web]\nlisten = "127.0.0.1:{port}"\npublic_url = "http://127.0.0.1:{port}"\nstop_within = "5s"\n'
        '[security]\nallow_private_addresses = true\n[push]\nsettle = "2s"\nlook_grace = "1s"\n'
        f'[shopify]\nclient_id = "{shopify.client_id}"\nclient_secret = "{shopify.client_secret}"\n'
        f'base_url = "{shopify.url}"\n[log]\nformat = "json"\n'
    )
    make_home(tmp_path)
    town = Town(home=tmp_path, settings=load_settings(tmp_path), port=port)
    yield town
    town.stop_all()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(words, timeout=SLOW)


def claim(page: Page, town: Town) -> None:
    with opened(town.settings) as engine:
        code = setup_code.issue(engine.database, engine.keyring, engine.clock)
    page.goto(f"http://127.0.0.1:{town.port}/")
    heading(page, "Welcome")
    for name, value in {
        "code": code,
        "name": "Achieng Were",
        "business": "Mwangaza Home",
        "email": "achieng@mwangaza.example",
        "password": "three odd words here",
    }.items():
        page.fill(f"[name={name}]", value)
    page.get_by_role("button", name="Create the owner").click()


def connect_prokip(page: Page, prokip: SimulatedProkip) -> None:
    page.get_by_role("link", name="Start here").click()
    heading(page, "Connect your back office")
    page.fill("#url", prokip.url)
    page.fill("#username", "sync.robot")
    page.fill("#password", "not this one")
    page.get_by_text("Client id and secret, or a token instead").click()
    page.fill("#client_id", "6")
    page.fill("#client_secret", "sandbox-client-secret")
    page.get_by_role("button", name="Connect Prokip").click()
    expect(page.get_by_role("alert")).to_contain_text("Prokip did not accept this user name and password", timeout=SLOW)
    assert page.input_value("#password") == "", "a secret never comes back to a page"
    page.fill("#password", "sandbox-password")
    page.fill("#client_secret", "sandbox-client-secret")
    page.get_by_role("button", name="Connect Prokip").click()
    heading(page, "Which location do your stores sell from?")
    page.get_by_label("Westlands").check()
    page.get_by_role("button", name="Continue").click()
    heading(page, "Which store do you want to connect?")
    expect(page.locator("#said")).to_contain_text("2 locations")


def approve(page: Page, woo: SimulatedWooCommerce) -> None:
    """To the store's own page; the simulated one has no encryption, which is told first."""
    page.fill("#name", "Gifts & Tins")
    page.fill("#url", woo.url)
    page.locator("#name").focus()
    expect(page.locator("#address-checks")).to_contain_text("It is a WooCommerce store", timeout=SLOW)
    expect(page.locator("#address-checks")).to_contain_text("This store has no encryption")
    page.get_by_label("Connect it without encryption").check()
    page.get_by_role("button", name="Continue to your store").click()


def go_live(page: Page, name: str, matched: int) -> None:
    heading(page, "Match products of")
    assert violations(page) == []
    page.get_by_role("button", name=f"Continue with {matched} matched").click()
    heading(page, "Shadow run")
    expect(page.locator("#h-diff + .sub")).to_contain_text("3 of 3 numbers")
    page.get_by_role("link", name="Go live already").click()
    heading(page, f"Go live with {name}?")
    expect(page.locator(".lead")).to_contain_text("3 numbers change at once.")
    page.get_by_label("No other tool changes stock here").check()
    page.get_by_role("button", name="Go live").click()
    heading(page, name)
    expect(page.locator("#said")).to_contain_text("Live since")


def test_from_the_first_visit_to_two_live_stores(browser, town, platforms):
    prokip, shopify, woo = platforms
    town.start()
    page = browser.new_context().new_page()
    claim(page, town)
    heading(page, "Achieng")
    connect_prokip(page, prokip)

    page.get_by_role("link", name=re.compile("WooCommerce")).click()
    approve(page, woo)
    page.get_by_role("link", name="Deny").click(timeout=SLOW)
    expect(page.get_by_role("alert")).to_contain_text("You did not approve, so nothing was connected.", timeout=SLOW)
    page.get_by_role("link", name="Start again").click()
    approve(page, woo)
    page.get_by_role("link", name="Approve").click(timeout=SLOW)
    heading(page, "Match products of Gifts & Tins")
    expect(page.locator("tbody")).to_contain_text("Not in ")
    go_live(page, "Gifts & Tins", 3)
    until(lambda: {sku: woo.people.stock()[sku] for sku in GOODS} == GOODS, "WooCommerce shows what Prokip has")

    page.goto(f"http://127.0.0.1:{town.port}/app/setup/shopify")
    page.fill("#shop", "demo")
    page.fill("#name", "Mwangaza Online")
    page.get_by_role("button", name="Continue to Shopify").click()
    page.get_by_role("button", name="Approve").click(timeout=SLOW)
    heading(page, "Match products of Mwangaza Online")
    go_live(page, "Mwangaza Online", 3)

    shop = shopify.shop
    until(
        lambda: {sku: shop.available(shop.variant_of(sku).item) for sku in GOODS} == GOODS,
        "Shopify shows what Prokip has",
    )
    page.goto(f"http://127.0.0.1:{town.port}/app")
    heading(page, "Overview")
    shopify.act(orders.place, [Wanted(sku="MUG", quantity=2)])
    expect(page.locator("#feed")).to_contain_text("Gifts & Tins set to 18", timeout=SLOW)
    assert woo.people.stock()["MUG"] == 18
    assert violations(page) == []
