"""What a shadow run shows: sales that our numbers would have prevented, and how late today's numbers are."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.shadow import Avoided, Number, Sold, avoided, lags

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SETTLE = timedelta(seconds=10)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def numbers(*pairs: tuple[float, int]) -> list[Number]:
    return [Number(at=at(seconds), units=units) for seconds, units in pairs]


def sales(*pairs: tuple[float, int]) -> list[Sold]:
    return [Sold(at=at(seconds), units=units) for seconds, units in pairs]


@pytest.mark.parametrize(
    ("ours", "sold", "found"),
    [
        # we showed 3, one was sold: nothing to prevent
        ([(0, 3)], [(60, 1)], []),
        # the last one went elsewhere a minute ago: 1 unit too many
        ([(0, 1), (60, 0)], [(120, 1)], [(120, 1)]),
        # it went elsewhere 5 s ago: our 0 would not have been there yet
        ([(0, 1), (115, 0)], [(120, 1)], []),
        # exactly as long ago as a number takes
        ([(0, 1), (110, 0)], [(120, 1)], [(120, 1)]),
        # 3 sold where we would have shown 1: 3 - 1 = 2 were gone
        ([(0, 5), (60, 1)], [(120, 3)], [(120, 2)]),
        # below zero counts as 0: all 2 were gone
        ([(0, 1), (60, -4)], [(120, 2)], [(120, 2)]),
        # back in stock 2 s before the sale: it may have been there already
        ([(0, 0), (118, 4)], [(120, 1)], []),
        # gone and back and gone within the settling time: the highest counts
        ([(0, 0), (112, 2), (114, 0)], [(120, 2)], []),
        ([(0, 0), (112, 2), (114, 0)], [(120, 3)], [(120, 1)]),
        # we knew nothing yet: nothing is claimed
        ([], [(120, 1)], []),
        ([(119, 0)], [(120, 1)], []),
        # several sales, each judged for itself
        ([(0, 1), (60, 0)], [(30, 1), (120, 1), (300, 2)], [(120, 1), (300, 2)]),
        # nothing sold
        ([(0, 0)], [], []),
    ],
)
def test_a_sale_counts_with_the_units_that_were_gone_elsewhere(ours, sold, found):
    expected = tuple(Avoided(at=at(seconds), units=units) for seconds, units in found)
    assert avoided(sales(*sold), numbers(*ours), settle=SETTLE) == expected


units = st.integers(min_value=0, max_value=20)
moments = st.lists(st.tuples(st.integers(0, 1000), units), max_size=12, unique_by=lambda pair: pair[0]).map(sorted)


@given(ours=moments, sold=moments, more=st.integers(0, 10))
def test_numbers_that_are_higher_never_prevent_more(ours, sold, more):
    low = avoided(sales(*sold), numbers(*ours), settle=SETTLE)
    high = avoided(sales(*sold), numbers(*((when, n + more) for when, n in ours)), settle=SETTLE)
    assert sum(one.units for one in high) <= sum(one.units for one in low)


@given(ours=moments, sold=moments)
def test_no_more_is_prevented_than_was_sold(ours, sold):
    found = avoided(sales(*sold), numbers(*ours), settle=SETTLE)
    assert sum(one.units for one in found) <= sum(n for _, n in sold)
    assert {one.at for one in found} <= {at(when) for when, _ in sold}


@pytest.mark.parametrize(
    ("elsewhere", "shown", "own", "found"),
    [
        # sold elsewhere at 100, the store's number fell at 400: 300 s
        ([(100, 1)], [(0, 5), (400, 4)], [], [300]),
        # never within the hour
        ([(100, 1)], [(0, 5)], [], [None]),
        ([(100, 1)], [(0, 5), (5000, 4)], [], [None]),
        # its own sale explains the fall
        ([(100, 1)], [(0, 5), (400, 4)], [(399, 1)], [None]),
        # its own sale explains one of two units
        ([(100, 1)], [(0, 5), (400, 3)], [(399, 1)], [300]),
        # a fall before the sale says nothing about it
        ([(100, 1)], [(0, 5), (50, 4), (700, 3)], [], [600]),
        # one correction follows two sales
        ([(100, 1), (200, 1)], [(0, 5), (500, 3)], [], [400, 300]),
        # a rise is no answer
        ([(100, 1)], [(0, 5), (400, 9)], [], [None]),
    ],
)
def test_how_long_todays_number_takes_to_follow_a_sale_elsewhere(elsewhere, shown, own, found):
    told = lags(sales(*elsewhere), numbers(*shown), sales(*own), within=timedelta(hours=1))
    assert [None if lag is None else lag.total_seconds() for lag in told] == found
