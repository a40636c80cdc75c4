"""Scheduled work is begun once per time, by one of those who are there."""

import threading
from datetime import timedelta

from syncd.engine import ticks

MINUTE = timedelta(minutes=1)


def test_a_tick_is_claimed_once_until_its_time_is_over(engine, clock):
    assert ticks.claim(engine, "pull:1", every=MINUTE) is True
    clock.advance(timedelta(seconds=59))
    assert ticks.claim(engine, "pull:1", every=MINUTE) is False
    assert ticks.claim(engine, "pull:2", every=MINUTE) is True
    clock.advance(timedelta(seconds=1))
    assert ticks.claim(engine, "pull:1", every=MINUTE) is True


def test_of_many_who_claim_at_once_one_gets_it(engine):
    begin = threading.Barrier(6)
    claimed = []

    def claim():
        begin.wait(10)
        claimed.append(ticks.claim(engine, "pull:1", every=MINUTE))

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(claimed) == [False] * 5 + [True]
