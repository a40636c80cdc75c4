"""Runs many histories of the whole system."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context

from tests.simulation.system.shrink import play
from tests.simulation.system.world import leave_ground

CHUNK = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """Of some histories: `oversells` are the seconds for which the store could not have known better."""

    histories: int = 0
    steps: int = 0
    buried: int = 0
    oversells: tuple[float, ...] = ()
    wrong: tuple[int, ...] = ()

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.histories + other.histories,
            self.steps + other.steps,
            self.buried + other.buried,
            self.oversells + other.oversells,
            self.wrong + other.wrong,
        )


def run_seeds(seeds: Iterable[int]) -> Figures:
    figures = Figures()
    for seed in seeds:
        played = play(seed)
        history = played.history
        wrong = (seed,) if played.wrong else ()
        figures += Figures(1, history.steps, history.watch.windows, tuple(history.oversells), wrong)
    return figures


def _in_worker(seeds: Iterable[int]) -> Figures:
    import multiprocessing.util

    multiprocessing.util.Finalize(None, leave_ground, exitpriority=10)
    return run_seeds(seeds)


def run_parallel(first: int, histories: int, workers: int) -> Iterator[Figures]:
    """Figures of one chunk after the other, as they come."""
    chunks = [range(at, min(at + CHUNK, first + histories)) for at in range(first, first + histories, CHUNK)]
    if workers < 2:
        yield from map(run_seeds, chunks)
        leave_ground()
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(_in_worker, chunks)
        pool.close()
        pool.join()


def verdict(figures: Figures, seconds: float) -> str:
    oversells = sorted(figures.oversells)
    longest = f", known of for {oversells[len(oversells) // 2]:.0f} s at most in half of them" if oversells else ""
    return (
        f"{figures.histories:,} histories of the whole system, {figures.steps:,} steps, {seconds:.0f} s, "
        f"wrong: {len(figures.wrong)}; sales of what was gone elsewhere: {len(oversells)}{longest}; "
        f"sales between read and write of a store that cannot compare: {figures.buried}"
    )
