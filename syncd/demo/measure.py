"""How long a sale takes to reach the other stores, and whose fault a unit sold twice is. Pure: times are seconds.

The *truth* of an SKU is what lies on the shelf less what the stores' orders have taken. A sale has reached another
store when that store no longer offers the unit. A unit sold below a truth of 0 was sold twice. Whose doing that was
follows from what the store showed: as long as its number can be explained by sales elsewhere so recent that nobody
could know of them yet, the platforms made it possible; whatever it showed beyond that is counted against syncd. While
the daemon is dead nobody knows of anything.
"""

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """Units of one SKU sold at one place, when it stood so: what the place showed and what was true, both before."""

    at: float
    sku: str
    place: str
    units: int
    shown: int
    truth: int


@dataclass(slots=True, kw_only=True)
class Oversold:
    """Units sold twice."""

    by_us: int = 0
    unknowable: int = 0
    at_the_till: int = 0


@dataclass(slots=True)
class _Waiting:
    at: float
    units: int


@dataclass(slots=True)
class _Outage:
    began: float
    ended: float = math.inf


@dataclass(slots=True)
class Measure:
    """Takes sales and sightings in the order of time. `knowable_after`: from then on a sale should have been known."""

    stores: Sequence[str]
    knowable_after: float
    oversold: Oversold = field(default_factory=Oversold)
    lags: list[float] = field(default_factory=list)
    _outages: list[_Outage] = field(default_factory=list)
    _sales: defaultdict[str, list[Sale]] = field(default_factory=lambda: defaultdict(list))
    _waiting: defaultdict[tuple[str, str], deque[_Waiting]] = field(default_factory=lambda: defaultdict(deque))

    def went_down(self, at: float) -> None:
        """The daemon is dead from now on."""
        self._outages.append(_Outage(at))

    def came_up(self, at: float) -> None:
        """It lives again."""
        self._outages[-1].ended = at

    def sold(self, sale: Sale) -> None:
        """Somebody bought."""
        twice = min(sale.units, max(0, sale.units - sale.truth))
        if twice:
            self._blame(sale, twice)
        self._sales[sale.sku].append(sale)
        for store in self.stores:
            if store != sale.place:
                self._waiting[store, sale.sku].append(_Waiting(sale.at, sale.units))

    def _blame(self, sale: Sale, twice: int) -> None:
        if sale.place not in self.stores:
            self.oversold.at_the_till += twice
            return
        since = self._unknowable_since(sale.at)
        recent = sum(other.units for other in self._sales[sale.sku] if other.at >= since and other.place != sale.place)
        unexplained = sale.shown - max(0, sale.truth + recent)
        ours = min(twice, max(0, unexplained))
        self.oversold.by_us += ours
        self.oversold.unknowable += twice - ours

    def _unknowable_since(self, at: float) -> float:
        """What was sold from this moment on nobody had to know at `at`."""
        since = at - self.knowable_after
        for outage in reversed(self._outages):
            if outage.began <= at and since < outage.ended:
                since = min(since, outage.began - self.knowable_after)
        return since

    def seen(self, at: float, store: str, sku: str, *, shown: int, truth: int) -> None:
        """A store was seen showing this number. The oldest sales are the first to have reached it."""
        waiting = self._waiting[store, sku]
        unreached = max(0, shown - max(0, truth))
        while waiting and sum(each.units for each in waiting) > unreached:
            surplus = sum(each.units for each in waiting) - unreached
            if waiting[0].units > surplus:
                waiting[0].units -= surplus
                break
            self.lags.append(at - waiting.popleft().at)

    @property
    def unreached(self) -> int:
        """Sales that some store still does not show."""
        return sum(len(waiting) for waiting in self._waiting.values())


def summary(lags: Sequence[float]) -> str:
    """Median, 99th of a hundred and worst, in words."""
    if not lags:
        return "nothing was measured"
    last = quantiles(lags, n=100)[98] if len(lags) >= 100 else max(lags)
    return f"median {median(lags):.2f} s, 99 of 100 within {last:.2f} s, worst {max(lags):.2f} s ({len(lags)} measured)"
