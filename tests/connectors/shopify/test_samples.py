"""What every published example of a webhook says to us."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.sdk.errors import MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.values import (
    AccessEnded,
    ListingChanged,
    Nothing,
    OrderChanged,
    OrderRefunds,
    OrderSnapshot,
    PrivacyRequest,
    ProductChanged,
    StockHint,
)
from connectors.shopify import payloads, webhooks

DATA = Path(__file__).parents[2] / "data" / "shopify"
SHOP, LOCATION, ITEM = "demo.myshopify.com", "24826418", "271878346596884015"
NEW_YEAR = datetime(2022, 1, 1, tzinfo=UTC)
TRIGGERED = "2026-11-21T10:00:00Z"
ORDER = "820982911946154508"
ORDER_TOPICS = ("create", "updated", "paid", "cancelled", "fulfilled", "partially_fulfilled")

SAMPLES = [
    ("orders-edited", "orders/edited", [OrderChanged(order_id=ORDER)]),
    ("orders-delete", "orders/delete", [OrderChanged(order_id=ORDER, may_be_gone=True)]),
    ("products-delete", "products/delete", [ProductChanged(product_id="788032119674292922")]),
    ("products-create", "products/create", [ListingChanged(external_id="757650484644203962")]),
    ("products-update", "products/update", [ListingChanged(external_id="757650484644203962")]),
    ("inventory_levels-update", "inventory_levels/update", [StockHint(stock_id=ITEM, quantity=None, at=NEW_YEAR)]),
    ("inventory_levels-connect", "inventory_levels/connect", [StockHint(stock_id=ITEM, quantity=None, at=NEW_YEAR)]),
    (
        "inventory_levels-disconnect",
        "inventory_levels/disconnect",
        [StockHint(stock_id=ITEM, quantity=None, at=datetime(2026, 11, 21, 10, tzinfo=UTC))],
    ),
    ("inventory_items-create", "inventory_items/create", [StockHint(stock_id=ITEM, quantity=None, at=NEW_YEAR)]),
    ("inventory_items-update", "inventory_items/update", [StockHint(stock_id=ITEM, quantity=None, at=NEW_YEAR)]),
    (
        "inventory_items-delete",
        "inventory_items/delete",
        [StockHint(stock_id=ITEM, quantity=None, at=datetime(2026, 11, 21, 10, tzinfo=UTC))],
    ),
    (
        "app-uninstalled",
        "app/uninstalled",
        [AccessEnded(words="The app was removed from the store. Connect it again.")],
    ),
    (
        "app-scopes_update",
        "app/scopes_update",
        [
            AccessEnded(
                words="The store has taken rights away: read_inventory, write_inventory, read_locations, read_orders. "
                "Connect it again."
            )
        ],
    ),
    (
        "customers-data_request",
        "customers/data_request",
        [PrivacyRequest(kind="customers/data_request", order_ids=("299938", "280263", "220458"))],
    ),
    (
        "customers-redact",
        "customers/redact",
        [PrivacyRequest(kind="customers/redact", order_ids=("299938", "280263", "220458"))],
    ),
    ("shop-redact", "shop/redact", [PrivacyRequest(kind="shop/redact")]),
    ("returns-approve", "returns/approve", [OrderChanged(order_id="4783296544821")]),
    ("returns-close", "returns/close", [OrderChanged(order_id="4783296544821")]),
    *(
        (name, topic, [Nothing(words=f"{topic}: nothing that moves stock here")])
        for name, topic in (
            ("bulk_operations-finish", "bulk_operations/finish"),
            ("fulfillment_orders-moved", "fulfillment_orders/moved"),
            ("fulfillment_orders-order_routing_complete", "fulfillment_orders/order_routing_complete"),
            ("locations-deactivate", "locations/deactivate"),
            ("shop-update", "shop/update"),
        )
    ),
]


def facts(name, topic):
    headers = {"x-shopify-topic": topic, "x-shopify-shop-domain": SHOP, "x-shopify-triggered-at": TRIGGERED}
    return webhooks.facts(headers, (DATA / f"{name}.json").read_bytes(), shop=SHOP, location_id=LOCATION)


@pytest.mark.parametrize(("name", "topic", "said"), SAMPLES, ids=[name for name, *_ in SAMPLES])
def test_an_example_says_what_it_says(name, topic, said):
    assert list(facts(name, topic)) == said


@pytest.mark.parametrize("topic", ORDER_TOPICS)
def test_an_order_without_any_variant_moves_nothing_and_is_never_paid(topic):
    (order,) = facts(f"orders-{topic}", f"orders/{topic}")
    assert isinstance(order, OrderSnapshot)
    assert (order.order_id, order.name, order.currency) == (ORDER, "#9999", "USD")
    assert (order.version, order.cancelled_at) == (NEW_YEAR, NEW_YEAR)
    assert (order.is_paid, order.is_final, order.is_test) == (False, True, True)
    assert order.shipping == Decimal("10.00")
    assert len(order.lines) == 5
    assert all(line.external_id is None and line.moves_nothing for line in order.lines)
    assert [line.line_id for line in order.lines][:2] == ["487817672276298554", "789012345678901234"]
    assert sum(line.total for line in order.lines) == Decimal("414.95")


def test_a_refund_without_restock_gives_nothing_back():
    (told,) = facts("refunds-create", "refunds/create")
    assert isinstance(told, OrderRefunds)
    assert told.order_id == ORDER
    (refund,) = told.refunds
    assert (refund.refund_id, refund.created_at) == ("890088186047892319", NEW_YEAR)
    assert [(line.quantity, line.restocked) for line in refund.lines] == [(1, False)] * len(refund.lines)
    assert refund.lines[0].line_id == "487817672276298554"


def sample(name, key):
    return Reader.of(json.loads((DATA / f"{name}.json").read_bytes())[key], key)


def test_the_oldest_shape_of_an_order_is_understood():
    order = payloads.order(sample("rest-order", "order"))
    assert (order.order_id, order.is_paid, order.refunds) == ("450789469", False, ())
    assert [(line.external_id, line.sku, line.quantity) for line in order.lines] == [
        ("39072856", "IPOD2008GREEN", 1),
        ("49148385", "IPOD2008RED", 1),
        ("457924702", "IPOD2008BLACK", 1),
    ]
    assert all(line.moves_nothing == "" for line in order.lines)
    assert all(line.total == Decimal("199.00") for line in order.lines)
    assert order.shipping == Decimal("11.94")


def test_the_oldest_shape_of_a_refund_restocks_as_a_whole():
    refund = payloads.refund(sample("rest-refund", "refund"))
    assert [(line.line_id, line.quantity, line.restocked) for line in refund.lines] == [
        ("703073504", 1, True),
        ("466157049", 1, True),
    ]


def test_every_example_is_in_these_tests():
    known = {name for name, *_ in SAMPLES} | {f"orders-{topic}" for topic in ORDER_TOPICS}
    known |= {"refunds-create", "rest-order", "rest-refund", "rest-access_scopes"}
    assert {path.stem for path in DATA.glob("*.json")} == known


def test_a_delivery_for_another_store_is_not_believed():
    headers = {"x-shopify-topic": "orders/delete", "x-shopify-shop-domain": "other.myshopify.com"}
    with pytest.raises(MalformedPayload):
        webhooks.facts(headers, b'{"id": 1}', shop=SHOP, location_id=None)
