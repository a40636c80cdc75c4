"""What an order snapshot says about stock: which messages count, what a line has taken, what that moves.

Used by `syncd/engine/intake.py`. What the back office should hold of the same order is in `backoffice`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# A platform's Date header may come from a proxy whose clock is not the shop's.
FENCE_MARGIN = timedelta(seconds=5)


class Decision(StrEnum):
    """What becomes of a snapshot: apply it, drop it (known, or older), or read the order again."""

    APPLY = "apply"
    DUPLICATE = "duplicate"
    OLDER = "older"
    REREAD = "reread"


class NoStock(StrEnum):
    """Why a line moves no stock."""

    NOT_STOCK = "not_stock"  # the store says so: a custom line, a tip, a service
    GIFT_CARD = "gift_card"
    NO_SKU = "no_sku"
    UNKNOWN_LISTING = "unknown_listing"
    UNTRACKED = "untracked"
    IGNORED = "ignored"


class LookCause(StrEnum):
    """Why a line of an order makes us look at its listing."""

    LATE = "late"
    WRITE_IN_FLIGHT = "write_in_flight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Tells two snapshots of an order apart: the platform's version in whole seconds, and a hash of the content."""

    version: datetime
    content_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """Units of one line in one refund; `restocked` says whether the store put them back."""

    refund_id: str
    refund_line_id: str
    line_id: str
    quantity: int
    restocked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """One line as told: `quantity` ordered, refunded units included; `declared` is taken, where the store says it."""

    line_id: str
    quantity: int
    declared: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMovement:
    """What a line moves: `open_delta` on the cache, `observed_delta` on the listing's belief. Both 0: nothing."""

    open_delta: int
    observed_delta: int


def intake_decision(stored: Revision | None, told: Revision | None) -> Decision:
    """What becomes of a snapshot told unasked. `told` is None for a message that names the order only.

    Versions are whole seconds: the same version with other content does not say which came last.
    """
    if told is None:
        return Decision.REREAD
    if stored is None or told.version > stored.version:
        return Decision.APPLY
    if told.version < stored.version:
        return Decision.OLDER
    return Decision.DUPLICATE if told.content_hash == stored.content_hash else Decision.REREAD


def reread_decision(stored: Revision | None, told: Revision, *, seen: Revision | None) -> Decision:
    """What becomes of an order that we read. `seen` is what was stored before the read began.

    Another revision stored meanwhile may be newer than the answer, and an answer older than what a message told comes
    from a copy that lags: both are read again.
    """
    if seen != stored:
        return Decision.REREAD
    if stored is None or told.version > stored.version:
        return Decision.APPLY
    if told.version < stored.version:
        return Decision.REREAD
    return Decision.DUPLICATE if told.content_hash == stored.content_hash else Decision.APPLY


def restocked_units(refunds: Iterable[RefundLine], line_id: str) -> int:
    """Units of one line that refunds have put back."""
    return sum(refund.quantity for refund in refunds if refund.restocked and refund.line_id == line_id)


def taken_units(line: LineState, refunds: Iterable[RefundLine] = ()) -> int:
    """Units that the store has taken from its own stock for this line and not put back.

    What the store declares is the truth, else the ordered units less those that refunds put back.
    """
    if line.declared is not None:
        return max(0, line.declared)
    return max(0, min(line.quantity, line.quantity - restocked_units(refunds, line.line_id)))


def why_no_stock(
    *,
    was_attached: bool,
    said_by_store: NoStock | None,
    has_sku: bool,
    has_listing: bool,
    is_tracked: bool,
    is_ignored: bool = False,
) -> NoStock | None:
    """Why a line moves no stock; None when it does.

    A line that was attached to a listing once keeps moving it, whatever the store says of the product later: a deleted
    product's line comes without its variant, and that gives nothing back.
    """
    if was_attached:
        return None
    if said_by_store is not None:
        return said_by_store
    if not has_listing:
        return NoStock.UNKNOWN_LISTING if has_sku else NoStock.NO_SKU
    if is_ignored:
        return NoStock.IGNORED
    return None if is_tracked else NoStock.UNTRACKED


def line_movement(previous_taken: int | None, taken: int, *, baseline: bool) -> LineMovement:
    """The difference to what was counted before. A baseline line (or one in shadow) is not counted as open."""
    delta = taken - (previous_taken or 0)
    return LineMovement(open_delta=0 if baseline else delta, observed_delta=-delta)


def earliest_time(stored_version: datetime | None, created_at: datetime) -> datetime:
    """The earliest moment at which the store may have moved: after the version we had, or since the order exists."""
    return created_at if stored_version is None else stored_version


def needs_look(
    *,
    earliest: datetime,
    fence: datetime | None,
    delta: int,
    taken: int,
    quantity: int,
    write_in_flight: bool,
    store_compares: bool,
    margin: timedelta = FENCE_MARGIN,
) -> LookCause | None:
    """Why the figure we last set or adopted may hold this line already; None when it cannot.

    `delta` is the difference of taken units. A line without movement of which not all is taken counts too: a sale and
    its give-back may both hide behind one of our writes. `fence` and `earliest` are the platform's times.
    """
    if delta == 0 and taken >= quantity:
        return None
    if fence is not None and earliest.replace(microsecond=0) <= fence.replace(microsecond=0) + margin:
        return LookCause.LATE
    return LookCause.WRITE_IN_FLIGHT if write_in_flight and not store_compares else None
