"""Users of a merchant: who there is, in what role, and how they are added, changed and locked out."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from schema.tables import ApiToken, Merchant, User, UserRole
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.people import outbox, passwords, sessions
from syncd.errors import NotPossible, NotSignedIn

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.?[^@\s.]+")
_RANKS = (UserRole.VIEWER, UserRole.OPERATOR, UserRole.OWNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """A user as people see one."""

    id: int
    email: str
    name: str
    role: str
    has_second_factor: bool
    is_disabled: bool
    created_at: datetime
    signed_in_at: datetime | None


def may(role: UserRole, needed: UserRole) -> bool:
    """Whether a role includes another: an owner may what an operator may, who may what a viewer may."""
    return _RANKS.index(role) >= _RANKS.index(needed)


def lesser(one: UserRole, other: UserRole) -> UserRole:
    """The role that may less."""
    return one if may(other, one) else other


def clean_email(told: str) -> str:
    """An address as it is kept. Raises NotPossible for what is none."""
    email = told.strip().lower()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise NotPossible(f"{told.strip()[:80]!r} is no e-mail address.")
    return email


def role_of(word: str) -> UserRole:
    """A role by its name. Raises NotPossible."""
    try:
        return UserRole(word)
    except ValueError:
        raise NotPossible(f"{word!r} is no role. There are: owner, operator, viewer.") from None


def list_users(session: Session, merchant_id: int) -> list[UserView]:
    """A merchant's users by address."""
    rows = session.exec(select(User).where(User.merchant_id == merchant_id).order_by(col(User.email)))
    return [view(row) for row in rows]


def view(row: User) -> UserView:
    """One user."""
    return UserView(
        id=row.id or 0,
        email=row.email,
        name=row.name,
        role=row.role.value,
        has_second_factor=row.totp_secret is not None,
        is_disabled=row.disabled_at is not None,
        created_at=row.created_at,
        signed_in_at=row.signed_in_at,
    )


def find_user(session: Session, merchant_id: int, email: str) -> User:
    """A user of this merchant by address. Raises NotPossible."""
    wanted = email.strip().lower()
    row = session.exec(select(User).where(User.merchant_id == merchant_id, User.email == wanted)).first()
    if row is None:
        raise NotPossible(f"There is no user {wanted[:254]!r}.")
    return row


def make_user(
    session: Session, merchant_id: int, *, email: str, name: str, role: UserRole, password: str, now: datetime
) -> User:
    """A new user, in the caller's transaction. Raises NotPossible, also where the address has an account elsewhere."""
    address = clean_email(email)
    passwords.require_good(password, address)
    if session.exec(select(User.id).where(User.email == address)).first() is not None:
        raise NotPossible("This address has an account already. Sign in with it, or use another address.")
    row = User(
        merchant_id=merchant_id,
        email=address,
        name=name.strip()[:100],
        role=role,
        password_hash=passwords.hashed(password),
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def add_user(
    engine: Engine, merchant_id: int, *, email: str, name: str, role: str, password: str, actor: str
) -> UserView:
    """Add a user whose password is known already. Raises NotPossible."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = make_user(session, merchant_id, email=email, name=name, role=role_of(role), password=password, now=now)
        audit(session, merchant_id, actor, "user.add", row.email, {"role": row.role.value}, now)
        return view(row)


def set_role(engine: Engine, merchant_id: int, email: str, role: str, *, actor: str) -> None:
    """Give a user another role. Raises NotPossible, also where nobody would be owner any more."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row, wanted = _locked(session, merchant_id, email), role_of(role)
        if row.role is wanted:
            return
        if wanted is not UserRole.OWNER:
            _require_another_owner(session, row)
        audit(session, merchant_id, actor, "user.role", row.email, {"from": row.role.value, "to": role}, now)
        row.role = wanted


def disable(engine: Engine, merchant_id: int, email: str, *, actor: str) -> None:
    """Lock a user out: sessions end and tokens are revoked. Raises NotPossible for the last owner."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = _locked(session, merchant_id, email)
        _require_another_owner(session, row)
        if row.disabled_at is None:
            row.disabled_at = now
            sessions.end_all(session, row.id or 0, now)
            for token in session.exec(
                select(ApiToken).where(ApiToken.user_id == row.id, col(ApiToken.revoked_at).is_(None))
            ):
                token.revoked_at = now
            audit(session, merchant_id, actor, "user.disable", row.email, {}, now)


def enable(engine: Engine, merchant_id: int, email: str, *, actor: str) -> None:
    """Let a user in again. Sessions and tokens stay ended."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = _locked(session, merchant_id, email)
        if row.disabled_at is not None:
            row.disabled_at = None
            audit(session, merchant_id, actor, "user.enable", row.email, {}, now)


def rename(engine: Engine, user_id: int, name: str) -> None:
    """Change how a user is called."""
    with engine.database.transaction() as session:
        session.get_one(User, user_id).name = name.strip()[:100]


def change_password(engine: Engine, user_id: int, old: str, new: str, *, keep_session: int | None = None) -> None:
    """Change one's own password; every other session ends. Raises NotSignedIn for a wrong old one, NotPossible."""
    with engine.database.reading() as session:
        row = session.get_one(User, user_id)
    if not passwords.fits(row.password_hash, old):
        raise NotSignedIn("This is not your present password.")
    passwords.require_good(new, row.email)
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.get_one(User, user_id)
        set_password(session, row, new, now, keep_session=keep_session)
        outbox.tell_password_changed(session, engine, row)
        audit(session, row.merchant_id, row.email, "user.password", row.email, {}, now)


def set_password(session: Session, row: User, password: str, now: datetime, *, keep_session: int | None = None) -> None:
    """Keep a new password and end every session but `keep_session`."""
    row.password_hash = passwords.hashed(password)
    sessions.end_all(session, row.id or 0, now, but=keep_session)


def is_claimed(session: Session) -> bool:
    """Whether this installation has a user."""
    return session.exec(select(User.id).limit(1)).first() is not None


def only_time_zone(session: Session) -> str:
    """The time zone of the only merchant; UTC where there are several."""
    zones = session.exec(select(Merchant.time_zone).limit(2)).all()
    return zones[0] if len(zones) == 1 else "UTC"


def _locked(session: Session, merchant_id: int, email: str) -> User:
    found = find_user(session, merchant_id, email)
    return session.exec(select(User).where(User.id == found.id).with_for_update()).one()


def _require_another_owner(session: Session, row: User) -> None:
    if row.role is not UserRole.OWNER or row.disabled_at is not None:
        return
    others = session.exec(
        select(func.count())
        .select_from(User)
        .where(
            User.merchant_id == row.merchant_id,
            User.role == UserRole.OWNER,
            User.id != row.id,
            col(User.disabled_at).is_(None),
        )
    ).one()
    if not others:
        raise NotPossible(f"{row.email} is the only owner. Make somebody else owner first.")
