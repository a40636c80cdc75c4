"""Making products in a WooCommerce shop: counted from nothing, never twice, and each judged by its own place."""

from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.sdk.errors import OutcomeUnknown
from connectors.sdk.values import CreateOutcome, NewItem, NewItems
from connectors.woocommerce.products import IN_TRASH
from tests.connectors.woocommerce.driver import WooDriver


def make(driver, *items, is_draft=True):
    new = tuple(NewItem(sku=one, title=f"A {one}") if isinstance(one, str) else one for one in items)
    until = driver.clock.now() + timedelta(seconds=30)
    return driver.store().create_items(NewItems(items=new, is_draft=is_draft, key="k", not_after=until))


def product(driver, sku):
    return driver.woo.shop.by_sku(sku)


@pytest.mark.parametrize(("is_draft", "status"), [(True, "draft"), (False, "publish")])
def test_a_product_has_what_was_asked_for_and_is_counted_from_nothing(is_draft, status):
    driver = WooDriver()
    new = NewItem(sku="TIN", title="A tin", price=Decimal("4.50"), image_url="https://img.example/tin.jpg")
    result = make(driver, new, is_draft=is_draft)["TIN"]
    made = product(driver, "TIN")
    assert (made.name, made.price, made.status) == ("A tin", Decimal("4.50"), status)
    assert (made.manages_stock, made.stock, made.type) == (True, 0, "simple")
    assert (result.item.image_url, result.item.quantity) == ("https://img.example/tin.jpg", 0)


def test_many_products_cost_one_call():
    driver = WooDriver()
    results = make(driver, *(f"N-{n}" for n in range(10)))
    assert {result.outcome for result in results.values()} == {CreateOutcome.CREATED}
    assert driver.calls("POST") == ["products/batch"]


def test_one_that_fails_spoils_no_other():
    driver = WooDriver()
    broken = NewItem(sku="BAD", title="Bad", image_url="https://img.invalid/x.jpg")
    results = make(driver, "GOOD-1", broken, "GOOD-2")
    assert [results[sku].outcome for sku in ("GOOD-1", "BAD", "GOOD-2")] == [
        CreateOutcome.CREATED,
        CreateOutcome.REFUSED,
        CreateOutcome.CREATED,
    ]
    assert "Error getting remote image" in results["BAD"].words
    assert product(driver, "BAD") is None


@pytest.mark.parametrize("url", ["https://shop.example", "http://shop.example/store"])
@pytest.mark.parametrize("sku", ["TIN", "TIN-Ä 2/3", "A,B", "a&b=c"])
def test_a_lost_answer_makes_no_second_product(url, sku):
    driver = WooDriver(url=url)
    driver.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        make(driver, sku)
    result = make(driver, sku)[sku]
    assert (result.outcome, result.item.sku) == (CreateOutcome.EXISTS, sku)
    assert len([one for one in driver.woo.shop.products.values() if one.sku == sku]) == 1


def test_a_variation_with_the_sku_is_found():
    driver = WooDriver()
    assert make(driver, "SHIRT-S")["SHIRT-S"].outcome is CreateOutcome.EXISTS


def test_a_sku_that_differs_in_case_only_is_another_products():
    driver = WooDriver()
    result = make(driver, "mug-1")["mug-1"]
    assert result.outcome is CreateOutcome.REFUSED
    assert "MUG-1" in result.words


def test_a_sku_in_the_trash_is_told_as_that():
    driver = WooDriver()
    product(driver, "MUG-1").status = "trash"
    result = make(driver, "MUG-1")["MUG-1"]
    assert (result.outcome, result.words) == (CreateOutcome.REFUSED, IN_TRASH)
