from datetime import UTC, datetime, timedelta

from syncd.domain.golive import Standing, began_at, standing

T0 = datetime(2026, 11, 21, 12, 0, 0, 700_000, tzinfo=UTC)


def test_in_shadow_nothing_counts():
    assert standing(began_at(None), T0) is Standing.SHADOW


def test_t0_is_a_whole_second_so_that_an_order_of_that_second_is_not_forgotten():
    assert standing(began_at(T0), T0.replace(microsecond=0)) is Standing.LIVE
    assert standing(began_at(T0), T0 - timedelta(seconds=1)) is Standing.BASELINE


def test_a_listing_linked_later_has_its_own_t0():
    linked = T0 + timedelta(days=1)
    paid = T0 + timedelta(hours=1)
    assert standing(began_at(T0), paid) is Standing.LIVE
    assert standing(began_at(T0, linked), paid) is Standing.BASELINE
    assert began_at(linked, T0) == began_at(linked)
