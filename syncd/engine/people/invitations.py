"""Inviting somebody to be a user, by a link that works once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from schema.tables import Invitation, Merchant, User
from syncd.engine.audit import audit
from syncd.engine.context import Engine
from syncd.engine.people import users
from syncd.engine.people.sessions import hash_of
from syncd.engine.vault import new_token
from syncd.errors import NotPossible

LASTS = timedelta(days=7)
_GONE = "This invitation is used, withdrawn or too old. Ask for a new one."


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationView:
    """An invitation as people see it. `merchant` is the business's name."""

    id: int
    email: str
    role: str
    merchant: str
    invited_by: str
    created_at: datetime
    expires_at: datetime


def invite(engine: Engine, merchant_id: int, *, email: str, role: str, actor: str) -> tuple[InvitationView, str]:
    """Invite; an open invitation of the same address is replaced. Gives the token of `/invite/{token}`, this once."""
    address, wanted, now, token = users.clean_email(email), users.role_of(role), engine.clock.now(), new_token()
    with engine.database.transaction() as session:
        merchant = session.get_one(Merchant, merchant_id)
        if session.exec(select(User.id).where(User.merchant_id == merchant_id, User.email == address)).first():
            raise NotPossible(f"{address} is a user already.")
        for old in session.exec(_open(merchant_id).where(Invitation.email == address)):
            old.revoked_at = now
        session.flush()
        row = Invitation(
            merchant_id=merchant_id,
            email=address,
            role=wanted,
            token_hash=hash_of(token),
            invited_by=actor,
            created_at=now,
            expires_at=now + LASTS,
        )
        session.add(row)
        session.flush()
        audit(session, merchant_id, actor, "user.invite", address, {"role": role}, now)
        return _view(row, merchant), token


def list_invitations(session: Session, merchant_id: int, now: datetime) -> list[InvitationView]:
    """Those that can still be accepted, the newest first."""
    merchant = session.get_one(Merchant, merchant_id)
    rows = session.exec(_open(merchant_id).where(col(Invitation.expires_at) > now).order_by(col(Invitation.id).desc()))
    return [_view(row, merchant) for row in rows]


def withdraw(engine: Engine, merchant_id: int, invitation_id: int, *, actor: str) -> None:
    """Make an invitation worthless. Raises NotPossible."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.exec(_open(merchant_id).where(Invitation.id == invitation_id)).first()
        if row is None:
            raise NotPossible("There is no such invitation; it may have been accepted.")
        row.revoked_at = now
        audit(session, merchant_id, actor, "user.uninvite", row.email, {}, now)


def look_up(session: Session, token: str, now: datetime) -> InvitationView:
    """The invitation of this link. Raises NotPossible."""
    row = _of_token(session, token, now)
    return _view(row, session.get_one(Merchant, row.merchant_id))


def accept(engine: Engine, token: str, *, name: str, password: str) -> int:
    """Become a user; gives the user's id. Raises NotPossible."""
    now = engine.clock.now()
    with engine.database.transaction() as session:
        row = session.exec(
            select(Invitation).where(Invitation.id == _of_token(session, token, now).id).with_for_update()
        ).one()
        if row.accepted_at is not None:
            raise NotPossible(_GONE)
        user = users.make_user(
            session, row.merchant_id, email=row.email, name=name, role=row.role, password=password, now=now
        )
        row.accepted_at = now
        audit(session, row.merchant_id, user.email, "user.join", user.email, {"role": row.role.value}, now)
        return user.id or 0


def _of_token(session: Session, token: str, now: datetime) -> Invitation:
    row = session.exec(select(Invitation).where(Invitation.token_hash == hash_of(token))).first()
    if row is None or row.accepted_at is not None or row.revoked_at is not None or row.expires_at <= now:
        raise NotPossible(_GONE)
    return row


def _open(merchant_id: int) -> SelectOfScalar[Invitation]:
    return select(Invitation).where(
        Invitation.merchant_id == merchant_id,
        col(Invitation.accepted_at).is_(None),
        col(Invitation.revoked_at).is_(None),
    )


def _view(row: Invitation, merchant: Merchant) -> InvitationView:
    return InvitationView(
        id=row.id or 0,
        email=row.email,
        role=row.role.value,
        merchant=merchant.name,
        invited_by=row.invited_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
