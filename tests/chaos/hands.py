"""Whether anybody wrote to a platform without its lease: the network's journal against the history of leases."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf

from tests.chaos.network import Write

TOLERANCE = 1.0
"""Seconds between a process's last look at the clock and our hearing its request, on a machine with much to do. What is
sent so late is what quarantines are for; a process that was frozen is later by seconds."""


def lease_names(leases: Sequence[tuple[float, str, int, bool]]) -> dict[str, str]:
    """Which lease stands for which wire: two stores and one back office, connected in this order."""
    stores = sorted({name for _, name, _, _ in leases if name.startswith("store:")}, key=_number)
    offices = [name for _, name, _, _ in leases if name.startswith("backoffice:")]
    return {**dict(zip(("shopify", "woocommerce"), stores, strict=True)), "prokip": offices[0]}


def _number(name: str) -> int:
    return int(name.partition(":")[2])


def without_lease(
    writes: Iterable[Write], leases: Sequence[tuple[float, str, int, bool]], names: Mapping[str, str]
) -> list[str]:
    """Writes of a process while it did not hold the lease that `names` gives for the wire, in words.

    `leases` are (seconds, name, process, held or given back) in order of time. A lease that ran out and that nobody
    took is still in the hand that had it.
    """
    history: defaultdict[str, list[tuple[float, int | None]]] = defaultdict(list)
    for at, name, pid, is_held in leases:
        history[name].append((at, pid if is_held else None))
    found = []
    for write in writes:
        if write.pid is None or write.wire not in names:
            continue
        late = _late(history[names[write.wire]], write)
        if late > TOLERANCE:
            found.append(f"process {write.pid} wrote to {write.wire} {late:.2f} s after it had lost its lease")
    return found


def _late(turns: Sequence[tuple[float, int | None]], write: Write) -> float:
    """Seconds since the writer's turn ended; 0 where it has it, or gets it within the tolerance."""
    number = bisect_right(turns, write.at + TOLERANCE, key=lambda turn: turn[0])
    ends = inf
    for began, holder in reversed(turns[:number]):
        if holder == write.pid:
            return max(0.0, write.at - ends) if ends < inf else 0.0
        ends = began
    return inf
