"""`/connections/shopify?shop=` and `/connections/woocommerce?url=` for browsers: on to the store's page of approval.

The answer comes back to `/connections/callback/…` (`consent.py`), and counts only in the browser that began it.
"""

from starlette.responses import Response

from syncd.engine import consents
from syncd.engine.connect import StoreRequest
from syncd.errors import NotPossible
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit

pages = Pages()


@pages.get("/connections/shopify")
def approve_shopify(visit: Visit) -> Response:
    """To Shopify."""
    return begin(visit, "shopify", {"shop": visit.query("shop")}, "Shopify")


@pages.get("/connections/woocommerce")
def approve_woocommerce(visit: Visit) -> Response:
    """To the store's own page."""
    return begin(visit, "woocommerce", {"url": visit.query("url")}, "your store")


def begin(visit: Visit, platform: str, settings: dict[str, str], called: str) -> Response:
    """Send the person to a store's page of approval. Raises NotPossible and Refused."""
    if not all(settings.values()):
        raise NotPossible(f"Say which store: add ?{next(iter(settings))}= to the address.")
    locations = tuple(visit.request.query_params.getlist("location"))
    wanted = StoreRequest(
        merchant_id=visit.merchant_id,
        platform=platform,
        settings=settings,
        name=visit.query("name"),
        locations=locations,
        actor=visit.actor,
    )
    begun = consents.begin(visit.engine, wanted, {}, browser=visit.token)
    return visit.leave(begun.url, called)
