"""What people do in the simulated Shopify over HTTP, and the platform on a real socket."""

import httpx
import pytest

from syncd.sandbox.serve import served, served_together
from syncd.sandbox.wire import Response, transport
from tests.sandbox.shopify_shop import Shopify


@pytest.fixture
def shopify():
    return Shopify()


def test_a_product_is_made_sold_and_shown(shopify):
    body = {"sku": "CUP", "title": "Cup", "price": "4.50", "quantity": 3, "tracked": True}
    assert shopify.control("POST", "/_sandbox/products", body)[0] == 200
    status, order = shopify.control(
        "POST", "/_sandbox/orders", {"lines": [{"sku": "CUP", "quantity": 2}], "paid": True}
    )
    assert (status, order["name"]) == (200, "#1001")
    assert shopify.control("GET", "/_sandbox/stock") == (200, {"MUG": 5, "CUP": 1})
    _, (shown,) = shopify.control("GET", "/_sandbox/orders")
    assert (shown["id"], shown["paid"], shown["total"]) == (order["id"], True, "9.00")


def test_a_sold_out_product_is_refused_with_409_unless_forced(shopify):
    wanted = {"lines": [{"sku": "MUG", "quantity": 6}]}
    assert shopify.control("POST", "/_sandbox/orders", wanted)[0] == 409
    assert shopify.control("POST", "/_sandbox/orders", {**wanted, "force": True})[0] == 200
    assert shopify.control("GET", "/_sandbox/stock") == (200, {"MUG": -1})
    assert shopify.control("GET", "/_sandbox/log")[1]["oversold"] == 1


@pytest.mark.parametrize(
    ("act", "body", "left"),
    [
        ("cancel", {"restock": True}, 5),
        ("cancel", {"restock": False}, 3),
        ("refund", {"lines": [{"sku": "MUG", "quantity": 1}], "restock": True}, 4),
        ("refund", {"lines": [{"sku": "MUG", "quantity": 1}], "restock": False}, 3),
        ("edit", {"sku": "MUG", "quantity": 4}, 1),
        ("edit", {"sku": "MUG", "quantity": 1}, 4),
        ("pay", {}, 3),
        ("fulfil", {}, 3),
    ],
)
def test_what_people_do_with_an_order_moves_stock(shopify, act, body, left):
    _, order = shopify.control(
        "POST", "/_sandbox/orders", {"lines": [{"sku": "MUG", "quantity": 2}], "paid": act != "pay"}
    )
    assert shopify.control("POST", f"/_sandbox/orders/{order['id']}/{act}", body)[0] == 200
    assert shopify.control("GET", "/_sandbox/stock")[1] == {"MUG": left}


def test_staff_set_stock_by_hand_even_under_a_strange_sku(shopify):
    shopify.control("POST", "/_sandbox/products", {"sku": "a/b c%", "quantity": 1})
    assert shopify.control("PUT", "/_sandbox/stock/a%2Fb%20c%25", {"quantity": 9}) == (200, {"MUG": 5, "a/b c%": 9})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/_sandbox/orders", {"lines": []}, 400),
        ("POST", "/_sandbox/orders", {"lines": [{"sku": "NONE", "quantity": 1}]}, 404),
        ("POST", "/_sandbox/orders", {"lines": [{"sku": "MUG", "quantity": 0}]}, 400),
        ("POST", "/_sandbox/orders", {"lines": [{"sku": "MUG", "quantity": "1"}]}, 400),
        ("POST", "/_sandbox/orders/1/pay", {}, 404),
        ("PUT", "/_sandbox/stock/MUG", {}, 400),
        ("GET", "/_sandbox/nothing", None, 404),
        ("PUT", "/_sandbox/faults", {"weather": 1}, 400),
        ("PUT", "/_sandbox/faults", {"down": 1}, 400),
        ("POST", "/_sandbox/products", [], 400),
    ],
)
def test_what_makes_no_sense_is_refused_with_words(shopify, method, path, body, status):
    answer = shopify.control(method, path, body)
    assert answer[0] == status
    assert answer[1]["error"]


def test_faults_are_shown_and_changed(shopify):
    assert shopify.control("GET", "/_sandbox/faults")[1]["down"] is False
    shopify.control("PUT", "/_sandbox/faults", {"down": True})
    assert shopify.post("{ shop { name } }").status == 503
    shopify.control("PUT", "/_sandbox/faults", {"down": False, "latency_seconds": 1.5})
    assert shopify.post("{ shop { name } }").seconds == 1.5


class Receiver:
    """A second platform that only keeps what it was sent."""

    def __init__(self):
        self.got = []

    def handle(self, request):
        self.got.append(request)
        return Response(status=200)

    def due(self):
        return []

    def delivered(self, webhook_id, status):
        raise AssertionError("sends nothing")


def until(condition, tries=500):
    import threading

    for _ in range(tries):
        if condition():
            return True
        threading.Event().wait(0.01)
    return False


def test_on_a_real_socket_it_answers_and_its_webhooks_arrive(shopify):
    receiver = Receiver()
    with served_together({"shopify": shopify, "receiver": receiver}) as addresses:
        shopify.subscribe("ORDERS_CREATE", addresses["receiver"] + "/hook")
        url = addresses["shopify"]
        answer = httpx.post(
            f"{url}/admin/api/2026-10/graphql.json",
            json={"query": "{ shop { myshopifyDomain } }"},
            headers={"X-Shopify-Access-Token": shopify.access_token},
        )
        assert answer.json()["data"] == {"shop": {"myshopifyDomain": "demo.myshopify.com"}}
        assert answer.headers.get_list("date") == ["Sat, 21 Nov 2026 10:00:00 GMT"]
        httpx.post(f"{url}/_sandbox/orders", json={"lines": [{"sku": "MUG", "quantity": 1}]}).raise_for_status()
        assert until(lambda: receiver.got)
        assert until(lambda: shopify.webhooks.counts["delivered"] == 1)
    assert receiver.got[0].path == "/hook"
    assert receiver.got[0].headers["x-shopify-topic"] == "orders/create"


def test_a_lost_answer_is_a_broken_connection_and_a_time_out_without_a_socket(shopify):
    shopify.faults.lost_answer_rate = 1.0
    with served(shopify) as url, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{url}/admin/oauth/authorize")
    with httpx.Client(transport=transport(shopify)) as client, pytest.raises(httpx.ReadTimeout):
        client.get("https://demo.myshopify.com/admin/oauth/authorize")
