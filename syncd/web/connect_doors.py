"""`/connections/shopify?shop=` and `/connections/woocommerce?url=` for browsers: on to the store's page of approval.

The answer comes back to `/connections/callback/…` (`consent.py`), and counts only in the browser that began it.
"""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from syncd.engine import accounts, consents
from syncd.engine.connect import StoreRequest
from syncd.errors import NotPossible
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit
from syncd.web.frame.wording import store_path

pages = Pages()

ARRIVED = "/app/setup/arrived"
"""Where the browser comes back to; WooCommerce adds the state as `user_id`."""


@pages.get("/connections/shopify")
def approve_shopify(visit: Visit) -> Response:
    """To Shopify, from a link of ours or, signed, from Shopify itself when the app is installed or opened there."""
    query = dict(visit.request.query_params)
    if "hmac" in query:
        consents.check_link(visit.engine, "shopify", query)
    with visit.reading() as session:
        known = accounts.connected_as(session, visit.merchant_id, "shopify", visit.query("shop").lower())
    if known is not None:
        return visit.go(store_path(known.code), said=f"Already connected as {known.name}.", tone="info")
    return begin(visit, "shopify", {"shop": visit.query("shop")}, "Shopify")


@pages.get("/connections/woocommerce")
def approve_woocommerce(visit: Visit) -> Response:
    """To the store's own page."""
    return begin(visit, "woocommerce", {"url": visit.query("url")}, "your store")


def begin(
    visit: Visit,
    platform: str,
    settings: dict[str, str],
    called: str,
    *,
    name: str = "",
    locations: Sequence[str] = (),
    credentials: Mapping[str, str] | None = None,
    reconnects: int | None = None,
) -> Response:
    """Send the person to a store's page of approval. Raises NotPossible and Refused."""
    if not all(settings.values()):
        raise NotPossible(f"Say which store: add ?{next(iter(settings))}= to the address.")
    wanted = StoreRequest(
        merchant_id=visit.merchant_id,
        platform=platform,
        settings=settings,
        name=name or visit.query("name"),
        locations=tuple(locations) or tuple(visit.request.query_params.getlist("location")),
        actor=visit.actor,
        reconnects=reconnects,
    )
    address = f"{visit.engine.settings.web.public_url.rstrip('/')}{ARRIVED}"
    begun = consents.begin(visit.engine, wanted, credentials or {}, browser=visit.token, return_url=address)
    return visit.leave(begun.url, called)
