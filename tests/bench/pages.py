"""How quick every page and every list of the API is with 50,000 listings, 200,000 sales and 20 stores.

Two merchants share the database; the larger one's site is asked, and once through the smaller one's.
"""

import random
import re
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from schema.migrate import upgrade
from tests.bench.mall import Mall, Size
from tests.bench.rows import opened_books
from tests.bench.visits import FILES, Site, served

HALF_A_SECOND = 500.0
_A_TIME = re.compile(r"=2\d{3}-\d\d-\d\d[^&]*")
SECOND_MERCHANT = Size(stores=5, skus=3_000, listings=8_000, sales=20_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One address: milliseconds of the request in the middle and of the slowest, and statements of one request."""

    path: str
    middle: float
    worst: float
    statements: int

    @property
    def is_file(self) -> bool:
        """Whether it is a download."""
        return FILES in self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """All addresses of both merchants on one database, and how long filling it took."""

    large: tuple[Timed, ...]
    small: tuple[Timed, ...]
    filled_in: float


def visit_pages(url: str, times: int) -> Visited:
    """Fill an empty database and ask for everything this often."""
    upgrade(url)
    began, now = time.monotonic(), datetime.now(UTC)
    merchants = []
    for n, size in enumerate((Size(), SECOND_MERCHANT)):
        with opened_books(url) as books:
            mall = Mall(books=books, size=size, name=f"Mall {n + 1}", now=now, random=random.Random(n))
            merchants.append(mall.build())
    filled_in = time.monotonic() - began
    with tempfile.TemporaryDirectory() as home:
        with served(url, merchants[1], Path(home)) as site:  # first, so that templates are read when it counts
            small = tuple(_timed(site, site.addresses(varied=False), 2))
        with served(url, merchants[0], Path(home)) as site:
            large = tuple(_timed(site, site.addresses(), times))
    return Visited(large=large, small=small, filled_in=filled_in)


def _timed(site: Site, addresses: Iterable[tuple[str, bool]], times: int) -> Iterable[Timed]:
    for path, is_page in addresses:
        took = []
        for _ in range(1 if FILES in path else times):
            site.statements.clear()
            began = time.perf_counter()
            site.ask(path, is_page=is_page)
            took.append((time.perf_counter() - began) * 1000)
        called = f"{'page' if is_page else 'api'} {_A_TIME.sub('=...', path)}"
        yield Timed(path=called, middle=median(took), worst=max(took), statements=len(site.statements))


def show_pages(found: dict[str, Visited], times: int) -> bool:
    """A table, the slowest first, and a verdict; whether all of it is quick enough."""
    by_path = {backend: {one.path: one for one in visited.large} for backend, visited in found.items()}
    first = next(iter(by_path.values()))
    order = sorted(first, key=lambda path: -max(one[path].middle for one in by_path.values()))
    width = max(map(len, order))
    print(f"\nPages and lists with 50,000 listings, 200,000 sales, 20 stores; {times} requests each, milliseconds\n")
    heads = "".join(f" {backend + ' median':>18} | {'worst':>6} |" for backend in found)
    print(f"| {'':<{width}} |{heads} statements |")
    print(f"|{'-' * (width + 2)}|" + "-------------------:|-------:|" * len(found) + "-----------:|")
    for path in order:
        cells = "".join(f" {one[path].middle:>18.0f} | {one[path].worst:>6.0f} |" for one in by_path.values())
        print(f"| {path:<{width}} |{cells} {first[path].statements:>10} |")
    verdicts = [_verdict(backend, visited) for backend, visited in found.items()]
    return all(verdicts)


def _verdict(backend: str, visited: Visited) -> bool:
    large = [one for one in visited.large if not one.is_file]
    small = [one for one in visited.small if not one.is_file]
    slow = [one for one in (*large, *small) if one.middle > HALF_A_SECOND]
    print(
        f"\n{backend}: filled in {visited.filled_in:.0f} s. {len(large)} addresses: half of them within "
        f"{median(one.middle for one in large):.0f} ms, the slowest {_named(large)}; of the second merchant's "
        f"{len(small)} the slowest {_named(small)}. "
        + (f"SLOW: {', '.join(one.path for one in slow)}." if slow else "All within half a second.")
    )
    return not slow


def _named(timed: Sequence[Timed]) -> str:
    slowest = max(timed, key=lambda one: one.middle)
    return f"{slowest.middle:.0f} ms at the median ({slowest.path}), {max(one.worst for one in timed):.0f} ms at worst"
