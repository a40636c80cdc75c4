"""What was asked of the simulated Prokip: calls by kind and by minute, refusals of the throttle, answers by status."""

import re
from collections import Counter
from datetime import datetime

from syncd.sandbox.wire import Request, Response


class Journal:
    """Counts calls since the start."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.minutes: Counter[str] = Counter()

    def note(self, request: Request, answer: Response, at: datetime) -> None:
        """Count one call; ids in a path are one kind."""
        path = re.sub(r"/[\d,]+", "/{id}", request.path.removeprefix("/connector/api"))
        self.calls[f"{request.method} {path}"] += 1
        self.statuses["lost" if answer.lost else str(answer.status)] += 1
        self.minutes[f"{at:%Y-%m-%dT%H:%M}"] += 1

    def as_json(self) -> dict[str, object]:
        """`calls`, `statuses` and `per_minute`, each a name with its count."""
        return {"calls": dict(self.calls), "statuses": dict(self.statuses), "per_minute": dict(self.minutes)}
