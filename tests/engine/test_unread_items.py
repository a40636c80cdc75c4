"""An item of the back office that cannot be read blinds nobody: its last reading counts on, everything else is read."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from connectors.sdk.fake import CatalogueFault, Named
from schema.tables import Issue, IssueState, Listing, Match
from tests.engine.scene import Scene, scenes

HOW = list(Named)
THREE = {"MUG": 5, "TIN": 5, "CUP": 5}
MANY = {f"SKU-{n:02}": 10 for n in range(40)}


@pytest.fixture
def scene_with(merchant_with):
    yield from scenes(merchant_with)


@pytest.fixture
def scene(scene_with) -> Scene:
    return scene_with(skus=THREE)


def spoil(scene, *skus, named=Named.ITEM):
    scene.office.faults.unreadable.update(dict.fromkeys(skus, named))


def listing(scene, sku):
    return next(row for row in scene.all(Listing) if row.sku == sku and row.connection_id == scene.world.backoffice_id)


def open_issue(scene):
    with scene.engine.database.reading() as session:
        return session.exec(select(Issue).where(Issue.state == IssueState.OPEN)).one()


@pytest.mark.parametrize("named", HOW)
@pytest.mark.parametrize("read", [Scene.sweep, Scene.catalogue])
def test_the_others_are_read_and_it_keeps_its_last_reading(scene, read, named):
    spoil(scene, "MUG", named=named)
    for sku in THREE:
        scene.office.set_stock(sku, 2)
    polled = read(scene)
    assert (polled.rows.applied, polled.is_held, polled.failure) == (2, False, "")
    assert (scene.stock("TIN"), scene.stock("CUP")) == ((2, 0), (2, 0))
    assert scene.stock("MUG") == (5, 0)
    assert scene.issues() == ["unreadable_items"]


@pytest.mark.parametrize("named", HOW)
def test_it_is_neither_gone_nor_zero_and_what_it_sells_still_counts(scene, named):
    spoil(scene, "MUG", named=named)
    polled = scene.catalogue()
    assert polled.gone_skus == frozenset()
    assert listing(scene, "MUG").gone_at is None
    scene.order(lines={"l1": ("MUG", 1)})
    assert scene.record() == 1
    assert scene.stock("MUG") == (4, 0)
    assert scene.world.stock_item("A", "MUG").desired == 4


def test_the_issue_says_which_it_is_and_ends_when_a_whole_catalogue_could_be_read(scene):
    spoil(scene, "MUG")
    scene.sweep()
    issue = open_issue(scene)
    item = scene.office.item("MUG")
    assert issue.title == "An item of Office could not be read."
    assert f"Item {item.external_id} (Item MUG: its stock should be a number, but is text)." in issue.why
    assert issue.details["items"][0]["item"] == item.external_id
    scene.office.faults.unreadable.clear()
    scene.sweep()
    assert scene.issues() == ["unreadable_items"]  # a sweep reads what is sold, not all there is
    scene.catalogue()
    assert scene.issues() == []


def test_many_are_one_issue_that_names_a_few(scene_with):
    scene = scene_with(skus=MANY)
    spoil(scene, *list(MANY)[:12])
    assert scene.catalogue().rows.applied == 28
    issue = open_issue(scene)
    assert issue.title == "12 items of Office could not be read."
    assert "And 7 more." in issue.why
    assert len(issue.details["items"]) == 12
    scene.sweep()
    assert open_issue(scene).title == issue.title


def test_all_unreadable_changes_nothing(scene):
    spoil(scene, *THREE)
    for read in (scene.sweep, scene.catalogue):
        assert (read().rows.applied, read().is_held) == (0, False)
    assert [scene.stock(sku) for sku in THREE] == [(5, 0)] * 3
    assert all(row.gone_at is None for row in scene.all(Listing))
    assert scene.issues() == ["unreadable_items"]


def test_a_catalogue_that_lost_its_half_is_held_though_a_row_of_it_is_unreadable(scene_with):
    scene = scene_with(skus=MANY)
    spoil(scene, "SKU-00", named=Named.NOTHING)
    scene.office.faults.catalogue = CatalogueFault.HALF
    assert scene.catalogue().is_held
    assert all(row.gone_at is None for row in scene.all(Listing))


def test_while_one_cannot_be_named_nothing_is_gone_and_afterwards_it_is(scene_with):
    scene = scene_with(skus=MANY)
    spoil(scene, "SKU-00", named=Named.NOTHING)
    scene.office.delete_item("SKU-01")
    polled = scene.catalogue()
    assert (polled.gone_skus, polled.is_held, polled.rows.applied) == (frozenset(), False, 38)
    scene.office.faults.unreadable.clear()
    assert scene.catalogue().gone_skus == {"SKU-01"}


def test_an_sku_that_an_unreadable_item_claims_too_stays_a_conflict(scene):
    double = scene.office.add_item("MUG", {"L1": 99})
    scene.catalogue()
    assert scene.issues() == ["duplicate_sku"]
    first = scene.office.item("MUG")
    scene.office.items[first.external_id] = replace(first, sku="MUG-SPOILED")  # only the other one can be read
    spoil(scene, "MUG-SPOILED")
    scene.catalogue()
    scene.sweep()
    assert scene.stock("MUG") == (5, 0)
    assert sorted(scene.issues()) == ["duplicate_sku", "unreadable_items"]
    assert all(
        row.match is Match.DUPLICATE for row in scene.all(Listing) if row.external_id in (double, first.external_id)
    )


def test_an_unreadable_one_stays_untracked_if_it_was(scene):
    item = scene.office.item("MUG")
    scene.office.items[item.external_id] = replace(item, tracked=False)
    scene.catalogue()
    assert scene.issues() == ["untracked"]
    spoil(scene, "MUG")
    scene.catalogue()
    assert sorted(scene.issues()) == ["unreadable_items", "untracked"]


def test_a_hint_of_the_till_at_an_unreadable_item_is_told_and_reads_the_others(scene):
    spoil(scene, "MUG")
    scene.office.till_sale("MUG", 1)
    scene.office.till_sale("TIN", 1)
    assert scene.hints().rows.applied == 1
    assert (scene.stock("MUG"), scene.stock("TIN")) == ((5, 0), (4, 0))
    assert scene.issues() == ["unreadable_items"]


def test_reading_again_what_cannot_be_read_ends(scene):
    scene.order(lines={"l1": ("MUG", 1)})
    scene.office.faults.swallowed_writes = 1
    scene.record()
    scene.sweep()  # the row of MUG is dropped: a sale of it is unknown
    spoil(scene, "MUG")
    scene.wait(timedelta(seconds=10))
    assert scene.rereads().rows.applied == 0
    assert scene.cache("MUG").reread_at is None
