"""What is thrown at: a target takes one input and raises where a promise is broken."""

import random
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.fuzz.mutation import mutated

LONGEST = 2.0  # seconds of the processor for one input
LARGEST = 400 * 1024 * 1024  # bytes that the process may grow by over a whole run


class Broken(AssertionError):
    """A promise that does not hold."""


@dataclass(slots=True, kw_only=True)
class Target:
    """`take` gets one input and the rng that it may use; `mutate` makes inputs from the samples."""

    name: str
    samples: Sequence[bytes]
    take: Callable[[bytes, random.Random], None]
    mutate: Callable[[random.Random, bytes], bytes] = mutated
    close: Callable[[], None] = lambda: None
    longest: float = LONGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An input that broke something, and what it broke."""

    target: str
    error: str
    where: str
    data: bytes
    seed: int


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run came to."""

    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    grown: int = 0
    is_cut_short: bool = False
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


def run(target: Target, *, seconds: float = 0.0, count: int = 0, seed: int = 0) -> Tally:
    """Throw until the time is over or the count is reached, each input by its own seed. The samples come first.

    Whoever interrupts it gets the tally until then.
    """
    tally, began = Tally(), time.monotonic()
    before = _memory()
    try:
        while (count and tally.inputs < count) or (not count and time.monotonic() - began < seconds):
            number = seed + tally.inputs
            rng = random.Random(number)
            is_sample = tally.inputs < len(target.samples)
            data = target.samples[tally.inputs] if is_sample else target.mutate(rng, rng.choice(target.samples))
            _throw(target, data, rng, number, tally)
    except KeyboardInterrupt:
        tally.is_cut_short = True
    tally.seconds = time.monotonic() - began
    tally.grown = _memory() - before
    if tally.grown > LARGEST:
        _note(tally, target, MemoryError(f"grew by {tally.grown >> 20} MiB"), b"", seed)
    return tally


def _throw(target: Target, data: bytes, rng: random.Random, number: int, tally: Tally) -> None:
    began = time.process_time()  # what else the machine does is not the input's doing
    try:
        target.take(data, rng)
    except Exception as error:  # noqa: BLE001 whatever it is, it is a finding
        _note(tally, target, error, data, number)
    took = time.process_time() - began
    tally.inputs += 1
    tally.slowest = max(tally.slowest, took)
    if took > target.longest:
        _note(tally, target, TimeoutError(f"took {took:.1f} s"), data, number)


def _note(tally: Tally, target: Target, error: Exception, data: bytes, seed: int) -> None:
    trace, where = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "/site-packages/" not in file and "/lib/python" not in file:
            where = f"{file.rpartition('/work/main/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    words = " ".join((f"{type(error).__name__}: {error}"[:300], *getattr(error, "__notes__", ())))[:1500]
    key = (type(error).__name__, where)
    tally.seen[key] += 1
    if tally.seen[key] <= 2:
        finding = Finding(target=target.name, error=words, where=where, data=data, seed=seed)
        tally.findings.append(finding)


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
