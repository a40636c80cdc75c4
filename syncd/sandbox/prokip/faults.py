"""What can be made to go wrong in the simulated Prokip, as switches that tests and the demo set while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from random import Random


class WriteOutcome(StrEnum):
    """How a sale or return may end."""

    OK = "ok"
    ERROR = "error"
    COMMIT_THEN_500 = "commit_then_500"
    COMMIT_THEN_HANG = "commit_then_hang"
    LATE_COMMIT = "late_commit"
    LOST_REQUEST = "lost_request"


class FaultUnknown(ValueError):
    """A switch that does not exist, or a value that does not fit it."""


@dataclass(slots=True, kw_only=True)
class Faults:
    """The switches. Rates are shares of requests from 0 to 1.

    `down`: a proxy answers 502 for everything. `error_rate`: a 500 before anything happened. `lost_answer_rate`: done,
    but the connection is cut. The commit_then_… switches concern only what records, changes or deletes a sale, and
    returns: it is done, then the answer is a 500, or none comes for a while and the connection is cut.
    `late_commit_rate`: the connection is cut first, and it is done `late_commit_seconds` after it arrived.
    `next_writes` names the outcomes of the next of these writes one by one, before any rate. `empty_stock`,
    `half_catalogue`: lists are well-formed and lack rows. `stale_seconds`: stock is shown as it was so long ago.
    `shuffle_unordered`: lists that promise no order have none. `reject_sells`: every sale is refused with this text.
    """

    latency_seconds: float = 0.0
    down: bool = False
    error_rate: float = 0.0
    lost_answer_rate: float = 0.0
    commit_then_500_rate: float = 0.0
    commit_then_hang_rate: float = 0.0
    commit_then_hang_seconds: float = 30.0
    late_commit_rate: float = 0.0
    late_commit_seconds: float = 60.0
    next_writes: list[str] = field(default_factory=list)
    empty_stock: bool = False
    half_catalogue: bool = False
    stale_seconds: float = 0.0
    shuffle_unordered: bool = False
    reject_sells: str | None = None

    def update(self, changes: Mapping[str, object]) -> None:
        """Set the named switches. Raises FaultUnknown and has then changed nothing."""
        checked = {name: _fitting(name, value) for name, value in changes.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, object]:
        """Every switch as it stands."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def write_outcome(self, random: Random) -> WriteOutcome:
        """How the next sale or return ends."""
        if self.next_writes:
            return WriteOutcome(self.next_writes.pop(0))
        for outcome, rate in (
            (WriteOutcome.COMMIT_THEN_500, self.commit_then_500_rate),
            (WriteOutcome.COMMIT_THEN_HANG, self.commit_then_hang_rate),
            (WriteOutcome.LATE_COMMIT, self.late_commit_rate),
        ):
            if random.random() < rate:
                return outcome
        return WriteOutcome.OK


def _fitting(name: str, value: object) -> object:
    """The value in the type of the switch's default."""
    known = {one.name for one in fields(Faults)}
    if name not in known:
        raise FaultUnknown(f"no fault is called {name!r}; there are: {', '.join(sorted(known))}")
    default = getattr(Faults(), name)
    if name == "reject_sells" and (value is None or isinstance(value, str)):
        return value
    if isinstance(default, bool) and isinstance(value, bool):
        return value
    if isinstance(default, float) and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return float(value)
    if isinstance(default, list) and isinstance(value, list) and set(value) <= set(WriteOutcome):
        return list(value)
    raise FaultUnknown(f"{value!r} does not fit the fault {name!r}")
