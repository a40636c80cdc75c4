"""The catalogue page by page and by bulk operation, and what of it can be published."""

from decimal import Decimal

import httpx
import pytest

from connectors.sdk.errors import AccessDenied, Refused, Unavailable
from connectors.shopify import bulk
from connectors.shopify.documents import gid
from syncd.sandbox.shopify import catalogue
from tests.connectors.shopify.driver import SHOP, ShopifyDriver


@pytest.fixture
def driver():
    return ShopifyDriver()


def listed(driver):
    return [item for page in driver.store().catalogue() for item in page.items]


def item(driver, sku):
    (found,) = driver.store().items([str(driver.variant(sku).number)])
    return found


def many(driver, count=2100):
    product = driver.act(catalogue.add_product, "Many")
    for number in range(count):
        driver.act(catalogue.add_variant, product, title=f"No {number}", sku=f"N{number}")


def test_a_unit_is_named_by_product_and_variant(driver):
    product = driver.act(catalogue.add_product, "Shirt")
    driver.act(catalogue.add_variant, product, title="Red", sku=" SHIRT-RED ", price=Decimal("12.50"))
    found = item(driver, " SHIRT-RED ")
    assert (found.title, found.sku, found.price) == ("Shirt - Red", "SHIRT-RED", Decimal("12.50"))
    assert item(driver, "MUG-1").title == "MUG-1"


@pytest.mark.parametrize("sku", [None, "", "   "])
def test_a_blank_sku_is_none(driver, sku):
    variant = driver.act(catalogue.add_variant, driver.act(catalogue.add_product, "Plain"), sku=sku)
    assert [found.sku for found in listed(driver) if found.external_id == str(variant.number)] == [None]


def test_drafts_and_archived_products_hold_stock_and_are_listed(driver):
    for status in ("DRAFT", "ARCHIVED"):
        driver.act(catalogue.add_variant, driver.act(catalogue.add_product, status, status=status), sku=status)
    assert {"DRAFT", "ARCHIVED"} <= {found.sku for found in listed(driver)}


def test_what_cannot_be_published_says_why(driver):
    driver.act(catalogue.add_bundle, "Set", "SET", [(driver.variant("MUG-1"), 2)])
    driver.act(catalogue.set_tracked, driver.variant("CUP-1").item, tracked=False)
    driver.act(catalogue.deactivate_level, driver.shopify.shop.levels_of(driver.variant("BOWL-1").item)[0])
    assert item(driver, "SET").blocked.startswith("A bundle")
    assert (item(driver, "CUP-1").tracked, item(driver, "CUP-1").blocked) == (False, "")
    assert item(driver, "BOWL-1").blocked.startswith("It is not stocked")


def test_variants_that_share_an_item_share_the_figure(driver):
    mug = driver.variant("MUG-1")
    second = driver.act(catalogue.add_variant, mug.product, title="Wrapped", item=mug.item)
    found = {one.external_id: one.ref for one in listed(driver)}
    assert found[str(mug.number)] == found[str(second.number)]


def test_many_variants_come_by_bulk_operation_whole_and_in_the_order_of_ids(driver):
    many(driver)
    pages = list(driver.store().catalogue())
    ids = [int(one.external_id) for page in pages for one in page.items]
    assert len(ids) == 2103
    assert ids == sorted(ids)
    assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert {operation.status for operation in driver.shopify.bulk.operations.values()} == {"COMPLETED"}


def test_a_page_and_a_bulk_file_say_the_same(driver):
    by_page = listed(driver)
    location = gid("Location", str(driver.shopify.location.number))
    store = driver.store()
    by_bulk = bulk.rows(store._client, driver.clock, location)
    assert [row.text("id").rpartition("/")[2] for row in by_bulk] == [one.external_id for one in by_page]


def test_the_token_does_not_travel_with_the_download(driver):
    many(driver)
    listed(driver)
    (download,) = [request for request in driver.requests if request.url.path.startswith("/_bulk/")]
    assert "x-shopify-access-token" not in download.headers


def test_a_bulk_operation_that_failed_is_no_catalogue(driver):
    many(driver)
    driver.shopify.bulk.fails_next = True
    with pytest.raises(Unavailable, match="FAILED"):
        listed(driver)


def test_a_file_with_a_row_missing_is_no_catalogue(driver):
    many(driver)
    platform = driver._platform

    def carry(request):
        answer = platform.handle_request(request)
        if request.url.path.startswith("/_bulk/"):
            return httpx.Response(200, content=answer.content.partition(b"\n")[2], request=request)
        return answer

    driver._platform = httpx.MockTransport(carry)
    with pytest.raises(Unavailable, match="2102 of 2103"):
        listed(driver)


def test_while_too_many_operations_run_the_pages_have_to_do(driver):
    many(driver)
    driver.shopify.bulk.seconds = 10_000
    for _ in range(5):
        driver.shopify.bulk.start("{}", group=False, run=lambda text: {})
    assert len(listed(driver)) == 2103


def test_a_store_without_products_has_an_empty_catalogue(driver):
    for sku in driver.skus:
        driver.delete(sku)
    (page,) = driver.store().catalogue()
    assert (page.items, page.is_last) == ((), True)


# ------------------------------------------------------------------------------------------------- probe


def test_the_only_location_is_chosen_and_kept(driver):
    info = driver.store().probe()
    assert info.settings == {"shop": SHOP, "store_location": str(driver.shopify.location.number)}
    assert (info.account_id, info.currency, info.time_zone) == (SHOP, "USD", "America/New_York")
    assert info.warnings == ()


def test_several_locations_are_listed_for_a_choice(driver):
    other = driver.act(catalogue.add_location, "Other")
    driver.act(catalogue.add_location, "Warehouse service", is_fulfillment_service=True)
    driver.act(catalogue.deactivate_location, driver.act(catalogue.add_location, "Closed"))
    info = driver.store().probe()
    assert [location.name for location in info.locations] == ["Main", "Other"]
    assert "store_location" not in info.settings
    assert "several locations" in info.warnings[0]
    driver.account.settings["store_location"] = gid("Location", str(other.number))
    assert driver.store().probe().settings["store_location"] == str(other.number)


def test_a_location_that_is_not_there_is_refused(driver):
    driver.account.settings["store_location"] = "5"
    with pytest.raises(Refused, match="no active location 5"):
        driver.store().probe()


def test_missing_rights_are_named():
    driver = ShopifyDriver(scopes=["read_products", "read_locations", "write_inventory"])
    with pytest.raises(AccessDenied, match="read_orders"):
        driver.store().probe()


def test_rights_that_would_help_are_recommended():
    driver = ShopifyDriver(scopes=["read_products", "read_locations", "write_inventory", "read_orders"])
    assert [words.split()[1] for words in driver.store().probe().warnings] == [
        "read_all_orders",
        "read_returns",
        "write_products",
    ]


def test_a_token_of_another_store_is_refused():
    driver = ShopifyDriver(shop="other.myshopify.com")
    with pytest.raises(Refused, match=r"belongs to other\.myshopify\.com"):
        driver.store().probe()


def test_a_version_that_was_retired_is_told():
    driver = ShopifyDriver(settings={"api_version": "2025-01"})
    assert "version 2026-01, not 2025-01" in driver.store().probe().warnings[-1]


def test_the_probe_tells_which_locations_sell_online():
    driver = ShopifyDriver()
    driver.act(catalogue.add_location, "Depot").fulfills_online = False
    driver.act(catalogue.add_location, "Westlands")
    info = driver.store().probe()
    assert [(place.name, place.sells_online) for place in info.locations] == [
        ("Main", True),
        ("Depot", False),
        ("Westlands", True),
    ]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ("Main", ["than Main are not seen in its figure. These ship online orders as well: Westlands."]),
        ("Depot", ["Depot does not ship online orders", "These ship online orders as well: Main, Westlands."]),
    ],
)
def test_a_choice_of_location_is_told_with_what_it_leaves_out(chosen, words):
    driver = ShopifyDriver()
    driver.act(catalogue.add_location, "Depot").fulfills_online = False
    driver.act(catalogue.add_location, "Westlands")
    place = next(place for place in driver.shopify.shop.locations.values() if place.name == chosen)
    driver.account.settings["store_location"] = str(place.number)
    warnings = driver.store().probe().warnings
    assert len(warnings) == len(words)
    assert all(told in warning for told, warning in zip(words, warnings, strict=True))
