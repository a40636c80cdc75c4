"""Steps 2 and 3 of the wizard: which store, and connecting it. Step 1 is `office.py`."""

import base64
import secrets
from contextlib import suppress
from urllib.parse import quote

from sqlmodel import Session
from starlette.responses import Response

from connectors.sdk.contract import Role
from connectors.sdk.doorstep import Looked
from connectors.sdk.errors import ConnectorError
from syncd.engine import accounts, consents
from syncd.engine.connect import StoreRequest
from syncd.engine.plugins import platforms_with_consent
from syncd.engine.views.authority import authority_view
from syncd.engine.views.stock_list import locations
from syncd.errors import AlreadyConnected, ChooseLocation, NotPossible
from syncd.web.connect_doors import begin
from syncd.web.frame.pages import NothingHere, Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import count_words, platform_name, store_path
from syncd.web.pages.setup import address
from syncd.web.pages.setup.platform_words import KEY_FIELDS, words_of_error
from syncd.web.pages.setup.steps import first_steps, rail

pages = Pages()

STORES = ("shopify", "woocommerce", "custom")
NOT_LOOKED = Looked(lines=())
SETTING = {"shopify": "shop", "woocommerce": "url", "custom": "url"}


@pages.get("/app/setup")
def go_on(visit: Visit) -> Response:
    """On to the step that comes next."""
    with visit.reading() as session:
        steps = first_steps(session, visit.merchant_id)
    return visit.go(next((step.path for step in steps if step.state == "now"), "/app/setup/store"))


# ------------------------------------------------------------------------------------------- which store


@pages.get("/app/setup/store")
def choose_store(visit: Visit) -> Response:
    """Shopify, WooCommerce, or a shop of one's own."""
    with visit.reading() as session:
        if not authority_view(session, visit.merchant_id).is_set:
            return visit.go("/app/setup/backoffice")
        steps = rail(session, visit.merchant_id, "store")
    platforms = [name for name in STORES if name in visit.engine.plugins]
    return visit.render("setup/store.html", rail=steps, platforms=platforms)


# ------------------------------------------------------------------------------------------- coming back


@pages.get("/app/setup/arrived")
def arrived(visit: Visit) -> Response:
    """Wait here while the key arrives and the products are read; asks again by itself."""
    with visit.reading() as session:
        found = consents.arrival(session, visit.merchant_id, visit.query("user_id"), visit.now)
        if found is None:
            raise NothingHere
        steps = rail(session, visit.merchant_id, "connect", platform=found.platform)
    if found.connection is not None:
        said = f"{found.connection} is connected, {count_words(found.listings, 'product')} read. No number was changed."
        return visit.go(f"{store_path(found.code)}/matching", said=said)
    was_denied = visit.query("success") == "0"
    choices = consents.choices(visit.engine, visit.merchant_id, visit.query("user_id"))
    response = visit.render("setup/arrived.html", rail=steps, found=found, was_denied=was_denied, choices=choices)
    if not found.failure and not was_denied:
        response.headers["Refresh"] = "1"
    return response


@pages.post("/app/setup/arrived")
def choose_location(visit: Visit) -> Response:
    """The location that the store sells from, where it has several; then on with connecting."""
    state = visit.sent("user_id")
    path = f"/app/setup/arrived?user_id={quote(state)}"
    try:
        consents.choose(visit.engine, visit.merchant_id, state, visit.sent("store_location"))
    except NotPossible as error:
        return visit.go(path, said=str(error), tone="bad")
    return visit.go(path)


# ------------------------------------------------------------------------------------------- connecting


@pages.get("/app/setup/{platform}")
def ask_connect(visit: Visit) -> Response:
    """The address, then approval or keys."""
    return _connect_page(visit)


def _platform(visit: Visit) -> str:
    platform = visit.part("platform")
    if platform not in SETTING or platform not in visit.engine.plugins:
        raise NothingHere
    return platform


def _connect_page(
    visit: Visit, *, wrong: str = "", details: str = "", there: str = "", looked: Looked = NOT_LOOKED
) -> Response:
    platform = _platform(visit)
    with visit.reading() as session:
        if not authority_view(session, visit.merchant_id).is_set:
            return visit.go("/app/setup/backoffice")
        values = {
            "rail": rail(session, visit.merchant_id, "connect", platform=platform),
            "places": locations(session, visit.merchant_id),
        }
    public_url = visit.engine.settings.web.public_url
    return visit.render(
        f"setup/{platform}.html",
        422 if wrong else 200,
        **values,
        platform=platform,
        fields=KEY_FIELDS[platform],
        wrong=wrong,
        details=details,
        typed=_typed(visit, platform),
        can_approve=platform in platforms_with_consent(visit.engine.plugins) and bool(public_url),
        has_app=bool(visit.engine.settings.of_platform(platform).get("client_id")),
        public_url=public_url,
        there=there,
        looked=looked,
        looks=address.LOOKS,
        new_secret=f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
    )


def _typed(visit: Visit, platform: str) -> dict[str, str]:
    fields = [SETTING[platform], "name", *(field.name for field in KEY_FIELDS[platform] if not field.is_secret)]
    return {field: visit.sent(field) for field in (*fields, "api_url")}


@pages.post("/app/setup/{platform}")
def connect(visit: Visit) -> Response:
    """Go to the page of approval, or try the keys and connect."""
    platform = _platform(visit)
    settings = _settings(visit, platform)
    try:
        with visit.reading() as session:
            _require_places(session, visit)
        if visit.sent("how") in ("check", "approve"):
            looked = address.look(visit, platform, settings)
            if visit.is_part and visit.sent("how") == "check":
                return address.part(visit, looked)
            if visit.sent("how") == "check" or not address.may_go_on(visit, looked):
                return _connect_page(visit, looked=looked)
            return begin(
                visit,
                platform,
                {**settings, **looked.settings},
                platform_name(platform) if platform == next(iter(STORES)) else "your store",
                name=visit.sent("name"),
                locations=visit.sent_all("location"),
                credentials=_app(visit),
            )
        keys = {field.name: visit.secret(field.name).strip() for field in KEY_FIELDS[platform]} | _app(visit)
        return _by_keys(visit, platform, settings, {name: key for name, key in keys.items() if key})
    except ConnectorError as error:
        return _connect_page(visit, wrong=words_of_error(platform, settings, error), details=str(error))
    except AlreadyConnected as error:
        return _connect_page(visit, wrong=str(error), there=store_path(error.code))
    except NotPossible as error:
        return _connect_page(visit, wrong=str(error))


def _settings(visit: Visit, platform: str) -> dict[str, str]:
    name = SETTING[platform]
    told = visit.sent(name)
    if name == "url" and told and "://" not in told:
        told = f"https://{told}"
    settings = {name: told, "api_url": visit.sent("api_url"), accounts.LOCATION: visit.sent(accounts.LOCATION)}
    return {key: value for key, value in settings.items() if value}


def _app(visit: Visit) -> dict[str, str]:
    """The client id and secret of an app of the merchant's own."""
    told = {name: visit.secret(name).strip() for name in ("client_id", "client_secret")}
    return {name: value for name, value in told.items() if value}


def _require_places(session: Session, visit: Visit) -> None:
    known = {place.external_id for place in locations(session, visit.merchant_id)}
    if set(visit.sent_all("location")) - known:
        raise NotPossible("One of these locations is not there any more. Choose again.")


def _by_keys(visit: Visit, platform: str, settings: dict[str, str], keys: dict[str, str]) -> Response:
    """Ask the store who it is, so that a wrong key is told at once; the rest the daemon does."""
    probed = accounts.probe(visit.engine, Role.STORE, platform, settings, keys)
    with suppress(ChooseLocation):  # asked on the next page
        accounts.choose_store_location(probed, platform)
    with visit.reading() as session:
        accounts.refuse_twice(session, visit.merchant_id, platform, probed.info.account_id)
    wanted = StoreRequest(
        merchant_id=visit.merchant_id,
        platform=platform,
        settings=settings,
        name=visit.sent("name"),
        locations=tuple(visit.sent_all("location")),
        actor=visit.actor,
    )
    state = consents.keep_grant(visit.engine, wanted, probed.credentials)
    return visit.go(f"/app/setup/arrived?user_id={state}")
