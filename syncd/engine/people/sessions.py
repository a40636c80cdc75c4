"""Sessions: one row per sign-in, known by a random token of which a hash is kept, ended by a date in the row."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from schema.tables import Merchant, SessionKind, User, UserRole, WebSession
from syncd.engine.context import Engine
from syncd.engine.vault import new_token

SEEN_EVERY = timedelta(minutes=5)
PENDING_FOR = timedelta(minutes=10)
"""How long the second factor may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks. `role` is what they may do here: a token's scope makes it less than the user's own.

    `is_pending`: the second factor is still missing, so nothing may be done yet.
    """

    user_id: int
    merchant_id: int
    email: str
    name: str
    role: UserRole
    merchant_name: str
    time_zone: str
    currency: str
    session_id: int | None = None
    token_id: int | None = None
    is_pending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A sign-in as its user sees it."""

    id: int
    kind: str
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime


def hash_of(token: str) -> str:
    """What is kept of a random token."""
    return hashlib.sha256(token.encode()).hexdigest()


def start(
    session: Session,
    user_id: int,
    kind: SessionKind,
    *,
    lasts: timedelta,
    address: str,
    agent: str,
    now: datetime,
    is_pending: bool = False,
) -> tuple[WebSession, str]:
    """A new session and its token."""
    token = new_token()
    row = WebSession(
        user_id=user_id,
        kind=kind,
        token_hash=hash_of(token),
        is_pending=is_pending,
        address=address[:64],
        agent=agent[:200],
        created_at=now,
        seen_at=now,
        expires_at=now + (PENDING_FOR if is_pending else lasts),
    )
    session.add(row)
    session.flush()
    return row, token


def visitor_of(engine: Engine, token: str, kind: SessionKind) -> Visitor | None:
    """Who holds this token; None where the session is unknown, over, or ended. Notes that it was seen."""
    now = engine.clock.now()
    with engine.database.reading() as session:
        found = session.exec(
            select(WebSession, User, Merchant)
            .join(User, col(User.id) == col(WebSession.user_id))
            .join(Merchant, col(Merchant.id) == col(User.merchant_id))
            .where(WebSession.token_hash == hash_of(token), WebSession.kind == kind)
        ).first()
    if found is None:
        return None
    row, user, merchant = found
    if row.ended_at is not None or row.expires_at <= now or user.disabled_at is not None:
        return None
    if row.seen_at + SEEN_EVERY <= now:
        _note_seen(engine, row.id or 0, now)
    return visitor(user, merchant, session_id=row.id, is_pending=row.is_pending)


def visitor(
    user: User,
    merchant: Merchant,
    *,
    role: UserRole | None = None,
    session_id: int | None = None,
    token_id: int | None = None,
    is_pending: bool = False,
) -> Visitor:
    """A user as visitor."""
    return Visitor(
        user_id=user.id or 0,
        merchant_id=user.merchant_id,
        email=user.email,
        name=user.name or user.email,
        role=role or user.role,
        merchant_name=merchant.name,
        time_zone=merchant.time_zone,
        currency=merchant.currency,
        session_id=session_id,
        token_id=token_id,
        is_pending=is_pending,
    )


def _note_seen(engine: Engine, session_id: int, now: datetime) -> None:
    with engine.database.transaction() as session:
        session.execute(update(WebSession).where(col(WebSession.id) == session_id).values(seen_at=now))


def end(engine: Engine, user_id: int, session_id: int) -> bool:
    """End one session of a user; False where it is not theirs or over."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.get(WebSession, session_id)
        if row is None or row.user_id != user_id or row.ended_at is not None:
            return False
        row.ended_at = now
        return True


def end_all(session: Session, user_id: int, now: datetime, *, but: int | None = None) -> None:
    """End every session of a user, in the caller's transaction."""
    session.execute(
        update(WebSession)
        .where(col(WebSession.user_id) == user_id, col(WebSession.ended_at).is_(None), col(WebSession.id) != (but or 0))
        .values(ended_at=now)
    )


def list_sessions(session: Session, user_id: int, now: datetime) -> list[SessionView]:
    """A user's sessions that are not over, the last seen first."""
    rows = session.exec(
        select(WebSession)
        .where(
            WebSession.user_id == user_id,
            col(WebSession.ended_at).is_(None),
            col(WebSession.is_pending).is_(False),
            col(WebSession.expires_at) > now,
        )
        .order_by(col(WebSession.seen_at).desc())
    )
    return [
        SessionView(
            id=row.id or 0,
            kind=row.kind.value,
            address=row.address,
            agent=row.agent,
            created_at=row.created_at,
            seen_at=row.seen_at,
        )
        for row in rows
    ]
