"""Step 1 of the wizard: the back office, or syncd's own ledger."""

import base64
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.responses import Response

from connectors.sdk.contract import Role
from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import Location
from syncd.engine import accounts, backoffice
from syncd.engine.views.authority import authority_view
from syncd.errors import NotPossible, VaultError
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import count_words
from syncd.web.pages.setup.platform_words import KEY_FIELDS, words_of_error
from syncd.web.pages.setup.steps import rail

pages = Pages()

OFFICE = "prokip"


@pages.get("/app/setup/backoffice")
def ask_office(visit: Visit) -> Response:
    """Prokip, or syncd's own ledger."""
    return _office_page(visit)


def _office_page(
    visit: Visit,
    *,
    wrong: str = "",
    details: str = "",
    places: tuple[Location, ...] = (),
    kept: str = "",
    name: str = "",
) -> Response:
    with visit.reading() as session:
        values = {
            "rail": rail(session, visit.merchant_id, "backoffice"),
            "authority": authority_view(session, visit.merchant_id),
        }
    typed = {field: visit.sent(field) for field in ("url", "username", "client_id")}
    return visit.render(
        "setup/backoffice.html",
        422 if wrong else 200,
        **values,
        wrong=wrong,
        details=details,
        typed=typed,
        places=places,
        kept=kept,
        office_name=name,
        how=visit.sent("how") or "prokip",
    )


@pages.post("/app/setup/backoffice")
def take_office(visit: Visit) -> Response:
    """Try the credentials; with several locations ask for the one that stores sell from; then keep it."""
    try:
        if visit.sent("how") == "ledger":
            return _office_done(visit, backoffice.set_ledger(visit.engine, visit.merchant_id, actor=visit.actor))
        settings, credentials = _office_keys(visit)
        location = visit.sent("location") or None
        if location is None:
            info = accounts.probe(visit.engine, Role.BACKOFFICE, OFFICE, settings, credentials).info
            active = tuple(place for place in info.locations if place.is_active)
            if not active:
                return _office_page(visit, wrong=NO_LOCATION)
            if len(active) > 1:
                return _office_page(visit, places=active, kept=_seal(visit, settings, credentials), name=info.name)
            location = active[0].location_id
        done = backoffice.connect_backoffice(
            visit.engine, visit.merchant_id, OFFICE, settings, credentials, location=location, actor=visit.actor
        )
    except ConnectorError as error:
        words = words_of_error(OFFICE, {"url": visit.sent("url")}, error)
        return _office_page(visit, wrong=words, details=str(error))
    except NotPossible as error:
        return _office_page(visit, wrong=str(error))
    return _office_done(visit, done)


NO_LOCATION = "Prokip lists no location for this user. In Prokip open Users, this user, Locations."


def _office_done(visit: Visit, done: backoffice.AuthoritySet) -> Response:
    with visit.reading() as session:
        places = len([place for place in authority_view(session, visit.merchant_id).locations if place.is_active])
    said = f"{done.name[:1].upper()}{done.name[1:]} is connected, {count_words(places, 'location')}."
    return visit.go("/app/setup/store", said=" ".join((said, *done.warnings)), tone="warn" if done.warnings else "ok")


def _office_keys(visit: Visit) -> tuple[dict[str, str], dict[str, str]]:
    """What was typed, or what was typed before and came back sealed."""
    if visit.sent("kept"):
        return _open(visit, visit.sent("kept"))
    url = visit.sent("url")
    if "://" not in url:
        url = f"https://{url}"
    if not urlsplit(url).netloc or any(sign.isspace() for sign in url):
        raise NotPossible("This is no address. Take the one that begins with api., such as https://api.prokip.africa.")
    told = {field.name: visit.secret(field.name).strip() for field in KEY_FIELDS[OFFICE]}
    if not told["access_token"] and not (told["username"] and told["password"]):
        raise NotPossible("Type user name and password, or a token.")
    if not told["access_token"] and not (told["client_id"] and told["client_secret"]):
        raise NotPossible("Prokip also wants a client id and its secret: in Prokip open Connector, Clients.")
    return {"url": url}, {name: value for name, value in told.items() if value}


def _seal(visit: Visit, settings: Mapping[str, str], credentials: Mapping[str, str]) -> str:
    """Carried through the next form, readable for nobody but us, good for this visitor only."""
    body = json.dumps([visit.who.user_id, dict(settings), dict(credentials)]).encode()
    return base64.urlsafe_b64encode(visit.engine.keyring.seal(body)).decode()


def _open(visit: Visit, kept: str) -> tuple[dict[str, str], dict[str, str]]:
    try:
        body = visit.engine.keyring.open_bytes(base64.urlsafe_b64decode(kept.encode()))
        user_id, settings, credentials = json.loads(body)
    except (VaultError, ValueError):
        raise NotPossible("This form is too old. Type it once more.") from None
    if user_id != visit.who.user_id:
        raise NotPossible("This form is somebody else's. Type it once more.")
    return settings, credentials
