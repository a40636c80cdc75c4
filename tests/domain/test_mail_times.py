"""When a message about issues may go out."""

from datetime import UTC, datetime, time, timedelta

import pytest

from syncd.domain.mail_times import is_due_at_once, is_due_daily

GATHER, PAUSE = timedelta(seconds=20), timedelta(minutes=15)


def at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("oldest", "told_at", "now", "due"),
    [
        ("2026-11-21T10:00:00", None, "2026-11-21T10:00:19", False),  # still gathering
        ("2026-11-21T10:00:00", None, "2026-11-21T10:00:20", True),
        ("2026-11-21T10:00:00", "2026-11-21T09:50:00", "2026-11-21T10:01:00", False),  # 11 minutes after the last one
        ("2026-11-21T10:00:00", "2026-11-21T09:50:00", "2026-11-21T10:05:00", True),
        ("2026-11-21T10:00:00", "2026-11-20T09:50:00", "2026-11-21T10:00:10", False),
    ],
)
def test_at_once_gathers_and_then_pauses(oldest, told_at, now, due):
    told = at(told_at) if told_at else None
    assert is_due_at_once(oldest=at(oldest), told_at=told, gather=GATHER, at_most_every=PAUSE, now=at(now)) is due


@pytest.mark.parametrize(
    ("oldest", "told_at", "zone", "now", "due"),
    [
        ("2026-11-21T03:00:00", None, "Africa/Nairobi", "2026-11-21T03:59:59", False),  # 6:59:59 there
        ("2026-11-21T03:00:00", None, "Africa/Nairobi", "2026-11-21T04:00:00", True),
        ("2026-11-21T04:30:00", None, "Africa/Nairobi", "2026-11-21T12:00:00", False),  # came after the hour
        ("2026-11-21T04:30:00", None, "Africa/Nairobi", "2026-11-22T04:00:00", True),
        ("2026-11-21T03:00:00", "2026-11-21T04:00:00", "Africa/Nairobi", "2026-11-21T23:00:00", False),  # told today
        ("2026-11-21T05:00:00", "2026-11-21T04:00:00", "Africa/Nairobi", "2026-11-22T04:00:00", True),
        ("2026-11-20T05:00:00", None, "UTC", "2026-11-25T03:00:00", True),  # the machine was off for days
        ("2026-10-25T04:00:00", None, "Europe/Berlin", "2026-10-25T05:59:00", False),  # winter began: 6:59 there
        ("2026-10-25T04:00:00", None, "Europe/Berlin", "2026-10-25T06:00:00", True),
    ],
)
def test_daily_waits_for_the_hour_of_the_merchants_day(oldest, told_at, zone, now, due):
    told = at(told_at) if told_at else None
    assert is_due_daily(oldest=at(oldest), told_at=told, at=time(7), zone=zone, now=at(now)) is due
