"""Making missing products on the page: chosen, confirmed, followed by a bar, and what could not be made tried again."""

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from schema.tables import BackOffice, InventoryCache
from syncd.engine import catalogue, creating, poll
from syncd.engine.hands import reading_hand, store_hand
from tests.axe import violations
from tests.web.conftest import csrf_of
from tests.web.pages.conftest import Served, client_of, open_page, serve
from tests.web.pages.street import Street

C = "/app/stores/Wholesale%20desk"
NEW = {"LAMP-1": "A lamp", "LAMP-2": "Another lamp", "LAMP-3": "A third lamp"}


@pytest.fixture
def street(fresh_street: Street) -> Street:
    """Three lamps that only the back office has."""
    market = fresh_street.market
    for sku in NEW:
        market.office.add_item(sku, {"L1": 6}, price=Decimal(900))
    market.pass_time(1)
    with reading_hand(market.engine, market.merchant_id) as held:
        poll.catalogue(market.engine, held, market.merchant_id)
    return fresh_street


@pytest.fixture
def served(street: Street) -> Iterator[Served]:
    with serve(street) as served:
        yield served


def make(street: Street) -> None:
    """The daemon's hand."""
    engine, connection_id = street.market.engine, street.market.ids["c"]
    with store_hand(engine, connection_id) as held:
        creating.create_due(engine, held, connection_id)
        catalogue.recheck_due(engine, held, connection_id)


def skus(street: Street) -> set[str]:
    return {item.sku for item in street.market.shops["c"].items.values()} & set(NEW)


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(words)


@pytest.mark.browser
def test_all_that_is_missing_is_confirmed_and_made(browser, served):
    street = served.street
    page = open_page(browser, served, "operator")
    page.goto(f"{served.url}{C}/matching?show=only_there")
    expect(page.locator("tbody tr")).to_have_count(3)
    assert violations(page) == []
    page.get_by_role("link", name="Create all 3 in Wholesale desk").click()
    heading(page, "Create 3 products in Wholesale desk?")
    assert violations(page) == []
    assert skus(street) == set(), "nothing is made before it is confirmed"
    page.get_by_role("button", name="Create 3 products").click()
    heading(page, "Creating products in Wholesale desk")
    expect(page.locator("#progress")).to_contain_text("Creating 3 products as drafts: 0 of 3")
    assert violations(page) == []
    make(street)
    heading(page, "Products created in Wholesale desk")
    expect(page.locator("#progress")).to_contain_text("3 made.")
    assert skus(street) == set(NEW)
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_role("link", name=re.compile("^Only in"))).to_contain_text("0")


@pytest.mark.browser
def test_some_are_chosen_and_what_fails_is_tried_again(browser, served):
    street = served.street
    shop = street.market.shops["c"]
    shop.unwanted["LAMP-2"] = "The SKU is reserved."
    page = open_page(browser, served, "operator", width=390)
    page.goto(f"{served.url}{C}/matching?show=only_there&q=lamp")
    page.get_by_label("Select Item LAMP-1").check()
    page.get_by_label("Select Item LAMP-2").check()
    page.get_by_role("button", name="Create selected").click()
    heading(page, "Create 2 products")
    page.get_by_text("Customers, at once").click()
    page.get_by_role("button", name="Create 2 products").click()
    heading(page, "Creating products")
    make(street)
    heading(page, "Products created")
    expect(page.get_by_role("main")).to_contain_text("The SKU is reserved.")
    assert violations(page) == []
    assert (skus(street), shop.drafts) == ({"LAMP-1"}, set())
    shop.unwanted.clear()
    page.get_by_role("button", name="Try it again").click()
    heading(page, "Create 1 product in")
    page.get_by_role("button", name="Create 1 product").click()
    make(street)
    heading(page, "Products created")
    assert skus(street) == {"LAMP-1", "LAMP-2"}


def post(client, path: str, **fields):
    token = csrf_of(client.get(f"{C}/matching").text)
    return client.post(path, data={"csrf": token, **fields})


def test_without_script_the_page_works_too(street):
    with client_of(street, "operator") as client:
        answer = post(client, f"{C}/create", sku="LAMP-1", status="draft")
        assert (answer.status_code, answer.headers["location"].endswith("/create")) == (303, True)
        text = client.get(f"{C}/create").text
        assert "0 of 1" in text
        assert '<noscript><meta http-equiv="refresh"' in text
        assert client.get(f"{C}/create/progress").headers.get("hx-refresh") is None
        make(street)
        assert client.get(f"{C}/create/progress").headers["hx-refresh"] == "true"


def test_making_can_be_stopped(street):
    with client_of(street, "operator") as client:
        post(client, f"{C}/create", all="1")
        assert post(client, f"{C}/create", deed="stop").status_code == 303
        assert "3 stopped" in client.get(f"{C}/create").text
    make(street)
    assert skus(street) == set()


def test_a_product_that_came_meanwhile_is_told(street):
    with client_of(street, "operator") as client:
        answer = post(client, f"{C}/create", sku="MUG-CER-KIL")
    assert answer.status_code == 422
    assert "MUG-CER-KIL" in answer.text


def test_an_uncertain_product_is_told_as_that(street):
    street.market.shops["c"].faults.lost_writes = 1
    with client_of(street, "operator") as client:
        post(client, f"{C}/create", sku="LAMP-1")
        make(street)
        assert "1 product not certain" in client.get(f"{C}/create/progress").text


def test_the_file_for_the_store_tells_price_and_quantity(street):
    with client_of(street, "operator") as client:
        rows = list(csv.reader(io.StringIO(client.get(f"{C}/matching.csv?for=store").text)))
    assert rows[0] == ["sku", "name", "price", "quantity"]
    assert ["LAMP-1", "Item LAMP-1", "900", "6"] in [
        [*row[:2], str(Decimal(row[2]).normalize().__int__()), row[3]] for row in rows[1:]
    ]


def test_the_file_for_the_back_office_tells_what_the_store_shows(street):
    shop, engine = street.market.shops["c"], street.market.engine
    shop.add_item("ONLY-HERE", 9, price=Decimal("12.50"))
    with store_hand(engine, street.market.ids["c"]) as held:
        catalogue.refresh(engine, held, street.market.ids["c"])
    with client_of(street, "operator") as client:
        rows = list(csv.reader(io.StringIO(client.get(f"{C}/matching.csv").text)))
        shop.faults.is_down = True
        silent = list(csv.reader(io.StringIO(client.get(f"{C}/matching.csv").text)))
    (row,) = [row for row in rows if row[0] == "ONLY-HERE"]
    assert (row[1], Decimal(row[2]), row[3]) == ("Item ONLY-HERE", Decimal("12.50"), "9")
    assert [row[3] for row in silent if row[0] == "ONLY-HERE"] == [""]


def test_the_own_ledger_begins_with_a_stores_products(fresh_street):
    market = fresh_street.market
    with market.engine.database.transaction() as session:
        session.get_one(BackOffice, market.merchant_id).connection_id = None
    market.shops["c"].add_item("ONLY-HERE", 9)
    market.shops["c"].add_item("VOUCHER", tracked=False)
    with store_hand(market.engine, market.ids["c"]) as held:
        catalogue.refresh(market.engine, held, market.ids["c"])
    with client_of(fresh_street, "operator") as client:
        assert "Take 11 products into the ledger" in client.get(f"{C}/matching").text
        page = client.get(f"{C}/take").text
        assert "Begin the ledger with 11 products of Wholesale desk?" in page
        assert "The store does not count it." in page
        assert post(client, f"{C}/take").status_code == 303
        assert "11 SKUs begin with what Wholesale desk shows." in client.get(f"{C}/matching").text
        assert "Nothing to take" in client.get(f"{C}/take").text
    with market.engine.database.reading() as session:
        row = session.exec(select(InventoryCache).where(InventoryCache.sku == "ONLY-HERE")).one()
    assert row.on_hand == 9


def test_a_back_office_is_not_filled_from_a_store(street):
    with client_of(street, "operator") as client:
        answer = client.get(f"{C}/take")
        assert answer.status_code == 422
        assert "make the products there" in answer.text
        assert post(client, f"{C}/take").status_code == 422
