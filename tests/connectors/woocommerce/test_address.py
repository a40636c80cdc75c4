"""Looking at an address before anybody approves: every line that a shopkeeper may meet."""

import httpx
import pytest

from connectors.sdk.doorstep import Finding, LooksAtAddress
from connectors.sdk.errors import Refused
from connectors.woocommerce import plugin
from syncd.sandbox.wire import transport
from tests.connectors.woocommerce.driver import WooDriver

RIGHT, NOTE, WARNING, WRONG = Finding.RIGHT, Finding.NOTE, Finding.WARNING, Finding.WRONG


def look(driver, url, through=None):
    assert isinstance(plugin.consent, LooksAtAddress)
    told = plugin.consent.look_at({"url": url}, transport=through or transport(driver.woo), now=driver.clock.now())
    return [(line.finding, line.words) for line in told.lines], told


@pytest.mark.parametrize("url", ["https://shop.example", "https://shop.example/store", "https://shop.example/store/"])
def test_a_shop_is_found_at_the_root_or_in_a_folder(url):
    lines, told = look(WooDriver(url=url.rstrip("/")), url)
    assert [finding for finding, _ in lines] == [RIGHT, RIGHT, RIGHT]
    assert told.settings == {"url": url.rstrip("/")}
    assert not told.has(WRONG)


def test_a_shop_that_lives_in_a_folder_is_not_found_at_the_root():
    lines, told = look(WooDriver(url="https://shop.example/store"), "https://shop.example")
    assert lines[-1] == (WRONG, "This is a website, but we find no WooCommerce on it")
    assert told.lines[-1].more == "Is the store under another address, such as /shop?"


def test_plain_permalinks_are_told_with_what_to_do():
    driver = WooDriver(url="https://shop.example")
    driver.woo.quirks.plain_permalinks = True
    lines, told = look(driver, "https://shop.example")
    assert lines[-1] == (WRONG, "WordPress's permalinks are set to Plain, so that we cannot reach its store")
    assert "choose 'Post name'" in told.lines[-1].more


def test_who_turns_us_away_is_told():
    driver = WooDriver(url="https://shop.example")
    driver.woo.quirks.blocks_clients = True
    assert look(driver, "https://shop.example")[0][-1] == (WRONG, "A security plugin or Cloudflare turned us away")


def test_a_store_without_encryption_is_warned_of_and_not_refused():
    lines, told = look(WooDriver(url="http://shop.example"), "http://shop.example")
    assert lines[-1] == (WARNING, "This store has no encryption (http)")
    assert told.has(WARNING)
    assert not told.has(WRONG)


def test_an_address_that_forwards_is_followed_and_the_new_one_taken():
    driver = WooDriver(url="https://www.shop.example")
    shop = transport(driver.woo)

    def answer(request):
        if request.url.host == "shop.example":
            to = str(request.url.copy_with(host="www.shop.example"))
            return httpx.Response(301, headers={"Location": to})
        return shop.handle_request(request)

    lines, told = look(driver, "https://shop.example", httpx.MockTransport(answer))
    assert lines[1] == (NOTE, "The address forwards to https://www.shop.example")
    assert told.settings == {"url": "https://www.shop.example"}


def test_addresses_that_forward_to_each_other_come_to_an_end():
    def answer(request):
        other = {"a.example": "b.example", "b.example": "a.example"}[request.url.host]
        return httpx.Response(302, headers={"Location": str(request.url.copy_with(host=other))})

    _, told = look(WooDriver(), "https://a.example", httpx.MockTransport(answer))
    assert told.has(WRONG)


def test_nobody_at_the_address_is_told_by_its_name():
    def silence(request):
        raise httpx.ConnectError("no route", request=request)

    lines, _ = look(WooDriver(), "https://gifts.exmple", httpx.MockTransport(silence))
    assert lines == [(WRONG, "Nothing answers at gifts.exmple")]


def test_wordpress_without_woocommerce_is_told():
    def answer(_request):
        return httpx.Response(200, json={"name": "Blog", "home": "https://blog.example", "namespaces": ["wp/v2"]})

    lines, _ = look(WooDriver(), "https://blog.example", httpx.MockTransport(answer))
    assert lines[-1] == (WRONG, "This is a WordPress, but there is no WooCommerce in it")


@pytest.mark.parametrize("body", [b"<h1>Hello</h1>", b"[]", b"{}", b"null", b'{"namespaces": 3}', b"\xff\xfe"])
def test_any_other_website_is_told_as_one(body):
    lines, _ = look(WooDriver(), "https://x.example", httpx.MockTransport(lambda _: httpx.Response(200, content=body)))
    assert lines[-1] == (WRONG, "This is a website, but we find no WooCommerce on it")


@pytest.mark.parametrize("url", ["", "shop.example", "ftp://shop.example", "https://me:pw@shop.example"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(Refused, match="address"):
        look(WooDriver(), url)
