"""What a listing should show, whether that may be pushed now, and what a push's answer does to our belief.

Used by `syncd/engine/push.py`. The looks that end a doubt are in `look`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.domain.observed import Observed, in_doubt, is_owed, later, mark_for_look


@dataclass(frozen=True, slots=True, kw_only=True)
class PushWrite:
    """Set the figure to `quantity` if it is `expected`.

    `full` is the difference that our belief takes when it is done: more than what is written where 0 is the end.
    """

    expected: int
    quantity: int
    full: int

    @property
    def changes_the_store(self) -> bool:
        """False: nothing to send, only to book."""
        return self.quantity != self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class PushPlan:
    """A push that is owed. `write` is None for a listing in doubt: read it first, then ask `plan_doubtful_write`.

    `moves` is the listing's count of own movements at the moment of planning.
    """

    desired: int
    observed: int
    moves: int
    write: PushWrite | None


def desired(pool_available: Sequence[int | None], *, buffer: int = 0, cap: int | None = None) -> int | None:
    """What a listing should show: the raw available of its pool's locations, less its buffer, from 0 to the cap.

    A location that owes units takes from the others. Locations where the SKU is not stocked are not in the sequence;
    one that was never read makes the whole unknown (None), and an unknown figure is not published.
    """
    total = 0
    for units in pool_available:
        if units is None:
            return None
        total += units
    if not pool_available:
        return None
    wanted = max(0, total - buffer)
    return wanted if cap is None else min(wanted, max(0, cap))


def desired_of_shared(figures: Sequence[int | None]) -> int | None:
    """What one external figure behind several listings should show: the least of theirs, None while one is unknown."""
    least: int | None = None
    for figure in figures:
        if figure is None:
            return None
        least = figure if least is None else min(least, figure)
    return least


def plan_push(state: Observed, desired: int | None) -> PushPlan | None:
    """What may be pushed now. In doubt only lowering passes, and relatively; while a push is unknown, nothing."""
    if desired is None or state.observed is None or state.unknown or not is_owed(state, desired):
        return None
    write = None
    if not in_doubt(state):
        write = PushWrite(expected=state.observed, quantity=desired, full=desired - state.observed)
    elif desired > state.observed:
        return None
    return PushPlan(desired=desired, observed=state.observed, moves=state.moves, write=write)


def plan_doubtful_write(found: int, *, desired: int, observed: int) -> PushWrite:
    """Lower a listing in doubt by what is owed from the figure `found` just now, whatever it is, and not below 0.

    A figure already below 0 is left alone.
    """
    full = desired - observed
    return PushWrite(expected=found, quantity=min(found, max(0, found + full)), full=full)


def after_push_ok(
    state: Observed, write: PushWrite, *, moves_at_plan: int, store_compares: bool, answered_at: datetime
) -> Observed:
    """The push was acknowledged: belief takes the difference, by adding, for own orders may have moved it meanwhile.

    `answered_at` is the platform's time. A store that cannot compare may have buried an order under the write.
    """
    if state.observed is None:  # linked anew while the answer was under way: the next look tells
        return mark_for_look(state)
    unwritten = write.full - (write.quantity - write.expected)
    buried = not store_compares and write.changes_the_store
    return replace(
        state,
        observed=state.observed + write.full,
        held=state.held - unwritten if state.held else 0,
        late=state.late if state.held else state.late + abs(unwritten),
        fence=later(state.fence, answered_at) if buried else state.fence,
        look_due=state.look_due or (buried and state.moves != moves_at_plan),
    )


def after_push_refused(state: Observed, *, was_doubtful: bool) -> Observed:
    """The figure was another one: nothing is set. A sure push asks for a look, a doubtful one is simply tried again."""
    return state if was_doubtful else mark_for_look(state)


def after_push_lost(state: Observed, *, at: datetime) -> Observed:
    """No answer: whether it happened is not inferred from any value, only a closed look after the quarantine tells.

    `at` is the platform's time as well as we know it.
    """
    return replace(state, unknown=True, look_due=True, fence=later(state.fence, at))
