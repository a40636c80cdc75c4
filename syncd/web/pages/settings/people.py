"""For owners: users and invitations, tokens of programs, and the audit trail."""

from datetime import timedelta

from starlette.responses import Response

from syncd.engine.people import invitations, mail, tokens, users
from syncd.engine.views import audit_trail
from syncd.errors import NotPossible
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit
from syncd.web.pages.paging import number_of

pages = Pages()

USERS, TOKENS = "/app/settings/users", "/app/settings/tokens"
ROLES = {
    "viewer": "sees everything, changes nothing",
    "operator": "also connects, syncs and decides about issues",
    "owner": "also users, tokens and rules",
}
LASTING = {"30": "30 days", "365": "a year", "": "until it is revoked"}
DEEDS = 50


# ------------------------------------------------------------------------------------------- users


@pages.get("/app/settings/users")
def user_list(visit: Visit) -> Response:
    """Who may sign in, and who is invited."""
    return _users_page(visit)


def _users_page(
    visit: Visit, *, wrong: str = "", link: str = "", invited: str = "", is_mailed: bool = False
) -> Response:
    with visit.reading() as session:
        people = users.list_users(session, visit.merchant_id)
        waiting = invitations.list_invitations(session, visit.merchant_id, visit.now)
    return visit.render(
        "settings/users.html",
        422 if wrong else 200,
        people=people,
        waiting=waiting,
        roles=ROLES,
        wrong=wrong,
        link=link,
        invited=invited,
        is_mailed=is_mailed,
    )


@pages.post("/app/settings/users")
def change_users(visit: Visit) -> Response:
    """Invite, withdraw, change a role, lock out, let in again."""
    email, said = visit.sent("email"), ""
    match visit.sent("deed"):
        case "invite":
            return _invite(visit, email)
        case "withdraw":
            told = visit.sent("invitation")
            invitations.withdraw(visit.engine, visit.merchant_id, int(told) if told.isdigit() else 0, actor=visit.actor)
            said = "The invitation is worthless now."
        case "role":
            users.set_role(visit.engine, visit.merchant_id, email, visit.sent("role"), actor=visit.actor)
            said = f"{email} is {visit.sent('role')} now."
        case "lock":
            users.disable(visit.engine, visit.merchant_id, email, actor=visit.actor)
            said = f"{email} is locked out: sessions and tokens are ended."
        case "let_in":
            users.enable(visit.engine, visit.merchant_id, email, actor=visit.actor)
            said = f"{email} may sign in again."
        case _:
            raise NotPossible("There is no such button here.")
    return visit.go(USERS, said=said)


def _invite(visit: Visit, email: str) -> Response:
    """The link is shown this once; it is mailed too where mail is configured."""
    try:
        made, token = invitations.invite(
            visit.engine, visit.merchant_id, email=email, role=visit.sent("role"), actor=visit.actor
        )
    except NotPossible as error:
        return _users_page(visit, wrong=str(error))
    settings = visit.engine.settings
    is_mailed = mail.invitation(settings, made.email, business=made.merchant, invited_by=visit.who.name, token=token)
    link = mail.link(settings, f"/invite/{token}")
    return _users_page(visit, link=link, invited=made.email, is_mailed=is_mailed)


# ------------------------------------------------------------------------------------------- tokens


@pages.get("/app/settings/tokens")
def token_list(visit: Visit) -> Response:
    """Long-lived tokens; never the tokens themselves."""
    return _tokens_page(visit)


def _tokens_page(visit: Visit, *, wrong: str = "", made: str = "", name: str = "") -> Response:
    with visit.reading() as session:
        listed = tokens.list_tokens(session, visit.merchant_id)
    return visit.render(
        "settings/tokens.html",
        422 if wrong else 200,
        listed=listed,
        roles=ROLES,
        lasting=LASTING,
        wrong=wrong,
        made=made,
        name=name,
    )


@pages.post("/app/settings/tokens")
def change_tokens(visit: Visit) -> Response:
    """Make one, which is shown this once, or revoke one."""
    if visit.sent("deed") == "revoke":
        told = visit.sent("token")
        tokens.revoke(visit.engine, visit.merchant_id, int(told) if told.isdigit() else 0, actor=visit.actor)
        return visit.go(TOKENS, said="The token is revoked. What used it is turned away from now on.")
    days = visit.sent("days")
    lasts = timedelta(days=int(days)) if days in LASTING and days else None
    try:
        made, token = tokens.create(
            visit.engine, visit.who.user_id, name=visit.sent("name"), scope=visit.sent("scope"), lasts=lasts
        )
    except NotPossible as error:
        return _tokens_page(visit, wrong=str(error))
    return _tokens_page(visit, made=token, name=made.name)


# ------------------------------------------------------------------------------------------- who did what


@pages.get("/app/settings/audit")
def audit(visit: Visit) -> Response:
    """Who did what, the newest first."""
    actor = visit.query("who") or None
    with visit.reading() as session:
        deeds = audit_trail.list_events(
            session, visit.merchant_id, actor=actor, before=number_of(visit, "before") or None, limit=DEEDS
        )
        people = users.list_users(session, visit.merchant_id)
    return visit.render("settings/audit.html", deeds=deeds, people=people, who=actor or "", page=DEEDS)
