"""Whether anybody wrote to a platform without its lease: the network's journal against the history of leases."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tests.chaos.network import Write

TOLERANCE = 0.15
"""Seconds between a lease's change in the database and its commit, or a request's beginning and our hearing it."""


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
        turns = history[names[write.wire]]
        holders = {_holder(turns, write.at - TOLERANCE), _holder(turns, write.at), _holder(turns, write.at + TOLERANCE)}
        if write.pid not in holders:
            found.append(
                f"process {write.pid} wrote to {write.wire} at {write.at:.3f}, held by {_holder(turns, write.at)}"
            )
    return found


def _holder(turns: Sequence[tuple[float, int | None]], at: float) -> int | None:
    number = bisect_right(turns, at, key=lambda turn: turn[0])
    return turns[number - 1][1] if number else None
