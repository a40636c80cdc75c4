"""How the simulated WooCommerce is reached and read: keys, paths, lists, dates, SKUs, and the shapes of answers."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace

import httpx
import pytest

from syncd.sandbox.serve import served
from syncd.sandbox.wire import transport
from syncd.sandbox.woocommerce import SimulatedWooCommerce
from syncd.sandbox.woocommerce.keys import base_string
from tests.sandbox.woocommerce_shop import World, sample

API = "/wp-json/wc/v3"


# ---------------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("headers", "query", "status", "code"),
    [
        ({}, {}, 401, "woocommerce_rest_cannot_view"),
        ("ck_unknown:cs_unknown", {}, 401, "woocommerce_rest_cannot_view"),
        ("KEY:cs_wrong", {}, 401, "woocommerce_rest_authentication_error"),
        ("KEY:SECRET", {}, 200, None),
        ({}, "KEY:SECRET", 200, None),
        ({"Authorization": "Basic not-base64"}, {}, 401, "woocommerce_rest_cannot_view"),
    ],
)
def test_https_takes_basic_and_query_keys(headers, query, status, code):
    world = World()

    def real(text):
        return text.replace("KEY", world.woo.key.key).replace("SECRET", world.woo.key.secret)

    if isinstance(headers, str):
        headers = {"Authorization": "Basic " + base64.b64encode(real(headers).encode()).decode()}
    if isinstance(query, str):
        query = dict(zip(("consumer_key", "consumer_secret"), real(query).split(":"), strict=True))
    answer = world.bare.get(f"{API}/products", headers=headers, params=query)
    assert answer.status_code == status
    assert code is None or answer.json()["code"] == code


def test_http_refuses_basic_and_query_keys():
    world = World(url="http://shop.example")
    assert world.client.get("/products").json()["code"] == "woocommerce_rest_cannot_view"


def signed(world, method="GET", path=f"{API}/products", home="http://shop.example", at=None, nonce="n1", **query):
    """An OAuth 1.0a query, signed here again from RFC 5849."""
    moment = world.clock.moment if at is None else at
    parameters = {
        **query,
        "oauth_consumer_key": world.woo.key.key,
        "oauth_timestamp": str(int(moment.timestamp())),
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
    }
    text = base_string(method, f"{home}{path}", parameters)
    digest = hmac.new(f"{world.woo.key.secret}&".encode(), text.encode(), hashlib.sha256).digest()
    return {**parameters, "oauth_signature": base64.b64encode(digest).decode()}


def test_the_signed_text_is_that_of_rfc_5849():
    text = base_string("post", "http://example.com/request", {"b5": "=%3D", "a3": "a", "c@": "", "a2": "r b"})
    assert text == ("POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D")


@pytest.mark.parametrize("value", ["plain", "a b", "A/B", "Ä+&,~"])
def test_http_takes_signed_requests_whatever_the_values(value):
    world = World(url="http://shop.example")
    answer = world.bare.get(f"{API}/products", params=signed(world, search_sku=value))
    assert answer.status_code == 200, answer.text


def test_the_base_address_of_the_signature_is_the_shops_own_home():
    world = World(url="http://shop.example")
    answer = world.bare.get(f"{API}/products", params=signed(world, home="http://www.shop.example"))
    assert "does not match" in answer.json()["message"]


def test_a_nonce_counts_once():
    world = World(url="http://shop.example")
    query = signed(world)
    assert world.bare.get(f"{API}/products", params=query).status_code == 200
    assert "nonce" in world.bare.get(f"{API}/products", params=query).json()["message"]


@pytest.mark.parametrize(("minutes", "status"), [(-16, 401), (-14, 200), (14, 200), (16, 401)])
def test_timestamps_are_taken_within_a_quarter_of_an_hour(minutes, status):
    world = World(url="http://shop.example")
    at = world.clock.moment + timedelta(minutes=minutes)
    assert world.bare.get(f"{API}/products", params=signed(world, at=at)).status_code == status


def test_oauth_works_in_a_header_and_below_a_path():
    world = World(url="http://shop.example/store")
    query = signed(world, home="http://shop.example/store", nonce="h")
    header = "OAuth " + ", ".join(f'{name}="{httpx.QueryParams({"v": value})!s}"' for name, value in query.items())
    header = header.replace('"v=', '"')
    answer = world.bare.get(f"/store{API}/products".removeprefix("/store"), headers={"Authorization": header})
    assert answer.status_code == 200, answer.text


def test_a_proxy_that_hides_https_makes_basic_useless():
    world = World()
    world.woo.quirks.hides_https = True
    assert world.client.get("/products").status_code == 401


def test_a_host_may_strip_the_authorization_header():
    world = World()
    world.woo.quirks.strips_authorization = True
    assert world.client.get("/products").json()["code"] == "woocommerce_rest_cannot_view"
    query = {"consumer_key": world.woo.key.key, "consumer_secret": world.woo.key.secret}
    assert world.bare.get(f"{API}/products", params=query).status_code == 200


@pytest.mark.parametrize(
    ("permissions", "read", "write"), [("read", 200, 401), ("write", 401, 200), ("read_write", 200, 200)]
)
def test_the_write_probe_tells_what_a_key_may_do(permissions, read, write):
    world = World()
    key = world.woo.keys.issue(permissions)
    auth = (key.key, key.secret)
    answer = world.bare.post(f"{API}/products/batch", json={}, auth=auth)
    assert (world.bare.get(f"{API}/products", auth=auth).status_code, answer.status_code) == (read, write)
    if write == 200:
        assert answer.json() == []
    else:
        assert "write permissions" in answer.json()["message"]


# ---------------------------------------------------------------------------------------------- paths and hosts


def test_a_shop_below_a_path_answers_there_only():
    world = World(url="https://shop.example/store")
    assert world.client.get("/products").status_code == 200
    elsewhere = httpx.Client(transport=transport(world.woo), auth=world.client.auth)
    assert elsewhere.get(f"https://shop.example{API}/products").status_code == 404


def test_plain_permalinks_hide_the_api():
    world = World()
    world.woo.quirks.plain_permalinks = True
    assert world.client.get("/products").status_code == 301
    write = world.client.put("/products/10", json={"stock_quantity": 1})
    assert (write.status_code, write.headers["content-type"]) == (200, "text/html; charset=UTF-8")
    query = {"rest_route": "/wc/v3/products"}
    assert world.bare.get("/", params=query, auth=world.client.auth).status_code == 401
    named = world.bare.get("/?rest_route=/wc/v3/products&_=wp-json/wc/", auth=world.client.auth)
    assert named.status_code == 200


def test_the_index_tells_the_canonical_address():
    world = World()
    answer = world.bare.get("/wp-json/", params={"_fields": "namespaces,home,url,timezone_string"})
    assert answer.json()["home"] == "https://shop.example"
    assert set(answer.json()) == {"namespaces", "home", "url", "timezone_string"}
    assert "wc/v3" in answer.json()["namespaces"]


@pytest.mark.parametrize(
    ("quirk", "value", "status", "start"),
    [
        ("refuses_put", True, 501, "<h1>"),
        ("blocks_clients", True, 403, "<h1>"),
        ("redirects_to", "https://www.shop.example", 301, ""),
        ("php_noise", True, 200, "<br />"),
    ],
)
def test_hosts_disturb_requests(quirk, value, status, start):
    world = World()
    world.people.add_product("MUG-1", 1)
    setattr(world.woo.quirks, quirk, value)
    answer = world.client.put("/products/10", json={"stock_quantity": 3})
    assert answer.status_code == status
    assert answer.text.startswith(start)


def test_a_host_that_refuses_put_takes_post_and_the_override_header():
    world = World()
    world.people.add_product("MUG-1", 1)
    world.woo.quirks.refuses_put = True
    assert world.client.post("/products/10", json={"stock_quantity": 3}).json()["stock_quantity"] == 3
    override = {"X-HTTP-Method-Override": "PUT"}
    answer = world.client.post("/products/10", json={"stock_quantity": 4}, headers=override)
    assert answer.json()["stock_quantity"] == 4


# ---------------------------------------------------------------------------------------------- lists


def filled(count=5, **options):
    world = World(**options)
    for number in range(count):
        world.people.add_product(f"P-{number}", number)
        world.clock.advance(1)
    return world


@pytest.mark.parametrize(("per_page", "status"), [(0, 400), (1, 200), (100, 200), (101, 400), (-1, 400)])
def test_pages_hold_one_to_a_hundred(per_page, status):
    assert filled().client.get("/products", params={"per_page": per_page}).status_code == status


def test_pages_tell_totals_and_neighbours_and_end_empty():
    world = filled()
    answer = world.client.get("/products", params={"per_page": 2, "page": 2, "orderby": "id", "order": "asc"})
    assert [row["sku"] for row in answer.json()] == ["P-2", "P-3"]
    assert (answer.headers["x-wp-total"], answer.headers["x-wp-totalpages"]) == ("5", "3")
    assert "page=1" in answer.headers["link"]
    assert 'rel="next"' in answer.headers["link"]
    assert world.get("/products", per_page=2, page=9) == []


def test_items_of_one_second_may_repeat_or_vanish_across_pages_in_the_default_order():
    world = World()
    for number in range(30):
        world.people.add_product(f"P-{number}", number)

    def skus(**order):
        return [row["sku"] for page in (1, 2, 3) for row in world.get("/products", page=page, **order)]

    assert len(set(skus())) < 30
    assert len(set(skus(orderby="id", order="asc"))) == 30


def test_fields_cut_answers_and_in_a_batch_only_its_top():
    world = filled()
    product = world.people.product("P-1")
    row = world.get("/products", per_page=1, _fields="id,sku")[0]
    assert set(row) == {"id", "sku"}
    batch = {"update": [{"id": product.id, "stock_quantity": 1}]}
    assert world.call("POST", "/products/batch", batch, _fields="id,stock_quantity") == []
    assert world.call("POST", "/products/batch", batch, _fields="update.id") == {"update": []}
    assert world.call("POST", "/products/batch", batch, _fields="update")["update"][0]["id"] == product.id


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("TIN-Ä 2/3", ["TIN-Ä 2/3"]),
        ("TIN-A 2/3", ["TIN-Ä 2/3"]),
        ("tin-ä 2/3  ", ["TIN-Ä 2/3"]),
        ("mug-1", ["MUG-1"]),
        ("MUG", []),
        ("MUG-1,RED,NOPE", ["MUG-1", "RED"]),
        ("A,B", ["A,B"]),
        ("CAP", ["CAP"]),
        ("TRASHED", []),
    ],
)
def test_skus_are_matched_as_the_database_compares(asked, found):
    world = World()
    for sku in ("MUG-1", "TIN-Ä 2/3", "A,B", "TRASHED"):
        world.people.add_product(sku, 1)
    cap = world.people.add_product("CAP", variable=True)
    world.people.add_product("RED", 1, parent=cap)
    world.people.add_product("", 1, parent=cap)
    world.call("DELETE", f"/products/{world.people.product('TRASHED').id}")
    assert sorted(row["sku"] for row in world.get("/products", sku=asked)) == found


def test_an_empty_sku_lists_everything_and_variations_only_come_by_sku():
    world = World()
    cap = world.people.add_product("CAP", variable=True)
    red = world.people.add_product("RED", 1, parent=cap)
    assert [row["sku"] for row in world.get("/products", sku="")] == ["CAP"]
    assert world.get("/products", include=str(red.id)) == []
    assert world.get("/products", sku="RED")[0]["type"] == "variation"
    assert world.get(f"/products/{red.id}")["parent_id"] == cap.id


def test_a_variation_without_sku_reports_its_parents():
    world = World()
    cap = world.people.add_product("CAP", variable=True)
    bare = world.people.add_product("", 1, parent=cap)
    assert world.get(f"/products/{cap.id}/variations")[0]["sku"] == "CAP"
    order = world.people.buy([])
    world.call("PUT", f"/orders/{order.id}", {"line_items": [{"variation_id": bare.id, "quantity": 1}]})
    assert world.get(f"/orders/{order.id}")["line_items"][0]["sku"] == "CAP"


def test_a_double_sku_is_refused_over_rest():
    world = filled()
    answer = world.call("POST", "/products", {"name": "Again", "sku": "P-1"}, status=400)
    assert answer["code"] == "product_invalid_sku"
    assert answer["data"]["resource_id"] == world.people.product("P-1").id


@pytest.mark.parametrize(
    ("path", "before", "since"), [("/variations", "10.2.0", "10.3.0"), ("/refunds", "8.9.0", "9.0.0")]
)
def test_younger_routes_are_missing_in_old_versions(path, before, since):
    assert World(version=before).call("GET", path, status=404)["code"] == "rest_no_route"
    assert World(version=since).get(path) == []


@pytest.mark.parametrize(
    ("bound", "gmt", "found"),
    [
        ("2026-11-20T20:46:40", True, 2),  # naive UTC: right; exclusive, so not the one at :40
        ("2026-11-20T20:46:39", True, 3),
        ("2026-11-20T20:46:39.999", True, 3),
        ("2026-11-20T20:46:39Z", False, 3),
        ("2026-11-20T21:46:39", False, 3),  # shop time
        ("2026-11-20T20:46:39Z", True, 0),  # the offset is applied, and then compared with UTC
        ("2026-11-20T20:46:42", True, 0),
    ],
)
def test_modified_after_is_exclusive_and_loses_an_offset_beside_the_gmt_flag(bound, gmt, found):
    world = World()
    world.people.add_product("MUG-1", 10)
    for _ in range(3):
        world.people.buy([("MUG-1", 1)])
        world.clock.advance(1)
    query = {"modified_after": bound} | ({"dates_are_gmt": "true"} if gmt else {})
    assert len(world.get("/orders", **query)) == found


def test_orders_in_the_trash_are_listed_when_asked_for():
    world = World()
    world.people.add_product("MUG-1", 10)
    orders = [world.people.buy([("MUG-1", 1)], status=status) for status in ("on-hold", "processing", "checkout-draft")]
    world.people.trash(orders[0].id)

    def ids(query):
        answer = world.client.get(f"/orders?{query}")
        return sorted(row["id"] for row in answer.json())

    assert ids("status=any") == [orders[1].id]
    assert ids("status=trash") == [orders[0].id]
    assert ids("status=trash,processing") == ids("status[]=trash&status[]=processing") == [orders[0].id, orders[1].id]
    assert ids("status=trash&status=processing") == [orders[1].id]
    assert world.get(f"/orders/{orders[0].id}")["status"] == "trash"


def test_trashed_products_vanish_from_lists_and_still_take_stock():
    world = filled()
    product = world.people.product("P-1")
    world.call("DELETE", f"/products/{product.id}")
    assert len(world.get("/products")) == 4
    assert world.get(f"/products/{product.id}")["status"] == "trash"
    assert world.call("PUT", f"/products/{product.id}", {"stock_quantity": 44})["stock_quantity"] == 44


def test_the_modified_time_moves_with_sales_and_not_for_a_variation_counted_at_its_parent():
    world = World()
    cap = world.people.add_product("CAP", 5, variable=True)
    red = world.people.add_product("RED", parent=cap, tracked=False)
    world.clock.advance(60)
    world.people.buy([("RED", 1)])
    assert cap.modified == world.clock.moment
    assert red.modified == world.clock.moment - timedelta(seconds=60)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"amount": "1.00"}, "The payment gateway for this order does not exist."),
        ({"amount": "999.00", "api_refund": False}, "Invalid refund amount."),
    ],
)
def test_refund_traps_answer_500_with_a_bare_number(body, message):
    world = World()
    world.people.add_product("MUG-1", 10)
    order = world.people.buy([("MUG-1", 1)])
    answer = world.call("POST", f"/orders/{order.id}/refunds", body, status=500)
    assert (answer["message"], answer["data"]) == (message, 500)


# ---------------------------------------------------------------------------------------------- shapes, against records


def seeded():
    """The recorded shop's goods, by the same numbers."""
    world = World()
    people = world.people
    people.add_product("MUG-1", 33, title="Plain mug")
    people.add_product("TIN-Ä 2/3", 1, backorders="notify")
    shirt = people.add_product("SHIRT", variable=True, tracked=False, title="Shirt")
    people.add_product("SHIRT-S", 12, parent=shirt, title="S")
    people.add_product("SHIRT-M", 0, parent=shirt)
    people.add_product("SHIRT-L", tracked=False, parent=shirt)
    cap = people.add_product("CAP", 25, variable=True)
    people.add_product("CAP-RED", tracked=False, parent=cap, title="Red")
    people.add_product("CAP-BLUE", tracked=False, parent=cap)
    people.add_product("", 1)
    people.add_product("UNM-1", tracked=False)
    return world


def kinds(value):
    """The shape of a JSON value: names and types, not contents; the first item stands for a list."""
    if isinstance(value, dict):
        return {name: kinds(item) for name, item in value.items() if name != "_links"}
    if isinstance(value, list):
        return [kinds(item) for item in value[:1]]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


VARIES = {"slug", "permalink_template", "generated_slug", "categories", "email_templates", "image", "price_html"}
VARIES |= {"related_ids", "variations", "meta_data", "taxes", "attributes", "shipping_lines", "refunds", "date_paid"}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("rest/product-simple.json", "/products/10"),
        ("rest/variation.json", "/products/12/variations/13"),
        ("rest/variation-stock-at-parent.json", "/products/16/variations/17"),
    ],
)
def test_goods_look_like_the_recorded_ones(name, path):
    recorded, ours = sample(name)["body"], seeded().get(path)
    assert set(recorded) - VARIES == set(ours) - VARIES
    same = {key for key in recorded if key not in VARIES}
    assert {key: kinds(recorded[key]) for key in same} == {key: kinds(ours[key]) for key in same}
    stock = ("id", "type", "sku", "manage_stock", "stock_quantity", "stock_status", "parent_id", "backorders")
    assert {key: recorded.get(key) for key in stock} == {key: ours.get(key) for key in stock}


def test_orders_and_refunds_look_like_the_recorded_ones():
    world = seeded()
    order = world.people.buy([("MUG-1", 2), ("SHIRT-S", 1), ("CAP-RED", 3), ("UNM-1", 1)])
    world.people.refund(order.id, [("MUG-1", 1)])
    for name, path in (
        ("order-with-refunds", f"/orders/{order.id}"),
        ("order-refunds-list", f"/orders/{order.id}/refunds"),
    ):
        recorded, ours = sample(f"rest/{name}.json")["body"], world.get(path)
        recorded, ours = (recorded[1], ours[0]) if isinstance(ours, list) else (recorded, ours)
        assert set(recorded) == set(ours)
        line, our_line = recorded["line_items"][0], ours["line_items"][0]
        assert set(line) == set(our_line)
        assert kinds(line["meta_data"]) == kinds(our_line["meta_data"])
    shown = world.get(f"/orders/{order.id}")
    assert kinds(shown["refunds"]) == kinds(sample("rest/order-with-refunds.json")["body"]["refunds"])
    marks = [{row["key"]: row["value"] for row in line["meta_data"]} for line in shown["line_items"]]
    assert marks[0] == {"_reduced_stock": "1", "_restock_refunded_items": "1"}
    assert [mark.get("_reduced_stock") for mark in marks] == ["1", "1", "3", None]


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("products-batch-101", "POST", "/products/batch"),
        ("products-batch-mixed", "POST", "/products/batch"),
        ("products-by-sku-list", "GET", "/products?sku=MUG-1%2CSHIRT-S%2CCAP-RED%2CNOPE&_fields=id,type,sku,parent_id"),
        ("put-unmanaged-ignored", "PUT", "/products/20?_fields=id,manage_stock,stock_quantity"),
        ("put-variation-on-products", "PUT", "/products/13"),
        ("order-deleted-404", "GET", "/orders/111"),
        ("variations-all", "GET", "/variations?per_page=100&_fields=id,parent_id,sku,manage_stock,stock_quantity"),
    ],
)
def test_recorded_requests_get_the_recorded_answers(name, method, path):
    world = seeded()
    recorded = sample(f"rest/{name}.json")
    body = (recorded["request"]["body"] or "").encode()
    answer = world.client.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == recorded["status"]
    assert said(answer.json()) == said(recorded["body"])


def said(value):
    """What an answer says of identity, stock rules and errors; quantities differ with the shop's past."""
    if isinstance(value, list):
        return sorted((said(item) for item in value), key=repr)
    if not isinstance(value, dict):
        return value
    names = ("update", "error", "code", "message", "data", "status", "id", "type", "sku", "parent_id", "manage_stock")
    return {name: said(value[name]) for name in names if name in value and value[name] != "publish"}


def test_json_is_written_as_php_writes_it():
    world = seeded()
    text = world.client.get("/products/11", params={"_fields": "sku"}).text
    assert '"TIN-\\u00c4 2\\/3"' in text


def test_the_date_header_tells_the_shops_time():
    assert World().client.get("/products").headers["date"] == "Fri, 20 Nov 2026 20:46:40 GMT"


def test_a_shop_on_a_real_socket_takes_signed_requests():
    woo = SimulatedWooCommerce(clock=lambda: datetime.now(UTC), random=Random(1))
    woo.people.add_product("MUG-1", 3)
    with served(woo) as address:
        woo.url = address
        query = signed(SimpleNamespace(woo=woo), home=address, at=datetime.now(UTC))
        answer = httpx.get(f"{address}{API}/products", params=query, trust_env=False)
    assert answer.json()[0]["stock_quantity"] == 3
