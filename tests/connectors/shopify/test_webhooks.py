"""Deliveries beyond the published examples: which ones matter, and how the subscriptions are kept."""

import json
from datetime import UTC, datetime

import pytest

from connectors.sdk.errors import InvalidSignature, MalformedPayload
from connectors.sdk.signatures import hmac_sha256_base64
from connectors.sdk.values import (
    AccessEnded,
    ListingChanged,
    Nothing,
    OrderChanged,
    ProductChanged,
    StockHint,
    WebhookState,
)
from connectors.shopify import plugin
from connectors.shopify.webhooks import TOPICS, facts
from syncd.sandbox.shopify import catalogue, orders, stock
from tests.connectors.shopify.driver import SHOP, ShopifyDriver

URL = ShopifyDriver.webhook_url


@pytest.fixture
def driver():
    driver = ShopifyDriver()
    driver.store().probe()
    driver.account.settings["store_location"] = str(driver.shopify.location.number)
    return driver


@pytest.fixture
def store(driver):
    store = driver.store()
    store.check_webhooks(URL, repair=True)
    driver.deliveries()
    driver.advance(60)
    return store


def said(driver, store, act, *args, **options):
    driver.act(act, *args, **options)
    return {headers["x-shopify-topic"]: list(store.facts(headers, body)) for headers, body in driver.deliveries()}


def parse(topic, body, *, location_id="7"):
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-shop-domain": SHOP,
        "x-shopify-triggered-at": "2026-11-21T10:00:00Z",
    }
    return list(facts(headers, json.dumps(body).encode(), shop=SHOP, location_id=location_id))


def test_a_sale_tells_the_order_and_the_figure_and_no_product(driver, store):
    told = said(driver, store, orders.place, [orders.Wanted(sku="MUG-1", quantity=3)])
    (hint,) = told["inventory_levels/update"]
    assert hint == StockHint(stock_id=str(driver.variant("MUG-1").item.number), quantity=17, at=driver.clock.now())
    assert told["products/update"] == [Nothing(words="a product of which no variant changed")]
    assert [line.quantity for line in told["orders/create"][0].lines] == [3]


def test_no_delivery_that_we_ask_for_holds_a_customers_data(driver, store):
    driver.sell("MUG-1", 1)
    bodies = b"".join(body for _, body in driver.deliveries())
    assert b"@example.com" not in bodies
    assert b"Example Street" not in bodies


def test_a_new_product_tells_its_variants(driver, store):
    told = said(driver, store, catalogue.stock_product, "NEW", quantity=1)
    assert told["products/create"] == [ListingChanged(external_id=str(driver.variant("NEW").number))]


def test_a_figure_at_another_location_is_none_of_ours(driver, store):
    other = driver.act(catalogue.add_location, "Other")
    told = said(driver, store, stock.stock_at, driver.variant("MUG-1").item, other, available=4)
    assert all(isinstance(fact, Nothing) for row in told.values() for fact in row)


def test_a_figure_is_only_a_reason_to_look_while_the_location_is_not_known():
    body = {"inventory_item_id": 1, "location_id": 7, "available": 4, "updated_at": "2026-11-21T10:00:00Z"}
    assert parse("inventory_levels/update", body)[0].quantity == 4
    assert parse("inventory_levels/update", body, location_id=None)[0].quantity is None
    assert parse("inventory_levels/update", body, location_id="8") == [
        Nothing(words="a figure at a location that is not synchronised")
    ]


def test_switching_tracking_off_and_deleting_are_reasons_to_look(driver, store):
    item = driver.variant("MUG-1").item
    told = said(driver, store, catalogue.set_tracked, item, tracked=False)
    assert told["inventory_items/update"][0].stock_id == str(item.number)
    (item,) = [item for page in store.catalogue() for item in page.items if item.sku == "CUP-1"]
    told = said(driver, store, catalogue.delete_product, driver.variant("CUP-1").product)
    assert told["inventory_items/delete"][0].stock_id == item.ref.stock_id
    assert told["products/delete"] == [ProductChanged(product_id=item.ref.parent_id)]


def test_a_deleted_order_may_be_gone(driver, store):
    order = driver.act(orders.place, [orders.Wanted(sku="MUG-1", quantity=1)])
    driver.act(orders.close, order)
    driver.deliveries()
    told = said(driver, store, orders.delete, order)
    assert told == {"orders/delete": [OrderChanged(order_id=str(order.number), may_be_gone=True)]}


def test_removing_the_app_ends_our_access(driver, store):
    driver.shopify.uninstall()
    ((headers, body),) = driver.deliveries()
    assert isinstance(store.facts(headers, body)[0], AccessEnded)


def test_rights_that_are_still_enough_change_nothing():
    have = ["read_products", "write_inventory", "read_locations", "write_orders"]
    assert isinstance(parse("app/scopes_update", {"current": have})[0], Nothing)
    assert isinstance(parse("app/scopes_update", {"current": have[:2]})[0], AccessEnded)


@pytest.mark.parametrize("kind", ["cancel", "return", "legacy_restock", "no_restock", "teleport"])
def test_a_restock_type_says_whether_units_went_back(kind):
    line = {"id": 3, "line_item_id": 2, "quantity": 1, "restock_type": kind}
    body = {"id": 1, "order_id": 9, "created_at": "2026-11-21T10:00:00Z", "restock": True, "refund_line_items": [line]}
    (told,) = parse("refunds/create", body)
    assert told.refunds[0].lines[0].restocked is (kind in ("cancel", "return", "legacy_restock"))


def test_a_product_tells_only_the_variants_that_changed_with_it():
    gids = [
        {"admin_graphql_api_id": "gid://shopify/ProductVariant/1", "updated_at": "2026-11-21T10:00:00Z"},
        {"admin_graphql_api_id": "gid://shopify/ProductVariant/2", "updated_at": "2026-11-20T10:00:00Z"},
        {"admin_graphql_api_id": "gid://shopify/ProductVariant/3"},
    ]
    told = parse("products/update", {"id": 5, "updated_at": "2026-11-21T10:00:01Z", "variant_gids": gids})
    assert told == [ListingChanged(external_id="1"), ListingChanged(external_id="3")]


def test_an_empty_return_tells_nothing_and_an_unknown_topic_neither():
    assert isinstance(parse("returns/process", {})[0], Nothing)
    assert isinstance(parse("carts/update", {"id": 1})[0], Nothing)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>"])
def test_even_an_unknown_topic_has_to_be_an_object(body):
    headers = {"x-shopify-topic": "carts/update", "x-shopify-shop-domain": SHOP}
    with pytest.raises(MalformedPayload):
        facts(headers, body, shop=SHOP, location_id=None)


class TestDoor:
    door = plugin.door

    @pytest.mark.parametrize(
        ("told", "account"),
        [
            (SHOP, SHOP),
            ("Demo.MyShopify.com", SHOP),
            ("evil.com", None),
            ("demo.myshopify.com.evil.com", None),
            ("", None),
        ],
    )
    def test_the_account_is_the_stores_name(self, told, account):
        assert self.door.account_id({"x-shopify-shop-domain": told}, b"") == account

    @pytest.mark.parametrize(
        "body", [b'{"id": 1}', b'{"id":1,"note":"\\u00e9"}', b'{"id":1,"id":1}\n', b"not JSON", b""]
    )
    def test_the_signature_is_that_of_the_bytes_as_they_came(self, body):
        headers = {"x-shopify-hmac-sha256": hmac_sha256_base64(b"key", body)}
        self.door.verify(headers, body, ("other", "key"), datetime.now(UTC))
        with pytest.raises(InvalidSignature):
            self.door.verify(headers, body + b" ", ("other", "key"), datetime.now(UTC))

    def test_retries_and_duplicates_have_one_key_and_topics_of_one_event_have_their_own(self):
        one = {"x-shopify-topic": "orders/create", "x-shopify-webhook-id": "a", "x-shopify-event-id": "e"}
        two = {**one, "x-shopify-topic": "orders/updated", "x-shopify-webhook-id": "b"}
        assert self.door.delivery_key(one, b"x") == self.door.delivery_key(one, b"x")
        assert self.door.delivery_key(one, b"x") != self.door.delivery_key(two, b"x")

    def test_without_an_id_the_body_makes_the_key(self):
        headers = {"x-shopify-topic": "orders/create"}
        assert self.door.delivery_key(headers, b"x") != self.door.delivery_key(headers, b"y")

    def test_the_hand_made_key_the_apps_and_the_one_before_it_are_secrets(self):
        known = {"webhook_secret": "a", "client_secret": "b", "old_client_secret": "c", "access_token": "d"}
        assert self.door.secrets(known) == ("a", "b", "c")


class TestSubscriptions:
    def test_every_topic_is_subscribed_once(self, driver, store):
        listed = driver.shopify.webhooks.listed()
        assert sorted(one.topic for one in listed) == sorted(TOPICS)
        assert {one.uri for one in listed} == {URL}

    def test_a_subscription_that_shopify_deleted_is_made_again(self, driver, store):
        lost = next(one for one in driver.shopify.webhooks.listed() if one.topic == "orders/create")
        del driver.shopify.webhooks.subscriptions[lost.number]
        assert store.check_webhooks(URL, repair=False).states["orders/create"] is WebhookState.MISSING
        assert store.check_webhooks(URL, repair=True).states["orders/create"] is WebhookState.MADE

    def test_one_that_sends_other_fields_is_changed(self, driver, store):
        ours = next(one for one in driver.shopify.webhooks.listed() if one.topic == "orders/create")
        ours.include_fields = ("id",)
        report = store.check_webhooks(URL, repair=True)
        assert report.states["orders/create"] is WebhookState.REPAIRED
        assert set(store.check_webhooks(URL, repair=False).states.values()) == {WebhookState.RIGHT}

    def test_an_address_that_shopify_refuses_is_told_in_its_words(self, driver):
        report = driver.store().check_webhooks("https://demo.myshopify.com/hook", repair=True)
        assert set(report.states.values()) == {WebhookState.FAILED}
        assert report.words["orders/create"] == "Address is not allowed"

    def test_subscriptions_to_other_addresses_stay(self, driver, store):
        driver.shopify.webhooks.subscribe("orders/create", "https://another.example/hook")
        store.remove_webhooks(URL)
        assert [one.uri for one in driver.shopify.webhooks.listed()] == ["https://another.example/hook"]
