"""What a failing call means for its connection: down and up again, told once each; access lost, told once.

Which reaction fits an error is decided in `syncd/domain/retry.py`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, select

from connectors.sdk.errors import (
    AccessDenied,
    Conflict,
    ConnectorError,
    InvalidSignature,
    ListingGone,
    MalformedPayload,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unavailable,
)
from schema.tables import Connection, ConnectionState
from syncd.domain import border
from syncd.domain.retry import LONGEST_WAIT, Again, DeadLetter, ErrorKind, NeedsAuth, decide
from syncd.engine.context import Engine
from syncd.engine.issues import raise_issue, resolve_issue

log = structlog.get_logger(__name__)

KINDS: Mapping[type[ConnectorError], ErrorKind] = {
    RateLimited: ErrorKind.RATE_LIMITED,
    Unavailable: ErrorKind.UNAVAILABLE,
    OutcomeUnknown: ErrorKind.OUTCOME_UNKNOWN,
    Conflict: ErrorKind.CONFLICT,
    AccessDenied: ErrorKind.ACCESS_DENIED,
    ListingGone: ErrorKind.LISTING_GONE,
    Refused: ErrorKind.REFUSED,
    MalformedPayload: ErrorKind.MALFORMED_PAYLOAD,
    InvalidSignature: ErrorKind.INVALID_SIGNATURE,
}


def kind_of(error: ConnectorError) -> ErrorKind:
    """The error's name as the rules know it; one that a connector derived counts as what it is derived from."""
    return next((KINDS[base] for base in type(error).__mro__ if base in KINDS), ErrorKind.REFUSED)


def note_failure(engine: Engine, connection: Connection, error: ConnectorError) -> None:
    """A call failed as a whole: wait before the next one, or stop until a person reconnects.

    Whether it had its effect is the business of who called; for the connection an answer that was lost is an outage.
    """
    now = engine.clock.now()
    kind = kind_of(error)
    with engine.database.transaction() as session:
        row = session.exec(select(Connection).where(Connection.id == connection.id).with_for_update()).one()
        retry = decide(
            ErrorKind.UNAVAILABLE if kind is ErrorKind.OUTCOME_UNKNOWN else kind,
            row.failures + 1,
            random=engine.random.random(),
            retry_after=error.retry_after if isinstance(error, RateLimited) else None,
        )
        if isinstance(retry, NeedsAuth):
            lost_access(session, row, str(error), now)
            return
        if row.failing_since is None:
            row.failing_since = now
            log.warning("connection_down", connection=row.name, operation=error.operation, error=str(error))
        row.failures += 1
        row.failure = border.text(str(error))
        row.not_before = now + timedelta(seconds=retry.after if isinstance(retry, Again) else LONGEST_WAIT)
        if isinstance(retry, DeadLetter):
            _tell_refused(session, row, error, now)


def _tell_refused(session: Session, connection: Connection, error: ConnectorError, now: datetime) -> None:
    """The platform answers, and does not do what we ask: that does not heal by waiting."""
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind="connection_refuses",
        key=_refusal_key(connection),
        title=f"{connection.name} does not do what we ask of it.",
        why=str(error),
        what_to_do=f"`syncd connections test {connection.name}` says what is wrong. We go on trying every few minutes.",
        connection_id=connection.id,
        details={"operation": error.operation},
        now=now,
    )


def _refusal_key(connection: Connection) -> str:
    return f"connection_refuses:{connection.id}"


def note_success(engine: Engine, connection: Connection) -> None:
    """A call went through: forget the failure, and say so once."""
    if connection.failing_since is None:
        return
    with engine.database.transaction() as session:
        row = session.exec(select(Connection).where(Connection.id == connection.id).with_for_update()).one()
        if row.failing_since is None:
            return
        log.info("connection_up", connection=row.name, down_for=str(engine.clock.now() - row.failing_since))
        _forget_failure(row)
        resolve_issue(session, row.merchant_id, _refusal_key(row), by="it works again", now=engine.clock.now())


def _forget_failure(row: Connection) -> None:
    row.failing_since = None
    row.failures = 0
    row.failure = ""
    row.not_before = None


def lost_access(session: Session, connection: Connection, words: str, now: datetime) -> None:
    """The platform takes our key no more: one issue, no more calls until a person reconnects."""
    if connection.state in (ConnectionState.NEEDS_AUTH, ConnectionState.DISCONNECTED):
        return
    connection.state = ConnectionState.NEEDS_AUTH
    connection.failure = border.text(words)
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
    _forget_failure(connection)
    resolve_issue(session, connection.merchant_id, f"needs_auth:{connection.id}", by="reconnected", now=now)
