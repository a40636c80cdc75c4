"""One `syncd run` without threads: the daemon's own hands, each taking a step when the scheduler says so.

A process dies at any moment of its calls and around any commit; what it held runs out by itself.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from connectors.sdk.contract import Clock, Plugin
from connectors.sdk.errors import ConnectorError
from schema.tables import Connection, ConnectionRole, ConnectionState, Merchant
from syncd.config import Settings
from syncd.daemon.jobs import Jobs
from syncd.daemon.loops import Pause
from syncd.daemon.office_hands import ReadingHand, RecordingHand
from syncd.daemon.store_hand import StoreHand
from syncd.engine import intake, runs
from syncd.engine.connectors import Connectors
from syncd.engine.context import Engine
from syncd.engine.database import Database, open_database
from syncd.engine.leases import LeaseKeeper
from syncd.engine.vault import Keyring
from syncd.errors import LeaseLost, SyncdError

AT_START = ("pull_orders", "check_webhooks")
JOBS = (
    "pull_orders",
    "check_webhooks",
    "catalogue",
    "reconcile",
    "backoffice_hint",
    "backoffice_sweep",
    "backoffice_catalogue",
)


class Crash(BaseException):
    """The process is gone: not an error that anything may catch."""


class WatchedDatabase(Database):
    """A database that tells of the moments before and after each commit."""

    on_moment: Callable[[str], None] | None = None

    @staticmethod
    def over(url: str) -> "WatchedDatabase":
        plain = open_database(url)
        return WatchedDatabase(plain.dialect, plain._writer, plain._reader)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            yield session
            self._pass("commit.before")
        self._pass("commit.after")

    def _pass(self, moment: str) -> None:
        if self.on_moment is not None:
            self.on_moment(moment)


@dataclass
class Hand:
    """One loop: what it does, and when it is to be asked again."""

    name: str
    step: Callable[[], Pause]
    jobs: Jobs | None = None
    asleep_until: datetime | None = None
    deaf_until: datetime | None = None
    failures: int = 0

    def is_due(self, now: datetime) -> bool:
        return self.asleep_until is None or self.asleep_until <= now

    def rest(self, pause: Pause, now: datetime) -> None:
        self.deaf_until = now + timedelta(seconds=pause.at_least)
        self.asleep_until = now + timedelta(seconds=pause.seconds)

    def ring(self) -> None:
        if self.asleep_until is not None and self.deaf_until is not None:
            self.asleep_until = min(self.asleep_until, self.deaf_until)


@dataclass
class Process:
    """The hands of one process, over an engine of its own."""

    name: str
    engine: Engine
    keeper: LeaseKeeper
    hands: dict[str, Hand] = field(default_factory=dict)
    busy: list[str] = field(default_factory=list)
    is_frozen: bool = False

    def due(self, now: datetime) -> list[Hand]:
        return [hand for hand in self.hands.values() if hand.is_due(now) and hand.name not in self.busy]

    def take(self, hand: Hand) -> None:
        """One step, with what the loop around it would make of its errors."""
        self.busy.append(hand.name)
        try:
            pause = hand.step()
            hand.failures = 0
        except (LeaseLost, ConnectorError, SyncdError):
            hand.failures += 1
            wait = min(60.0, 2.0 ** (hand.failures - 1))
            pause = Pause(wait, wait)
        finally:
            self.busy.remove(hand.name)
        hand.rest(pause, self.engine.clock.now())

    def look_around(self) -> None:
        """A hand for each store that is connected, and for no other."""
        connected = select(Connection.id).where(
            Connection.role == ConnectionRole.STORE, Connection.state != ConnectionState.DISCONNECTED
        )
        with self.engine.database.reading() as session:
            needed = {f"store-{store}": store for store in session.exec(connected.order_by(col(Connection.id)))}
        for name in [name for name in self.hands if name.startswith("store-") and name not in needed]:
            del self.hands[name]
            self.engine.connectors.forget(int(name.removeprefix("store-")))
        for name, store in needed.items():
            if name in self.hands:
                continue
            jobs = Jobs(self.engine, store)
            for job in AT_START:
                jobs.want(job)
            hand = StoreHand(engine=self.engine, keeper=self.keeper, connection_id=store, jobs=jobs)
            self.hire(Hand(name, hand.step, jobs))

    def hire(self, hand: Hand) -> None:
        self.hands[hand.name] = hand

    def want(self, *kinds: str) -> None:
        """The clockwork strikes."""
        for hand in self.hands.values():
            if hand.jobs is not None:
                for kind in kinds:
                    hand.jobs.want(kind)
                hand.ring()


def start(
    name: str,
    database: Database,
    clock: Clock,
    settings: Settings,
    keyring: Keyring,
    plugins: dict[str, Plugin],
    chance: random.Random,
) -> Process:
    """A process that has just begun."""
    engine = Engine(
        database=database,
        clock=clock,
        settings=settings,
        keyring=keyring,
        plugins=plugins,
        connectors=Connectors(),
        random=chance,
        holder=name,
    )
    process = Process(name=name, engine=engine, keeper=LeaseKeeper(engine))
    with database.reading() as session:
        merchants = session.exec(select(Merchant.id)).all()
    process.hire(Hand("intake", lambda: Pause(0.0 if intake.apply_new(engine, 20) else 1.0)))
    process.hire(Hand("runs", lambda: Pause(0.0 if runs.begin_wanted(engine) else 1.0)))
    process.look_around()
    for merchant in merchants:
        recording = RecordingHand(engine=engine, keeper=process.keeper, merchant_id=merchant)
        process.hire(Hand(f"recording-{merchant}", recording.step))
        jobs = Jobs(engine, merchant)
        reading = ReadingHand(engine=engine, keeper=process.keeper, merchant_id=merchant, jobs=jobs)
        process.hire(Hand(f"reading-{merchant}", reading.step, jobs))
    return process
