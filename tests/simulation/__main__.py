"""Long runs: python -m tests.simulation --rules 100000 --system 2000 --seed 1.

The rules alone are simulated by the million, the whole system by the thousand. A failing history is shrunk and told.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterable

from tests.simulation import run as rules
from tests.simulation.system import run as system
from tests.simulation.system.shrink import play, shrink
from tests.simulation.system.shrink import story as system_story

MOST_SHRUNK = 3


def cores() -> int:
    """How many this process may use: a container has fewer than its machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--rules", type=int, default=20_000, help="histories of the rules alone (20000)")
    parser.add_argument("--system", type=int, default=500, help="histories of the whole system (500)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first; the others follow it (1)")
    parser.add_argument("--workers", type=int, default=cores(), help="processes (all cores)")
    parser.add_argument("--own-ledger", action="store_true", help="the whole system without a back office")
    parser.add_argument("--story", choices=("rules", "system"), help="tell the history of this one seed")
    parser.add_argument("--shrink", action="store_true", help="with --story system: as short as it still goes wrong")
    parser.add_argument(
        "--first-wrong", action="store_true", help="end at the first that goes wrong, without shrinking"
    )
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was played until then is told
    if asked.first_wrong:
        return _first_wrong(asked.seed, asked.system, asked.own_ledger)
    if asked.story == "rules":
        print(rules.story(asked.seed))
        return 0
    if asked.story == "system":
        print(system_story((shrink if asked.shrink else play)(asked.seed, has_own_ledger=asked.own_ledger)))
        return 0
    is_wrong = asked.rules > 0 and _rules(asked.seed, asked.rules, asked.workers)
    return 1 if (asked.system > 0 and _system(asked)) or is_wrong else 0


def _follow(name: str, parts: Iterable, figures, histories: int):
    """Add parts up as they come, and tell how far it is; on a terminal in place, else a line a minute."""
    is_terminal = sys.stderr.isatty()
    every, begin, end = (1.0, "\r", "") if is_terminal else (60.0, "", "\n")
    began = told_at = time.monotonic()
    known = 0
    try:
        for part in parts:
            figures += part
            now = time.monotonic()
            if now - told_at < every and len(figures.wrong) == known:
                continue
            told_at, known = now, len(figures.wrong)
            rate = figures.histories / (now - began)
            words = f"{name}: {figures.histories:,} of {histories:,}, {rate:.1f} a second, wrong: {known}"
            left = f", {(histories - figures.histories) / rate / 60:.0f} min left"
            print(f"{begin}{words}{left}{_newest(figures.wrong)}", end=end, file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print(f"\n{name}: stopped", file=sys.stderr)
    if is_terminal:
        print(file=sys.stderr)
    return figures


def _newest(wrong: tuple[int, ...]) -> str:
    return f" (seed {wrong[-1]})" if wrong else ""


def _rules(seed: int, histories: int, workers: int) -> bool:
    began = time.monotonic()
    figures = _follow("rules", rules.run_parallel(seed, histories, workers), rules.Figures(), histories)
    seconds = time.monotonic() - began
    print(
        f"{figures.histories:,} histories of the rules, {figures.steps:,} steps, {seconds:.0f} s, wrong: {len(figures.wrong)}"
    )
    if figures.wrong:
        print("wrong seeds: " + ", ".join(map(str, sorted(figures.wrong)[:20])))
        print(min((rules.story(seed) for seed in sorted(figures.wrong)[:50]), key=len))
    return bool(figures.wrong)


def _system(asked: argparse.Namespace) -> bool:
    began = time.monotonic()
    first, histories, has_own_ledger = asked.seed, asked.system, asked.own_ledger
    parts = system.run_parallel(first, histories, asked.workers, has_own_ledger=has_own_ledger)
    figures = _follow("system", parts, system.Figures(), histories)
    print(f"seeds {first} to {first + histories - 1}: {system.verdict(figures, time.monotonic() - began)}", flush=True)
    if figures.wrong:
        print("wrong seeds: " + ", ".join(map(str, sorted(figures.wrong)[:50])))
        for wrong in sorted(figures.wrong)[:MOST_SHRUNK]:
            print("\n" + system_story(shrink(wrong, has_own_ledger=has_own_ledger)))
    return bool(figures.wrong)


def _first_wrong(seed: int, histories: int, has_own_ledger: bool) -> int:
    for number in range(seed, seed + histories):
        played = play(number, has_own_ledger=has_own_ledger)
        if played.wrong:
            print(system_story(played))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
