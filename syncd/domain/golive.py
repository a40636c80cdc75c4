"""Which orders count from the moment a connection goes live (T0), and which were settled before it."""

from datetime import datetime
from enum import StrEnum

from syncd.domain.backoffice import RecordPolicy


class Standing(StrEnum):
    """SHADOW and BASELINE move belief only; LIVE counts as open and is owed to the back office."""

    SHADOW = "shadow"
    BASELINE = "baseline"
    LIVE = "live"


def began_at(connection_live_at: datetime | None, listing_linked_at: datetime | None = None) -> datetime | None:
    """T0 of one listing, in the platform's clock and whole seconds; None in shadow. One linked later has its own."""
    if connection_live_at is None:
        return None
    later = connection_live_at if listing_linked_at is None else max(connection_live_at, listing_linked_at)
    return later.replace(microsecond=0)


def condition_met_at(policy: RecordPolicy, *, created_at: datetime, paid_at: datetime | None) -> datetime | None:
    """When the condition of recording was met, None while it is not."""
    return created_at if policy is RecordPolicy.PLACED else paid_at


def standing(t0: datetime | None, condition_met: datetime | None) -> Standing:
    """How an order's line counts. Its dates decide, not when we heard of it: what was due to be recorded before T0 is
    the merchant's own business, everything else is ours, unpaid orders from before T0 too.
    """
    if t0 is None:
        return Standing.SHADOW
    return Standing.BASELINE if condition_met is not None and condition_met < t0 else Standing.LIVE
