"""Leases: exclusive claims with an end and a token.

Who holds `store:<id>` is the only one who pushes to that store. The token settles every race: a claim that changes
hands gets a new one, and `confirm`, called in the transaction that stores an intent, locks the lease's row and compares
it. So two holders never both store an intent, whatever their clocks say. Clocks only decide how long a dead holder is
waited for. For that, all processes on one PostgreSQL take the database's time as their clock (`syncd.engine.ticking`);
on SQLite there is one machine.

After `confirm`, a request may leave until its intent's `not_after`, which is `LAST` before the end of the lease as
`confirm` saw it: a holder that is frozen beyond its lease and wakes up sends nothing, wherever it stood. The clock is
looked at when the first bytes go to the wire, and again before those that complete the request. What is left is the
length of one call of the system, and what a network holds back: therefore an intent of a lost lease is in quarantine.
"""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Delete, Select, bindparam, delete, select, update
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import Session, col

from schema.tables import Lease
from syncd.engine.dialects import Dialect, insert_into
from syncd.errors import DatabaseAway, LeaseLost

if TYPE_CHECKING:
    from syncd.engine.context import Engine

MARGIN = timedelta(seconds=2)
"""`confirm` refuses a lease that has less than this left."""
LAST = timedelta(seconds=1)
"""Nothing begins in the last second of a lease: two processes read the time at the database a little differently."""

log = structlog.get_logger(__name__)
_ALIVE = "daemon:"
LEASE = Lease.metadata.tables["lease"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A claim as it was gained. Whether it still holds only `confirm` tells."""

    name: str
    token: str


def acquire(engine: "Engine", name: str, *, duration: timedelta | None = None) -> Held | None:
    """Take the lease if nobody has it, or its end has passed; None where somebody has it."""
    now = engine.clock.now()
    token = secrets.token_hex(16)
    row = {"name": name, "holder": engine.holder, "token": token, "now": now}
    row["expires_at"] = now + (duration or engine.settings.lease.duration)
    with engine.database.transaction() as session:
        gained = session.execute(_claim(engine.database.dialect), row).scalar_one_or_none()
    return None if gained is None else Held(name=name, token=token)


@cache
def _claim(dialect: Dialect) -> ReturningInsert[str]:
    given = ("name", "holder", "token", "expires_at")
    claim = insert_into(LEASE, dialect).values({name: bindparam(name) for name in given})
    taken = {name: claim.excluded[name] for name in ("holder", "token", "expires_at")}
    is_over = LEASE.c.expires_at <= bindparam("now")
    return claim.on_conflict_do_update(index_elements=["name"], set_=taken, where=is_over).returning(LEASE.c.token)


def renew(engine: "Engine", held: Held) -> bool:
    """Move its end; False where it is not ours any more."""
    until = engine.clock.now() + engine.settings.lease.duration
    statement = (
        update(Lease)
        .where(col(Lease.name) == held.name, col(Lease.token) == held.token)
        .values(expires_at=until)
        .returning(col(Lease.name))
    )
    with engine.database.transaction() as session:
        return session.execute(statement).scalar_one_or_none() is not None


def release(engine: "Engine", held: Held) -> None:
    """Give it back, if it is still ours."""
    with engine.database.transaction() as session:
        session.execute(_giving_back(), {"lease": held.name, "ours": held.token})


@cache
def _giving_back() -> Delete:
    return delete(LEASE).where(LEASE.c.name == bindparam("lease"), LEASE.c.token == bindparam("ours"))


def confirm(session: Session, held: Held, now: datetime) -> datetime:
    """Make sure, for the length of this transaction, that the lease is ours. Raises LeaseLost.

    Call it in the transaction that stores an intent; `now` is the engine's clock. Returns until when what needs
    the lease may begin, should it not be renewed.
    """
    found = session.execute(_shared(), {"lease": held.name}).one_or_none()
    if found is None or found.token != held.token:
        raise LeaseLost(f"{held.name}: somebody else has the lease")
    if found.expires_at - MARGIN <= now:
        raise LeaseLost(f"{held.name}: the lease is about to end")
    until: datetime = found.expires_at - LAST
    return until


@cache
def _shared() -> Select[str, datetime]:
    """The lease `:lease`, that nobody takes as long as the transaction lasts."""
    found = select(LEASE.c.token, LEASE.c.expires_at).where(LEASE.c.name == bindparam("lease"))
    return found.with_for_update(read=True)


def say_alive(engine: "Engine") -> Held | None:
    """The lease that tells commands on other machines that this process works; renew it as long as that is so."""
    return acquire(engine, f"{_ALIVE}{engine.holder}"[:120])


def anybody_works(session: Session, now: datetime) -> bool:
    """Whether some daemon has said lately that it works on this database."""
    alive = select(col(Lease.name)).where(col(Lease.name).startswith(_ALIVE), col(Lease.expires_at) > now)
    return session.execute(alive.limit(1)).first() is not None


def release_dead(engine: "Engine") -> int:
    """Release the leases of processes of this machine that are gone; how many.

    For SQLite, where everybody is on this machine: after a power cut nobody waits for leases to run out.
    """
    host = engine.holder.partition(":")[0]
    with engine.database.transaction() as session:
        dead = [
            lease
            for lease in session.execute(select(Lease)).scalars()
            if lease.holder != engine.holder and lease.holder.startswith(f"{host}:") and not _is_running(lease.holder)
        ]
        for lease in dead:
            session.delete(lease)
    return len(dead)


def _is_running(holder: str) -> bool:
    """Whether the process that a holder's name tells of is there; another one of our own number is not."""
    told = holder.split(":")[1]
    if not told.isdigit() or int(told) == os.getpid():
        return False
    try:
        os.kill(int(told), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def holding(engine: "Engine", name: str, keeper: "LeaseKeeper | None" = None) -> Iterator[Held | None]:
    """Hold the lease for the length of a block, None where somebody else has it; `keeper` renews it meanwhile."""
    held = acquire(engine, name)
    if held is None:
        yield None
        return
    if keeper is not None:
        keeper.keep(held)
    try:
        yield held
    finally:
        if keeper is not None:
            keeper.drop(held)
        try:
            release(engine, held)
        except DatabaseAway:
            log.warning("lease_left", lease=name)  # it ends by itself


@dataclass(slots=True)
class LeaseKeeper:
    """Renews what is given to it, from a thread of its own, until it is dropped or lost."""

    engine: "Engine"
    _held: dict[str, Held] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin renewing."""
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End renewing; what is still held runs out."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def keep(self, held: Held) -> None:
        """Renew this one from now on."""
        with self._lock:
            self._held[held.token] = held

    def drop(self, held: Held) -> None:
        """Renew this one no more."""
        with self._lock:
            self._held.pop(held.token, None)

    def renew_all(self) -> None:
        """Renew each once; a lost one is dropped."""
        with self._lock:
            kept = list(self._held.values())
        for held in kept:
            try:
                ours = renew(self.engine, held)
            except DatabaseAway as error:
                log.warning("lease_not_renewed", lease=held.name, reason=str(error))
                return
            if not ours:
                log.warning("lease_lost", lease=held.name)
                self.drop(held)

    def _run(self) -> None:
        while not self._stopping.wait(self.engine.settings.lease.renew.total_seconds()):
            self.renew_all()
