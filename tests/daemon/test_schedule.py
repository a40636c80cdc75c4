"""Every interval of the settings strikes, by day or by time."""

from datetime import UTC, datetime, time, timedelta

import pytest

from syncd.config import ScheduleSettings
from syncd.daemon.schedule import make_clockwork

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def next_of():
    def next_of(settings, kind):
        clockwork = make_clockwork(settings, lambda kind: None)
        return clockwork.get_job(kind).trigger.get_next_fire_time(None, NOW)

    return next_of


def test_every_interval_has_its_job():
    intervals = set(ScheduleSettings.model_fields) - {"jitter"}
    jobs = make_clockwork(ScheduleSettings(), lambda kind: None).get_jobs()
    assert {job.id for job in jobs} == intervals
    assert all(job.coalesce and job.max_instances == 1 and job.misfire_grace_time for job in jobs)


def test_a_time_of_day_is_utc_and_an_interval_counts_from_now(next_of):
    still = ScheduleSettings(reconcile=time(3, 30), jitter=timedelta(0))
    assert next_of(still, "reconcile") == NOW + timedelta(minutes=30)
    often = ScheduleSettings(reconcile=timedelta(hours=2), jitter=timedelta(0))
    told = next_of(often, "reconcile")
    assert told - datetime.now(UTC) <= timedelta(hours=2)


def test_jitter_moves_a_short_interval_by_a_tenth_at_most():
    settings = ScheduleSettings(backoffice_hint=timedelta(seconds=1), jitter=timedelta(seconds=5))
    trigger = make_clockwork(settings, lambda kind: None).get_job("backoffice_hint").trigger
    assert trigger.jitter == pytest.approx(0.1)


def test_a_strike_names_what_is_due():
    struck = []
    for job in make_clockwork(ScheduleSettings(), struck.append).get_jobs():
        job.func(*job.args)
    assert "pull_orders" in struck
    assert len(struck) == 8
