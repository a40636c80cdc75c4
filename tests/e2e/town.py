"""Two simulated WooCommerce shops on real sockets, syncd's own ledger, and the daemon as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from sqlmodel import Session, select

from schema.tables import Listing, Merchant, MovementKind, StockItem
from syncd.config import Settings, load_settings
from syncd.engine import backoffice, connect, desired, ledger
from syncd.engine.context import Engine
from syncd.engine.init import make_home
from syncd.engine.locations import places_of
from syncd.engine.opening import opened
from syncd.sandbox.serve import served
from syncd.sandbox.woocommerce import SimulatedWooCommerce

ROOT = Path(__file__).resolve().parents[2]
SYNCD = (sys.executable, "-c", "import sys; from cli import main; sys.exit(main())")
WITHIN = 30.0


def until(holds: Callable[[], bool], what: str, within: float = WITHIN) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.05)


@dataclass
class Daemon:
    """A running `syncd run`."""

    process: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def events(self) -> list[str]:
        return [str(line["event"]) for line in self.lines()]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WITHIN)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Town:
    """The shops by name, and the home that the daemon works in."""

    home: Path
    settings: Settings
    shops: dict[str, SimulatedWooCommerce] = field(default_factory=dict)
    connection_ids: dict[str, int] = field(default_factory=dict)
    merchant_id: int = 0
    port: int = 0
    _started: list[Daemon] = field(default_factory=list)

    def launch(self, **environment: str) -> Daemon:
        """Start a daemon; it may end at once."""
        log = self.home / f"daemon-{len(self._started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*SYNCD, "--dir", str(self.home), "run"],
                cwd=ROOT,
                stdout=output,
                stderr=output,
                env={**os.environ, **environment},
            )
        daemon = Daemon(process=process, log=log)
        self._started.append(daemon)
        return daemon

    def start(self, **environment: str) -> Daemon:
        """Start a daemon and wait until it serves."""
        daemon = self.launch(**environment)
        until(lambda: daemon.process.poll() is not None or self.status("/readyz") == 200, "the daemon is ready")
        assert daemon.process.poll() is None, daemon.log.read_text()
        return daemon

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status
        except OSError as error:
            return getattr(error, "code", 0)

    def shown(self, sku: str) -> dict[str, int | None]:
        """What every shop shows its customers."""
        return {name: shop.people.stock()[sku] for name, shop in self.shops.items()}

    def query(self, statement: object) -> list[object]:
        with opened(self.settings) as engine, engine.database.reading() as session:
            return list(session.exec(statement).all())

    def looked(self) -> bool:
        """Whether syncd knows what every shop shows."""
        items = self.query(select(StockItem).join(Listing, Listing.stock_item_id == StockItem.id))
        return bool(items) and all(item.observed is not None for item in items)

    def stop_all(self) -> None:
        for daemon in self._started:
            if daemon.process.poll() is None:
                daemon.kill()


@contextmanager
def founded(home: Path, database_url: str, skus: dict[str, int], names: tuple[str, ...] = ("a", "b")) -> Iterator[Town]:
    """Shops with these goods, connected and live, on syncd's own ledger; no daemon yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(
        f'[database]\nurl = "{database_url}"\n[web]\nlisten = "127.0.0.1:{port}"\n'
        f'public_url = "http://127.0.0.1:{port}"\nstop_within = "10s"\n'
        '[security]\nallow_private_addresses = true\n[push]\nsettle = "2s"\nunknown_quarantine = "3s"\n'
        'look_grace = "1s"\n[lease]\nduration = "6s"\nrenew = "2s"\n[log]\nformat = "json"\n'
    )
    make_home(home)
    town = Town(home=home, settings=load_settings(home), port=port)
    with ExitStack() as running:
        running.callback(town.stop_all)
        for name in names:
            shop = SimulatedWooCommerce(clock=lambda: datetime.now(UTC), random=Random(name), queue_seconds=0.05)
            shop.url = running.enter_context(served(shop))
            for sku, quantity in skus.items():
                shop.people.add_product(sku, quantity)
            town.shops[name] = shop
        with opened(town.settings) as engine:
            _connect(town, engine, skus)
        yield town


def _connect(town: Town, engine: Engine, skus: dict[str, int]) -> None:
    with engine.database.reading() as session:
        town.merchant_id = session.exec(select(Merchant.id)).one()
    place = backoffice.set_ledger(engine, town.merchant_id, actor="test").location
    with engine.database.transaction() as session:
        for sku, quantity in skus.items():
            _count(session, town.merchant_id, place, sku, quantity)
    for name, shop in town.shops.items():
        wanted = connect.StoreRequest(
            merchant_id=town.merchant_id,
            platform="woocommerce",
            settings={"url": shop.url},
            name=name,
            live=True,
            actor="test",
        )
        keys = {"consumer_key": shop.key.key, "consumer_secret": shop.key.secret}
        done = connect.connect_store(engine, wanted, keys)
        assert done.is_live, done
        town.connection_ids[name] = done.connection_id


def _count(session: Session, merchant_id: int, place: str, sku: str, quantity: int) -> None:
    (location,) = places_of(session, merchant_id, [place])
    now = datetime.now(UTC)
    ledger.add_movement(
        session,
        merchant_id=merchant_id,
        location_id=location.id,
        sku=sku,
        kind=MovementKind.ADJUSTMENT,
        on_hand_delta=quantity,
        value=quantity,
        source="ledger",
        event=f"count:{sku}",
        occurred_at=now,
        now=now,
    )
    desired.refresh(session, merchant_id, [sku])
