"""Tokens and the consent page: every way into a store, and what happens when a token ends."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import shopify

from connectors.sdk.errors import AccessDenied, RateLimited, Refused, Unavailable
from connectors.shopify import plugin
from connectors.shopify.auth import SCOPES, api_url, callback_is_signed, login_url, missing_rights, shop_domain
from syncd.sandbox.shopify.auth import sign_query
from tests.connectors.shopify.driver import SHOP, ShopifyDriver

CALLBACK = "https://syncd.example/connections/callback/shopify"
SECRET = "shpss_secret"


def app(platform):
    return {"client_id": platform.client_id, "client_secret": platform.client_secret}


def token_requests(driver):
    return [request for request in driver.requests if request.url.path == "/admin/oauth/access_token"]


# ------------------------------------------------------------------------------------------------- tokens


class TestClientCredentials:
    def test_the_first_call_fetches_a_token_and_keeps_when_it_ends(self):
        driver = ShopifyDriver(credentials=app)
        driver.store().probe()
        known = driver.vault.load()
        assert known["access_token"].startswith("shpat_")
        assert known["expires_at"] == (driver.clock.now() + timedelta(seconds=86_399)).isoformat()
        assert known["client_secret"] == driver.shopify.client_secret

    def test_the_token_is_used_until_shortly_before_its_end(self):
        driver = ShopifyDriver(credentials=app)
        store = driver.store()
        store.probe()
        first = driver.vault.load()["access_token"]
        driver.advance(23 * 3600)
        store.probe()
        assert len(token_requests(driver)) == 1
        driver.advance(3600 - 60)
        store.probe()
        assert len(token_requests(driver)) == 2
        assert driver.vault.load()["access_token"] != first

    def test_a_token_that_died_early_is_replaced_and_the_call_goes_through(self):
        driver = ShopifyDriver(credentials=app)
        store = driver.store()
        store.probe()
        driver.shopify.auth.tokens.clear()
        assert store.probe().account_id == SHOP
        assert len(token_requests(driver)) == 2

    def test_an_app_of_another_organisation_is_denied(self):
        driver = ShopifyDriver(credentials=app, own_store=False)
        with pytest.raises(AccessDenied, match="shop_not_permitted"):
            driver.store().probe()

    def test_the_operators_app_serves_where_the_connection_has_none(self):
        driver = ShopifyDriver(credentials=lambda platform: {})
        driver.account.settings.update(app(driver.shopify))
        assert driver.store().probe().account_id == SHOP


class TestExpiringTokens:
    @pytest.fixture
    def driver(self):
        driver = ShopifyDriver(credentials=lambda platform: {})
        driver.account.settings.update(app(driver.shopify))
        driver.vault.credentials = connect(driver)
        del driver.account.settings["client_id"], driver.account.settings["client_secret"]
        return driver

    def test_a_pair_is_renewed_as_a_whole(self, driver):
        first = dict(driver.vault.load())
        driver.advance(3600)
        driver.store().probe()
        second = driver.vault.load()
        assert {"access_token", "refresh_token", "expires_at", "client_id", "client_secret"} == set(second)
        assert all(second[name] != first[name] for name in ("access_token", "refresh_token", "expires_at"))

    def test_many_hours_are_survived(self, driver):
        store = driver.store()
        for _ in range(30):
            driver.advance(3500)
            store.probe()

    def test_a_renewal_that_fails_early_does_no_harm_while_the_token_is_good(self, driver):
        driver.advance(3600 - 120)
        platform = driver._platform

        def carry(request):
            if request.url.path.endswith("access_token"):
                return httpx.Response(503, request=request)
            return platform.handle_request(request)

        driver._platform = httpx.MockTransport(carry)
        assert driver.store().probe().account_id == SHOP
        driver.advance(300)
        with pytest.raises(Unavailable):
            driver.store().probe()

    def test_a_dead_refresh_token_needs_a_person(self, driver):
        driver.advance(91 * 24 * 3600)
        with pytest.raises(AccessDenied, match="invalid_grant"):
            driver.store().probe()


def test_a_token_that_stays_is_never_exchanged():
    driver = ShopifyDriver()
    driver.advance(400 * 24 * 3600)
    driver.store().probe()
    driver.take_access_away()
    with pytest.raises(AccessDenied):
        driver.store().probe()
    assert token_requests(driver) == []


def test_without_any_credentials_nothing_is_sent():
    driver = ShopifyDriver(credentials=lambda platform: {})
    with pytest.raises(AccessDenied):
        driver.store().probe()
    assert driver.requests == []


# ------------------------------------------------------------------------------------------------- consent


def begin(driver, **settings):
    chosen = {**driver.account.settings, **app(driver.shopify), **settings}
    return plugin.consent.begin(chosen, callback_url=CALLBACK, return_url="https://syncd.example/", state="state-1")


def decide(driver, decision="approve"):
    """Press a button on the consent page; gives the query of the callback."""
    asked = parse_qs(urlsplit(begin(driver).url).query)
    form = {name: values[0] for name, values in asked.items()} | {"decision": decision}
    with httpx.Client(transport=driver.account.transport) as browser:
        answer = browser.post(f"https://{SHOP}/admin/oauth/authorize", data=form)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def finish(driver, query, **settings):
    return plugin.consent.finish(
        {**driver.account.settings, **app(driver.shopify), **settings},
        query=query,
        body=b"",
        state="state-1",
        callback_url=CALLBACK,
        transport=driver.account.transport,
        now=driver.clock.now(),
    )


def connect(driver):
    return finish(driver, decide(driver))


def test_the_owner_is_sent_to_the_stores_own_page_with_all_rights_asked_for():
    url = urlsplit(begin(ShopifyDriver()).url)
    query = parse_qs(url.query)
    assert (url.scheme, url.netloc, url.path) == ("https", SHOP, "/admin/oauth/authorize")
    assert query["scope"] == [",".join(SCOPES)]
    assert (query["redirect_uri"], query["state"]) == ([CALLBACK], ["state-1"])


def test_the_page_may_live_elsewhere():
    url = begin(ShopifyDriver(), base_url="http://127.0.0.1:4711/{shop}").url
    assert url.startswith(f"http://127.0.0.1:4711/{SHOP}/admin/oauth/authorize?client_id=")


def test_approval_gives_credentials_that_work():
    driver = ShopifyDriver(credentials=lambda platform: {})
    driver.vault.credentials = connect(driver)
    assert driver.store().probe().account_id == SHOP


def test_denial_is_told_in_words():
    driver = ShopifyDriver()
    with pytest.raises(Refused, match="not approved"):
        finish(driver, decide(driver, "deny"))


def signed(driver, **changed):
    query = {name: value for name, value in {**decide(driver), **changed}.items() if name != "hmac"}
    return {**query, "hmac": sign_query(query, driver.shopify.client_secret)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "state-2"}, "another attempt"),
        ({"state": ""}, "another attempt"),
        ({"shop": "evil.myshopify.com"}, "another store"),
        ({"timestamp": "1"}, "too old"),
        ({"timestamp": "soon"}, "too old"),
        ({"timestamp": "²"}, "too old"),
        ({"code": "guessed"}, "invalid_request"),
    ],
)
def test_a_callback_that_is_signed_and_still_wrong_is_refused(change, words):
    driver = ShopifyDriver()
    with pytest.raises(Refused, match=words):
        finish(driver, signed(driver, **change))


@pytest.mark.parametrize("change", [{"hmac": ""}, {"hmac": "é"}, {"hmac": "0" * 64}, {"code": "other"}, {"more": "1"}])
def test_a_callback_that_is_not_signed_is_refused(change):
    driver = ShopifyDriver()
    with pytest.raises(Refused, match="signature"):
        finish(driver, {**decide(driver), **change})


def test_a_right_that_was_not_granted_is_named():
    driver = ShopifyDriver()
    asked = parse_qs(urlsplit(begin(driver).url).query)
    form = {name: values[0] for name, values in asked.items()} | {"decision": "approve", "scope": "read_products"}
    with httpx.Client(transport=driver.account.transport) as browser:
        answer = browser.post(f"https://{SHOP}/admin/oauth/authorize", data=form)
    query = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    with pytest.raises(Refused, match="write_inventory"):
        finish(driver, query)


def test_without_an_app_there_is_no_consent():
    driver = ShopifyDriver()
    with pytest.raises(Refused, match="client_id"):
        plugin.consent.begin(driver.account.settings, callback_url=CALLBACK, return_url="", state="s")


def test_checking_a_signature_leaves_the_vendors_class_alone():
    query = {"shop": SHOP, "code": "a&b=c%", "timestamp": "1"}
    hmac_of = type("Other", (shopify.Session,), {"secret": SECRET}).calculate_hmac(query)
    before = shopify.Session.secret
    assert callback_is_signed({**query, "hmac": hmac_of}, SECRET)
    assert not callback_is_signed({**query, "hmac": hmac_of}, "other")
    assert not callback_is_signed(query, SECRET)
    assert not callback_is_signed({**query, "hmac": hmac_of}, "")
    assert shopify.Session.secret is before


# ------------------------------------------------------------------------------------------------- names and rights


@pytest.mark.parametrize("told", ["demo", "demo.myshopify.com", " Demo.MyShopify.com ", "https://demo.myshopify.com/"])
def test_a_store_is_named_by_its_myshopify_address(told):
    assert shop_domain({"shop": told}) == SHOP


@pytest.mark.parametrize(
    "told",
    [
        "",
        "evil.com",
        "demo.myshopify.com.evil.com",
        "-demo.myshopify.com",
        "a/b",
        "demo.myshopify.com:81",
        "http://demo",
        "dé",
    ],
)
def test_any_other_name_is_refused(told):
    with pytest.raises(Refused):
        shop_domain({"shop": told})


def test_the_api_may_live_elsewhere():
    assert api_url({"shop": "demo"}) == "https://demo.myshopify.com"
    assert api_url({"shop": "demo", "base_url": "http://127.0.0.1:1"}) == "http://127.0.0.1:1"
    assert api_url({"shop": "demo", "api_url": "http://proxy/", "base_url": "http://127.0.0.1:1"}) == "http://proxy"


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "https://demo.myshopify.com"),
        ({"base_url": "https://{shop}", "api_url": "http://stand-in/"}, "http://stand-in"),
        ({"base_url": "http://login", "api_url": "http://stand-in"}, "http://login"),
    ],
)
def test_what_stands_in_for_the_api_stands_in_for_the_consent_page_too(settings, url):
    assert login_url({"shop": "demo", **settings}) == url


def test_a_right_to_write_covers_reading():
    assert missing_rights(SCOPES) == []
    assert missing_rights(["read_inventory"], ["read_inventory", "write_inventory"]) == ["write_inventory"]


# ------------------------------------------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (301, {"location": "https://elsewhere.example/"}, Refused),
        (400, {}, Refused),
        (402, {}, Unavailable),
        (403, {}, AccessDenied),
        (404, {}, Refused),
        (406, {}, Refused),
        (415, {}, Refused),
        (422, {}, Refused),
        (423, {}, Unavailable),
        (429, {"retry-after": "7"}, RateLimited),
        (430, {}, RateLimited),
        (500, {}, Unavailable),
        (503, {}, Unavailable),
        (522, {}, Unavailable),
    ],
)
def test_a_status_means_what_to_do(status, headers, error):
    driver = ShopifyDriver()
    body = json.dumps({"errors": "words of Shopify"})
    driver._platform = httpx.MockTransport(lambda r: httpx.Response(status, headers=headers, text=body, request=r))
    with pytest.raises(error) as caught:
        driver.store().probe()
    assert (caught.value.connection, caught.value.operation) == ("store-a", "read the store")


def test_a_security_rejection_pauses_for_a_quarter_of_an_hour():
    driver = ShopifyDriver()
    driver._platform = httpx.MockTransport(lambda r: httpx.Response(430, request=r))
    with pytest.raises(RateLimited) as caught:
        driver.store().probe()
    assert caught.value.retry_after == 900


def test_a_wrong_secret_is_denied_without_telling_it():
    driver = ShopifyDriver(credentials=lambda platform: {"client_id": platform.client_id, "client_secret": SECRET})
    with pytest.raises(AccessDenied) as caught:
        driver.store().probe()
    assert SECRET not in str(caught.value)
    assert urlencode({"s": SECRET}) not in repr(caught.value)
