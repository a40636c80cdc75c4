"""The kinds of issues: what each is about, and which cannot wait until somebody happens to look."""

from enum import StrEnum


class Area(StrEnum):
    """What an issue is about."""

    STORES = "stores"
    STOCK = "stock"
    SALES = "sales"


AREAS: dict[str, Area] = {
    "needs_auth": Area.STORES,
    "connection_refuses": Area.STORES,
    "webhooks_broken": Area.STORES,
    "location_gone": Area.STORES,
    "unreadable_delivery": Area.STORES,
    "listing_gone": Area.STORES,
    "duplicate_sku": Area.STORES,
    "stuck": Area.STORES,
    "bad_sku": Area.STOCK,
    "unreadable_items": Area.STOCK,
    "push_refused": Area.STOCK,
    "reading_held": Area.STOCK,
    "drift_held": Area.STOCK,
    "undone": Area.STOCK,
    "oversell": Area.STOCK,
    "fractional_stock": Area.STOCK,
    "unknown_sku": Area.SALES,
    "refused_by_backoffice": Area.SALES,
    "sale_not_certain": Area.SALES,
    "sale_doubled": Area.SALES,
    "sale_differs": Area.SALES,
    "foreign_currency": Area.SALES,
    "return_by_hand": Area.SALES,
    "no_item": Area.SALES,
    "never_paid": Area.SALES,
    "baseline_changed": Area.SALES,
}
URGENT = frozenset(
    {
        "needs_auth",
        "connection_refuses",
        "location_gone",
        "stuck",
        "reading_held",
        "oversell",
        "sale_doubled",
        "drift_held",
    }
)
"""Numbers that are wrong, or may become so, until a person acts."""


def area_of(kind: str) -> Area:
    """What a kind is about; one that is not known here is shown to whoever looks after the stores."""
    return AREAS.get(kind, Area.STORES)
