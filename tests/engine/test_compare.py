"""The nightly comparison of our sales with the back office's, both ways."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.sdk.values import Sale, SaleLine
from schema.tables import BackOffice, Issue
from syncd.engine import record_by_hand
from syncd.engine.compare import compare_sales
from tests.engine.scene import Scene, scenes


@pytest.fixture
def scene_with(merchant_with):
    yield from scenes(merchant_with)


@pytest.fixture
def scene(scene_with) -> Scene:
    made = scene_with()
    made.order()
    made.record()
    made.wait(timedelta(hours=1))
    return made


def compare(scene) -> int:
    return compare_sales(scene.engine, scene.world.merchant_id)


def only_booked(scene):
    return next(iter(scene.office.booked.values()))


def test_books_that_agree_raise_nothing(scene):
    assert compare(scene) == 0
    assert scene.issues() == []
    assert [row.audited_at for row in scene.all_of(BackOffice)] == [scene.clock.now()]


def test_a_sale_that_was_deleted_there_is_told_and_nothing_is_changed(scene):
    scene.office.booked.clear()
    assert compare(scene) == 1
    assert scene.issues() == ["sale_differs"]
    assert "missing" in scene.all(Issue)[0].title
    assert scene.stock() == (3, 0)


def test_a_doubled_sale_is_told(scene):
    scene.office.book(only_booked(scene).sale)
    compare(scene)
    assert "2 times" in scene.all(Issue)[0].title


def test_a_sale_whose_quantity_was_changed_by_hand_is_told(scene):
    booked = only_booked(scene)
    booked.record = replace(booked.record, lines=(replace(booked.record.lines[0], quantity=1),))
    compare(scene)
    assert "was changed" in scene.all(Issue)[0].title


def test_a_return_that_vanished_is_told_and_one_of_a_cashier_is_not(scene):
    scene.office.hand_return(next(iter(scene.office.booked)), "MUG", 1)
    assert compare(scene) == 0
    scene.order(refunds=[("r1", "l1", 2)])
    scene.record()
    booked = only_booked(scene)
    booked.record = replace(booked.record, lines=(replace(booked.record.lines[0], returned=0),))
    assert compare(scene) == 1


def test_a_sale_of_ours_that_we_know_nothing_of_is_told(scene):
    line = SaleLine(
        line_id="x", external_id=scene.office.item("MUG").external_id, parent_id=None, sku="MUG", quantity=1,
        unit_price=only_booked(scene).sale.lines[0].unit_price,
    )  # fmt: skip
    stray = Sale(
        invoice_no="A-1/9", channel=only_booked(scene).sale.channel, channel_name="A", location_id="L1",
        sold_at=only_booked(scene).sale.sold_at, lines=(line,),
    )  # fmt: skip
    scene.office.book(stray)
    compare(scene)
    assert "do not count: A-1/9" in scene.all(Issue)[0].title


def test_a_difference_that_is_put_right_closes_its_issue(scene):
    booked = dict(scene.office.booked)
    scene.office.booked.clear()
    compare(scene)
    scene.office.booked.update(booked)
    assert compare(scene) == 0
    assert scene.issues() == []


def test_a_sale_recorded_by_hand_is_not_looked_for_under_our_number(scene_with):
    scene = scene_with()
    scene.order(currency="USD")
    scene.record()
    record_by_hand.recorded_as(scene.engine, scene.order_id(), "77", actor="a@b.c")
    scene.wait(timedelta(hours=1))
    assert compare(scene) == 0


def test_a_sale_that_has_no_certain_answer_yet_is_no_difference(scene_with):
    scene = scene_with()
    scene.office.faults.lost_writes = 1
    scene.office.wire.on_call = lambda moment: (
        setattr(scene.office.faults, "is_down", True) if moment == "find_sale.before" else None
    )
    scene.order()
    scene.record()
    scene.office.faults.is_down = False
    scene.office.wire.on_call = lambda moment: None
    scene.wait(timedelta(hours=1))
    assert compare(scene) == 0
