"""A merchant with simulated stores and a back office, on a database that is copied from a migrated template."""

import logging
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import structlog

from connectors.sdk.fake import FakeBackOfficePlugin, FakeOffice, FakePlugin, FakeShop
from connectors.sdk.fake.post import TOPICS
from schema.migrate import upgrade
from schema.tables import (
    BackOffice,
    Connection,
    ConnectionRole,
    ConnectionState,
    Delivery,
    Location,
    Merchant,
    PoolLocation,
    Rule,
    RuleKind,
)
from syncd.clock import ManualClock
from syncd.config import Settings
from syncd.engine import catalogue, leases, match, poll
from syncd.engine.vault import Keyring, new_key
from tests.simulation.system import process
from tests.simulation.system.own_ledger import OwnLedger
from tests.simulation.system.process import Process, WatchedDatabase
from tests.simulation.system.setting import Setting

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATE_SKU = "LATER"


@cache
def _ground() -> tuple[Path, Path, WatchedDatabase, Keyring]:
    """What all histories of this process share: a migrated template, the file, the engine over it, a key."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="syncd-sim-", dir=memory if memory.is_dir() else None))
    template, file = folder / "template.db", folder / "history.db"
    upgrade(f"sqlite:///{template}")
    return template, file, WatchedDatabase.over(f"sqlite:///{file}"), Keyring([new_key()])


def leave_ground() -> None:
    """Give back what `_ground` took, at the end of a process."""
    if _ground.cache_info().currsize:
        template, _, database, _ = _ground()
        database.close()
        shutil.rmtree(template.parent, ignore_errors=True)


@dataclass
class World:
    """The parts of one history."""

    setting: Setting
    clock: ManualClock
    shops: dict[str, FakeShop]
    office: FakeOffice
    database: WatchedDatabase
    plugins: dict[str, object]
    settings: Settings
    keyring: Keyring
    books: sqlite3.Connection
    ids: dict[str, int] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    merchant_id: int = 0
    processes: list[Process] = field(default_factory=list)
    started: int = 0
    end_listening: Callable[[], None] | None = None

    # ------------------------------------------------------------------------------------------ processes

    def start_process(self) -> Process:
        self.started += 1
        name = f"p{self.started}"
        chance = random.Random(f"{name}")
        begun = process.start(name, self.database, self.clock, self.settings, self.keyring, self.plugins, chance)
        self.processes.append(begun)
        return begun

    def kill(self, dead: Process) -> None:
        """It is gone, and the next one begins."""
        if dead in self.processes:
            self.processes.remove(dead)
            self.start_process()

    def look_around(self) -> None:
        for running in self.processes:
            running.look_around()

    def ring(self) -> None:
        for running in self.processes:
            for hand in running.hands.values():
                hand.ring()

    # ------------------------------------------------------------------------------------------ time and mail

    def now(self) -> datetime:
        return self.clock.now()

    def pass_time(self, seconds: float) -> None:
        """Time goes on; who is not frozen renews the leases that it holds."""
        while seconds > 0:
            part = min(seconds, 9.0) if any(p.keeper._held for p in self.processes) else seconds
            self.clock.advance(timedelta(seconds=part))
            seconds -= part
            for running in self.processes:
                if not running.is_frozen and running.keeper._held:
                    running.keeper.renew_all()

    def store_delivery(self, name: str, headers: dict[str, str], body: bytes, copy: int) -> None:
        """Put one delivery into the inbox; copies get keys of their own, so that nothing hides them."""
        door = self.plugins["fake"].door
        with self.database.transaction() as session:
            session.add(
                Delivery(
                    connection_id=self.ids[name],
                    key=f"{door.delivery_key(headers, body)}:{copy}",
                    topic=door.topic(headers, body),
                    headers=dict(headers),
                    body=body,
                    received_at=self.now(),
                )
            )
        self.ring()

    # ------------------------------------------------------------------------------------------ seeing

    def query(self, statement: str, *values: object) -> list[tuple]:
        """Rows of our own database, as they are committed."""
        return self.books.execute(statement, values).fetchall()

    def time_of(self, text: str | None) -> datetime | None:
        return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)

    def state(self, name: str) -> str:
        return self.query("SELECT state FROM connection WHERE id = ?", self.ids[name])[0][0]

    def close(self) -> None:
        self.books.close()
        self.end_listening()
        self.database.on_moment = None
        self.database.close()


def make_world(setting: Setting) -> World:
    """Everything stands, all stores are in shadow."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    template, file, database, keyring = _ground()
    for old in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        old.unlink(missing_ok=True)
    shutil.copyfile(template, file)
    clock = ManualClock(NOON)
    stores, offices = FakePlugin(), FakeBackOfficePlugin()
    shops = {
        name: stores.add(FakeShop(clock=clock, account_id=f"{name}.example", compares=shop.compares, skew=shop.skew))
        for name, shop in setting.shops.items()
    }
    office = OwnLedger(clock=clock) if setting.has_own_ledger else offices.add(FakeOffice(clock=clock))
    settings = Settings(home=file.parent)
    if not setting.has_nightly:
        schedule = settings.schedule.model_copy(update={"reconcile": timedelta(days=9999)})
        settings = settings.model_copy(update={"schedule": schedule})
    world = World(
        setting=setting,
        clock=clock,
        shops=shops,
        office=office,
        database=database,
        plugins={"fake": stores, "fake-office": offices},
        settings=settings,
        keyring=keyring,
        books=sqlite3.connect(file, isolation_level=None),
    )
    if setting.has_own_ledger:
        office.world = world
    world.end_listening = database.on_wake(world.ring)
    _stock(world)
    with database.transaction() as session:
        _fill(world, session)
    _read_first(world)
    return world


def _stock(world: World) -> None:
    """Goods in the stores and in the back office."""
    setting = world.setting
    for sku in setting.skus:
        if sku != LATE_SKU:
            world.office.add_item(sku, {"L1": setting.on_hand, "L2": setting.on_hand // 2})
    for name, shop in world.shops.items():
        shop.post.subscriptions = {
            topic: f"https://syncd.example/{name}"
            for topic in TOPICS
            if setting.shops[name].has_hints or topic != "stock/changed"
        }
        shop.wire.faults.order_lag = setting.shops[name].order_lag
        for sku in setting.skus:
            _offer(shop, name, sku, setting.on_hand)
        shop.take_deliveries()


def _offer(shop: FakeShop, name: str, sku: str, quantity: int) -> None:
    """Some goods are odd in some stores: shared figures, untracked ones."""
    if sku == "SET" and name == "b" and any(item.sku == "TIN" for item in shop.items.values()):
        shop.add_item(sku, stock_id=shop.item("TIN").ref.stock_id)
    elif sku == "TIN" and name == "b" and any(item.sku == "SET" for item in shop.items.values()):
        shop.add_item(sku, stock_id=shop.item("SET").ref.stock_id)
    elif sku == "CUP" and name == "a":
        first = shop.add_item(sku, quantity)
        shop.add_item(sku, stock_id=shop.items[first].ref.stock_id)
    elif sku == "PLATE" and name == "a":
        shop.add_item(sku, tracked=False)
    else:
        shop.add_item(sku, quantity)


def _fill(world: World, session: object) -> None:
    now = world.now()
    merchant = Merchant(name="Mwangaza", created_at=now)
    session.add(merchant)
    session.flush()
    world.merchant_id = merchant.id
    for place in ("L1", "L2"):
        row = Location(merchant_id=merchant.id, external_id=place, name=place, is_default=place == "L1")
        session.add(row)
        session.flush()
        world.places[place] = row.id
    if not world.setting.has_own_ledger:
        _connect(world, session, "office", "fake-office", ConnectionState.LIVE, "paid")
    for name, shop in world.setting.shops.items():
        _connect(world, session, name, "fake", ConnectionState.SHADOW, shop.record)
        for position, place in enumerate(shop.pool):
            session.add(PoolLocation(connection_id=world.ids[name], location_id=world.places[place], position=position))
    session.add(BackOffice(merchant_id=merchant.id, connection_id=world.ids.get("office")))
    for kind, value in world.setting.rules.items():
        session.add(Rule(merchant_id=merchant.id, kind=RuleKind(kind), value=value))


def _connect(world: World, session: object, name: str, platform: str, state: ConnectionState, record: str) -> None:
    is_office = name == "office"
    account = world.office.account_id if is_office else world.shops[name].account_id
    row = Connection(
        merchant_id=world.merchant_id,
        name=name,
        code=name,
        public_id=f"public-{name}",
        platform=platform,
        role=ConnectionRole.BACKOFFICE if is_office else ConnectionRole.STORE,
        state=state,
        record=record,
        account_id=account,
        currency="KES",
        settings={"office" if is_office else "shop": account},
        credentials=world.keyring.seal({}),
        live_at=world.now() if is_office else None,
        created_at=world.now(),
    )
    session.add(row)
    session.flush()
    world.ids[name] = row.id


def _read_first(world: World) -> None:
    """The catalogues are read, as connecting does."""
    for _ in range(world.setting.processes):
        world.start_process()
    engine = world.processes[0].engine
    if world.setting.has_own_ledger:
        world.office.begin()
    else:
        with leases.holding(engine, f"readings:{world.merchant_id}") as held:
            poll.catalogue(engine, held, world.merchant_id)
    for name in world.shops:
        with leases.holding(engine, f"store:{world.ids[name]}") as held:
            catalogue.refresh(engine, held, world.ids[name])
    match.match_waiting(engine, world.merchant_id)
