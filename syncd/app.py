"""The only place where the parts are put together: an engine for whoever needs one, and the daemon.

`build` and `App.run` are `syncd run`. What a command needs of the engine is put together by `syncd/engine/opening.py`.
"""

import os
import signal
import socket
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Literal

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from schema import migrate
from syncd.config import Settings
from syncd.daemon.crew import Crew
from syncd.daemon.schedule import make_clockwork
from syncd.daemon.server import WebServer, address_of, bind
from syncd.daemon.single import SingleInstance
from syncd.daemon.supervisor import notify, watchdog_interval
from syncd.engine import leases
from syncd.engine.context import Engine
from syncd.engine.database import open_database
from syncd.engine.inbox import Inbox
from syncd.engine.opening import assemble, close
from syncd.engine.people import setup_code
from syncd.engine.ticking import DatabaseClock
from syncd.errors import DatabaseAway
from syncd.web.edge import Edge, create_app
from syncd.web.metrics import Metrics

log = structlog.get_logger(__name__)

Role = Literal["all", "web", "worker"]
CHECK_EVERY = 0.5
SYNCHRONISE_EVERY = 60.0
CLOCK_JUMP = timedelta(seconds=1)


def is_daemon_running(settings: Settings) -> bool:
    """Whether a daemon works on this database, on whatever machine. One that was killed counts until its lease ends."""
    file = _sqlite_file(settings)
    if file is not None:
        return SingleInstance(file).is_taken()
    if migrate.current(settings.database_url) is None:
        return False
    with closing(open_database(settings.database_url)) as database:
        clock = DatabaseClock(database, threading.Event())
        clock.synchronise()
        with database.reading() as session:
            return leases.anybody_works(session, clock.now())


def build(settings: Settings, role: Role = "all") -> "App":
    """The daemon. Raises ConfigError, also where a second one would run on one SQLite database."""
    stop = threading.Event()
    engine = assemble(settings, stop=stop)
    file = _sqlite_file(settings)
    single = None if file is None else SingleInstance(file)
    if single is not None:
        single.take()
    listener = None if role == "worker" else bind(settings.web.listen)
    inbox = Inbox(engine.database)
    web = None
    if listener is not None:
        app = create_app(Edge(engine=engine, inbox=inbox, metrics=Metrics(), stopping=stop))
        web = WebServer(app=app, listener=listener, settings=settings)
    crew = None if role == "web" else Crew(engine)
    return App(
        settings=settings,
        engine=engine,
        role=role,
        listener=listener,
        single=single,
        stopping=stop,
        inbox=inbox,
        crew=crew,
        web=web,
        clockwork=None if crew is None else make_clockwork(settings.schedule, crew.want),
    )


@dataclass(slots=True, kw_only=True)
class App:
    """The daemon. `run` once."""

    settings: Settings
    engine: Engine
    role: Role
    listener: socket.socket | None
    single: SingleInstance | None
    stopping: threading.Event
    inbox: Inbox
    crew: Crew | None
    web: WebServer | None
    clockwork: BackgroundScheduler | None

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; the exit code. A second signal ends it at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        try:
            if self._wait_for_database():
                self._start()
                self._watch()
                self._stop()
        finally:
            close(self.engine)
            if self.single is not None:
                self.single.release()
        return 0 if self.stopping.is_set() else 1

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.stopping.is_set():
            os._exit(128 + number)
        self.stopping.set()

    def _wait_for_database(self) -> bool:
        """Migrated and answering; False when we are told to stop before it is."""
        is_told = False
        while not self.stopping.is_set():
            try:
                migrate.upgrade(self.settings.database_url)
                self._synchronise()
                if self.single is not None:
                    leases.release_dead(self.engine)
            except (OperationalError, DatabaseAway) as error:
                if not is_told:
                    log.warning("database_away", reason=str(error).splitlines()[0])
                    is_told = True
                self.stopping.wait(1.0)
            else:
                return True
        return False

    def _start(self) -> None:
        self.inbox.start()
        if self.crew is not None:
            self.crew.start()
        if self.clockwork is not None:
            self.clockwork.start()
        if self.web is not None:
            self.web.start()
        while self.web is not None and not self.web.is_ready() and self.web.is_alive():
            self.stopping.wait(0.02)
        log.info("ready", role=self.role, listen="" if self.listener is None else address_of(self.listener))
        notify("READY=1")
        if self.listener is not None:
            self._show_setup_code(address_of(self.listener))

    def _show_setup_code(self, listen: str) -> None:
        """While nobody owns the installation: to who can read this process's output, and not to the log."""
        code = setup_code.issue(self.engine.database, self.engine.keyring, self.engine.clock)
        if code is not None:
            address = f"{(self.settings.web.public_url or listen).rstrip('/')}/welcome"
            sys.stderr.write(f"Nobody owns this syncd yet. Open {address} and type the setup code {code}\n")
            sys.stderr.flush()

    def _watch(self) -> None:
        """Until we are told to stop, or a part that must run does not."""
        ping_every = watchdog_interval() or SYNCHRONISE_EVERY
        pinged = synchronised = time.monotonic()
        while not self.stopping.wait(CHECK_EVERY):
            if not self._is_whole():
                log.error("part_ended")
                return
            now = time.monotonic()
            if now - pinged >= ping_every:
                notify("WATCHDOG=1")
                pinged = now
            if now - synchronised >= SYNCHRONISE_EVERY:
                self._synchronise_if_there()
                synchronised = now

    def _is_whole(self) -> bool:
        return (self.web is None or self.web.is_alive()) and (self.crew is None or self.crew.is_whole())

    def _stop(self) -> None:
        """Requests and steps that run may end; what comes meanwhile is turned away or left for the next start."""
        log.info("stopping")
        notify("STOPPING=1")
        self.stopping.set()
        until = time.monotonic() + self.settings.web.stop_within.total_seconds()
        if self.clockwork is not None:
            self.clockwork.shutdown(wait=False)
        if self.web is not None:
            self.web.stop(until - time.monotonic() + 1)
        if self.crew is not None:
            self.crew.stop(until - time.monotonic())
        self.inbox.stop()
        log.info("stopped")

    def _synchronise(self) -> None:
        clock = self.engine.clock
        if isinstance(clock, DatabaseClock):
            moved = clock.synchronise()
            if abs(moved) > CLOCK_JUMP:
                log.warning("clock_moved", seconds=moved.total_seconds())

    def _synchronise_if_there(self) -> None:
        try:
            self._synchronise()
        except DatabaseAway as error:
            log.warning("clock_not_synchronised", reason=str(error))


def _sqlite_file(settings: Settings) -> Path | None:
    url = make_url(settings.database_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
