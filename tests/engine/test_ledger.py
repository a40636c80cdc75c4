"""The ledger: a fact counts once, and the cache is the sum of the facts."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from schema.tables import InventoryCache, Location, Merchant, Movement, MovementKind
from syncd.engine import ledger
from tests.engine.scene import Scene, scenes


@pytest.fixture
def scene_with(merchant_with):
    yield from scenes(merchant_with)


@pytest.fixture
def scene(scene_with) -> Scene:
    return scene_with()


def move(scene, *, sku="MUG", event="e1", kind=MovementKind.ORDER, session=None, **facts) -> bool:
    given = {
        "merchant_id": scene.world.merchant_id,
        "location_id": scene.world.location_ids["L1"],
        "sku": sku,
        "kind": kind,
        "source": "A-1",
        "event": event,
        "occurred_at": scene.clock.now(),
        "now": scene.clock.now(),
    }
    if session is not None:
        return ledger.add_movement(session, **given, **facts)
    with scene.engine.database.transaction() as own:
        return ledger.add_movement(own, **given, **facts)


def test_a_fact_counts_once(scene):
    assert move(scene, open_delta=2)
    assert not move(scene, open_delta=2)
    assert scene.stock() == (5, 2)


def test_a_repeated_fact_does_not_break_the_transaction_it_is_in(scene):
    with scene.engine.database.transaction() as session:
        assert move(scene, open_delta=1, session=session)
        assert not move(scene, open_delta=1, session=session)
        assert move(scene, open_delta=1, event="e2", session=session)
    assert scene.stock() == (5, 2)


def test_two_workers_with_one_fact_count_it_once(scene):
    results = []
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        results.append(move(scene, open_delta=3, event="same"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, True]
    assert scene.stock() == (5, 3)


def test_two_workers_with_two_facts_of_a_new_sku_count_both(scene):
    barrier = threading.Barrier(2)

    def work(event: str) -> None:
        barrier.wait()
        move(scene, sku="NEW", open_delta=1, event=event)

    threads = [threading.Thread(target=work, args=(f"e{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scene.stock("NEW") == (None, 2)


@pytest.mark.parametrize("kind", [MovementKind.ORDER, MovementKind.RECORDED, MovementKind.RETURNED])
def test_an_unknown_figure_stays_unknown_until_somebody_reads_or_counts(scene, kind):
    move(scene, sku="NEW", kind=kind, on_hand_delta=-1, open_delta=-1)
    assert scene.stock("NEW") == (None, -1)
    move(scene, sku="NEW", kind=MovementKind.READING, on_hand_delta=0, value=0, event="reading-1")
    assert scene.stock("NEW") == (0, -1)


def test_verify_names_a_cache_that_is_not_the_sum_of_its_movements(scene):
    with scene.engine.database.transaction() as session:
        session.exec(select(InventoryCache)).one().open = 7
    with scene.engine.database.reading() as session:
        (found,) = ledger.verify(session, scene.world.merchant_id)
    assert (found.sku, found.on_hand, found.on_hand_by_ledger) == ("MUG", 5, 5)
    assert (found.open, found.open_by_ledger) == (7, 0)
    with scene.engine.database.transaction() as session:
        session.exec(select(InventoryCache)).one().open = 0


def test_verify_sees_the_movements_of_its_own_merchant_only(scene):
    with scene.engine.database.transaction() as session:
        other = Merchant(name="Other", created_at=scene.clock.now())
        session.add(other)
        session.flush()
        place = Location(merchant_id=other.id, external_id="L1")
        session.add(place)
        session.flush()
        ids = other.id, place.id
    with scene.engine.database.transaction() as session:
        move_of_other = {"merchant_id": ids[0], "location_id": ids[1], "sku": "MUG", "kind": MovementKind.READING}
        ledger.add_movement(
            session, **move_of_other, on_hand_delta=9, source="A-1", event="e1", occurred_at=scene.clock.now(),
            now=scene.clock.now(),
        )  # fmt: skip
    with scene.engine.database.reading() as session:
        assert ledger.verify(session, ids[0]) == ledger.verify(session, scene.world.merchant_id) == []


def test_stock_at_a_time_is_what_was_recorded_by_then(scene):
    before = scene.clock.now()
    scene.wait(timedelta(minutes=1))
    move(scene, open_delta=2)
    with scene.engine.database.reading() as session:
        (then,) = ledger.stock_at(session, scene.world.merchant_id, "MUG", before)
        (now,) = ledger.stock_at(session, scene.world.merchant_id, "MUG", scene.clock.now())
    assert (then.on_hand, then.open, now.on_hand, now.open) == (5, 0, 5, 2)


def test_an_oversell_is_raised_when_it_begins_and_closed_when_it_is_over(scene):
    move(scene, open_delta=5, event="e1")
    assert scene.issues() == []
    move(scene, open_delta=1, event="e2")
    assert scene.issues() == ["oversell"]
    move(scene, open_delta=-1, event="e3")
    assert scene.issues() == []


def test_movements_are_never_changed(scene):
    with pytest.raises(DatabaseError), scene.engine.database.transaction() as session:
        session.exec(select(Movement)).first().open_delta = 9
