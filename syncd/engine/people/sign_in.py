"""Coming in: e-mail and password, then the code where a second factor is on. A try is counted before it is judged.

A limit counts per address typed and place asked from, so that nobody can lock somebody else out for long; wider limits
stop guessing from many places, and at many accounts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy
import structlog
from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from schema.tables import SessionKind, SignInAttempt, User, WebSession
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.people import passwords, second_factor, sessions
from syncd.errors import NotSignedIn, TooManyTries

log = structlog.get_logger(__name__)

WAIT = timedelta(minutes=15)
TRIES = 5
TRIES_FROM = 30
TRIES_AT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session and the token that holds it. `needs_code`: the second factor is still missing."""

    user_id: int
    merchant_id: int
    session_id: int
    token: str
    expires_at: datetime
    needs_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody signs in from."""

    address: str = ""
    agent: str = ""


def sign_in(
    engine: Engine, email: str, password: str, *, kind: SessionKind, place: Place, code: str | None = None
) -> SignedIn:
    """Begin a session. Without `code` and with a second factor on, it is a pending one.

    Raises NotSignedIn with one message for all that may be wrong, and TooManyTries.
    """
    now = engine.clock.now()
    address = email.strip().lower()[:254]
    left = _count_try(engine, address, place.address, now)
    with engine.database.reading() as session:
        user = session.exec(select(User).where(User.email == address, col(User.disabled_at).is_(None))).first()
    if not passwords.fits(user.password_hash if user else None, password) or user is None:
        raise _refused(place, left)
    with engine.database.transaction() as session:
        row = session.exec(select(User).where(User.id == user.id).with_for_update()).one()
        needs_code = row.totp_secret is not None
        if needs_code and code:
            if not second_factor.use_code(engine, row, code, now):
                raise _refused(place, left)
            needs_code = False
        return _begin(engine, session, row, kind, place, needs_code=needs_code)


def give_code(engine: Engine, token: str, code: str, *, place: Place) -> SignedIn:
    """Finish a pending page session: it ends, and a new one with a new token begins. Raises as `sign_in`."""
    now = engine.clock.now()
    who = sessions.visitor_of(engine, token, SessionKind.PAGE)
    if who is None or not who.is_pending or who.session_id is None:
        raise NotSignedIn("That took too long. Sign in again.")
    left = _count_try(engine, who.email, place.address, now)
    with engine.database.transaction() as session:
        row = session.exec(select(User).where(User.id == who.user_id).with_for_update()).one()
        if not second_factor.use_code(engine, row, code, now):
            raise _refused(place, left, "This code does not fit. Wait for the next one and type that.")
        session.get_one(WebSession, who.session_id).ended_at = now
        return _begin(engine, session, row, SessionKind.PAGE, place, needs_code=False)


def begin_session(engine: Engine, user_id: int, *, place: Place) -> SignedIn:
    """A page session for who has just proved to be this user by a link or a setup code."""
    with engine.database.transaction() as session:
        row = session.get_one(User, user_id)
        return _begin(engine, session, row, SessionKind.PAGE, place, needs_code=row.totp_secret is not None)


def _begin(
    engine: Engine, session: Session, row: User, kind: SessionKind, place: Place, *, needs_code: bool
) -> SignedIn:
    now = engine.clock.now()
    limits = engine.settings.security
    started, token = sessions.start(
        session,
        row.id or 0,
        kind,
        lasts=limits.session if kind is SessionKind.PAGE else limits.bearer,
        address=place.address,
        agent=place.agent,
        now=now,
        is_pending=needs_code,
    )
    if not needs_code:
        row.signed_in_at = now
        session.execute(
            delete(SignInAttempt).where(
                col(SignInAttempt.email) == row.email, col(SignInAttempt.address) == place.address[:64]
            )
        )
        audit(session, row.merchant_id, row.email, "sign_in", kind.value, {"address": place.address}, now)
    return SignedIn(
        user_id=row.id or 0,
        merchant_id=row.merchant_id,
        session_id=started.id or 0,
        token=token,
        expires_at=started.expires_at,
        needs_code=needs_code,
    )


def _refused(place: Place, left: int, words: str = "E-mail and password do not match.") -> NotSignedIn:
    log.warning("sign_in_refused", address=place.address, tries_left=left)
    return NotSignedIn(words, tries_left=left)


def _count_try(engine: Engine, email: str, address: str, now: datetime) -> int:
    """Note a try before it is judged, and give how many are left after it. Raises TooManyTries."""
    address = address[:64]
    of_email, of_address = col(SignInAttempt.email) == email, col(SignInAttempt.address) == address
    with engine.database.transaction() as session:
        session.execute(delete(SignInAttempt).where(col(SignInAttempt.at) <= now - 4 * WAIT))
        for which, most in (((of_email, of_address), TRIES), ((of_address,), TRIES_FROM), ((of_email,), TRIES_AT)):
            _require_fewer(session, now, most, *which)
        session.add(SignInAttempt(email=email, address=address, at=now))
        session.flush()
        tried = _count(session, now, of_email, of_address)
    return max(0, TRIES - tried)


def _require_fewer(session: Session, now: datetime, most: int, *which: sqlalchemy.ColumnElement[bool]) -> None:
    if _count(session, now, *which) < most:
        return
    nth = session.exec(
        select(SignInAttempt.at)
        .where(col(SignInAttempt.at) > now - WAIT, *which)
        .order_by(col(SignInAttempt.at).desc())
        .offset(most - 1)
        .limit(1)
    ).one()
    raise TooManyTries("Too many tries. Wait, or set a new password.", until=nth + WAIT)


def _count(session: Session, now: datetime, *which: sqlalchemy.ColumnElement[bool]) -> int:
    return session.exec(
        select(func.count()).select_from(SignInAttempt).where(col(SignInAttempt.at) > now - WAIT, *which)
    ).one()
