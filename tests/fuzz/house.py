"""The real app over a real database, with real connectors behind real doors, and asked without a server between.

The network is a wall: whatever calls a platform finds nobody there.
"""

import asyncio
import atexit
import base64
import logging
import os
import random
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import anyio.to_thread
import httpx
import structlog
from sqlmodel import Session, select
from starlette.types import Message

import connectors.custom
import connectors.prokip
import connectors.shopify
import connectors.woocommerce
from connectors.sdk.fake import FakeBackOfficePlugin, FakePlugin
from connectors.sdk.signatures import hmac_sha256_base64, sign_standard_webhook
from schema import migrate
from schema.tables import Connection, ConnectionState, User, UserRole
from syncd.clock import ManualClock
from syncd.config import Settings
from syncd.engine.connectors import Connectors
from syncd.engine.context import Engine
from syncd.engine.database import open_database
from syncd.engine.inbox import Inbox
from syncd.engine.people import sign_in, tokens, users
from syncd.engine.people.sign_in import Place
from syncd.engine.vault import Keyring, new_key
from syncd.web.edge import Edge, create_app
from syncd.web.frame import seals
from syncd.web.metrics import Metrics
from tests.engine.world import World, make_world
from tests.fuzz.parsers import NOW

APP_SECRET = "the app's own secret"
STORE_SECRET = 'h-woo-secret-5d1f&<x>"'
CUSTOM_SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four bytes").decode()
PASSWORD = "three odd words"
BODY_LIMIT = 64 * 1024
SHOP = "demo.myshopify.com"

Headers = list[tuple[bytes, bytes]]
NewUrl = Callable[[], str]
"""Makes a new, empty database and tells its url."""


@dataclass(slots=True)
class Heard:
    """What was logged with a traceback since it was asked last: a page that went wrong says so in words only."""

    errors: list[BaseException] = field(default_factory=list)

    def note(self, _logger: object, _name: str, event: dict[str, object]) -> dict[str, object]:
        error = event.get("exc_info")
        if isinstance(error, BaseException):
            self.errors.append(error)
        elif error is True:
            import sys

            self.errors.extend(one for one in (sys.exc_info()[1],) if one is not None)
        raise structlog.DropEvent

    def take(self) -> BaseException | None:
        found, self.errors = self.errors, []
        return found[0] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the app answered."""

    status: int
    headers: Headers
    body: bytes


@cache
def _migrated() -> Path:
    """An SQLite file with all tables and nothing in them, made once."""
    file = Path(tempfile.mkdtemp(prefix="syncd-fuzz-", dir=_fast())) / "migrated.db"
    migrate.upgrade(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    atexit.register(shutil.rmtree, file.parent, ignore_errors=True)
    return file


def _fast() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _nobody(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody there", request=request)


async def _at_once(function: Callable[..., object], *arguments: object, **_options: object) -> object:
    """Instead of in another thread: one request after the other is asked, and changing threads takes most of the time."""
    return function(*arguments)


class House:
    """`close` it. Every request comes from another address unless told."""

    def __init__(self, new_url: NewUrl | None = None) -> None:
        url = None if new_url is None else new_url()
        self.heard = Heard()
        structlog.configure(processors=[self.heard.note])
        logging.getLogger().addHandler(logging.NullHandler())
        self.folder = Path(tempfile.mkdtemp(prefix="syncd-fuzz-", dir=_fast()))
        self.settings = Settings.model_validate(
            {
                "home": self.folder,
                "database": {"url": url or f"sqlite:///{self.folder / 'syncd.db'}"},
                "web": {"body_limit": BODY_LIMIT, "public_url": "https://sync.example"},
                "security": {"requests_per_minute": 10**9, "registration": "open"},
                "shopify": {"client_id": "id", "client_secret": APP_SECRET},
            }
        )
        if url is None:
            shutil.copy(_migrated(), self.folder / "syncd.db")
        else:
            migrate.upgrade(url)
        self.clock = ManualClock(NOW)
        self.engine = self._engine()
        self.inbox = Inbox(self.engine.database)
        self.inbox.start()
        self.app = create_app(Edge(engine=self.engine, inbox=self.inbox, metrics=Metrics()))
        self.world = make_world(self.engine, self.clock, stores=("A",), skus={"MUG": 5})
        self.public = self._connect()
        self.bearer, self.cookie = self._let_in()
        self.asked = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._threads, anyio.to_thread.run_sync = anyio.to_thread.run_sync, _at_once

    def _engine(self) -> Engine:
        plugins = {
            "fake": FakePlugin(),
            "fake-office": FakeBackOfficePlugin(),
            "shopify": connectors.shopify.plugin,
            "woocommerce": connectors.woocommerce.plugin,
            "custom": connectors.custom,
            "prokip": connectors.prokip,
        }
        return Engine(
            database=open_database(self.settings.database_url),
            clock=self.clock,
            settings=self.settings,
            keyring=Keyring([new_key()]),
            plugins=plugins,
            connectors=Connectors(lambda: httpx.MockTransport(_nobody)),
            random=random.Random(1),
            holder="fuzz",
        )

    def _connect(self) -> dict[str, str]:
        """A live store of each platform; their public ids."""
        known = {
            "shopify": (SHOP, {"shop": SHOP}, {"access_token": "t", "client_secret": APP_SECRET}),
            "woocommerce": (
                "shop.example",
                {"url": "https://shop.example"},
                {"consumer_key": "ck", "consumer_secret": "cs", "webhook_secret": STORE_SECRET},
            ),
            "custom": ("duka.example", {"url": "https://duka.example/syncd"}, {"secret": CUSTOM_SECRET}),
        }
        with self.engine.database.transaction() as session:
            for platform, (account, settings, credentials) in known.items():
                self._add(session, self.world, platform, account, settings, credentials)
        return {platform: f"public-{platform}" for platform in known}

    def _add(
        self,
        session: Session,
        world: World,
        platform: str,
        account: str,
        settings: dict[str, str],
        secret: dict[str, str],
    ) -> None:
        since = self.clock.now() - timedelta(hours=1)
        session.add(
            Connection(
                merchant_id=world.merchant_id,
                name=platform,
                code=platform.upper()[:20],
                public_id=f"public-{platform}",
                platform=platform,
                role="store",
                state=ConnectionState.LIVE,
                account_id=account,
                currency="KES",
                settings=settings,
                credentials=self.engine.keyring.seal(secret),
                live_at=since,
                live_since=since,
                orders_cursor=since,
                created_at=since,
            )
        )
        session.flush()

    def _let_in(self) -> tuple[str, str]:
        users.add_user(
            self.engine,
            self.world.merchant_id,
            email="owner@shop.example",
            name="Ann Owner",
            role="owner",
            password=PASSWORD,
            actor="test",
        )
        with self.engine.database.reading() as session:
            user_id = session.exec(select(User.id)).one() or 0
        _, token = tokens.create(self.engine, user_id, name="fuzz", scope=UserRole.OWNER.value)
        return token, sign_in.begin_session(self.engine, user_id, place=Place()).token

    @property
    def csrf(self) -> str:
        return seals.csrf_token(self.engine.keyring, self.cookie)

    # ------------------------------------------------------------------------------------------- asking

    def ask(self, method: str, target: bytes, headers: Headers, chunks: Sequence[bytes] = (b"",)) -> Reply:
        """One request, `target` as it stands in the request line. Raises what the app let through."""
        self.asked += 1
        number = self.asked
        path, _, query = target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": unquote(path.decode("ascii", "replace")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": headers,
            "client": (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 1),
            "server": ("sync.example", 443),
            "state": {},
        }
        exchange = asyncio.wait_for(self._exchange(scope, chunks), 300)
        return asyncio.run_coroutine_threadsafe(exchange, self._loop).result()

    async def _exchange(self, scope: dict[str, object], chunks: Sequence[bytes]) -> Reply:
        left, told = list(chunks), list[Message]()

        async def receive() -> Message:
            if not left:
                return {"type": "http.disconnect"}
            part = left.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(left)}

        async def send(message: Message) -> None:
            told.append(message)

        await self.app(scope, receive, send)
        start = next(message for message in told if message["type"] == "http.response.start")
        body = b"".join(message.get("body", b"") for message in told if message["type"] == "http.response.body")
        return Reply(status=start["status"], headers=list(start["headers"]), body=body)

    def sign(self, platform: str, headers: dict[str, str], body: bytes, name: str) -> dict[str, str]:
        """The headers with the signature that the store would give."""
        match platform:
            case "shopify":
                signature = hmac_sha256_base64(APP_SECRET.encode(), body)
                return {**headers, "x-shopify-hmac-sha256": signature, "x-shopify-webhook-id": name}
            case "woocommerce":
                signature = hmac_sha256_base64(STORE_SECRET.encode(), body)
                return {**headers, "x-wc-webhook-signature": signature, "x-wc-webhook-delivery-id": name}
            case _:
                return {**headers, **sign_standard_webhook(CUSTOM_SECRET, name, self.clock.now(), body)}

    def close(self) -> None:
        """Give everything back."""
        anyio.to_thread.run_sync = self._threads
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.inbox.stop()
        self.engine.connectors.close()
        self.engine.database.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        structlog.reset_defaults()


def latin(headers: Iterable[tuple[str, str]]) -> Headers:
    """As a server hands them on: names in lower case, no line breaks and no zero bytes."""
    return [
        (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace").translate(None, b"\r\n\x00"))
        for name, value in headers
    ]
