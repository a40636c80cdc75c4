"""Targets: every function that reads what came from outside, called as the daemon calls it."""

import atexit
import base64
import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import standardwebhooks
from fastapi import HTTPException

from connectors.custom import translate as custom
from connectors.custom import webhooks as custom_webhooks
from connectors.custom.webhooks import CustomDoor
from connectors.prokip import judge
from connectors.prokip import translate as prokip
from connectors.sdk.answer import Answer, http_date, parse_json, retry_after
from connectors.sdk.contract import WebhookDoor
from connectors.sdk.errors import ConnectorError, InvalidSignature, MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.signatures import check_hmac_base64, check_hmac_hex, check_standard_webhook, sign_standard_webhook
from connectors.shopify import webhooks as shopify_webhooks
from connectors.shopify.auth import ShopifyConsent
from connectors.shopify.webhooks import ShopifyDoor
from connectors.woocommerce import translate as woocommerce
from connectors.woocommerce import webhooks as woocommerce_webhooks
from connectors.woocommerce.auth import WooCommerceConsent
from connectors.woocommerce.webhooks import WooCommerceDoor
from syncd.config import load_settings
from syncd.engine import snapshots
from syncd.engine.vault import Keyring, new_key
from syncd.errors import ConfigError, VaultError
from syncd.web import sales_csv
from syncd.web.api import answers
from syncd.web.frame import pages, seals
from tests.fuzz import samples
from tests.fuzz.mutation import mutated, scrambled, word
from tests.fuzz.storable import must_fit
from tests.fuzz.target import Broken, Target

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
NAIROBI = ZoneInfo("Africa/Nairobi")
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four bytes").decode()
HEADER_NAMES = (
    *("x-shopify-shop-domain", "x-shopify-topic", "x-shopify-webhook-id", "x-shopify-hmac-sha256", "x-shopify-triggered-at"),
    *("x-wc-webhook-topic", "x-wc-webhook-signature", "x-wc-webhook-delivery-id", "x-wc-webhook-source"),
    *("webhook-id", "webhook-timestamp", "webhook-signature", "content-type"),
)  # fmt: skip
LOCATION = "655441491"


def targets() -> Iterator[Target]:
    """One of each."""
    yield from _facts()
    yield from _doors()
    yield from _translations()
    yield from _small_ones()


def _latin(text: str) -> str:
    """A header's value as a server hands it on: Latin-1 without zero bytes, which end a request with 400."""
    return text.encode("latin-1", "replace").decode("latin-1").replace("\x00", "")


def _headers(rng: random.Random, headers: dict[str, str]) -> dict[str, str]:
    changed = dict(headers)
    for _ in range(rng.choice((0, 0, 1, 2))):
        changed[rng.choice(HEADER_NAMES)] = _latin(word(rng))
    return changed


# ------------------------------------------------------------------------------------------- deliveries


def _facts() -> Iterator[Target]:
    def shopify(headers: dict[str, str], body: bytes) -> object:
        place = LOCATION if len(body) % 2 else None
        return shopify_webhooks.facts(headers, body, shop="demo.myshopify.com", location_id=place)

    def of_custom(_headers: dict[str, str], body: bytes) -> object:
        return custom_webhooks.facts(body)

    yield _delivery("facts-shopify", samples.shopify_deliveries(), shopify)
    yield _delivery("facts-woocommerce", samples.woocommerce_deliveries(), woocommerce_webhooks.facts)
    yield _delivery("facts-custom", samples.custom_deliveries(), of_custom)


def _delivery(name: str, known: Sequence[samples.Message], read: Callable[[dict[str, str], bytes], object]) -> Target:
    """The headers are those of the message that the rng picks; a sample comes with its own."""
    own = {body: headers for headers, body in known}

    def take(data: bytes, rng: random.Random) -> None:
        headers = own.get(data) or _headers(rng, rng.choice(known)[0])
        try:
            must_fit(read(headers, data))
        except MalformedPayload as error:
            must_fit(str(error))

    return Target(name=name, samples=[body for _, body in known], take=take)


def _doors() -> Iterator[Target]:
    for name, door, known in (
        ("door-shopify", ShopifyDoor(), samples.shopify_deliveries()),
        ("door-woocommerce", WooCommerceDoor(), samples.woocommerce_deliveries()),
        ("door-custom", CustomDoor(), samples.custom_deliveries()),
    ):
        yield Target(name=name, samples=[body for _, body in known], take=_door(door, known), mutate=mutated)


def _door(door: WebhookDoor, known: Sequence[samples.Message]) -> Callable[[bytes, random.Random], None]:
    secrets = (SECRET, "", "another secret", "not base64 \N{SNOWMAN}")

    def take(data: bytes, rng: random.Random) -> None:
        headers = _headers(rng, rng.choice(known)[0])
        key, topic = door.delivery_key(headers, data), door.topic(headers, data)
        must_fit((topic, door.account_id(headers, data)))
        if not 0 < len(key) <= 200:
            raise Broken(f"a key of {len(key)} characters")
        door.is_unsigned_ping(headers, data)
        try:
            door.verify(headers, data, secrets, NOW)
        except InvalidSignature:
            return
        raise Broken("a message that nobody signed was believed")

    return take


# ------------------------------------------------------------------------------------------- answers


def _translations() -> Iterator[Target]:
    yield _translation("read-woocommerce", samples.woocommerce_answers(), _woocommerce)
    yield _translation("read-prokip", samples.prokip_answers(), _prokip)
    yield _translation("read-custom", samples.documented(), _custom)


def _translation(name: str, known: Sequence[bytes], reads: Callable[[object], Iterator[object]]) -> Target:
    def take(data: bytes, rng: random.Random) -> None:
        try:
            document = parse_json(data)
        except MalformedPayload:
            return
        for read in reads(document):
            try:
                must_fit(read())
            except ConnectorError as error:
                must_fit(str(error))

    return Target(name=name, samples=known, take=take)


def _rows(document: object) -> Iterator[Reader]:
    """Whatever may stand for a row: the document, its elements, its values."""
    found = document if isinstance(document, list) else [document]
    for one in found[:20]:
        yield Reader({"row": one}, "row").maybe_nested("row") if isinstance(one, dict) else Reader({"row": one}, "row")
        if isinstance(one, dict):
            yield from (
                Reader(row, "nested")
                for rows in one.values()
                if isinstance(rows, list)
                for row in rows[:5]
                if isinstance(row, dict)
            )


def _woocommerce(document: object) -> Iterator[Callable[[], object]]:
    for row in _rows(document):
        yield lambda row=row: woocommerce.product_item(row)
        yield lambda row=row: woocommerce.variation_item(row, woocommerce.parent(row))
        yield lambda row=row: woocommerce.figure(row)
        yield lambda row=row: (
            woocommerce.needs_refunds(row),
            woocommerce.snapshot(row, woocommerce.refunded_units([row])),
        )


def _custom(document: object) -> Iterator[Callable[[], object]]:
    for row in _rows(document):
        yield lambda row=row: custom.item(row)
        yield lambda row=row: custom.order(row)
        yield lambda row=row: custom.figure_of(row)


def _prokip(document: object) -> Iterator[Callable[[], object]]:
    yield lambda: _page(document)
    yield lambda: list(prokip.rows_of(document, "rows")) and None
    yield lambda: judge.judged_sale(_answer(document), allows_overselling=True)
    yield lambda: judge.is_recorded_return(_answer(document))
    for row in _rows(document):
        yield lambda row=row: list(prokip.items_of_product(row))
        yield lambda row=row: prokip.item_of_variation(row)
        yield lambda row=row: prokip.location(row)
        yield lambda row=row: prokip.recorded_sale(row)
        yield lambda row=row: prokip.sold_at(row, NAIROBI)
        yield lambda row=row: list(prokip.refs_of(row))
        yield lambda row=row: prokip.return_body(row, {"1": 2})


def _page(document: object) -> object:
    page = prokip.page_info(document, 1)
    return (page.is_last, page.total)


def _answer(document: object) -> Answer:
    return Answer(status=200, headers={}, body=b"", began_at=NOW, answered_at=NOW, platform_at=NOW, document=document)


# ------------------------------------------------------------------------------------------- small ones


def _small_ones() -> Iterator[Target]:
    yield Target(name="json", samples=[b'{"a": [1, 2.5, "x", null]}', b"[]", b"1e5"], take=_json)
    yield Target(name="reader", samples=[b'{"a": 1}', b'{"a": "1.50"}', b'{"a": "2026-11-21T10:00:00Z"}'], take=_reader)
    yield Target(name="standard-webhooks", samples=[b"{}", b'{"type": "x"}'], take=_standard, mutate=scrambled)
    yield Target(
        name="dates", samples=[b"Sat, 21 Nov 2026 10:00:00 GMT", b"120", b"1.5"], take=_dates, mutate=scrambled
    )
    yield Target(
        name="cursor",
        samples=[_cursor(5), _cursor(["2026-11-21T10:00:00+00:00", 5]), _cursor("MUG")],
        take=_cursors,
        mutate=_sealed,
    )
    yield Target(name="config", samples=_configs(), take=_config, mutate=scrambled)
    yield Target(name="csv", samples=[b"MUG", b"=1+1", b"@x", b"-2"], take=_csv, mutate=scrambled)
    yield Target(name="snapshot", samples=[snapshots.to_bytes(_some_order())], take=_snapshot)
    yield Target(name="seals", samples=[b"x.y", b"5b22.aa", b"5"], take=_seals(), mutate=scrambled)
    yield Target(
        name="own-path",
        samples=[b"/app/stock?q=1", b"//evil.example", b"https://evil.example/app", b"/app\\x", b"//["],
        take=_own_path,
        mutate=scrambled,
    )
    yield Target(name="consent-woocommerce", samples=_handed_over(), take=_woocommerce_consent)
    yield Target(
        name="consent-shopify",
        samples=[b"code=1&shop=demo.myshopify.com&state=s&timestamp=1&hmac=aa"],
        take=_shopify_consent,
        mutate=scrambled,
    )


def _json(data: bytes, _rng: random.Random) -> None:
    try:
        parse_json(data)
    except MalformedPayload as error:
        must_fit(str(error))


def _reader(data: bytes, _rng: random.Random) -> None:
    try:
        reader = Reader.of(parse_json(data), "it")
    except MalformedPayload:
        return
    kinds = ("text", "id", "whole", "flag", "decimal", "time", "nested", "values")
    for key in list(reader.fields)[:10]:
        for kind in kinds:
            for read in (getattr(reader, kind), getattr(reader, f"maybe_{kind}")):
                try:
                    found = read(key)
                except MalformedPayload as error:
                    must_fit(str(error))
                else:
                    must_fit(found, "external_id" if kind == "id" else "") if not isinstance(
                        found, list | Reader
                    ) else None


def _standard(data: bytes, rng: random.Random) -> None:
    """Ours and the reference implementation believe the same messages; a signed one is believed, a changed one is not."""
    message = word(rng).encode("ascii", "replace").decode().replace(".", "") or "m"
    headers = sign_standard_webhook(SECRET, message, NOW, data)
    check_standard_webhook(headers, data, [SECRET], NOW)
    changed = {**headers, rng.choice(tuple(headers)): _latin(word(rng))}
    body = data if rng.random() < 0.5 else scrambled(rng, data)
    if changed == headers and body == data:
        return
    try:
        check_standard_webhook(changed, body, [SECRET], NOW)
    except InvalidSignature:
        return
    try:
        key = standardwebhooks.Webhook(SECRET)
        at = datetime.fromtimestamp(int(changed["webhook-timestamp"]), UTC)
        expected = key.sign(changed["webhook-id"], at, body.decode())
    except UnicodeDecodeError:
        return
    if expected not in changed["webhook-signature"].split(" "):
        raise Broken("we believe what the reference does not")


def _dates(data: bytes, rng: random.Random) -> None:
    text = data.decode("latin-1")
    moment, wait = http_date(text), retry_after(text, platform_at=NOW, otherwise=1.0)
    must_fit(moment)
    if not 0 <= wait <= 3600:
        raise Broken(f"a wait of {wait}")
    for check in (check_hmac_base64, check_hmac_hex):
        try:
            check(data, word(rng), [SECRET, ""])
        except InvalidSignature:
            continue
        raise Broken("believed without a signature")


def _cursor(place: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).rstrip(b"=")


def _sealed(rng: random.Random, sample: bytes) -> bytes:
    """Wrong inside as often as outside."""
    if rng.random() < 0.5:
        return scrambled(rng, sample)
    inside = base64.urlsafe_b64decode(sample + b"=" * (-len(sample) % 4))
    return base64.urlsafe_b64encode(mutated(rng, inside))


def _cursors(data: bytes, _rng: random.Random) -> None:
    text = data.decode("latin-1")
    for read in (answers.after_id, answers.after_word, answers.after_moment):
        try:
            found = read(text)
        except HTTPException as error:
            if error.status_code != 422:
                raise
        else:
            if isinstance(found, int) and found > 2**53:
                raise Broken("an id that no column holds")
            must_fit(found if isinstance(found, str) else None)


def _configs() -> list[bytes]:
    example = (Path(__file__).parents[2] / "config.example.toml").read_bytes()
    live = b"\n".join(line.removeprefix(b"# ") for line in example.splitlines())
    return [
        example,
        live,
        b'[web]\nlisten = "127.0.0.1:0"\n[schedule]\nreconcile = "03:30"\npull_orders = "5m"\n',
        b"[database]\npool_size = 5",
    ]


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="syncd-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


KEYS = (
    "SYNCD_WEB__LISTEN",
    "SYNCD_SCHEDULE__PULL_ORDERS",
    "SYNCD_SECURITY__SESSION",
    "SYNCD_X__Y",
    "SYNCD_HOME__X",
    "SYNCD_WEB__PUBLIC_URL",
)


def _config(data: bytes, rng: random.Random) -> None:
    (_folder() / "config.toml").write_bytes(data)
    values = [rng.choice(("5m", "1e9d", "9" * 400 + "d", "0s", "-1s", "03:30", "[::]:1", word(rng))) for _ in KEYS]
    environment = {key: value for key, value in zip(KEYS, values, strict=True) if rng.random() < 0.2}
    try:
        load_settings(_folder(), environment)
    except ConfigError as error:
        if "\n" in str(error):
            raise Broken("an error of more than one line") from error


def _csv(data: bytes, rng: random.Random) -> None:
    text = data.decode("utf-8", "replace")
    lines = sales_csv._line([sales_csv._cell(text), sales_csv._cell(word(rng))])
    import csv
    import io

    (row, *more) = csv.reader(io.StringIO(lines, newline=""))
    if more or len(row) != 2:
        raise Broken("a cell became a row or another cell")
    for cell in row:
        if cell.lstrip(" \u00a0\u200b\ufeff\x00\n\x0b\x0c").startswith(
            ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
        ):
            raise Broken(f"a formula: {cell[:20]!r}")


def _some_order() -> object:
    order = next(json.loads(body) for body in samples.documented() if b"order.changed" in body)["order"]
    return custom.order(Reader.of(parse_json(json.dumps(order).encode()), "order"))


def _snapshot(data: bytes, _rng: random.Random) -> None:
    try:
        snapshots.from_bytes(data)
    except MalformedPayload:
        return


def _seals() -> Callable[[bytes, random.Random], None]:
    keyring = Keyring([new_key()])
    good = seals.seal_said(keyring, seals.Said(words="Done.")).encode()

    def take(data: bytes, rng: random.Random) -> None:
        for value in (data, scrambled(rng, good)):
            text = value.decode("latin-1")
            if seals.open_said(keyring, text) is not None and value != good:
                raise Broken("words that we did not seal")
            if seals.is_csrf_token(keyring, "browser", text):
                raise Broken("a token that is none")
            try:
                keyring.open_bytes(value)
            except VaultError:
                continue
            raise Broken("opened what we did not seal")

    return take


def _own_path(data: bytes, _rng: random.Random) -> None:
    for text in (data.decode("latin-1"), data.decode("utf-8", "replace")):
        path = pages.own_path(text)
        if not path.startswith("/app") or "\\" in path or any(ord(letter) < 32 for letter in path):
            raise Broken(f"sent to {path!r}")


def _handed_over() -> list[bytes]:
    recorded = json.loads((samples.DATA / "woocommerce" / "wc-auth" / "001-callback-post.json").read_text())
    body = json.loads(recorded["body"])
    return [json.dumps({**body, "user_id": "state-1"}).encode(), recorded["body"].encode()]


def _woocommerce_consent(data: bytes, rng: random.Random) -> None:
    query = {"state": "state-1"} if rng.random() < 0.8 else {"state": _latin(word(rng))}
    try:
        found = WooCommerceConsent().finish(
            {}, query=query, body=data, state="state-1", callback_url="", transport=None, now=NOW
        )
    except ConnectorError as error:
        must_fit(str(error))
    else:
        must_fit(found)
    try:
        WooCommerceConsent().begin(
            {"url": word(rng)}, callback_url="https://x.example/cb?a=1", return_url="https://x.example", state="state-1"
        ).url.encode()
    except ConnectorError:
        return


def _shopify_consent(data: bytes, rng: random.Random) -> None:
    from urllib.parse import parse_qsl

    settings = {"shop": "demo.myshopify.com", "client_id": "id", "client_secret": "hush"}
    query = dict(parse_qsl(data.decode("latin-1"), keep_blank_values=True))
    if rng.random() < 0.3:
        query["timestamp"] = str(int(NOW.timestamp()))
    try:
        ShopifyConsent().finish(settings, query=query, body=b"", state="s", callback_url="", transport=None, now=NOW)
    except ConnectorError as error:
        must_fit(str(error))
    else:
        raise Broken("a forged answer was believed")
    try:
        ShopifyConsent().begin(
            {**settings, "shop": word(rng)}, callback_url="https://x.example", return_url="", state="s"
        ).url.encode()
    except ConnectorError:
        return
