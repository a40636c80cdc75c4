"""What goes wrong between a connector and its fake platform, and the place where others may act in between."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from connectors.sdk.contract import Clock
from connectors.sdk.errors import AccessDenied, OutcomeUnknown, RateLimited, RefusalKind, Refused, Unavailable


class CatalogueFault(StrEnum):
    """How a catalogue lies: it is empty, lacks its second half, breaks off before its last page, or stands still."""

    EMPTY = "empty"
    HALF = "half"
    BROKEN_OFF = "broken_off"
    STALE = "stale"


class Named(StrEnum):
    """What can still be read of an item that cannot: its own id, its product's only, or nothing."""

    ITEM = "item"
    PRODUCT = "product"
    NOTHING = "nothing"


@dataclass(slots=True, kw_only=True)
class Faults:
    """Switches, all off at first; the counted ones are for so many of the next writes.

    `lost_writes` take effect and lose their answer, `swallowed_writes` have no effect and lose it, `late_writes` happen
    only when `land()` of the platform is called. `refusal` refuses every write until it is taken away. `order_lag`: how
    long the order lists do not know what has happened. `is_deaf`: nothing is delivered to us. `unreadable`: SKUs of the
    office whose items make no sense, and how much of them can still be told.
    """

    is_down: bool = False
    is_denied: bool = False
    rate_limit: float | None = None
    lost_writes: int = 0
    swallowed_writes: int = 0
    late_writes: int = 0
    refusal: RefusalKind | None = None
    order_lag: timedelta = timedelta(0)
    catalogue: CatalogueFault | None = None
    is_deaf: bool = False
    unreadable: dict[str, Named] = field(default_factory=dict)


def _nothing_happens(moment: str) -> None:
    """Nobody acts in between."""


@dataclass(slots=True, kw_only=True)
class Wire:
    """The way from a connector to its platform.

    `on_call` is told `operation.before`, `operation.between` (a store that cannot compare has read and not yet written)
    and `operation.after` of every request. No lock is held then: it may sell, switch faults, or raise to stand for a
    crash. `calls` counts requests by operation.
    """

    clock: Clock
    faults: Faults = field(default_factory=Faults)
    on_call: Callable[[str], None] = _nothing_happens
    calls: Counter[str] = field(default_factory=Counter)

    def reach(self, connection: str, operation: str, *, not_after: datetime | None = None) -> None:
        """Begin a request, or raise as the platform would."""
        self.on_call(f"{operation}.before")
        self.calls[operation] += 1
        where = {"connection": connection, "operation": operation}
        if not_after is not None and self.clock.now() > not_after:
            raise Unavailable("Not sent: it would have begun too late.", **where)
        if self.faults.is_down:
            raise Unavailable("No connection came about.", **where)
        if self.faults.is_denied:
            raise AccessDenied("The platform does not accept these credentials.", **where)
        if self.faults.rate_limit is not None:
            raise RateLimited("Too many requests.", retry_after=self.faults.rate_limit, **where)

    def write(
        self, connection: str, operation: str, effect: Callable[[], None], late: list[Callable[[], None]]
    ) -> None:
        """Let a write happen as the faults say; one that shall happen later is put into `late`."""
        where = {"connection": connection, "operation": operation}
        faults = self.faults
        if faults.refusal is not None:
            raise Refused(f"Refused as {faults.refusal}.", kind=faults.refusal, **where)
        if faults.swallowed_writes:
            faults.swallowed_writes -= 1
            raise OutcomeUnknown("Sent, and no answer came.", **where)
        if faults.late_writes:
            faults.late_writes -= 1
            late.append(effect)
            raise OutcomeUnknown("Sent, and no answer came.", **where)
        effect()
        self.on_call(f"{operation}.after")
        if faults.lost_writes:
            faults.lost_writes -= 1
            raise OutcomeUnknown("Sent, and no answer came.", **where)
