"""The database of the daemons: a PostgreSQL that can be stopped, cut off and started again, or a SQLite file."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg

from tests.chaos.disk import Disk
from tests.postgres import Cluster, PostgresServer, initialise, start

SETTINGS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_wal_size": "64MB"}
STOP_WITHIN = 30.0
AUDIT = """
CREATE TABLE chaos_lease (
    at timestamptz NOT NULL DEFAULT clock_timestamp(), name text NOT NULL, holder text NOT NULL, is_held bool NOT NULL
);
CREATE FUNCTION chaos_note_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO chaos_lease (name, holder, is_held) VALUES (OLD.name, OLD.holder, false);
    ELSIF TG_OP = 'INSERT' OR OLD.token <> NEW.token THEN
        INSERT INTO chaos_lease (name, holder, is_held) VALUES (NEW.name, NEW.holder, true);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_note_lease AFTER INSERT OR UPDATE OR DELETE ON lease
    FOR EACH ROW EXECUTE FUNCTION chaos_note_lease();
"""
"""Keeps who held which lease from when to when; nothing of syncd reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sqlite:
    """One file."""

    url: str
    kind = "sqlite"


@dataclass(slots=True, kw_only=True)
class Postgres:
    """One server with one database."""

    url: str
    port: int
    cluster: Cluster
    process: subprocess.Popen[bytes]
    kind = "postgresql"

    def stop(self, *, immediately: bool) -> None:
        """With a fast shutdown, or as if its machine had crashed."""
        self.process.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_WITHIN)
        self.ensure_ended()

    def ensure_ended(self) -> None:
        """It is gone."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def ensure_running(self) -> None:
        """It serves; a server that gave up by itself is started again."""
        if self.process.poll() is None:
            return
        process = self.cluster.launch(self.port, SETTINGS)
        if process is None:
            raise RuntimeError(f"PostgreSQL did not come back: {(self.cluster.folder / 'log').read_text()[-1500:]}")
        self.process = process

    def cut(self) -> int:
        """End every connection to the database; how many there were."""
        statement = (
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with suppress(psycopg.OperationalError), self.connect() as connection:
            return connection.execute(statement).fetchone()[0]
        return 0

    def connect(self) -> psycopg.Connection:
        """A connection of our own."""
        return psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True, connect_timeout=10)

    def begin_audit(self) -> None:
        """Keep the history of leases from now on."""
        with self.connect() as connection:
            connection.execute(AUDIT)

    def leases(self) -> list[tuple[float, str, int, bool]]:
        """That history in order: when in seconds, which lease, the holder's process id, held or given back."""
        statement = "SELECT extract(epoch FROM at)::float8, name, split_part(holder, ':', 2)::int, is_held"
        with self.connect() as connection:
            return connection.execute(statement + " FROM chaos_lease ORDER BY at").fetchall()


@contextmanager
def a_database(kind: str, disk: Disk) -> Iterator[Sqlite | Postgres]:
    """An empty database on this disk until the block ends."""
    if kind == "sqlite":
        yield Sqlite(url=f"sqlite:///{disk.folder / 'syncd.sqlite'}")
        return
    cluster = initialise(disk.folder)
    process, port = start(cluster, SETTINGS)
    database: Postgres | None = None
    try:
        url = PostgresServer(port=port, pid=process.pid).create_database()
        database = Postgres(url=url, port=port, cluster=cluster, process=process)
        yield database
    finally:
        running = process if database is None else database.process
        if running.poll() is None:
            running.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                running.wait(STOP_WITHIN)
        if running.poll() is None:
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
