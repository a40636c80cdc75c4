from datetime import UTC, datetime, timedelta

from syncd.domain.golive import Standing, began_at, needs_a_person, open_at_going_live, standing

T0 = datetime(2026, 11, 21, 12, 0, 0, 700_000, tzinfo=UTC)


def test_in_shadow_nothing_is_open_or_owed():
    assert standing(began_at(None), T0) is Standing.SHADOW
    assert open_at_going_live(Standing.SHADOW, 3) == 0


def test_t0_is_a_whole_second_so_that_an_order_of_that_second_is_not_forgotten():
    assert standing(began_at(T0), T0.replace(microsecond=0)) is Standing.LIVE
    assert standing(began_at(T0), T0 - timedelta(seconds=1)) is Standing.BASELINE


def test_a_listing_linked_later_has_its_own_t0():
    linked = T0 + timedelta(days=1)
    paid = T0 + timedelta(hours=1)
    assert standing(began_at(T0), paid) is Standing.LIVE
    assert standing(began_at(T0, linked), paid) is Standing.BASELINE
    assert began_at(linked, T0) == began_at(linked)


def test_a_later_change_of_a_baseline_line_needs_a_person():
    assert needs_a_person(Standing.BASELINE, -1)
    assert not needs_a_person(Standing.BASELINE, 0)
    assert not needs_a_person(Standing.LIVE, -1)
