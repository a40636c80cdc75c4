"""Everything that runs: platforms, network, database, daemons; set up by the commands that a user types."""

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import select

from schema.tables import Merchant
from syncd.config import load_settings
from syncd.demo.measure import Measure
from syncd.demo.process import CommandFailed, Home
from syncd.demo.stage import GOODS, SHOP, STORES, Stage, set_up, stock_up
from syncd.demo.town import Town
from syncd.engine import status
from syncd.engine.opening import opened
from tests.chaos import clock
from tests.chaos.daemons import Daemon
from tests.chaos.database import Postgres, Sqlite, a_database
from tests.chaos.disk import Disk, small_disk
from tests.chaos.network import Network, Wire

LEASE = 4.0
USUAL = 12.0
"""Seconds after which a sale should be known everywhere when nothing fails."""
REST_WITHIN = 120.0
DISK = {"postgresql": 700, "sqlite": 160}
"""Megabytes."""
MARKS = {
    "shopify": (b"inventorySetQuantities",),
    "woocommerce": (b'"stock_quantity"',),
    "prokip": (b"POST /connector/api/sell",),
}
"""What only a request has that writes a number or records a sale."""
COUNTERS = ("deliveries_unapplied", "pushes_owed", "looks_due", "backoffice_owed")
SETTINGS: dict[str, dict[str, object]] = {
    "security": {"allow_private_addresses": True},
    "schedule": {
        "backoffice_hint": "2s",
        "backoffice_sweep": "6s",
        "backoffice_catalogue": "1m",
        "pull_orders": "5s",
        "catalogue": "5m",
        "reconcile": "20s",
        "check_webhooks": "15s",
        "clean_deliveries": "30s",
        "jitter": "0s",
    },
    "backoffice": {"unknown_quarantine": "4s", "begin_within": "3s", "requests_per_minute": 6000},
    "push": {"unknown_quarantine": "4s", "settle": "3s", "look_grace": "1s", "begin_within": "3s"},
    "lease": {"duration": f"{LEASE:.0f}s", "renew": "1s"},
    "log": {"format": "json"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to play, with one daemon for each of `roles`. `acts_a_second` and `pause` (seconds between two troubles) say how wild it gets.

    `kinds` are the troubles that come, all where it is empty. With `keep` the logs stay.
    """

    database: str = "postgresql"
    roles: Sequence[str] = ("all", "all", "all")
    seconds: float = 600.0
    seed: int = 1
    acts_a_second: float = 3.0
    pause: tuple[float, float] = (2.0, 8.0)
    kinds: Sequence[str] = ()
    keep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The running parts."""

    wanted: Wanted
    stage: Stage
    network: Network
    disk: Disk
    database: Postgres | Sqlite
    home: Home
    daemons: list[Daemon]
    clock: clock.SteppedClock | None
    town: Town = field(init=False)

    def __post_init__(self) -> None:
        town = Town(
            stage=self.stage,
            goods=GOODS,
            random=random.Random(self.wanted.seed),
            measure=Measure(stores=STORES, knowable_after=USUAL),
            seconds=time.monotonic,
            told=lambda _: None,
        )
        object.__setattr__(self, "town", town)

    def owed(self) -> dict[str, int]:
        """The counters of `syncd status` that are 0 at rest. Raises SyncdError while the database is away."""
        with opened(load_settings(self.home.folder, {})) as engine, engine.database.reading() as session:
            merchant_id = session.exec(select(Merchant.id)).one()
            found = status.status(session, merchant_id, engine.clock.now())
        return {name: getattr(found, name) for name in COUNTERS}

    def revive(self) -> None:
        """Whatever is not running is started, as a supervisor does."""
        if isinstance(self.database, Postgres):
            self.database.ensure_running()
        for daemon in self.daemons:
            if not daemon.is_running:
                daemon.start()


@contextmanager
def set_scene(wanted: Wanted, told: Callable[[str], None]) -> Iterator[Scene]:
    """Three platforms, a home, a database, daemons, two live stores; everything is ended at the end."""
    with ExitStack() as running:
        folder = running.enter_context(_folder(told, keep=wanted.keep))
        stage = running.enter_context(set_up(clock=lambda: datetime.now(UTC), random=random.Random(wanted.seed)))
        disk = running.enter_context(small_disk(DISK[wanted.database]))
        database = running.enter_context(a_database(wanted.database, disk))
        stepped = clock.build(folder)
        home = Home(folder=folder / "home", port=0)
        daemons = [
            Daemon(name=f"daemon-{number}", home=home.folder, role=role) for number, role in enumerate(wanted.roles)
        ]
        if stepped is not None:
            daemons[0].environment = stepped.environment
        network = running.enter_context(_wired(stage, daemons).running())
        running.callback(_end_all, daemons)
        scene = Scene(
            wanted=wanted,
            stage=stage,
            network=network,
            disk=disk,
            database=database,
            home=home,
            daemons=daemons,
            clock=stepped,
        )
        _open(scene, told)
        yield scene


@contextmanager
def _folder(told: Callable[[str], None], *, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="syncd-chaos-"))
    try:
        yield folder
    finally:
        if keep:
            told(f"the home and its logs stay in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _wired(stage: Stage, daemons: Sequence[Daemon]) -> Network:
    """A wire to each platform, and one, `edge`, on which the stores reach any of the daemons."""
    ports = {name: int(hand.address.rpartition(":")[2]) for name, hand in stage.hands.items()}
    wires = [Wire(name=name, targets=[port], marks=MARKS[name]) for name, port in ports.items()]
    network = Network([*wires, Wire(name="edge", targets=[daemon.port for daemon in daemons])])
    network.pids = lambda: [pid for daemon in daemons for pid in daemon.pids[-2:]]
    return network


def _end_all(daemons: Sequence[Daemon]) -> None:
    for daemon in daemons:
        if daemon.is_running:
            daemon.kill()


def _open(scene: Scene, told: Callable[[str], None]) -> None:
    """From nothing to two live stores."""
    stage, home, wires = scene.stage, scene.home, scene.network.wires
    stock_up(stage, store_differs_by=2)
    stage.woocommerce.url = wires["woocommerce"].address
    home.configure({**SETTINGS, "database": {"url": scene.database.url}, "web": {"public_url": wires["edge"].address}})
    home.command("init")
    if isinstance(scene.database, Postgres):
        scene.database.begin_audit()
    for daemon in scene.daemons:
        daemon.start()
    told(f"{len(scene.daemons)} daemons are running on {scene.database.kind}; connecting the stores")
    home.command(
        *("backoffice", "set", "prokip", "--url", wires["prokip"].address),
        *("--location", stage.prokip.people.location().name, "--token", stage.prokip.credentials.access_token),
    )
    home.command(
        *("connect", "shopify", "--name", "shopify", "--shop", SHOP, "--api-url", wires["shopify"].address),
        *("--token", stage.shopify.access_token, "--webhook-secret", stage.shopify.client_secret, "--live"),
    )
    key = stage.woocommerce.key
    home.command(
        *("connect", "woocommerce", "--name", "woocommerce", "--url", wires["woocommerce"].address),
        *("--key", key.key, "--secret", key.secret, "--live"),
    )
    _wait_until_right(scene)


def _wait_until_right(scene: Scene) -> None:
    deadline = time.monotonic() + REST_WITHIN
    while any(scene.owed().values()) or differs(scene.town):
        if time.monotonic() > deadline:
            raise CommandFailed(f"syncd did not come to rest after going live: {scene.owed()}, {differs(scene.town)}")
        time.sleep(0.3)


def differs(town: Town) -> list[str]:
    """Where a store shows something else than the truth."""
    return [
        f"{name} shows {shows} × {sku}, should show {max(0, town.truth[sku])}"
        for name, hand in town.stage.stores.items()
        for sku, shows in hand.stock().items()
        if max(0, shows) != max(0, town.truth[sku])
    ]
