"""How the simulated WooCommerce tells: when, how often, signed with what, and when it gives up."""

import base64
import hashlib
import hmac
import json

import pytest

from syncd.sandbox.woocommerce.webhooks import signature
from tests.sandbox.woocommerce_shop import HOOK_URL, SAMPLES, World

DELIVERIES = sorted(SAMPLES.glob("webhooks/*.json"))
SIGNED = [path for path in DELIVERIES if json.loads(path.read_text())["secret"]]


def shop(*topics, **options):
    world = World(**options)
    world.people.add_product("MUG-1", 50)
    for topic in topics:
        world.hook(topic)
    world.skip_pings()
    return world


def told(webhooks):
    return [(webhook.headers["X-WC-Webhook-Topic"], json.loads(webhook.body)) for webhook in webhooks]


@pytest.mark.parametrize("path", SIGNED, ids=lambda path: path.stem)
def test_bodies_are_signed_as_the_recorded_ones_are(path):
    recorded = json.loads(path.read_text())
    headers = dict(recorded["headers"])
    assert signature(recorded["secret"], recorded["body"].encode()) == headers["X-WC-Webhook-Signature"]


def test_the_ping_is_a_form_without_signature():
    world = World()
    number = world.hook("order.created")
    (ping,) = world.woo.due()
    recorded = json.loads((SAMPLES / "webhooks/001-ping.json").read_text())
    assert ping.body == f"webhook_id={number}".encode()
    assert ping.url == HOOK_URL
    assert {name: value for name, value in recorded["headers"] if name in ping.headers} == dict(ping.headers)


def test_a_failed_ping_changes_nothing_and_reactivation_sends_none():
    world = World()
    number = world.hook("order.created")
    (ping,) = world.woo.due()
    world.woo.delivered(ping.id, 500)
    world.call("PUT", f"/webhooks/{number}", {"status": "active"})
    assert world.woo.due() == []
    assert (world.woo.webhooks[number].status, world.woo.webhooks[number].failures) == ("active", 0)


def test_a_delivery_carries_the_recorded_headers():
    world = shop("order.updated")
    world.people.buy([("MUG-1", 1)])
    (webhook,) = world.deliver()
    recorded = dict(json.loads((SAMPLES / "webhooks/015-order-updated-pending.json").read_text())["headers"])
    transport = {"Host", "Accept", "Accept-Encoding", "Connection", "Content-Length"}
    assert set(webhook.headers) == set(recorded) - transport
    digest = hmac.new(b"s3cret", webhook.body, hashlib.sha256).digest()
    assert webhook.headers["X-WC-Webhook-Signature"] == base64.b64encode(digest).decode()
    assert webhook.headers["X-WC-Webhook-Source"] == "https://shop.example/"
    assert len(webhook.headers["X-WC-Webhook-Delivery-ID"]) == len(recorded["X-WC-Webhook-Delivery-ID"])


def test_a_secret_is_decoded_before_it_signs():
    assert signature("x&amp;y", b"{}") == signature("x&y", b"{}")


def test_payloads_are_built_when_the_queue_runs_and_changes_fall_together():
    world = shop("order.created", "order.updated")
    order = world.people.buy([("MUG-1", 1)], paid=False)
    world.people.set_status(order.id, "processing")
    world.people.set_status(order.id, "completed")
    assert sorted((topic, body["status"]) for topic, body in told(world.deliver())) == [
        ("order.created", "completed"),
        ("order.updated", "completed"),
    ]


def test_a_change_while_its_delivery_is_open_is_told_again():
    world = shop("order.updated")
    order = world.people.buy([("MUG-1", 1)], paid=False)
    world.clock.advance(1)
    (first,) = world.woo.due()
    world.people.pay(order.id)
    world.woo.delivered(first.id, 200)
    assert [body["status"] for _, body in told(world.deliver())] == ["processing"]


def test_deliveries_go_one_after_another():
    world = shop("order.updated")
    for _ in range(3):
        world.people.buy([("MUG-1", 1)])
    world.clock.advance(1)
    (first,) = world.woo.due()
    assert world.woo.due() == []
    world.woo.delivered(first.id, 200)
    assert len(world.woo.due()) == 1


def test_the_queue_waits_for_its_run():
    world = shop("order.updated", queue_seconds=30)
    world.people.buy([("MUG-1", 1)])
    assert world.deliver(seconds=29) == []
    assert len(world.deliver(seconds=2)) == 1


def test_updated_may_come_before_created():
    world = shop("order.created", "order.updated")
    firsts = set()
    for _ in range(40):
        world.people.buy([("MUG-1", 1)])
        firsts.add(world.topics()[0])
    assert firsts == {"order.created", "order.updated"}


@pytest.mark.parametrize("status", [500, 404, 303, None])
def test_a_failed_delivery_is_gone_and_the_seventh_disables(status):
    world = shop("order.updated")
    hook = next(iter(world.woo.webhooks.values()))
    for failures in range(1, 8):
        world.people.buy([("MUG-1", 1)])
        assert len(world.deliver(status)) == 1
        assert world.deliver() == []
        assert hook.status == ("disabled" if failures == 7 else "active")
    world.people.buy([("MUG-1", 1)])
    assert world.deliver() == []


@pytest.mark.parametrize("status", [200, 201, 204, 301, 302])
def test_success_and_even_a_redirect_reset_the_count(status):
    world = shop("order.updated")
    hook = next(iter(world.woo.webhooks.values()))
    for answer in (500, 500, 500, 500, 500, 500, status):
        world.people.buy([("MUG-1", 1)])
        world.deliver(answer)
    assert (hook.failures, hook.status) == (0, "active")


def test_a_webhook_that_was_activated_again_is_disabled_by_one_more_failure():
    world = shop("order.updated")
    number, hook = next(iter(world.woo.webhooks.items()))
    for _ in range(7):
        world.people.buy([("MUG-1", 1)])
        world.deliver(500)
    world.call("PUT", f"/webhooks/{number}", {"status": "active"})
    world.people.buy([("MUG-1", 1)])
    world.deliver(500)
    assert hook.status == "disabled"


def test_what_was_queued_before_a_pause_still_goes_out_and_later_news_do_not():
    world = shop("order.updated")
    number = next(iter(world.woo.webhooks))
    first = world.people.buy([("MUG-1", 1)])
    world.call("PUT", f"/webhooks/{number}", {"status": "paused"})
    world.people.buy([("MUG-1", 1)])
    assert [body["id"] for _, body in told(world.deliver())] == [first.id]


def test_delivery_ids_collide_within_a_second():
    world = shop("order.updated")
    orders = [world.people.buy([("MUG-1", 1)]) for _ in range(2)]
    first, second = world.deliver()
    assert first.headers["X-WC-Webhook-Delivery-ID"] == second.headers["X-WC-Webhook-Delivery-ID"]
    assert {json.loads(webhook.body)["id"] for webhook in (first, second)} == {order.id for order in orders}


def test_an_order_that_is_gone_by_delivery_time_makes_a_signed_error_body():
    world = shop("order.created")
    order = world.people.buy([("MUG-1", 1)])
    world.people.delete(order.id)
    (webhook,) = world.deliver()
    recorded = json.loads(
        (SAMPLES / "webhooks/073-order-created-woocommerce_rest_shop_order_invalid_id.json").read_text()
    )
    assert webhook.body.decode() == recorded["body"]
    assert webhook.headers["X-WC-Webhook-Signature"] == signature("s3cret", webhook.body)


def test_an_owner_without_rights_makes_a_signed_401_body():
    world = shop("order.updated")
    world.woo.quirks.owner_lost_rights = True
    world.people.buy([("MUG-1", 1)])
    ((_, body),) = told(world.deliver())
    assert (body["code"], body["data"]) == ("woocommerce_rest_cannot_view", {"status": 401})


ALL = ("order.updated", "order.deleted", "order.restored", "product.deleted", "product.restored")


@pytest.mark.parametrize(
    ("hpos", "deed", "news"),
    [
        (True, "trash", [("order.deleted", None)]),
        (False, "trash", [("order.deleted", None), ("product.deleted", None)]),
        (True, "restore", [("order.restored", "processing")]),
        (False, "restore", [("order.restored", "processing"), ("product.restored", 404)]),
        (True, "revive", []),
        (False, "revive", [("order.updated", "completed")]),
        (True, "delete", []),
        (False, "delete", []),
    ],
)
def test_trash_restore_and_deletion_tell_what_the_storage_tells(hpos, deed, news):
    world = shop(*ALL, hpos=hpos)
    order = world.people.buy([("MUG-1", 1)])
    if deed in ("restore", "revive"):
        world.people.trash(order.id)
    world.deliver()
    if deed == "revive":
        world.call("PUT", f"/orders/{order.id}", {"status": "completed"})
    else:
        getattr(world.people, deed)(order.id)
    heard = told(world.deliver())
    assert [(topic, body.get("status", body.get("data", {}).get("status"))) for topic, body in heard] == news
    assert all(body == {"id": order.id} for topic, body in heard if topic.endswith(".deleted"))


def test_actions_fill_the_gaps_with_an_id():
    world = shop("action.woocommerce_order_refunded", "action.woocommerce_delete_order")
    order = world.people.buy([("MUG-1", 2)])
    world.people.refund(order.id, [("MUG-1", 1)])
    world.people.delete(order.id)
    assert told(world.deliver()) == [
        ("action.woocommerce_order_refunded", {"action": "woocommerce_order_refunded", "arg": order.id}),
        ("action.woocommerce_delete_order", {"action": "woocommerce_delete_order", "arg": order.id}),
    ]


def test_our_own_write_comes_back_as_product_updated_even_when_the_value_is_the_same():
    world = shop("product.updated")
    product = world.people.product("MUG-1")
    world.call("PUT", f"/products/{product.id}", {"stock_quantity": 50})
    assert [body["stock_quantity"] for _, body in told(world.deliver())] == [50]


def test_a_request_that_touches_four_products_sends_four_updates():
    world = shop("product.updated")
    for number in range(3):
        world.people.add_product(f"P-{number}", 5)
    world.people.buy([("MUG-1", 1), ("P-0", 1), ("P-1", 1), ("P-2", 1)])
    assert world.topics() == ["product.updated"] * 4


def test_a_variation_tells_its_own_id_and_type():
    world = shop("product.updated")
    shirt = world.people.add_product("SHIRT", variable=True, tracked=False)
    small = world.people.add_product("S", 5, parent=shirt)
    world.people.buy([("S", 1)])
    ((_, body),) = told(world.deliver())
    assert (body["id"], body["type"], body["stock_quantity"]) == (small.id, "variation", 4)


def test_a_product_trashed_and_then_deleted_tells_only_the_first():
    world = shop("product.deleted")
    product = world.people.product("MUG-1")
    world.call("DELETE", f"/products/{product.id}")
    world.call("DELETE", f"/products/{product.id}", force="true")
    assert told(world.deliver()) == [("product.deleted", {"id": product.id})]


@pytest.mark.parametrize("topic", ["order.refunded", "refund.created", "action.other_thing", ""])
def test_topics_that_do_not_exist_are_refused(topic):
    body = {"topic": topic, "delivery_url": HOOK_URL}
    assert World().call("POST", "/webhooks", body, status=400)["code"] == "woocommerce_rest_webhook_invalid_topic"


def test_the_secret_is_never_shown():
    world = World()
    number = world.hook("order.updated")
    shown = world.get(f"/webhooks/{number}")
    recorded = json.loads(json.loads((SAMPLES / "rest/webhook-list.json").read_text())["response"]["body"])
    assert set(shown) == set(recorded[0])
    assert "s3cret" not in json.dumps(world.get("/webhooks"))


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://syncd.example/hook", True),
        ("http://syncd.example:8080/hook", True),
        ("https://syncd.example:8443/hook", False),
        ("http://127.0.0.1/hook", False),
        ("http://localhost/hook", False),
        ("http://192.168.1.9/hook", False),
    ],
)
def test_with_strict_addresses_only_public_ones_on_usual_ports_are_called(url, called):
    world = World(strict_addresses=True)
    world.people.add_product("MUG-1", 5)
    body = {"topic": "order.updated", "delivery_url": url, "secret": "s"}
    number = world.call("POST", "/webhooks", body, status=201)["id"]
    assert bool(world.woo.due()) is called
    world.people.buy([("MUG-1", 1)])
    assert bool(world.deliver()) is called
    assert world.woo.webhooks[number].failures == (0 if called else 1)


def test_webhooks_are_lost_doubled_delayed_and_disordered_on_demand():
    world = shop("order.updated")
    faults = world.woo.faults

    def buy(count=1):
        return [world.people.buy([("MUG-1", 1)]).id for _ in range(count)]

    faults.set({"webhook_drop_rate": 1.0})
    buy()
    assert world.deliver() == []
    faults.set({"webhook_drop_rate": 0.0, "webhook_duplicate_rate": 1.0})
    buy()
    assert len(world.deliver()) == 2
    faults.set({"webhook_duplicate_rate": 0.0, "webhook_delay_seconds": 5.0})
    buy()
    assert world.deliver(seconds=4) == []
    assert len(world.deliver(seconds=2)) == 1
    faults.set({"webhook_delay_seconds": 0.0, "webhook_reorder": True})
    made = buy(12)
    heard = [body["id"] for _, body in told(world.deliver())]
    assert heard != made
    assert sorted(heard) == made
