"""Long runs: python -m tests.simulation --histories 100000 --seed 1 --workers 2."""

import argparse
import sys
import time

from tests.simulation.run import Figures, run_parallel, story


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--histories", type=int, default=20_000, help="how many (20000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first; the others follow it (1)")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument("--story", action="store_true", help="tell the history of this one seed")
    asked = parser.parse_args()
    if asked.story:
        print(story(asked.seed))
        return 0
    began, told_at, figures = time.monotonic(), 0.0, Figures()
    for part in run_parallel(asked.seed, asked.histories, asked.workers):
        figures += part
        if time.monotonic() - told_at > 1.0:
            told_at = time.monotonic()
            print(
                f"\r{figures.histories:,} of {asked.histories:,}, wrong {len(figures.wrong)}", end="", file=sys.stderr
            )
    seconds = time.monotonic() - began
    print(file=sys.stderr)
    print(f"{figures.histories:,} histories, {figures.steps:,} steps, {seconds:.1f} s, wrong: {len(figures.wrong)}")
    if not figures.wrong:
        return 0
    print("wrong seeds: " + ", ".join(map(str, sorted(figures.wrong)[:20])))
    print(min((story(seed) for seed in sorted(figures.wrong)[:50]), key=len))
    return 1


if __name__ == "__main__":
    sys.exit(main())
