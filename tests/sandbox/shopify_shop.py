"""A simulated Shopify under a clock of the test's own, and the few documents the tests send."""

import json
import random
from datetime import UTC, datetime, timedelta

from syncd.sandbox.shopify import SimulatedShopify, catalogue, orders
from syncd.sandbox.shopify.orders import Wanted
from syncd.sandbox.wire import Request

START = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
HOOK = "https://syncd.example/hook"

SET = """mutation Push($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id reason referenceDocumentUri changes(quantityNames: ["available"]) { item { id } delta quantityAfterChange } }
    userErrors { code field message } } }"""

SUBSCRIBE = """mutation S($topic: WebhookSubscriptionTopic!, $hook: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $hook) { webhookSubscription { id topic uri includeFields } userErrors { field message } } }"""


class ShopClock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def advance(self, **time):
        self.now += timedelta(**time)


def gid(kind, number):
    return f"gid://shopify/{kind}/{number}"


class Shopify(SimulatedShopify):
    """The platform with words for tests: `mug` is a tracked SKU with 5 units at the main location."""

    def __init__(self, **options):
        self.clock = ShopClock()
        super().__init__(clock=self.clock, random=random.Random(7), **options)
        self.mug = self.act(catalogue.stock_product, "MUG", quantity=5)
        self.level = self.shop.levels[self.mug.item.number, self.location.number]

    def post(self, document, variables=None, *, version="2026-10", token=None, name=None):
        body = {"query": document, "variables": variables or {}}
        return self.handle(
            Request(
                method="POST",
                scheme="https",
                host="demo.myshopify.com",
                path=f"/admin/api/{version}/graphql.json",
                headers={"x-shopify-access-token": token or self.access_token, "content-type": "application/json"},
                body=json.dumps(body).encode(),
            )
        )

    def run(self, document, variables=None, **options):
        return json.loads(self.post(document, variables, **options).body)

    def data(self, document, variables=None, **options):
        answer = self.run(document, variables, **options)
        assert "errors" not in answer, answer
        return answer["data"]

    def row(self, quantity, expected, *, variant=None, location=None):
        item = (variant or self.mug).item
        return {
            "inventoryItemId": gid("InventoryItem", item.number),
            "locationId": gid("Location", (location or self.location).number),
            "quantity": quantity,
            "changeFromQuantity": expected,
        }

    def push(self, *rows, key="key-1", **head):
        wanted = {"name": "available", "reason": "correction", "referenceDocumentUri": "gid://syncd/PushBatch/1"}
        variables = {"input": {**wanted, **head, "quantities": list(rows)}, "key": key}
        return self.run(SET, variables)

    def set_codes(self, *rows, **options):
        answer = self.push(*rows, **options)
        return [error["code"] for error in answer["data"]["inventorySetQuantities"]["userErrors"]]

    def sell(self, quantity=1, *, sku="MUG", **options):
        return self.act(orders.place, [Wanted(sku=sku, quantity=quantity)], **options)

    def figures(self, level=None):
        level = level or self.level
        return level.available, level.committed, level.on_hand

    def subscribe(self, topic, uri=HOOK, **extra):
        return self.data(SUBSCRIBE, {"topic": topic, "hook": {"uri": uri, **extra}})["webhookSubscriptionCreate"]

    def control(self, method, path, body=None):
        answer = self.handle(
            Request(
                method=method,
                scheme="http",
                host="localhost",
                path=path,
                body=b"" if body is None else json.dumps(body).encode(),
            )
        )
        return answer.status, json.loads(answer.body)


def codes(answer):
    return [error["extensions"]["code"] for error in answer["errors"]]
