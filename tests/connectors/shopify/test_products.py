"""Making products in a Shopify store: once for each SKU, counted, stocked where we write, and begun at nothing."""

import json
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.sdk.errors import OutcomeUnknown, RefusalKind, Refused
from connectors.sdk.values import CreateOutcome, NewItem, NewItems
from connectors.shopify.products import handle_of
from syncd.sandbox.shopify import catalogue
from tests.connectors.shopify.driver import ShopifyDriver

KEY = str(uuid.UUID(int=7, version=4))


def make(driver, sku="TIN-1", *, is_draft=True, **more):
    new = NewItem(sku=sku, title=more.pop("title", "A tin"), **more)
    until = driver.clock.now() + timedelta(seconds=30)
    batch = NewItems(items=(new,), is_draft=is_draft, key=KEY, not_after=until)
    return driver.store().create_items(batch)[sku]


def sent(driver):
    bodies = [json.loads(request.content) for request in driver.requests]
    return [(body["query"].split()[1].partition("(")[0], body["variables"]) for body in bodies]


@pytest.mark.parametrize(("is_draft", "status"), [(True, "DRAFT"), (False, "ACTIVE")])
def test_a_product_has_what_was_asked_for_and_no_stock(is_draft, status):
    driver = ShopifyDriver()
    image = "https://img.example/tin.jpg"
    assert make(driver, is_draft=is_draft, price=Decimal("4.50"), image_url=image).outcome is CreateOutcome.CREATED
    variant = driver.variant("TIN-1")
    product = variant.product
    assert (product.title, product.status, product.image_url) == ("A tin", status, image)
    assert (variant.price, variant.item.tracked, variant.policy, variant.title) == (
        Decimal("4.50"),
        True,
        "DENY",
        "Default Title",
    )
    assert driver.stock("TIN-1") == 0
    assert driver.shopify.shop.pushes == []


def test_no_figure_is_in_the_request():
    driver = ShopifyDriver()
    make(driver)
    ((name, variables),) = [call for call in sent(driver) if call[0] == "CreateProduct"]
    assert name == "CreateProduct"
    assert "inventoryQuantities" not in json.dumps(variables)


def test_an_item_is_stocked_at_the_stores_location():
    driver = ShopifyDriver()
    other = driver.act(catalogue.add_location, "Mombasa Road")
    driver = with_location(driver, other)
    item = make(driver).item
    assert item.blocked == ""
    level = driver.shopify.shop.level(driver.variant("TIN-1").item, other)
    assert (level.is_active, level.available) == (True, 0)


def with_location(driver, location):
    driver.account.settings["store_location"] = str(location.number)
    return driver


def test_a_lost_answer_is_found_again_although_the_search_lags():
    driver = ShopifyDriver()
    driver.shopify.shop.index_lag = timedelta(minutes=5)
    driver.loses_next_answer = True
    with pytest.raises(OutcomeUnknown):
        make(driver)
    again = make(driver)
    assert again.outcome is CreateOutcome.EXISTS
    assert len(driver.shopify.shop.variants_of("TIN-1")) == 1


def test_a_second_call_at_the_same_time_makes_no_second_product():
    """Somebody is quicker between our look and our call."""
    driver = ShopifyDriver()
    driver.shopify.shop.index_lag = timedelta(minutes=5)
    driver.after = lambda request: b"query FindSku" in request.content and be_quicker(driver)
    assert make(driver).outcome is CreateOutcome.EXISTS
    assert len(driver.shopify.shop.variants_of("TIN-1")) == 1


def be_quicker(driver):
    if not driver.shopify.shop.variants_of("TIN-1"):
        product = driver.act(catalogue.add_product, "A tin")
        product.handle = handle_of("TIN-1")
        driver.act(catalogue.add_variant, product, sku="TIN-1")


def test_a_product_of_the_merchants_own_is_never_changed():
    driver = ShopifyDriver()
    make(driver, "MUG-1", title="Another name")
    assert driver.variant("MUG-1").product.title == "MUG-1"
    assert "CreateProduct" not in [name for name, _ in sent(driver)]


def test_a_foreign_product_at_our_handle_is_no_product_of_ours():
    driver = ShopifyDriver()
    driver.act(catalogue.add_product, "Something else").handle = handle_of("TIN-1")
    result = make(driver)
    assert result.outcome is CreateOutcome.REFUSED
    assert "already in use" in result.words


def test_a_missing_right_is_told_and_costs_no_connection():
    driver = ShopifyDriver(scopes=["read_products", "read_locations", "write_inventory", "read_orders"])
    with pytest.raises(Refused, match="write_products") as caught:
        make(driver)
    assert caught.value.kind is RefusalKind.CONFIGURATION


@pytest.mark.parametrize("sku", ["TIN-Ä 2/3", 'it\'s \\ "odd"', "A OR sku:B", "茶", "a:b*"])
def test_any_sku_can_be_made_and_found_again(sku):
    driver = ShopifyDriver()
    assert make(driver, sku).outcome is CreateOutcome.CREATED
    assert make(driver, sku).outcome is CreateOutcome.EXISTS
    assert len(driver.shopify.shop.variants_of(sku)) == 1


def test_handles_of_skus_that_look_alike_differ():
    skus = ["A B", "A-B", "a b", "Ä B", "茶", "豆"]
    assert len({handle_of(sku) for sku in skus}) == len(skus)
    assert all(len(handle_of(sku * 50)) < 80 for sku in skus)
