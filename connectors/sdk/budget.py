"""How many requests a connection may send: a token bucket that follows what the platform tells of its own."""

import threading
from datetime import datetime, timedelta
from enum import IntEnum

from connectors.sdk.contract import Clock
from connectors.sdk.errors import RateLimited, Unavailable

_SLICE = 1.0  # seconds; how soon a waiting call sees that the bucket was filled or re-sized


class Priority(IntEnum):
    """Who goes first when requests are short: what customers wait for, then targeted reads, then whole catalogues."""

    URGENT = 0
    TARGETED = 1
    BULK = 2


class RateBudget:
    """A bucket of `maximum` units that gains `per_second` units a second. Safe to use from several threads."""

    def __init__(self, *, maximum: float, per_second: float, clock: Clock) -> None:
        _check(maximum, per_second)
        self._maximum, self._per_second, self._clock = maximum, per_second, clock
        self._available = maximum
        self._filled_at = clock.now()
        self._paused_until = self._filled_at
        self._waiting: dict[int, tuple[Priority, float]] = {}
        self._tickets = 0
        self._lock = threading.Lock()

    def take(
        self, cost: float = 1.0, priority: Priority = Priority.TARGETED, not_after: datetime | None = None
    ) -> None:
        """Wait until `cost` units are free and nobody more urgent wants them, and take them.

        RateLimited where that cannot be before `not_after`, Unavailable where the wait was cut short because the daemon
        is stopping. A cost beyond the bucket takes all of it.
        """
        ticket = self._queue(priority, cost)
        try:
            while wait := self._take_or_wait(ticket):
                self._wait(wait, not_after)
        finally:
            with self._lock:
                del self._waiting[ticket]

    def learn(self, *, available: float, restore_rate: float, maximum: float) -> None:
        """Follow what the platform just told of its own bucket."""
        _check(maximum, restore_rate)
        with self._lock:
            self._per_second, self._maximum = restore_rate, maximum
            self._available = min(available, maximum)
            self._filled_at = self._clock.now()

    def pause(self, seconds: float) -> None:
        """Let nobody through for this long (the platform said "too many"), then go on from an empty bucket."""
        with self._lock:
            self._fill()
            self._available = min(self._available, 0.0)
            self._paused_until = max(self._paused_until, self._clock.now() + timedelta(seconds=seconds))

    def _queue(self, priority: Priority, cost: float) -> int:
        with self._lock:
            self._tickets += 1
            self._waiting[self._tickets] = (priority, cost)
            return self._tickets

    def _take_or_wait(self, ticket: int) -> float:
        """Take what `ticket` wants and tell 0, or tell the seconds until it may be there."""
        with self._lock:
            self._fill()
            mine = (self._waiting[ticket][0], ticket)
            ahead = sum(cost for other, (rank, cost) in self._waiting.items() if (rank, other) < mine)
            cost = min(self._waiting[ticket][1], self._maximum)
            missing = ahead + cost - self._available
            paused = (self._paused_until - self._clock.now()).total_seconds()
            if missing <= 0 and paused <= 0:
                self._available -= cost
                return 0.0
            return max(missing / self._per_second, paused, 0.001)

    def _wait(self, seconds: float, not_after: datetime | None) -> None:
        before = self._clock.now()
        if not_after is not None and before + timedelta(seconds=seconds) > not_after:
            raise RateLimited("No request is free before it would be too late to send one.", retry_after=seconds)
        nap = min(seconds, _SLICE)
        self._clock.sleep(nap)
        if (self._clock.now() - before).total_seconds() < nap / 2:
            raise Unavailable("The wait for a free request was cut short: syncd is stopping.")

    def _fill(self) -> None:
        now = self._clock.now()
        gained = max(0.0, (now - self._filled_at).total_seconds()) * self._per_second
        self._available = min(self._maximum, self._available + gained)
        self._filled_at = now


def _check(maximum: float, per_second: float) -> None:
    if maximum <= 0 or per_second <= 0:
        raise ValueError("A budget needs a size and a rate above zero.")
