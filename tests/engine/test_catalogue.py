"""A store's products become listings, follow their SKU, and are gone only when the store says so twice."""

import dataclasses
from datetime import timedelta

import pytest
from sqlmodel import select

from connectors.sdk.errors import ConnectorError
from connectors.sdk.fake import CatalogueFault
from schema.tables import Issue, IssueState, Listing, ListingCheck, Match, StockItem
from syncd.engine import catalogue
from syncd.engine.hands import store_hand
from tests.engine.world import add_sku


def read(world, name="A"):
    with store_hand(world.engine, world.connection_ids[name]) as held:
        return catalogue.refresh(world.engine, held, world.connection_ids[name])


def recheck(world, name="A"):
    with store_hand(world.engine, world.connection_ids[name]) as held:
        return catalogue.recheck_due(world.engine, held, world.connection_ids[name])


def listings(world, name="A"):
    with world.engine.database.reading() as session:
        rows = session.exec(
            select(Listing).where(Listing.connection_id == world.connection_ids[name]).order_by(Listing.id)
        )
        return {row.external_id: row for row in rows}


def open_issues(world):
    with world.engine.database.reading() as session:
        return sorted(session.exec(select(Issue.kind).where(Issue.state == IssueState.OPEN)))


def desired(world, sku, name="A"):
    with world.engine.database.reading() as session:
        rows = session.exec(
            select(StockItem.desired)
            .join(Listing, Listing.stock_item_id == StockItem.id)
            .where(Listing.connection_id == world.connection_ids[name], Listing.external_sku == sku)
        )
        return list(rows)


def test_a_new_product_with_a_known_sku_is_linked_and_looked_at_as_if_for_the_first_time(merchant_with):
    world = merchant_with(stores=("A", "B"), skus={"MUG": 5})
    with world.engine.database.transaction() as session:
        add_sku(session, world, "CUP", 4)
    world.stores["A"].delete_item("CUP")
    external_id = world.stores["A"].add_item("CUP", 9)
    counts = read(world)
    assert (counts.new, counts.gone) == (1, 1)
    found = listings(world)[external_id]
    assert (found.match, found.sku) == (Match.LINKED, "CUP")
    assert found.linked_at is not None
    assert world.stock_item("A", "MUG").observed == 5
    with world.engine.database.reading() as session:
        item = session.get_one(StockItem, found.stock_item_id)
    assert (item.observed, item.desired) == (None, 4)


def test_what_the_back_office_does_not_know_is_unmatched_and_not_published(merchant_with):
    world = merchant_with(stores=("A",))
    world.stores["A"].add_item("NEW", 9)
    world.stores["A"].add_item(None, 9)
    world.stores["A"].add_item("mug", 9)
    read(world)
    by_sku = {row.external_sku: row.match for row in listings(world).values()}
    assert by_sku == {"MUG": Match.LINKED, "NEW": Match.UNMATCHED, None: Match.NO_SKU, "mug": Match.UNMATCHED}
    assert desired(world, "NEW") == [None]


def test_an_sku_on_two_figures_of_one_store_is_nobodys_to_choose(merchant_with):
    world = merchant_with(stores=("A",))
    world.stores["A"].add_item("MUG", 9)
    read(world)
    assert [row.match for row in listings(world).values()] == [Match.DUPLICATE, Match.DUPLICATE]
    assert desired(world, "MUG") == [None, None]
    assert open_issues(world) == ["duplicate_sku"]


def test_a_duplicate_that_is_mended_in_the_store_is_linked_again_and_its_issue_closes(merchant_with):
    world = merchant_with(stores=("A",))
    second = world.stores["A"].add_item("MUG", 9)
    read(world)
    world.stores["A"].items.pop(second)
    read(world)
    assert [row.match for row in listings(world).values() if row.gone_at is None] == [Match.LINKED]
    assert open_issues(world) == []


def test_several_listings_on_one_figure_are_one(merchant_with):
    world = merchant_with(stores=("A",))
    shared = world.stores["A"].item("MUG").ref.stock_id
    world.stores["A"].add_item("MUG", stock_id=shared)
    read(world)
    assert [row.match for row in listings(world).values()] == [Match.LINKED, Match.LINKED]
    assert desired(world, "MUG") == [5, 5]


def test_a_deleted_product_is_gone_with_one_issue_and_nothing_is_published_for_it(merchant_with):
    world = merchant_with(stores=("A", "B"))
    world.stores["A"].delete_item("MUG")
    assert read(world).gone == 1
    read(world)
    assert open_issues(world) == ["listing_gone"]
    assert desired(world, "MUG") == [None]
    assert desired(world, "MUG", "B") == [5]


def test_a_product_made_anew_is_followed_by_its_sku(merchant_with):
    world = merchant_with(stores=("A",))
    world.stores["A"].delete_item("MUG")
    read(world)
    again = world.stores["A"].add_item("MUG", 2)
    read(world)
    assert listings(world)[again].match is Match.LINKED
    assert open_issues(world) == []


@pytest.mark.parametrize("fault", [CatalogueFault.EMPTY, CatalogueFault.HALF])
def test_a_catalogue_that_lost_pages_makes_nothing_gone(merchant_with, fault):
    world = merchant_with(stores=("A",), skus={"MUG": 5, "TIN": 3, "CUP": 1})
    world.stores["A"].faults.catalogue = fault
    world.clock.advance(timedelta(seconds=1))
    assert read(world).gone == 0
    assert [row.gone_at for row in listings(world).values()] == [None, None, None]
    assert open_issues(world) == []


def test_a_catalogue_that_breaks_off_concludes_nothing_and_keeps_what_was_read(merchant_with):
    world = merchant_with(stores=("A",))
    world.stores["A"].add_item("NEW", 1)
    world.stores["A"].delete_item("MUG")
    world.stores["A"].faults.catalogue = CatalogueFault.BROKEN_OFF
    with pytest.raises(ConnectorError):
        read(world)
    assert [row.gone_at for row in listings(world).values()] == [None]
    assert world.connection("A").failing_since is not None


def test_a_changed_sku_moves_the_listing_to_the_other_sku(merchant_with):
    world = merchant_with(stores=("A",), skus={"MUG": 5, "TIN": 3})
    shop = world.stores["A"]
    shop.delete_item("TIN")
    mug = shop.item("MUG")
    shop.items[mug.external_id] = dataclasses.replace(mug, sku="TIN")
    read(world)
    found = listings(world)[mug.external_id]
    assert (found.match, found.sku) == (Match.LINKED, "TIN")
    with world.engine.database.reading() as session:
        item = session.get_one(StockItem, found.stock_item_id)
    assert (item.desired, item.observed) == (3, None)


def test_a_product_that_the_store_told_of_is_read_again_and_found_gone(merchant_with):
    world = merchant_with(stores=("A",))
    mug = world.stores["A"].item("MUG").external_id
    world.stores["A"].delete_item("MUG")
    with world.engine.database.transaction() as session:
        session.add(ListingCheck(connection_id=world.connection_ids["A"], external_id=mug, due_at=world.clock.now()))
    assert recheck(world) == 1
    assert recheck(world) == 0
    assert listings(world)[mug].gone_at is not None


def test_an_untracked_product_stays_linked_and_is_not_published(merchant_with):
    world = merchant_with(stores=("A",))
    shop = world.stores["A"]
    mug = shop.item("MUG")
    shop.items[mug.external_id] = dataclasses.replace(mug, tracked=False)
    read(world)
    assert listings(world)[mug.external_id].match is Match.LINKED
    assert desired(world, "MUG") == [None]


def test_reading_an_unchanged_catalogue_again_changes_nothing(merchant_with):
    world = merchant_with(stores=("A", "B"), skus={"MUG": 5, "TIN": 3})
    before = [(row.match, row.sku, row.linked_at) for row in listings(world).values()]
    counts = read(world)
    assert (counts.read, counts.new, counts.gone) == (2, 0, 0)
    assert [(row.match, row.sku, row.linked_at) for row in listings(world).values()] == before
    assert world.stock_item("A", "MUG").observed == 5
    assert world.stock_item("A", "MUG").look_at is None
