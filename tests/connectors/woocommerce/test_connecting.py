"""Connecting: how the key travels, what stands in the way and what we say about it, webhooks kept right, consent."""

import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from connectors.sdk.errors import AccessDenied, Refused, Unavailable
from connectors.sdk.fake import PlainVault
from connectors.sdk.values import WebhookState
from connectors.woocommerce.auth import WooCommerceConsent, webhook_secrets
from connectors.woocommerce.client import WooClient, judged, words_of
from connectors.woocommerce.webhooks import TOPICS
from syncd.sandbox.wire import transport
from tests.connectors.woocommerce.driver import WooDriver
from tests.connectors.woocommerce.test_recorded import SAMPLES

# ---------------------------------------------------------------------------------------------- probing


@pytest.mark.parametrize(
    ("quirks", "url", "style"),
    [
        ({}, "https://shop.example", "basic"),
        ({"strips_authorization": True}, "https://shop.example", "query"),
        ({"hides_https": True}, "https://shop.example/store", "oauth_as_http"),
        ({}, "http://shop.example/store", "oauth"),
    ],
)
def test_probing_finds_how_the_key_travels_and_it_is_remembered(quirks, url, style):
    driver = WooDriver(url=url)
    for name, value in quirks.items():
        setattr(driver.woo.quirks, name, value)
    info = driver.store().probe()
    assert info.settings["auth"] == style
    connected = replace(driver.account, settings={**driver.account.settings, **info.settings})
    assert len(next(driver.plugin.store(connected).catalogue()).items) == 1


def test_probing_tells_what_the_shop_is():
    info = WooDriver(url="https://Shop.example/store/", version="10.4.0", hpos=False).store().probe()
    assert info.account_id == "shop.example/store"
    assert (info.name, info.currency, info.time_zone) == ("Sandbox shop", "EUR", "Europe/Berlin")
    assert (info.settings["version"], info.settings["hpos"]) == ("10.4.0", "no")
    assert info.warnings == ()


def test_stock_management_switched_off_is_a_warning():
    driver = WooDriver()
    driver.woo.shop.rules.counts_stock = False
    assert "switched off" in driver.store().probe().warnings[0]


@pytest.mark.parametrize(
    ("quirk", "value", "error", "words"),
    [
        ("plain_permalinks", True, Refused, "permalinks"),
        ("redirects_to", "https://www.shop.example", Refused, "https://www.shop.example"),
        ("blocks_clients", True, Unavailable, "firewall"),
        ("php_noise", True, Unavailable, "not JSON"),
    ],
)
def test_what_stands_in_the_way_is_told_in_words(quirk, value, error, words):
    driver = WooDriver()
    setattr(driver.woo.quirks, quirk, value)
    with pytest.raises(error, match=words):
        driver.store().probe()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"consumer_key": "ck_unknown"}, "unknown"),
        ({"consumer_secret": "cs_wrong"}, "Check the secret"),
        ({"consumer_key": ""}, "no key"),
    ],
)
def test_a_key_that_is_not_accepted_is_told_in_words(change, words):
    driver = WooDriver()
    driver.vault.credentials = {**driver.vault.credentials, **change}
    with pytest.raises(AccessDenied, match=words):
        driver.store().probe()


@pytest.mark.parametrize(("permissions", "word"), [("read", "write permissions"), ("write", "read permissions")])
def test_a_key_that_may_not_do_both_is_refused(permissions, word):
    driver = WooDriver()
    key = driver.woo.keys.issue(permissions)
    driver.vault.credentials = {"consumer_key": key.key, "consumer_secret": key.secret}
    with pytest.raises(AccessDenied, match=word):
        driver.store().probe()


@pytest.mark.parametrize(
    "url", ["", "shop.example", "ftp://shop.example", "https://me:pw@shop.example", "https://x/?a=1"]
)
def test_an_address_that_is_none_is_refused_at_once(url):
    driver = WooDriver()
    with pytest.raises(Refused, match="address"):
        driver.plugin.store(replace(driver.account, settings={"url": url}))


def test_over_http_a_shop_whose_home_is_https_is_signed_for_as_it_is_reached():
    driver = WooDriver(url="http://shop.example")
    driver.woo.url = "https://shop.example"
    info = driver.store().probe()
    assert "https" in info.warnings[0]
    connected = replace(driver.account, settings={**driver.account.settings, **info.settings})
    assert len(next(driver.plugin.store(connected).catalogue()).items) == 1


def test_a_clock_that_is_wrong_is_named():
    driver = WooDriver(url="http://shop.example")
    shop_time = driver.clock.now()
    driver.woo.keys.now = lambda: shop_time
    driver.advance(3600)
    with pytest.raises(AccessDenied, match="clocks"):
        driver.store().probe()


def test_a_host_that_refuses_put_is_no_obstacle():
    driver = WooDriver()
    driver.woo.quirks.refuses_put = True
    store = driver.store()
    store.probe()
    report = store.check_webhooks(driver.webhook_url, repair=True)
    assert set(report.states.values()) == {WebhookState.MADE}
    store.remove_webhooks(driver.webhook_url)
    assert driver.woo.webhooks == {}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (302, b"", Refused),
        (401, b'{"code":"woocommerce_rest_cannot_view","message":"Sorry"}', AccessDenied),
        (401, b'{"code":"woocommerce_rest_authentication_error","message":"Invalid nonce - used."}', Unavailable),
        (403, b"<html>", Unavailable),
        (403, b'{"code":"rest_forbidden","message":"Sorry"}', AccessDenied),
        (404, b"<html>", Refused),
        (404, b'{"code":"rest_no_route","message":"No"}', Refused),
        (413, b'{"code":"woocommerce_rest_request_entity_too_large","message":"No"}', Unavailable),
    ],
)
def test_answers_without_effect_are_named_by_what_to_do(status, body, error):
    driver = WooDriver()
    answer = WooClient(driver.account).index()
    failed = replace(answer, status=status, body=body, document=None)
    assert isinstance(judged(failed, "try"), error)
    assert "<" not in str(words_of(failed))


# ---------------------------------------------------------------------------------------------- webhooks


def checked(driver, store=None, *, repair=True):
    report = (store or driver.store()).check_webhooks(driver.webhook_url, repair=repair)
    return set(report.states.values())


def test_every_topic_is_subscribed_to_once_and_signed_with_our_secret():
    driver = WooDriver()
    assert checked(driver) == {WebhookState.MADE}
    assert sorted(hook.topic for hook in driver.woo.webhooks.values()) == sorted(TOPICS)
    assert {hook.secret for hook in driver.woo.webhooks.values()} == {webhook_secrets(driver.vault.load())[0]}
    assert checked(driver) == {WebhookState.RIGHT}


def test_a_disabled_webhook_is_made_anew_so_that_its_failures_are_forgotten():
    driver = WooDriver()
    checked(driver)
    hook = next(hook for hook in driver.woo.webhooks.values() if hook.topic == "order.updated")
    hook.status, hook.failures = "disabled", 6
    store = driver.store()
    assert store.check_webhooks(driver.webhook_url, repair=False).words == {
        "order.updated": "The shop had it disabled."
    }
    assert store.check_webhooks(driver.webhook_url, repair=True).states["order.updated"] is WebhookState.REPAIRED
    renewed = [hook for hook in driver.woo.webhooks.values() if hook.topic == "order.updated"]
    assert [(hook.status, hook.failures) for hook in renewed] == [("active", 0)]


def test_double_subscriptions_become_one_and_those_of_others_stay():
    driver = WooDriver()
    checked(driver)
    register = driver.woo._queue.register
    register("again", "order.updated", driver.webhook_url, "other")
    register("other", "order.updated", "https://elsewhere.example/hook", "other")
    assert checked(driver) == {WebhookState.RIGHT, WebhookState.REPAIRED}
    ours = [hook.topic for hook in driver.woo.webhooks.values() if hook.url == driver.webhook_url]
    assert sorted(ours) == sorted(TOPICS)
    driver.store().remove_webhooks(driver.webhook_url)
    assert [hook.name for hook in driver.woo.webhooks.values()] == ["other"]


def test_webhooks_that_sign_with_an_old_secret_are_renewed():
    driver = WooDriver()
    checked(driver)
    key = driver.woo.keys.issue()
    driver.vault.credentials = {"consumer_key": key.key, "consumer_secret": key.secret}
    assert checked(driver) == {WebhookState.REPAIRED}
    assert {hook.secret for hook in driver.woo.webhooks.values()} == {webhook_secrets(driver.vault.load())[0]}


def test_a_secret_given_by_hand_goes_first():
    driver = WooDriver()
    driver.vault.credentials = {**driver.vault.credentials, "webhook_secret": "by-hand"}
    checked(driver)
    assert {hook.secret for hook in driver.woo.webhooks.values()} == {"by-hand"}


# ---------------------------------------------------------------------------------------------- consent

CALLBACK, RETURN = "https://syncd.example/connections/callback/woocommerce?m=1", "https://syncd.example/app"


def begun(driver, state="st-4_te"):
    return WooCommerceConsent().begin(driver.account.settings, callback_url=CALLBACK, return_url=RETURN, state=state)


def finished(body, query, state="st-4_te"):
    return WooCommerceConsent().finish(
        {},
        query=query,
        body=body,
        state=state,
        callback_url=CALLBACK,
        transport=None,
        now=datetime.now(UTC),
    )


def test_the_owners_approval_gives_a_key_that_works():
    received = []
    driver = WooDriver(url="https://shop.example/store", post=lambda webhook: received.append(webhook) or 200)
    target = urlsplit(begun(driver).url)
    assert target.path == "/store/wc-auth/v1/authorize"
    browser = httpx.Client(transport=transport(driver.woo))
    page = browser.get(target.geturl())
    approve = html.unescape(re.search(r'class="wc-auth-approve" href="([^"]+)"', page.text).group(1))
    back = browser.get(approve)
    (handed,) = received
    query = {name: values[-1] for name, values in parse_qs(urlsplit(handed.url).query).items()}
    assert query == {"m": "1", "state": "st-4_te"}
    assert parse_qs(urlsplit(back.headers["location"]).query) == {"success": ["1"], "user_id": ["st-4_te"]}
    credentials = finished(handed.body, query)
    account = replace(driver.account, vault=PlainVault(credentials))
    assert driver.plugin.store(account).probe().account_id == "shop.example/store"


HANDED = {
    "key_id": 4,
    "user_id": "st-4_te",
    "consumer_key": "ck_1",
    "consumer_secret": "cs_1",
    "key_permissions": "read_write",
}


@pytest.mark.parametrize(
    ("changes", "query"),
    [
        ({"user_id": "another"}, {"state": "st-4_te"}),
        ({}, {"state": "another"}),
        ({}, {}),
        ({"key_permissions": "read"}, {"state": "st-4_te"}),
    ],
)
def test_a_hand_over_that_is_not_ours_or_too_little_is_refused(changes, query):
    with pytest.raises(Refused):
        finished(json.dumps({**HANDED, **changes}).encode(), query)


def test_the_recorded_hand_over_is_understood():
    body = json.loads((SAMPLES / "wc-auth" / "001-callback-post.json").read_text())["body"].encode()
    key = finished(body, {"state": "tenant-42|nonce"}, state="tenant-42|nonce")
    assert set(key) == {"consumer_key", "consumer_secret"}


def test_a_state_that_wordpress_would_change_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="state"):
        begun(WooDriver(), state="tenant-42|nonce")
