"""A forced sync, what its runs tell, putting one back, and what a person decides afterwards."""

import contextlib
from datetime import timedelta

import pytest
from sqlmodel import select

from schema.tables import Issue, IssueState, RunState, SyncRun
from syncd.engine import ledger, look, push, release, runs, status, stock_view, sync, undo
from syncd.engine.hands import store_hand, trying
from syncd.engine.held_figures import Choice
from syncd.errors import NotPossible
from tests.engine.crash import Crash, crash_at_commit

ACTOR = "ada@example.com"


def synced(world, **wants):
    run_id = sync.want(world.engine, world.merchant_id, actor=ACTOR, **wants)
    assert runs.begin_wanted(world.engine) == 1
    return run(world, run_id)


def run(world, run_id):
    with world.engine.database.reading() as session:
        return session.get_one(SyncRun, run_id)


def pushes(world, run_id):
    with world.engine.database.reading() as session:
        return runs.show_run(session, session.get_one(SyncRun, run_id))[1]


def push_runs(world):
    with world.engine.database.reading() as session:
        return [row.id for row in runs.list_runs(session, world.merchant_id, kind="push")]


def hand(world, name="A"):
    """Take the daemon's steps at one store."""
    connection_id = world.connection_ids[name]
    with store_hand(world.engine, connection_id) as held:
        for _ in range(5):
            look.look_due(world.engine, held, connection_id)
            push.push_owed(world.engine, held, connection_id)


def issue(world, kind):
    with world.engine.database.reading() as session:
        found = session.exec(select(Issue).where(Issue.state == IssueState.OPEN, Issue.kind == kind)).all()
    return found[0].id if found else None


def shows(world, sku="MUG"):
    return {name: shop.stock(sku) for name, shop in world.stores.items()}


def now_counts(world):
    with world.engine.database.reading() as session:
        found = status.status(session, world.merchant_id, world.clock.now())
    return (found.deliveries_unapplied, found.pushes_owed, found.looks_due, found.backoffice_owed)


# ------------------------------------------------------------------------------------------- syncing


def test_a_sync_brings_a_sale_of_one_store_to_the_other_and_to_the_back_office(merchant_with):
    world = merchant_with()
    world.stores["A"].sell({"MUG": 2})
    done = synced(world)
    assert (done.state, done.words, done.done, done.total) == (RunState.DONE, "", 7, 7)
    assert shows(world) == {"A": 3, "B": 3}
    assert world.office.stock("MUG") == 3
    assert now_counts(world) == (0, 0, 0, 0)


def test_a_sale_of_the_last_store_reaches_the_first_in_the_same_run(merchant_with):
    world = merchant_with()
    world.stores["B"].sell({"MUG": 1})
    synced(world)
    assert shows(world) == {"A": 4, "B": 4}


def test_a_till_sale_reaches_the_stores(merchant_with):
    world = merchant_with()
    world.office.till_sale("MUG", 4)
    synced(world)
    assert shows(world) == {"A": 1, "B": 1}


def test_a_dry_run_says_what_would_be_pushed_and_writes_nothing(merchant_with):
    world = merchant_with()
    world.office.till_sale("MUG", 1)
    world.stores["A"].sell({"MUG": 1})
    done = synced(world, dry_run=True)
    would = {each["connection"]: (each["before"], each["after"]) for each in done.counts["would_push"]}
    assert would == {"A": (4, 3), "B": (5, 3)}
    assert shows(world) == {"A": 4, "B": 5}
    assert world.office.booked == {}
    assert push_runs(world) == []


def test_a_sync_of_one_sku_looks_at_that_sku(merchant_with):
    world = merchant_with(skus={"MUG": 5, "TIN": 5})
    for sku in ("MUG", "TIN"):
        world.stores["A"].set_stock(sku, 9)
    synced(world, skus=["TIN"])
    assert (shows(world)["A"], shows(world, "TIN")["A"]) == (9, 5)


def test_a_sync_of_one_store_leaves_the_other_alone(merchant_with):
    world = merchant_with()
    world.office.till_sale("MUG", 1)
    synced(world, connection_ids=[world.connection_ids["A"]])
    assert shows(world) == {"A": 4, "B": 5}


def test_a_store_that_is_down_fails_the_run_and_not_the_other_stores(merchant_with):
    world = merchant_with()
    world.office.till_sale("MUG", 1)
    world.stores["A"].faults.is_down = True
    done = synced(world)
    assert done.state is RunState.FAILED
    assert "A: No connection came about." in done.words
    assert shows(world)["B"] == 4


def test_an_unknown_sku_cannot_be_synced(merchant_with):
    world = merchant_with()
    with pytest.raises(NotPossible, match="MAG"):
        sync.want(world.engine, world.merchant_id, skus=["MAG"], actor=ACTOR)


def test_a_run_that_is_wanted_is_taken_by_one_hand(merchant_with):
    world = merchant_with()
    run_id = sync.want(world.engine, world.merchant_id, actor=ACTOR)
    with trying(world.engine, f"run:{run_id}") as held:
        assert held is not None
        assert runs.begin_wanted(world.engine) == 0
    assert runs.begin_wanted(world.engine) == 1
    assert runs.begin_wanted(world.engine) == 0


def test_a_run_whose_hand_died_has_failed(merchant_with):
    world = merchant_with()
    run_id = sync.want(world.engine, world.merchant_id, actor=ACTOR)
    with world.engine.database.transaction() as session:
        session.get_one(SyncRun, run_id).state = RunState.RUNNING
    assert runs.begin_wanted(world.engine) == 0
    found = run(world, run_id)
    assert (found.state, found.words) == (RunState.FAILED, "syncd stopped before its end")


# ------------------------------------------------------------------------------------------- undo


def pushed_down(merchant_with, **more):
    """A till sale of 3 has been pushed to both stores; gives the run of the push to A."""
    world = merchant_with(**more)
    world.office.till_sale("MUG", 3)
    synced(world)
    assert shows(world) == {"A": 2, "B": 2}
    run_id = next(one for one in push_runs(world) if pushes(world, one)[0].connection == "A")
    return world, run_id


def test_a_run_tells_every_push_with_before_after_and_cause(merchant_with):
    world, run_id = pushed_down(merchant_with)
    (only,) = pushes(world, run_id)
    assert (only.sku, only.before, only.expected, only.target, only.after) == ("MUG", 5, 5, 2, 2)
    assert (only.state, only.is_undo) == ("acknowledged", False)
    assert only.cause == "the reading of Office of 21 Nov 10:00:01"


@pytest.mark.parametrize("compares", [True, False])
def test_an_undone_run_stays_undone_until_it_is_released(merchant_with, compares):
    world, run_id = pushed_down(merchant_with, compares=compares)
    done = undo.undo(world.engine, world.merchant_id, run_id, actor=ACTOR)
    assert (done.put_back, done.refused, done.stayed) == (1, 0, 0)
    assert shows(world) == {"A": 5, "B": 2}
    hand(world)
    assert shows(world)["A"] == 5
    assert now_counts(world) == (0, 0, 0, 0)
    words = release.release(world.engine, world.merchant_id, issue(world, "undone"), Choice.OURS, actor=ACTOR)
    assert words == "Our number is set now."
    hand(world)
    assert shows(world)["A"] == 2
    assert issue(world, "undone") is None


def test_what_was_sold_since_stays_sold_when_a_run_is_undone(merchant_with):
    world, run_id = pushed_down(merchant_with)
    world.clock.advance(timedelta(seconds=5))
    world.stores["A"].sell({"MUG": 1})
    synced(world)
    undo.undo(world.engine, world.merchant_id, run_id, actor=ACTOR)
    assert shows(world)["A"] == 4


def test_a_number_that_has_changed_since_is_not_put_back(merchant_with):
    world, run_id = pushed_down(merchant_with)
    world.office.till_sale("MUG", 1)
    world.clock.advance(timedelta(seconds=5))
    synced(world)
    with world.engine.database.reading() as session:
        (row,) = undo.plan(session, session.get_one(SyncRun, run_id), world.clock.now())
    assert (row.becomes, row.stays) == (None, "it has changed since")
    with pytest.raises(NotPossible, match="Nothing of run"):
        undo.undo(world.engine, world.merchant_id, run_id, actor=ACTOR)


def test_a_run_is_undone_once(merchant_with):
    world, run_id = pushed_down(merchant_with)
    done = undo.undo(world.engine, world.merchant_id, run_id, actor=ACTOR)
    with pytest.raises(NotPossible, match=f"undone by run {done.run_id}"):
        undo.undo(world.engine, world.merchant_id, run_id, actor=ACTOR)


def test_a_store_that_shows_another_number_refuses_the_undo(merchant_with):
    world, run_id = pushed_down(merchant_with)
    world.stores["A"].set_stock("MUG", 1)
    done = undo.undo(world.engine, world.merchant_id, run_id, actor=ACTOR)
    assert (done.put_back, done.refused) == (0, 1)
    assert shows(world)["A"] == 1


# ------------------------------------------------------------------------------------------- a held number


def held(merchant_with, **more):
    """Somebody typed 60 in store A where 5 was right; that is more than the limit."""
    world = merchant_with(skus={"MUG": 5}, **more)
    world.stores["A"].set_stock("MUG", 60)
    synced(world)
    assert shows(world)["A"] == 60
    return world, issue(world, "drift_held")


def test_a_held_number_is_told_as_such_and_is_no_work_for_syncd(merchant_with):
    world, _ = held(merchant_with)
    assert now_counts(world) == (0, 0, 0, 0)
    with world.engine.database.reading() as session:
        shown = stock_view.stock_of(session, world.merchant_id, "MUG")[0].listings[0]
    assert (shown.desired, shown.observed, shown.held) == (5, 60, 55)


def test_a_held_number_released_as_ours_is_set(merchant_with):
    world, issue_id = held(merchant_with)
    release.release(world.engine, world.merchant_id, issue_id, Choice.OURS, actor=ACTOR)
    hand(world)
    assert shows(world)["A"] == 5
    assert issue(world, "drift_held") is None


def test_a_held_number_released_as_theirs_is_booked_in_the_own_ledger(merchant_with):
    world, issue_id = held(merchant_with, office=False)
    release.release(world.engine, world.merchant_id, issue_id, Choice.THEIRS, actor=ACTOR)
    for name in ("A", "B"):
        hand(world, name)
    assert shows(world) == {"A": 60, "B": 60}
    with world.engine.database.reading() as session:
        assert ledger.verify(session, world.merchant_id) == []


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_crash_while_the_stores_number_is_taken_over_books_it_once(merchant_with, nth):
    """The process dies before its nth commit; then somebody does it again, if the issue is still open."""
    world, issue_id = held(merchant_with, office=False)
    with contextlib.suppress(Crash), crash_at_commit(nth):
        release.release(world.engine, world.merchant_id, issue_id, Choice.THEIRS, actor=ACTOR)
    still_open = issue(world, "drift_held") is not None
    with world.engine.database.reading() as session:
        (found,) = stock_view.stock_of(session, world.merchant_id, "MUG")
    assert (found.on_hand, found.listings[0].held) == ((5, 55) if still_open else (60, 0))
    if still_open:
        release.release(world.engine, world.merchant_id, issue_id, Choice.THEIRS, actor=ACTOR)
    for name in ("A", "B"):
        hand(world, name)
    assert shows(world) == {"A": 60, "B": 60}


def test_a_number_is_taken_over_once_however_often_somebody_asks(merchant_with):
    world, issue_id = held(merchant_with, office=False)
    release.release(world.engine, world.merchant_id, issue_id, Choice.THEIRS, actor=ACTOR)
    with pytest.raises(NotPossible, match="resolved already"):
        release.release(world.engine, world.merchant_id, issue_id, Choice.THEIRS, actor=ACTOR)
    with world.engine.database.reading() as session:
        assert stock_view.stock_of(session, world.merchant_id, "MUG")[0].on_hand == 60


def test_a_back_office_is_changed_by_a_person_and_not_by_a_release(merchant_with):
    world, issue_id = held(merchant_with)
    with pytest.raises(NotPossible, match=r"Change MUG at L1 there by \+55"):
        release.release(world.engine, world.merchant_id, issue_id, Choice.THEIRS, actor=ACTOR)
    assert issue(world, "drift_held") == issue_id


def test_a_number_kept_until_a_time_is_looked_at_again_then(merchant_with):
    world, issue_id = held(merchant_with)
    until = world.clock.now() + timedelta(hours=1)
    release.release(world.engine, world.merchant_id, issue_id, Choice.KEEP, until=until, actor=ACTOR)
    hand(world)
    assert issue(world, "drift_held") is None
    world.clock.advance(timedelta(hours=1, seconds=1))
    hand(world)
    assert issue(world, "drift_held") is not None
    assert shows(world)["A"] == 60


def test_a_held_number_cannot_be_released_without_saying_how(merchant_with):
    world, issue_id = held(merchant_with)
    with pytest.raises(NotPossible, match="--ours"):
        release.release(world.engine, world.merchant_id, issue_id, actor=ACTOR)


def test_a_held_reading_is_released_for_the_next_one(merchant_with):
    world = merchant_with(skus={f"S{number:02}": 50 for number in range(30)})
    for number in range(30):
        world.office.set_stock(f"S{number:02}", 0)
    assert "held" in synced(world).words
    assert shows(world, "S00") == {"A": 50, "B": 50}
    release.release(world.engine, world.merchant_id, issue(world, "reading_held"), actor=ACTOR)
    synced(world)
    assert shows(world, "S00") == {"A": 0, "B": 0}


def test_an_issue_is_resolved_once(merchant_with):
    world, issue_id = held(merchant_with)
    release.resolve(world.engine, world.merchant_id, issue_id, actor=ACTOR)
    with pytest.raises(NotPossible, match="resolved already"):
        release.resolve(world.engine, world.merchant_id, issue_id, actor=ACTOR)


def test_an_issue_of_another_merchant_is_not_there(merchant_with):
    _, issue_id = held(merchant_with)
    other = merchant_with(name="Other")
    with pytest.raises(NotPossible, match="no issue"):
        release.resolve(other.engine, other.merchant_id, issue_id, actor=ACTOR)
