"""Targets: every route of the API and of the pages, asked as the owner, as nobody, and as somebody with odd headers."""

import json
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes, urlencode

from syncd.web.who import API, PAGES
from tests.fuzz.house import House, NewUrl, Reply, latin
from tests.fuzz.mutation import BYTES, deep, mutated, scrambled, word
from tests.fuzz.target import Broken, Target

# They end the owner's session, or change the password, or answer for ever.
LEFT_OUT = (
    "POST /auth/logout",
    "POST /sign-out",
    "GET /app/events",
    "PUT /auth/password",
    "DELETE /auth/sessions/{session_id}",
)
SLOW = ("POST /auth/login", "POST /auth/register", "POST /sign-in", "POST /welcome", "POST /auth/invitations/accept")
A_HOUSE_LASTS = 1500  # inputs; what they have changed makes the next ones less telling
LONGEST = 5.0
PARTS = {
    "name": ("A", "shopify", "Office"),
    "sku": ("MUG",),
    "sku:path": ("MUG", "MUG/movements"),
    "email": ("owner@shop.example",),
    "token": ("none",),
    "state": ("none",),
}
QUERY = (
    "q", "cursor", "limit", "connection", "sku", "state", "kind", "since", "until", "before", "after", "page", "sort", "only", "next",
    "shop", "url", "name", "location", "at", "from", "to", "code", "hmac", "timestamp", "full", "assignee", "status", "view", "days",
)  # fmt: skip
FIELDS = (
    "email", "password", "name", "business", "code", "next", "theme", "sku", "quantity", "reason", "location", "note", "user", "kind", "value",
    "connection", "role", "scope", "deed", "issue", "url", "shop", "key", "secret", "ids", "all", "invoice", "token", "time_zone", "listing",
)  # fmt: skip
ODD = (
    ("host", "["), ("host", ""), ("host", "sync.example:99999999"), ("host", "a b"), ("host", "\xff"), ("referer", "http://["), ("referer", "https://sync.example//evil.example"),
    ("referer", "https://sync.example/app?a=\xff"), ("hx-request", "true"), ("hx-target", "\xff"), ("cookie", "syncd=a; syncd=b; syncd_said=x.y; syncd_theme=\xff"),
    ("cookie", "syncd_said=W10.\xff"), ("cookie", "=;=;;"), ("authorization", "Bearer"), ("authorization", "Bearer a.b.c"), ("authorization", "Basic \xff"),
    ("authorization", "Bearer syncd_x"), ("authorization", "Bearer eyJhbGciOiJub25lIn0.e30."), ("accept", "text/html"), ("accept", "*/*;q=\xff"), ("range", "bytes=9-1,-"),
    ("if-none-match", '"x'), ("if-modified-since", "never"), ("content-length", "9" * 5000), ("content-type", "application/json; charset=utf-7"),
    ("content-type", "multipart/form-data"), ("content-type", "multipart/form-data; boundary="), ("content-type", "multipart/form-data; boundary=x; charset=utf-7"),
    ("content-type", "multipart/form-data; boundary=x; charset=punycode"), ("content-type", "multipart/form-data; boundary=x; charset=unicode_escape"),
    ("content-type", "\xff"), ("x-csrf-token", "\xff"), ("last-event-id", "\xff"), ("user-agent", "x" * 3000), ("accept-language", "\xff" * 300), ("x-forwarded-proto", "gopher"),
)  # fmt: skip
OTHERS = (
    "/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", "/static/app.css", "/static/%00", "/static/..%2f..%2fsite.py",
    "/static/%2e%2e/%2e%2e/site.py", "/static/" + "a" * 300, "/static/app.css%00.txt", "/connections/callback/shopify", "/connections/callback/woocommerce",
    "/connections/callback/%00", "/connections/callback/fake", "/app/%00", "/app/%ff", "//evil.example/app", "/app//", "/%2e%2e/app", "/stock/%00", "/stock/%ff",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "")


def targets(new_url: NewUrl | None = None) -> Iterator[Target]:
    """The API, the pages, and everything else that has an address."""
    for name, table in (("api", API), ("pages", PAGES), ("addresses", {})):
        rooms = _Rooms(name, tuple(key for key in table if key not in LEFT_OUT), new_url)
        yield Target(
            name=name, samples=[b"{}", b'{"a": 1}'], take=rooms.take, mutate=_seed, close=rooms.close, longest=20.0
        )


def _seed(rng: random.Random, _sample: bytes) -> bytes:
    """An input is only a number: the request is made of it where the routes are known."""
    return rng.randbytes(8)


@dataclass(slots=True)
class _Rooms:
    """One kind of addresses. `bodies` are examples of the API's own description."""

    kind: str
    routes: Sequence[str]
    new_url: NewUrl | None
    house: House | None = None
    bodies: Mapping[str, object] | None = None
    told: int = 0

    def close(self) -> None:
        if self.house is not None:
            self.house.close()
        self.house = None

    def take(self, data: bytes, rng: random.Random) -> None:
        """One request: no 500, nothing let through, no header that breaks the answer, in time."""
        if self.house is None or self.told % A_HOUSE_LASTS == 0:
            self.close()
            self.house = House(self.new_url)
            self.bodies = _examples(self.house.app.openapi()) if self.kind == "api" else {}
        self.told += 1
        rng = random.Random(data)
        method, target, headers, body = self._request(self.house, rng)
        began = time.process_time()
        words = f"{method} {target[:200]!r} {headers!r} {body[:500]!r}"
        try:
            reply = self.house.ask(method, target, headers, [body])
        except Exception as error:
            error.add_note(words)
            raise
        self._judge(self.house, reply, words, time.process_time() - began)

    def _judge(self, house: House, reply: Reply, words: str, took: float) -> None:
        error = house.heard.take()
        if error is not None:
            error.add_note(words)
            raise error
        if reply.status >= 500 and reply.status not in (502, 503):
            raise Broken(f"{reply.status}: {words}")
        if took > LONGEST:
            raise Broken(f"{took:.1f} s: {words}")
        for name, value in reply.headers:
            if b"\n" in value or b"\r" in value or b"\n" in name:
                raise Broken(f"a header of two lines ({name!r}): {words}")
            if (
                name == b"location"
                and re.match(rb"https?:|//|\\", value)
                and not value.startswith(b"https://sync.example/")
            ):
                raise Broken(f"sent elsewhere ({value!r}): {words}")

    def _request(self, house: House, rng: random.Random) -> tuple[str, bytes, list[tuple[bytes, bytes]], bytes]:
        if not self.routes:
            method, path = rng.choice(METHODS[:2]), rng.choice(OTHERS)
            target, headers, body = path.encode() + _query(rng), {}, scrambled(rng, b"{}")
        else:
            key = rng.choice(self.routes)
            if key in SLOW and rng.random() < 0.9:
                key = rng.choice(self.routes)
            method, path = key.split(" ", 1)
            target = re.sub(r"\{([^}]+)\}", lambda found: _part(rng, found[1]), path).encode(
                "ascii", "replace"
            ) + _query(rng)
            headers, body = self._sent(house, key, rng)
        if rng.random() < 0.02:
            method = rng.choice(METHODS)
        if rng.random() < 0.02:
            target = scrambled(rng, target).replace(b" ", b"%20").replace(b"\r", b"").replace(b"\n", b"") or b"/"
        told = {"host": "sync.example", **headers}
        odd = [rng.choice(ODD) for _ in range(rng.choice((0, 0, 1, 2)))]
        return method, target, latin({**told, **dict(odd)}.items()), body

    def _sent(self, house: House, key: str, rng: random.Random) -> tuple[dict[str, str], bytes]:
        if self.kind == "pages":
            headers = {"cookie": f"syncd={house.cookie}", "accept": "text/html"} if rng.random() < 0.9 else {}
            form = [("csrf", house.csrf if rng.random() < 0.95 else word(rng))]
            form += [(rng.choice(FIELDS), word(rng)) for _ in range(rng.randrange(6))]
            body = urlencode(form, errors="replace").encode()
            if rng.random() < 0.1:
                body = _multipart(rng, form)
                return {**headers, "content-type": "multipart/form-data; boundary=x"}, body
            body = scrambled(rng, body) if rng.random() < 0.1 else body
            return {**headers, "content-type": "application/x-www-form-urlencoded"}, body
        headers = {"authorization": f"Bearer {house.bearer}", "content-type": "application/json"}
        example = json.dumps((self.bodies or {}).get(key, {})).encode()
        body = mutated(rng, example) if rng.random() < 0.8 else example
        return headers, deep(rng.choice((300, 900, 5000))) if rng.random() < 0.02 else body


def _part(rng: random.Random, name: str) -> str:
    if rng.random() < 0.6:
        return rng.choice(PARTS.get(name, ("1",)))
    if rng.random() < 0.2:
        return quote_from_bytes(rng.choice(BYTES), safe="")
    return quote(word(rng), safe="", errors="replace")[:3000]


def _query(rng: random.Random) -> bytes:
    names = rng.sample(QUERY, rng.choice((0, 0, 1, 2, 4)))
    pairs = [f"{name}={quote(word(rng), safe='', errors='replace')[:4000]}" for name in names]
    if rng.random() < 0.03:
        pairs.append(quote_from_bytes(rng.choice(BYTES)))
    return f"?{'&'.join(pairs)}".encode() if pairs else b""


def _multipart(rng: random.Random, form: Sequence[tuple[str, str]]) -> bytes:
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        % (
            name.encode(),
            rng.choice((b"", b'; filename="f"', b"; filename*=utf-8''%ff")),
            value.encode("utf-8", "replace"),
        )
        for name, value in form
    ]
    body = b"".join(parts) + b"--x--\r\n"
    return scrambled(rng, body) if rng.random() < 0.5 else body


def _examples(description: Mapping[str, object]) -> dict[str, object]:
    """By route a body that its schema takes, or nearly."""
    schemas = description["components"]["schemas"]
    found = {}
    for path, entry in description["paths"].items():
        for method, told in entry.items():
            content = told.get("requestBody", {}).get("content", {}).get("application/json")
            if content:
                found[f"{method.upper()} {path}"] = _example(content["schema"], schemas)
    return found


def _example(schema: Mapping[str, object], schemas: Mapping[str, object], depth: int = 0) -> object:
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _example(schema[key][0], schemas, depth)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return (
                {name: _example(one, schemas, depth + 1) for name, one in schema.get("properties", {}).items()}
                if depth < 5
                else {}
            )
        case "array":
            return [_example(schema.get("items", {}), schemas, depth + 1)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return {"date-time": "2026-11-21T10:00:00Z", "email": "a@b.example"}.get(schema.get("format"), "MUG")
