"""Long lists in batches that one statement, or one call of a platform, can take."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Row = TypeVar("Row")

STATEMENT = 400
"""Values that a statement names one by one: far below what either database allows."""


def batched(rows: Sequence[Row], size: int = STATEMENT) -> Iterator[Sequence[Row]]:
    """As `itertools.batched` of Python 3.12, but of slices."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
