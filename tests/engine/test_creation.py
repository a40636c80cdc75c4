"""Products that the back office has and a store lacks are made there: once, with what is known of them, without stock."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import select

from connectors.sdk.errors import RefusalKind
from schema.tables import ConnectionState, Creation, CreationState, Listing, Match, RunState, SyncRun
from syncd.engine import catalogue, clean, creating, creation, leases, leaving, look, match, poll, push
from syncd.engine.hands import reading_hand, store_hand
from syncd.engine.views.matching_list import match_page
from syncd.errors import NotPossible

ACTOR = "ada@example.com"
QUARANTINE = timedelta(seconds=30 + 90 + 1)


@pytest.fixture
def world(merchant_with):
    """Store A has the mug; the office has a tin, a cup and a bowl as well."""
    world = merchant_with(stores=("A",), skus={"MUG": 5})
    for sku, quantity in {"TIN": 7, "CUP": 3, "BOWL": 0}.items():
        world.office.add_item(sku, {"L1": quantity}, price=Decimal("4.50"))
    read_office(world)
    return world


def read_office(world):
    world.clock.advance(timedelta(seconds=1))
    with reading_hand(world.engine, world.merchant_id) as held:
        poll.catalogue(world.engine, held, world.merchant_id)


def want(world, *skus, **more):
    return creation.want(world.engine, world.connection_ids["A"], skus, actor=ACTOR, **more)


def make(world, rounds=3):
    """The daemon's hand, a few times."""
    connection_id = world.connection_ids["A"]
    with store_hand(world.engine, connection_id) as held:
        for _ in range(rounds):
            creating.create_due(world.engine, held, connection_id)
            catalogue.recheck_due(world.engine, held, connection_id)
            look.look_due(world.engine, held, connection_id)
            push.push_owed(world.engine, held, connection_id)


def run(world, run_id):
    with world.engine.database.reading() as session:
        return session.get_one(SyncRun, run_id)


def states(world):
    with world.engine.database.reading() as session:
        return {row.sku: row.state for row in session.exec(select(Creation))}


def words(world, sku):
    with world.engine.database.reading() as session:
        return session.exec(select(Creation.words).where(Creation.sku == sku)).one()


def listing(world, sku):
    with world.engine.database.reading() as session:
        connection_id = world.connection_ids["A"]
        return session.exec(
            select(Listing).where(Listing.connection_id == connection_id, Listing.external_sku == sku)
        ).one_or_none()


def copies(world, sku):
    return [item for item in world.stores["A"].items.values() if item.sku == sku]


def plan(world, *skus, **more):
    with world.engine.database.reading() as session:
        return creation.plan(session, world.connection("A"), skus, **more)


# ------------------------------------------------------------------------------------------- making


def test_what_the_store_lacks_is_made_matched_and_stocked_by_a_push(world):
    run_id = want(world)
    make(world)
    shop = world.stores["A"]
    assert {sku: shop.stock(sku) for sku in ("MUG", "TIN", "CUP", "BOWL")} == {"MUG": 5, "TIN": 7, "CUP": 3, "BOWL": 0}
    assert (shop.item("TIN").title, shop.item("TIN").price) == ("Item TIN", Decimal("4.50"))
    assert {shop.items[external_id].sku for external_id in shop.drafts} == {"TIN", "CUP", "BOWL"}
    assert listing(world, "TIN").match is Match.LINKED
    done = run(world, run_id)
    assert (done.state, done.done, done.total, done.counts) == (RunState.DONE, 3, 3, {"made": 3})


def test_creation_itself_sets_no_figure(world):
    want(world)
    connection_id = world.connection_ids["A"]
    with store_hand(world.engine, connection_id) as held:
        creating.create_due(world.engine, held, connection_id)
    assert world.stores["A"].stock("TIN") == 0


def test_in_shadow_products_are_made_and_no_number_is_set(merchant_with):
    world = merchant_with(stores=("A",), state=ConnectionState.SHADOW)
    world.office.add_item("TIN", {"L1": 7})
    read_office(world)
    want(world)
    make(world)
    assert world.stores["A"].stock("TIN") == 0
    assert listing(world, "TIN").match is Match.LINKED


def test_only_the_skus_that_were_named_are_made(world):
    want(world, "TIN", is_draft=False)
    make(world)
    assert (len(copies(world, "TIN")), copies(world, "CUP")) == (1, [])
    assert world.stores["A"].drafts == set()


def test_a_product_that_came_meanwhile_is_found_and_left_as_it_is(world):
    world.stores["A"].add_item("TIN", 2)
    run_id = want(world, "TIN")
    make(world, rounds=1)
    assert states(world) == {"TIN": CreationState.FOUND}
    assert len(copies(world, "TIN")) == 1
    assert run(world, run_id).counts == {"found": 1}


# ------------------------------------------------------------------------------------------- trouble


def test_a_lost_answer_makes_no_second_product(world):
    world.stores["A"].faults.lost_writes = 1
    run_id = want(world, "TIN")
    make(world)
    assert states(world) == {"TIN": CreationState.UNKNOWN}
    assert run(world, run_id).state is RunState.RUNNING
    world.clock.advance(QUARANTINE)
    make(world)
    assert states(world) == {"TIN": CreationState.MADE}
    assert len(copies(world, "TIN")) == 1
    assert run(world, run_id).state is RunState.DONE


def test_a_write_that_lands_late_makes_no_second_product(world):
    shop = world.stores["A"]
    shop.faults.late_writes = 1
    want(world, "TIN")
    make(world)
    shop.land()
    make(world)
    assert shop.wire.calls["create_items"] == 1
    world.clock.advance(QUARANTINE)
    make(world)
    assert len(copies(world, "TIN")) == 1
    assert states(world) == {"TIN": CreationState.MADE}


def test_a_crash_between_call_and_answer_is_followed_up(world):
    shop = world.stores["A"]
    want(world, "TIN")

    def crash(moment):
        if moment == "create_items.after":
            raise KeyboardInterrupt

    shop.wire.on_call = crash
    with pytest.raises(KeyboardInterrupt):
        make(world)
    shop.wire.on_call = lambda moment: None
    assert states(world) == {"TIN": CreationState.SENT}
    make(world)
    assert states(world) == {"TIN": CreationState.UNKNOWN}
    world.clock.advance(QUARANTINE)
    make(world)
    assert (states(world), len(copies(world, "TIN"))) == ({"TIN": CreationState.MADE}, 1)


def test_a_refused_product_is_listed_with_its_reason_and_the_others_are_made(world):
    world.stores["A"].unwanted["CUP"] = "The SKU is reserved."
    run_id = want(world)
    make(world)
    assert states(world) == {
        "TIN": CreationState.MADE,
        "BOWL": CreationState.MADE,
        "CUP": CreationState.REFUSED,
    }
    assert words(world, "CUP") == "The SKU is reserved."
    done = run(world, run_id)
    assert (done.state, done.words, done.counts) == (RunState.DONE, "1 could not be made", {"made": 2, "refused": 1})
    world.stores["A"].unwanted.clear()
    want(world, "CUP")
    make(world)
    assert len(copies(world, "CUP")) == 1


def test_what_is_wrong_with_the_connection_is_told_once_for_all(world):
    world.stores["A"].faults.refusal = RefusalKind.CONFIGURATION
    run_id = want(world)
    make(world)
    assert set(states(world).values()) == {CreationState.REFUSED}
    assert world.stores["A"].wire.calls["create_items"] == 1
    assert run(world, run_id).state is RunState.FAILED
    assert world.connection("A").state is ConnectionState.LIVE


def test_a_store_that_is_down_is_waited_for(world):
    shop = world.stores["A"]
    shop.faults.is_down = True
    run_id = want(world, "TIN")
    for _ in range(8):
        make(world, rounds=1)
        world.clock.advance(timedelta(minutes=6))
    assert states(world) == {"TIN": CreationState.WANTED}
    shop.faults.is_down = False
    make(world)
    assert run(world, run_id).state is RunState.DONE


def test_a_throttled_store_is_called_when_it_said(world):
    shop = world.stores["A"]
    shop.faults.rate_limit = 20.0
    want(world, "TIN")
    make(world)
    assert shop.wire.calls["create_items"] == 1
    shop.faults.rate_limit = None
    make(world)
    assert states(world) == {"TIN": CreationState.WANTED}
    world.clock.advance(timedelta(seconds=22))
    make(world)
    assert states(world) == {"TIN": CreationState.MADE}


def test_a_store_that_never_answers_is_given_up_with_words(world):
    world.stores["A"].faults.swallowed_writes = 99
    run_id = want(world, "TIN")
    for _ in range(creating.MOST_ATTEMPTS + 1):
        make(world, rounds=1)
        world.clock.advance(QUARANTINE)
    assert states(world) == {"TIN": CreationState.REFUSED}
    assert words(world, "TIN") == creating.NEVER_ANSWERED
    assert run(world, run_id).state is RunState.FAILED


def test_a_hand_whose_lease_is_lost_sends_nothing(world):
    connection_id = world.connection_ids["A"]
    want(world, "TIN")
    with store_hand(world.engine, connection_id) as held:
        leases.release(world.engine, held)
        with pytest.raises(leases.LeaseLost):
            creating.create_due(world.engine, held, connection_id)
    assert copies(world, "TIN") == []


# ------------------------------------------------------------------------------------------- asking


def test_a_sku_is_not_made_twice_at_the_same_time(world):
    want(world, "TIN")
    assert [each.problem for each in plan(world, "TIN").leaves] == ["It is being made already."]
    with pytest.raises(NotPossible, match="nothing to make"):
        want(world, "TIN")


def test_a_sku_that_the_store_says_already_is_not_lacking(world):
    """Ignored, used twice or unlinked by hand: it is there all the same."""
    match.unlink(world.engine, world.connection_ids["A"], "MUG", actor=ACTOR)
    assert "MUG" not in [each.sku for each in plan(world).makes]
    with pytest.raises(NotPossible, match="MUG"):
        want(world, "MUG")


def test_the_page_counts_what_is_lacking(world):
    with world.engine.database.reading() as session:
        page = match_page(session, world.connection("A"), tab="only_there")
    assert (page.only_there, [each.sku for each in page.missing]) == (3, ["BOWL", "CUP", "TIN"])


def test_nothing_is_for_sale_at_a_price_that_nobody_set(world):
    world.office.add_item("SOAP", {"L1": 1}, price=None)
    read_office(world)
    assert [each.sku for each in plan(world, is_draft=False).leaves] == ["SOAP"]
    assert plan(world).leaves == ()


def test_a_price_in_another_currency_is_no_price(world):
    with world.engine.database.transaction() as session:
        row = session.merge(world.connection("A"))
        row.currency = "EUR"
    assert {each.price for each in plan(world).makes} == {None}
    assert len(plan(world, is_draft=False).leaves) == 3


@pytest.mark.parametrize("currency", ["KES", "EUR", ""])
@pytest.mark.parametrize("wanted", [(), ("TIN",), ("TIN", "CUP", "BOWL")])
def test_the_outline_says_in_figures_what_the_plan_says(merchant_with, currency, wanted):
    world = merchant_with(stores=("A", "B"), skus={"MUG": 5})
    for sku, price in {"TIN": "4.50", "CUP": None, "BOWL": None, "SOAP": None}.items():
        world.office.add_item(sku, {"L1": 1}, price=price and Decimal(price))
    world.stores["B"].add_item("CUP", 1, price=Decimal("9.90"))
    read_office(world)
    with store_hand(world.engine, world.connection_ids["B"]) as held:
        catalogue.refresh(world.engine, held, world.connection_ids["B"])
    with world.engine.database.transaction() as session:
        session.merge(world.connection("A")).currency = currency
    if wanted:
        want(world, *wanted)
    whole = plan(world)
    with world.engine.database.reading() as session:
        told = creation.outline(session, world.connection("A"), [], 2)
    assert told == creation.Outline(
        made=len(whole.makes),
        priceless=sum(each.price is None for each in whole.makes),
        in_work=len(whole.leaves),
        first=whole.makes[:2],
    )
    assert (told.made, told.in_work) == (4 - len(wanted), len(wanted))


def test_what_the_back_office_does_not_tell_another_store_does(merchant_with):
    world = merchant_with(stores=("A", "B"), skus={"MUG": 5})
    world.stores["B"].add_item("TIN", 1, price=Decimal("9.90"))
    world.office.add_item("TIN", {"L1": 7}, price=None)
    read_office(world)
    with store_hand(world.engine, world.connection_ids["B"]) as held:
        catalogue.refresh(world.engine, held, world.connection_ids["B"])
    assert [each.price for each in plan(world).makes] == [Decimal("9.90")]


def test_a_paused_store_gets_no_products(world):
    with world.engine.database.transaction() as session:
        session.merge(world.connection("A")).state = ConnectionState.PAUSED
    with pytest.raises(NotPossible, match="paused"):
        want(world)


def test_what_has_not_begun_can_be_stopped(world):
    run_id = want(world)
    assert creation.stop(world.engine, world.merchant_id, run_id, actor=ACTOR) == 3
    make(world)
    assert copies(world, "TIN") == []
    done = run(world, run_id)
    assert (done.state, done.done, done.counts) == (RunState.DONE, 3, {"stopped": 3})


def test_images_can_be_left_out(world):
    with world.engine.database.transaction() as session:
        for row in session.exec(select(Listing).where(Listing.external_sku == "TIN")):
            row.image_url = "https://img.example/tin.jpg"
    want(world, "TIN", with_images=False)
    make(world)
    assert world.stores["A"].item("TIN").image_url is None


def test_old_runs_and_what_they_made_are_cleaned_away(world):
    run_id = want(world)
    make(world)
    world.clock.advance(timedelta(days=400))
    clean.clean(world.engine)
    assert states(world) == {}
    with world.engine.database.reading() as session:
        assert session.get(SyncRun, run_id) is None


def test_nothing_is_made_in_a_store_that_was_left(world):
    world.stores["A"].faults.lost_writes = 1
    run_id = want(world)
    with store_hand(world.engine, world.connection_ids["A"]) as held:
        creating.create_due(world.engine, held, world.connection_ids["A"])
    leaving.disconnect(world.engine, world.connection_ids["A"], actor=ACTOR)
    assert set(states(world).values()) == {CreationState.STOPPED}
    assert run(world, run_id).state is RunState.DONE
