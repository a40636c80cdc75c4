"""The authorize page of the simulated WooCommerce, people's actions over HTTP, and the faults."""

import html
import json
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from syncd.sandbox.wire import transport
from tests.sandbox.woocommerce_shop import SAMPLES, World

QUESTION = {
    "app_name": "syncd",
    "scope": "read_write",
    "user_id": "tenant-42|nonce",
    "return_url": "https://app.example.test/back?x=1",
    "callback_url": "https://app.example.test/cb?state=abc",
}


class Application:
    """Whoever receives the key; it may try the key before it answers."""

    def __init__(self, status: int | None = 200) -> None:
        self.status = status
        self.received = []
        self.on_receipt = lambda _body: None

    def __call__(self, webhook):
        self.received.append(webhook)
        self.on_receipt(json.loads(webhook.body))
        return self.status


def authorize(world, **changes):
    return world.bare.get("/wc-auth/v1/authorize", params={**QUESTION, **changes})


def link(page, name):
    return html.unescape(re.search(rf'class="wc-auth-{name}" href="([^"]+)"', page.text).group(1))


def test_approve_hands_over_a_key_that_works_and_goes_back():
    application = Application()
    world = World(post=application)
    tried = []

    def try_key(body):
        auth = (body["consumer_key"], body["consumer_secret"])
        tried.append(world.bare.get("/wp-json/wc/v3/products", auth=auth).status_code)

    application.on_receipt = try_key
    back = world.bare.get(link(authorize(world), "approve"))
    (handed,) = application.received
    recorded = json.loads((SAMPLES / "wc-auth/001-callback-post.json").read_text())
    assert set(json.loads(handed.body)) == set(json.loads(recorded["body"]))
    assert json.loads(handed.body)["user_id"] == recorded["authorize_params"]["user_id"]
    assert handed.headers["Content-Type"] == dict(recorded["headers"])["Content-Type"]
    assert handed.url == QUESTION["callback_url"]
    assert back.headers["location"] == recorded["browser_then_goes_to"]
    assert tried == [200]


def test_approving_twice_makes_another_key():
    application = Application()
    world = World(post=application)
    approve = link(authorize(world), "approve")
    for _ in range(2):
        world.bare.get(approve)
    assert len({json.loads(webhook.body)["consumer_key"] for webhook in application.received}) == 2


@pytest.mark.parametrize("status", [201, 302, 404, 500, None])
def test_any_answer_but_200_takes_the_key_away_again(status):
    application = Application(status)
    world = World(post=application)
    page = world.bare.get(link(authorize(world), "approve"))
    assert page.status_code == 401
    assert "unable to send the consumer data" in page.text
    key = json.loads(application.received[0].body)
    answer = world.bare.get("/wp-json/wc/v3/products", auth=(key["consumer_key"], key["consumer_secret"]))
    assert answer.status_code == 401


def test_deny_goes_back_without_a_key():
    application = Application()
    world = World(post=application)
    target = urlsplit(link(authorize(world), "deny"))
    assert parse_qs(target.query) == {"x": ["1"], "success": ["0"], "user_id": ["tenant-42nonce"]}
    assert application.received == []


@pytest.mark.parametrize(
    "changes",
    [
        *({name: ""} for name in QUESTION),
        {"scope": "everything"},
        {"return_url": "javascript:alert(1)"},
        {"callback_url": "http://app.example.test/cb"},
    ],
)
def test_a_wrong_question_gets_an_error_page(changes):
    page = authorize(World(strict_addresses=True), **changes)
    assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=UTF-8")


@pytest.mark.parametrize("url", ["https://127.0.0.1/cb", "https://app.example.test:8443/cb"])
def test_with_strict_addresses_a_private_callback_is_never_called(url):
    application = Application()
    world = World(post=application, strict_addresses=True)
    assert world.bare.get(link(authorize(world, callback_url=url), "approve")).status_code == 401
    assert application.received == []


def test_with_plain_permalinks_the_page_is_redirected_to_itself():
    world = World()
    world.woo.quirks.plain_permalinks = True
    assert "/wc-auth/v1/authorize" in authorize(world).headers["location"]


# ---------------------------------------------------------------------------------------------- people, over HTTP


def control(world, method, path, body=None, status=200):
    answer = world.bare.request(method, f"/_sandbox{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_shop_is_run_over_http():
    world = World()
    control(world, "POST", "/products", {"sku": "A/1", "title": "A", "price": "3.50", "quantity": 9, "tracked": True})
    control(world, "PUT", "/stock/A%2F1", {"quantity": 8})
    line = {"sku": "A/1", "quantity": 2}
    order = control(world, "POST", "/orders", {"lines": [line], "paid": False})
    assert order["name"] == str(order["id"])
    number = order["id"]
    assert control(world, "GET", "/stock") == {"A/1": 6}
    assert control(world, "GET", "/orders")[0]["status"] == "on-hold"
    assert control(world, "POST", f"/orders/{number}/pay", {})["paid"] is True
    edited = control(world, "POST", f"/orders/{number}/edit", {"sku": "A/1", "quantity": 4})
    assert edited["lines"] == [{"sku": "A/1", "quantity": 4, "taken": 4}]
    control(world, "POST", f"/orders/{number}/refund", {"lines": [{"sku": "A/1", "quantity": 1}], "restock": True})
    assert control(world, "GET", "/stock") == {"A/1": 5}
    control(world, "POST", f"/orders/{number}/cancel", {"restock": True})
    assert control(world, "GET", "/stock") == {"A/1": 8}


@pytest.mark.parametrize(("restock", "stock"), [(True, 5), (False, 3)])
def test_a_cancel_may_keep_stock_taken(restock, stock):
    world = World()
    world.people.add_product("A", 5)
    order = world.people.buy([("A", 2)])
    control(world, "POST", f"/orders/{order.id}/cancel", {"restock": restock})
    assert control(world, "GET", "/stock") == {"A": stock}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/orders", {"lines": [{"sku": "A", "quantity": 6}]}, 409),
        ("POST", "/orders", {"lines": [{"sku": "A", "quantity": 6}], "force": True}, 200),
        ("POST", "/orders", {"lines": [{"sku": "NOPE", "quantity": 1}]}, 404),
        ("POST", "/orders", {"lines": "A"}, 400),
        ("POST", "/orders", {"lines": [{"sku": "A", "quantity": 1.5}]}, 400),
        ("POST", "/orders", {}, 400),
        ("POST", "/orders/999/pay", {}, 404),
        ("POST", "/orders", {"lines": [{"sku": "A", "quantity": 1}], "status": "pending"}, 200),
        ("PUT", "/stock/A", {"quantity": "3"}, 400),
        ("POST", "/products", [], 400),
        ("PUT", "/faults", {"gravity": 1}, 400),
        ("PUT", "/faults", {"down": 1}, 400),
        ("PUT", "/faults", {"error_rate": -1}, 400),
        ("GET", "/nothing", None, 404),
    ],
)
def test_control_requests_are_judged(method, path, body, status):
    world = World()
    world.people.add_product("A", 5)
    control(world, method, path, body, status)


def test_the_shop_tells_how_to_reach_it_and_forgets_what_is_deleted():
    world = World()
    world.people.add_product("A", 5)
    told = control(world, "GET", "")
    assert (told["url"], told["consumer_key"]) == ("https://shop.example", world.woo.key.key)
    assert control(world, "DELETE", "/products/A") == {}


def test_the_log_counts_calls_and_tells_pushes():
    world = World()
    product = world.people.add_product("A", 5)
    world.get("/products")
    world.call("POST", "/products/batch", {"update": [{"id": product.id, "stock_quantity": 3}]})
    log = control(world, "GET", "/log")
    assert log["reads"] == {"products": 1}
    assert log["writes"] == {"products_batch": 1}
    (push,) = log["pushes"]
    assert (push["sku"], push["before"], push["after"]) == ("A", 5, 3)
    assert log["oversold"] == 0


# ---------------------------------------------------------------------------------------------- faults


def test_a_shop_that_is_down_answers_nobody_but_people_and_sends_nothing():
    world = World()
    product = world.people.add_product("A", 5)
    world.hook("product.updated")
    world.skip_pings()
    control(world, "PUT", "/faults", {"down": True})
    assert world.client.get("/products").status_code == 503
    world.people.set_stock("A", 4)
    assert world.deliver() == []
    control(world, "PUT", "/faults", {"down": False})
    assert len(world.deliver()) == 1
    assert product.stock == 4


def test_errors_have_no_effect_and_lost_answers_have_one():
    world = World()
    product = world.people.add_product("A", 5)
    world.woo.faults.set({"error_rate": 1.0})
    assert world.client.put(f"/products/{product.id}", json={"stock_quantity": 1}).status_code == 503
    assert product.stock == 5
    world.woo.faults.set({"error_rate": 0.0, "lost_answer_rate": 1.0})
    with pytest.raises(httpx.ReadTimeout):
        world.client.put(f"/products/{product.id}", json={"stock_quantity": 1})
    assert product.stock == 1


def test_latency_is_told_to_the_server():
    world = World()
    world.woo.faults.set({"latency_seconds": 0.25})
    seen = []

    class Watching:
        def handle(self, request):
            seen.append(world.woo.handle(request))
            return seen[-1]

    httpx.Client(transport=transport(Watching())).get("https://shop.example/wp-json/")
    assert [answer.seconds for answer in seen] == [0.25]
