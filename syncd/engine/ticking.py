"""The clock of a daemon on PostgreSQL: the database's time, so that all processes on all machines agree.

Leases, fences and quarantines compare times that different machines took. Between two looks at the database's clock the
machine's steady counter goes on; a jump of the machine's own clock changes nothing.
"""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select

from syncd.engine.database import Database

READINGS = 3


@dataclass(slots=True)
class DatabaseClock:
    """`connectors.sdk.contract.Clock` by the database. `synchronise` before it is used, and again now and then."""

    database: Database
    stop: threading.Event = field(default_factory=threading.Event)
    _at_zero: datetime | None = None

    def synchronise(self) -> timedelta:
        """Read the database's clock; by how much ours was off. Raises DatabaseAway.

        Of a few readings the one that was answered quickest counts: half its way is the error.
        """
        before = None if self._at_zero is None else self.now()
        _, at_zero = min((self._read() for _ in range(READINGS)), key=lambda reading: reading[0])
        self._at_zero = at_zero
        return timedelta(0) if before is None else self.now() - before

    def now(self) -> datetime:
        """Aware UTC time."""
        if self._at_zero is None:
            self.synchronise()
        assert self._at_zero is not None
        return self._at_zero + timedelta(seconds=time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait this long, or until `stop` is set."""
        self.stop.wait(max(0.0, seconds))

    def _read(self) -> tuple[float, datetime]:
        with self.database.reading() as session:
            session.execute(select(1))  # the connection is there, the transaction has begun
            began = time.monotonic()
            told: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
            took = time.monotonic() - began
        return took, told - timedelta(seconds=began + took / 2)
