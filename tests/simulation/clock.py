"""Virtual time: a heap of what happens when, and processes as generators that yield how long they wait."""

import heapq
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

EPOCH = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
Process = Generator[float, None, Any]


def moment(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


class Clock:
    """Runs what is due in order of time. `story` collects sentences when somebody wants to read them."""

    def __init__(self, rng: Random, *, tell: bool = False) -> None:
        self.rng = rng
        self.now = 0.0
        self.story: list[str] | None = [] if tell else None
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, delay: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (self.now + delay, self._count, action))

    def say(self, who: str, words: str) -> None:
        if self.story is not None:
            self.story.append(f"{self.now:8.2f}  {who:<11} {words}")

    def run(self, until: float, after_each: Callable[[], None]) -> int:
        steps = 0
        while self._heap and self._heap[0][0] <= until:
            self.now, _, action = heapq.heappop(self._heap)
            action()
            after_each()
            steps += 1
        self.now = until
        return steps
