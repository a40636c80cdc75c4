"""Whose window an oversell fell into: who could not know of whom. Never a person's fault, so none is named."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Window(StrEnum):
    """Where the time between two sales was lost."""

    TILL = "till"
    STORE = "store"
    NETWORK = "network"
    OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Units that went: sold at `at`, of which we heard at `heard_at`. `is_till`: a reading showed them gone."""

    at: datetime
    heard_at: datetime
    is_till: bool
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """The window, and how many seconds it was wide."""

    window: Window
    seconds: float


def blame(earlier: Taken | None, last: Taken) -> Blame:
    """Whose window it was. `earlier` is what went before the sale that was one too many; its `told_at` is when the
    last one's store had the number, None if it never had before it sold.
    """
    if earlier is None:
        return Blame(window=Window.STORE, seconds=0.0)
    if last.is_till or earlier.is_till:
        return Blame(window=Window.TILL, seconds=abs((last.at - earlier.at).total_seconds()))
    if earlier.heard_at >= last.at:
        return Blame(window=Window.NETWORK, seconds=max(0.0, (earlier.heard_at - earlier.at).total_seconds()))
    if earlier.told_at is not None and earlier.told_at <= last.at:
        return Blame(window=Window.STORE, seconds=(last.at - earlier.told_at).total_seconds())
    return Blame(window=Window.OURS, seconds=(last.at - earlier.heard_at).total_seconds())
