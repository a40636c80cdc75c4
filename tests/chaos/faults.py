"""What happens to the machines: one trouble after another, at random but seeded moments.

Each trouble is a function that does its harm, waits, and mends it; the diary keeps from when to when it lasted.
"""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from syncd.demo.stage import Stage
from tests.chaos.clock import SteppedClock
from tests.chaos.daemons import Daemon
from tests.chaos.database import Postgres, Sqlite
from tests.chaos.disk import Disk
from tests.chaos.network import Mode, Network

STORE_TROUBLE = {
    "latency_seconds": 0.03,
    "error_rate": 0.02,
    "lost_answer_rate": 0.02,
    "webhook_drop_rate": 0.08,
    "webhook_duplicate_rate": 0.1,
    "webhook_delay_seconds": 0.2,
    "webhook_reorder": True,
}
PROKIP_TROUBLE = {
    "latency_seconds": 0.03,
    "error_rate": 0.02,
    "lost_answer_rate": 0.01,
    "commit_then_500_rate": 0.02,
    "commit_then_hang_rate": 0.02,
    "commit_then_hang_seconds": 2.0,
}
"""What goes wrong all the time."""

BUSY_WITHIN = 3.0
CLOCK_STEPS = (-7200.0, -45.0, 45.0, 7200.0)


@dataclass(slots=True)
class Diary:
    """Troubles by kind, and when they were. Seconds of the steady counter."""

    count: Counter[str] = field(default_factory=Counter)
    times: list[tuple[float, float, str]] = field(default_factory=list)
    exits: list[str] = field(default_factory=list)

    @contextmanager
    def note(self, kind: str) -> Iterator[None]:
        """The block is such a trouble."""
        began = time.monotonic()
        self.count[kind] += 1
        self.times.append((began, float("inf"), kind))
        try:
            yield
        finally:
            self.times[-1] = (began, time.monotonic(), kind)

    def blind_for(self, now: float, usual: float, recovery: float) -> float:
        """For how long before `now` a sale may be unknown everywhere: so far troubles and their recovery reach back."""
        start = now - usual
        for began, ended, _ in reversed(self.times):
            if ended + recovery >= start:
                start = min(start, began - usual)
        return now - start


@dataclass(slots=True, kw_only=True)
class Driver:
    """Does it, in the thread that calls `run`, until `stop` is set.

    `lease` in seconds; `only` these kinds where there are any; `revive` starts again what is not running.
    """

    random: random.Random
    daemons: Sequence[Daemon]
    database: Postgres | Sqlite
    disk: Disk
    network: Network
    stage: Stage
    clock: SteppedClock | None
    lease: float
    pause: tuple[float, float]
    only: Sequence[str] = ()
    stop: threading.Event
    told: Callable[[str], None]
    revive: Callable[[], None]
    diary: Diary = field(default_factory=Diary)

    def run(self) -> None:
        """One trouble after another; every kind comes before any comes twice."""
        waiting: list[str] = []
        while not self.stop.wait(self.random.uniform(*self.pause)):
            if not waiting:
                waiting = self.random.sample(sorted(self.kinds), len(self.kinds))
            kind = waiting.pop()
            with self.diary.note(kind):
                self.kinds[kind]()
            self.revive()

    @property
    def kinds(self) -> Mapping[str, Callable[[], None]]:
        """What can happen here."""
        found: dict[str, Callable[[], None]] = {
            "daemon killed": self._kill,
            "daemon stopped and started": self._restart,
            "network cut": lambda: self._network(Mode.REFUSE),
            "network stalled": lambda: self._network(Mode.STALL),
            "answers lost": lambda: self._network(Mode.MUTE),
            "connections reset": self._reset,
            "store slow": self._slow,
            "store down": self._down,
            "daemon frozen": self._freeze,
            "all killed": self._kill_all,
        }
        if isinstance(self.database, Postgres):
            found |= {
                "database restarted": lambda: self._restart_database(immediately=False),
                "database crashed": lambda: self._restart_database(immediately=True),
                "database connections cut": self._cut_database,
            }
        if self.disk.is_small:
            found["disk full"] = self._fill_disk
        if self.clock is not None:
            found["clock stepped"] = self._step_clock
        return {kind: does for kind, does in found.items() if not self.only or kind in self.only}

    def _wait(self, least: float, most: float) -> None:
        self.stop.wait(self.random.uniform(least, most))

    def _busy_daemon(self) -> Daemon:
        """The one that writes to a platform next: hit in the middle of it. Any where nobody does for a while."""
        seen = len(self.network.writes)
        until = time.monotonic() + BUSY_WITHIN
        while len(self.network.writes) == seen and time.monotonic() < until and not self.stop.wait(0.005):
            pass
        writer = self.network.writes[-1].pid if len(self.network.writes) > seen else None
        busy = [daemon for daemon in self.daemons if daemon.is_running and daemon.process.pid == writer]
        return busy[0] if busy else self.random.choice(self.daemons)

    def _kill(self) -> None:
        daemon = self._busy_daemon()
        self.told(f"{daemon.name} is killed")
        daemon.kill()
        self._wait(0.0, 3.0)

    def _kill_all(self) -> None:
        self.told("every daemon is killed, and the database crashes")
        for daemon in self.daemons:
            daemon.kill()
        if isinstance(self.database, Postgres):
            self.database.stop(immediately=True)
        self._wait(0.0, 2.0)

    def _restart(self) -> None:
        daemon = self.random.choice(self.daemons)
        self.told(f"{daemon.name} is stopped and started")
        code = daemon.stop()
        if code not in (0, -signal.SIGTERM):  # the latter: it had only just been started and had begun nothing
            self.diary.exits.append(f"{daemon.name} ended with {code} when it was told to stop")

    def _freeze(self) -> None:
        daemon = self._busy_daemon()
        self.told(f"{daemon.name} is frozen beyond its lease")
        daemon.freeze()
        try:
            self._wait(self.lease + 3.0, self.lease + 6.0)
        finally:
            daemon.thaw()
        self.told(f"{daemon.name} goes on")
        self._wait(1.0, 2.0)

    def _restart_database(self, *, immediately: bool) -> None:
        self.told(f"PostgreSQL {'crashes' if immediately else 'is restarted'}")
        self.database.stop(immediately=immediately)
        self._wait(0.0, 2.0)
        self.database.ensure_running()

    def _cut_database(self) -> None:
        for _ in range(self.random.randint(1, 4)):
            self.told(f"{self.database.cut()} connections to PostgreSQL are cut")
            self._wait(0.0, 0.7)

    def _network(self, mode: Mode) -> None:
        wire = self.network.wires[self.random.choice(("shopify", "woocommerce", "prokip"))]
        self.told(f"the network to {wire.name}: {mode}")
        wire.set(mode)
        try:
            self._wait(1.0, 3.0)
        finally:
            if mode is Mode.STALL and self.random.random() < 0.5:
                wire.set(Mode.REFUSE)  # what was held back never arrives
            wire.set(Mode.OPEN)

    def _reset(self) -> None:
        for _ in range(self.random.randint(2, 6)):
            wire = self.random.choice(list(self.network.wires.values()))
            self.told(f"connections to {wire.name} are reset")
            wire.cut()
            self._wait(0.0, 0.5)

    def _slow(self) -> None:
        store = self.random.choice(list(self.stage.stores.values()))
        self.told(f"{store.name} is slow")
        store.trouble(latency_seconds=1.5)
        try:
            self._wait(3.0, 6.0)
        finally:
            store.trouble(latency_seconds=STORE_TROUBLE["latency_seconds"])

    def _down(self) -> None:
        place = self.random.choice(list(self.stage.hands.values()))
        self.told(f"{place.name} is down")
        place.trouble(down=True)
        try:
            self._wait(2.0, 5.0)
        finally:
            place.trouble(down=False)

    def _fill_disk(self) -> None:
        self.told("the disk of the database is full")
        self.disk.fill()
        try:
            self._wait(2.0, 5.0)
        finally:
            self.disk.empty()

    def _step_clock(self) -> None:
        seconds = self.random.choice(CLOCK_STEPS)
        self.told(f"the clock of {self.daemons[0].name} is {seconds:+.0f} s off")
        self.clock.step(seconds)
        try:
            self._wait(3.0, 6.0)
        finally:
            self.clock.step(0.0)


def begin_platform_trouble(stage: Stage) -> None:
    """What goes wrong all the time begins."""
    for store in stage.stores.values():
        store.trouble(**STORE_TROUBLE)
    stage.till.trouble(**PROKIP_TROUBLE)
