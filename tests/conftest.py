"""What every test may ask for: an empty or a migrated database, on SQLite and on a real PostgreSQL.

A test that is about one of the two says so:
`@pytest.mark.parametrize("database_backend", ["postgresql"], indirect=True)`.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest
import structlog

from tests.postgres import PostgresMissing, PostgresServer, file_lock, shared_server

# Time limits are pytest-timeout's; a slow shared machine is no failing example.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(autouse=True)
def same_log_after_each_test() -> Iterator[None]:
    """What a test sets of logging for itself (long simulations turn it off) is not what the next one starts with."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def pg_server(run_folder: Path) -> Iterator[PostgresServer]:
    """The PostgreSQL of this test run; `create_database()` gives the url of a new, empty database."""
    try:
        server, hold = shared_server(run_folder)
    except PostgresMissing as missing:
        pytest.fail(str(missing), pytrace=False)
    with hold:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_backend(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on: both, one after the other, unless the test says otherwise."""
    return request.param


@pytest.fixture
def database_url(database_backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The url of an empty database of the test's own."""
    if database_backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'syncd.db'}"
        return
    server: PostgresServer = request.getfixturevalue("pg_server")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture
def migrated_database_url(
    database_backend: str, tmp_path: Path, run_folder: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The url of a database of the test's own with all tables in it, copied from one that was migrated once."""
    if database_backend == "sqlite":
        template = _template(run_folder / "migrated-sqlite", lambda: f"sqlite:///{run_folder / 'migrated.db'}")
        yield _sqlite_copy(template, tmp_path / "syncd.db")
        return
    server: PostgresServer = request.getfixturevalue("pg_server")
    template = _template(run_folder / f"migrated-{server.pid}", server.create_database, server.disconnect_all)
    url = server.create_database(template)
    yield url
    server.drop_database(url)


def _template(note: Path, make: Callable[[], str], release: Callable[[str], None] = lambda _: None) -> str:
    """The url of the migrated database that the file `note` names; whoever asks first makes it."""
    from schema.migrate import upgrade  # here, so that tests without a database do not wait for SQLAlchemy

    with file_lock(note.with_suffix(".lock")):
        if not note.exists():
            url = make()
            upgrade(url)
            release(url)
            note.write_text(url)
        return note.read_text()


def _sqlite_copy(template: str, to: Path) -> str:
    with closing(sqlite3.connect(template.removeprefix("sqlite:///"))) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)
    return f"sqlite:///{to}"
