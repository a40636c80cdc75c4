"""Why a number is what it is: a receipt whose lines sum, from facts that the engine collected.

One receipt per listing, the same for the command line, the page and the API.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from syncd.domain.publish import desired as desired_figure


class Sign(StrEnum):
    """How a line enters the sum: ADDS and TAKES change it, EQUALS states it, NOTE only tells."""

    ADDS = "+"
    TAKES = "-"
    EQUALS = "="
    NOTE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """One line. `amount` is what it adds, takes or states (None: not known); negative figures keep their sign."""

    sign: Sign
    label: str
    amount: int | None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """Units that one order has taken and the authority has not recorded yet; negative for a return that is owed."""

    name: str
    units: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationFacts:
    """One location of the pool. `reading` says which reading `on_hand` rests on and what was recorded since."""

    name: str
    on_hand: int | None
    reading: str = ""
    open_orders: Sequence[OpenOrder] = ()
    safety_stock: int = 0
    safety_source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingFacts:
    """What the listing adds to it. `shows` is what we expect in the store; `story` why it shows that, in words."""

    store: str
    buffer: int = 0
    cap: int | None = None
    shows: int | None = None
    story: str = ""


def location_lines(facts: LocationFacts) -> tuple[ReceiptLine, ...]:
    """On hand, less what is open, less safety stock, is available."""
    opened = sum(order.units for order in facts.open_orders)
    lines = [
        ReceiptLine(sign=Sign.ADDS, label="on hand", amount=facts.on_hand, detail=_words(facts.name, facts.reading))
    ]
    if facts.open_orders:
        lines.append(ReceiptLine(sign=Sign.TAKES, label="open orders", amount=opened, detail=_named(facts.open_orders)))
    if facts.safety_stock:
        lines.append(
            ReceiptLine(sign=Sign.TAKES, label="safety stock", amount=facts.safety_stock, detail=facts.safety_source)
        )
    total = None if facts.on_hand is None else facts.on_hand - opened - facts.safety_stock
    lines.append(ReceiptLine(sign=Sign.EQUALS, label="available", amount=total, detail=facts.name))
    return tuple(lines)


def receipt(locations: Sequence[LocationFacts], listing: ListingFacts) -> tuple[ReceiptLine, ...]:
    """All lines from the shelf to what the store should show, and what it shows."""
    lines = [line for facts in locations for line in location_lines(facts)]
    totals = [line.amount for line in lines if line.sign is Sign.EQUALS]
    wanted = desired_figure(totals, buffer=listing.buffer, cap=listing.cap)
    known = [total for total in totals if total is not None]
    if len(locations) > 1:
        amount = sum(known) if len(known) == len(totals) else None
        lines.append(ReceiptLine(sign=Sign.EQUALS, label="available in all", amount=amount))
    if listing.buffer:
        lines.append(ReceiptLine(sign=Sign.TAKES, label="buffer", amount=listing.buffer, detail=listing.store))
    if wanted is not None:
        lines.extend(_clamped(sum(known) - listing.buffer, wanted, listing))
    lines.append(ReceiptLine(sign=Sign.EQUALS, label="should show", amount=wanted, detail=_unknown(wanted)))
    lines.append(ReceiptLine(sign=Sign.NOTE, label="shows", amount=listing.shows, detail=listing.story))
    return tuple(lines)


def _clamped(total: int, wanted: int, listing: ListingFacts) -> list[ReceiptLine]:
    """What the floor at 0 adds and the cap takes, so that the receipt still sums."""
    if total < wanted:
        return [ReceiptLine(sign=Sign.ADDS, label="below zero is shown as 0", amount=wanted - total)]
    if total > wanted:
        return [ReceiptLine(sign=Sign.TAKES, label="cap", amount=total - wanted, detail=f"at most {listing.cap}")]
    return []


def _unknown(wanted: int | None) -> str:
    return "" if wanted is not None else "not known until the back office was read; nothing is published"


def _named(orders: Sequence[OpenOrder]) -> str:
    return ", ".join(_words(f"{order.name} ({order.units})", order.why) for order in orders)


def _words(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
