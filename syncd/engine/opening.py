"""The parts of an engine, put together from the settings: for the daemon and for each command."""

import os
import random
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from connectors.sdk.contract import Clock
from schema import migrate
from syncd.clock import SystemClock
from syncd.config import Settings
from syncd.engine.connectors import Connectors
from syncd.engine.context import Engine
from syncd.engine.database import Database, open_database
from syncd.engine.plugins import load_plugins
from syncd.engine.ticking import DatabaseClock
from syncd.engine.vault import load_keyring
from syncd.errors import ConfigError


@contextmanager
def opened(settings: Settings, environment: Mapping[str, str] = os.environ) -> Iterator[Engine]:
    """An engine, closed at the end. Raises ConfigError where the key is missing or the database is not up to date."""
    keyring = load_keyring(settings.key_file, environment)
    require_newest(settings)
    database = open_database(settings.database_url, pool_size=settings.database.pool_size)
    connectors = Connectors()
    try:
        yield Engine(
            database=database,
            clock=clock_of(database),
            settings=settings,
            keyring=keyring,
            plugins=load_plugins().found,
            connectors=connectors,
            random=random.Random(secrets.randbits(64)),
            holder=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        )
    finally:
        connectors.close()
        database.close()


def clock_of(database: Database) -> Clock:
    """The database's clock where several machines may share it, else the system's."""
    if database.dialect == "sqlite":
        return SystemClock()
    clock = DatabaseClock(database)
    clock.synchronise()
    return clock


def require_newest(settings: Settings) -> None:
    """Raise ConfigError where the database does not have the tables of this version."""
    present = migrate.current(settings.database_url)
    if present is None:
        raise ConfigError(f"{settings.home}: there is no database yet; run `syncd init`")
    if present != migrate.head():
        raise ConfigError(
            f"the database is at revision {present}, this syncd needs {migrate.head()}; run `syncd db upgrade`"
        )
