"""Drift: a difference between what a store shows and what we believe that no order and no push of ours explains.

Small drift is corrected, large or repeated drift waits for a person. Undoing a run is here too, since it makes such a
difference on purpose.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from syncd.domain.observed import Observed, later, mark_for_look, shown

DRIFT_LIMIT = 20
CORRECTIONS_COUNT_FOR = timedelta(days=1)
CORRECTIONS_A_DAY = 2


class DriftJudgement(StrEnum):
    """What is done about drift, and why a person is asked."""

    CORRECT = "correct"
    HOLD_LARGE = "hold_large"
    HOLD_REPEATED = "hold_repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoWrite:
    """Puts one listing back: set `quantity` if `expected` is shown."""

    expected: int
    quantity: int


def judge_drift(
    difference: int, *, limit: int = DRIFT_LIMIT, corrections: int = 0, allowed: int = CORRECTIONS_A_DAY
) -> DriftJudgement:
    """Correct or hold. `corrections` are those of this listing within the last day.

    The third means that another program sets the same figure, and fighting it would go on for ever.
    """
    if abs(difference) > limit:
        return DriftJudgement.HOLD_LARGE
    return DriftJudgement.HOLD_REPEATED if corrections >= allowed else DriftJudgement.CORRECT


def plan_undo(state: Observed, *, before: int, after: int, moved_since: int) -> UndoWrite | None:
    """How to take back one push that set a figure from `before` to `after`; None when it has changed since and stays.

    `moved_since` is what own orders have moved the figure since the push, negative for sales: the goods sold since
    stay sold.
    """
    now = shown(state)
    if now is None or state.unknown or now != after + moved_since:
        return None
    return UndoWrite(expected=now, quantity=max(0, before + moved_since))


def after_undo_ok(
    state: Observed, write: UndoWrite, *, moves_at_plan: int, store_compares: bool, answered_at: datetime
) -> Observed:
    """The old figure is back and stays, since the next pass would overwrite it otherwise.

    Belief goes on as if nothing had been undone and the difference is held for a person: sales elsewhere still lower
    the store, nothing raises it.
    """
    return replace(
        state,
        held=state.held + write.quantity - write.expected,
        is_kept=True,
        fence=state.fence if store_compares else later(state.fence, answered_at),
        look_due=state.look_due or (not store_compares and state.moves != moves_at_plan),
    )


def take_ours(state: Observed) -> Observed:
    """A person releases a held listing: what the store shows is now believed, so that the next push corrects it."""
    if state.observed is None:
        return state
    return replace(state, observed=state.observed + state.held, held=0, is_kept=False)


def accept_theirs(state: Observed) -> tuple[Observed, int]:
    """A person takes the store's figure for the truth: the new belief, and the units to adjust on hand by.

    Only the own ledger can book the adjustment; with another authority a person changes it there, and the listing stays
    held until its reading has come.
    """
    return take_ours(state), state.held


def keep(state: Observed) -> Observed:
    """A person wants the difference to stay for a while; no look resolves it, only a release does."""
    return replace(state, is_kept=True)


def release_and_look(state: Observed) -> Observed:
    """The time a person wanted to wait is over: look again before anything is decided."""
    return mark_for_look(replace(state, is_kept=False))
