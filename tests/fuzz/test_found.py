"""What the fuzzers found, each with the input that found it. What mended it must stay."""

import gzip
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from connectors.custom.connector import CustomStore
from connectors.sdk.answer import parse_json, whole_header
from connectors.sdk.budget import RateBudget
from connectors.sdk.contract import Account
from connectors.sdk.errors import MalformedPayload, OutcomeUnknown, Refused, Unavailable
from connectors.sdk.fake import PlainVault
from connectors.sdk.http import Call, Endpoint, PlatformClient, Timeouts
from connectors.sdk.reader import Reader
from connectors.shopify.documents import number_of
from connectors.woocommerce.auth import WooCommerceConsent, shop_url
from connectors.woocommerce.probe import _zone
from connectors.woocommerce.webhooks import facts as woocommerce_facts
from schema.tables import Delivery, DeliveryState
from syncd.clock import ManualClock
from syncd.config import load_settings
from syncd.engine import intake
from syncd.errors import ConfigError
from syncd.web import sales_csv
from syncd.web.frame.pages import own_path
from syncd.web.who import PAGES
from tests.fuzz.house import House, latin
from tests.fuzz.mutation import deep
from tests.fuzz.samples import CORPUS, DATA

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def corpus(name):
    return (CORPUS / name).read_bytes()


# ------------------------------------------------------------------------------------------- JSON and its values


@pytest.mark.parametrize(
    "body", [b"1e99999999999999999999999", b"0e99999999999999999999", b'{"id": -1E+9999999999999999999}']
)
def test_an_exponent_that_no_decimal_holds_is_no_json(body):
    with pytest.raises(MalformedPayload):
        parse_json(body)


@pytest.mark.parametrize("kind", "[{")
def test_json_a_hundred_thousand_deep_is_refused_quickly(kind):
    began = time.process_time()
    with pytest.raises(MalformedPayload):
        parse_json(deep(100_000, kind))
    assert time.process_time() - began < 2


def test_half_a_character_and_a_zero_byte_become_the_replacement_character():
    assert parse_json(b'{"a\\u0000": ["\\ud800x", "\\udfff\\ud800"]}') == {"a\ufffd": ["\ufffdx", "\ufffd\ufffd"]}


def test_a_whole_character_of_two_halves_stays_itself():
    assert parse_json(b'"\\ud83d\\udca9"') == "\U0001f4a9"


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("id", "x" * 192),
        ("id", 10**200),
        ("whole", 2**31),
        ("whole", -(2**63)),
        ("decimal", Decimal("1e400")),
        ("decimal", Decimal("1e14")),
        ("decimal", "9" * 60),
        ("time", "0001-01-01T00:00:00Z"),
        ("time", "9999-12-31T23:59:59Z"),
    ],
    ids=repr,
)
def test_what_no_table_keeps_is_refused_where_it_is_read(method, value):
    with pytest.raises(MalformedPayload):
        getattr(Reader.of({"x": value}, "order"), method)("x")


@pytest.mark.parametrize("value", [Decimal("1e12"), "99999999999.5"])
def test_a_count_is_at_most_a_billion(value):
    with pytest.raises(MalformedPayload):
        Reader.of({"x": value}, "item").units("x", int)


def test_the_number_in_a_global_id_has_twenty_digits_at_most():
    for told in ("gid://shopify/Order/" + "9" * 300, "gid://shopify/Order/\u0661"):
        with pytest.raises(MalformedPayload):
            number_of(told, "Order")


def test_the_order_that_a_shops_action_names_has_an_id_that_fits():
    headers = {"x-wc-webhook-topic": "action.woocommerce_delete_order"}
    with pytest.raises(MalformedPayload):
        woocommerce_facts(headers, b'{"action": "woocommerce_delete_order", "arg": "%s"}' % (b"x" * 5000))


@pytest.mark.parametrize("text", ["9" * 5000, "\u0661", "-1", "1.5", "", None])
def test_a_header_that_counts_nothing_is_none(text):
    assert whole_header(text) is None


# ------------------------------------------------------------------------------------------- addresses and settings


def test_an_address_with_half_a_bracket_is_refused_in_words():
    with pytest.raises(Refused, match="looks like"):
        shop_url({"url": "http://["})
    vault = PlainVault({"secret": "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"})
    with pytest.raises(Refused, match="address"):
        CustomStore(Account(connection="duka", settings={"url": "http://["}, vault=vault, clock=ManualClock(NOW)))


def test_a_hand_over_with_half_a_character_belongs_to_nobody():
    with pytest.raises(Refused, match="another attempt"):
        WooCommerceConsent().finish(
            {},
            query={"state": "s"},
            body=corpus("consent-half-character.json"),
            state="s",
            callback_url="",
            transport=None,
            now=NOW,
        )


def test_a_time_zone_that_does_not_exist_is_utc():
    assert [_zone(name) for name in ("Mars/Olympus", "a\ufffdb", "../../etc/passwd", "")] == ["UTC"] * 4


@pytest.mark.parametrize(
    "told", ["//[", "/app\r\nSet-Cookie: a=b", "/app\x1b", "/apple.evil.example", "/app/\\evil.example", "/app /x"]
)
def test_signing_in_leads_to_no_address_that_is_odd(told):
    assert own_path(told) == "/app"


def test_an_address_of_ours_in_another_script_is_escaped():
    assert own_path("/app/stock?q=\u4e2d") == "/app/stock?q=%E4%B8%AD"


@pytest.mark.parametrize(
    "text",
    [
        "[web]\nlisten = " + "[" * 5000,
        "[database]\npool_size = " + "9" * 5000,
        '[schedule]\npull_orders = "' + "9" * 400 + 'd"',
    ],
    ids=["deep", "long number", "endless"],
)
def test_settings_that_nobody_can_mean_are_one_line_of_words(tmp_path, text):
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError) as told:
        load_settings(tmp_path, {})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "text", ["=1+1", "\ufeff=1+1", "\u200b@x", " =1", "\n-2", "\uff1d1", "\tx", "\x00\r", "\ufeff\r1"]
)
def test_no_cell_of_the_sales_is_a_formula(text):
    assert sales_csv._cell(text) == f"'{text}"


# ------------------------------------------------------------------------------------------- answers


class Bomb(httpx.SyncByteStream):
    """Parts of an answer that were packed beforehand."""

    def __init__(self, body):
        self.body = body

    def __iter__(self):
        yield self.body


@pytest.mark.parametrize("packed", ["gzip, gzip", "gzip,gzip,gzip", "br", "zstd", "gzip, identity"])
def test_an_answer_that_was_packed_twice_is_not_unpacked(packed):
    zeros = gzip.compress(gzip.compress(bytes(50_000_000)))

    def answer(request):
        return httpx.Response(200, headers={"content-encoding": packed}, stream=Bomb(zeros), request=request)

    clock = ManualClock(NOW)
    account = Account(
        connection="a", settings={}, vault=PlainVault({}), clock=clock, transport=httpx.MockTransport(answer)
    )
    times = Timeouts(connect=5, read=5, write=5, pool=5, total=5)
    endpoint = Endpoint(base_url="https://shop.example", timeouts=times, body_limit=1000)
    client = PlatformClient(account, endpoint, budget=RateBudget(maximum=100, per_second=10, clock=clock))
    call = Call(method="GET", path="/x", operation="read", is_write=False, retries=0)
    with pytest.raises(Unavailable):
        client.send(call)
    with pytest.raises(OutcomeUnknown):
        client.send(Call(method="POST", path="/x", operation="write", is_write=True))


# ------------------------------------------------------------------------------------------- the running app


@pytest.fixture(scope="module")
def house():
    house = House()
    yield house
    house.close()


def deliver(house, body, platform="custom"):
    headers = house.sign(platform, {}, body, f"found-{hash(body)}")
    return house.ask(
        "POST", f"/connections/webhook/{platform}/public-{platform}".encode(), latin(headers.items()), [body]
    )


def kept(house, body):
    from sqlmodel import select

    with house.engine.database.reading() as session:
        return session.exec(select(Delivery).where(Delivery.body == body)).one()


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": "\\ud800"}',
        b'{"type": "a\\u0000b"}',
        b'{"type": 1e99999999999999999999}',
        b'{"type": ' + b"9" * 5000 + b"}",
        deep(3000),
        b"\xff\xfe",
        b"",
    ],
    ids=["half a character", "zero byte", "exponent", "long number", "deep", "no UTF-8", "empty"],
)
def test_what_was_signed_is_kept_however_odd_and_taken_in_or_put_aside(house, body):
    assert deliver(house, body).status == 200
    intake.apply_new(house.engine)
    assert kept(house, body).state in (DeliveryState.DEAD, DeliveryState.IGNORED)
    assert house.heard.take() is None


def test_an_order_of_an_amount_that_no_column_holds_is_put_aside_after_some_tries(house):
    body = corpus("order-impossible-amount.json")
    assert deliver(house, body).status == 200
    for _ in range(intake.MOST_ATTEMPTS):
        intake.apply_new(house.engine)
        house.clock.advance(timedelta(minutes=1))
    assert kept(house, body).state is DeliveryState.DEAD
    assert "no amount is that large" in str(house.heard.take())
    assert house.ask("GET", b"/app/sales", in_browser(house)).status == 200


def test_every_page_opens_on_postgresql_too(pg_server):
    house = House(pg_server.create_database)
    try:
        paths = [
            key.removeprefix("GET ")
            for key in PAGES
            if key.startswith("GET /app") and "{" not in key and "events" not in key
        ]
        statuses = {path: house.ask("GET", path.encode(), in_browser(house)).status for path in paths}
        assert {path: status for path, status in statuses.items() if status >= 500} == {}
    finally:
        house.close()


def test_an_order_with_impossible_numbers_is_put_aside_at_once(house):
    body = corpus("order-impossible-numbers.json")
    assert deliver(house, body).status == 200
    intake.apply_new(house.engine)
    assert (kept(house, body).state, kept(house, body).attempts) == (DeliveryState.DEAD, 0)


@pytest.mark.parametrize("address", [b"/connections/webhook/custom/public-custom", b"/auth/login"])
def test_a_length_of_five_thousand_digits_is_too_large(house, address):
    headers = latin({"content-length": "9" * 5000, "content-type": "application/json"}.items())
    assert house.ask("POST", address, headers, [b"{}"]).status == 413


def as_owner(house, **more):
    return latin(
        {
            "host": "sync.example",
            "authorization": f"Bearer {house.bearer}",
            "content-type": "application/json",
            **more,
        }.items()
    )


def in_browser(house, **more):
    told = {"host": "sync.example", "cookie": f"syncd={house.cookie}", "accept": "text/html"}
    return latin({**told, "content-type": "application/x-www-form-urlencoded", **more}.items())


@pytest.mark.parametrize("depth", [300, 500, 900, 100_000 // 2])
def test_the_api_refuses_deep_json_in_words(house, depth):
    reply = house.ask("POST", b"/adjust", as_owner(house), [deep(depth)])
    assert reply.status in (400, 413, 422)


def test_the_api_refuses_half_a_character_in_words(house):
    for body in (b'{"\\ud800": 1}', b'{"sku": "\\ud800", "location": "\\udfff"}'):
        assert house.ask("POST", b"/adjust", as_owner(house), [body]).status in (400, 422)


@pytest.mark.parametrize("number", ["9223372036854775808", "9" * 300])
def test_a_page_of_a_number_that_no_table_holds_is_not_found(house, number):
    for page in ("issues", "sales", "runs", "deliveries"):
        assert house.ask("GET", f"/app/{page}/{number}".encode(), in_browser(house)).status == 404


def test_an_address_of_five_thousand_digits_is_too_long(house):
    assert house.ask("GET", b"/app/issues/" + b"9" * 5000, in_browser(house)).status == 414


def test_an_address_that_is_no_ascii_is_refused(house):
    assert house.ask("GET", b"/app/stock?q=\xff", in_browser(house)).status == 400


@pytest.mark.parametrize("charset", ["punycode", "utf-7", "unicode_escape", "idna"])
def test_a_form_in_parts_is_not_read_whatever_its_charset(house, charset):
    field = b"\xff" * 60_000
    body = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n' + field + b"\r\n--x--\r\n"
    began = time.process_time()
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    assert house.ask("POST", b"/sign-in", in_browser(house, **{"content-type": kind}), [body]).status == 403
    assert time.process_time() - began < 5


@pytest.mark.parametrize("referer", ["http://[", "https://sync.example//evil.example", "\xff"])
def test_an_odd_referer_leads_to_a_page_of_ours(house, referer):
    body = f"csrf={house.csrf}&theme=dark".encode()
    reply = house.ask("POST", b"/theme", in_browser(house, referer=referer), [body])
    assert reply.status == 303
    assert dict(reply.headers)[b"location"].startswith((b"/app", b"/evil.example"))


def test_a_store_address_that_cannot_be_one_is_told_on_the_page(house):
    reply = house.ask("GET", b"/connections/woocommerce?url=http://%5B", in_browser(house))
    assert reply.status == 409
    assert b"looks like https://shop.example" in reply.body


def test_every_recorded_delivery_is_answered_200_and_taken_in_or_put_aside(house):
    for file in sorted((DATA / "shopify").glob("orders-*.json")):
        assert deliver(house, file.read_bytes(), "shopify").status == 200
    intake.apply_new(house.engine)
    assert house.heard.take() is None
