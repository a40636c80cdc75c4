"""Rules that look right and are not: each is caught by the simulation, and the comment says what it forgets."""

from dataclasses import replace
from typing import Any

from syncd.domain import look, orders, publish
from syncd.domain.look import LookOutcome, Verdict
from syncd.domain.observed import Observed, mark_for_look
from syncd.domain.orders import Decision
from syncd.domain.publish import PushWrite
from tests.simulation.rules import Rules


def webhook_is_observed(state: Observed, *, quantity: int, **_: Any) -> Observed:
    """A stock webhook becomes what we believe: its order is counted again when it comes."""
    return replace(state, observed=quantity)


def answer_sets(state: Observed, write: PushWrite, **rest: Any) -> Observed:
    """The answer of a push sets belief: an own order taken in meanwhile is forgotten."""
    return replace(publish.after_push_ok(state, write, **rest), observed=write.quantity)


def no_answer_is_success(state: Observed, **_: Any) -> Observed:
    """A push without an answer is simply tried again from what we believed."""
    return mark_for_look(state)


def adopt_whatever_is_read(state: Observed, seen: look.Look, **_: Any) -> LookOutcome:
    """One look is enough: an order that the list does not show yet is called drift and raised over."""
    if seen.first != seen.second or seen.moves != state.moves:
        return LookOutcome(state=mark_for_look(state), verdict=Verdict.AGAIN)
    state = replace(state, observed=seen.first, look_due=False, unknown=False, suspect=None, held=0)
    return LookOutcome(state=state, verdict=Verdict.DRIFT_CORRECTED)


def look_without_second_reading(state: Observed, seen: look.Look, **rest: Any) -> LookOutcome:
    """The first reading is believed: the pull has brought an order that it lacks."""
    return look.close_look(state, replace(seen, second=seen.first, moves=state.moves), **rest)


def confirmed_without_fence(state: Observed, seen: look.Look, **rest: Any) -> LookOutcome:
    """An equal figure proves nothing was wrong: two errors of the same size may have met."""
    outcome = look.close_look(state, seen, **rest)
    if outcome.verdict is Verdict.NOTHING:
        return replace(outcome, state=replace(outcome.state, fence=state.fence))
    return outcome


def same_second_is_old(stored: Any, told: Any) -> Decision:
    """Of two messages with one version the second is dropped."""
    decision = orders.intake_decision(stored, told)
    return Decision.DUPLICATE if decision is Decision.REREAD and told is not None else decision


LATE_LINES_TRUSTED = Rules(needs_look=lambda **_: None)

# Common enough in random histories to be caught by a few thousand of them.
NAIVE = {
    "a stock webhook becomes observed": Rules(hear_hint=webhook_is_observed),
    "one look is enough for drift": Rules(close_look=adopt_whatever_is_read),
    "a look reads once": Rules(close_look=look_without_second_reading),
    "late lines are trusted": LATE_LINES_TRUSTED,
    "a reading is applied while a sale is on its way": Rules(why_dropped=lambda **_: None),
    "the second message of one second is dropped": Rules(intake_decision=same_second_is_old),
}
