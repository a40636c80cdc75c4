"""The one hand at a store or a back office, for what a person asks for: the lease that the daemon's loops take too."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from syncd.engine import leases, push, record
from syncd.engine.context import Engine
from syncd.engine.leases import Held, LeaseKeeper
from syncd.errors import NotPossible

LONGEST_WAIT = timedelta(seconds=90)
_PAUSE = 0.1


@contextmanager
def store_hand(engine: Engine, connection_id: int, *, wait: timedelta = LONGEST_WAIT) -> Iterator[Held]:
    """Hold a store's lease for the length of a block; what the hand before left without an answer is unknown.

    Raises NotPossible when somebody else holds it for longer than `wait`.
    """
    with _holding(engine, f"store:{connection_id}", wait) as held:
        push.take_over(engine, held, connection_id)
        yield held


@contextmanager
def backoffice_hand(engine: Engine, merchant_id: int, *, wait: timedelta = LONGEST_WAIT) -> Iterator[Held]:
    """The same for recording in a merchant's back office."""
    with _holding(engine, f"backoffice:{merchant_id}", wait) as held:
        record.take_over(engine, held, merchant_id)
        yield held


@contextmanager
def reading_hand(engine: Engine, merchant_id: int, *, wait: timedelta = LONGEST_WAIT) -> Iterator[Held]:
    """The same for reading it: the two do not hold each other up."""
    with _holding(engine, f"readings:{merchant_id}", wait) as held:
        yield held


@contextmanager
def trying(engine: Engine, name: str) -> Iterator[Held | None]:
    """Hold a lease for a block that may take long; None where somebody else has it."""
    keeper = LeaseKeeper(engine=engine)
    keeper.start()
    try:
        with leases.holding(engine, name, keeper) as held:
            yield held
    finally:
        keeper.stop()


@contextmanager
def _holding(engine: Engine, name: str, wait: timedelta) -> Iterator[Held]:
    until = engine.clock.now() + wait
    while True:
        with trying(engine, name) as held:
            if held is not None:
                yield held
                return
        if engine.clock.now() >= until:
            raise NotPossible("Another process has been busy with this for too long. Try again in a minute.")
        engine.clock.sleep(_PAUSE)
