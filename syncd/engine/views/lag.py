"""How long a sale takes to reach the other stores: from the moment of the sale to the store's acknowledgement."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median, quantiles

from sqlmodel import Session, col, select

from schema.tables import Push, PushState

MOST_MEASURED = 5000
"""The newest so many per store are measured: more change no percentile that a person reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Seconds: the median, and what 99 in 100 stay within."""

    median: float
    slow: float
    count: int


def lag_of(seconds: Sequence[float]) -> Lag | None:
    """Of some measured times; None where nothing was measured."""
    if not seconds:
        return None
    slow = quantiles(seconds, n=100)[98] if len(seconds) >= 100 else max(seconds)
    return Lag(median=median(seconds), slow=slow, count=len(seconds))


def measured(session: Session, connection_id: int, since: datetime) -> list[tuple[datetime, float]]:
    """When a store had a number because of a sale elsewhere, and how many seconds after it; the newest first."""
    rows = session.execute(
        select(Push.answered_at, Push.sold_at)
        .where(
            Push.connection_id == connection_id,
            col(Push.answered_at) >= since,
            Push.state == PushState.ACKNOWLEDGED,
            col(Push.sold_at).is_not(None),
        )
        .order_by(col(Push.answered_at).desc())
        .limit(MOST_MEASURED)
    ).all()
    return [(answered, max(0.0, (answered - sold).total_seconds())) for answered, sold in rows]


def by_store(session: Session, connection_ids: Iterable[int], since: datetime) -> dict[int, list[float]]:
    """The measured seconds of each store."""
    return {each: [seconds for _, seconds in measured(session, each, since)] for each in connection_ids}


def over_time(
    session: Session, connection_ids: Iterable[int], since: datetime, until: datetime, parts: int
) -> list[Lag | None]:
    """The lag in each of so many equal parts of the time, over all these stores."""
    width = (until - since).total_seconds() / parts
    seconds: dict[int, list[float]] = defaultdict(list)
    for connection_id in connection_ids:
        for at, lag in measured(session, connection_id, since):
            seconds[min(parts - 1, int((at - since).total_seconds() / width))].append(lag)
    return [lag_of(seconds[part]) for part in range(parts)]
