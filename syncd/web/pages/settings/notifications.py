"""Who gets mail about which issues, how often, and whether mail works at all."""

from starlette.responses import Response

from schema.tables import MailLevel, MailRhythm
from syncd.domain.issue_kinds import Area
from syncd.engine.people import mail, notices, outbox
from syncd.errors import NotPossible
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit

pages = Pages()

PATH = "/app/settings/notifications"
LEVELS = {"none": "No mail", "urgent": "What cannot wait", "all": "Every issue"}
RHYTHMS = {"at_once": "At once", "daily": "Once a day"}
AREAS = {"stores": "Stores", "stock": "Stock", "sales": "Sales"}


@pages.get("/app/settings/notifications")
def notifications(visit: Visit) -> Response:
    """Everybody with what they are told."""
    settings = visit.engine.settings
    with visit.reading() as session:
        wishes = notices.list_wishes(session, visit.merchant_id)
        failure = outbox.last_failure(session, visit.merchant_id)
    return visit.render(
        "settings/notifications.html",
        wishes=wishes,
        failure=failure,
        levels=LEVELS,
        rhythms=RHYTHMS,
        areas=AREAS,
        has_mail=mail.is_configured(settings),
        mail=settings.mail,
        address=mail.link(settings, ""),
    )


@pages.post("/app/settings/notifications")
def change(visit: Visit) -> Response:
    """Send a test message to who asks, or keep what somebody is to be told."""
    if visit.sent("deed") == "test":
        notices.send_test(visit.engine, visit.who.email)
        return visit.go(PATH, said=f"A message is on its way to {visit.who.email}.")
    try:
        level, rhythm = MailLevel(visit.sent("level")), MailRhythm(visit.sent("rhythm") or "at_once")
        areas = [Area(told) for told in visit.sent_all("area")]
    except ValueError:
        raise NotPossible("Choose from what the page offers.") from None
    notices.set_wish(
        visit.engine,
        visit.merchant_id,
        visit.sent("email"),
        level=level,
        rhythm=rhythm,
        areas=areas,
        actor=visit.actor,
    )
    return visit.go(PATH, said=f"Saved for {visit.sent('email')}.")
