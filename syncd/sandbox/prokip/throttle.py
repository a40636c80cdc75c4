"""Laravel's rate limit: so many requests per user in a minute that begins with the first of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Whether a request may go on, and the headers that every answer carries."""

    is_allowed: bool
    headers: dict[str, str]


class Throttle:
    """Counts per user in fixed windows; `limit` None lets everything pass without headers."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._windows: dict[str, tuple[datetime, int]] = {}

    def admit(self, user: str, now: datetime) -> Pass:
        """Count one request."""
        if self.limit is None:
            return Pass(is_allowed=True, headers={})
        began, used = self._windows.get(user, (now, 0))
        if now >= began + WINDOW:
            began, used = now, 0
        if used >= self.limit:
            ends = began + WINDOW
            return Pass(
                is_allowed=False,
                headers={
                    "X-RateLimit-Limit": str(self.limit),
                    "X-RateLimit-Remaining": "0",
                    "Retry-After": str(max(1, round((ends - now).total_seconds()))),
                    "X-RateLimit-Reset": str(int(ends.timestamp())),
                },
            )
        self._windows[user] = (began, used + 1)
        remaining = self.limit - used - 1
        headers = {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(remaining)}
        return Pass(is_allowed=True, headers=headers)
