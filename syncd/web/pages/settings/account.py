"""The list of settings, and one's own account: name, password, second factor, where one is signed in."""

from collections import defaultdict

from starlette.responses import Response

from syncd.engine.people import second_factor, sessions, users
from syncd.engine.people.second_factor import Enrolment
from syncd.errors import NotPossible, NotSignedIn
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit

pages = Pages()

PATH = "/app/settings/account"
LISTED = (
    ("account", "user", "Your account", "Name, password, second factor, where you are signed in.", "viewer"),
    ("users", "store", "Users", "Who may sign in, and what each may do.", "owner"),
    ("notifications", "issue", "Messages by e-mail", "Who is told of which issues, and how often.", "owner"),
    ("rules", "settings", "Safety stock and other rules", "Safety stock, buffers, highest and low numbers.", "owner"),
    ("tokens", "key", "Tokens for programs", "Long-lived keys to the API.", "owner"),
    ("audit", "clock", "Who did what", "Every change that a person or a program made.", "owner"),
)


@pages.get("/app/settings")
def index(visit: Visit) -> Response:
    """What may be set by who asks."""
    return visit.render("settings/index.html", listed=[entry for entry in LISTED if visit.may(entry[4])])


@pages.get("/app/settings/account")
def account(visit: Visit) -> Response:
    """One's own account."""
    return _page(visit)


def _page(visit: Visit, *, wrong: dict[str, str] | None = None, enrolment: Enrolment | None = None) -> Response:
    with visit.reading() as session:
        me = users.view(users.find_user(session, visit.merchant_id, visit.who.email))
        places = sessions.list_sessions(session, visit.who.user_id, visit.now)
    return visit.render(
        "settings/account.html",
        422 if wrong else 200,
        me=me,
        places=places,
        wrong=defaultdict(str, wrong or {}),
        enrolment=enrolment,
        here=visit.who.session_id,
    )


@pages.post("/app/settings/account")
def change(visit: Visit) -> Response:
    """Do what a button of the page says."""
    match visit.sent("deed"):
        case "name":
            users.rename(visit.engine, visit.who.user_id, visit.sent("name"))
            return visit.go(PATH, said="Your name is changed.")
        case "password":
            return _change_password(visit)
        case "begin_code":
            return _page(visit, enrolment=second_factor.begin(visit.engine, visit.who.email))
        case "confirm_code":
            return _confirm_code(visit)
        case "remove_code":
            return _remove_code(visit)
        case "end":
            return _end_session(visit)
        case _:
            raise NotPossible("There is no such button here.")


def _change_password(visit: Visit) -> Response:
    try:
        users.change_password(
            visit.engine,
            visit.who.user_id,
            visit.secret("old"),
            visit.secret("new"),
            keep_session=visit.who.session_id,
        )
    except NotSignedIn as error:
        return _page(visit, wrong={"old": str(error)})
    except NotPossible as error:
        return _page(visit, wrong={"new": str(error)})
    return visit.go(PATH, said="Your password is changed. All other sessions were ended.")


def _confirm_code(visit: Visit) -> Response:
    """The first code switches it on; a wrong one shows the same picture again."""
    sealed = visit.sent("sealed")
    try:
        second_factor.confirm(visit.engine, visit.who.user_id, sealed, visit.sent("code"))
    except NotSignedIn as error:
        again = second_factor.resume(visit.engine, visit.who.email, sealed)
        return _page(visit, wrong={"code": str(error)}, enrolment=again)
    return visit.go(PATH, said="From now on signing in asks for a code of your phone.")


def _remove_code(visit: Visit) -> Response:
    try:
        second_factor.remove(visit.engine, visit.who.user_id, visit.secret("password"))
    except NotSignedIn as error:
        return _page(visit, wrong={"password": str(error)})
    return visit.go(PATH, said="Signing in asks for your password only.", tone="info")


def _end_session(visit: Visit) -> Response:
    told = visit.sent("session")
    if not told.isdigit() or not sessions.end(visit.engine, visit.who.user_id, int(told)):
        raise NotPossible("That session is over already.")
    return visit.go(PATH, said="That session is ended.")
