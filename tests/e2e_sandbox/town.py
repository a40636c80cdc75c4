"""The three simulated platforms, and syncd as a user has it: commands as typed, the daemon as a process of its own.

Every test sells an SKU of its own, so that many share one daemon. What a test sees are the platforms' own numbers, what
commands print, and how the daemon answers.
"""

import base64
import hashlib
import hmac
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlmodel import Session, col, func, select

from schema.tables import Connection, ConnectionRole, Delivery, Issue, IssueState, SalesLog
from syncd.config import load_settings
from syncd.demo.hand import Hand
from syncd.demo.play import SETTINGS
from syncd.demo.process import Home, connect_prokip, free_port
from syncd.demo.stage import SHOP, STORES, Good, Stage, set_up, stock_up
from syncd.engine import status
from syncd.engine.context import Engine
from syncd.engine.opening import opened

WITHIN = 40.0
COUNTERS = ("deliveries_unapplied", "pushes_owed", "looks_due", "backoffice_owed")
RARELY = {
    "pull_orders": "10m",
    "reconcile": "1h",
    "check_webhooks": "1h",
}
"""Orders are told by webhooks alone, so that a test knows who told what."""


def until(holds: Callable[[], bool], what: Callable[[], object] | str, within: float = WITHIN) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:.0f} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)


def goods(names: Sequence[str], quantity: int = 20) -> tuple[Good, ...]:
    return tuple(Good(sku=name, title=name.title(), price="450.00", quantity=quantity) for name in names)


@dataclass(slots=True, kw_only=True)
class Town:
    """A merchant with two stores and a back office."""

    home: Home
    stage: Stage
    engine: Engine
    early: dict[str, str] = field(default_factory=dict)

    # ---------------------------------------------------------------------------------------- acting

    def ask(self, place: str, method: str, path: str, body: Mapping[str, object] | None = None) -> object:
        """A control of a simulated platform that the demo's hand does not have."""
        answer = httpx.request(
            method, f"{self.stage.hands[place].address}/_sandbox/{path}", json=body, timeout=30, trust_env=False
        )
        answer.raise_for_status()
        return answer.json()

    def edit(self, store: str, order: str, sku: str, quantity: int) -> None:
        """Staff change how many of an SKU an order has."""
        self.ask(store, "POST", f"orders/{order}/edit", {"sku": sku, "quantity": quantity})

    def hand(self, place: str) -> Hand:
        return self.stage.hands[place]

    def deliver(self, store: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send a delivery to the address that syncd gave this store; the status it is answered with."""
        url = f"{self.home.address}/connections/webhook/{store}/{self.public_id(store)}"
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
        return httpx.post(url, headers=kept, content=body, timeout=30, trust_env=False).status_code

    def signed(self, topic: str, body: bytes) -> dict[str, str]:
        """Headers of a delivery as Shopify signs it."""
        digest = hmac.new(self.stage.shopify.client_secret.encode(), body, hashlib.sha256).digest()
        return {
            "Content-Type": "application/json",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
            "X-Shopify-Shop-Domain": SHOP,
            "X-Shopify-Webhook-Id": f"{random.getrandbits(128):032x}",
            "X-Shopify-Event-Id": f"{random.getrandbits(128):032x}",
            "X-Shopify-Triggered-At": datetime.now(UTC).isoformat(),
        }

    # ---------------------------------------------------------------------------------------- seeing

    def shows(self, sku: str) -> dict[str, int]:
        """What every place shows."""
        return {name: hand.stock()[sku] for name, hand in self.stage.hands.items()}

    def will_show(self, sku: str, *, shopify: int, woocommerce: int, prokip: int, within: float = WITHIN) -> None:
        """Wait until every place shows this, and syncd is at rest with it."""
        wanted = {"shopify": shopify, "woocommerce": woocommerce, "prokip": prokip}
        until(lambda: self.shows(sku) == wanted, lambda: f"{sku}: {self.shows(sku)}, wanted {wanted}", within)
        self.rest(within)
        assert self.shows(sku) == wanted

    def everywhere(self, sku: str, units: int, within: float = WITHIN) -> None:
        self.will_show(sku, shopify=units, woocommerce=units, prokip=units, within=within)

    def owed(self) -> dict[str, int]:
        """What syncd still has to do."""
        with self.engine.database.reading() as session:
            found = status.status(session, self._merchant_id(session), self.engine.clock.now())
        return {name: getattr(found, name) for name in COUNTERS}

    def rest(self, within: float = WITHIN) -> None:
        until(lambda: not any(self.owed().values()), lambda: f"at rest: {self.owed()}", within)

    def sales(self, sku: str) -> list[dict]:
        """The sales log of an SKU."""
        return self.home.ask("sales", "--sku", sku)

    def backoffice_ids(self, sku: str) -> list[str | None]:
        """The back office's ids in the sales log of an SKU, without a command."""
        with self.engine.database.reading() as session:
            return list(session.exec(select(SalesLog.backoffice_id).where(SalesLog.sku == sku)))

    def backoffice_is_failing(self) -> bool:
        """Whether syncd knows that the back office does not do what it is asked just now."""
        with self.engine.database.reading() as session:
            row = session.exec(select(Connection).where(Connection.role == ConnectionRole.BACKOFFICE)).one()
            return row.failing_since is not None

    def booked(self, sku: str) -> list[dict]:
        """The back office's own sales of an SKU."""
        return [sale for sale in self.stage.till.sales() if any(line["sku"] == sku for line in sale["lines"])]

    def pushes(self, store: str, sku: str) -> list[dict]:
        """Numbers that syncd has set in a store."""
        return [push for push in self.hand(store).log()["pushes"] if push["sku"] == sku]

    def issues(self, kind: str) -> list[dict]:
        return [issue for issue in self.home.ask("issues", "list") if issue["kind"] == kind]

    def open_issues(self) -> list[str]:
        """Kinds of the open issues, without a command."""
        with self.engine.database.reading() as session:
            return list(session.exec(select(Issue.kind).where(Issue.state == IssueState.OPEN)))

    def deliveries(self, store: str, topic: str) -> list[Delivery]:
        """What a store has told, as it came, oldest first."""
        with self.engine.database.reading() as session:
            rows = session.exec(
                select(Delivery)
                .join(Connection, col(Connection.id) == col(Delivery.connection_id))
                .where(Connection.name == store, Delivery.topic == topic)
                .order_by(col(Delivery.id))
            ).all()
            return list(rows)

    def deliveries_kept(self) -> int:
        """How many deliveries are kept of all stores."""
        with self.engine.database.reading() as session:
            return session.exec(select(func.count()).select_from(Delivery)).one()

    def public_id(self, store: str) -> str:
        with self.engine.database.reading() as session:
            return session.exec(select(Connection.public_id).where(Connection.name == store)).one()

    def _merchant_id(self, session: Session) -> int:
        return session.exec(select(Connection.merchant_id).limit(1)).one()


@contextmanager
def founded(
    folder: Path,
    database_url: str,
    skus: Sequence[Good],
    *,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    before: Callable[[Town], None] = lambda _: None,
    in_shadow: Callable[[Town], None] = lambda _: None,
) -> Iterator[Town]:
    """Everything connected and live, by commands. `before` happens before anything is connected."""
    home = Home(folder=folder / "home", port=free_port())
    web = {"listen": f"127.0.0.1:{home.port}", "public_url": home.address}
    wanted = {**SETTINGS, "web": web, "database": {"url": database_url}}
    wanted["schedule"] = {**SETTINGS["schedule"], **RARELY}
    for section, values in (settings or {}).items():
        wanted[section] = {**wanted.get(section, {}), **values}
    home.configure(wanted)
    home.command("init")
    with (
        set_up(clock=lambda: datetime.now(UTC), random=random.Random(7)) as stage,
        opened(load_settings(home.folder)) as engine,
    ):
        stock_up(stage, skus)
        town = Town(home=home, stage=stage, engine=engine)
        try:
            before(town)
            home.start()
            _connect(town)
            in_shadow(town)
            for store in STORES:
                home.command("connections", "live", store, "--yes")
            town.rest()
            yield town
        finally:
            home.stop()


def _connect(town: Town) -> None:
    """As the README says it."""
    home, stage = town.home, town.stage
    known = stage.prokip.credentials
    people = {name: str(getattr(known, name)) for name in ("username", "password", "client_id", "client_secret")}
    connect_prokip(home, stage.till.address, people, stage.prokip.people.location().name)
    home.command(
        *("connect", "shopify", "--name", "shopify", "--shop", SHOP, "--api-url", stage.hands["shopify"].address),
        *("--token", stage.shopify.access_token, "--webhook-secret", stage.shopify.client_secret),
    )
    home.command(
        *("connect", "woocommerce", "--name", "woocommerce", "--url", stage.hands["woocommerce"].address),
        *("--key", stage.woocommerce.key.key, "--secret", stage.woocommerce.key.secret),
    )
