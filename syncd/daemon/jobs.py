"""The jobs of one hand that come from time to time: wanted by the clockwork, or overdue, and begun once.

The clockwork of every process wants a job at the same time. The hand that has the lease does it; the tick's claim keeps
two hands from doing it one after the other. A job that failed is overdue by and by, and is tried again by then.
"""

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from syncd.engine import ticks
from syncd.engine.context import Engine

RETRY = timedelta(minutes=1)
AT_ONCE = timedelta(seconds=5)
OVERDUE_AFTER = 1.5
"""Intervals."""


class Jobs:
    """What a hand is wanted to do. `owner` stands in the names of the ticks."""

    def __init__(self, engine: Engine, owner: int) -> None:
        self._engine = engine
        self._owner = owner
        self._lock = threading.Lock()
        self._wanted: set[str] = set()
        self._urgent: set[str] = set()
        self._claimed: set[str] = set()

    def want(self, kind: str) -> None:
        """Have this done; wanting it twice is wanting it once."""
        with self._lock:
            self._wanted.add(kind)

    def want_at_once(self, kind: str) -> None:
        """Have this done although it may have been done lately: who knows what was told while we were away."""
        with self._lock:
            self._urgent.add(kind)

    def take(self, every: Mapping[str, timedelta], last: Mapping[str, datetime | None], now: datetime) -> list[str]:
        """What is ours to do now, in the order of `every`.

        `last` is when each kind was last done, None for never; what is not in it cannot be done now.
        """
        with self._lock:
            wanted, self._wanted = self._wanted, set()
            urgent, self._urgent = self._urgent, set()
            claimed, self._claimed = self._claimed, set()
        taken = []
        for kind, interval in every.items():
            if kind not in last:
                continue
            gap = self._gap(interval, last[kind], now, is_wanted=kind in wanted, is_urgent=kind in urgent)
            if kind in claimed or (gap is not None and ticks.claim(self._engine, f"{kind}:{self._owner}", every=gap)):
                taken.append(kind)
            elif kind in urgent:
                self.want_at_once(kind)  # begun just before we came: perhaps too early, so once more
        return taken

    def put_back(self, kinds: Iterable[str]) -> None:
        """What was taken and not begun."""
        with self._lock:
            self._claimed.update(kinds)

    def _gap(
        self, interval: timedelta, last: datetime | None, now: datetime, *, is_wanted: bool, is_urgent: bool
    ) -> timedelta | None:
        """How long ago it must have been begun for us to begin it now; None: it is not time."""
        if is_urgent:
            return min(AT_ONCE, interval / 2)
        if last is None or last + interval * OVERDUE_AFTER <= now:
            return min(RETRY, interval / 2)
        return interval / 2 if is_wanted else None
