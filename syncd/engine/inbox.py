"""The inbox: what a store told is durable before the store is answered, and is stored once.

One thread commits everything that arrived meanwhile in one transaction (group commit): a burst costs as many commits as
the disk can do, not as many as there are requests. What deliveries mean is `intake.py`'s business, later.
"""

import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import update
from sqlmodel import Session, col

from schema.tables import Connection, Delivery, DeliveryState
from syncd.domain import border
from syncd.engine.database import Database
from syncd.engine.dialects import dialect_of, insert_into
from syncd.engine.wake import wake
from syncd.errors import DatabaseAway

log = structlog.get_logger(__name__)

MOST_WAITING = 2000
MOST_AT_ONCE = 500
REFUSALS_EVERY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A verified delivery, as it came. Header names are in lower case; `key` makes it the same as another one."""

    connection_id: int
    key: str
    topic: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class Inbox:
    """Takes deliveries from any thread. `start` it, and `stop` it to commit what is left."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Arrival, Future[None]]] = deque()
        self._refused: Counter[int] = Counter()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what was put, then end."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()

    def put(self, arrival: Arrival) -> "Future[None]":
        """Store it; the result is there when it is durable, new or not. The future raises DatabaseAway."""
        future: Future[None] = Future()
        with self._changed:
            if self._is_stopping or len(self._waiting) >= MOST_WAITING:
                future.set_exception(DatabaseAway("the inbox takes no more at the moment"))
                return future
            self._waiting.append((arrival, future))
            self._changed.notify()
        return future

    def refuse(self, connection_id: int) -> None:
        """Count a delivery whose signature was wrong; stored within a second or so."""
        with self._changed:
            self._refused[connection_id] += 1

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_stopping, REFUSALS_EVERY)
                count = min(len(self._waiting), MOST_AT_ONCE)
                taken = [self._waiting.popleft() for _ in range(count)]
                batch = [one for one in taken if one[1].set_running_or_notify_cancel()]
                refused, self._refused = self._refused, Counter()
                is_last = self._is_stopping and not self._waiting
            if batch or refused:
                self._write(batch, refused)
            if is_last:
                return

    def _write(self, batch: "Sequence[tuple[Arrival, Future[None]]]", refused: Counter[int]) -> None:
        try:
            store(self._database, [arrival for arrival, _ in batch], refused)
        except DatabaseAway as error:
            log.warning("inbox_cannot_write", deliveries=len(batch), reason=str(error))
            for _, future in batch:
                future.set_exception(error)
        except Exception as error:  # noqa: BLE001 the loop's edge: told to who waits, and logged below
            self._write_one_by_one(batch, error)
        else:
            for _, future in batch:
                future.set_result(None)

    def _write_one_by_one(self, batch: "Sequence[tuple[Arrival, Future[None]]]", error: Exception) -> None:
        """One row that the database does not take must not cost its neighbours their answer."""
        if len(batch) <= 1:
            for arrival, future in batch:
                log.error("delivery_not_stored", connection_id=arrival.connection_id, exc_info=error)
                future.set_exception(error)
            return
        for one in batch:
            self._write([one], Counter())


def store(database: Database, arrivals: Sequence[Arrival], refused: Mapping[int, int]) -> None:
    """Store these in one transaction and wake the workers; one that is there already is left alone."""
    with database.transaction() as session:
        if arrivals:
            _insert(session, arrivals)
            wake(session)
        for connection_id, count in refused.items():
            session.execute(
                update(Connection)
                .where(col(Connection.id) == connection_id)
                .values(refused_signatures=col(Connection.refused_signatures) + count)
            )


def _insert(session: Session, arrivals: Sequence[Arrival]) -> None:
    rows = [
        {
            "connection_id": arrival.connection_id,
            "source": "webhook",
            "key": border.text(arrival.key, 255),
            "topic": border.text(arrival.topic, 100),
            "headers": {border.text(name, 100): border.text(value) for name, value in arrival.headers.items()},
            "body": arrival.body,
            "state": DeliveryState.NEW,
            "attempts": 0,
            "reason": "",
            "received_at": arrival.received_at,
        }
        for arrival in arrivals
    ]
    statement = insert_into(Delivery, dialect_of(session)).on_conflict_do_nothing(
        index_elements=["connection_id", "key"]
    )
    session.connection().execute(statement, rows)
