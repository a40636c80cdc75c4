"""An engine from the settings: the daemon's, which waits for its database; a command's, which must find it ready."""

import os
import random
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

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

log = structlog.get_logger(__name__)


def assemble(settings: Settings, environment: Mapping[str, str] = os.environ, *, stop: threading.Event) -> Engine:
    """The engine of these settings; `stop` ends every wait of its clock. Raises ConfigError; connects to nothing."""
    keyring = load_keyring(settings.key_file, environment)
    database = open_database(settings.database_url, pool_size=settings.database.pool_size)
    plugins = load_plugins()
    for name, reason in plugins.broken.items():
        log.error("connector_broken", connector=name, reason=reason)
    return Engine(
        database=database,
        clock=_clock(database, stop),
        settings=settings,
        keyring=keyring,
        plugins=plugins.found,
        connectors=Connectors(),
        random=random.Random(),
        holder=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"[:120],
    )


def _clock(database: Database, stop: threading.Event) -> Clock:
    """The machine's time where one machine is all there is, else the database's."""
    return SystemClock(stop) if database.dialect == "sqlite" else DatabaseClock(database, stop)


def close(engine: Engine) -> None:
    """Give back what an engine holds."""
    engine.connectors.close()
    engine.database.close()


@contextmanager
def opened(settings: Settings, environment: Mapping[str, str] = os.environ) -> Iterator[Engine]:
    """An engine, closed at the end. Raises ConfigError where the key is missing or the database is not up to date."""
    load_keyring(settings.key_file, environment)
    require_newest(settings)
    engine = assemble(settings, environment, stop=threading.Event())
    try:
        if isinstance(engine.clock, DatabaseClock):
            engine.clock.synchronise()
        yield engine
    finally:
        close(engine)


def require_newest(settings: Settings) -> None:
    """Raise ConfigError where the database does not have the tables of this version."""
    present = migrate.current(settings.database_url)
    if present is None:
        raise ConfigError(f"{settings.home}: there is no database yet; run `syncd init`")
    if present != migrate.head():
        raise ConfigError(
            f"the database is at revision {present}, this syncd needs {migrate.head()}; run `syncd db upgrade`"
        )
