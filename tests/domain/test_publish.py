from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.observed import Observed, Suspect, in_doubt, is_owed, shown
from syncd.domain.publish import (
    PushWrite,
    after_push_lost,
    after_push_ok,
    after_push_refused,
    desired,
    desired_of_shared,
    plan_doubtful_write,
    plan_push,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SUSPECT = Suspect(difference=-1, since=NOON)


@pytest.mark.parametrize(
    ("pool", "buffer", "cap", "shows"),
    [
        ([45], 1, None, 44),  # 45 - 1
        ([45], 0, 10, 10),
        ([5, -2], 0, None, 3),  # a location that owes takes from the other
        ([-3], 0, None, 0),
        ([3], 5, None, 0),
        ([5, None], 0, None, None),  # unknown is not 0
        ([], 0, None, None),
        ([5], 0, 0, 0),
        ([5], 0, -1, 0),
    ],
)
def test_what_a_listing_should_show(pool, buffer, cap, shows):
    assert desired(pool, buffer=buffer, cap=cap) == shows


@pytest.mark.parametrize(("figures", "least"), [([4, 7], 4), ([4, None], None), ([], None)])
def test_one_figure_behind_several_listings_shows_the_least(figures, least):
    assert desired_of_shared(figures) == least


@pytest.mark.parametrize(
    ("observed", "wanted", "owed"),
    [(5, 4, True), (4, 4, False), (-2, 0, False), (-2, 1, True), (None, 4, False), (5, None, False)],
)
def test_when_a_push_is_owed(observed, wanted, owed):
    assert is_owed(Observed(observed=observed), wanted) is owed
    assert (plan_push(Observed(observed=observed), wanted) is not None) is owed


DOUBTS = [{"look_due": True}, {"suspect": SUSPECT}, {"held": 3}, {"is_kept": True}]


def test_a_sure_push_writes_what_is_wanted_over_what_is_believed():
    plan = plan_push(Observed(observed=50, moves=7), 47)
    assert (plan.write, plan.moves) == (PushWrite(expected=50, quantity=47, full=-3), 7)


@pytest.mark.parametrize("doubt", DOUBTS)
def test_in_doubt_nothing_is_raised_and_lowering_reads_first(doubt):
    state = Observed(observed=5, **doubt)
    assert in_doubt(state)
    assert plan_push(state, 6) is None
    assert plan_push(state, 4).write is None


def test_while_a_push_is_unknown_nothing_is_pushed():
    state = after_push_lost(Observed(observed=5), at=NOON)
    assert (state.unknown, state.look_due, state.fence) == (True, True, NOON)
    assert plan_push(state, 0) is None


@pytest.mark.parametrize(
    ("found", "wanted", "believed", "quantity"),
    [
        (5, 3, 5, 3),
        (4, 3, 5, 2),  # 4 + 3 - 5: the sale unheard of stays sold
        (1, 0, 3, 0),  # 1 + 0 - 3 ends at 0
        (0, 4, 5, 0),
        (-1, 0, 3, -1),  # a figure below 0 is not raised to 0
    ],
)
def test_lowering_in_doubt_is_relative_to_what_is_found(found, wanted, believed, quantity):
    write = plan_doubtful_write(found, desired=wanted, observed=believed)
    assert write == PushWrite(expected=found, quantity=quantity, full=wanted - believed)


@given(st.integers(-5, 50), st.integers(0, 50), st.integers(1, 50))
def test_lowering_in_doubt_never_raises(found, wanted, less):
    assert plan_doubtful_write(found, desired=wanted, observed=wanted + less).quantity <= found


def test_an_answer_adds_to_what_own_orders_moved_meanwhile():
    state = Observed(observed=4, moves=1)  # 5 at plan, an own order since
    write = PushWrite(expected=5, quantity=3, full=-2)
    after = after_push_ok(state, write, moves_at_plan=0, store_compares=True, answered_at=NOON)
    assert (after.observed, after.fence, after.look_due) == (2, None, False)  # 4 - 2


@pytest.mark.parametrize(("moves_at_plan", "look_due"), [(1, False), (0, True)])
def test_a_store_that_cannot_compare_sets_the_fence_and_is_looked_at_if_it_moved(moves_at_plan, look_due):
    write = PushWrite(expected=5, quantity=3, full=-2)
    state = Observed(observed=5, moves=1)
    after = after_push_ok(state, write, moves_at_plan=moves_at_plan, store_compares=False, answered_at=NOON)
    assert (after.fence, after.look_due) == (NOON, look_due)


def test_a_fence_never_moves_back():
    write = PushWrite(expected=5, quantity=3, full=-2)
    state = Observed(observed=5, fence=NOON + timedelta(seconds=9))
    assert after_push_ok(state, write, moves_at_plan=0, store_compares=False, answered_at=NOON).fence > NOON


@given(st.integers(0, 30), st.integers(-30, 30).filter(bool), st.integers(0, 30))
def test_lowering_a_held_listing_keeps_what_the_store_shows_accounted_for(observed, held, wanted):
    state = Observed(observed=observed, held=held)
    plan = plan_push(state, wanted)
    if plan is not None:
        write = plan_doubtful_write(shown(state), desired=wanted, observed=observed)
        after = after_push_ok(state, write, moves_at_plan=0, store_compares=True, answered_at=NOON)
        assert shown(after) == write.quantity
        assert plan_push(after, wanted) is None or after.held == 0


def test_lowering_that_ends_at_0_leaves_units_to_account_for():
    write = plan_doubtful_write(1, desired=0, observed=3)
    state = after_push_ok(
        Observed(observed=3, suspect=SUSPECT), write, moves_at_plan=0, store_compares=True, answered_at=NOON
    )
    assert (state.observed, state.late) == (0, 2)


def test_a_refused_push_sets_nothing_and_asks_for_a_look():
    state = Observed(observed=5)
    assert after_push_refused(state, was_doubtful=False) == replace(state, look_due=True)
    assert after_push_refused(state, was_doubtful=True) == state
