"""The hand of one store: pushes, looks, reads again, pulls, compares. One thread per store and process.

A hand first asks whether anything is due, and only then takes the lease `store:<id>`, for one pass: another process or
a command of an operator gets its turn between two passes. A slow or broken store holds up its own thread and no other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from connectors.sdk.errors import ConnectorError
from schema.tables import Connection, ConnectionState
from syncd.daemon.jobs import Jobs
from syncd.daemon.loops import AGAIN, Pause
from syncd.engine import catalogue, creating, due, intake, leases, look, pull, push, reconcile, settling, webhooks
from syncd.engine.context import Engine
from syncd.engine.leases import Held, LeaseKeeper

log = structlog.get_logger(__name__)

IDLE = Pause(2.0)
BUSY_ELSEWHERE = Pause(1.0, 0.2)
FRUITLESS = Pause(2.0, 0.5)

Job = Callable[[Engine, Held, int], object]
JOBS: dict[str, Job] = {
    "pull_orders": pull.pull_orders,
    "check_webhooks": webhooks.check,
    "catalogue": catalogue.refresh,
    "reconcile": reconcile.reconcile,
}
"""By the setting of its interval, what a store is asked for from time to time."""


@dataclass(slots=True)
class StoreHand:
    """One store's work. `jobs` is filled by the clockwork."""

    engine: Engine
    keeper: LeaseKeeper
    connection_id: int
    jobs: Jobs
    is_stopping: Callable[[], bool] = lambda: False

    def step(self) -> Pause:
        """One pass, if anything is due."""
        now = self.engine.clock.now()
        with self.engine.database.reading() as session:
            row = session.get(Connection, self.connection_id)
            if row is None or not due.may_be_called(row, now):
                return IDLE
            work = due.store_work(session, self.engine.settings, row, now)
        jobs = self._due_jobs(row, now)
        if not work and not jobs:
            return IDLE
        with leases.holding(self.engine, f"store:{self.connection_id}", self.keeper) as held:
            if held is None:
                self.jobs.put_back(jobs)
                return BUSY_ELSEWHERE
            return AGAIN if self._pass(held, jobs) else FRUITLESS

    def _pass(self, held: Held, jobs: list[str]) -> bool:
        """Whether anything was done. Pushes go first, and again after every job: a job may take long."""
        push.take_over(self.engine, held, self.connection_id)
        done = self._urgent(held)
        for number, kind in enumerate(jobs):
            if self.is_stopping():
                self.jobs.put_back(jobs[number:])
                return True
            done += self._do(held, kind) + self._urgent(held)
        work = self._work()
        done += settling.settle_due(self.engine, held, self.connection_id) if work.settlings else 0
        done += creating.create_due(self.engine, held, self.connection_id) if work.creations else 0
        return done > 0

    def _urgent(self, held: Held) -> int:
        """How much was done of what customers wait for; only what is due is begun, and what came of it is pushed."""
        engine, connection_id = self.engine, self.connection_id
        work, done = self._work(), 0
        if work.pushes:
            done += push.push_owed(engine, held, connection_id)
            work = self._work()  # a refusal asks for a look
        done += intake.reread_due(engine, connection_id) if work.rereads else 0
        done += look.look_due(engine, held, connection_id) if work.looks else 0
        done += push.push_owed(engine, held, connection_id) if done else 0
        return done + (catalogue.recheck_due(engine, held, connection_id) if work.checks else 0)

    def _work(self) -> due.Work:
        with self.engine.database.reading() as session:
            row = session.get_one(Connection, self.connection_id)
            return due.store_work(session, self.engine.settings, row, self.engine.clock.now())

    def _do(self, held: Held, kind: str) -> int:
        try:
            JOBS[kind](self.engine, held, self.connection_id)
        except ConnectorError as error:  # noted at the connection by the step; tried again when it is overdue
            log.info("job_failed", job=kind, connection_id=self.connection_id, error=error)
            return 0
        return 1

    def _due_jobs(self, row: Connection, now: datetime) -> list[str]:
        """Kinds that can be done in the store's state, and are ours to do now."""
        schedule = self.engine.settings.schedule
        every = {
            "pull_orders": schedule.pull_orders,
            "check_webhooks": schedule.check_webhooks,
            "catalogue": schedule.catalogue,
            "reconcile": schedule.reconcile if isinstance(schedule.reconcile, timedelta) else timedelta(days=1),
        }
        last = {"pull_orders": row.pulled_at, "catalogue": row.catalogue_at}
        if self.engine.settings.web.public_url:
            last["check_webhooks"] = row.webhooks_at
        if row.state is ConnectionState.LIVE:
            last["reconcile"] = row.reconciled_at
        return self.jobs.take(every, last, now)
