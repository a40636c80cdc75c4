"""Time and waiting: the daemon's clock, and one that only moves when told, for tests and simulations.

Everything that needs time takes a `connectors.sdk.contract.Clock`; nothing else in the tree asks the system for it.
"""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The system's time. A set `stop` ends every wait at once."""

    stop: threading.Event = field(default_factory=threading.Event)

    def now(self) -> datetime:
        """Aware UTC time."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait this long, or until `stop` is set."""
        self.stop.wait(max(0.0, seconds))


class ManualClock:
    """Time that stands still. `sleep` moves it on and returns at once, so waiting costs a test nothing."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("A clock needs an aware time.")
        self._now = start.astimezone(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Aware UTC time."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.advance(timedelta(seconds=max(0.0, seconds)))

    def advance(self, by: timedelta) -> None:
        """Move on; ValueError for a step back."""
        if by < timedelta(0):
            raise ValueError("Time does not run backwards.")
        with self._lock:
            self._now += by
