"""Waking workers: whoever stores work calls `wake` in the same transaction; when it commits, every `Waker` rings.

In one process by a call after the commit. Between processes by NOTIFY, which PostgreSQL delivers at the commit, or,
with SQLite, by watching `PRAGMA data_version`, which changes with every commit of another connection. A ring says
"look", not what for: it may be spurious, and work that nobody rang for is found by the next time-out.
"""

import sqlite3
import threading
from contextlib import closing

import psycopg
from sqlalchemy import text
from sqlmodel import Session

from syncd.engine.database import Database, wake_after_commit
from syncd.engine.dialects import dialect_of

CHANNEL = "syncd"
SQLITE_POLL = 0.15
RECONNECT = 2.0


def wake(session: Session) -> None:
    """Wake all workers of all processes when this transaction is committed."""
    if dialect_of(session) == "postgresql":
        session.execute(text(f"NOTIFY {CHANNEL}"))
    wake_after_commit(session)


class Waker:
    """Rings for the threads that `wait`. A ring between two waits of a thread is not lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rung = threading.Condition()
        self._rings = 0
        self._seen = threading.local()
        self._stopping = threading.Event()
        self._end_listening = database.on_wake(self.ring)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Hear other processes too."""
        watch = self._watch_sqlite if self._database.dialect == "sqlite" else self._watch_postgresql
        self._thread = threading.Thread(target=watch, name="waker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let every waiting thread go, now and from now on."""
        self._end_listening()
        self._stopping.set()
        self.ring()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def ring(self) -> None:
        """Wake the threads of this process."""
        with self._rung:
            self._rings += 1
            self._rung.notify_all()

    def wait(self, timeout: float) -> bool:
        """Until it rings (True) or `timeout` seconds have passed (False). Returns at once when stopped."""
        seen: int = getattr(self._seen, "rings", 0)
        with self._rung:
            rung = self._rung.wait_for(lambda: self._rings != seen or self._stopping.is_set(), timeout)
            self._seen.rings = self._rings
        return rung

    def _watch_sqlite(self) -> None:
        file = self._database.url.database or ""
        with closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as connection:
            last = None
            while not self._stopping.wait(SQLITE_POLL):
                try:
                    version = connection.execute("PRAGMA data_version").fetchone()
                except sqlite3.OperationalError:
                    continue  # busy or no disk: those who write will say so
                if version != last:
                    last = version
                    self.ring()

    def _watch_postgresql(self) -> None:
        dsn = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not self._stopping.is_set():
            try:
                self._listen(dsn)
            except psycopg.OperationalError:
                self._stopping.wait(RECONNECT)

    def _listen(self, dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
            connection.execute(f"LISTEN {CHANNEL}".encode())
            self.ring()  # what was missed while we did not listen
            while not self._stopping.is_set():
                for _ in connection.notifies(timeout=1.0, stop_after=1):
                    self.ring()
