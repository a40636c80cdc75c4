"""The link by which Shopify sends an owner here to install or open the app: signed with the app's secret."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.sdk.doorstep import SignsLinks
from connectors.sdk.errors import Refused
from connectors.shopify import plugin
from syncd.sandbox.shopify.auth import sign_query

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
APP = {"client_id": "app", "client_secret": "hush"}
LINK = {"shop": "demo.myshopify.com", "host": "YWRtaW4", "timestamp": str(int(NOW.timestamp()))}


def check(query, settings=APP, now=NOW):
    assert isinstance(plugin.consent, SignsLinks)
    plugin.consent.check_link(settings, query=query, now=now)


def signed(query, secret="hush"):
    return {**query, "hmac": sign_query(query, secret)}


def test_shopifys_own_link_is_let_through_for_a_day():
    check(signed(LINK))
    check(signed(LINK), now=NOW + timedelta(hours=23))


@pytest.mark.parametrize(
    "query",
    [
        LINK,
        {**LINK, "hmac": ""},
        {**LINK, "hmac": "0" * 64},
        signed(LINK, "another secret"),
        {**signed(LINK), "shop": "thief.myshopify.com"},
        {**signed(LINK), "extra": "1"},
    ],
    ids=["unsigned", "empty", "zeros", "another secret", "another shop", "more than was signed"],
)
def test_a_link_that_shopify_has_not_signed_is_refused(query):
    with pytest.raises(Refused, match="not made by Shopify"):
        check(query)


def test_an_empty_secret_signs_nothing():
    with pytest.raises(Refused):
        check(signed(LINK, ""), settings={"client_id": "app", "client_secret": ""})


@pytest.mark.parametrize("timestamp", ["1", "", "soon", "99999999999999999999"])
def test_an_old_link_and_a_garbled_time_are_refused(timestamp):
    with pytest.raises(Refused):
        check(signed({**LINK, "timestamp": timestamp}))
