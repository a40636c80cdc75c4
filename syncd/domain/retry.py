"""Is it tried again? A value computed from the kind of error, the attempts so far and what the platform said."""

from dataclasses import dataclass
from enum import StrEnum

FIRST_WAIT = 1.0
LONGEST_WAIT = 300.0
_DOUBLINGS = 16  # beyond, the longest wait rules anyway


class ErrorKind(StrEnum):
    """The errors of `connectors/sdk/errors.py`, by name."""

    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate_limited"
    OUTCOME_UNKNOWN = "outcome_unknown"
    CONFLICT = "conflict"
    ACCESS_DENIED = "access_denied"
    LISTING_GONE = "listing_gone"
    REFUSED = "refused"
    MALFORMED_PAYLOAD = "malformed_payload"
    INVALID_SIGNATURE = "invalid_signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Try again in `after` seconds."""

    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Never by itself again: keep it with the reason and tell a person."""

    reason: ErrorKind


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsAuth:
    """The connection waits for a person to reconnect it; nothing of it is tried until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitQuarantine:
    """It may have happened and may still happen: wait until it cannot any more, then look, then decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detach:
    """The thing is gone: detach the listing and tell once."""


Retry = Again | DeadLetter | NeedsAuth | WaitQuarantine | Detach


def decide(
    kind: ErrorKind,
    attempt: int,
    *,
    random: float,
    retry_after: float | None = None,
    first_wait: float = FIRST_WAIT,
    longest_wait: float = LONGEST_WAIT,
) -> Retry:
    """What follows the `attempt`th failure (from 1). `random` is from 0 to 1, `retry_after` seconds as told.

    What heals by itself is tried for ever: a store that is down for a night needs nobody.
    """
    match kind:
        case ErrorKind.UNAVAILABLE | ErrorKind.RATE_LIMITED:
            wait = full_jitter(attempt, random, first_wait=first_wait, longest_wait=longest_wait)
            return Again(after=wait if retry_after is None else retry_after + random * first_wait)
        case ErrorKind.CONFLICT:
            return Again(after=random * first_wait)
        case ErrorKind.OUTCOME_UNKNOWN:
            return WaitQuarantine()
        case ErrorKind.ACCESS_DENIED:
            return NeedsAuth()
        case ErrorKind.LISTING_GONE:
            return Detach()
        case ErrorKind.REFUSED | ErrorKind.MALFORMED_PAYLOAD | ErrorKind.INVALID_SIGNATURE:
            return DeadLetter(reason=kind)


def full_jitter(
    attempt: int, random: float, *, first_wait: float = FIRST_WAIT, longest_wait: float = LONGEST_WAIT
) -> float:
    """Seconds to wait: anything up to a bound that doubles with each attempt, so that many do not come back at once."""
    doubled: int = 2 ** min(max(attempt, 1) - 1, _DOUBLINGS)
    return random * min(longest_wait, first_wait * doubled)
