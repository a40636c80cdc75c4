"""Correcting syncd's own ledger by hand."""

import pytest

from schema.tables import AuditEvent, Movement
from syncd.engine.adjust import adjust
from syncd.errors import NotPossible
from tests.engine.scene import Scene, scenes


@pytest.fixture
def scene_with(merchant_with):
    yield from scenes(merchant_with)


@pytest.fixture
def scene(scene_with) -> Scene:
    return scene_with(office=False)


def change(scene, sku="MUG", **how):
    return adjust(scene.engine, scene.world.merchant_id, sku, reason="broken", actor="a@b.c", **how)


def test_units_more_or_less_move_the_figure_and_what_stores_should_show(scene):
    assert change(scene, delta=-2).on_hand == 3
    assert scene.stock() == (3, 0)
    assert scene.world.stock_item("A", "MUG").desired == 3


def test_a_count_sets_the_figure_whatever_is_open(scene):
    scene.order()
    assert change(scene, to=9).open == 2
    assert scene.stock() == (9, 2)


def test_a_count_that_equals_the_figure_is_kept_in_the_ledger(scene):
    before = len(scene.all(Movement))
    change(scene, to=5)
    assert len(scene.all(Movement)) == before + 1
    assert scene.all(Movement)[-1].value == 5


def test_the_reason_and_the_person_are_kept(scene):
    change(scene, delta=1)
    row = scene.all(Movement)[-1]
    assert (row.note, row.actor) == ("broken", "a@b.c")
    assert scene.all(AuditEvent)[-1].action == "adjust"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({}, "how many"),
        ({"delta": 1, "to": 2}, "how many"),
        ({"delta": 1, "location": "Nowhere"}, "no location 'Nowhere'; there are: L1"),
        ({"delta": 1, "sku": "mug"}, "No store has an SKU 'mug'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(scene, how, words):
    with pytest.raises(NotPossible, match=words):
        change(scene, **how)
    assert scene.stock() == (5, 0)


def test_where_a_back_office_is_the_authority_it_is_changed_there(scene_with):
    scene = scene_with()
    with pytest.raises(NotPossible, match="Office says what is in stock"):
        change(scene, delta=1)


def test_what_nobody_has_counted_cannot_be_changed_by_units(scene_with):
    scene = scene_with(office=False, locations=("L1", "L2"))
    with pytest.raises(NotPossible, match="Nobody has counted MUG at L2"):
        change(scene, delta=1, location="L2")
    assert change(scene, to=4, location="L2").on_hand == 4
