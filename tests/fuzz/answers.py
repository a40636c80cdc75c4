"""Targets: whole connectors against a platform whose every answer may be wrong. Only errors of the SDK may come out."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import httpx

from connectors.sdk.contract import Account, BackOffice, Store
from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import StockRef, StockWrite, WriteBatch
from tests.connectors.custom.driver import CustomDriver
from tests.connectors.prokip.driver import ProkipDriver
from tests.connectors.shopify.driver import ShopifyDriver
from tests.connectors.woocommerce.driver import WooDriver
from tests.fuzz.mutation import deep, mutated, scrambled, word
from tests.fuzz.storable import must_fit
from tests.fuzz.target import Target

STATUSES = (
    200,
    200,
    200,
    201,
    204,
    301,
    302,
    400,
    401,
    403,
    404,
    409,
    410,
    413,
    422,
    429,
    430,
    500,
    502,
    503,
    504,
    599,
)
HEADERS = (
    *("retry-after", "date", "x-request-id", "location", "link", "x-wp-total", "x-wp-totalpages", "x-ratelimit-limit", "x-ratelimit-remaining"),
    *("content-type", "x-shopify-api-version", "x-shopify-shop-api-call-limit"),
)  # fmt: skip
DAY = timedelta(days=1)
MOST_PAGES = 3


def targets() -> Iterator[Target]:
    """One for each connector; an input is only a number."""
    for name, make in (
        ("answers-shopify", _store(ShopifyDriver)),
        ("answers-woocommerce", _store(WooDriver)),
        ("answers-custom", _store(CustomDriver)),
        ("answers-prokip", _backoffice(ProkipDriver, {})),
        ("answers-simple", _backoffice(ProkipDriver, {"dialect": "simple"})),
    ):
        yield Target(name=name, samples=[b"0"], take=make(), mutate=lambda rng, _sample: rng.randbytes(8), longest=10.0)


class _Liar:
    """Carries requests to the platform and spoils some answers on the way back."""

    def __init__(self, platform: httpx.BaseTransport) -> None:
        self.platform, self.rng = platform, random.Random(0)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.platform.handle_request(request)
        body = answer.read()
        headers = {
            name: value for name, value in answer.headers.items() if name not in ("content-length", "content-encoding")
        }
        rng = self.rng
        if rng.random() < 0.4:
            body = rng.choice((mutated, mutated, mutated, scrambled))(rng, body)
        if rng.random() < 0.02:
            body = deep(rng.choice((900, 5000)))
        if rng.random() < 0.15:
            text = rng.choice(("1", "9" * 5000, word(rng)))
            headers[rng.choice(HEADERS)] = (
                text.encode("latin-1", "replace").translate(None, b"\r\n\x00").decode("latin-1")
            )
        status = rng.choice(STATUSES) if rng.random() < 0.15 else answer.status_code
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
        return httpx.Response(status, headers=raw, content=body, request=request)


def _account(driver: object, settings: dict[str, str]) -> tuple[Account, _Liar]:
    account: Account = driver.account
    liar = _Liar(account.transport)
    return replace(account, transport=httpx.MockTransport(liar), settings={**account.settings, **settings}), liar


Ask = Callable[[], object]


def _store(make: Callable[[], object]) -> Callable[[], Callable[[bytes, random.Random], None]]:
    def begin() -> Callable[[bytes, random.Random], None]:
        state: dict[str, object] = {}

        def take(data: bytes, _rng: random.Random) -> None:
            rng = random.Random(data)
            if state.setdefault("left", 0) == 0:
                state.update(left=300, driver=make())
                state["driver"].sell(state["driver"].skus[0], 1)
            state["left"] -= 1
            driver = state["driver"]
            account, liar = _account(driver, {})
            liar.rng = rng
            try:
                store = driver.plugin.store(account)
                must_fit(_drained(rng.choice(_questions(store, driver, rng))()))
            except ConnectorError as error:
                must_fit(str(error))

        return take

    return begin


def _questions(store: Store, driver: object, rng: random.Random) -> Sequence[Ask]:
    now = driver.clock.now()
    refs = [StockRef(stock_id=str(n), parent_id=rng.choice((None, "1"))) for n in rng.sample(range(1, 40), 3)]
    writes = tuple(StockWrite(ref=ref, expected=5, quantity=4) for ref in refs)
    batch = WriteBatch(
        reference="PushBatch/1", key="0b8e9b4e-0000-4000-8000-000000000001", writes=writes, not_after=now + DAY
    )
    return (
        store.probe,
        store.catalogue,
        lambda: store.items(["1", "2", "3"]),
        lambda: store.read_stock(refs),
        lambda: [store.write_stock(replace(batch, writes=part)) for part in store.batches(writes)],
        lambda: store.orders_since(now - DAY),
        store.open_orders,
        lambda: store.read_order("1"),
        lambda: store.check_webhooks(driver.webhook_url, repair=rng.random() < 0.5),
        lambda: store.remove_webhooks(driver.webhook_url),
    )


def _backoffice(
    make: Callable[[], object], settings: dict[str, str]
) -> Callable[[], Callable[[bytes, random.Random], None]]:
    def begin() -> Callable[[bytes, random.Random], None]:
        state: dict[str, object] = {}

        def take(data: bytes, _rng: random.Random) -> None:
            rng = random.Random(data)
            if state.setdefault("left", 0) == 0:
                state.update(left=300, driver=make())
            state["left"] -= 1
            driver = state["driver"]
            account, liar = _account(driver, settings)
            liar.rng = rng
            try:
                office = driver.plugin.backoffice(account)
                must_fit(_drained(rng.choice(_office_questions(office, driver))()))
            except ConnectorError as error:
                must_fit(str(error))

        return take

    return begin


def _office_questions(office: BackOffice, driver: object) -> Sequence[Ask]:
    from decimal import Decimal

    from connectors.sdk.values import ReturnLine, ReturnTarget, Sale, SaleLine

    now = driver.clock.now()
    line = SaleLine(
        line_id="1", external_id="1", parent_id="1", sku=driver.skus[0], quantity=1, unit_price=Decimal("680.0000")
    )
    sale = Sale(
        invoice_no="SYNCD-A-1",
        channel="A",
        channel_name="A",
        location_id=driver.location_id,
        sold_at=now,
        lines=(line,),
    )
    back = ReturnTarget(
        sale_id="1",
        lines=(ReturnLine(external_line_id="1", external_id="1", parent_id="1", target=1, unit_price=Decimal(680)),),
    )
    return (
        office.probe,
        office.catalogue,
        lambda: office.read_stock([StockRef(stock_id="1", parent_id="1")]),
        lambda: office.till_hints(now - DAY),
        lambda: office.record_sale(sale, not_after=now + DAY),
        lambda: office.find_sale(sale),
        lambda: office.read_sale("1"),
        lambda: office.record_return(back, not_after=now + DAY),
        lambda: office.sales_between("A", now - DAY, now),
    )


def _drained(found: object) -> object:
    return list(islice(found, MOST_PAGES)) if isinstance(found, Iterator) else found
