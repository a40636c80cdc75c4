"""What a failing call means for its connection: down and up again, told once each; access lost, told once.

Which reaction fits an error is decided in `syncd/domain/retry.py`.
"""

from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, select

from connectors.sdk.errors import AccessDenied, ConnectorError, RateLimited
from schema.tables import Connection, ConnectionState
from syncd.engine.context import Engine
from syncd.engine.issues import raise_issue, resolve_issue

log = structlog.get_logger(__name__)

LONGEST_WAIT = timedelta(minutes=5)


def note_failure(engine: Engine, connection: Connection, error: ConnectorError) -> None:
    """A call failed as a whole: wait before the next one, or stop until a person reconnects."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.exec(select(Connection).where(Connection.id == connection.id).with_for_update()).one()
        if isinstance(error, AccessDenied):
            lost_access(session, row, str(error), now)
            return
        if row.failing_since is None:
            row.failing_since = now
            log.warning("connection_down", connection=row.name, operation=error.operation, error=str(error))
        row.failure = str(error)
        row.not_before = now + _wait(error, now - row.failing_since, engine.random.random())


def _wait(error: ConnectorError, failing_for: timedelta, chance: float) -> timedelta:
    """As long as told, else about half as long as it has been failing, from one second to five minutes."""
    if isinstance(error, RateLimited):
        return timedelta(seconds=max(0.1, error.retry_after))
    return min(LONGEST_WAIT, max(timedelta(seconds=1), failing_for * (0.25 + chance / 2)))


def note_success(engine: Engine, connection: Connection) -> None:
    """A call went through: forget the failure, and say so once."""
    if connection.failing_since is None:
        return
    with engine.database.transaction() as session:
        row = session.exec(select(Connection).where(Connection.id == connection.id).with_for_update()).one()
        if row.failing_since is None:
            return
        log.info("connection_up", connection=row.name, down_for=str(engine.clock.now() - row.failing_since))
        row.failing_since = None
        row.failure = ""
        row.not_before = None


def lost_access(session: Session, connection: Connection, words: str, now: datetime) -> None:
    """The platform takes our key no more: one issue, no more calls until a person reconnects."""
    if connection.state in (ConnectionState.NEEDS_AUTH, ConnectionState.DISCONNECTED):
        return
    connection.state = ConnectionState.NEEDS_AUTH
    connection.failure = words
    log.error("connection_needs_auth", connection=connection.name, reason=words)
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind="needs_auth",
        key=f"needs_auth:{connection.id}",
        title=f"{connection.name} no longer accepts our key.",
        why=words,
        what_to_do=f"Reconnect it: `syncd connections reconnect {connection.name}`. Products stay matched; "
        "sales made meanwhile are fetched right after.",
        connection_id=connection.id,
        now=now,
    )


def regained_access(session: Session, connection: Connection, now: datetime) -> None:
    """A person reconnected: back to where the connection was."""
    connection.state = ConnectionState.LIVE if connection.live_at else ConnectionState.SHADOW
    connection.failure = ""
    connection.failing_since = None
    connection.not_before = None
    resolve_issue(session, connection.merchant_id, f"needs_auth:{connection.id}", by="reconnected", now=now)
