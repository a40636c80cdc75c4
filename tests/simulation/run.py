"""Runs many histories and tells of those that went wrong."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context

from tests.simulation.history import History, Wrong
from tests.simulation.rules import RULES, Rules

CHUNK = 250


@dataclass(frozen=True, slots=True)
class Figures:
    histories: int = 0
    steps: int = 0
    wrong: tuple[int, ...] = ()

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(self.histories + other.histories, self.steps + other.steps, self.wrong + other.wrong)


def run_seeds(seeds: Iterable[int], rules: Rules = RULES) -> Figures:
    figures = Figures()
    for seed in seeds:
        history = History(seed, rules=rules)
        wrong: tuple[int, ...] = ()
        try:
            history.run()
        except Wrong:
            wrong = (seed,)
        figures += Figures(1, history.steps, wrong)
    return figures


def run_parallel(first: int, histories: int, workers: int) -> Iterator[Figures]:
    """Figures of one chunk after the other, as they come."""
    chunks = [range(at, min(at + CHUNK, first + histories)) for at in range(first, first + histories, CHUNK)]
    if workers < 2:
        yield from map(run_seeds, chunks)
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(run_seeds, chunks)


def story(seed: int, rules: Rules = RULES) -> str:
    """One history as it went, with what was wrong at its end."""
    history = History(seed, rules=rules, tell=True)
    ending = "all is right"
    try:
        history.run()
    except Wrong as wrong:
        ending = f"WRONG: {wrong}"
    setting = history.setting
    weather = (
        f"hints {'on' if setting.has_hints else 'off'}, nightly comparison {'on' if setting.has_nightly else 'off'}, "
        f"webhooks lost {setting.webhook_loss:.0%}, up to {setting.webhook_delay:g} s late, "
        f"order list up to {setting.list_lag:g} s behind, recorded when {setting.policy}"
    )
    return "\n".join((f"history {seed}: {weather}", *history.story, ending))
