"""Times as the merchant reads them."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTime:
    """A merchant's clock."""

    zone: ZoneInfo
    now: datetime

    def say(self, at: datetime) -> str:
        """The time of day for today, else the date with it."""
        local = at.astimezone(self.zone)
        same_day = local.date() == self.now.astimezone(self.zone).date()
        return f"{local:%H:%M:%S}" if same_day else f"{local:%d %b %H:%M}"
