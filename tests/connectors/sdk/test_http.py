import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import httpx
import pytest

from connectors.sdk.budget import RateBudget
from connectors.sdk.consent import account_of_exchange
from connectors.sdk.contract import Account
from connectors.sdk.errors import (
    AccessDenied,
    Conflict,
    ConnectorError,
    ListingGone,
    MalformedPayload,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unavailable,
)
from connectors.sdk.failures import FAILURES
from connectors.sdk.http import Answer, Backoff, Call, Endpoint, PlatformClient, Timeouts
from syncd.clock import ManualClock

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
TIMES = Timeouts(connect=5, read=20, write=20, pool=5, total=60)
SECRET = "tok-very-secret"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


class Platform:
    """Answers in turn what it is given; the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]) -> None:
        self.answers = list(answers)
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer


def client(platform: Platform, clock: ManualClock, **endpoint: object) -> PlatformClient:
    account = account_of_exchange({}, transport=httpx.MockTransport(platform), now=START)
    account = Account(
        connection="karibu", settings={}, vault=account.vault, clock=clock, transport=httpx.MockTransport(platform)
    )
    budget = RateBudget(maximum=100, per_second=10, clock=clock)
    values = {"base_url": "https://shop.example/api", "timeouts": TIMES, "headers": {"X-Token": SECRET}, **endpoint}
    return PlatformClient(account, Endpoint(**values), budget=budget, rng=random.Random(7))


def read(**more: object) -> Call:
    return Call(**{"method": "GET", "path": "/orders", "operation": "read the orders", "is_write": False, **more})


def write(**more: object) -> Call:
    return Call(**{"method": "POST", "path": "/stock", "operation": "set stock", "is_write": True, **more})


def test_an_answer_carries_its_times_and_keeps_cents(clock):
    def respond(request):
        clock.sleep(2)
        date = format_datetime(START - timedelta(seconds=30), usegmt=True)
        return httpx.Response(200, headers={"Date": date, "X-Request-Id": "r-1"}, content=b'{"price": 10.10}')

    answer = client(Platform(respond), clock).send(read())
    assert answer.json() == {"price": Decimal("10.10")}
    assert (answer.began_at, answer.answered_at) == (START, START + timedelta(seconds=2))
    assert answer.platform_at == START - timedelta(seconds=30)
    assert answer.request_id == "r-1"


@pytest.mark.parametrize("date", [None, "yesterday", "Thu, 99 Jan 2026 00:00:00 GMT"])
def test_without_a_date_that_can_be_read_our_own_time_stands_in(clock, date):
    headers = {"Date": date} if date else {}
    answer = client(Platform(httpx.Response(200, headers=headers, json={})), clock).send(read())
    assert answer.platform_at == answer.answered_at


def test_the_request_goes_below_the_base_address_with_its_headers(clock):
    platform = Platform(httpx.Response(200, json={}))
    client(platform, clock).send(read(params={"page": "2"}))
    assert str(platform.seen[0].url) == "https://shop.example/api/orders?page=2"
    assert platform.seen[0].headers["x-token"] == SECRET


@pytest.mark.parametrize("path", ["https://elsewhere.example/x", "//elsewhere.example/x"])
def test_no_call_leaves_the_base_address(path):
    with pytest.raises(ValueError, match="base address"):
        read(path=path)


def test_the_auth_completes_every_attempt_anew(clock):
    platform = Platform(httpx.Response(503), httpx.Response(200, json={}))
    built = client(platform, clock)
    tokens = iter(["a", "b"])

    def auth(request):
        request.headers["Authorization"] = next(tokens)
        return request

    built._auth = auth
    built.send(read())
    assert [request.headers["authorization"] for request in platform.seen] == ["a", "b"]


STATUS_CASES = [
    (400, Refused, Refused),
    (401, AccessDenied, AccessDenied),
    (403, AccessDenied, AccessDenied),
    (409, Conflict, Conflict),
    (410, ListingGone, ListingGone),
    (422, Refused, Refused),
    (429, RateLimited, RateLimited),
    (302, Refused, Refused),
    (500, Unavailable, OutcomeUnknown),
    (502, Unavailable, OutcomeUnknown),
    (503, Unavailable, OutcomeUnknown),
    (504, Unavailable, OutcomeUnknown),
    (408, Unavailable, OutcomeUnknown),
]


@pytest.mark.parametrize(("status", "for_read", "for_write"), STATUS_CASES)
def test_a_status_becomes_the_error_of_its_row(clock, status, for_read, for_write):
    built = client(Platform(httpx.Response(status, headers={"X-Request-Id": "r-9"}, text="no")), clock)
    for call, expected in ((read(retries=0), for_read), (write(), for_write)):
        with pytest.raises(ConnectorError) as caught:
            built.send(call)
        assert type(caught.value) is expected
        assert (caught.value.connection, caught.value.operation) == ("karibu", call.operation)
        assert caught.value.request_id == "r-9"


def test_not_found_is_for_the_caller_to_judge(clock):
    assert client(Platform(httpx.Response(404, text="gone")), clock).send(read()).status == 404


def test_a_connector_overrides_single_statuses(clock):
    built = client(Platform(httpx.Response(402, text="frozen")), clock, statuses={402: AccessDenied})
    with pytest.raises(AccessDenied):
        built.send(read())
    built = client(Platform(httpx.Response(401, json={"a": 1})), clock, statuses={401: None})
    assert built.send(read()).json() == {"a": 1}


def test_a_refusal_holds_the_words_of_the_platform_and_nothing_else(clock):
    def words(answer: Answer) -> str:
        return str(answer.json()["error"])

    built = client(
        Platform(httpx.Response(400, json={"error": "No such\n location", "x": "private"})), clock, words=words
    )
    with pytest.raises(Refused, match=r"No such location\.$") as caught:
        built.send(write(params={"key": SECRET}, json={"note": SECRET}))
    assert SECRET not in str(caught.value)
    assert "private" not in str(caught.value)


def all_httpx_exceptions() -> Iterator[type[Exception]]:
    for name in httpx.__all__:
        kind = getattr(httpx, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            yield kind


@pytest.mark.parametrize("kind", list(all_httpx_exceptions()))
def test_every_exception_of_httpx_has_its_row(kind):
    assert kind in FAILURES


@pytest.mark.parametrize(
    ("kind", "for_read", "for_write"),
    [
        (httpx.ConnectError, Unavailable, Unavailable),
        (httpx.ConnectTimeout, Unavailable, Unavailable),
        (httpx.PoolTimeout, Unavailable, Unavailable),
        (httpx.ReadTimeout, Unavailable, OutcomeUnknown),
        (httpx.WriteError, Unavailable, OutcomeUnknown),
        (httpx.ReadError, Unavailable, OutcomeUnknown),
        (httpx.RemoteProtocolError, Unavailable, OutcomeUnknown),
        (httpx.LocalProtocolError, Refused, Refused),
    ],
)
def test_a_failure_of_the_network_becomes_the_error_of_its_row(clock, kind, for_read, for_write):
    built = client(Platform(kind(f"https://shop.example?key={SECRET}")), clock)
    for call, expected in ((read(retries=0), for_read), (write(retries=0), for_write)):
        with pytest.raises(ConnectorError) as caught:
            built.send(call)
        assert type(caught.value) is expected
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>Maintenance</html>", b"", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}'])
def test_a_success_that_cannot_be_read_is_a_lost_answer(clock, body):
    built = client(Platform(httpx.Response(200, content=body)), clock)
    with pytest.raises(OutcomeUnknown):
        built.send(write())
    with pytest.raises(Unavailable):
        built.send(read(retries=0))


def test_a_body_that_need_not_be_json_is_handed_over_as_it_is(clock):
    answer = client(Platform(httpx.Response(200, content=b"token=1")), clock).send(read(expects_json=False))
    assert answer.body == b"token=1"
    with pytest.raises(MalformedPayload):
        answer.json()


def test_a_body_over_the_limit_is_not_taken(clock):
    built = client(Platform(httpx.Response(200, content=b"x" * 2000)), clock, body_limit=1000)
    with pytest.raises(OutcomeUnknown):
        built.send(write(expects_json=False))


def test_an_answer_that_drips_for_ever_is_cut_off(clock):
    def drips():
        while True:
            clock.sleep(10)
            yield b" "

    built = client(Platform(lambda request: httpx.Response(200, content=drips())), clock)
    with pytest.raises(Unavailable):
        built.send(read(retries=0))
    assert clock.now() <= START + timedelta(seconds=TIMES.total + 10)


def test_a_read_is_tried_again_until_it_succeeds(clock):
    platform = Platform(httpx.Response(503), httpx.ReadTimeout("slow"), httpx.Response(200, json=[1]))
    assert client(platform, clock).send(read()).json() == [1]


def test_a_read_gives_up_after_its_retries_and_within_the_time_allowed(clock):
    platform = Platform(httpx.Response(503))
    with pytest.raises(Unavailable):
        client(platform, clock).send(read(retries=2))
    assert len(platform.seen) == 3
    with pytest.raises(Unavailable):
        client(Platform(httpx.Response(503)), clock, backoff=Backoff(total=10)).send(read(retries=1000))
    assert clock.now() <= START + timedelta(seconds=20)


@pytest.mark.parametrize("status", [401, 403, 400, 409])
def test_what_waiting_does_not_mend_is_not_tried_again(clock, status):
    platform = Platform(httpx.Response(status))
    with pytest.raises(ConnectorError):
        client(platform, clock).send(read())
    assert len(platform.seen) == 1


@pytest.mark.parametrize(
    "answer", [httpx.Response(503), httpx.Response(429), httpx.ReadTimeout("x"), httpx.Response(200)]
)
def test_a_write_that_may_have_arrived_is_sent_once(clock, answer):
    platform = Platform(answer)
    with pytest.raises(ConnectorError):
        client(platform, clock).send(write())
    assert len(platform.seen) == 1


def test_a_write_without_a_connection_is_sent_again(clock):
    platform = Platform(httpx.ConnectError("refused"), httpx.Response(200, json={"ok": True}))
    assert client(platform, clock).send(write()).json() == {"ok": True}


def test_nothing_is_sent_after_its_time(clock):
    platform = Platform(httpx.Response(200, json={}))
    with pytest.raises(Unavailable):
        client(platform, clock).send(write(not_after=START - timedelta(seconds=1)))
    assert platform.seen == []


def test_no_second_attempt_begins_after_its_time(clock):
    def refuse(request):
        clock.sleep(20)
        raise httpx.ConnectError("refused")

    platform = Platform(refuse)
    with pytest.raises(Unavailable):
        client(platform, clock).send(write(not_after=START + timedelta(seconds=15)))
    assert len(platform.seen) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        (format_datetime(START + timedelta(seconds=12), usegmt=True), 12.0),
        ("-3", 0.0),
        ("nan", 5.0),
        ("inf", 3600.0),
        ("soon", 5.0),
        (None, 5.0),
        ("999999", 3600.0),
    ],
)
def test_a_rate_limit_tells_how_long_to_wait(clock, header, seconds):
    headers = {"Retry-After": header} if header else {}
    with pytest.raises(RateLimited) as caught:
        client(Platform(httpx.Response(429, headers=headers)), clock).send(write())
    assert caught.value.retry_after == seconds


def test_after_a_rate_limit_nothing_is_sent_before_the_wait_is_over(clock):
    platform = Platform(httpx.Response(429, headers={"Retry-After": "20"}), httpx.Response(200, json={}))
    client(platform, clock).send(read())
    assert START + timedelta(seconds=20) <= clock.now() <= START + timedelta(seconds=30)


def test_an_address_that_is_none_is_refused_when_the_client_is_made(clock):
    with pytest.raises(Refused):
        client(Platform(httpx.Response(200)), clock, base_url="https://[::1")


def test_an_exchange_of_a_consent_flow_never_waits():
    platform = Platform(httpx.Response(503))
    account = account_of_exchange({}, transport=httpx.MockTransport(platform), now=START)
    budget = RateBudget(maximum=10, per_second=1, clock=account.clock)
    built = PlatformClient(account, Endpoint(base_url="https://shop.example", timeouts=TIMES), budget=budget)
    with pytest.raises(Unavailable):
        built.send(read(retries=1))
