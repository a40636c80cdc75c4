"""One transaction per block, on both databases; what happens when two meet and when the database is away."""

import random
import threading
from contextlib import closing
from datetime import UTC, datetime

import pytest
import sqlalchemy
from sqlalchemy import text
from sqlmodel import func, select

from schema.tables import Merchant
from syncd.engine.database import open_database
from syncd.engine.ticking import DatabaseClock
from syncd.engine.wake import Waker, wake
from syncd.errors import ConfigError, DatabaseAway
from tests.postgres import own_server

NOW = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)


def merchant(name: str) -> Merchant:
    return Merchant(name=name, created_at=NOW)


def names(database) -> list[str]:
    with database.reading() as session:
        return list(session.exec(select(Merchant.name).order_by(Merchant.name)).all())


def test_a_block_is_committed_as_a_whole_or_not_at_all(engine):
    with engine.database.transaction() as session:
        session.add(merchant("kept"))
    with pytest.raises(ZeroDivisionError), engine.database.transaction() as session:  # noqa: PT012
        session.add(merchant("lost"))
        session.flush()
        raise ZeroDivisionError
    assert names(engine.database) == ["kept"]


def test_a_time_comes_back_aware_and_exact(engine):
    with engine.database.transaction() as session:
        session.add(merchant("M"))
    with engine.database.reading() as session:
        assert session.exec(select(Merchant.created_at)).one() == NOW


def test_what_is_read_stays_the_same_for_the_length_of_the_block(engine):
    with engine.database.reading() as session:
        before = session.exec(select(func.count()).select_from(Merchant)).one()
        with engine.database.transaction() as other:
            other.add(merchant("meanwhile"))
        assert session.exec(select(func.count()).select_from(Merchant)).one() == before == 0
    assert names(engine.database) == ["meanwhile"]


def test_a_reading_block_cannot_write(engine):
    with pytest.raises(sqlalchemy.exc.DBAPIError), engine.database.reading() as session:  # noqa: PT012
        session.add(merchant("M"))
        session.commit()
    assert names(engine.database) == []


def test_two_writers_at_once_both_get_through(engine):
    both_begun = threading.Barrier(2)

    def write(name):
        both_begun.wait(10)
        with engine.database.transaction() as session:
            count = session.exec(select(func.count()).select_from(Merchant)).one()
            session.add(merchant(f"{name}{count}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(names(engine.database)) == 2


@pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
def test_sqlite_syncs_every_commit_and_keeps_foreign_keys(engine):
    with engine.database.transaction() as session:
        pragmas = {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in PRAGMAS}
    assert pragmas == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
def test_a_full_disk_is_the_database_being_away(engine):
    with engine.database.transaction() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar()
    with pytest.raises(DatabaseAway, match="full"), engine.database.transaction() as session:  # noqa: PT012
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
        session.add_all([merchant(f"{number:050}") for number in range(3000)])
    assert names(engine.database) == []


def test_a_wrong_statement_is_no_absence(engine):
    with pytest.raises(sqlalchemy.exc.DBAPIError), engine.database.transaction() as session:
        session.execute(text("SELECT nothing FROM nowhere"))


@pytest.mark.parametrize("database_backend", ["postgresql"], indirect=True)
def test_a_value_that_postgresql_cannot_take_is_no_absence(engine):
    noise = "".join(map(chr, random.Random(1).choices(range(33, 0x2FFF), k=20_000)))
    with pytest.raises(sqlalchemy.exc.OperationalError), engine.database.transaction() as session:  # noqa: PT012
        session.execute(text("CREATE TABLE narrow (value text PRIMARY KEY)"))
        session.execute(text("INSERT INTO narrow VALUES (:noise)"), {"noise": noise})


@pytest.mark.parametrize("database_backend", ["postgresql"], indirect=True)
def test_who_stands_still_in_a_transaction_loses_its_rows_and_hears_that_the_database_went_away(engine):
    with pytest.raises(DatabaseAway, match="idle-in-transaction"), engine.database.transaction() as session:  # noqa: PT012
        ours = session.execute(text("SELECT pg_backend_pid()")).scalar()
        assert session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "30s"
        session.execute(text("SET idle_in_transaction_session_timeout = 10"))
        while _is_there(engine, ours):
            pass
        session.execute(text("SELECT 1"))


def _is_there(engine, backend: int) -> bool:
    with engine.database.reading() as session:
        found = session.execute(text("SELECT pid FROM pg_stat_activity WHERE pid = :pid"), {"pid": backend})
        return found.one_or_none() is not None


def test_a_postgresql_that_goes_away_is_named_and_taken_up_again_when_it_is_back(run_folder):
    with own_server() as server:
        url = server.create_database()
        database = open_database(url)
        with database.reading() as session:
            session.execute(text("SELECT 1"))
        server.disconnect_all(url)
        with database.reading() as session:
            assert session.execute(text("SELECT 1")).scalar() == 1
    with pytest.raises(DatabaseAway, match="the database is away"), database.reading() as session:
        session.execute(text("SELECT 1"))
    database.close()


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://", "sqlite:///:memory:"])
def test_an_unusable_url_is_a_matter_of_configuration(url):
    with pytest.raises(ConfigError, match="url"):
        open_database(url)


def test_a_commit_wakes_the_waiting_of_this_process_and_a_rollback_does_not(engine):
    waker = Waker(engine.database)
    with pytest.raises(ZeroDivisionError), engine.database.transaction() as session:  # noqa: PT012
        wake(session)
        raise ZeroDivisionError
    assert waker.wait(0) is False
    with engine.database.transaction() as session:
        wake(session)
    assert waker.wait(0) is True
    assert waker.wait(0) is False
    waker.stop()


def test_a_ring_between_two_waits_is_heard_by_every_thread(engine):
    waker = Waker(engine.database)
    heard = []
    waiting = [threading.Thread(target=lambda: heard.append(waker.wait(10))) for _ in range(3)]
    waker.ring()
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join(10)
    assert heard == [True] * 3
    waker.stop()


def test_a_commit_of_another_process_wakes_too(engine, migrated_database_url):
    waker = Waker(engine.database)
    waker.start()
    waker.wait(10)  # the ring at its start: what was missed before it listened
    with closing(open_database(migrated_database_url)) as other, other.transaction() as session:
        session.add(merchant("from elsewhere"))
        wake(session)
    assert waker.wait(10) is True
    waker.stop()


def test_stopping_lets_all_waits_go(engine):
    waker = Waker(engine.database)
    waker.start()
    waker.stop()
    assert waker.wait(60) is True


@pytest.mark.parametrize("database_backend", ["postgresql"], indirect=True)
def test_the_clock_of_a_daemon_on_postgresql_is_the_databases(engine):
    clock = DatabaseClock(engine.database)
    first = clock.now()
    with engine.database.reading() as session:
        told = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    assert first <= told <= clock.now()
    assert abs(clock.synchronise().total_seconds()) < 1
