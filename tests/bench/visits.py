"""Every page and every list of the API, asked over a socket by an owner and by a program of the mall's.

Addresses come from `syncd/web/who.py`, so that a new page is measured without anybody thinking of it.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import quote

import httpx
import sqlalchemy
from sqlalchemy import event
from sqlmodel import Session, col, func, select

from connectors.sdk.fake import FakeBackOfficePlugin, FakePlugin, FakeShop
from schema.tables import Connection, Delivery, Issue, IssueState, Listing, Order, StockItem, SyncRun
from syncd.clock import SystemClock
from syncd.config import Settings
from syncd.daemon.server import WebServer, bind
from syncd.engine.connectors import Connectors
from syncd.engine.context import Engine
from syncd.engine.database import open_database
from syncd.engine.inbox import Inbox
from syncd.engine.people import sign_in, tokens, users
from syncd.engine.vault import Keyring, new_key
from syncd.web.edge import Edge, create_app
from syncd.web.frame.visit import SESSION
from syncd.web.metrics import Metrics
from syncd.web.who import API, PAGES, Who
from tests.bench.mall import BESTSELLER

VARIATIONS: Mapping[str, tuple[str, ...]] = {
    "GET /app/stock": (
        "?q=SKU-00",
        "?q=item%20sku-001&location=all",
        "?show=low",
        "?show=differs",
        "?sort=least",
        "?sort=last",
        "?from=5000",
        "?location=all&sort=least&from=20000",
    ),
    "GET /app/stock/{sku:path}": ("?range=24h", "?range=90d", "?store=Store%203", "?at={yesterday}"),
    "GET /app/sales": (
        "?days=all",
        "?days=all&from=100000",
        "?days=month&store=Store%201",
        "?days=all&q=SKU-00001",
        "?days=all&q=%2312",
        "?days=all&backoffice=recorded",
        "?days=all&backoffice=being_recorded",
        "?days=all&backoffice=look",
    ),
    "GET /app/issues": ("?show=resolved", "?show=mine"),
    "GET /app/stores/{name}/matching": ("?show=unmatched", "?show=only_there", "?q=sku-001", "?show=matched&from=1000"),
    "GET /app/feed": (
        *(f"?show={kind}" for kind in ("sales", "pushes", "readings", "recorded", "drift")),
        "?before={last_week}",
    ),
    "GET /app/runs": ("?kind=push", "?before=1000"),
    "GET /app/deliveries": ("?show=applied", "?show=dead", "?store=Store%205", "?before=1000"),
    "GET /match/{name}": ("?result=linked", "?result=unmatched", "?limit=500"),
    "GET /stock": ("?q=SKU-00", "?limit=500"),
    "GET /stock/{sku:path}": ("?at={yesterday}",),
    "GET /sales": (
        "?connection=Store%201",
        f"?sku={BESTSELLER}",
        "?order=%2312",
        "?limit=500",
        "?since={yesterday}",
    ),
    "GET /issues": ("?resolved=true", "?kind=oversell", "?resolved=true&limit=500"),
    "GET /deliveries": ("?state=applied&limit=500", "?state=dead", "?connection=Store%205"),
    "GET /runs": ("?kind=push", "?connection=Store%202", "?limit=500"),
}
FILES = ".csv"
"""Downloads take as long as what is in them is long."""
APART = {
    "GET /app/events": "never ends",
    "GET /app/{rest:path}": "is no page",
    "GET /connections/shopify": "begins a consent",
    "GET /connections/woocommerce": "begins a consent",
    "GET /connections/approvals/{state}": "one consent",
    "GET /auth/sessions": "no program may",
    "GET /sales.csv": "streams the whole log",
    "GET /reset/{token}": "a door",
    "GET /invite/{token}": "a door",
}
"""Routes that are not asked, and why."""


@dataclass(slots=True, kw_only=True)
class Site:
    """A merchant's site, served; `statements` counts what the database was asked."""

    client: httpx.Client
    cookies: dict[str, str]
    headers: dict[str, str]
    parts: dict[str, str]
    statements: list[str] = field(default_factory=list)

    def ask(self, path: str, *, is_page: bool) -> httpx.Response:
        """One address; what a person in the wrong state is told (404, 409, 422) is an answer too."""
        headers = {"Cookie": f"{SESSION}={self.cookies[SESSION]}"} if is_page else self.headers
        answer = self.client.get(path, headers=headers)
        is_answered = answer.status_code < 500 and answer.status_code not in (401, 403, 429)
        assert is_answered, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer

    def addresses(self, *, varied: bool = True) -> Iterator[tuple[str, bool]]:
        """Every address with its variations, and whether it is a page."""
        now = datetime.now(UTC)
        times = {"yesterday": _told(now - timedelta(days=1)), "last_week": _told(now - timedelta(days=7))}
        for table, is_page in ((PAGES, True), (API, False)):
            for key, who in table.items():
                method, _, route = key.partition(" ")
                if method != "GET" or key in APART or (is_page and who is Who.ANYONE):
                    continue
                path = re.sub(r"\{([^}]+)\}", lambda found: self.parts[found[1]], route)
                yield path, is_page
                for more in VARIATIONS.get(key, ()) if varied else ():
                    yield path + more.format(**times), is_page
        for name in ("shadow", "go-live"):
            yield f"/app/stores/{self.parts['shadow']}/{name}", True
        for kind in ("oversell", "unknown_sku", "drift_held"):
            yield f"/app/issues/{self.parts[kind]}", True
        yield f"/app/stores/{self.parts['office']}", True


def _told(at: datetime) -> str:
    return quote(at.isoformat(timespec="seconds"))


@contextmanager
def served(url: str, merchant_id: int, home: Path) -> Iterator[Site]:
    """The merchant's site on a socket of its own."""
    stores = FakePlugin()
    engine = Engine(
        database=open_database(url),
        clock=SystemClock(),
        settings=Settings(home=home, security={"requests_per_minute": 1_000_000}),
        keyring=Keyring([new_key()]),
        plugins={"fake": stores, "fake-office": FakeBackOfficePlugin()},
        connectors=Connectors(),
        random=Random(),
        holder="bench",
    )
    with engine.database.reading() as session:
        parts = _parts(session, merchant_id)
        for shop in _shops(session, merchant_id):
            stores.add(shop)
    inbox, stopping = Inbox(engine.database), threading.Event()
    app = create_app(Edge(engine=engine, inbox=inbox, metrics=Metrics(), stopping=stopping))
    listener = bind("127.0.0.1:0")
    web = WebServer(app=app, listener=listener, settings=engine.settings)
    web.start()
    port = listener.getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            site = _entered(engine, merchant_id, client, parts)
            with _counted(site):
                yield site
    finally:
        stopping.set()
        web.stop(10)
        engine.database.close()


def _entered(engine: Engine, merchant_id: int, client: httpx.Client, parts: dict[str, str]) -> Site:
    """An owner who is signed in, and a program of theirs."""
    email = f"owner-{engine.random.getrandbits(40)}@m{merchant_id}.example"
    added = users.add_user(
        engine, merchant_id, email=email, name="Achieng Were", role="owner", password="three odd words", actor="bench"
    )
    signed = sign_in.begin_session(engine, added.id, place=sign_in.Place())
    _, token = tokens.create(engine, added.id, name=email[:60], scope="owner")
    return Site(
        client=client,
        cookies={SESSION: signed.token},
        headers={"Authorization": f"Bearer {token}"},
        parts=parts,
    )


@contextmanager
def _counted(site: Site) -> Iterator[None]:
    """Whatever any database of this process is asked is noted."""

    def note(_connection, _cursor, statement, *_more) -> None:
        site.statements.append(statement)

    event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


def _parts(session: Session, merchant_id: int) -> dict[str, str]:
    """What stands in the addresses."""
    stores = session.exec(
        select(Connection).where(Connection.merchant_id == merchant_id).order_by(col(Connection.id))
    ).all()
    mine = [row.id for row in stores]
    issues = dict(
        session.exec(
            select(Issue.kind, func.max(Issue.id))
            .where(Issue.merchant_id == merchant_id, Issue.state == IssueState.OPEN)
            .group_by(col(Issue.kind))
        ).all()
    )
    order = session.exec(select(func.max(Order.id)).where(Order.merchant_id == merchant_id)).one()
    run = session.exec(select(func.max(SyncRun.id)).where(SyncRun.merchant_id == merchant_id)).one()
    delivery = session.exec(select(func.max(Delivery.id)).where(col(Delivery.connection_id).in_(mine))).one()
    shadow = next(row.name for row in stores if row.state.value == "shadow")
    return {
        "sku:path": BESTSELLER,
        "name": quote("Store 1"),
        "shadow": quote(shadow),
        "office": "Prokip",
        "platform": "shopify",
        "email": "nobody@shop.example",
        "deed": "ignore",
        "order_id:int": str(order),
        "run_id:int": str(run),
        "run_id": str(run),
        "delivery_id:int": str(delivery),
        "delivery_id": str(delivery),
        "issue_id:int": str(issues["unknown_sku"]),
        "issue_id": str(issues["oversell"]),
        **{kind: str(number) for kind, number in issues.items()},
    }


def _shops(session: Session, merchant_id: int) -> Iterator[FakeShop]:
    """The stores that pages read by themselves: those in shadow, each with its figures."""
    rows = session.exec(select(Connection).where(Connection.merchant_id == merchant_id, Connection.platform == "fake"))
    for row in rows:
        shop = FakeShop(clock=SystemClock(), account_id=row.account_id)
        if row.state.value == "shadow":
            figures = session.exec(
                select(StockItem.external_id, StockItem.observed)
                .join(Listing, col(Listing.stock_item_id) == col(StockItem.id))
                .where(StockItem.connection_id == row.id)
            )
            shop.figures = {stock_id: (observed or 0) + 1 for stock_id, observed in figures}
        yield shop
