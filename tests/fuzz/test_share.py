"""A short share of what `make fuzz` does for as long as it is told: every target, a few hundred inputs each."""

import pytest

from tests.fuzz.target import run
from tests.fuzz.targets import all_targets

COUNTS = {"webhook": 40, "api": 60, "pages": 30, "addresses": 60, "answers": 30}
USUAL = 200


@pytest.mark.parametrize("target", list(all_targets()), ids=lambda target: target.name)
def test_nothing_breaks(target):
    count = COUNTS.get(target.name.partition("-")[0], USUAL)
    tally = run(target, count=count, seed=7)
    target.close()
    assert tally.findings == []
    assert tally.inputs == count
