from datetime import UTC, datetime, timedelta

import pytest

from syncd.domain.readings import (
    Dropped,
    Held,
    HeldReason,
    Pass,
    is_large_change,
    judge_sweep,
    why_dropped,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("began", "last_write", "last_read", "intents", "dropped"),
    [
        (10, None, None, 0, None),
        (10, 9, 9, 0, None),
        (10, None, None, 1, Dropped.IN_FLIGHT),
        (10, 10, None, 0, Dropped.BEFORE_OUR_WRITE),
        (10, 11, None, 0, Dropped.BEFORE_OUR_WRITE),
        (10, None, 10, 0, None),
        (10, None, 11, 0, Dropped.BEFORE_LAST_READING),
    ],
)
def test_which_rows_are_dropped(began, last_write, last_read, intents, dropped):
    def moment(seconds):
        return None if seconds is None else NOON + timedelta(seconds=seconds)

    assert (
        why_dropped(
            began_at=moment(began),
            last_write_at=moment(last_write),
            last_read_answered_at=moment(last_read),
            intents_open=intents,
        )
        is dropped
    )


def skus(count, quantity=10):
    return {f"S{n}": quantity for n in range(count)}


@pytest.mark.parametrize(
    ("rows", "previous", "announced", "reason"),
    [
        (skus(5), {}, None, None),  # the first reading
        ({}, {}, None, None),
        (skus(100), skus(100), 100, None),
        ({}, skus(3), None, HeldReason.EMPTY),
        ({"S0": None, "S1": None}, skus(2), None, HeldReason.EMPTY),  # not stocked is not zero
        (skus(99), skus(100), 100, HeldReason.SHORT),  # 99 of 100 announced
        (skus(5), skus(10), None, HeldReason.SHORT),  # half the catalogue, of any size
        (skus(7), skus(10), None, None),  # 3 of 10 missing is not more than 30 %
        (skus(100) | skus(31, 0), skus(100), None, HeldReason.LARGE_CHANGE),
        (skus(100) | skus(30, 0), skus(100), None, None),  # 30 of 100 is not more than 30 %
        (skus(40) | skus(19, 0), skus(40), None, None),  # 19 are fewer than 20
        (skus(40) | skus(20, 0), skus(40), None, HeldReason.LARGE_CHANGE),
        (skus(40) | skus(20, 50), skus(40), None, HeldReason.LARGE_CHANGE),  # five times 10
        (skus(40) | skus(20, 49), skus(40), None, None),
        (skus(95) | skus(26, 0), skus(100), None, HeldReason.LARGE_CHANGE),  # 26 to zero + 5 missing = 31
        (skus(40, 0), skus(40, 0), None, None),  # nothing went to zero
    ],
)
def test_when_a_sweep_is_held(rows, previous, announced, reason):
    judged = judge_sweep(rows, previous, announced=announced)
    if reason is None:
        assert isinstance(judged, Pass)
    else:
        assert isinstance(judged, Held)
        assert judged.reason is reason


@pytest.mark.parametrize(
    ("before", "now", "is_large"),
    [(10, 50, True), (50, 10, True), (2, 10, False), (2, 12, True), (0, 9, False), (0, 10, True), (100, 60, False)],
)
def test_a_large_change_is_five_times_and_ten_units(before, now, is_large):
    assert is_large_change(before, now) is is_large
