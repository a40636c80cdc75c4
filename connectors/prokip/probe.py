"""What a Prokip server is and honours, found out by harmless calls: there is no version to ask for.

Whether a sale can be looked up there is tried in `look_up.py`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.prokip.client import DEFAULT_URL
from connectors.prokip.look_up import check_drafts, try_look_up
from connectors.prokip.routes import Routes
from connectors.prokip.translate import items_of_product, location
from connectors.prokip.unreadable import stock_rows_of
from connectors.sdk.contract import Account
from connectors.sdk.errors import RefusalKind, Refused
from connectors.sdk.reader import Reader
from connectors.sdk.values import AccountInfo, UnreadableItem

SOME_PRODUCTS = "20"
AT_MOST = timedelta(seconds=30)


def probe(routes: Routes, account: Account) -> AccountInfo:
    """Ask who we are, what the business is, and what of the API is there."""
    user = routes.single("user/loggedin", "ask who we are")
    business = routes.single("business-details", "read the business")
    locations = tuple(location(row) for row in routes.rows("business-location", "list the locations"))
    allows_overselling = _allows_overselling(business)
    has_variations = _has_variations(routes)
    host = urlsplit(account.settings.get("url") or DEFAULT_URL).netloc
    look_up = try_look_up(routes)
    if account.settings.get("strict") == "yes":
        check_drafts(routes, account.clock.now() + AT_MOST)
    warnings = [*look_up.warnings, *_catalogue_warnings(routes)]
    if not allows_overselling:
        warnings.append(
            "Overselling is off in Prokip: a sale that its purchases do not cover is refused and waits for a person."
        )
    wanted = account.settings.get("location")
    if wanted and not any(wanted in {place.location_id, place.name} for place in locations):
        warnings.append(f"The location {wanted} is none that this user may use.")
    return AccountInfo(
        account_id=f"{host}/{user.id('business_id')}",
        name=business.maybe_text("name") or "Prokip",
        currency=_currency(business),
        time_zone=_zone(business).key,
        locations=locations,
        settings={
            "dialect": "connector",
            "time_zone": _zone(business).key,
            "allow_overselling": "yes" if allows_overselling else "no",
            "stock_route": "variation" if has_variations else "product",
            "look_up": look_up.by,
        },
        warnings=tuple(warnings),
    )


def time_zone_of(routes: Routes, not_after: datetime | None = None) -> ZoneInfo:
    """The zone in which the business writes its times. The rest of the answer holds passwords and is forgotten."""
    return _zone(routes.single("business-details", "read the business", not_after))


def _zone(business: Reader) -> ZoneInfo:
    name = business.maybe_text("time_zone") or ""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Refused(
            f"Prokip's business has the time zone {name[:60]!r}, which does not exist. Correct it in Prokip.",
            kind=RefusalKind.CONFIGURATION,
        ) from error


def _allows_overselling(business: Reader) -> bool:
    """The key is missing where it is off."""
    settings = business.fields.get("pos_settings")
    return isinstance(settings, Mapping) and settings.get("allow_overselling") not in {None, "", "0", 0}


def _currency(business: Reader) -> str:
    currency = business.maybe_nested("currency")
    return (currency.maybe_text("code") or "") if currency else ""


def _has_variations(routes: Routes) -> bool:
    answer = routes.maybe_get("variation", "list variations", {"per_page": "1"})
    return answer is not None and all(row.has("variation_id") for row in routes.read_rows(answer, "list variations"))


def _catalogue_warnings(routes: Routes) -> list[str]:
    """A product may be spoiled; where some are and none can be read, it is the dialect."""
    answer = routes.get("product", "list products", {"per_page": SOME_PRODUCTS})
    rows = routes.read_rows(answer, "list products", stock_rows_of)
    if not rows:
        return ["There is no product in Prokip yet, or this user may see none."]
    told = [one for row in rows for one in items_of_product(row)]
    wrong = [one for one in told if isinstance(one, UnreadableItem)]
    if wrong and len(wrong) == len(told):
        raise Refused(
            f"This Prokip speaks another dialect: {wrong[0].reason}",
            kind=RefusalKind.CONFIGURATION,
            operation="try the catalogue",
        )
    return []
