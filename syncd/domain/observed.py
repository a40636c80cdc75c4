"""What we believe a store shows for one listing, and how sure we are of it.

Only three things move `observed`: the store's own orders and a closed look (`look`), and an acknowledged push
(`publish`). Whatever else is told about stock is a reason to look.
"""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A look that ended at `since` found the store `difference` units away from what we believe (negative: lower)."""

    difference: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A figure that the store told unasked: `at` is the platform's time of it, `heard_at` is ours."""

    quantity: int
    at: datetime
    heard_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One listing's belief. The first fields are numbers, the others are doubts.

    `observed` is None until the first look. `fence` is the platform's time of the last figure that may hold orders we
    had not heard of. `held` is the difference that waits for a person: the store should show `observed + held`;
    `is_kept` says that a person wants it so, so that no look may resolve it. `late` counts units that a figure of ours
    may hold or have buried already when our belief counted them: a look may find that much of a difference. `moves`
    counts own movements, for telling whether one came in between. `unknown` means that a push has no answer; its
    quarantine is the engine's.
    """

    observed: int | None = None
    fence: datetime | None = None
    look_due: bool = False
    suspect: Suspect | None = None
    held: int = 0
    is_kept: bool = False
    hint: Hint | None = None
    unknown: bool = False
    late: int = 0
    moves: int = 0


def in_doubt(state: Observed) -> bool:
    """Whether nothing may raise this listing."""
    return state.look_due or state.unknown or state.suspect is not None or state.held != 0 or state.is_kept


def shown(state: Observed) -> int | None:
    """What we expect to read in the store now, None when we never looked."""
    return None if state.observed is None else state.observed + state.held


def is_owed(state: Observed, desired: int | None) -> bool:
    """Whether the store should show another number than we believe it shows. A store's own minus is as good as 0."""
    return desired is not None and state.observed is not None and desired != max(0, state.observed)


def mark_for_look(state: Observed) -> Observed:
    """Ask for a look: a push was refused, a line moved late, the listing is new, or somebody asked for it."""
    return state if state.look_due else replace(state, look_due=True)


def later(fence: datetime | None, at: datetime) -> datetime:
    """A fence never moves back."""
    return at if fence is None else max(fence, at)
