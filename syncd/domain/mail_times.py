"""When a message about issues may go out: soon, but all of a storm in one; or once a day."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_due_at_once(
    *, oldest: datetime, told_at: datetime | None, gather: timedelta, at_most_every: timedelta, now: datetime
) -> bool:
    """Whether to write now: `gather` after the oldest issue that was not told, and `at_most_every` after the last
    message.
    """
    return oldest + gather <= now and (told_at is None or told_at + at_most_every <= now)


def is_due_daily(*, oldest: datetime, told_at: datetime | None, at: time, zone: str, now: datetime) -> bool:
    """Whether to write now: the day's hour `at` has come in `zone`, with something told of since the day before."""
    local = now.astimezone(ZoneInfo(zone))
    hour = datetime.combine(local.date(), at, tzinfo=local.tzinfo).astimezone(UTC)
    if hour > now:
        hour = datetime.combine(local.date() - timedelta(days=1), at, tzinfo=local.tzinfo).astimezone(UTC)
    return oldest <= hour and (told_at is None or told_at < hour)
