"""Connecting an app to the simulated Shopify: consent page, the three grants, and which tokens are good when."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import shopify as vendor

from syncd.sandbox.wire import Request
from tests.sandbox.shopify_shop import Shopify

CALLBACK = "https://syncd.example/connections/callback/shopify"


@pytest.fixture
def shopify():
    return Shopify()


def ask(shopify, method, path, fields):
    encoded = urlencode(fields)
    return shopify.handle(
        Request(
            method=method,
            scheme="https",
            host="demo.myshopify.com",
            path=path,
            query_string=encoded if method == "GET" else "",
            headers={"content-type": "application/x-www-form-urlencoded"},
            body=b"" if method == "GET" else encoded.encode(),
        )
    )


def authorize(shopify, method="GET", **changed):
    fields = {
        "client_id": shopify.client_id,
        "scope": "read_orders,write_inventory",
        "redirect_uri": CALLBACK,
        "state": "s1",
    }
    return ask(shopify, method, "/admin/oauth/authorize", {**fields, **changed})


def decide(shopify, decision):
    location = authorize(shopify, "POST", decision=decision).headers["location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def token(shopify, **fields):
    body = {"client_id": shopify.client_id, "client_secret": shopify.client_secret, **fields}
    answer = ask(shopify, "POST", "/admin/oauth/access_token", body)
    return answer.status, json.loads(answer.body)


def works(shopify, access_token):
    return shopify.post("{ shop { name } }", token=access_token).status == 200


def pair(shopify):
    return token(shopify, code=decide(shopify, "approve")["code"], expiring="1")[1]


def refresh(shopify, refresh_token):
    return token(shopify, grant_type="refresh_token", refresh_token=refresh_token)


def test_the_consent_page_names_the_store_and_the_rights_and_has_two_buttons(shopify):
    page = authorize(shopify).body.decode()
    assert "demo.myshopify.com" in page
    assert "write_inventory" in page
    assert 'value="approve"' in page
    assert 'value="deny"' in page


def test_what_the_asker_sends_is_escaped_on_the_page(shopify):
    assert "<script>" not in authorize(shopify, scope='<script>"', state='"><script>').body.decode()


@pytest.mark.parametrize("changed", [{"client_id": "other"}, {"redirect_uri": ""}, {"redirect_uri": "javascript:1"}])
def test_an_unknown_app_or_a_bad_address_gets_no_page(shopify, changed):
    assert authorize(shopify, **changed).status == 400


def test_only_registered_addresses_are_returned_to():
    shopify = Shopify(redirect_urls=[CALLBACK])
    assert authorize(shopify).status == 200
    assert authorize(shopify, redirect_uri=CALLBACK + "/other").status == 400


def test_approval_returns_a_signed_callback_that_the_vendors_library_accepts(shopify):
    answer = decide(shopify, "approve")
    assert set(answer) == {"code", "hmac", "host", "shop", "state", "timestamp"}
    assert (answer["shop"], answer["state"]) == ("demo.myshopify.com", "s1")
    vendor.Session.secret = shopify.client_secret
    assert vendor.Session.validate_hmac(answer)
    assert not vendor.Session.validate_hmac({**answer, "shop": "evil.myshopify.com"})


def test_denial_returns_no_code(shopify):
    answer = decide(shopify, "deny")
    assert answer["error"] == "access_denied"
    assert "code" not in answer


def test_a_code_is_exchanged_once_for_a_token_that_does_not_expire(shopify):
    code = decide(shopify, "approve")["code"]
    status, given = token(shopify, code=code)
    assert (status, set(given), given["scope"]) == (200, {"access_token", "scope"}, "read_orders,write_inventory")
    shopify.clock.advance(days=400)
    assert works(shopify, given["access_token"])
    assert token(shopify, code=code)[0] == 400


def test_a_code_goes_stale(shopify):
    code = decide(shopify, "approve")["code"]
    shopify.clock.advance(minutes=11)
    assert token(shopify, code=code)[0] == 400


def test_a_wrong_secret_gets_nothing(shopify):
    assert token(shopify, grant_type="client_credentials", client_secret="wrong")[0] == 401


def test_client_credentials_give_a_token_for_a_day_and_no_refresh_token(shopify):
    _, given = token(shopify, grant_type="client_credentials")
    assert (given["expires_in"], "refresh_token" in given) == (86_399, False)
    shopify.clock.advance(hours=23, minutes=59)
    assert works(shopify, given["access_token"])
    shopify.clock.advance(minutes=1)
    assert not works(shopify, given["access_token"])


def test_another_merchants_store_permits_no_client_credentials():
    assert token(Shopify(own_store=False), grant_type="client_credentials")[0] == 400


def test_an_expiring_token_lives_an_hour_and_is_renewed(shopify):
    first = pair(shopify)
    assert (first["expires_in"], first["refresh_token_expires_in"]) == (3600, 7_776_000)
    shopify.clock.advance(hours=1)
    assert not works(shopify, first["access_token"])
    status, second = refresh(shopify, first["refresh_token"])
    assert (status, works(shopify, second["access_token"])) == (200, True)
    assert second["refresh_token"] != first["refresh_token"]


def test_a_used_refresh_token_stays_good_until_its_successor_is_used(shopify):
    first = pair(shopify)
    _, second = refresh(shopify, first["refresh_token"])
    assert refresh(shopify, first["refresh_token"])[0] == 200
    assert refresh(shopify, second["refresh_token"])[0] == 200
    status, body = refresh(shopify, first["refresh_token"])
    assert (status, body["error"]) == (400, "invalid_grant")


def test_a_used_refresh_token_is_good_for_thirty_days_at_most(shopify):
    first = pair(shopify)
    refresh(shopify, first["refresh_token"])
    shopify.clock.advance(days=31)
    assert refresh(shopify, first["refresh_token"])[1]["error"] == "invalid_grant"


def test_a_refresh_token_dies_after_ninety_days(shopify):
    first = pair(shopify)
    shopify.clock.advance(days=90)
    assert refresh(shopify, first["refresh_token"])[1]["error"] == "invalid_grant"
