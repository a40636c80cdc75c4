"""Runs many histories of the whole system."""

import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from multiprocessing import get_context

from tests.simulation.system.history import History
from tests.simulation.system.shrink import play
from tests.simulation.system.world import leave_ground

CHUNK = 5
CHUNKS_OF_A_WORKER = 100
"""Then another process goes on, so that none grows for hours."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of some histories: `oversells` are the seconds for which the store could not have known better."""

    histories: int = 0
    steps: int = 0
    orders: int = 0
    writes: int = 0
    deaths: int = 0
    freezes: int = 0
    buried: int = 0
    oversells: tuple[float, ...] = ()
    wrong: tuple[int, ...] = ()

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def run_seeds(seeds: Iterable[int], *, has_own_ledger: bool = False) -> Figures:
    figures = Figures()
    for seed in seeds:
        played = play(seed, has_own_ledger=has_own_ledger)
        figures += _figures(played.history, (seed,) if played.wrong else ())
    return figures


def _figures(history: History, wrong: tuple[int, ...]) -> Figures:
    shops, office = history.world.shops.values(), history.world.office
    return Figures(
        histories=1,
        steps=history.steps,
        orders=sum(len(shop.orders) for shop in shops),
        writes=sum(shop.wire.calls["write_stock"] for shop in shops) + office.wire.calls["record_sale"],
        deaths=sum(" dies at " in line for line in history.story),
        freezes=sum(" stands still for " in line for line in history.story),
        buried=history.watch.windows,
        oversells=tuple(history.oversells),
        wrong=wrong,
    )


def _in_worker(seeds: Iterable[int], *, has_own_ledger: bool) -> Figures:
    import multiprocessing.util

    multiprocessing.util.Finalize(None, leave_ground, exitpriority=10)
    if not gc.get_freeze_count():
        gc.freeze()  # what is imported stays: looking through it again and again would take a tenth of the time
        gc.set_threshold(200_000, 20, 100)  # and what a history leaves behind is little
    return run_seeds(seeds, has_own_ledger=has_own_ledger)


def run_parallel(first: int, histories: int, workers: int, *, has_own_ledger: bool = False) -> Iterator[Figures]:
    """Figures of one chunk after the other, as they come."""
    chunks = [range(at, min(at + CHUNK, first + histories)) for at in range(first, first + histories, CHUNK)]
    if workers < 2:
        yield from map(partial(run_seeds, has_own_ledger=has_own_ledger), chunks)
        leave_ground()
        return
    with get_context("spawn").Pool(workers, maxtasksperchild=CHUNKS_OF_A_WORKER) as pool:
        yield from pool.imap_unordered(partial(_in_worker, has_own_ledger=has_own_ledger), chunks)
        pool.close()
        pool.join()


def verdict(figures: Figures, seconds: float) -> str:
    oversells = sorted(figures.oversells)
    longest = f", known of for {oversells[len(oversells) // 2]:.0f} s at most in half of them" if oversells else ""
    return (
        f"{figures.histories:,} histories of the whole system, {figures.steps:,} steps, {seconds:.0f} s, "
        f"wrong: {len(figures.wrong)}; {figures.orders:,} orders, {figures.writes:,} writes to platforms, "
        f"{figures.deaths:,} deaths, {figures.freezes:,} times frozen beyond a lease; "
        f"sales of what was gone elsewhere: {len(oversells):,}{longest}; "
        f"sales between read and write of a store that cannot compare: {figures.buried:,}"
    )
