"""Targets: the webhook addresses of the running app, and what becomes of what they stored."""

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlmodel import col, func, select

from schema.tables import Delivery, DeliveryState, Issue
from syncd.engine import intake
from tests.fuzz import samples
from tests.fuzz.house import BODY_LIMIT, House, NewUrl, latin
from tests.fuzz.mutation import scrambled, word
from tests.fuzz.target import Broken, Target

KNOWN = {
    "shopify": samples.shopify_deliveries,
    "woocommerce": samples.woocommerce_deliveries,
    "custom": samples.custom_deliveries,
}
ODD_HEADERS = (
    ("content-encoding", "gzip"), ("content-encoding", "br, gzip, deflate"), ("transfer-encoding", "chunked"),
    ("content-length", "0"), ("content-length", "9" * 5000), ("content-length", "-1"), ("content-length", "\xb2"),
    ("content-type", "application/x-www-form-urlencoded"), ("content-type", "multipart/form-data; boundary=x"),
    ("expect", "100-continue"), ("host", "["), ("host", ""), ("host", "a" * 5000), ("x-forwarded-for", "::1"),
    ("cookie", "syncd=\xff"), ("authorization", "Bearer x"), ("accept", "\xff"), ("range", "bytes=0-"),
)  # fmt: skip
UNKNOWN = "/connections/webhook/{}/nobody"


def targets(new_url: NewUrl | None = None) -> Iterator[Target]:
    """One for each platform, each with a house of its own."""
    for platform, known in KNOWN.items():
        bodies = [body for _, body in known()]
        street = _Street(platform, new_url)
        yield Target(name=f"webhook-{platform}", samples=bodies, take=street.take, close=street.close, longest=10.0)


@dataclass(slots=True)
class _Street:
    """One platform's door. The house is built when the first one knocks."""

    platform: str
    new_url: NewUrl | None
    house: House | None = None
    told: int = 0

    def close(self) -> None:
        if self.house is not None:
            self.house.close()

    def take(self, data: bytes, rng: random.Random) -> None:
        """Deliver: signed rightly, wrongly, or to nobody."""
        self.house = self.house or House(self.new_url)
        self.told += 1
        known = KNOWN[self.platform]()
        headers = dict(rng.choice(known)[0])
        headers["x-shopify-shop-domain"] = "demo.myshopify.com"
        body = _odd(rng, data)
        kind = rng.random()
        if kind < 0.6:
            self._signed(self.house, headers, body, rng)
        elif kind < 0.9:
            self._forged(self.house, headers, body, rng)
        else:
            self._to_nobody(self.house, headers, body, rng)

    def _signed(self, house: House, headers: dict[str, str], body: bytes, rng: random.Random) -> None:
        """Stored as it came before the answer; then taken in, put aside with a reason, or kept as unreadable."""
        if rng.random() < 0.2:
            headers[rng.choice(("x-shopify-topic", "x-wc-webhook-topic"))] = word(rng)
        signed = house.sign(self.platform, headers, body, f"fuzz-{self.told}")
        before = _last(house)
        status = self._deliver(house, self._address(rng), signed, body, rng, odd=False)
        if len(body) > BODY_LIMIT:
            _expect(status, 413)
            return
        _expect(status, 200)
        with house.engine.database.reading() as session:
            rows = session.exec(select(Delivery).where(col(Delivery.id) > before)).all()
        if [row.body for row in rows] != [body]:
            raise Broken(f"{len(rows)} rows were stored for one delivery")
        self._settle(house, rows[0].id or 0)

    def _settle(self, house: House, delivery_id: int) -> None:
        intake.apply_new(house.engine, 10)
        error = house.heard.take()
        if error is not None:
            raise error
        with house.engine.database.reading() as session:
            row = session.get_one(Delivery, delivery_id)
            if row.state is DeliveryState.NEW:
                raise Broken("a delivery that nobody takes in")
            is_told = session.exec(select(Issue.id).where(Issue.kind == "unreadable_delivery").limit(1)).first()
            if row.state is DeliveryState.DEAD and not (row.reason and is_told):
                raise Broken("put aside without a word")

    def _forged(self, house: House, headers: dict[str, str], body: bytes, rng: random.Random) -> None:
        """Turned away, and nothing kept."""
        signed = house.sign(self.platform, headers, body, f"forged-{self.told}")
        names = [name for name in signed if name.endswith(("-signature", "-sha256", "webhook-timestamp"))]
        sent = body
        match rng.randrange(4):
            case 0:
                signed.pop(rng.choice(names))
            case 1:
                name = rng.choice(names)
                signed[name] = word(rng)
            case 2:
                sent = scrambled(rng, body)
            case _:
                name = rng.choice(names)
                signed[name] = signed[name][:-2] + ("AA" if not signed[name].endswith("AA") else "BB")
        if sent == body and signed == house.sign(self.platform, headers, body, f"forged-{self.told}"):
            return
        before = _last(house)
        status = self._deliver(house, self._address(rng), signed, sent, rng, odd=rng.random() < 0.5)
        is_ping = self.platform == "woocommerce" and b"webhook_id=" in sent
        _expect(status, 401, 413, *((200,) if is_ping else ()))
        _nothing_stored(house, before)

    def _to_nobody(self, house: House, headers: dict[str, str], body: bytes, rng: random.Random) -> None:
        before = _last(house)
        shop = rng.choice(("", "gone.myshopify.com", word(rng)))
        address = rng.choice(
            (
                UNKNOWN.format(self.platform),
                "/connections/webhook/teapot/x",
                f"/connections/webhook/{self.platform}",
                "/connections/webhook/%00/%ff",
            )
        )
        status = self._deliver(house, address, {**headers, "x-shopify-shop-domain": shop}, body, rng, odd=True)
        _expect(status, 404, 413)
        _nothing_stored(house, before)

    def _address(self, rng: random.Random) -> str:
        own = f"/connections/webhook/{self.platform}/public-{self.platform}"
        return f"/connections/webhook/{self.platform}" if self.platform == "shopify" and rng.random() < 0.3 else own

    def _deliver(
        self, house: House, address: str, headers: dict[str, str], body: bytes, rng: random.Random, *, odd: bool
    ) -> int:
        more = [rng.choice(ODD_HEADERS) for _ in range(rng.choice((1, 2)))] if odd else []
        more = [(name, value) for name, value in more if name != "content-length" or len(body) <= BODY_LIMIT]
        reply = house.ask("POST", address.encode(), latin([*headers.items(), *more]), _chunks(rng, body))
        return reply.status


def _odd(rng: random.Random, data: bytes) -> bytes:
    kind = rng.random()
    if kind < 0.01:
        return data + b" " * (BODY_LIMIT + 1 - len(data) + rng.randrange(5) if len(data) <= BODY_LIMIT else 0)
    if kind < 0.03:
        return zlib.compress(data)
    return data


def _chunks(rng: random.Random, body: bytes) -> Sequence[bytes]:
    if rng.random() < 0.7:
        return [body]
    size = rng.choice((1, 7, 1000))
    parts = [body[at : at + size] for at in range(0, min(len(body), size * 200), size)]
    return [*parts, body[len(b"".join(parts)) :]]


def _last(house: House) -> int:
    with house.engine.database.reading() as session:
        return session.exec(select(func.max(Delivery.id))).one() or 0


def _nothing_stored(house: House, before: int) -> None:
    if _last(house) != before:
        raise Broken("something was stored that nobody has signed")


def _expect(status: int, *wanted: int) -> None:
    if status not in wanted:
        raise Broken(f"answered {status}, not {' or '.join(map(str, wanted))}")
