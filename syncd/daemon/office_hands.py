"""The two hands of a merchant's back office: one records sales and returns, the other reads stock.

They have leases of their own, so that a sweep of many minutes holds up no sale: readings are fenced row by row against
what is being recorded (`syncd/engine/readings.py` has the rule).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from schema.tables import BackOffice
from syncd.daemon.jobs import Jobs
from syncd.daemon.loops import AGAIN, Pause
from syncd.engine import due, leases, poll, record
from syncd.engine.authority import office_of
from syncd.engine.context import Engine
from syncd.engine.leases import Held, LeaseKeeper

IDLE = Pause(2.0)
BUSY_ELSEWHERE = Pause(1.0, 0.2)
FRUITLESS = Pause(2.0, 0.5)

Job = Callable[[Engine, Held, int], object]
JOBS: dict[str, Job] = {
    "backoffice_hint": poll.hints,
    "backoffice_sweep": poll.sweep,
    "backoffice_catalogue": poll.catalogue,
}
"""By the setting of its interval, what a back office is asked for from time to time."""


@dataclass(slots=True)
class RecordingHand:
    """Records what a merchant's authority is owed."""

    engine: Engine
    keeper: LeaseKeeper
    merchant_id: int

    def step(self) -> Pause:
        """One pass, if anything is due."""
        now = self.engine.clock.now()
        with self.engine.database.reading() as session:
            office = office_of(session, self.merchant_id)
            if office is not None and not due.may_be_called(office, now):
                return IDLE
            if not record.count_owed(session, self.merchant_id, now):
                return IDLE
        with leases.holding(self.engine, f"backoffice:{self.merchant_id}", self.keeper) as held:
            if held is None:
                return BUSY_ELSEWHERE
            record.take_over(self.engine, held, self.merchant_id)
            done = record.record_due(self.engine, held, self.merchant_id)
        return AGAIN if done else FRUITLESS


@dataclass(slots=True)
class ReadingHand:
    """Reads a merchant's back office. `jobs` is filled by the clockwork."""

    engine: Engine
    keeper: LeaseKeeper
    merchant_id: int
    jobs: Jobs
    is_stopping: Callable[[], bool] = lambda: False

    def step(self) -> Pause:
        """One pass, if anything is due."""
        now = self.engine.clock.now()
        with self.engine.database.reading() as session:
            office = office_of(session, self.merchant_id)
            if office is None or not due.may_be_called(office, now):
                return IDLE
            settings = session.get_one(BackOffice, self.merchant_id)
            again = due.rows_to_read_again(session, self.merchant_id, now)
        jobs = self._due_jobs(settings, now)
        if not again and not jobs:
            return IDLE
        with leases.holding(self.engine, f"readings:{self.merchant_id}", self.keeper) as held:
            if held is None:
                self.jobs.put_back(jobs)
                return BUSY_ELSEWHERE
            self._read(held, jobs)
        return FRUITLESS

    def _read(self, held: Held, jobs: list[str]) -> None:
        poll.rereads(self.engine, held, self.merchant_id)
        for number, kind in enumerate(jobs):
            if self.is_stopping():
                self.jobs.put_back(jobs[number:])
                return
            JOBS[kind](self.engine, held, self.merchant_id)

    def _due_jobs(self, row: BackOffice, now: datetime) -> list[str]:
        schedule = self.engine.settings.schedule
        every = {
            "backoffice_hint": schedule.backoffice_hint,
            "backoffice_sweep": schedule.backoffice_sweep,
            "backoffice_catalogue": schedule.backoffice_catalogue,
        }
        last = {
            "backoffice_hint": row.hinted_at,
            "backoffice_sweep": row.swept_at,
            "backoffice_catalogue": row.catalogue_at,
        }
        return self.jobs.take(every, last, now)
