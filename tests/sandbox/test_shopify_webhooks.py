"""What the simulated Shopify sends, how it signs and repeats it, and when it gives up."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from syncd.sandbox.shopify import catalogue, orders, refunds, returns
from tests.sandbox.shopify_shop import HOOK, SUBSCRIBE, Shopify, gid

LIST = "{ webhookSubscriptions(first: 50) { nodes { id topic uri } } }"


@pytest.fixture
def shopify():
    return Shopify()


def topics(webhooks):
    return [webhook.headers["X-Shopify-Topic"] for webhook in webhooks]


def listed(shopify):
    return [node["topic"] for node in shopify.data(LIST)["webhookSubscriptions"]["nodes"]]


def fail_all(shopify, status=500):
    sent = shopify.due()
    for webhook in sent:
        shopify.delivered(webhook.id, status)
    return sent


def test_a_delivery_has_every_header_and_is_signed_over_its_raw_bytes(shopify):
    shopify.subscribe("ORDERS_CREATE", name="ours")
    shopify.sell()
    (sent,) = shopify.due()
    wanted = base64.b64encode(hmac.new(shopify.client_secret.encode(), sent.body, hashlib.sha256).digest()).decode()
    assert sent.headers["X-Shopify-Hmac-Sha256"] == wanted
    assert sent.headers["X-Shopify-Shop-Domain"] == "demo.myshopify.com"
    assert sent.headers["X-Shopify-API-Version"] == "2026-10"
    assert sent.headers["X-Shopify-Name"] == "ours"
    assert {"X-Shopify-Topic", "X-Shopify-Webhook-Id", "X-Shopify-Event-Id", "X-Shopify-Triggered-At"} <= set(
        sent.headers
    )
    assert (sent.url, sent.timeout) == (HOOK, 5.0)


def test_one_sale_makes_a_storm_under_one_event_id(shopify):
    for topic in (
        "ORDERS_CREATE",
        "ORDERS_UPDATED",
        "ORDERS_PAID",
        "INVENTORY_LEVELS_UPDATE",
        "PRODUCTS_UPDATE",
        "FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE",
    ):
        shopify.subscribe(topic)
    shopify.sell()
    sent = shopify.due()
    assert sorted(topics(sent)) == [
        "fulfillment_orders/order_routing_complete",
        "inventory_levels/update",
        "orders/create",
        "orders/paid",
        "orders/updated",
        "products/update",
    ]
    assert len({webhook.headers["X-Shopify-Event-Id"] for webhook in sent}) == 1
    assert len({webhook.headers["X-Shopify-Webhook-Id"] for webhook in sent}) == 6


def test_our_own_push_comes_back_as_an_absolute_value_without_a_cause(shopify):
    shopify.subscribe("INVENTORY_LEVELS_UPDATE")
    shopify.push(shopify.row(3, 5))
    (sent,) = shopify.due()
    assert json.loads(sent.body) == {
        "inventory_item_id": shopify.mug.item.number,
        "location_id": shopify.location.number,
        "available": 3,
        "updated_at": "2026-11-21T05:00:00-05:00",
        "admin_graphql_api_id": f"gid://shopify/InventoryLevel/{shopify.location.number}?inventory_item_id={shopify.mug.item.number}",
    }


def test_a_write_that_changes_nothing_is_not_announced(shopify):
    shopify.subscribe("INVENTORY_LEVELS_UPDATE")
    shopify.push(shopify.row(5, 5))
    assert shopify.due() == []


def test_include_fields_leave_out_everything_else(shopify):
    shopify.subscribe("ORDERS_CREATE", includeFields=["id", "updated_at"])
    order = shopify.sell()
    (sent,) = shopify.due()
    assert json.loads(sent.body) == {"id": order.number, "updated_at": "2026-11-21T05:00:00-05:00"}


def test_a_retry_repeats_the_old_payload_with_the_same_ids(shopify):
    shopify.subscribe("ORDERS_CREATE")
    order = shopify.sell()
    (first,) = fail_all(shopify)
    shopify.act(refunds.cancel, order, restock=True)
    shopify.clock.advance(minutes=2)
    (again,) = shopify.due()
    assert (again.body, again.headers) == (first.body, first.headers)
    assert again.id != first.id


@pytest.mark.parametrize("status", [None, 301, 401, 404, 500])
def test_only_2xx_counts(shopify, status):
    shopify.subscribe("ORDERS_CREATE")
    shopify.sell()
    fail_all(shopify, status)
    shopify.clock.advance(minutes=2)
    assert len(shopify.due()) == 1


def test_after_eight_retries_in_four_hours_the_event_is_lost_and_the_subscription_deleted(shopify):
    shopify.subscribe("ORDERS_CREATE")
    shopify.sell()
    attempts = 0
    for _ in range(4 * 60 + 1):
        attempts += len(fail_all(shopify))
        shopify.clock.advance(minutes=1)
    assert (attempts, listed(shopify)) == (9, [])
    shopify.sell()
    assert shopify.due() == []


def test_a_subscription_of_the_apps_configuration_is_unlisted_and_survives():
    shopify = Shopify(retry_delays=[timedelta(seconds=1)])
    shopify.configure_app_webhooks(HOOK, ["orders/create"])
    shopify.sell()
    for _ in range(3):
        fail_all(shopify)
        shopify.clock.advance(seconds=1)
    shopify.sell()
    assert listed(shopify) == []
    assert topics(shopify.due()) == ["orders/create"]


@pytest.mark.parametrize(
    ("uri", "strict", "words"),
    [
        ("not an address", False, "Address is invalid"),
        ("https://demo.myshopify.com/hook", False, "Address is not allowed"),
        ("https://other.myshopify.com/hook", False, "Address is not allowed"),
        ("http://127.0.0.1:8484/hook", True, "Address protocol http:// is not supported"),
        ("https://localhost/hook", True, "Address is not allowed"),
        ("https://syncd.example:8443/hook", True, "Address is not allowed"),
    ],
)
def test_an_address_it_would_not_call_is_refused(uri, strict, words):
    answer = Shopify(strict_addresses=strict).subscribe("ORDERS_CREATE", uri)
    assert [error["message"] for error in answer["userErrors"]] == [words]


def test_loopback_is_called_in_the_demo(shopify):
    assert shopify.subscribe("ORDERS_CREATE", "http://127.0.0.1:8484/hook")["userErrors"] == []


def test_the_same_topic_and_address_twice_is_refused(shopify):
    shopify.subscribe("ORDERS_CREATE")
    answer = shopify.subscribe("ORDERS_CREATE")
    assert answer["userErrors"][0]["message"] == "Address for this topic has already been taken"
    assert shopify.subscribe("ORDERS_CREATE", HOOK + "2")["userErrors"] == []


def test_subscriptions_can_be_changed_and_deleted(shopify):
    made = shopify.subscribe("ORDERS_CREATE")["webhookSubscription"]["id"]
    change = "mutation U($id: ID!, $hook: WebhookSubscriptionInput!) { webhookSubscriptionUpdate(id: $id, webhookSubscription: $hook) { webhookSubscription { uri } userErrors { message } } }"
    changed = shopify.data(change, {"id": made, "hook": {"uri": HOOK + "/new"}})["webhookSubscriptionUpdate"]
    assert changed == {"webhookSubscription": {"uri": HOOK + "/new"}, "userErrors": []}
    drop = "mutation D($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { message } } }"
    assert shopify.data(drop, {"id": made})["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"] == made
    assert shopify.data(drop, {"id": made})["webhookSubscriptionDelete"]["userErrors"]
    assert listed(shopify) == []


def test_a_filter_is_refused_rather_than_ignored(shopify):
    answer = shopify.data(SUBSCRIBE, {"topic": "ORDERS_CREATE", "hook": {"uri": HOOK, "filter": "id:1"}})
    assert answer["webhookSubscriptionCreate"]["webhookSubscription"] is None


class TestFaults:
    def test_a_duplicate_has_the_same_webhook_id(self, shopify):
        shopify.subscribe("ORDERS_CREATE")
        shopify.faults.webhook_duplicate_rate = 1.0
        shopify.sell()
        sent = shopify.due()
        assert len(sent) == 2
        assert len({webhook.headers["X-Shopify-Webhook-Id"] for webhook in sent}) == 1

    def test_a_dropped_webhook_never_comes(self, shopify):
        shopify.subscribe("ORDERS_CREATE")
        shopify.faults.webhook_drop_rate = 1.0
        shopify.sell()
        shopify.clock.advance(hours=5)
        assert shopify.due() == []

    def test_a_delayed_webhook_comes_later(self, shopify):
        shopify.subscribe("ORDERS_CREATE")
        shopify.faults.webhook_delay_seconds = 3.0
        shopify.sell()
        assert shopify.due() == []
        shopify.clock.advance(seconds=3)
        assert len(shopify.due()) == 1

    def test_webhooks_overtake_each_other(self, shopify):
        shopify.subscribe("ORDERS_UPDATED")
        shopify.faults.webhook_reorder = True
        shopify.level.available = 50
        for _ in range(10):
            shopify.sell()
            shopify.clock.advance(milliseconds=100)
        shopify.clock.advance(seconds=3)
        sent = [json.loads(webhook.body)["order_number"] for webhook in shopify.due()]
        assert sorted(sent) == list(range(1001, 1011))
        assert sent != sorted(sent)


class TestBodies:
    def body(self, shopify, topic, act):
        shopify.subscribe(topic)
        act()
        return json.loads(shopify.due()[-1].body)

    def test_an_order_names_its_lines_refunds_and_a_customer(self, shopify):
        order = shopify.sell(2)
        shopify.act(orders.fulfil, order)
        act = lambda: shopify.act(refunds.refund, order, refunds.backs_of(order.lines[0], 1, restock=True))  # noqa: E731
        body = self.body(shopify, "ORDERS_UPDATED", act)
        (line,) = body["line_items"]
        assert (line["quantity"], line["current_quantity"], line["sku"]) == (2, 1, "MUG")
        assert (line["variant_inventory_management"], line["product_exists"]) == ("shopify", True)
        (refund,) = body["refunds"]
        assert [(x["line_item_id"], x["restock_type"], x["location_id"]) for x in refund["refund_line_items"]] == [
            (line["id"], "return", shopify.location.number)
        ]
        assert body["financial_status"] == "partially_refunded"
        assert body["customer"]["email"]

    def test_an_edit_tells_only_line_ids_and_deltas(self, shopify):
        order = shopify.sell(2)
        body = self.body(shopify, "ORDERS_EDITED", lambda: shopify.act(refunds.edit, order, "MUG", 1))
        assert list(body) == ["order_edit"]
        assert body["order_edit"]["line_items"] == {
            "additions": [],
            "removals": [{"id": order.lines[0].number, "delta": 1}],
        }

    def test_deletions_tell_only_an_id(self, shopify):
        product = shopify.mug.product
        assert self.body(shopify, "PRODUCTS_DELETE", lambda: shopify.act(catalogue.delete_product, product)) == {
            "id": product.number
        }

    def test_a_product_shows_at_most_a_hundred_variants_in_full(self, shopify):
        for number in range(150):
            shopify.act(catalogue.add_variant, shopify.mug.product, title=str(number))
        body = self.body(shopify, "PRODUCTS_UPDATE", shopify.sell)
        assert (len(body["variants"]), len(body["variant_gids"])) == (100, 151)

    def test_a_line_whose_product_was_deleted_has_lost_its_variant(self, shopify):
        order = shopify.sell()
        shopify.act(catalogue.delete_product, shopify.mug.product)
        (line,) = self.body(shopify, "ORDERS_UPDATED", lambda: shopify.act(orders.close, order))["line_items"]
        assert (line["variant_id"], line["product_exists"], line["sku"]) == (None, False, "MUG")

    def test_returns_tell_no_sku(self, shopify):
        order = shopify.sell()
        shopify.act(orders.fulfil, order)
        act = lambda: shopify.act(returns.approve, order, [(order.lines[0], 1)])  # noqa: E731
        body = self.body(shopify, "RETURNS_APPROVE", act)
        assert body["order"]["id"] == order.number

    def test_a_moved_order_tells_global_ids_and_no_order(self, shopify):
        other = shopify.act(catalogue.add_location, "Other")
        order = shopify.sell()
        body = self.body(shopify, "FULFILLMENT_ORDERS_MOVED", lambda: shopify.act(orders.move, order, other))
        assert body["destination_location_id"] == gid("Location", other.number)

    def test_a_finished_bulk_operation_tells_no_url(self, shopify):
        def act():
            shopify.data(
                'mutation { bulkOperationRunQuery(query: "{ products { edges { node { id } } } }") { userErrors { message } } }'
            )
            shopify.clock.advance(seconds=5)

        body = self.body(shopify, "BULK_OPERATIONS_FINISH", act)
        assert body["status"] == "completed"
        assert "url" not in body


def test_uninstalling_kills_the_token_and_the_subscriptions_and_says_so(shopify):
    shopify.subscribe("APP_UNINSTALLED")
    shopify.subscribe("ORDERS_CREATE")
    shopify.uninstall()
    assert shopify.post(LIST).status == 401
    assert topics(shopify.due()) == ["app/uninstalled"]
    shopify.sell()
    assert shopify.due() == []


def test_privacy_topics_come_from_the_apps_configuration_only(shopify):
    shopify.configure_app_webhooks(HOOK)
    shopify.announce("customers/redact", {"shop_domain": "demo.myshopify.com", "orders_to_redact": [1]})
    assert topics(shopify.due()) == ["customers/redact"]
