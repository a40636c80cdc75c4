"""Readings of the back office: applied only where they cannot hold half of the truth, held where they cannot be believed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from connectors.sdk.fake import CatalogueFault, FakeBackOffice, FakeBackOfficePlugin
from connectors.sdk.values import Location as ToldLocation
from schema.tables import (
    BackOffice,
    Connection,
    Issue,
    Listing,
    Location,
    Match,
    Movement,
    MovementKind,
    SaleDocument,
)
from syncd.engine import brake, leases, poll, release
from syncd.errors import LeaseLost, NotPossible
from tests.engine.scene import QUARANTINE, Scene, scenes

MANY = {f"SKU-{n:02}": 10 for n in range(40)}


@pytest.fixture
def scene_with(merchant_with):
    yield from scenes(merchant_with)


@pytest.fixture
def scene(scene_with) -> Scene:
    return scene_with()


def at(moment: str, act):
    """Do something once, at this moment of a request."""
    done = []

    def on_call(now: str) -> None:
        if now == moment and not done:
            done.append(now)
            act()

    return on_call


def test_a_till_sale_is_seen_by_the_next_sweep_and_changes_what_stores_should_show(scene):
    scene.office.till_sale("MUG", 2)
    polled = scene.sweep()
    assert (polled.rows.applied, polled.rows.changed, polled.rows.dropped) == (1, 1, 0)
    assert scene.stock() == (3, 0)
    assert scene.world.stock_item("A", "MUG").desired == 3


def test_an_equal_reading_makes_no_movement(scene):
    before = len(scene.all(Movement))
    scene.sweep()
    scene.sweep()
    assert len(scene.all(Movement)) == before
    assert scene.cache().read_began_at > scene.clock.now() - timedelta(seconds=2)


def test_a_reading_is_a_movement_whose_cause_names_the_back_office_and_the_reading(scene):
    scene.office.set_stock("MUG", 9)
    scene.sweep()
    row = scene.all(Movement)[-1]
    with scene.engine.database.reading() as session:
        code = session.get_one(Connection, scene.world.backoffice_id).code
    assert (row.kind, row.source, row.value, row.on_hand_delta) == (MovementKind.READING, code, 9, 4)
    assert row.event.startswith("reading-")


def test_a_negative_figure_is_kept_as_it_is_and_told_as_an_oversell(scene):
    scene.office.set_stock("MUG", -2)
    scene.sweep()
    assert scene.stock() == (-2, 0)
    assert scene.issues() == ["oversell"]
    scene.office.set_stock("MUG", 2)
    scene.sweep()
    assert scene.issues() == []


def test_till_hints_read_only_what_the_till_touched(scene_with):
    scene = scene_with(skus={"MUG": 5, "TIN": 5})
    scene.office.till_sale("TIN", 1)
    scene.office.set_stock("MUG", 1)
    assert scene.hints().rows.applied == 1
    assert (scene.stock("TIN"), scene.stock("MUG")) == ((4, 0), (5, 0))
    assert scene.hints().rows.applied <= 1
    scene.wait(timedelta(minutes=1))
    scene.hints()
    calls = scene.office.wire.calls["read_stock"]
    scene.hints()
    assert scene.office.wire.calls["read_stock"] == calls


def test_every_sold_sku_is_read_in_groups(scene_with):
    scene = scene_with(skus={f"SKU-{n:03}": 5 for n in range(230)})
    scene.office.set_stock("SKU-229", 4)
    assert scene.sweep().rows.applied == 230
    assert scene.office.wire.calls["read_stock"] == 3
    assert scene.stock("SKU-229") == (4, 0)


# ------------------------------------------------------------------------------------------- stories 3, 7, 8


def test_story_3_a_reading_from_before_our_acknowledged_sale_is_dropped_and_read_again(scene):
    """The poll reads 5; our sale is acknowledged (on hand 4); the reading must not make it 5 again."""
    scene.order(lines={"l1": ("MUG", 1)})
    scene.office.wire.on_call = at("read_stock.after", scene.record)
    assert scene.sweep().rows.dropped == 1
    assert scene.stock() == (4, 0)
    assert scene.cache().reread_at is not None
    scene.wait(timedelta(seconds=10))
    assert scene.rereads().rows.applied == 1
    assert (scene.stock(), scene.cache().reread_at, scene.cache().drops) == ((4, 0), None, 0)


def test_a_reading_while_a_sale_is_in_flight_is_dropped(scene):
    scene.order(lines={"l1": ("MUG", 1)})
    scene.office.wire.on_call = at("record_sale.after", scene.sweep)
    scene.record()
    assert scene.stock() == (4, 0)
    assert scene.cache().drops == 1


def test_a_reading_while_a_sale_is_unknown_is_dropped(scene):
    scene.office.faults.swallowed_writes = 1
    scene.order(lines={"l1": ("MUG", 1)})
    scene.record()
    assert scene.sweep().rows.dropped == 1
    scene.wait()
    assert scene.record() == 1
    scene.wait(timedelta(seconds=10))
    assert scene.sweep().rows.applied == 1
    assert scene.stock() == (4, 0)


def test_an_unknown_sale_fences_its_own_sku_only(scene_with):
    scene = scene_with(skus={"MUG": 5, "TIN": 5})
    scene.office.faults.swallowed_writes = 1
    scene.order(lines={"l1": ("MUG", 1)})
    scene.record()
    scene.office.till_sale("TIN", 1)
    rows = scene.sweep().rows
    assert (rows.applied, rows.dropped) == (1, 1)
    assert scene.stock("TIN") == (4, 0)


def test_a_sale_that_waits_for_a_person_fences_nothing(scene):
    scene.office.finds_sales = False
    scene.office.faults.lost_writes = 1
    scene.order(lines={"l1": ("MUG", 1)})
    scene.record()
    scene.wait()
    scene.record()
    assert scene.sweep().rows.applied == 1
    assert scene.available() <= 4


def test_story_7_an_order_heard_after_a_reading_is_subtracted_from_it(scene):
    scene.office.till_sale("MUG", 1)
    scene.office.wire.on_call = at("read_stock.after", lambda: scene.order(lines={"l1": ("MUG", 1)}))
    assert scene.sweep().rows.applied == 1
    assert scene.stock() == (4, 1)
    scene.record()
    assert scene.stock() == (3, 0)
    assert scene.office.stock("MUG") == 3


def test_story_8_a_committed_return_without_answer_is_not_counted_twice(scene):
    scene.order()
    scene.record()
    scene.office.wire.on_call = at("find_sale.before", lambda: None)
    scene.office.faults.lost_writes = 1
    scene.order(refunds=[("r1", "l1", 1)])
    seen = []

    def poll_while_unknown() -> None:
        seen.append(scene.sweep().rows.dropped)
        seen.append(scene.available())

    scene.office.wire.on_call = at("read_sale.before", poll_while_unknown)
    scene.record()
    assert seen == [1, 4]
    assert scene.available() <= 4
    scene.sweep()
    assert scene.stock() == (4, 0)


def test_of_two_overlapping_readings_the_one_that_began_earlier_is_dropped(scene):
    def a_newer_sweep() -> None:
        scene.office.set_stock("MUG", 7)
        scene.sweep()

    scene.office.wire.on_call = at("read_stock.after", a_newer_sweep)
    assert scene.sweep().rows.dropped == 1
    assert scene.stock() == (7, 0)
    assert scene.cache().reread_at is None


def test_three_dropped_readings_hold_back_new_sales_until_one_is_applied(scene):
    for n in range(3):
        scene.order(f"{n}", lines={"l1": ("MUG", 1)})
        scene.office.wire.on_call = at("read_stock.after", scene.record)
        assert scene.sweep().rows.dropped == 1
    scene.order("3", lines={"l1": ("MUG", 1)})
    assert scene.record() == 0
    scene.wait(timedelta(minutes=3))
    assert scene.rereads().rows.applied == 1
    assert scene.record() == 1
    assert scene.stock() == (1, 0)


def test_a_poller_that_lost_its_lease_applies_nothing(scene):
    scene.office.till_sale("MUG", 1)
    leases.release(scene.engine, scene.held)
    with pytest.raises(LeaseLost):
        scene.sweep()
    assert scene.stock() == (5, 0)


# ------------------------------------------------------------------------------------------- the brake


def zero_all(scene: Scene) -> None:
    for sku in MANY:
        scene.office.set_stock(sku, 0)


def test_a_sweep_that_empties_the_shop_is_held_whole(scene_with):
    scene = scene_with(skus=MANY)
    zero_all(scene)
    assert scene.sweep().is_held
    assert scene.stock("SKU-00") == (10, 0)
    assert scene.issues() == ["reading_held"]
    assert scene.sweep().is_held


def test_a_released_brake_lets_the_next_fresh_reading_pass_not_the_stored_one(scene_with):
    scene = scene_with(skus=MANY)
    zero_all(scene)
    scene.sweep()
    scene.office.set_stock("SKU-07", 8)
    brake.release_next(scene.engine, scene.world.merchant_id, actor="a@b.c")
    assert not scene.sweep().is_held
    assert (scene.stock("SKU-00"), scene.stock("SKU-07")) == ((0, 0), (8, 0))
    assert scene.issues() == []
    assert [row.release_next for row in scene.all_of(BackOffice)] == [False]


def test_a_release_in_the_middle_of_a_sweep_waits_for_the_next_one(scene_with):
    scene = scene_with(skus=MANY)
    zero_all(scene)
    release = at("read_stock.after", lambda: brake.release_next(scene.engine, scene.world.merchant_id, actor="a@b.c"))
    scene.office.wire.on_call = release
    assert scene.sweep().is_held
    assert not scene.sweep().is_held


def test_a_held_reading_ends_by_itself_when_the_figures_are_right_again(scene_with):
    scene = scene_with(skus=MANY)
    zero_all(scene)
    scene.sweep()
    for sku, quantity in MANY.items():
        scene.office.set_stock(sku, quantity)
    assert not scene.sweep().is_held
    assert scene.issues() == []


@pytest.mark.parametrize("fault", [CatalogueFault.EMPTY, CatalogueFault.HALF])
def test_a_catalogue_that_lost_its_rows_is_held(scene_with, fault):
    scene = scene_with(skus=MANY)
    scene.office.faults.catalogue = fault
    assert scene.catalogue().is_held
    assert scene.stock("SKU-39") == (10, 0)
    assert all(row.gone_at is None for row in scene.all(Listing))
    assert scene.issues() == ["reading_held"]


def test_a_catalogue_that_breaks_off_changes_nothing(scene_with):
    scene = scene_with(skus=MANY)
    zero_all(scene)
    scene.office.faults.catalogue = CatalogueFault.BROKEN_OFF
    assert scene.catalogue().failure
    assert scene.stock("SKU-00") == (10, 0)
    assert scene.issues() == []


def test_the_words_of_a_held_reading_say_what_was_told_and_what_happens_meanwhile(scene_with):
    scene = scene_with(skus=MANY)
    zero_all(scene)
    scene.sweep()
    issue = scene.all(Issue)[0]
    assert issue.title == "The stock reading for L1 was held."
    assert "Office said 40 of 40 SKUs are at 0; before that 0 were." in issue.why
    assert "Until you decide we go on with the reading of 10:00 less what was sold since." in issue.why


def test_a_held_reading_names_its_skus_with_what_they_were_and_are(scene_with):
    scene = scene_with(skus={**MANY, "BIG": 500})
    zero_all(scene)
    scene.office.set_stock("BIG", 20)
    scene.sweep()
    told = scene.all(Issue)[0].details["skus"]
    assert told[0] == ["BIG", 500, 20], "the largest difference comes first"
    assert [row for row in told if row[0] == "SKU-07"] == [["SKU-07", 10, 0]]
    assert len(told) == len(MANY) + 1


def test_single_skus_of_a_held_reading_can_be_taken_and_the_rest_stays_held(scene_with):
    scene = scene_with(skus=MANY)
    zero_all(scene)
    scene.sweep()
    issue = scene.all(Issue)[0]
    take = {"skus": ["SKU-03", "SKU-04"], "actor": "a@b.c"}
    words = release.release(scene.engine, scene.world.merchant_id, issue.id, **take)
    assert words == "2 SKUs are read again now and believed; the others stay held."
    scene.rereads()
    assert (scene.stock("SKU-03"), scene.stock("SKU-04"), scene.stock("SKU-05")) == ((0, 0), (0, 0), (10, 0))
    assert scene.sweep().is_held
    assert scene.issues() == ["reading_held"]


def test_taking_enough_of_a_held_reading_lets_the_rest_pass(scene_with):
    scene = scene_with(skus=MANY)
    zero_all(scene)
    scene.sweep()
    some = sorted(MANY)[:-12]
    release.release(scene.engine, scene.world.merchant_id, scene.all(Issue)[0].id, skus=some, actor="a@b.c")
    scene.rereads()
    assert not scene.sweep().is_held, "12 SKUs that go to 0 are fewer than the 20 that alarm"
    assert scene.issues() == []


def test_a_sku_that_is_not_held_cannot_be_taken(scene_with):
    scene = scene_with(skus=MANY)
    zero_all(scene)
    scene.sweep()
    with pytest.raises(NotPossible, match="does not hold TIN"):
        release.release(scene.engine, scene.world.merchant_id, scene.all(Issue)[0].id, skus=["TIN"], actor="a@b.c")


# ------------------------------------------------------------------------------------------- the catalogue


def test_the_catalogue_brings_new_skus_names_and_prices(scene):
    scene.office.add_item("TIN", {"L1": 7, "L2": 3})
    polled = scene.catalogue()
    assert polled.new_skus == {"TIN"}
    assert scene.stock("TIN") == (7, 0)
    listing = next(row for row in scene.all(Listing) if row.sku == "TIN")
    assert (listing.title, listing.match, listing.price) == ("Item TIN", Match.LINKED, 10)
    assert {row.external_id for row in scene.all(Location)} == {"L1", "L2"}
    assert scene.stock("TIN", "L2") == (3, 0)


def test_a_sku_that_is_gone_is_told_and_never_read_as_zero(scene_with):
    scene = scene_with(skus=MANY)
    scene.office.delete_item("SKU-05")
    assert scene.catalogue().gone_skus == {"SKU-05"}
    assert scene.stock("SKU-05") == (10, 0)
    assert scene.issues() == ["sku_gone"]
    scene.office.add_item("SKU-05", {"L1": 6})
    assert scene.catalogue().new_skus == {"SKU-05"}
    assert scene.stock("SKU-05") == (6, 0)
    assert scene.issues() == []


def test_two_items_with_one_sku_are_a_conflict_and_neither_is_read(scene):
    scene.office.add_item("MUG", {"L1": 99})
    scene.catalogue()
    assert scene.stock() == (5, 0)
    assert scene.issues() == ["duplicate_sku"]
    scene.sweep()
    assert scene.stock() == (5, 0)


def test_an_item_without_stock_management_is_told_and_not_read(scene):
    item = scene.office.item("MUG")
    scene.office.items[item.external_id] = replace(item, tracked=False)
    scene.office.set_stock("MUG", 0)
    scene.catalogue()
    scene.sweep()
    assert scene.stock() == (5, 0)
    assert scene.issues() == ["untracked"]


def test_what_waited_for_an_item_is_recorded_when_the_item_is_there(scene):
    scene.office.add_item("MUG", {"L1": 99})
    scene.catalogue()
    scene.order(lines={"l1": ("MUG", 1)})
    assert scene.record() == 0
    assert sorted(scene.issues()) == ["duplicate_sku", "no_item"]
    extra = list(scene.office.items)[-1]
    del scene.office.items[extra]
    scene.catalogue()
    assert scene.record() == 1
    assert scene.issues() == []


def test_a_location_that_is_gone_and_used_is_told_until_it_is_back(scene):
    told = scene.office.locations
    scene.office.locations = (ToldLocation(location_id="L2", name="Depot"),)
    scene.catalogue()
    assert scene.issues() == ["location_gone"]
    scene.office.locations = told
    scene.catalogue()
    assert scene.issues() == []


def test_an_empty_list_of_locations_is_not_believed(scene):
    scene.office.locations = ()
    scene.catalogue()
    assert [row.is_active for row in scene.all(Location)] == [True]


class HalfUnits(FakeBackOffice):
    """An office that weighs: each of its figures was rounded down."""

    def read_stock(self, refs):
        page = super().read_stock(refs)
        return replace(page, rows=tuple(replace(row, was_fractional=True) for row in page.rows))


class WeighingPlugin(FakeBackOfficePlugin):
    def backoffice(self, account):
        return HalfUnits(account=account, office=self.offices[account.settings["office"]])


def test_a_fraction_is_told_once(scene):
    scene.engine.plugins["fake-office"] = WeighingPlugin(offices=scene.engine.plugins["fake-office"].offices)
    scene.sweep()
    scene.sweep()
    assert [(row.kind, row.times) for row in scene.all(Issue)] == [("fractional_stock", 1)]


# ------------------------------------------------------------------------------------------- failures


def test_a_back_office_that_is_down_is_backed_off_from_and_comes_back(scene):
    scene.office.faults.is_down = True
    scene.office.till_sale("MUG", 1)
    for _ in range(30):
        scene.sweep()
        scene.wait(timedelta(seconds=30))
    assert scene.office.wire.calls["read_stock"] < 25
    with scene.engine.database.reading() as session:
        assert session.get_one(Connection, scene.world.backoffice_id).failing_since is not None
    scene.office.faults.is_down = False
    scene.wait(timedelta(minutes=6))
    scene.sweep()
    assert scene.stock() == (4, 0)
    with scene.engine.database.reading() as session:
        connection = session.get_one(Connection, scene.world.backoffice_id)
        assert (connection.failing_since, connection.failure) == (None, "")


def test_a_cursor_of_hints_moves_only_with_what_was_read(scene):
    scene.office.till_sale("MUG", 1)
    scene.office.wire.on_call = at("read_stock.before", lambda: setattr(scene.office.faults, "is_down", True))
    assert scene.hints().failure
    assert [row.hint_cursor for row in scene.all_of(BackOffice)] == [None]
    scene.office.faults.is_down = False
    scene.wait(timedelta(minutes=4))
    scene.hints()
    assert scene.stock() == (4, 0)


def test_an_sku_that_is_not_answered_is_not_waited_for(scene):
    scene.office.faults.swallowed_writes = 1
    scene.order(lines={"l1": ("MUG", 1)})
    scene.record()
    scene.sweep()
    scene.office.delete_item("MUG")
    scene.wait(QUARANTINE)
    scene.rereads()
    assert (scene.cache().reread_at, scene.cache().drops) == (None, 0)


def test_our_own_ledger_is_not_polled(scene_with):
    scene = scene_with(office=False)
    assert scene.sweep() == poll.Polled()


def test_sales_and_readings_at_once_end_in_the_truth(scene):
    """Till and stores sell in turn, polls overlap with recording; at rest the cache is what lies on the shelf."""
    for n in range(8):
        if n % 3 == 0:
            scene.office.till_sale("MUG", 1)
        scene.order(f"{n}", lines={"l1": ("MUG", 1)})
        scene.office.wire.on_call = at(
            "read_stock.after" if n % 2 else "record_sale.after", scene.record if n % 2 else scene.sweep
        )
        scene.sweep() if n % 2 else scene.record()
        scene.wait(timedelta(seconds=7))
        scene.rereads()
    scene.wait(timedelta(minutes=5))
    scene.rereads()
    scene.record()
    scene.sweep()
    assert len(scene.all(SaleDocument)) == 8
    assert scene.stock() == (scene.office.stock("MUG"), 0) == (5 - 3 - 8, 0)


def test_release_asks_for_a_reading_at_once(scene):
    brake.release_next(scene.engine, scene.world.merchant_id, actor="a@b.c")
    with scene.engine.database.reading() as session:
        row = session.exec(select(BackOffice)).one()
    assert (row.release_next, row.swept_at) == (True, None)
