"""The clockwork: APScheduler strikes, the crew's hands do the work. Every process has one; ticks are claimed once."""

from collections.abc import Callable
from datetime import UTC, time, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from syncd.config import ScheduleSettings

KINDS = (
    "backoffice_hint",
    "backoffice_sweep",
    "backoffice_catalogue",
    "pull_orders",
    "catalogue",
    "reconcile",
    "check_webhooks",
    "clean_deliveries",
)
MISFIRE_GRACE = timedelta(minutes=5)
"""A strike that the machine slept through still counts for so long; several of one kind count as one."""
MOST_JITTER = 10
"""An interval is moved by at most a tenth of itself."""


def make_clockwork(settings: ScheduleSettings, strike: Callable[[str], None]) -> BackgroundScheduler:
    """A scheduler that calls `strike` with each kind when it is time; not started. `strike` must return at once."""
    scheduler = BackgroundScheduler(timezone=UTC)
    for kind in KINDS:
        scheduler.add_job(
            strike,
            _trigger(getattr(settings, kind), settings.jitter),
            args=(kind,),
            id=kind,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=int(MISFIRE_GRACE.total_seconds()),
        )
    return scheduler


def _trigger(when: time | timedelta, jitter: timedelta) -> BaseTrigger:
    if isinstance(when, time):
        return CronTrigger(hour=when.hour, minute=when.minute, jitter=jitter.total_seconds(), timezone=UTC)
    most = min(jitter, when / MOST_JITTER).total_seconds()
    return IntervalTrigger(seconds=when.total_seconds(), jitter=most or None, timezone=UTC)
