import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from syncd.clock import ManualClock, SystemClock

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def test_a_manual_clock_moves_only_when_told():
    clock = ManualClock(START)
    clock.advance(timedelta(seconds=2))
    clock.sleep(1.5)
    clock.sleep(-1)
    assert clock.now() == START + timedelta(seconds=3.5)


def test_time_runs_forward_and_is_aware():
    with pytest.raises(ValueError, match="aware"):
        ManualClock(START.replace(tzinfo=None))
    with pytest.raises(ValueError, match="backwards"):
        ManualClock(START).advance(timedelta(seconds=-1))
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_stopping_ends_a_sleep_at_once():
    clock = SystemClock(threading.Event())
    sleeper = threading.Thread(target=clock.sleep, args=(100,))
    began = time.monotonic()
    sleeper.start()
    clock.stop.set()
    sleeper.join(timeout=10)
    assert not sleeper.is_alive()
    assert time.monotonic() - began < 10
