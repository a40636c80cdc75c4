import pytest

from tests.simulation.history import History, Wrong
from tests.simulation.naive import NAIVE
from tests.simulation.run import run_seeds, story

HISTORIES = 1_000


@pytest.mark.parametrize("part", range(12))
def test_random_histories_end_with_every_number_right(part):
    wrong = run_seeds(range(part * HISTORIES, (part + 1) * HISTORIES)).wrong
    assert not wrong, story(wrong[0])


@pytest.mark.parametrize("name", NAIVE)
def test_the_simulation_catches_a_naive_rule(name):
    def is_caught(seed):
        try:
            History(seed, rules=NAIVE[name]).run()
        except Wrong:
            return True
        return False

    assert any(is_caught(seed) for seed in range(8_000)), f"nothing went wrong although {name}"


def test_a_history_is_told_the_same_way_each_time():
    assert story(3) == story(3)
    assert "is quiet from here on" in story(3)
