import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk import errors
from syncd.domain.retry import Again, DeadLetter, Detach, ErrorKind, NeedsAuth, WaitQuarantine, decide


@pytest.mark.parametrize(
    ("kind", "attempt", "retry_after", "answer"),
    [
        (ErrorKind.UNAVAILABLE, 1, None, Again(after=0.5)),  # half of 1
        (ErrorKind.UNAVAILABLE, 4, None, Again(after=4.0)),  # half of 8
        (ErrorKind.UNAVAILABLE, 10_000, None, Again(after=150.0)),  # half of 300, for ever
        (ErrorKind.UNAVAILABLE, 1, 20.0, Again(after=20.5)),  # as told, and a little apart
        (ErrorKind.RATE_LIMITED, 3, 20.0, Again(after=20.5)),
        (ErrorKind.CONFLICT, 9, None, Again(after=0.5)),
        (ErrorKind.OUTCOME_UNKNOWN, 1, None, WaitQuarantine()),
        (ErrorKind.ACCESS_DENIED, 1, None, NeedsAuth()),
        (ErrorKind.LISTING_GONE, 1, None, Detach()),
        (ErrorKind.REFUSED, 1, None, DeadLetter(reason=ErrorKind.REFUSED)),
        (ErrorKind.MALFORMED_PAYLOAD, 1, None, DeadLetter(reason=ErrorKind.MALFORMED_PAYLOAD)),
        (ErrorKind.INVALID_SIGNATURE, 1, None, DeadLetter(reason=ErrorKind.INVALID_SIGNATURE)),
    ],
)
def test_what_follows_an_error(kind, attempt, retry_after, answer):
    assert decide(kind, attempt, random=0.5, retry_after=retry_after) == answer


@given(st.sampled_from(ErrorKind), st.integers(0, 10**6), st.floats(0, 1))
def test_every_error_at_every_attempt_has_an_answer_within_the_bound(kind, attempt, random):
    answer = decide(kind, attempt, random=random)
    assert not isinstance(answer, Again) or 0 <= answer.after <= 300


def test_every_error_of_the_contract_has_its_kind():
    def names(error):
        yield "".join(f"_{c.lower()}" if c.isupper() else c for c in error.__name__).strip("_")
        for below in error.__subclasses__():
            yield from names(below)

    of_contract = set(names(errors.ConnectorError)) - {"connector_error"}
    assert {str(kind) for kind in ErrorKind} <= of_contract
