"""What a shadow run shows of the way stock is kept today: sales that we would have prevented, and how late numbers are.

Nothing here is a promise about the future: it is what the ledger and the store told while we watched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number and since when it stood: what we would have shown of an SKU, or what the store showed."""

    at: datetime
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """Units of an SKU that a store sold."""

    at: datetime
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Avoided:
    """A sale of more units than we would have shown: `units` of them were gone elsewhere."""

    at: datetime
    units: int


def avoided(sales: Sequence[Sold], ours: Sequence[Number], *, settle: timedelta) -> tuple[Avoided, ...]:
    """The sales that our numbers would have kept from being oversells. Both in the order of time.

    A sale counts with the units that go beyond the highest number which we would have shown at any moment of the
    `settle` before it: so long a number takes to reach a store. Before our first number nothing is claimed. Our numbers
    are without the store's own sales, which the store itself takes off.
    """
    found = []
    for sale in sales:
        standing = _standing(ours, sale.at - settle, sale.at)
        if standing is not None and sale.units > max(0, standing):
            found.append(Avoided(at=sale.at, units=sale.units - max(0, standing)))
    return tuple(found)


def _standing(ours: Sequence[Number], since: datetime, until: datetime) -> int | None:
    """The highest number that stood between two moments; None where there was none yet at the first."""
    before = [number.units for number in ours if number.at <= since]
    if not before:
        return None
    return max([before[-1], *(number.units for number in ours if since < number.at <= until)])


def lags(
    elsewhere: Sequence[Sold], shown: Sequence[Number], own: Sequence[Sold], *, within: timedelta
) -> tuple[timedelta | None, ...]:
    """For each sale elsewhere, how long until this store's number fell by something that its own sales do not explain;
    None where it did not within that time. All of one SKU, in the order of time.
    """
    falls = _falls(shown, own)
    return tuple(
        next((fall - sale.at for fall in falls if sale.at <= fall <= sale.at + within), None) for sale in elsewhere
    )


def _falls(shown: Sequence[Number], own: Sequence[Sold]) -> list[datetime]:
    """When the number fell by more than the store had sold since the number before."""
    falls = []
    for before, after in pairwise(shown):
        sold = sum(sale.units for sale in own if before.at < sale.at <= after.at)
        if before.units - after.units > sold:
            falls.append(after.at)
    return falls
