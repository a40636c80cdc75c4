"""The database: one transaction per `with`, alike on SQLite and PostgreSQL.

SQLite: WAL, every commit synced to disk, a writer takes the write lock at its beginning (so that it never fails in the
middle), readers have connections that cannot write. PostgreSQL: READ COMMITTED to write, a read-only snapshot to read.
"""

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import sqlalchemy
from sqlalchemy import event, exc
from sqlalchemy.engine import make_url
from sqlmodel import Session

from syncd.engine.dialects import Dialect
from syncd.errors import ConfigError, DatabaseAway

BUSY_TIMEOUT = 10.0
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
}
_SQLITE_AWAY_TO_WRITE = {*_SQLITE_AWAY, sqlite3.SQLITE_READONLY}  # a reader hears it when it tries to write
_POSTGRES_AWAY = {"08", "40", "53", "55", "57", "58"}
"""Classes of SQLSTATE: connection, rolled back for another, out of disk or memory, not ready, stopped, system error."""
_STALLED_AWAY = "25P03"
STALLED = timedelta(seconds=30)
"""PostgreSQL ends a transaction in which nothing is asked for so long: a process that is frozen, or on a machine that
nobody reaches any more, must not hold its rows against those who take over."""
_WAKE = "wake"


class Database:
    """Where everything is kept. Made by `open_database`; may be used from any thread."""

    def __init__(self, dialect: Dialect, writer: sqlalchemy.Engine, reader: sqlalchemy.Engine) -> None:
        self.dialect: Dialect = dialect
        self.url = writer.url
        self._writer = writer
        self._reader = reader
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction, committed once at the end, rolled back when the block raises. Raises DatabaseAway."""
        with _away_is_named(_SQLITE_AWAY_TO_WRITE), Session(self._writer, expire_on_commit=False) as session:
            yield session
            session.commit()
            woken = _WAKE in session.info
        if woken:
            self._tell_listeners()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view; a write in it fails. Raises DatabaseAway."""
        with _away_is_named(_SQLITE_AWAY), Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    def close(self) -> None:
        """Give back all connections."""
        self._writer.dispose()
        self._reader.dispose()

    def on_wake(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called after each commit of this process that woke somebody; the result ends that."""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                self._listeners.remove(listener)

        return end

    def _tell_listeners(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()


def wake_after_commit(session: Session) -> None:
    """Have the listeners of `Database.on_wake` called when this transaction is committed."""
    session.info[_WAKE] = True


def open_database(url: str, *, pool_size: int = 20) -> Database:
    """The database at this url (`sqlite:///FILE`, `postgresql://…`). Connects when first used. Raises ConfigError."""
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        raise ConfigError("[database] url: is not a database url") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed)
        case "postgresql":
            return _open_postgresql(parsed.set(drivername="postgresql+psycopg"), pool_size)
        case other:
            raise ConfigError(f"[database] url: {other} is not supported; use sqlite:///FILE or postgresql://…")


def _open_sqlite(url: sqlalchemy.URL) -> Database:
    if url.database in (None, "", ":memory:"):
        raise ConfigError("[database] url: SQLite needs a file")

    def make(*, may_write: bool) -> sqlalchemy.Engine:
        engine = sqlalchemy.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT}, pool_size=10, max_overflow=40)
        event.listen(engine, "connect", _prepare_writer if may_write else _prepare_reader)
        event.listen(engine, "begin", _begin_to_write if may_write else _begin_to_read)
        return engine

    return Database("sqlite", make(may_write=True), make(may_write=False))


def _prepare_writer(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, see below
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {setting}")


def _prepare_reader(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")  # a reader may be the first to come
    connection.execute("PRAGMA query_only=ON")


def _begin_to_write(connection: sqlalchemy.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_to_read(connection: sqlalchemy.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _open_postgresql(url: sqlalchemy.URL, pool_size: int) -> Database:
    writer = sqlalchemy.create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=BUSY_TIMEOUT,
        pool_pre_ping=True,
        pool_use_lifo=True,
        connect_args={"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3},
    )
    event.listen(writer, "connect", _prepare_postgresql)
    reader = writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Database("postgresql", writer, reader)


def _prepare_postgresql(connection: psycopg.Connection, _record: object) -> None:
    milliseconds = STALLED // timedelta(milliseconds=1)
    connection.execute(f"SET idle_in_transaction_session_timeout = {milliseconds}".encode())
    connection.commit()


@contextmanager
def _away_is_named(codes: Collection[int]) -> Iterator[None]:
    try:
        yield
    except exc.TimeoutError as error:
        raise DatabaseAway("every connection to the database is in use") from error
    except (exc.OperationalError, exc.InterfaceError, exc.InternalError) as error:
        if not _is_away(error, codes):
            raise
        raise DatabaseAway(f"the database is away: {_words(error)}") from error


def _is_away(error: exc.DBAPIError, codes: Collection[int]) -> bool:
    original = error.orig
    if isinstance(original, sqlite3.Error):
        code: int = getattr(original, "sqlite_errorcode", 0)
        return code & 0xFF in codes
    state: str | None = getattr(original, "sqlstate", None)
    if isinstance(error, exc.InternalError):
        return state == _STALLED_AWAY
    return state is None or state[:2] in _POSTGRES_AWAY


def _words(error: exc.DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
