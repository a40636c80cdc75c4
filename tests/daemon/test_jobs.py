"""When a hand does what the clockwork wants."""

from datetime import timedelta

import pytest

from syncd.daemon.jobs import Jobs

EVERY = {"pull": timedelta(minutes=10), "compare": timedelta(days=1)}


@pytest.fixture
def jobs(engine):
    return Jobs(engine, 1)


def take(jobs, clock, **last):
    """What is taken when each kind was last done so many minutes ago."""
    now = clock.now()
    ago = {kind: None if minutes is None else now - timedelta(minutes=minutes) for kind, minutes in last.items()}
    return jobs.take(EVERY, ago, now)


def test_nothing_is_done_that_nobody_wants_and_is_not_overdue(jobs, clock):
    assert take(jobs, clock, pull=1, compare=1) == []


def test_what_is_wanted_is_done_once(jobs, clock):
    jobs.want("pull")
    jobs.want("pull")
    assert take(jobs, clock, pull=10, compare=1) == ["pull"]
    assert take(jobs, clock, pull=0, compare=1) == []


def test_two_processes_that_want_the_same_do_it_once(engine, jobs, clock):
    other = Jobs(engine, 1)
    jobs.want("pull")
    other.want("pull")
    assert take(jobs, clock, pull=10) == ["pull"]
    assert take(other, clock, pull=0) == []


def test_what_was_never_done_or_is_overdue_is_done_unasked(jobs, clock):
    assert take(jobs, clock, pull=None, compare=1) == ["pull"]
    clock.advance(timedelta(hours=1))
    assert take(jobs, clock, pull=15, compare=1) == ["pull"]


def test_what_fails_is_tried_again_a_minute_later_and_not_before(jobs, clock):
    assert take(jobs, clock, pull=20) == ["pull"]
    clock.advance(timedelta(seconds=59))
    assert take(jobs, clock, pull=21) == []
    clock.advance(timedelta(seconds=1))
    assert take(jobs, clock, pull=21) == ["pull"]


def test_what_cannot_be_done_now_is_not_taken(jobs, clock):
    jobs.want("pull")
    assert take(jobs, clock, compare=1) == []


def test_what_was_put_back_is_taken_again_without_another_claim(jobs, clock):
    jobs.want("pull")
    jobs.put_back(take(jobs, clock, pull=10))
    assert take(jobs, clock, pull=10) == ["pull"]


def test_at_a_start_it_is_done_at_once_and_soon_after_another_start_too(engine, clock):
    first = Jobs(engine, 1)
    first.want_at_once("pull")
    assert take(first, clock, pull=1) == ["pull"]
    second = Jobs(engine, 1)
    second.want_at_once("pull")
    clock.advance(timedelta(seconds=2))
    assert take(second, clock, pull=0) == []
    clock.advance(timedelta(seconds=3))
    assert take(second, clock, pull=0) == ["pull"]
