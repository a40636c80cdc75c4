"""Plant the defects one by one: python -m tests.defects [--only WORDS] [--workers 2].

First every named test must pass on the tree as it is. Then each defect is planted into a copy of it: the named test runs,
then random histories of the whole system, each within the time limit. Prints the table: defect, caught by, after how many
seconds. Exit code 1 when one got through.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from tests.defects.table import DEFECTS, Defect

TREE = Path(__file__).parents[2]
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "htmlcov")
PYTEST = ("-m", "pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider", "--no-header", "--tb=line")
HISTORIES = ("-m", "tests.simulation", "--rules", "0", "--system", "400", "--workers", "1", "--first-wrong")


@dataclass(frozen=True)
class Caught:
    defect: Defect
    by: str
    seconds: float


def plant(tree: Path, defect: Defect) -> dict[Path, str]:
    """Change the tree; gives what the files were. ValueError where the code is not as the table says."""
    before: dict[Path, str] = {}
    for file, old, new in defect.changes:
        path = tree / file
        text = path.read_text()
        if text.count(old) != 1:
            raise ValueError(f"{defect.name}: {file} holds {text.count(old)} times {old!r}")
        before.setdefault(path, text)
        path.write_text(text.replace(old, new))
    return before


def _run(tree: Path, *arguments: str, seconds: float) -> tuple[int | None, str]:
    """Exit code (None: not ended in time) and the last lines."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree)}
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout


def _tests(defect: Defect) -> tuple[list[str], str]:
    """What pytest is to run, and which of the two databases on."""
    *tests, last = defect.check.split()
    return (tests, "postgresql") if last == "postgresql" else ([*tests, last], "not postgresql")


def _fails_as_it_is(wanted: list[Defect]) -> str:
    """The test that fails although nothing is planted, if there is one."""
    for database in ("not postgresql", "postgresql"):
        named = [tests for defect in wanted if defect.check for tests, words in [_tests(defect)] if words == database]
        tests = list(dict.fromkeys(test for each in named for test in each))
        if tests:
            code, output = _run(TREE, *PYTEST, "-k", database, *tests, seconds=1200)
            if code != 0:
                return _failed_test(output)
    return ""


def _failed_test(output: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return lines[0].split(" - ")[0].removeprefix("FAILED ").removeprefix("ERROR ") if lines else "the named test"


def check(tree: Path, defect: Defect, seconds: float, *, with_tests: bool, with_histories: bool) -> Caught:
    """Look who notices."""
    began = time.monotonic()
    before = plant(tree, defect)
    try:
        if defect.check and with_tests:
            tests, words = _tests(defect)
            code, output = _run(tree, *PYTEST, "-k", words, *tests, seconds=seconds)
            if code == 1:
                return Caught(defect, _failed_test(output), time.monotonic() - began)
            if code:
                raise RuntimeError(f"{defect.name}: pytest ended with {code}: {output[-500:]}")
        code, output = _run(tree, *HISTORIES, seconds=seconds) if with_histories else (0, "")
        if code:
            seed = next((line for line in output.splitlines() if line.startswith("history ")), "history ?").split(":")[
                0
            ]
            return Caught(defect, f"whole system, {seed}", time.monotonic() - began)
        return Caught(defect, "", time.monotonic() - began)
    finally:
        for path, text in before.items():
            path.write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.defects", description=__doc__)
    parser.add_argument("--only", default="", help="defects whose name holds these words")
    parser.add_argument("--skip", type=int, default=0, help="so many of the table's first")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--seconds", type=float, default=120.0, help="for each check (120)")
    parser.add_argument("--only-histories", action="store_true", help="leave the named tests out")
    parser.add_argument("--only-tests", action="store_true", help="leave the histories out")
    asked = parser.parse_args()
    wanted = [defect for defect in DEFECTS[asked.skip :] if asked.only in defect.name]
    if not asked.only_histories and (failed := _fails_as_it_is(wanted)):
        print(f"Without any defect this fails: {failed}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="defects-") as folder:
        trees: Queue[Path] = Queue()
        for number in range(asked.workers):
            tree = Path(folder) / str(number)
            shutil.copytree(TREE, tree, ignore=LEFT_BEHIND)
            trees.put(tree)

        def work(defect: Defect) -> Caught:
            tree = trees.get()
            try:
                return check(
                    tree,
                    defect,
                    asked.seconds,
                    with_tests=not asked.only_histories,
                    with_histories=not asked.only_tests,
                )
            finally:
                trees.put(tree)

        print("| defect | caught by | seconds |\n|---|---|---|")
        missed = 0
        with ThreadPoolExecutor(asked.workers) as pool:
            for caught in pool.map(work, wanted):
                missed += not caught.by
                print(f"| {caught.defect.name} | {caught.by or '**nothing**'} | {caught.seconds:.0f} |", flush=True)
    print(f"\n{len(wanted)} planted, {len(wanted) - missed} caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
