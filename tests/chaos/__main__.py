"""`make chaos`: play, print what happened and the verdict; ends with 1 where a promise was broken."""

import argparse
import os
import secrets
import signal
import sys
import time

from tests.chaos.play import Outcome, play
from tests.chaos.scene import Wanted


def main() -> int:
    """Read the command line, play, print."""
    told = _arguments()
    seed = told.seed if told.seed is not None else secrets.randbelow(1_000_000)
    processes = told.processes or (3 if told.database == "postgresql" else 1)
    wanted = Wanted(
        database=told.database,
        roles=("all",) * processes,
        seconds=told.minutes * 60,
        seed=seed,
        acts_a_second=told.acts,
        kinds=told.only,
        keep=told.keep,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # everything is ended on the way out
    print(f"chaos: {told.minutes:g} min on {told.database}, {processes} processes, seed {seed}", flush=True)
    began = time.monotonic()
    try:
        outcome = play(wanted, lambda words: print(f"  {words}", flush=True))
    except KeyboardInterrupt:
        print("stopped")
        return 130
    _print(outcome)
    print(f"seed {seed}, {time.monotonic() - began:.0f} s in all, load {os.getloadavg()[0]:.1f}")
    return 1 if outcome.wrong else 0


def _print(outcome: Outcome) -> None:
    print()
    for name, value in outcome.lines:
        print(f"  {name:<36} {value}")
    print()
    for words in outcome.wrong:
        print(f"  WRONG: {words}")
    print("  NOT RIGHT" if outcome.wrong else "  RIGHT: nothing lost, nothing doubled, every number is true")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long troubles last (10)")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--processes", type=int, help="daemons on one database (3; SQLite: 1)")
    parser.add_argument("--seed", type=int, help="of the troubles and of the people; any")
    parser.add_argument("--acts", type=float, default=3.0, help="what people do, per second (3)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="KIND", help="only this trouble; may be repeated"
    )
    parser.add_argument("--keep", action="store_true", help="leave the home and its logs behind")
    told = parser.parse_args()
    if told.database == "sqlite" and (told.processes or 1) != 1:
        parser.error("SQLite takes one daemon")
    return told


if __name__ == "__main__":
    sys.exit(main())
