"""The shortest history that still goes wrong: events and moments are left out as long as it does."""

import re
from dataclasses import dataclass

from tests.simulation.system.history import History
from tests.simulation.system.process import Crash
from tests.simulation.system.setting import draw
from tests.simulation.system.truth import Wrong


@dataclass(frozen=True)
class Played:
    """How one history went. `kind` tells failures apart, so that shrinking does not end at another one."""

    history: History
    wrong: str
    kind: str


def play(seed: int, dropped: frozenset[str] = frozenset(), *, has_own_ledger: bool = False) -> Played:
    """Play one history; whatever it raises is what is wrong with it."""
    history = History(seed, dropped=dropped, setting=draw(seed, has_own_ledger=has_own_ledger))
    try:
        history.run()
    except Wrong as wrong:
        return Played(history, str(wrong), re.sub(r"\d+", "", str(wrong))[:25])
    except (Exception, Crash) as error:  # noqa: BLE001 - an error of ours is a finding like any other
        return Played(history, f"{type(error).__name__}: {error}", type(error).__name__)
    return Played(history, "", "")


def shrink(seed: int, *, has_own_ledger: bool = False, most: int = 150) -> Played:
    """Leave out halves, quarters, ... and single events, then what happened at single moments; `most` tries."""
    best = play(seed, has_own_ledger=has_own_ledger)
    dropped: frozenset[str] = frozenset()
    left = most
    for is_event in (True, False):
        keys = [key for key in dict.fromkeys(best.history.keys) if ("." not in key) is is_event]
        size = max(1, len(keys) // 2)
        while left > 0 and keys:
            at, was_dropped = 0, False
            while at < len(keys) and left > 0:
                attempt = dropped | set(keys[at : at + size])
                left -= 1
                tried = play(seed, attempt, has_own_ledger=has_own_ledger)
                if tried.kind == best.kind:
                    best, dropped, was_dropped = tried, attempt, True
                    del keys[at : at + size]
                else:
                    at += size
            if size == 1 and not was_dropped:
                break
            size = max(1, size // 2)
    return best


def story(played: Played) -> str:
    """For people: the setting, what happened, what was wrong."""
    return "\n".join((*played.history.story, f"WRONG: {played.wrong}" if played.wrong else "all is right"))
