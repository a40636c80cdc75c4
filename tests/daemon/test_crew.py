"""Whether a daemon works on a database, as a command asks."""

import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import select

from schema.tables import Issue, IssueState
from syncd.app import is_daemon_running
from syncd.config import Settings
from syncd.daemon.crew import Crew
from syncd.daemon.loops import Loop
from syncd.daemon.single import SingleInstance
from syncd.daemon.store_hand import StoreHand
from syncd.engine import leases, stuck
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


# ------------------------------------------------------------------------------------------- hands that are stuck


@pytest.fixture
def crew_of(monkeypatch):
    """A crew at work, whose loops wait little after a failure."""
    crews = []
    monkeypatch.setattr("syncd.daemon.crew.Loop", partial(Loop, first_wait=0.02))

    def begin(world):
        crews.append(Crew(world.engine))
        crews[-1].start()

    yield begin
    for crew in crews:
        assert crew.stop(20)


def stuck_issues(world):
    with world.engine.database.reading() as session:
        rows = session.exec(select(Issue).where(Issue.kind == "stuck")).all()
        return {row.key: row.state for row in rows}


def wait_for(condition):
    until = time.monotonic() + 20
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


def test_a_hand_that_stumbles_again_and_again_is_an_issue_until_it_works(merchant_with, crew_of, monkeypatch):
    world = merchant_with(stores=("A", "B"))
    broken, step = {world.connection_ids["A"]}, StoreHand.step
    key = f"stuck:store:{world.connection_ids['A']}"
    monkeypatch.setattr(StoreHand, "step", lambda hand: 1 / 0 if hand.connection_id in broken else step(hand))
    crew_of(world)
    assert wait_for(lambda: stuck_issues(world) == {key: IssueState.OPEN})
    broken.clear()
    assert wait_for(lambda: stuck_issues(world) == {key: IssueState.RESOLVED})


@pytest.mark.parametrize("hand", ["recording", "reading"])
@pytest.mark.parametrize("has_office", [True, False])
def test_the_hands_at_the_back_office_can_be_stuck_too(merchant_with, hand, has_office):
    world = merchant_with(stores=("A",), office=has_office)
    key = f"stuck:{hand}:{world.merchant_id}"
    for is_stuck, state in ((True, IssueState.OPEN), (True, IssueState.OPEN), (False, IssueState.RESOLVED)):
        stuck.tell(world.engine, hand, world.merchant_id, is_stuck=is_stuck)
        assert stuck_issues(world) == {key: state}
