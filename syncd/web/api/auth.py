"""`/auth/…`: coming in, going out, one's own account."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, HTTPException, Request
from pydantic import BaseModel, Field, SecretStr

from schema.tables import SessionKind
from syncd.engine.context import Engine
from syncd.engine.people import invitations, mail, resets, second_factor, sessions, setup_code, sign_in, tokens, users
from syncd.engine.people.sessions import SessionView
from syncd.engine.people.sign_in import SignedIn
from syncd.web.api.asking import Asking, AskingPerson, Id, Sent, engine_of, place_of

router = APIRouter(prefix="/auth", tags=["auth"])

Email = Annotated[str, Field(max_length=254)]
Name = Annotated[str, Field(max_length=100)]
Password = Annotated[SecretStr, Field(max_length=200)]


class Registration(Sent):
    """A new owner. `code` is the setup code of a fresh installation; without it a new merchant, where that is open."""

    email: Email
    password: Password
    name: Name = ""
    business: Name
    code: Annotated[str, Field(max_length=40)] | None = None


class Credentials(Sent):
    """`code` is the second factor's, where one is on."""

    email: Email
    password: Password
    code: Annotated[str, Field(max_length=10)] | None = None


class Bearer(BaseModel):
    """Send it as `Authorization: Bearer …`."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 the kind, no secret
    expires_at: datetime


class Me(BaseModel):
    """Who the token is."""

    email: str
    name: str
    role: str
    merchant: str
    time_zone: str
    currency: str
    is_program: bool


class NewPassword(Sent):
    """One's own."""

    old: Password
    new: Password


class Forgotten(Sent):
    """Whose password."""

    email: Email


class Reset(Sent):
    """The token of the link, and the new password."""

    token: Annotated[str, Field(max_length=100)]
    password: Password


class Joining(Reset):
    """The token of an invitation, and who one is."""

    name: Name = ""


class Enrolled(BaseModel):
    """What an authenticator app needs; send `sealed` back with the first code it shows."""

    secret: str
    uri: str
    sealed: str


class Confirmation(Sent):
    """The first code of the app."""

    sealed: Annotated[str, Field(max_length=2000)]
    code: Annotated[str, Field(max_length=10)]


class OwnPassword(Sent):
    """To prove that it is you."""

    password: Password


def _bearer(engine: Engine, signed_in: SignedIn) -> Bearer:
    return Bearer(access_token=tokens.jwt_of(engine, signed_in), expires_at=signed_in.expires_at)


@router.post("/register", status_code=201)
def register(sent: Registration, request: Request) -> Bearer:
    """Claim a fresh installation by its setup code, or sign up where anybody may."""
    engine, password = engine_of(request), sent.password.get_secret_value()
    if sent.code is not None:
        setup_code.claim(engine, sent.code, email=sent.email, name=sent.name, business=sent.business, password=password)
    else:
        setup_code.register(engine, email=sent.email, name=sent.name, business=sent.business, password=password)
    return login(Credentials(email=sent.email, password=sent.password), request)


@router.post("/login")
def login(sent: Credentials, request: Request) -> Bearer:
    """A bearer token for e-mail and password (and code)."""
    engine = engine_of(request)
    done = sign_in.sign_in(
        engine,
        sent.email,
        sent.password.get_secret_value(),
        kind=SessionKind.API,
        place=place_of(request),
        code=sent.code,
    )
    if done.needs_code:
        sessions.end(engine, done.user_id, done.session_id)
        raise HTTPException(401, "Send the code of your authenticator app too, as `code`.")
    return _bearer(engine, done)


@router.post("/logout", status_code=204)
def logout(caller: AskingPerson) -> None:
    """End this session; the token is worthless from now on."""
    sessions.end(caller.engine, caller.visitor.user_id, caller.visitor.session_id or 0)


@router.get("/me")
def me(caller: Asking) -> Me:
    """Who the token is, and what they may."""
    who = caller.visitor
    return Me(
        email=who.email,
        name=who.name,
        role=who.role.value,
        merchant=who.merchant_name,
        time_zone=who.time_zone,
        currency=who.currency,
        is_program=who.token_id is not None,
    )


@router.put("/password", status_code=204)
def change_password(sent: NewPassword, caller: AskingPerson) -> None:
    """Change one's password; all other sessions end."""
    users.change_password(
        caller.engine,
        caller.visitor.user_id,
        sent.old.get_secret_value(),
        sent.new.get_secret_value(),
        keep_session=caller.visitor.session_id,
    )


@router.post("/forgot", status_code=202)
def forgot(sent: Forgotten, request: Request, later: BackgroundTasks) -> None:
    """Have a link sent, if the address has an account and mail is configured; the answer tells neither."""
    later.add_task(_send_reset, engine_of(request), sent.email)


def _send_reset(engine: Engine, email: str) -> None:
    if not mail.is_configured(engine.settings):
        return
    token = resets.ask(engine, email)
    if token is not None:
        mail.reset_link(engine.settings, email, token)


@router.post("/reset", status_code=204)
def reset(sent: Reset, request: Request) -> None:
    """Set a new password by the token of a link; all sessions end."""
    resets.use(engine_of(request), sent.token, sent.password.get_secret_value())


@router.post("/invitations/accept", status_code=204)
def join(sent: Joining, request: Request) -> None:
    """Become a user by the token of an invitation."""
    invitations.accept(engine_of(request), sent.token, name=sent.name, password=sent.password.get_secret_value())


@router.get("/sessions")
def list_sessions(caller: AskingPerson) -> list[SessionView]:
    """One's own sign-ins that are not over."""
    with caller.reading() as session:
        return sessions.list_sessions(session, caller.visitor.user_id, caller.engine.clock.now())


@router.delete("/sessions/{session_id}", status_code=204)
def end_session(session_id: Id, caller: AskingPerson) -> None:
    """End one of them."""
    if not sessions.end(caller.engine, caller.visitor.user_id, session_id):
        raise HTTPException(404, "There is no such session; it may be over.")


@router.post("/second-factor")
def begin_second_factor(caller: AskingPerson) -> Enrolled:
    """A fresh secret for an authenticator app; nothing changes before it is confirmed."""
    begun = second_factor.begin(caller.engine, caller.visitor.email)
    return Enrolled(secret=begun.secret, uri=begun.uri, sealed=begun.sealed)


@router.post("/second-factor/confirm", status_code=204)
def confirm_second_factor(sent: Confirmation, caller: AskingPerson) -> None:
    """Switch it on by the first code."""
    second_factor.confirm(caller.engine, caller.visitor.user_id, sent.sealed, sent.code)


@router.post("/second-factor/remove", status_code=204)
def remove_second_factor(sent: OwnPassword, caller: AskingPerson) -> None:
    """Switch it off, by the password."""
    second_factor.remove(caller.engine, caller.visitor.user_id, sent.password.get_secret_value())
