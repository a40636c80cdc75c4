import threading
from datetime import UTC, datetime, timedelta

import pytest

from connectors.sdk.budget import Priority, RateBudget
from connectors.sdk.errors import RateLimited, Unavailable
from syncd.clock import ManualClock, SystemClock

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def clock():
    return ManualClock(START)


def waited(clock):
    return (clock.now() - START).total_seconds()


def test_what_is_there_costs_no_wait(clock):
    budget = RateBudget(maximum=3, per_second=1, clock=clock)
    for _ in range(3):
        budget.take()
    assert waited(clock) == 0


def test_what_is_missing_is_waited_for(clock):
    budget = RateBudget(maximum=3, per_second=0.5, clock=clock)
    budget.take(3)
    budget.take(2)  # 2 units at half a unit a second
    assert waited(clock) == pytest.approx(4, abs=0.01)


def test_the_bucket_never_holds_more_than_its_size(clock):
    budget = RateBudget(maximum=3, per_second=1, clock=clock)
    clock.advance(timedelta(hours=1))
    before = waited(clock)
    budget.take(3)
    budget.take(1)
    assert waited(clock) - before == pytest.approx(1, abs=0.01)


def test_a_cost_beyond_the_bucket_takes_all_of_it(clock):
    budget = RateBudget(maximum=3, per_second=1, clock=clock)
    budget.take(50)
    budget.take(1)
    assert waited(clock) == pytest.approx(1, abs=0.01)


def test_the_bucket_follows_what_the_platform_tells(clock):
    budget = RateBudget(maximum=3, per_second=1, clock=clock)
    budget.learn(available=100, restore_rate=50, maximum=2000)
    budget.take(200)  # 100 missing at 50 a second
    assert waited(clock) == pytest.approx(2, abs=0.01)


def test_nobody_passes_during_a_pause(clock):
    budget = RateBudget(maximum=3, per_second=1, clock=clock)
    budget.pause(30)
    budget.take(1)
    assert waited(clock) == pytest.approx(30, abs=0.01)


def test_who_cannot_be_served_in_time_is_told_at_once(clock):
    budget = RateBudget(maximum=1, per_second=0.1, clock=clock)
    budget.take()
    with pytest.raises(RateLimited) as caught:
        budget.take(not_after=START + timedelta(seconds=5))
    assert caught.value.retry_after == pytest.approx(10)
    assert waited(clock) == 0


def test_a_stopping_daemon_ends_the_wait():
    stop = threading.Event()
    stop.set()
    budget = RateBudget(maximum=1, per_second=0.001, clock=SystemClock(stop))
    budget.take()
    with pytest.raises(Unavailable):
        budget.take()


class StepClock:
    """Sleepers wait until the test lets time pass."""

    def __init__(self):
        self.time = START
        self.sleeping = 0
        self.changed = threading.Condition()

    def now(self):
        with self.changed:
            return self.time

    def sleep(self, seconds):
        with self.changed:
            until = self.time + timedelta(seconds=seconds)
            self.sleeping += 1
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.time >= until, timeout=10)
            self.sleeping -= 1
            self.changed.notify_all()

    def wait_until(self, reached):
        with self.changed:
            assert self.changed.wait_for(reached, timeout=10)

    def advance(self, seconds):
        with self.changed:
            self.time += timedelta(seconds=seconds)
            self.changed.notify_all()


def test_the_more_urgent_goes_first_whoever_came_first():
    clock = StepClock()
    budget = RateBudget(maximum=1, per_second=1, clock=clock)
    budget.take()
    served = []

    def take(priority):
        budget.take(1, priority)
        with clock.changed:
            served.append(priority)
            clock.changed.notify_all()

    threads = []
    for priority in (Priority.BULK, Priority.TARGETED, Priority.URGENT):
        threads.append(threading.Thread(target=take, args=(priority,)))
        threads[-1].start()
        clock.wait_until(lambda: clock.sleeping == len(threads))
    for done in range(1, 4):
        clock.advance(1.01)
        clock.wait_until(lambda done=done: (len(served), clock.sleeping) == (done, 3 - done))
    for thread in threads:
        thread.join()
    assert served == [Priority.URGENT, Priority.TARGETED, Priority.BULK]


def test_threads_together_never_take_more_than_there_is():
    clock = ManualClock(START)
    budget = RateBudget(maximum=10, per_second=5, clock=clock)
    threads = [threading.Thread(target=lambda: [budget.take() for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waited(clock) >= (80 - 10) / 5 - 0.01


@pytest.mark.parametrize(("maximum", "rate"), [(0, 1), (1, 0), (-1, 1)])
def test_a_budget_without_size_or_rate_is_no_budget(clock, maximum, rate):
    with pytest.raises(ValueError, match="above zero"):
        RateBudget(maximum=maximum, per_second=rate, clock=clock)
