from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncd.domain.drift import DriftJudgement, accept_theirs, judge_drift, keep, release_and_look, take_ours
from syncd.domain.look import Look, Verdict, close_look, hear_hint, hint_matured, own_movement, wants_look_at
from syncd.domain.observed import Hint, Observed, Suspect, shown

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def look(found, *, second=None, moves=0, began=100):
    return Look(
        first=found,
        second=found if second is None else second,
        moves=moves,
        began_at=at(began),
        ended_at=at(began + 1),
        platform_at=at(began + 1),
    )


def settled(difference):
    return Suspect(difference=difference, since=at(40))


@pytest.mark.parametrize(
    ("state", "found", "verdict", "observed", "held"),
    [
        (Observed(), 7, Verdict.FIRST, 7, 0),
        (Observed(observed=5), 5, Verdict.NOTHING, 5, 0),
        (Observed(observed=5), 6, Verdict.ADOPTED_HIGHER, 6, 0),
        (Observed(observed=5), 4, Verdict.SUSPECT, 5, 0),
        (Observed(observed=5, suspect=settled(-1)), 4, Verdict.DRIFT_CORRECTED, 4, 0),
        (Observed(observed=5, suspect=settled(-2)), 4, Verdict.SUSPECT, 5, 0),  # another difference settles anew
        (Observed(observed=5, suspect=Suspect(difference=-1, since=at(41))), 4, Verdict.SUSPECT, 5, 0),  # 59 s
        (Observed(observed=5), 26, Verdict.HELD, 5, 21),  # over 20
        (Observed(observed=5), 25, Verdict.ADOPTED_HIGHER, 25, 0),
        (Observed(observed=30, suspect=settled(-21)), 9, Verdict.HELD, 30, -21),
        (Observed(observed=5, held=30), 35, Verdict.NOTHING, 5, 30),
        (Observed(observed=5, held=30), 34, Verdict.HELD, 5, 29),
        (Observed(observed=5, held=30), 5, Verdict.ADOPTED_HIGHER, 5, 0),  # somebody put it right
        (Observed(observed=5, held=6, is_kept=True), 12, Verdict.HELD, 5, 7),  # a person's hold stays one
        (Observed(observed=5, unknown=True), 4, Verdict.UNKNOWN_RESOLVED, 4, 0),
        (Observed(observed=5, unknown=True, held=2), 6, Verdict.UNKNOWN_RESOLVED, 4, 2),  # 6 - 2
        (Observed(observed=5, late=25), 30, Verdict.ADOPTED_HIGHER, 30, 0),  # we buried 25 ourselves
    ],
)
def test_what_a_closed_look_concludes(state, found, verdict, observed, held):
    outcome = close_look(replace(state, look_due=True), look(found))
    assert outcome.verdict is verdict
    assert (outcome.state.observed, outcome.state.held) == (observed, held)
    assert not outcome.state.look_due
    assert not outcome.state.unknown
    assert (outcome.state.suspect is not None) is (verdict is Verdict.SUSPECT)


@pytest.mark.parametrize("open_look", [look(5, second=4), look(5, moves=1)], ids=["readings differ", "an order came"])
def test_a_look_that_is_not_closed_is_taken_again_and_changes_nothing(open_look):
    state = Observed(observed=7, look_due=True, unknown=True)
    outcome = close_look(state, open_look)
    assert (outcome.verdict, outcome.state) == (Verdict.AGAIN, state)


@pytest.mark.parametrize(
    ("state", "found", "moved"),
    [
        (Observed(), 5, True),
        (Observed(observed=5, unknown=True), 5, True),
        (Observed(observed=5), 6, True),
        (Observed(observed=5), 90, True),
        (Observed(observed=5), 4, False),
        (Observed(observed=5), 5, False),
        (Observed(observed=5, late=1), 5, True),  # two errors may have met
    ],
)
def test_the_fence_moves_when_a_figure_is_taken_over(state, found, moved):
    assert close_look(state, look(found)).state.fence == (at(101) if moved else None)


def test_what_is_late_is_remembered_until_the_doubt_is_over():
    suspected = close_look(Observed(observed=5, late=2), look(4)).state
    assert suspected.late == 2
    assert close_look(suspected, look(4, began=200)).state.late == 0


def test_a_difference_that_our_own_figure_explains_is_no_drift():
    outcome = close_look(Observed(observed=5, late=1, suspect=settled(-1)), look(4), corrections_today=9)
    assert (outcome.verdict, outcome.drift, outcome.is_correction) == (Verdict.DRIFT_CORRECTED, 0, False)


def test_the_third_correction_of_a_day_is_held():
    state = Observed(observed=5, suspect=settled(-1))
    second = close_look(state, look(4), corrections_today=1)
    third = close_look(state, look(4), corrections_today=2)
    assert (second.verdict, second.is_correction) == (Verdict.DRIFT_CORRECTED, True)
    assert (third.verdict, third.judgement, third.state.held) == (Verdict.HELD, DriftJudgement.HOLD_REPEATED, -1)


def test_a_higher_figure_is_lowered_however_often():
    assert close_look(Observed(observed=5), look(6), corrections_today=9).verdict is Verdict.ADOPTED_HIGHER


def test_of_two_hints_the_newer_by_the_platforms_time_is_kept_and_the_grace_runs_from_the_first():
    state = hear_hint(Observed(observed=5), quantity=4, at=at(10), heard_at=at(11))
    assert hear_hint(state, quantity=9, at=at(9), heard_at=at(12)) == state
    newer = hear_hint(state, quantity=3, at=at(10), heard_at=at(12))
    assert newer.hint == Hint(quantity=3, at=at(10), heard_at=at(11))


@pytest.mark.parametrize(
    ("state", "look_due"),
    [
        (Observed(observed=4), False),
        (Observed(observed=5), True),
        (Observed(observed=5, held=-1), False),
        (Observed(), False),
    ],
)
def test_a_ripe_hint_asks_for_a_look_when_it_cannot_be_accounted_for(state, look_due):
    state = hint_matured(hear_hint(state, quantity=4, at=at(1), heard_at=at(1)))
    assert (state.hint, state.look_due) == (None, look_due)


@pytest.mark.parametrize(
    ("heard", "quantity", "is_kept"), [(99, 3, False), (100.5, 5, False), (100.5, 3, True)],
    ids=["older than the look", "equal", "newer and different"],
)  # fmt: skip
def test_a_closed_look_answers_the_hints_it_knows_more_than(heard, quantity, is_kept):
    state = hear_hint(Observed(observed=5), quantity=quantity, at=at(heard), heard_at=at(heard))
    assert (close_look(state, look(5)).state.hint is not None) is is_kept


def test_an_own_order_moves_belief_and_is_counted():
    state = own_movement(Observed(observed=5), -2, must_look=False)
    assert (state.observed, state.moves, state.look_due, state.late) == (3, 1, False, 0)


def test_an_own_order_before_the_first_look_moves_nothing_but_is_counted():
    state = own_movement(Observed(), -2, must_look=False)
    assert (state.observed, state.moves) == (None, 1)


@pytest.mark.parametrize(("delta", "late"), [(-2, 2), (2, 2), (0, 1)])
def test_a_late_line_moves_belief_as_always_and_asks_for_a_look(delta, late):
    state = own_movement(Observed(observed=5), delta, must_look=True)
    assert (state.observed, state.look_due, state.late) == (5 + delta, True, late)


def test_an_own_order_may_explain_a_suspect():
    assert own_movement(Observed(observed=5, suspect=settled(-1)), -1, must_look=False).look_due


@pytest.mark.parametrize(
    ("state", "quarantine", "wanted"),
    [
        (Observed(observed=5), None, None),
        (Observed(look_due=True), None, 0),
        (Observed(observed=5, suspect=Suspect(difference=-1, since=at(-10))), None, 50),  # -10 + 60
        (Observed(observed=5, look_due=True, unknown=True), 90, 90),
        (Observed(observed=5, look_due=True, unknown=True), -5, 0),
    ],
)
def test_when_the_next_look_begins(state, quarantine, wanted):
    until = None if quarantine is None else at(quarantine)
    expected = None if wanted is None else at(wanted)
    assert wants_look_at(state, now=at(0), quarantine_until=until) == expected


@pytest.mark.parametrize(
    ("difference", "corrections", "judgement"),
    [
        (20, 0, DriftJudgement.CORRECT),
        (-20, 1, DriftJudgement.CORRECT),
        (21, 0, DriftJudgement.HOLD_LARGE),
        (-1, 2, DriftJudgement.HOLD_REPEATED),
        (-21, 2, DriftJudgement.HOLD_LARGE),
    ],
)
def test_what_is_done_about_drift(difference, corrections, judgement):
    assert judge_drift(difference, corrections=corrections) is judgement


def test_a_person_releases_a_held_listing():
    held = Observed(observed=17, held=43, is_kept=True)
    assert take_ours(held) == Observed(observed=60)
    assert accept_theirs(held) == (Observed(observed=60), 43)
    assert shown(keep(held)) == 60
    waited = release_and_look(held)
    assert (waited.is_kept, waited.look_due, waited.held) == (False, True, 43)
