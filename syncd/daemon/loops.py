"""One thread that does one kind of work for ever: it takes a step, waits, and outlives whatever a step runs into."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from connectors.sdk.errors import ConnectorError
from syncd.engine.wake import Waker
from syncd.errors import DatabaseAway, LeaseLost, SyncdError

log = structlog.get_logger(__name__)

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
STUCK_AFTER = 3
"""Failures in a row that nobody expected."""


@dataclass(frozen=True, slots=True)
class Pause:
    """What comes after a step: at most `seconds` of waiting, which a ring ends early but not before `at_least`."""

    seconds: float
    at_least: float = 0.0


AGAIN = Pause(0.0)


class TellStuck(Protocol):
    """Who hears that a loop is stuck, or that it works."""

    def __call__(self, *, is_stuck: bool) -> None:
        """Tell it."""


def _tell_nobody(*, is_stuck: bool) -> None:
    """Nobody waits for the work of this loop in particular."""


class Loop:
    """`step` is called again and again from a thread of its own, until `stop`; after failures in longer intervals.

    `tell_stuck` hears of each failure that nobody expected, from the third in a row on, and of the first step that
    succeeds, or succeeds again.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], Pause],
        waker: Waker,
        first_wait: float = FIRST_WAIT,
        *,
        tell_stuck: TellStuck = _tell_nobody,
    ) -> None:
        self.name = name
        self._step = step
        self._waker = waker
        self._stopping = threading.Event()
        self._first_wait = first_wait
        self._failures = 0
        self._unexpected = 0
        self._tell_stuck = tell_stuck
        self._is_known_to_work = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is being taken; does not wait for that."""
        self._stopping.set()
        self._waker.ring()

    def join(self, timeout: float) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def is_told_to_stop(self) -> bool:
        """Whether it was told to end: a step with several parts looks here between them."""
        return self._stopping.is_set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            pause = self._take_step()
            if pause.at_least and self._stopping.wait(pause.at_least):
                return
            if pause.seconds > pause.at_least:
                self._waker.wait(pause.seconds - pause.at_least)

    def _take_step(self) -> Pause:
        try:
            pause = self._step()
        except LeaseLost as lost:
            log.warning("lease_lost", loop=self.name, reason=str(lost))
            return Pause(self._first_wait, self._first_wait)
        except (ConnectorError, SyncdError) as error:
            return self._fail(error)
        except Exception as error:  # noqa: BLE001 the loop's edge: whatever a step runs into, the others go on
            return self._fail(error)
        if self._failures:
            log.info("loop_recovered", loop=self.name, failures=self._failures)
        self._failures = self._unexpected = 0
        if not self._is_known_to_work:
            self._is_known_to_work = self._told(is_stuck=False)
        return pause

    def _fail(self, error: Exception) -> Pause:
        """Told when it begins, and with where it came from if nobody expected it; waits longer each time."""
        self._failures += 1
        wait = min(LONGEST_WAIT, self._first_wait * 2 ** (self._failures - 1))
        if not isinstance(error, ConnectorError | SyncdError):
            log.error("loop_failed", loop=self.name, wait=wait, exc_info=error)
            self._unexpected += 1
            if self._unexpected >= STUCK_AFTER:
                self._is_known_to_work = False
                self._told(is_stuck=True)
        elif self._failures == 1:
            log.warning("loop_waits", loop=self.name, reason=str(error), wait=wait)
        if isinstance(error, DatabaseAway):
            wait = min(wait, 5.0)
        return Pause(wait, wait)

    def _told(self, *, is_stuck: bool) -> bool:
        """Whether it could be told: what kept the step from its work may keep us from telling."""
        try:
            self._tell_stuck(is_stuck=is_stuck)
        except Exception as error:  # noqa: BLE001 the loop's edge
            log.warning("stuck_not_told", loop=self.name, reason=str(error))
            return False
        return True
