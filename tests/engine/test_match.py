"""Linking by hand, and what of earlier sales counts then."""

from datetime import timedelta

import pytest
from sqlmodel import select

from schema.tables import InventoryCache, Issue, IssueState, Listing, Match, SalesLog
from syncd.engine import catalogue, intake, ledger, match, match_view, pull
from syncd.engine.hands import store_hand
from syncd.errors import NotPossible

ACTOR = "ada@example.com"


def read(world, name="A"):
    with store_hand(world.engine, world.connection_ids[name]) as held:
        catalogue.refresh(world.engine, held, world.connection_ids[name])


def take_orders_in(world, name="A"):
    with store_hand(world.engine, world.connection_ids[name]) as held:
        pull.pull_orders(world.engine, held, world.connection_ids[name])
    intake.apply_new(world.engine)


def listing(world, external_id, name="A"):
    with world.engine.database.reading() as session:
        return session.exec(
            select(Listing).where(
                Listing.connection_id == world.connection_ids[name], Listing.external_id == external_id
            )
        ).one()


def opened(world, sku):
    with world.engine.database.reading() as session:
        return session.exec(select(InventoryCache.open).where(InventoryCache.sku == sku)).one()


def open_issues(world):
    with world.engine.database.reading() as session:
        return sorted(session.exec(select(Issue.kind).where(Issue.state == IssueState.OPEN)))


def desired(world, sku, name):
    return world.stock_item(name, sku).desired


def sold_before_it_was_known(merchant_with):
    """A store sold two of an SKU that nobody knew."""
    world = merchant_with(stores=("A", "B"))
    external_id = world.stores["A"].add_item("SECOND", 9)
    read(world)
    world.stores["A"].sell({"SECOND": 2})
    take_orders_in(world)
    return world, external_id


def test_an_unknown_sku_that_is_sold_raises_one_issue_and_moves_no_stock(merchant_with):
    world, _ = sold_before_it_was_known(merchant_with)
    assert open_issues(world) == ["unknown_sku"]
    assert opened(world, "MUG") == 0
    assert desired(world, "MUG", "B") == 5


def test_linking_by_hand_counts_what_was_sold_before_and_closes_the_issue(merchant_with):
    world, external_id = sold_before_it_was_known(merchant_with)
    assert match.link(world.engine, world.connection_ids["A"], external_id, "MUG", actor=ACTOR) == 1
    assert opened(world, "MUG") == 2
    assert desired(world, "MUG", "B") == 3
    assert open_issues(world) == []
    with world.engine.database.reading() as session:
        assert ledger.verify(session, world.merchant_id) == []


def test_linking_twice_counts_once(merchant_with):
    world, external_id = sold_before_it_was_known(merchant_with)
    for _ in range(2):
        match.link(world.engine, world.connection_ids["A"], external_id, "MUG", actor=ACTOR)
    assert opened(world, "MUG") == 2


def test_an_sku_that_the_back_office_learns_later_links_its_listings_and_counts_their_sales(merchant_with):
    world, external_id = sold_before_it_was_known(merchant_with)
    with world.engine.database.transaction() as session:
        now = world.clock.now()
        cache = ledger.cache_row(session, world.merchant_id, world.location_ids["L1"], "SECOND", now=now)
        cache.on_hand = None
    assert match.match_waiting(world.engine, world.merchant_id) == 1
    assert listing(world, external_id).match is Match.LINKED
    assert opened(world, "SECOND") == 2
    assert match.match_waiting(world.engine, world.merchant_id) == 0


def test_what_was_sold_while_a_listing_was_ignored_stays_uncounted_after_linking(merchant_with):
    world = merchant_with(stores=("A", "B"))
    external_id = world.stores["A"].add_item("SECOND", 9)
    read(world)
    match.ignore(world.engine, world.connection_ids["A"], external_id, actor=ACTOR)
    world.stores["A"].sell({"SECOND": 2})
    take_orders_in(world)
    assert open_issues(world) == []
    match.link(world.engine, world.connection_ids["A"], external_id, "MUG", actor=ACTOR)
    assert opened(world, "MUG") == 0
    with world.engine.database.reading() as session:
        assert [row.reason for row in session.exec(select(SalesLog))] == ["the listing is ignored"]


def test_a_line_whose_product_is_read_only_after_it_was_sold_finds_it(merchant_with):
    world = merchant_with(stores=("A", "B"))
    world.stores["A"].delete_item("MUG")
    world.stores["A"].add_item("MUG", 9)
    world.stores["A"].sell({"MUG": 1})
    take_orders_in(world)
    assert opened(world, "MUG") == 0
    world.clock.advance(timedelta(seconds=5))
    with store_hand(world.engine, world.connection_ids["A"]) as held:
        catalogue.refresh(world.engine, held, world.connection_ids["A"])
    assert opened(world, "MUG") == 1


def test_an_unlinked_listing_is_not_published_and_not_linked_again_by_itself(merchant_with):
    world = merchant_with(stores=("A",))
    external_id = world.stores["A"].item("MUG").external_id
    match.unlink(world.engine, world.connection_ids["A"], external_id, actor=ACTOR)
    read(world)
    found = listing(world, external_id)
    assert (found.match, found.sku, found.is_by_hand) == (Match.UNMATCHED, None, True)


def test_ignoring_one_of_two_duplicates_links_the_other(merchant_with):
    world = merchant_with(stores=("A",))
    first = world.stores["A"].item("MUG").external_id
    second = world.stores["A"].add_item("MUG", 9)
    read(world)
    match.ignore(world.engine, world.connection_ids["A"], second, actor=ACTOR)
    assert (listing(world, first).match, listing(world, second).match) == (Match.LINKED, Match.IGNORED)
    assert open_issues(world) == []


def test_choosing_one_of_two_duplicates_by_hand_leaves_the_other_alone(merchant_with):
    world = merchant_with(stores=("A",))
    first = world.stores["A"].item("MUG").external_id
    second = world.stores["A"].add_item("MUG", 9)
    read(world)
    match.link(world.engine, world.connection_ids["A"], first, "MUG", actor=ACTOR)
    assert (listing(world, first).match, listing(world, second).match) == (Match.LINKED, Match.DUPLICATE)


def test_an_sku_that_nobody_knows_cannot_be_linked(merchant_with):
    world = merchant_with(stores=("A",))
    with pytest.raises(NotPossible, match="knows no SKU 'MAG'"):
        match.link(world.engine, world.connection_ids["A"], "MUG", "MAG", actor=ACTOR)


def test_a_misspelt_sku_is_told_with_the_spelling_of_the_back_office(merchant_with):
    world = merchant_with(stores=("A",))
    world.stores["A"].add_item("mug", 9)
    read(world)
    with world.engine.database.reading() as session:
        found = match_view.list_matches(session, world.connection("A"))
    assert found.counts == {"linked": 1, "unmatched": 1}
    assert "spells it MUG" in found.rows[0].what_to_do
