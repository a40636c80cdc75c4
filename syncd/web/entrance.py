"""The doors: first visit, sign-in and its second step, forgotten passwords, invitations, sign-out, colours."""

from collections import defaultdict
from datetime import datetime

from starlette.background import BackgroundTask
from starlette.responses import Response

from schema.tables import SessionKind
from syncd.engine.people import invitations, mail, resets, sessions, setup_code, sign_in, users
from syncd.errors import NotPossible, NotSignedIn, SyncdError, TooManyTries
from syncd.web.frame.drawing import zone_of
from syncd.web.frame.pages import Pages, back_path, own_path
from syncd.web.frame.visit import A_YEAR, BROWSER, SESSION, THEME, THEMES, Visit

pages = Pages()


@pages.get("/")
def begin(visit: Visit) -> Response:
    """To the overview."""
    return visit.go("/app")


# ------------------------------------------------------------------------------------------- the first visit


@pages.get("/welcome")
def welcome(visit: Visit) -> Response:
    """Make the owner of a fresh installation."""
    return (
        visit.go("/sign-in")
        if _is_claimed(visit)
        else visit.render("doors/welcome.html", wrong=_fields(), typed=_fields())
    )


@pages.post("/welcome")
def claim(visit: Visit) -> Response:
    """Take the setup code and make the owner."""
    typed = {name: visit.sent(name) for name in ("code", "name", "business", "email")}
    try:
        user_id = setup_code.claim(visit.engine, **typed, password=visit.secret("password"))
    except NotSignedIn as error:
        return visit.render("doors/welcome.html", 422, wrong=_fields(code=str(error)), typed=typed)
    except NotPossible as error:
        if _is_claimed(visit):
            return visit.go("/sign-in", said=str(error), tone="info")
        return visit.render("doors/welcome.html", 422, wrong=_fields(**{_field_of(error): str(error)}), typed=typed)
    return visit.enter(sign_in.begin_session(visit.engine, user_id, place=visit.place), "/app")


def _fields(**told: str) -> dict[str, str]:
    """Words by field; empty for a field of which there is nothing to say."""
    return defaultdict(str, told)


def _field_of(error: NotPossible) -> str:
    words = str(error)
    if "password" in words:
        return "password"
    return "business" if "business" in words else "email"


def _is_claimed(visit: Visit) -> bool:
    with visit.reading() as session:
        return users.is_claimed(session)


# ------------------------------------------------------------------------------------------- sign-in


@pages.get("/sign-in")
def ask_password(visit: Visit) -> Response:
    """E-mail and password."""
    if not _is_claimed(visit):
        return visit.go("/welcome")
    if visit.visitor is not None and not visit.visitor.is_pending:
        return visit.go(own_path(visit.query("next")))
    return _sign_in_page(visit)


@pages.post("/sign-in")
def take_password(visit: Visit) -> Response:
    """Begin a session, or say what is wrong."""
    try:
        done = sign_in.sign_in(
            visit.engine, visit.sent("email"), visit.secret("password"), kind=SessionKind.PAGE, place=visit.place
        )
    except TooManyTries as error:
        return _sign_in_page(visit, 429, until=_clock_time(visit, error.until))
    except NotSignedIn as error:
        return _sign_in_page(visit, 422, wrong=str(error), left=error.tries_left)
    wanted = own_path(visit.sent("next"))
    return visit.enter(done, f"/sign-in/code?next={wanted}" if done.needs_code else wanted)


def _sign_in_page(
    visit: Visit, status: int = 200, *, wrong: str = "", left: int | None = None, until: str = ""
) -> Response:
    wanted = visit.sent("next") or visit.query("next")
    return visit.render(
        "doors/sign_in.html", status, email=visit.sent("email"), next=wanted, wrong=wrong, left=left, until=until
    )


def _clock_time(visit: Visit, moment: datetime) -> str:
    """A time of day for somebody who is not known yet: in the zone of the merchant, where there is only one."""
    with visit.reading() as session:
        return f"{moment.astimezone(zone_of(users.only_time_zone(session))):%H:%M}"


@pages.get("/sign-in/code")
def ask_code(visit: Visit) -> Response:
    """The second factor."""
    if visit.visitor is None:
        return visit.go("/sign-in")
    return visit.render("doors/code.html", wrong="", left=None, until="", next=visit.query("next"))


@pages.post("/sign-in/code")
def take_code(visit: Visit) -> Response:
    """Finish the sign-in."""
    wrong, left, until = "", None, ""
    try:
        done = sign_in.give_code(visit.engine, visit.token, visit.sent("code"), place=visit.place)
        return visit.enter(done, own_path(visit.sent("next")))
    except TooManyTries as error:
        until = _clock_time(visit, error.until)
    except NotSignedIn as error:
        if visit.visitor is None:
            return visit.go("/sign-in", said=str(error), tone="bad")
        wrong, left = str(error), error.tries_left
    return visit.render("doors/code.html", 422, wrong=wrong, left=left, until=until, next=visit.sent("next"))


@pages.post("/sign-out")
def leave(visit: Visit) -> Response:
    """End this session."""
    if visit.visitor is not None and visit.visitor.session_id is not None:
        sessions.end(visit.engine, visit.visitor.user_id, visit.visitor.session_id)
    response = visit.go("/sign-in", said="You are signed out.")
    response.delete_cookie(SESSION, path="/")
    response.delete_cookie(BROWSER, path="/")
    return response


# ------------------------------------------------------------------------------------------- forgotten passwords


@pages.get("/forgot")
def forgot(visit: Visit) -> Response:
    """Ask for a link to a new password."""
    return visit.render("doors/forgot.html", has_mail=mail.is_configured(visit.engine.settings), sent=False)


@pages.post("/forgot")
def send_link(visit: Visit) -> Response:
    """Send it; the answer is the same whether the address has an account or not."""
    settings = visit.engine.settings
    response = visit.render("doors/forgot.html", has_mail=mail.is_configured(settings), sent=True)
    if mail.is_configured(settings):
        response.background = BackgroundTask(_send_reset, visit, visit.sent("email"))
    return response


def _send_reset(visit: Visit, email: str) -> None:
    token = resets.ask(visit.engine, email)
    if token is not None:
        mail.reset_link(visit.engine.settings, email, token)


@pages.get("/reset/{token}")
def ask_new_password(visit: Visit) -> Response:
    """Choose a new password, by a link."""
    return _reset_page(visit, "")


@pages.post("/reset/{token}")
def take_new_password(visit: Visit) -> Response:
    """Set it, end all sessions, and begin one here."""
    try:
        user_id = resets.use(visit.engine, visit.part("token"), visit.secret("password"))
    except NotPossible as error:
        return _reset_page(visit, str(error))
    done = sign_in.begin_session(visit.engine, user_id, place=visit.place)
    return visit.enter(done, "/sign-in/code" if done.needs_code else "/app")


def _reset_page(visit: Visit, wrong: str) -> Response:
    try:
        with visit.reading() as session:
            email = resets.look_up(session, visit.engine, visit.part("token"))
    except NotPossible as error:
        return visit.render("doors/gone.html", 410, title="This link is over", words=str(error), again="/forgot")
    return visit.render("doors/reset.html", 422 if wrong else 200, email=email, wrong=wrong)


# ------------------------------------------------------------------------------------------- invitations


@pages.get("/invite/{token}")
def invited(visit: Visit) -> Response:
    """Who is invited to what."""
    return _invite_page(visit, _fields())


@pages.post("/invite/{token}")
def join(visit: Visit) -> Response:
    """Become a user."""
    try:
        user_id = invitations.accept(
            visit.engine, visit.part("token"), name=visit.sent("name"), password=visit.secret("password")
        )
    except NotPossible as error:
        return _invite_page(visit, _fields(**{_field_of(error): str(error)}))
    return visit.enter(sign_in.begin_session(visit.engine, user_id, place=visit.place), "/app")


def _invite_page(visit: Visit, wrong: dict[str, str]) -> Response:
    try:
        with visit.reading() as session:
            invitation = invitations.look_up(session, visit.part("token"), visit.now)
    except SyncdError as error:
        return visit.render("doors/gone.html", 410, title="This invitation is over", words=str(error), again="/sign-in")
    name = visit.sent("name")
    return visit.render("doors/invite.html", 422 if wrong else 200, invitation=invitation, wrong=wrong, name=name)


# ------------------------------------------------------------------------------------------- colours, menu


@pages.post("/theme")
def set_theme(visit: Visit) -> Response:
    """Light, dark, or as the system."""
    theme = visit.sent("theme")
    response = visit.go(back_path(visit))
    visit.set_cookie(response, THEME, theme if theme in THEMES else "auto", A_YEAR)
    return response


@pages.get("/app/menu")
def menu(visit: Visit) -> Response:
    """Everything there is, for phones."""
    return visit.render("menu.html")
