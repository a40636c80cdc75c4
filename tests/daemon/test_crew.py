"""Whether a daemon works on a database, as a command asks."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from syncd.app import is_daemon_running
from syncd.config import Settings
from syncd.daemon.crew import Crew
from syncd.daemon.single import SingleInstance
from syncd.engine import leases
from syncd.engine.ticking import DatabaseClock


@pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
def test_on_sqlite_the_lock_beside_the_file_tells(settings):
    single = SingleInstance(Path(settings.database_url.removeprefix("sqlite:///")))
    assert is_daemon_running(settings) is False
    single.take()
    assert is_daemon_running(settings) is True
    single.release()
    assert is_daemon_running(settings) is False


@pytest.mark.parametrize("database_backend", ["postgresql"], indirect=True)
def test_on_postgresql_a_working_crew_says_so_until_it_stops(engine, settings):
    clock = DatabaseClock(engine.database, threading.Event())
    clock.synchronise()
    crew = Crew(replace(engine, clock=clock, holder="elsewhere:1:abc"))
    assert is_daemon_running(settings) is False
    crew.start()
    until = time.monotonic() + 20
    while not is_daemon_running(settings) and time.monotonic() < until:
        crew.waker.wait(0.05)
    assert is_daemon_running(settings) is True
    assert crew.stop(20)
    assert is_daemon_running(settings) is False


@pytest.mark.parametrize("database_backend", ["postgresql"], indirect=True)
def test_one_that_was_killed_counts_until_its_lease_ends(engine, settings):
    clock = DatabaseClock(engine.database, threading.Event())
    clock.synchronise()
    engine = replace(engine, clock=clock)
    assert leases.say_alive(engine) is not None
    assert is_daemon_running(settings) is True
    with engine.database.reading() as session:
        now = clock.now()
        assert leases.anybody_works(session, now + settings.lease.duration) is False


def test_on_a_database_without_tables_nobody_works(database_url, tmp_path):
    assert is_daemon_running(Settings.model_validate({"home": tmp_path, "database": {"url": database_url}})) is False
