"""The look: read the figure, pull the orders, read again. The only way in which a reading becomes what we believe.

Used by `syncd/engine/look.py`. What makes us look: a hint (here), a late line (`orders.needs_look`), a refused or
unanswered push (`publish`), a new listing, the nightly comparison.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from syncd.domain.drift import DRIFT_LIMIT, DriftJudgement, judge_drift
from syncd.domain.observed import Hint, Observed, Suspect, later, mark_for_look, shown

# Longer than a platform's list of orders lags behind its stock.
SETTLE = timedelta(seconds=60)
# An order is usually right behind the stock webhook that it caused.
HINT_GRACE = timedelta(seconds=5)


class Verdict(StrEnum):
    """What a look concluded."""

    AGAIN = "again"
    NOTHING = "nothing"
    FIRST = "first"
    UNKNOWN_RESOLVED = "unknown_resolved"
    ADOPTED_HIGHER = "adopted_higher"
    SUSPECT = "suspect"
    DRIFT_CORRECTED = "drift_corrected"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look saw, in this order.

    `first` was read from `began_at` on; orders were pulled and taken in, leaving the listing at `moves`; `second` was
    read, answered at `ended_at` (our clock) and `platform_at` (the platform's).
    """

    first: int
    second: int
    moves: int
    began_at: datetime
    ended_at: datetime
    platform_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LookOutcome:
    """The listing after a look. `drift` is the difference that nothing explains, 0 where orders of ours do explain it.

    `is_correction` tells that unexplained drift was adopted, to be counted for the listing's third time in a day.
    """

    state: Observed
    verdict: Verdict
    drift: int = 0
    is_correction: bool = False
    judgement: DriftJudgement | None = None


def hear_hint(state: Observed, *, quantity: int, at: datetime, heard_at: datetime) -> Observed:
    """Keep a figure that the store told, unless it is older (platform's time `at`) than the one kept.

    The grace runs from the first hint that still waits, else a busy listing would never be looked at.
    """
    kept = state.hint
    if kept is not None:
        if at < kept.at:
            return state
        heard_at = kept.heard_at
    return replace(state, hint=Hint(quantity=quantity, at=at, heard_at=heard_at))


def hint_matured(state: Observed) -> Observed:
    """The grace is over: a figure that we still cannot account for asks for a look; one that we can is forgotten."""
    if state.hint is None:
        return state
    is_explained = state.observed is None or state.hint.quantity == shown(state)
    state = replace(state, hint=None)
    return state if is_explained else mark_for_look(state)


def own_movement(state: Observed, observed_delta: int, *, must_look: bool) -> Observed:
    """The store's own order moved its figure, in the same transaction as the ledger (`orders.line_movement`).

    `must_look`: the figure we last set or adopted may hold this order already (`orders.needs_look`).
    """
    if observed_delta == 0:
        return replace(state, look_due=True, late=state.late + 1) if must_look else state
    return replace(
        state,
        observed=None if state.observed is None else state.observed + observed_delta,
        moves=state.moves + 1,
        late=state.late + abs(observed_delta) if must_look else state.late,
        look_due=state.look_due or must_look or state.suspect is not None,
    )


def wants_look_at(
    state: Observed, *, now: datetime, settle: timedelta = SETTLE, quarantine_until: datetime | None = None
) -> datetime | None:
    """When the next look should begin, None when none is wanted.

    While a push is unknown no look may begin within its quarantine: the write could still land after it. The engine has
    the database ask the same of every figure at once (`syncd/engine/due.py`); a test holds the two together.
    """
    at = None
    if state.look_due or state.unknown:
        at = now
    elif state.suspect is not None:
        at = state.suspect.since + settle
    if at is not None and state.unknown and quarantine_until is not None:
        return max(at, quarantine_until)
    return at


def close_look(
    state: Observed,
    look: Look,
    *,
    settle: timedelta = SETTLE,
    drift_limit: int = DRIFT_LIMIT,
    corrections_today: int = 0,
) -> LookOutcome:
    """What a look concludes, with `state` as it is now, under the row's lock.

    Closed only when both readings are equal and no own movement came in since the pull was taken in; else AGAIN.
    """
    if look.first != look.second or look.moves != state.moves:
        return LookOutcome(state=mark_for_look(state), verdict=Verdict.AGAIN)
    found = look.first
    state = _without_answered_marks(state, look)
    if state.observed is None:
        return LookOutcome(state=_adopted(state, found, look), verdict=Verdict.FIRST)
    if state.unknown:
        resolved = replace(_adopted(state, found - state.held, look), held=state.held, unknown=False)
        return LookOutcome(state=resolved, verdict=Verdict.UNKNOWN_RESOLVED)
    difference = found - state.observed
    if difference == state.held:
        return LookOutcome(state=_confirmed(state, look), verdict=Verdict.NOTHING)
    if difference < 0 and not _is_settled(state.suspect, difference, look.began_at, settle):
        return LookOutcome(state=_suspected(state, difference, look), verdict=Verdict.SUSPECT, drift=difference)
    return _drifted(state, difference, look, judge_drift(difference, limit=drift_limit, corrections=corrections_today))


def _drifted(state: Observed, difference: int, look: Look, judgement: DriftJudgement) -> LookOutcome:
    """Adopt or hold. What our own figures buried of late orders is no drift, whatever its size.

    Correcting a higher figure lowers the store, which is safe however often it is done: it is never held for being the
    third, and not counted, for mostly it is a cancelled order that we hear of later.
    """
    is_drift = abs(difference) > state.late
    must_hold = judgement is DriftJudgement.HOLD_LARGE or (judgement is DriftJudgement.HOLD_REPEATED and difference < 0)
    if state.is_kept or (is_drift and must_hold):
        held = replace(state, held=difference, suspect=None, late=0, fence=later(state.fence, look.platform_at))
        return LookOutcome(state=held, verdict=Verdict.HELD, drift=difference, judgement=judgement)
    return LookOutcome(
        state=_adopted(state, look.first, look),
        verdict=Verdict.DRIFT_CORRECTED if difference < 0 else Verdict.ADOPTED_HIGHER,
        drift=difference if is_drift else 0,
        is_correction=is_drift and difference < 0,
        judgement=DriftJudgement.CORRECT,
    )


def _confirmed(state: Observed, look: Look) -> Observed:
    """The store shows what we believe. If late lines had put that in question, two errors may just have met: the figure
    is taken anew, and orders that it may hold will make us look again.
    """
    fence = later(state.fence, look.platform_at) if state.late else state.fence
    return replace(state, suspect=None, late=0, fence=fence)


def _without_answered_marks(state: Observed, look: Look) -> Observed:
    """A closed look answers every mark, and every hint that it knows more than: heard before it began, or equal."""
    hint = state.hint
    if hint is not None and (hint.heard_at <= look.began_at or hint.quantity == look.second):
        hint = None
    return replace(state, look_due=False, hint=hint)


def _adopted(state: Observed, observed: int, look: Look) -> Observed:
    fence = later(state.fence, look.platform_at)
    return replace(state, observed=observed, held=0, suspect=None, late=0, fence=fence)


def _is_settled(suspect: Suspect | None, difference: int, began_at: datetime, settle: timedelta) -> bool:
    return suspect is not None and suspect.difference == difference and began_at >= suspect.since + settle


def _suspected(state: Observed, difference: int, look: Look) -> Observed:
    """The same difference keeps its age; another one begins to settle anew."""
    if state.suspect is not None and state.suspect.difference == difference:
        return state
    return replace(state, suspect=Suspect(difference=difference, since=look.ended_at))
