"""Who works: the loops of one worker process, kept in step with the connections that there are.

Every store has a hand of its own, every merchant two at the back office; deliveries are taken in by loops that belong
to no store; what people asked for and what is slow has a loop of its own.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import structlog
from sqlmodel import select

from schema.tables import BackOffice, Connection, ConnectionRole, ConnectionState
from syncd.daemon.jobs import Jobs
from syncd.daemon.loops import AGAIN, Loop, Pause
from syncd.daemon.office_hands import ReadingHand, RecordingHand
from syncd.daemon.store_hand import StoreHand
from syncd.engine import clean, consents, intake, leases, runs, stuck, ticks
from syncd.engine.context import Engine
from syncd.engine.leases import Held, LeaseKeeper
from syncd.engine.people import notices, outbox
from syncd.engine.wake import Waker
from syncd.errors import DatabaseAway

log = structlog.get_logger(__name__)

AT_START = ("pull_orders", "check_webhooks")
INTAKE_LOOPS = {"sqlite": 1, "postgresql": 2}
LOOK_AROUND = Pause(2.0)
NOTHING = Pause(1.0)
MAIL_LOOKS_EVERY = Pause(5.0, at_least=1.0)


@dataclass(slots=True)
class _Member:
    loop: Loop
    jobs: Jobs | None = None


class Crew:
    """The loops of this process. `start`, then `stop`."""

    def __init__(self, engine: Engine) -> None:
        self.waker = Waker(engine.database)
        self._engine = engine
        self._keeper = LeaseKeeper(engine)
        self._hands: dict[tuple[str, int], _Member] = {}
        self._fixed = [
            *(self._loop(f"intake-{number}", self._take_in) for number in range(INTAKE_LOOPS[engine.database.dialect])),
            self._loop("runs", self._run_wanted),
            self._loop("consents", self._complete_consents),
            self._loop("clean", self._clean),
            self._loop("mail", self._write_and_send),
            self._loop("crew", self._look_around),
        ]
        self._is_cleaning_wanted = True
        self._alive: Held | None = None

    def start(self) -> None:
        """Begin to work."""
        self.waker.start()
        self._keeper.start()
        for loop in self._fixed:
            loop.start()

    def stop(self, within: float) -> bool:
        """End after the steps that are being taken; whether all ended within so many seconds."""
        until = time.monotonic() + within
        loops = [*self._fixed, *(member.loop for member in self._hands.values())]
        for loop in loops:
            loop.stop()
        self.waker.stop()
        late = [loop.name for loop in loops if not loop.join(until - time.monotonic())]
        self._keeper.stop()
        if self._alive is not None:
            with suppress(DatabaseAway):  # it ends by itself
                leases.release(self._engine, self._alive)
        if late:
            log.warning("steps_cut_short", loops=late)
        return not late

    def is_whole(self) -> bool:
        """Whether every loop that should run does."""
        return all(loop.is_alive() for loop in self._fixed)

    def want(self, kind: str) -> None:
        """The clockwork struck: have this done by every hand whose job it is."""
        if kind == "clean_deliveries":
            self._is_cleaning_wanted = True
        for member in list(self._hands.values()):
            if member.jobs is not None:
                member.jobs.want(kind)
        self.waker.ring()

    def _loop(self, name: str, step: Callable[[], Pause]) -> Loop:
        return Loop(name, step, self.waker)

    def _hand_loop(self, kind: str, owner: int, step: Callable[[], Pause]) -> Loop:
        tell_stuck = partial(stuck.tell, self._engine, kind, owner)
        return Loop(f"{kind}-{owner}", step, self.waker, tell_stuck=tell_stuck)

    # ------------------------------------------------------------------------------------------ who is needed

    def _look_around(self) -> Pause:
        if self._alive is None and self._engine.database.dialect == "postgresql":  # on SQLite its lock tells
            self._alive = leases.say_alive(self._engine)
            if self._alive is not None:
                self._keeper.keep(self._alive)
        needed = self._needed()
        for kind, owner in sorted(needed - self._hands.keys()):
            member = self._hands[kind, owner] = self._hand(kind, owner)
            member.loop.start()
        for kind, owner in self._hands.keys() - needed:
            self._hands.pop((kind, owner)).loop.stop()
            if kind == "store":
                self._engine.connectors.forget(owner)
        return LOOK_AROUND

    def _needed(self) -> set[tuple[str, int]]:
        stores = select(Connection.id).where(
            Connection.role == ConnectionRole.STORE, Connection.state != ConnectionState.DISCONNECTED
        )
        with self._engine.database.reading() as session:
            offices = session.exec(select(BackOffice.merchant_id)).all()
            return {
                *(("store", store) for store in session.exec(stores) if store is not None),
                *((kind, merchant) for merchant in offices for kind in ("recording", "reading")),
            }

    def _hand(self, kind: str, owner: int) -> _Member:
        if kind == "recording":
            recording = RecordingHand(engine=self._engine, keeper=self._keeper, merchant_id=owner)
            return _Member(self._hand_loop(kind, owner, recording.step))
        jobs = Jobs(self._engine, owner)
        if kind == "reading":
            reading = ReadingHand(engine=self._engine, keeper=self._keeper, merchant_id=owner, jobs=jobs)
            loop = self._hand_loop(kind, owner, reading.step)
            reading.is_stopping = loop.is_told_to_stop
            return _Member(loop, jobs)
        for job in AT_START:
            jobs.want_at_once(job)
        store = StoreHand(engine=self._engine, keeper=self._keeper, connection_id=owner, jobs=jobs)
        loop = self._hand_loop(kind, owner, store.step)
        store.is_stopping = loop.is_told_to_stop
        return _Member(loop, jobs)

    # ------------------------------------------------------------------------------------------ what belongs to no hand

    def _take_in(self) -> Pause:
        return AGAIN if intake.apply_new(self._engine) else NOTHING

    def _run_wanted(self) -> Pause:
        return AGAIN if runs.begin_wanted(self._engine) else NOTHING

    def _complete_consents(self) -> Pause:
        consents.complete_all(self._engine)
        return NOTHING

    def _write_and_send(self) -> Pause:
        notices.write_due(self._engine)
        return AGAIN if outbox.send_due(self._engine) else MAIL_LOOKS_EVERY

    def _clean(self) -> Pause:
        every = self._engine.settings.schedule.clean_deliveries
        if self._is_cleaning_wanted and ticks.claim(self._engine, "clean_deliveries", every=every / 2):
            clean.clean(self._engine)
        self._is_cleaning_wanted = False
        return LOOK_AROUND
