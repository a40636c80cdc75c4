"""What is old goes, what somebody may still ask for stays."""

from datetime import timedelta

import pytest
from sqlmodel import select

from schema.tables import (
    Delivery,
    DeliveryState,
    Lease,
    Movement,
    Push,
    PushBatch,
    PushState,
    RunState,
    StockItem,
    SyncRun,
)
from syncd.engine import leases
from syncd.engine.clean import clean
from syncd.engine.issues import raise_issue, resolve_issue

DAY = timedelta(days=1)


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=("A",))


def rows(world, column):
    with world.engine.database.reading() as session:
        return sorted(session.exec(select(column)).all())


def add(world, *new):
    with world.engine.database.transaction() as session:
        session.add_all(new)


def delivery(world, key, state):
    return Delivery(
        connection_id=world.connection_ids["A"], key=key, body=b"x", state=state, received_at=world.clock.now()
    )


def test_deliveries_go_by_age_and_those_not_taken_in_stay(world):
    add(world, *(delivery(world, state.value, state) for state in DeliveryState))
    world.clock.advance(31 * DAY)
    add(world, delivery(world, "fresh", DeliveryState.APPLIED))
    assert clean(world.engine) == 2
    assert rows(world, Delivery.key) == ["dead", "fresh", "new"]
    world.clock.advance(150 * DAY)
    clean(world.engine)
    assert rows(world, Delivery.key) == ["new"]


def test_more_than_one_portion_goes(world):
    add(world, *(delivery(world, f"{number}", DeliveryState.APPLIED) for number in range(1200)))
    world.clock.advance(31 * DAY)
    assert clean(world.engine) == 1200


def push(world, run_id, item_id, key):
    now, connection_id = world.clock.now(), world.connection_ids["A"]
    with world.engine.database.transaction() as session:
        batch = PushBatch(connection_id=connection_id, run_id=run_id, key=key, lease_token="t", intent_at=now)
        session.add(batch)
        session.flush()
        session.add(
            Push(
                connection_id=connection_id,
                batch_id=batch.id,
                run_id=run_id,
                stock_item_id=item_id,
                sku="MUG",
                expected=5,
                target=4,
                difference=-1,
                desired=4,
                state=PushState.ACKNOWLEDGED,
                intent_at=now,
            )
        )


def run(world):
    row = SyncRun(
        merchant_id=world.merchant_id,
        kind="push",
        state=RunState.DONE,
        started_at=world.clock.now(),
        ended_at=world.clock.now(),
    )
    add(world, row)
    return row.id


def test_of_the_old_pushes_of_a_figure_the_last_one_stays_with_its_run(world):
    item_id = world.stock_item("A", "MUG").id
    first, second, empty = run(world), run(world), run(world)
    push(world, first, item_id, "1")
    push(world, second, item_id, "2")
    world.clock.advance(91 * DAY)
    clean(world.engine)
    assert rows(world, Push.run_id) == [second]
    assert rows(world, PushBatch.key) == ["2"]
    assert rows(world, SyncRun.id) == [second]
    assert empty != second


def test_open_issues_the_ledger_and_figures_stay_for_ever(world):
    with world.engine.database.transaction() as session:
        raise_issue(session, merchant_id=world.merchant_id, kind="k", key="a", title="A", now=world.clock.now())
        raise_issue(session, merchant_id=world.merchant_id, kind="k", key="b", title="B", now=world.clock.now())
        resolve_issue(session, world.merchant_id, "b", by="me", now=world.clock.now())
    movements, items = rows(world, Movement.id), rows(world, StockItem.id)
    world.clock.advance(1000 * DAY)
    assert clean(world.engine) == 1
    assert rows(world, Movement.id) == movements
    assert rows(world, StockItem.id) == items


def test_leases_of_processes_that_are_gone_go(world):
    leases.acquire(world.engine, "store:1")
    world.clock.advance(2 * DAY)
    leases.acquire(world.engine, "store:2")
    clean(world.engine)
    assert rows(world, Lease.name) == ["store:2"]
