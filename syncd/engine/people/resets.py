"""A way back in for who forgot the password: a link for one use within an hour, sent or shown to the operator."""

from datetime import timedelta

from sqlmodel import Session, col, select

from schema.tables import PasswordReset, User
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.people import outbox, passwords, users
from syncd.engine.people.sessions import hash_of
from syncd.engine.vault import new_token
from syncd.errors import NotPossible

LASTS = timedelta(hours=1)
MOST_AN_HOUR = 3
_GONE = "This link is used or older than an hour. Ask for a new one."


def ask(engine: Engine, email: str) -> str | None:
    """The token of `/reset/{token}` for this address; None where it has no account, or was sent enough of them."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        user = session.exec(
            select(User).where(User.email == email.strip().lower(), col(User.disabled_at).is_(None))
        ).first()
        if user is None:
            return None
        recent = session.exec(
            select(PasswordReset.id).where(
                PasswordReset.user_id == user.id, col(PasswordReset.created_at) > now - LASTS
            )
        ).all()
        if len(recent) >= MOST_AN_HOUR:
            return None
        audit(session, user.merchant_id, user.email, "user.ask_reset", user.email, {}, now)
        return _make(session, user, engine)


def give(engine: Engine, email: str, *, actor: str) -> str:
    """The token for an operator to hand over; the second factor goes too, for a lost phone. Raises NotPossible."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        user = session.exec(select(User).where(User.email == email.strip().lower())).first()
        if user is None:
            raise NotPossible(f"There is no user {email!r}.")
        user.totp_secret = user.totp_step = None
        audit(session, user.merchant_id, actor, "user.reset", user.email, {}, now)
        return _make(session, user, engine)


def look_up(session: Session, engine: Engine, token: str) -> str:
    """Whose password the link sets: the address. Raises NotPossible."""
    return session.get_one(User, _of_token(session, engine, token).user_id).email


def use(engine: Engine, token: str, password: str) -> int:
    """Set the new password and end all sessions; gives the user's id. Raises NotPossible."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.exec(
            select(PasswordReset).where(PasswordReset.id == _of_token(session, engine, token).id).with_for_update()
        ).one()
        if row.used_at is not None:
            raise NotPossible(_GONE)
        user = session.get_one(User, row.user_id)
        passwords.require_good(password, user.email)
        users.set_password(session, user, password, now)
        outbox.tell_password_changed(session, engine, user)
        others = select(PasswordReset).where(PasswordReset.user_id == user.id, col(PasswordReset.used_at).is_(None))
        for other in session.exec(others):
            other.used_at = now
        audit(session, user.merchant_id, user.email, "user.password", user.email, {"by": "link"}, now)
        return user.id or 0


def _make(session: Session, user: User, engine: Engine) -> str:
    now, token = engine.clock.now(), new_token()
    session.add(PasswordReset(user_id=user.id or 0, token_hash=hash_of(token), created_at=now, expires_at=now + LASTS))
    return token


def _of_token(session: Session, engine: Engine, token: str) -> PasswordReset:
    row = session.exec(select(PasswordReset).where(PasswordReset.token_hash == hash_of(token))).first()
    if row is None or row.used_at is not None or row.expires_at <= engine.clock.now():
        raise NotPossible(_GONE)
    user = session.get_one(User, row.user_id)
    if user.disabled_at is not None:
        raise NotPossible(_GONE)
    return row
