import random
from datetime import timedelta

import pytest

from tests.simulation.system import acts
from tests.simulation.system.history import History
from tests.simulation.system.process import Crash
from tests.simulation.system.setting import Setting, ShopSetting
from tests.simulation.system.shrink import play, shrink, story
from tests.simulation.system.truth import Wrong

PARTS, HISTORIES = 3, 4
LIVES, DEATHS = 8, 3


@pytest.mark.parametrize(("part", "has_own_ledger"), [*[(part, False) for part in range(PARTS)], (0, True)])
def test_random_histories_of_the_whole_system_end_with_every_number_right(part, has_own_ledger):
    for seed in range(part * HISTORIES, (part + 1) * HISTORIES):
        played = play(seed, has_own_ledger=has_own_ledger)
        assert not played.wrong, story(shrink(seed, has_own_ledger=has_own_ledger, most=30))


def test_a_history_is_played_the_same_way_each_time():
    assert story(play(7)) == story(play(7))


def test_an_event_that_is_left_out_changes_no_other():
    whole, without = play(11).history.story, play(11, frozenset({"3"})).history.story
    assert not [line for line in without if line.startswith("  3")]
    assert [line for line in whole if line.startswith("  0")] == [line for line in without if line.startswith("  0")]


# ------------------------------------------------------------------------------------------- death at every moment


def calm_setting() -> Setting:
    shop = {"skew": timedelta(0), "record": "paid", "order_lag": timedelta(0), "has_hints": True, "goes_live": True}
    return Setting(
        skus=("MUG",),
        shops={
            "a": ShopSetting(compares=True, pool=("L1",), **shop),
            "b": ShopSetting(compares=False, pool=("L1", "L2"), **shop),
        },
        on_hand=10,
        processes=1,
        has_nightly=False,
        has_edits=False,
        loss=0,
        doubling=0,
        delay=0,
        meddling=0,
        crashes=0,
        events=6,
    )


class Deadly(History):
    """Two stores, sales, a refund, lost answers; the process dies at the given moments of all that."""

    def __init__(self, deaths: frozenset[int]) -> None:
        super().__init__(0, setting=calm_setting())
        self.deaths = deaths
        self.passed = 0

    def _moment(self, where: str) -> None:
        if self.is_quiet or not self.stack:
            return
        self.passed += 1
        if self.passed in self.deaths:
            self.say(f"-- dies at moment {self.passed}, {where}")
            raise Crash

    def _event(self, key: str) -> None:
        self.event = key
        shops = self.world.shops
        match int(key):
            case 0 | 1:
                self.do(acts.go_live)
            case 2:
                self.order = shops["a"].sell({"MUG": 3}, is_paid=True)
                shops["b"].faults.lost_writes = self.world.office.faults.lost_writes = 1
            case 3:
                shops["a"].refund(self.order, {"MUG": 1}, restock=True)
                shops["a"].sell({"MUG": 1}, is_paid=False)
                self.world.office.faults.swallowed_writes = 1
            case 4:
                shops["b"].sell({"MUG": 2}, is_paid=True)
                shops["a"].faults.swallowed_writes = 1
        self.work(40)
        self.pass_time(45)


def moments_of_a_life() -> int:
    life = Deadly(frozenset())
    life.run()
    return life.passed


def test_a_death_at_any_moment_loses_and_doubles_nothing():
    moments = moments_of_a_life()
    chance = random.Random(4)
    for first in chance.sample(range(1, moments), LIVES):
        life = Deadly(frozenset({first, *(first + chance.randrange(1, 12) for _ in range(DEATHS - 1))}))
        try:
            life.run()
        except Wrong as wrong:
            pytest.fail("\n".join((*life.story, str(wrong))))
