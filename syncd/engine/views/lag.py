"""How long a sale takes to reach the other stores: from the moment of the sale to the store's acknowledgement.

The database counts how often each tenth of a second occurred, so that a busy day costs no more than a quiet one.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import Integer, cast, func
from sqlmodel import Session, col, select

from schema.tables import Push, PushState
from schema.types import UtcDateTime
from syncd.engine.dialects import dialect_of

TENTHS = 10
LONGEST = 36_000 * TENTHS
"""Ten hours: what took longer took this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Seconds: the median, and what 99 in 100 stay within."""

    median: float
    slow: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How often each lag occurred, for one store in one part of the time; `tenths` are tenths of a second."""

    connection_id: int
    part: int
    tenths: int
    count: int


def lag_of(found: Iterable[Measured]) -> Lag | None:
    """Of what was measured; None where nothing was."""
    times: Counter[int] = Counter()
    for each in found:
        times[each.tenths] += each.count
    count = times.total()
    if not count:
        return None
    ordered = sorted(times.items())
    return Lag(median=_within(ordered, count * 0.5), slow=_within(ordered, count * 0.99), count=count)


def _within(ordered: Sequence[tuple[int, int]], wanted: float) -> float:
    """The lag that so many stay within, in seconds."""
    seen = 0
    for tenths, count in ordered:
        seen += count
        if seen >= wanted:
            return tenths / TENTHS
    return ordered[-1][0] / TENTHS


def measured(
    session: Session, connection_ids: Sequence[int], since: datetime, until: datetime, parts: int = 1
) -> list[Measured]:
    """What was measured in these stores, in equal parts of the time."""
    lasted = _seconds(session, col(Push.sold_at), col(Push.answered_at))
    begin = sqlalchemy.literal(since, UtcDateTime())
    passed = _seconds(session, begin, col(Push.answered_at))
    part = cast(passed * parts / (until - since).total_seconds(), Integer)
    tenths = cast(lasted * TENTHS + 0.5, Integer)
    rows = session.execute(
        select(Push.connection_id, part, tenths, func.count())
        .where(
            col(Push.connection_id).in_(connection_ids),
            col(Push.answered_at) >= since,
            Push.state == PushState.ACKNOWLEDGED,
            col(Push.sold_at).is_not(None),
        )
        .group_by(col(Push.connection_id), part, tenths)
    ).all()
    return [
        Measured(
            connection_id=connection_id,
            part=max(0, min(parts - 1, int(n))),
            tenths=max(0, min(LONGEST, int(lag))),
            count=int(count),
        )
        for connection_id, n, lag, count in rows
    ]


def _seconds(session: Session, begin: Any, end: Any) -> Any:  # noqa: ANN401 - columns, times, their difference
    if dialect_of(session) == "sqlite":
        return (func.julianday(end) - func.julianday(begin)) * 86_400.0
    return func.extract("epoch", end - begin)


def over_time(found: Sequence[Measured], parts: int) -> list[Lag | None]:
    """The lag in each part of the time, over all stores."""
    by_part: list[list[Measured]] = [[] for _ in range(parts)]
    for each in found:
        by_part[each.part].append(each)
    return [lag_of(each) for each in by_part]
