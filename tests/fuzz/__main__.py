"""`python -m tests.fuzz --seconds 600 [--inputs N] [--target NAME]… [--seed N] [--keep FOLDER]`; 1 where something broke.

Ended early (Ctrl-C, SIGTERM) it tells what it has thrown until then.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.fuzz.house import NewUrl
from tests.fuzz.target import Finding, Tally, Target, run
from tests.fuzz.targets import all_targets
from tests.postgres import own_server


def main(arguments: Sequence[str] | None = None) -> int:
    """Throw at each target in turn, the time shared between them, and print a line for each."""
    told = _told(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was thrown until then is told
    with ExitStack() as stack:
        new_url = stack.enter_context(own_server()).create_database if told.postgresql else None
        return _throw_at(told, new_url)


def _throw_at(told: argparse.Namespace, new_url: NewUrl | None) -> int:
    wanted = tuple(told.target or ("",))
    targets = [one for one in all_targets(new_url) if one.name.startswith(wanted)]
    share = told.seconds / max(1, len(targets))
    total, findings = 0, []
    print(f"{'target':<22}{'inputs':>10}{'a second':>10}{'slowest ms':>12}{'grown MiB':>11}  findings", flush=True)
    for target in targets:
        tally = run(target, seconds=share, count=told.inputs, seed=told.seed)
        target.close()
        _print_line(target, tally)
        total += tally.inputs
        findings += tally.findings
        if tally.is_cut_short:
            break
    print(f"{'total':<22}{total:>10}")
    for finding in findings:
        _print_finding(finding, told.keep)
    return 1 if findings else 0


def _told(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together")
    parser.add_argument("--inputs", type=int, default=0, help="so many for each target, however long it takes")
    parser.add_argument("--target", action="append", help="only targets whose name begins so; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    parser.add_argument("--keep", type=Path, help="a folder for inputs that broke something")
    return parser.parse_args(arguments)


def _print_line(target: Target, tally: Tally) -> None:
    rate = tally.inputs / tally.seconds if tally.seconds else 0
    row = f"{tally.inputs:>10}{rate:>10.0f}{tally.slowest * 1000:>12.0f}{tally.grown >> 20:>11}"
    print(f"{target.name:<22}{row}  {sum(tally.seen.values())} ({len(tally.seen)} kinds)", flush=True)


def _print_finding(finding: Finding, keep: Path | None) -> None:
    print(f"\n{finding.target} seed {finding.seed} {finding.where}\n  {finding.error}\n  {finding.data[:300]!r}")
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{finding.target}-{finding.seed}").write_bytes(finding.data)


if __name__ == "__main__":
    sys.exit(main())
