"""A loop outlives whatever its step runs into, and tells it once."""

import threading
from collections.abc import Callable

import pytest
import structlog

from connectors.sdk.errors import Unavailable
from syncd.daemon.loops import AGAIN, Loop, Pause
from syncd.engine.wake import Waker
from syncd.errors import DatabaseAway, LeaseLost

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)


class Steps:
    """Takes these steps one after the other, then says that it is done."""

    def __init__(self, *steps: Callable[[], Pause] | Exception):
        self.left = list(steps)
        self.done = threading.Event()

    def __call__(self) -> Pause:
        if not self.left:
            self.done.set()
            return Pause(60.0)
        step = self.left.pop(0)
        if isinstance(step, Exception):
            raise step
        return step()


@pytest.fixture
def run(engine):
    waker = Waker(engine.database)
    loops = []

    def run(*steps, **more):
        taken = Steps(*steps)
        loop = Loop("test", taken, waker, first_wait=0.01, **more)
        loops.append(loop)
        with structlog.testing.capture_logs() as lines:
            loop.start()
            assert taken.done.wait(20)
        return lines

    yield run
    for loop in loops:
        loop.stop()
        assert loop.join(20)
    waker.stop()


def test_after_a_step_that_did_something_the_next_comes_at_once(run):
    assert run(lambda: AGAIN, lambda: AGAIN) == []


@pytest.mark.parametrize("error", [DatabaseAway("away"), Unavailable("down"), LeaseLost("gone")], ids=repr)
def test_what_will_heal_is_told_and_tried_again(run, error):
    lines = run(error)
    assert [line["log_level"] for line in lines if line["event"] != "loop_recovered"] == ["warning"]


def test_a_failure_that_goes_on_is_told_once_with_its_end(run):
    lines = run(*(DatabaseAway("away") for _ in range(4)), lambda: AGAIN)
    assert [line["event"] for line in lines] == ["loop_waits", "loop_recovered"]


def test_what_nobody_expected_is_told_with_where_it_came_from_and_the_loop_goes_on(run):
    lines = run(ZeroDivisionError("oops"), lambda: AGAIN)
    assert lines[0]["log_level"] == "error"
    assert isinstance(lines[0]["exc_info"], ZeroDivisionError)


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ((), [False]),
        ((ZeroDivisionError(),) * 2, [False]),
        ((ZeroDivisionError(),) * 4, [True, True, False]),
        ((DatabaseAway("away"),) * 5, [False]),
        ((ZeroDivisionError(), DatabaseAway("away"), ZeroDivisionError(), ZeroDivisionError()), [True, False]),
    ],
)
def test_who_is_stuck_in_what_nobody_expected_tells_it_and_its_end(run, errors, told):
    heard = []
    run(*errors, lambda: AGAIN, lambda: AGAIN, tell_stuck=lambda *, is_stuck: heard.append(is_stuck))
    assert heard == told


def test_a_loop_that_cannot_tell_that_it_is_stuck_goes_on_and_tells_later(run):
    heard = []

    def tell(*, is_stuck):
        heard.append(is_stuck)
        if len(heard) < 3:
            raise DatabaseAway("away")

    run(*(ZeroDivisionError() for _ in range(3)), lambda: AGAIN, lambda: AGAIN, lambda: AGAIN, tell_stuck=tell)
    assert heard == [True, False, False]


def test_a_loop_that_waits_ends_at_once_when_it_is_stopped(engine):
    waker = Waker(engine.database)
    steps = Steps()
    loop = Loop("test", steps, waker)
    loop.start()
    assert steps.done.wait(20)
    loop.stop()
    assert loop.join(5)
    waker.stop()
