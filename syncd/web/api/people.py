"""`/users`, `/tokens`, `/notifications`, `/audit`: who may come in, who is told what, who did what. For owners."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from schema.tables import MailLevel, MailRhythm, UserRole
from syncd.domain.issue_kinds import Area
from syncd.engine.people import invitations, mail, notices, tokens, users
from syncd.engine.people.invitations import InvitationView
from syncd.engine.people.notices import Wish
from syncd.engine.people.tokens import TokenView
from syncd.engine.people.users import UserView
from syncd.engine.views import audit_trail
from syncd.engine.views.audit_trail import AuditView
from syncd.web.api.answers import Page, after_id, page
from syncd.web.api.asking import Asking, AskingPerson, Cursor, Id, Limit, Sent, missing_is_404

router = APIRouter(tags=["people"])

Email = Annotated[str, Path(max_length=254)]


class NewInvitation(Sent):
    """Whom to invite as what."""

    email: Annotated[str, Field(max_length=254)]
    role: UserRole


class Invited(BaseModel):
    """`link` is shown this once; it was mailed if `is_mailed`."""

    invitation: InvitationView
    link: str
    is_mailed: bool


class UserChange(Sent):
    """What is to be different."""

    role: UserRole | None = None
    is_disabled: bool | None = None


class NewToken(Sent):
    """A long-lived token. Without `days` it lasts until it is revoked."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    scope: UserRole
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


class NewWish(Sent):
    """Which issues, how often: `urgent` are those that cannot wait; `areas` are what they are about."""

    level: MailLevel
    rhythm: MailRhythm = MailRhythm.AT_ONCE
    areas: Annotated[tuple[Area, ...], Field(max_length=3)] = tuple(Area)


class TokenMade(BaseModel):
    """`token` is shown this once."""

    token: str
    id: int
    name: str
    scope: str
    expires_at: datetime | None


@router.get("/users")
def list_users(caller: Asking) -> list[UserView]:
    """Who may sign in."""
    with caller.reading() as session:
        return users.list_users(session, caller.merchant_id)


@router.get("/users/invitations")
def list_invitations(caller: Asking) -> list[InvitationView]:
    """Who is invited and has not come yet."""
    with caller.reading() as session:
        return invitations.list_invitations(session, caller.merchant_id, caller.engine.clock.now())


@router.post("/users/invitations", status_code=201)
def invite(sent: NewInvitation, caller: Asking) -> Invited:
    """Invite somebody; an earlier invitation of the same address is replaced."""
    made, token = invitations.invite(
        caller.engine, caller.merchant_id, email=sent.email, role=sent.role.value, actor=caller.actor
    )
    settings = caller.engine.settings
    is_mailed = mail.invitation(
        settings, made.email, business=made.merchant, invited_by=caller.visitor.name, token=token
    )
    return Invited(invitation=made, link=mail.link(settings, f"/invite/{token}"), is_mailed=is_mailed)


@router.delete("/users/invitations/{invitation_id}", status_code=204)
def withdraw(invitation_id: Id, caller: Asking) -> None:
    """Make an invitation worthless."""
    with missing_is_404():
        invitations.withdraw(caller.engine, caller.merchant_id, invitation_id, actor=caller.actor)


@router.patch("/users/{email}")
def change_user(email: Email, sent: UserChange, caller: Asking) -> UserView:
    """Give another role, lock out, let in again."""
    with caller.reading() as session, missing_is_404():
        users.find_user(session, caller.merchant_id, email)
    if sent.role is not None:
        users.set_role(caller.engine, caller.merchant_id, email, sent.role.value, actor=caller.actor)
    if sent.is_disabled is not None:
        change = users.disable if sent.is_disabled else users.enable
        change(caller.engine, caller.merchant_id, email, actor=caller.actor)
    with caller.reading() as session:
        return users.view(users.find_user(session, caller.merchant_id, email))


@router.get("/tokens")
def list_tokens(caller: Asking) -> list[TokenView]:
    """Long-lived tokens; never the tokens themselves."""
    with caller.reading() as session:
        return tokens.list_tokens(session, caller.merchant_id)


@router.post("/tokens", status_code=201)
def make_token(sent: NewToken, caller: AskingPerson) -> TokenMade:
    """Make one; it is shown this once."""
    lasts = None if sent.days is None else timedelta(days=sent.days)
    made, token = tokens.create(
        caller.engine, caller.visitor.user_id, name=sent.name, scope=sent.scope.value, lasts=lasts
    )
    return TokenMade(token=token, id=made.id, name=made.name, scope=made.scope, expires_at=made.expires_at)


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: Id, caller: Asking) -> None:
    """End one."""
    with missing_is_404():
        tokens.revoke(caller.engine, caller.merchant_id, token_id, actor=caller.actor)


@router.get("/notifications")
def list_wishes(caller: Asking) -> list[Wish]:
    """Who is told of which issues by mail, and how often."""
    with caller.reading() as session:
        return notices.list_wishes(session, caller.merchant_id)


@router.put("/notifications/{email}", status_code=204)
def set_wish(email: Email, sent: NewWish, caller: Asking) -> None:
    """Choose what a user is told of."""
    with caller.reading() as session, missing_is_404():
        users.find_user(session, caller.merchant_id, email)
    notices.set_wish(
        caller.engine,
        caller.merchant_id,
        email,
        level=sent.level,
        rhythm=sent.rhythm,
        areas=sent.areas,
        actor=caller.actor,
    )


@router.post("/notifications/test", status_code=204)
def send_test(caller: Asking) -> None:
    """Send a message to oneself now; 409 says what is wrong with the mail server."""
    notices.send_test(caller.engine, caller.visitor.email)


@router.get("/audit")
def list_audit(
    caller: Asking,
    actor: Annotated[str | None, Query(max_length=254)] = None,
    action: Annotated[str | None, Query(max_length=60, description="Its beginning, such as `user`.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AuditView]:
    """Who did what, the newest first."""
    with caller.reading() as session:
        rows = audit_trail.list_events(
            session, caller.merchant_id, actor=actor, action=action, before=after_id(cursor), limit=limit + 1
        )
    return page(rows, limit, lambda row: row.id)
