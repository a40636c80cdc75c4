"""What a shadow run shows of the way stock is kept today: sales that we would have prevented, and how late numbers are.

Nothing here is a promise about the future: it is what the ledger and the store told while we watched.
"""

from bisect import bisect_left, bisect_right
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
    found, times = [], [number.at for number in ours]
    for sale in sales:
        standing = _standing(ours, times, sale.at - settle, sale.at)
        if standing is not None and sale.units > max(0, standing):
            found.append(Avoided(at=sale.at, units=sale.units - max(0, standing)))
    return tuple(found)


def _standing(ours: Sequence[Number], times: Sequence[datetime], since: datetime, until: datetime) -> int | None:
    """The highest number that stood between two moments; None where there was none yet at the first."""
    first = bisect_right(times, since) - 1
    if first < 0:
        return None
    return max(number.units for number in ours[first : max(first + 1, bisect_right(times, until))])


def lags(
    elsewhere: Sequence[Sold], shown: Sequence[Number], own: Sequence[Sold], *, within: timedelta
) -> tuple[timedelta | None, ...]:
    """For each sale elsewhere, how long until this store's number fell by something that its own sales do not explain;
    None where it did not within that time. All of one SKU, in the order of time.
    """
    falls = _falls(shown, own)
    found: list[timedelta | None] = []
    for sale in elsewhere:
        place = bisect_left(falls, sale.at)
        lag = falls[place] - sale.at if place < len(falls) else None
        found.append(lag if lag is not None and lag <= within else None)
    return tuple(found)


def _falls(shown: Sequence[Number], own: Sequence[Sold]) -> list[datetime]:
    """When the number fell by more than the store had sold since the number before."""
    falls, times = [], [sale.at for sale in own]
    for before, after in pairwise(shown):
        between = own[bisect_right(times, before.at) : bisect_right(times, after.at)]
        sold = sum(sale.units for sale in between)
        if before.units - after.units > sold:
            falls.append(after.at)
    return falls
