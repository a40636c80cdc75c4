"""Every wrong turn of the setup, walked as a person does, against the simulated platforms: what the page says to do."""

import random
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from connectors.sdk.errors import AccessDenied
from schema.tables import Connection, ConnectionState
from syncd.config import ShopifySettings, WebSettings
from syncd.engine import backoffice, connections, consents, failures
from syncd.engine.connectors import Connectors
from syncd.engine.plugins import load_plugins
from syncd.sandbox.prokip import SimulatedProkip
from syncd.sandbox.shopify import SimulatedShopify
from syncd.sandbox.shopify.auth import sign_query
from syncd.sandbox.wire import transport
from syncd.sandbox.woocommerce import SimulatedWooCommerce
from syncd.web.edge import Edge, create_app
from syncd.web.metrics import Metrics

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
HTML = {"Accept": "text/html"}
PROKIP = {"username": "sync.robot", "password": "sandbox-password", "client_id": "6"}
PROKIP |= {"client_secret": "sandbox-client-secret", "url": "https://api.prokip.example"}


class Internet(httpx.BaseTransport):
    """Hosts by name; nobody answers at any other."""

    def __init__(self, **hosts):
        self.hosts = hosts

    def handle_request(self, request):
        if request.url.host not in self.hosts:
            raise httpx.ConnectError("Name or service not known", request=request)
        return self.hosts[request.url.host].handle_request(request)


@pytest.fixture
def platforms(clock):
    prokip = SimulatedProkip(clock=clock.now, random=random.Random(1), throttle=None)
    prokip.people.add_product("MUG", title="Mug", price=850, quantity=5)
    shopify = SimulatedShopify(clock=clock.now, random=random.Random(2))
    woo = SimulatedWooCommerce(clock=clock.now, random=random.Random(3), url="https://gifts.example")
    woo.people.add_product("MUG", 5)
    return prokip, shopify, woo


@pytest.fixture
def internet(platforms):
    prokip, shopify, woo = platforms
    website = httpx.MockTransport(lambda _: httpx.Response(200, content=b"<html>Hello</html>"))
    return Internet(
        **{
            "api.prokip.example": transport(prokip),
            "demo.myshopify.com": transport(shopify),
            "gifts.example": transport(woo),
            "blog.example": website,
        }
    )


@pytest.fixture
def real(engine, internet, platforms):
    """The engine with the real connectors and this internet."""
    _, shopify, _ = platforms
    app = ShopifySettings(client_id=shopify.client_id, client_secret=SecretStr(shopify.client_secret))
    told = {"shopify": app, "web": WebSettings(public_url="https://sync.example")}
    return replace(
        engine,
        settings=engine.settings.model_copy(update=told),
        plugins={**engine.plugins, **load_plugins().found},
        connectors=Connectors(transport=lambda: internet),
    )


@pytest.fixture
def app(real, inbox):
    return create_app(Edge(engine=real, inbox=inbox, metrics=Metrics()))


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=(), skus={})


@pytest.fixture
def one(signed_in, world):
    return signed_in(world.merchant_id, "operator")


@pytest.fixture
def counting(real, world):
    """The merchant keeps stock in syncd itself, so that stores can be connected."""
    backoffice.set_ledger(real, world.merchant_id, actor="test")


def said(answer):
    """The words of a page that a person reads first: what is wrong, and what to do."""
    found = re.search(r'<div class="call (?:bad|warn|info)"[^>]*>.*?<p>(.*?)</p>', answer.text, re.DOTALL)
    if found is None:
        found = re.search(r"<main.*?</main>", answer.text, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[0])).replace("&#39;", "'").replace("&amp;", "&").strip()


def checks(answer):
    return [re.sub(r"<[^>]+>", "", line) for line in re.findall(r"<li>.*?<span>(.*?)</span></li>", answer.text)]


# ------------------------------------------------------------------------------------------- the back office


def office(one, **changes):
    return one.post("/app/setup/backoffice", {"how": "prokip", **PROKIP, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "wrong"}, "Prokip did not accept this user name and password."),
        ({"client_secret": "wrong"}, "Prokip did not accept this client id and secret."),
        ({"password": ""}, "Type user name and password, or a token."),
        ({"client_id": ""}, "Prokip also wants a client id and its secret: in Prokip open Connector, Clients."),
        (
            {"url": "https://api.prokip.exmple"},
            "Nothing answers at api.prokip.exmple. Check the spelling; if it is right, Prokip may be down.",
        ),
        ({"url": "https://blog.example"}, "A server answers, but it does not speak Prokip's connector."),
        ({"url": "no address at all"}, "This is no address. Take the one that begins with api."),
        ({"url": ""}, "This is no address."),
    ],
)
def test_what_is_wrong_with_the_back_office_is_said_in_words(one, changes, words):
    answer = office(one, **changes)
    assert answer.status_code == 422
    assert words in said(answer)
    assert 'value="wrong"' not in answer.text, "a secret never comes back"


def test_a_back_office_that_is_down_is_told_from_a_wrong_address(one, platforms):
    platforms[0].faults.down = True
    assert "Prokip may be down" in said(office(one))


def test_a_user_who_may_not_see_sales_is_told(one, internet, clock):
    blind = SimulatedProkip(clock=clock.now, random=random.Random(1), throttle=None, may_view_sells=False)
    internet.hosts["api.prokip.example"] = transport(blind)
    assert "This user may not see all sales. Use one who may." in said(office(one))


def test_a_server_of_another_dialect_is_told(one, internet, clock):
    simple = SimulatedProkip(clock=clock.now, random=random.Random(1), throttle=None, dialect="simple")
    internet.hosts["api.prokip.example"] = transport(simple)
    assert "it does not speak Prokip's connector" in said(office(one))


def test_a_user_without_a_location_is_told_where_to_give_one(one, internet, clock):
    nowhere = SimulatedProkip(clock=clock.now, random=random.Random(1), throttle=None, locations=())
    internet.hosts["api.prokip.example"] = transport(nowhere)
    assert "Prokip lists no location for this user. In Prokip open Users, this user, Locations." in said(office(one))


def test_a_back_office_that_goes_away_while_its_location_is_chosen_is_told(one, platforms):
    platforms[0].business.add_location("Depot")
    chosen = office(one)
    kept = re.search(r'name="kept" value="([^"]+)"', chosen.text)[1]
    platforms[0].faults.down = True
    answer = one.post("/app/setup/backoffice", {"kept": kept, "location": "1"}, on="/app/setup/backoffice")
    assert "Prokip may be down" in said(answer)


def test_a_form_that_was_kept_by_somebody_else_is_not_taken(one, signed_in, world, platforms):
    platforms[0].business.add_location("Depot")
    kept = re.search(r'name="kept" value="([^"]+)"', office(one).text)[1]
    other = signed_in(world.merchant_id, "owner")
    answer = other.post("/app/setup/backoffice", {"kept": kept, "location": "1"}, on="/app/setup/backoffice")
    assert "This form is somebody else's" in said(answer)


# ------------------------------------------------------------------------------------------- Shopify


def consent_of(answer):
    assert answer.status_code == 200, said(answer)
    return answer.headers["refresh"].removeprefix("0; url=")


def decide(internet, address, decision):
    """What Shopify's page does with the person's decision: where the browser is sent."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    with httpx.Client(transport=internet) as browser:
        page = f"https://{urlsplit(address).netloc}/admin/oauth/authorize"
        told = browser.post(page, data={**asked, "decision": decision})
    return told.headers["location"].removeprefix("https://sync.example")


def shopify(one, **changes):
    return one.post("/app/setup/shopify", {"how": "approve", "shop": "demo", **changes})


def test_a_denied_consent_connects_nothing_and_says_so(one, counting, internet):
    back = decide(internet, consent_of(shopify(one)), "deny")
    answer = one.get(back)
    assert "You did not approve, so nothing was connected. Start again when you are ready." in said(answer)


def test_a_forged_state_is_refused(one, counting, platforms):
    query = {"code": "x", "shop": "demo.myshopify.com", "state": "bound-forged-0", "timestamp": "1"}
    query["hmac"] = sign_query(query, platforms[1].client_secret)
    answer = one.get(f"/connections/callback/shopify?{urlencode(query)}")
    assert answer.status_code == 400
    assert "This approval did not start" in said(answer)


def test_an_approval_that_took_too_long_is_refused(one, counting, internet, clock):
    address = consent_of(shopify(one))
    clock.advance(consents.CONSENT_FOR)
    answer = one.get(decide(internet, address, "approve"))
    assert "This approval did not start here, or is older than 10 minutes." in said(answer)


def test_an_approval_with_a_forged_signature_is_refused(one, counting, internet):
    back = decide(internet, consent_of(shopify(one)), "approve")
    answer = one.get(back.replace("hmac=", "hmac=0"))
    assert "did not come from Shopify" in said(answer)


def test_an_approval_of_another_store_is_refused(one, counting, internet, platforms):
    back = decide(internet, consent_of(shopify(one)), "approve")
    query = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items() if name != "hmac"}
    query["shop"] = "shirts-ke.myshopify.com"
    query["hmac"] = sign_query(query, platforms[1].client_secret)
    answer = one.get(f"/connections/callback/shopify?{urlencode(query)}")
    assert "signed in to another Shopify store" in said(answer)
    assert "Sign out of Shopify" in said(answer)


def test_an_approval_without_the_right_to_change_stock_is_refused(one, counting, internet, platforms):
    address = consent_of(shopify(one))
    parts = urlsplit(address)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    less = parts._replace(query=urlencode({**asked, "scope": "read_products"})).geturl()
    answer = one.get(decide(internet, less, "approve"))
    assert "Shopify gave no permission to change stock." in said(answer)


def test_a_shop_name_that_cannot_be_one_is_said_so(one, counting):
    answer = shopify(one, shop="what is this?")
    assert "There is no Shopify store" in said(answer)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"access_token": "shpat_wrong"}, "Shopify does not accept this token. Copy it again"),
        ({"client_id": "wrong", "client_secret": "wrong"}, "Shopify does not accept this"),
        ({"shop": "nobody", "access_token": "shpat_x"}, "There is no Shopify store nobody."),
    ],
)
def test_keys_that_do_not_fit_are_told(one, counting, sent, words):
    answer = one.post("/app/setup/shopify", {"how": "keys", "shop": "demo", **sent})
    assert answer.status_code == 422
    assert words in said(answer)


def test_a_store_that_is_connected_already_is_opened_not_connected_twice(one, counting, platforms, real):
    keys = {"how": "keys", "shop": "demo", "access_token": platforms[1].access_token, "name": "Online"}
    keys["webhook_secret"] = platforms[1].client_secret
    assert one.post("/app/setup/shopify", keys).status_code == 303
    consents.complete_all(real)
    again = one.post("/app/setup/shopify", keys)
    assert "Already connected as Online." in said(again)
    assert re.search(r'<a href="/app/stores/online">Open it</a>', again.text)
    link = one.get("/connections/shopify?shop=demo.myshopify.com", headers=HTML)
    assert link.headers["location"] == "/app/stores/online"


# ------------------------------------------------------------------------------------------- installing from Shopify


def install_link(platforms, clock, *, secret=None, **changes):
    query = {"shop": "demo.myshopify.com", "timestamp": str(int(clock.now().timestamp())), **changes}
    query["hmac"] = sign_query(query, secret or platforms[1].client_secret)
    return f"/connections/shopify?{urlencode(query)}"


def test_shopifys_own_install_link_leads_to_the_consent_page(one, counting, platforms, clock):
    answer = one.get(install_link(platforms, clock), headers=HTML)
    assert consent_of(answer).startswith("https://demo.myshopify.com/admin/oauth/authorize?")


def test_an_install_link_waits_until_its_owner_has_signed_in(browser, person, world, counting, platforms, clock):
    email, new = person(world.merchant_id), browser()
    link = install_link(platforms, clock)
    door = new.get(link, headers=HTML).headers["location"]
    wanted = parse_qs(urlsplit(door).query)["next"][0]
    assert wanted == link
    after = new.post("/sign-in", {"email": email, "password": "three odd words", "next": wanted}, on=door)
    assert consent_of(new.get(after.headers["location"], headers=HTML))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"secret": "another"}, "This link was not made by Shopify for our app"),
        ({"timestamp": "1"}, "This link is too old. Open the app from Shopify again."),
    ],
)
def test_an_install_link_that_shopify_did_not_make_leads_nowhere(one, counting, platforms, clock, change, words):
    answer = one.get(install_link(platforms, clock, **change), headers=HTML)
    assert answer.status_code == 409
    assert words in answer.text
    assert "refresh" not in answer.headers


# ------------------------------------------------------------------------------------------- WooCommerce


def woo(one, how="approve", **changes):
    return one.post("/app/setup/woocommerce", {"how": how, "url": "https://gifts.example", **changes})


def test_a_good_address_is_checked_line_by_line_before_anything_is_approved(one, counting):
    lines = checks(woo(one, "check"))
    assert lines[:3] == [
        "The store answers",
        "It is a WooCommerce store, and its permalinks are set so that we can reach it",
        "The connection is encrypted (https)",
    ]
    assert consent_of(woo(one)).startswith("https://gifts.example/wc-auth/v1/authorize?")


def test_the_check_is_a_part_of_the_page_for_who_has_script(one, counting):
    answer = one.post(
        "/app/setup/woocommerce", {"how": "check", "url": "gifts.example"}, headers={"HX-Request": "true"}
    )
    assert answer.text.lstrip().startswith("<ul")


@pytest.mark.parametrize("how", ["check", "approve"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://gifts.exmple", "Nothing answers at gifts.exmple"),
        ("https://blog.example", "This is a website, but we find no WooCommerce on it"),
        ("https://blog.example", "Is the store under another address, such as /shop?"),
    ],
)
def test_an_address_that_leads_nowhere_stops_before_the_approval(one, counting, how, url, words):
    answer = woo(one, how, url=url)
    assert answer.status_code == 200
    assert "refresh" not in answer.headers
    assert words in answer.text


def test_plain_permalinks_stop_before_the_approval(one, counting, platforms):
    platforms[2].quirks.plain_permalinks = True
    answer = woo(one)
    assert "refresh" not in answer.headers
    assert "In WordPress open Settings, Permalinks, choose &#39;Post name&#39;, save; check again." in answer.text


def test_a_store_without_encryption_is_told_before_and_connected_only_if_wanted(one, counting, platforms):
    platforms[2].url = "http://gifts.example"
    answer = woo(one, url="http://gifts.example")
    assert "refresh" not in answer.headers
    assert "This store has no encryption (http)" in answer.text
    assert "can be read and changed on the way" in answer.text
    assert 'name="anyway"' in answer.text
    assert consent_of(woo(one, url="http://gifts.example", anyway="yes"))


def test_a_denied_approval_in_wordpress_says_that_nothing_was_connected(one, counting):
    state = parse_qs(urlsplit(consent_of(woo(one))).query)["user_id"][0]
    answer = one.get(f"/app/setup/arrived?success=0&user_id={state}")
    assert "You did not approve, so nothing was connected." in said(answer)
    assert 'href="/app/setup/woocommerce"' in answer.text


def test_a_key_that_does_not_arrive_is_told_after_two_minutes(one, counting, clock):
    state = parse_qs(urlsplit(consent_of(woo(one))).query)["user_id"][0]
    clock.advance(timedelta(seconds=121))
    answer = one.get(f"/app/setup/arrived?success=1&user_id={state}")
    assert "the key has not reached us in 2 minutes" in said(answer)
    assert "https://sync.example" in said(answer)


def _pair(key):
    return key.key, key.secret


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda shop: ("ck_wrong", "cs_wrong"), "The store does not know this key"),
        (lambda shop: (shop.key.key, "cs_wrong"), "The store does not know this key, or the secret belongs to another"),
        (lambda shop: _pair(shop.keys.issue("read")), "This key may only read."),
    ],
    ids=["unknown", "another secret", "read only"],
)
def test_a_pasted_key_that_does_not_fit_is_told(one, counting, platforms, make, words):
    key, secret = make(platforms[2])
    answer = woo(one, "keys", consumer_key=key, consumer_secret=secret)
    assert answer.status_code == 422
    assert words in said(answer)
    assert secret not in answer.text


def test_a_firewall_before_the_store_is_told(one, counting, platforms):
    platforms[2].quirks.blocks_clients = True
    key = platforms[2].key
    answer = woo(one, "keys", consumer_key=key.key, consumer_secret=key.secret)
    assert "A security plugin or Cloudflare turned us away." in said(answer)


# ------------------------------------------------------------------------------------------- a shop of one's own


def test_a_custom_shop_that_does_not_speak_it_is_told(one, counting):
    sent = {"how": "keys", "secret": "whsec_c2VjcmV0c2VjcmV0c2VjcmV0", "url": "https://blog.example/syncd"}
    answer = one.post("/app/setup/custom", sent)
    assert answer.status_code == 422
    assert "Your shop answered a signed test with something else than JSON. The lines to paste are below." in said(
        answer
    )
    nobody = one.post("/app/setup/custom", {**sent, "url": "https://nobody.example"})
    assert "Nothing answers at nobody.example" in said(nobody)


# ------------------------------------------------------------------------------------------- later


@pytest.fixture
def connected(one, counting, platforms, real):
    key = platforms[2].key
    woo(one, "keys", consumer_key=key.key, consumer_secret=key.secret, name="Gifts")
    consents.complete_all(real)
    with real.database.reading() as session:
        return connections.find(session, 1, "Gifts").id


def test_a_token_that_has_ended_is_told_with_one_button(one, connected, real):
    with real.database.reading() as session:
        row = session.get_one(Connection, connected)
    failures.note_failure(real, row, AccessDenied("The shop does not accept the key: it was removed."))
    page = one.get("/app/stores/gifts")
    assert "The store no longer accepts our key" in page.text
    assert 'href="/app/stores/gifts/reconnect"' in page.text
    issue = one.get("/app/issues").text
    assert "Press Reconnect, sign in as administrator, approve." in issue


def test_reconnecting_with_a_key_of_another_store_changes_nothing(one, connected, real, internet, clock):
    other = SimulatedWooCommerce(clock=clock.now, random=random.Random(9), url="https://other.example")
    internet.hosts["gifts.example"] = transport(other)
    sent = {"how": "keys", "consumer_key": other.key.key, "consumer_secret": other.key.secret}
    answer = one.post("/app/stores/gifts/reconnect", sent)
    assert answer.status_code == 422
    assert "Nothing was changed." in said(answer)


def test_reconnecting_with_a_wrong_key_says_so_and_a_right_one_brings_it_back(one, connected, real, platforms):
    with real.database.transaction() as session:
        session.get_one(Connection, connected).state = ConnectionState.NEEDS_AUTH
    path = "/app/stores/gifts/reconnect"
    wrong = one.post(path, {"how": "keys", "consumer_key": "ck_x", "consumer_secret": "cs_x"})
    assert "The store does not know this key" in said(wrong)
    key = platforms[2].key
    right = one.post(path, {"how": "keys", "consumer_key": key.key, "consumer_secret": key.secret})
    assert right.headers["location"] == "/app/stores/gifts"
    assert "Gifts is connected again." in one.get("/app/stores/gifts").text


def test_a_location_that_is_gone_cannot_be_chosen(one, counting):
    answer = woo(one, location="L99")
    assert "One of these locations is not there any more. Choose again." in said(answer)
