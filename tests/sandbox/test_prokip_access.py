"""Tokens, the throttle, the simple dialect and the sandbox's own routes of the simulated Prokip."""

from datetime import timedelta

import httpx
import pytest

from syncd.sandbox.serve import served
from tests.sandbox.prokip_shop import Shop, differences, sample

PASSWORD_GRANT = {
    "grant_type": "password",
    "client_id": "6",
    "client_secret": "sandbox-client-secret",
    "username": "sync.robot",
    "password": "sandbox-password",
    "scope": "",
}


def token(shop, **changes):
    return shop.client.post("/oauth/token", data={**PASSWORD_GRANT, **changes})


def refresh(shop, refresh_token):
    return token(shop, grant_type="refresh_token", refresh_token=refresh_token)


def may_call(shop, access_token):
    answer = shop.client.get("/connector/api/user/loggedin", headers={"Authorization": f"Bearer {access_token}"})
    return answer.status_code == 200


def test_a_password_buys_a_pair_of_tokens():
    shop = Shop()
    answer = token(shop)
    assert list(differences(sample("oauth-token.200"), answer.json())) == []
    assert may_call(shop, answer.json()["access_token"])


@pytest.mark.parametrize(
    ("changes", "status", "name"),
    [
        ({"password": "wrong"}, 400, "oauth-token.bad-password.400"),
        ({"client_secret": "wrong"}, 401, "oauth-token.bad-client.401"),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, 401, "oauth-refresh.revoked.401"),
    ],
)
def test_wrong_credentials_are_answered_as_in_the_samples(changes, status, name):
    answer = token(Shop(), **changes)
    assert (answer.status_code, answer.json()) == (status, sample(name))


def test_a_missing_parameter_and_an_unknown_grant_are_400():
    shop = Shop()
    assert token(shop, username="").json()["error"] == "invalid_request"
    assert token(shop, grant_type="magic").json()["error"] == "unsupported_grant_type"


def test_a_refresh_token_works_once_and_ends_the_old_access_token():
    shop = Shop()
    old = token(shop).json()
    new = refresh(shop, old["refresh_token"])
    assert new.status_code == 200
    assert refresh(shop, old["refresh_token"]).status_code == 401
    assert not may_call(shop, old["access_token"])
    assert may_call(shop, new.json()["access_token"])


def test_a_refresh_whose_answer_is_lost_has_used_up_the_token():
    shop = Shop()
    old = token(shop).json()
    shop.faults.lost_answer_rate = 1
    with pytest.raises(httpx.ReadTimeout):
        refresh(shop, old["refresh_token"])
    shop.faults.lost_answer_rate = 0
    assert refresh(shop, old["refresh_token"]).status_code == 401


def test_an_access_token_ends_when_its_time_is_over():
    shop = Shop(token_lifetime=timedelta(hours=1))
    pair = token(shop).json()
    assert pair["expires_in"] == 3600
    shop.clock.pass_by(hours=1)
    assert not may_call(shop, pair["access_token"])
    assert refresh(shop, pair["refresh_token"]).status_code == 200


def test_without_a_good_token_json_is_answered_401_and_a_browser_is_sent_to_the_login():
    shop = Shop()
    shop.client.headers["Authorization"] = "Bearer wrong"
    answer = shop.get("product")
    assert (answer.status_code, answer.json()) == (401, sample("api.unauthenticated.401"))
    shop.client.headers["Accept"] = "*/*"
    answer = shop.get("product")
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://prokip.test/login")


def test_the_sixty_first_request_of_a_minute_is_refused_until_the_minute_is_over():
    shop = Shop(throttle=60)
    for left in reversed(range(60)):
        assert shop.get("tax").headers["X-RateLimit-Remaining"] == str(left)
    shop.clock.pass_by(seconds=19)
    answer = shop.get("tax")
    assert (answer.status_code, answer.json()) == (429, sample("api.throttled.429"))
    assert answer.headers["Retry-After"] == "41"
    assert answer.headers["X-RateLimit-Reset"] == str(int(shop.clock().timestamp()) + 41)
    shop.clock.pass_by(seconds=41)
    assert shop.get("tax").status_code == 200


def test_a_throttled_sale_is_not_recorded():
    shop = Shop(throttle=1)
    shop.get("tax")
    assert shop.post("sell", {"sells": [shop.sale(shop.line(shop.butter, 1))]}).status_code == 429
    assert shop.people.sales() == []


def test_a_server_that_is_down_answers_with_the_page_of_its_proxy():
    shop = Shop()
    shop.faults.down = True
    answer = shop.get("product")
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (502, "text/html")


def test_the_connector_dialect_has_no_simple_routes():
    assert Shop().client.get("/inventory").status_code == 404


def test_the_simple_dialect_lists_stock_by_sku_and_takes_sales_by_sku():
    shop = Shop(dialect="simple")
    rows = shop.client.get("/inventory", params={"locationId": shop.location}).json()
    assert {"sku": shop.butter.sku, "quantity": 73} in rows
    body = {"locationId": shop.location, "items": [{"sku": shop.butter.sku, "quantity": 2}]}
    answer = shop.client.post("/sells", json=body)
    assert answer.status_code == 201
    assert [sale["id"] for sale in shop.people.sales()] == [answer.json()["id"]]
    assert shop.left() == 71
    assert shop.client.get("/connector/api/product").status_code == 404


def test_the_simple_dialect_refuses_what_it_does_not_know():
    shop = Shop(dialect="both")
    body = {"locationId": shop.location, "items": [{"sku": "NONE", "quantity": 2}]}
    assert shop.client.post("/sells", json=body).status_code == 422
    assert shop.client.get("/inventory", params={"locationId": 1}).status_code == 404


# ------------------------------------------------------------------------------------------- the sandbox's own routes


def test_a_day_in_the_shop_can_be_played_over_http():
    shop = Shop()
    with served(shop.prokip) as address, httpx.Client(base_url=address) as http:
        made = {"sku": "MUG", "title": "Mug", "price": 450, "quantity": 10, "tracked": True}
        assert http.post("/_sandbox/products", json=made).status_code == 201
        sale = http.post("/_sandbox/till", json={"lines": [{"sku": "MUG", "quantity": 3}]}).json()
        http.post(f"/_sandbox/till/{sale['id']}/return", json={"lines": [{"sku": "MUG", "quantity": 1}]})
        assert http.get("/_sandbox/stock").json()["MUG"] == 8
        http.put("/_sandbox/stock/MUG", json={"quantity": 20})
        assert http.get("/_sandbox/stock").json()["MUG"] == 20
        lines = http.get("/_sandbox/sales").json()[0]["lines"]
        assert [(line["sku"], line["quantity"], line["returned"]) for line in lines] == [("MUG", 3, 1)]
        about = http.get("/_sandbox/").json()
        bearer = {"Authorization": f"Bearer {about['access_token']}", "Accept": "application/json"}
        assert http.get("/connector/api/product", headers=bearer).status_code == 200
        assert http.get("/_sandbox/log").json()["calls"] == {"GET /product": 1}


def test_the_till_sells_below_zero_only_when_forced():
    shop = Shop()
    body = {"lines": [{"sku": shop.butter.sku, "quantity": 74}]}
    refused = shop.client.post("/_sandbox/till", json=body)
    assert refused.status_code == 409
    assert "only 73" in refused.json()["error"]
    assert shop.client.post("/_sandbox/till", json={**body, "force": True}).status_code == 201
    assert shop.left() == -1


def test_every_location_has_its_own_stock():
    shop = Shop()
    shop.client.put(f"/_sandbox/stock/{shop.butter.sku}", json={"quantity": 4, "location": "Warehouse"})
    stock = shop.client.get("/_sandbox/stock", params={"location": "Warehouse"}).json()
    assert (stock[shop.butter.sku], shop.left()) == (4, 73)


def test_faults_are_switched_over_http_and_nonsense_is_refused_whole():
    shop = Shop()
    assert shop.client.put("/_sandbox/faults", json={"latency_seconds": 1, "down": True}).json()["down"] is True
    refused = shop.client.put("/_sandbox/faults", json={"down": False, "gremlins": 1})
    assert (refused.status_code, shop.faults.down) == (400, True)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("till", {"lines": []}, 400),
        ("till", {"lines": [{"sku": "NONE", "quantity": 1}]}, 409),
        ("till/1/return", {"lines": [{"sku": "NONE", "quantity": 1}]}, 409),
        ("products", {"sku": "A", "quantity": "many"}, 400),
        ("nowhere", {}, 404),
    ],
)
def test_what_the_sandbox_cannot_do_is_said(path, body, status):
    answer = Shop().client.post(f"/_sandbox/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_prokip_never_calls_anybody():
    assert Shop().prokip.due() == []
