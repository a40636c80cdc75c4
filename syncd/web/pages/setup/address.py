"""A store's address, looked at line by line before anything is approved."""

from collections.abc import Mapping

from starlette.responses import Response

from connectors.sdk.doorstep import Finding, Looked
from syncd.engine import consents
from syncd.web.frame.visit import Visit

LOOKS = {
    Finding.RIGHT: ("ok", "tone-ok"),
    Finding.NOTE: ("info", "tone-info"),
    Finding.WARNING: ("warn", "tone-warn"),
    Finding.WRONG: ("bad", "tone-bad"),
}


def look(visit: Visit, platform: str, settings: Mapping[str, str]) -> Looked:
    """What is found at the address that was typed; nothing where the platform cannot tell. Raises Refused."""
    found = consents.look_at(visit.engine, platform, settings) if settings else None
    return found or Looked(lines=())


def may_go_on(visit: Visit, looked: Looked) -> bool:
    """Whether the person may be sent to approve: nothing is in the way, and what is worth a thought was read."""
    has_read = visit.sent("anyway") == "yes"
    return not looked.has(Finding.WRONG) and (has_read or not looked.has(Finding.WARNING))


def part(visit: Visit, looked: Looked) -> Response:
    """The lines alone, for who still stands on the form."""
    return visit.render("setup/address.html", looked=looked, looks=LOOKS)
