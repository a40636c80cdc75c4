"""What can be wrong with a connector on purpose, and the calls and pages that go wrong so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from itertools import chain, repeat
from typing import TypeVar

from connectors.sdk.contract import Clock
from connectors.sdk.errors import MalformedPayload
from connectors.sdk.values import (
    AuthorityPage,
    CataloguePage,
    OrdersPage,
)

T = TypeVar("T")
P = TypeVar("P", CataloguePage, OrdersPage, AuthorityPage)


class Misdeed(StrEnum):
    """What can be wrong with an operation; where one makes no sense for it, nothing happens.

    SLOW: the answer takes `slowness`. BREAKS: an exception that no connector may raise. GARBLED: MalformedPayload.
    LIES: figures are three too high, and writes are called written that were not. OMITS: the second half of what was
    asked for is missing. INVENTS: figures and orders come that nobody asked for. REPEATS: everything comes twice, and
    what is written is written twice. HALF: the first half of a write happens, then the answer is lost. ENDLESS: pages
    never stop. SPOILS: the first item of each page cannot be read. BACKWARDS: orders come as they were before, with
    their version an hour earlier, the newest first.
    """

    SLOW = "slow"
    BREAKS = "breaks"
    GARBLED = "garbled"
    LIES = "lies"
    OMITS = "omits"
    INVENTS = "invents"
    REPEATS = "repeats"
    HALF = "half"
    ENDLESS = "endless"
    SPOILS = "spoils"
    BACKWARDS = "backwards"


@dataclass(slots=True, kw_only=True)
class Conduct:
    """Which operations misbehave, and how."""

    clock: Clock
    misdeeds: dict[str, Misdeed] = field(default_factory=dict)
    slowness: timedelta = timedelta(minutes=10)

    def call(self, operation: str, properly: Callable[[], T]) -> T:
        """Do as asked, unless the operation is slow or fails."""
        match self.misdeeds.get(operation):
            case Misdeed.BREAKS:
                raise ZeroDivisionError(f"{operation} has a bug")
            case Misdeed.GARBLED:
                raise MalformedPayload("The answer makes no sense.", operation=operation)
            case Misdeed.SLOW:
                answer = properly()
                self.clock.sleep(self.slowness.total_seconds())
                return answer
            case _:
                return properly()

    def does(self, operation: str, misdeed: Misdeed) -> bool:
        """Whether this is wrong with the operation now."""
        return self.misdeeds.get(operation) is misdeed

    def pages(self, operation: str, properly: Callable[[], Iterator[P]]) -> Iterator[P]:
        """Pages, twice or for ever where that is wrong with the operation."""
        pages = self.call(operation, lambda: list(properly()))
        if self.does(operation, Misdeed.REPEATS):
            return chain((replace(page, is_last=False) for page in pages), pages)
        if pages and self.does(operation, Misdeed.ENDLESS):
            return (replace(page, is_last=False) for _ in repeat(None) for page in pages)
        if self.does(operation, Misdeed.OMITS):
            return iter(pages[: len(pages) // 2])
        return iter(pages)
