"""Readings of the authority: which rows may be applied, which sweeps are held."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

BRAKE_SHARE = 0.30
BRAKE_AT_LEAST = 20
LARGE_FACTOR = 5
LARGE_UNITS = 10


class Dropped(StrEnum):
    """Why a row is not applied; it is read again."""

    IN_FLIGHT = "in_flight"
    BEFORE_OUR_WRITE = "before_our_write"
    BEFORE_LAST_READING = "before_last_reading"


def why_dropped(
    *, began_at: datetime, last_write_at: datetime | None, last_read_answered_at: datetime | None, intents_open: int
) -> Dropped | None:
    """Why a row may not be applied now; None when it may. Ask in the transaction that applies it.

    `began_at` is when the row's own page request began, `last_write_at` when our last write that touched the SKU was
    answered, `intents_open` the sales and returns on the SKU in flight or unknown. All times ours.
    """
    if intents_open:
        return Dropped.IN_FLIGHT
    if last_write_at is not None and began_at <= last_write_at:
        return Dropped.BEFORE_OUR_WRITE
    if last_read_answered_at is not None and began_at < last_read_answered_at:
        return Dropped.BEFORE_LAST_READING
    return None


class HeldReason(StrEnum):
    """Why a whole sweep waits for a person."""

    EMPTY = "empty"
    SHORT = "short"
    LARGE_CHANGE = "large_change"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepCounts:
    """SKUs of a sweep. `known` had an earlier reading; of these, three disjoint kinds count towards the brake."""

    read: int
    known: int
    absent: int = 0
    to_zero: int = 0
    by_factor: int = 0

    @property
    def alarming(self) -> int:
        """How many count towards the brake."""
        return self.absent + self.to_zero + self.by_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The sweep may be applied, row by row."""

    counts: SweepCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The sweep is not applied; a released brake lets the next fresh one pass, never this one."""

    reason: HeldReason
    counts: SweepCounts


def judge_sweep(
    rows: Mapping[str, int | None],
    previous: Mapping[str, int],
    *,
    announced: int | None = None,
    share: float = BRAKE_SHARE,
    at_least: int = BRAKE_AT_LEAST,
) -> Pass | Held:
    """Whether a sweep can be believed.

    `rows` are the figures read by SKU (None: not stocked there), `previous` the last applied figures of the SKUs that
    this sweep should hold, `announced` how many the back office said there are. Held at any size: nothing at all,
    fewer than announced, or more than the share missing. Held from `at_least` SKUs on: more than the share missing,
    gone to zero, or changed by a factor of 5 and at least 10 units. The first reading of a SKU cannot alarm.
    """
    counts = count_changes(rows, previous)
    if counts.known and not any(quantity is not None for quantity in rows.values()):
        return Held(reason=HeldReason.EMPTY, counts=counts)
    if (announced is not None and len(rows) < announced) or counts.absent > share * counts.known:
        return Held(reason=HeldReason.SHORT, counts=counts)
    if counts.alarming >= at_least and counts.alarming > share * counts.known:
        return Held(reason=HeldReason.LARGE_CHANGE, counts=counts)
    return Pass(counts=counts)


def count_changes(rows: Mapping[str, int | None], previous: Mapping[str, int]) -> SweepCounts:
    """How many of the SKUs read earlier are missing now, went to zero, or changed by a large factor."""
    absent = to_zero = by_factor = 0
    for sku, before in previous.items():
        now = rows.get(sku)
        if now is None:
            absent += 1
        elif before > 0 >= now:
            to_zero += 1
        elif is_large_change(before, now):
            by_factor += 1
    return SweepCounts(read=len(rows), known=len(previous), absent=absent, to_zero=to_zero, by_factor=by_factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarming:
    """A SKU that counts towards the brake: its last applied figure, and the one that was read (None: missing)."""

    sku: str
    before: int
    now: int | None


def alarming(rows: Mapping[str, int | None], previous: Mapping[str, int]) -> tuple[Alarming, ...]:
    """Every SKU that `count_changes` counts, those that lost or gained the most first."""
    found = [
        Alarming(sku=sku, before=before, now=now)
        for sku, before in previous.items()
        if (now := rows.get(sku)) is None or before > 0 >= now or is_large_change(before, now)
    ]
    return tuple(sorted(found, key=lambda one: (-abs(one.before - (one.now or 0)), one.sku)))


def is_large_change(before: int, now: int) -> bool:
    """At least 10 units, and at least five times as much or a fifth; figures below 1 count as 1."""
    low, high = sorted((max(before, 1), max(now, 1)))
    return abs(now - before) >= LARGE_UNITS and high >= LARGE_FACTOR * low
