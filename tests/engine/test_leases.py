"""Leases: one holder at a time, whoever else is in a hurry."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from syncd.engine import leases
from syncd.engine.leases import LeaseKeeper
from syncd.errors import LeaseLost


def confirm(engine, held):
    with engine.database.transaction() as session:
        leases.confirm(session, held, engine.clock.now())


def test_a_lease_has_one_holder_until_it_is_released(engine):
    held = leases.acquire(engine, "store:1")
    assert leases.acquire(engine, "store:1") is None
    assert leases.acquire(engine, "store:2") is not None
    confirm(engine, held)
    leases.release(engine, held)
    assert leases.acquire(engine, "store:1") is not None


def test_a_lease_that_ran_out_goes_to_the_next_one_with_a_new_token(engine, clock):
    first = leases.acquire(engine, "store:1")
    clock.advance(timedelta(seconds=30))
    second = leases.acquire(engine, "store:1")
    assert second.token != first.token
    with pytest.raises(LeaseLost, match="somebody else"):
        confirm(engine, first)
    assert leases.renew(engine, first) is False
    leases.release(engine, first)
    confirm(engine, second)


def test_a_lease_about_to_end_is_not_confirmed(engine, clock):
    held = leases.acquire(engine, "store:1")
    clock.advance(timedelta(seconds=27))
    confirm(engine, held)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(LeaseLost, match="about to end"):
        confirm(engine, held)


def test_who_confirms_a_lease_learns_when_it_ends(engine, clock):
    held = leases.acquire(engine, "store:1")
    clock.advance(timedelta(seconds=20))
    with engine.database.transaction() as session:
        assert leases.confirm(session, held, engine.clock.now()) == clock.now() + timedelta(seconds=9)


def test_renewing_moves_the_end(engine, clock):
    held = leases.acquire(engine, "store:1")
    for _ in range(5):
        clock.advance(timedelta(seconds=20))
        assert leases.renew(engine, held) is True
    confirm(engine, held)


def test_of_many_who_want_it_at_once_one_gets_it(engine):
    begin = threading.Barrier(8)
    gained = []

    def want():
        begin.wait(10)
        gained.append(leases.acquire(engine, "store:1"))

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(gained) == 8
    assert sum(held is not None for held in gained) == 1


def test_nobody_takes_a_lease_while_its_holder_stores_an_intent(engine, clock):
    held = leases.acquire(engine, "store:1")
    taken = []
    with engine.database.transaction() as session:
        leases.confirm(session, held, clock.now())
        clock.advance(timedelta(minutes=1))
        taker = threading.Thread(target=lambda: taken.append(leases.acquire(engine, "store:1")))
        taker.start()
        taker.join(0.3)
        assert taken == []
    taker.join(10)
    assert taken[0] is not None


def test_a_block_holds_and_gives_back(engine):
    with leases.holding(engine, "store:1") as held:
        assert held is not None
        with leases.holding(engine, "store:1") as other:
            assert other is None
    with leases.holding(engine, "store:1") as again:
        assert again is not None


def test_the_keeper_renews_what_is_held_and_no_longer(engine, clock):
    keeper = LeaseKeeper(engine)
    with leases.holding(engine, "store:1", keeper) as held:
        clock.advance(timedelta(seconds=20))
        keeper.renew_all()
        clock.advance(timedelta(seconds=20))
        confirm(engine, held)
    keeper.renew_all()
    assert leases.acquire(engine, "store:1") is not None


def test_leases_of_processes_that_are_gone_are_released_and_no_others(engine):
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    machine = "host"
    holders = {
        "gone": f"{machine}:{gone.pid}:x",
        "another life of ours": f"{machine}:{os.getpid()}:x",
        "running": f"{machine}:{os.getppid()}:x",
        "elsewhere": f"other:{gone.pid}:x",
    }
    for name, holder in holders.items():
        leases.acquire(replace(engine, holder=holder), name)
    ours = replace(engine, holder=f"{machine}:{os.getpid()}:y")
    leases.acquire(ours, "ours")
    assert leases.release_dead(ours) == 2
    free = {name for name in (*holders, "ours") if leases.acquire(engine, name) is not None}
    assert free == {"gone", "another life of ours"}


def test_the_keeper_lets_a_lost_one_go(engine, clock):
    keeper = LeaseKeeper(engine)
    lost = leases.acquire(engine, "store:1")
    keeper.keep(lost)
    clock.advance(timedelta(minutes=1))
    other = leases.acquire(engine, "store:1")
    keeper.renew_all()
    clock.advance(timedelta(seconds=29))
    keeper.renew_all()
    assert leases.renew(engine, other) is True
