"""What a hand does when it is its turn, and when it leaves its lease alone."""

from datetime import timedelta

import pytest
from sqlmodel import select

from connectors.sdk.errors import Unavailable
from schema.tables import Connection, ConnectionState, Lease, SaleDocument, StockItem, Tick
from syncd.daemon.jobs import Jobs
from syncd.daemon.office_hands import ReadingHand, RecordingHand
from syncd.daemon.store_hand import StoreHand
from syncd.engine import leases
from syncd.engine.leases import LeaseKeeper


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=("A", "B"), skus={"MUG": 10})


@pytest.fixture
def rested(world):
    """The same, with everything done that comes from time to time."""
    now = world.clock.now()
    for name in world.stores:
        change(world, name, pulled_at=now, catalogue_at=now, reconciled_at=now, webhooks_at=now)
    return world


def change(world, name, **values):
    with world.engine.database.transaction() as session:
        row = session.get_one(Connection, world.connection_ids[name])
        for key, value in values.items():
            setattr(row, key, value)


def owe(world, name, desired):
    with world.engine.database.transaction() as session:
        session.get_one(StockItem, world.stock_item(name, "MUG").id).desired = desired


def hand(world, name="A"):
    connection_id = world.connection_ids[name]
    return StoreHand(
        engine=world.engine,
        keeper=LeaseKeeper(world.engine),
        connection_id=connection_id,
        jobs=Jobs(world.engine, connection_id),
    )


def rows(world, column):
    with world.engine.database.reading() as session:
        return sorted(session.exec(select(column)).all())


def test_what_is_owed_is_pushed_and_the_lease_given_back(rested):
    owe(rested, "A", 7)
    pause = hand(rested).step()
    assert rested.stores["A"].stock("MUG") == 7
    assert pause.seconds == 0
    assert rows(rested, Lease.name) == []


def test_a_hand_with_nothing_to_do_takes_no_lease_and_asks_the_store_nothing(rested):
    assert hand(rested).step().seconds > 0
    assert sum(rested.stores["A"].wire.calls.values()) == 0
    assert rows(rested, Tick.name) == []


def test_what_was_never_done_is_done_unasked(world):
    hand(world).step()
    row = world.connection("A")
    assert None not in (row.pulled_at, row.catalogue_at, row.reconciled_at)
    assert row.webhooks_at is None  # there is no public address to deliver to


def test_what_the_clockwork_wants_is_done(rested):
    rested.clock.advance(timedelta(minutes=10))
    worker = hand(rested)
    worker.jobs.want("pull_orders")
    worker.step()
    assert rested.connection("A").pulled_at == rested.clock.now()


@pytest.mark.parametrize("state", [ConnectionState.NEEDS_AUTH, ConnectionState.DISCONNECTED])
def test_a_store_that_may_not_be_called_is_left_alone(world, state):
    change(world, "A", state=state)
    owe(world, "A", 7)
    hand(world).step()
    assert world.stores["A"].stock("MUG") == 10
    assert sum(world.stores["A"].wire.calls.values()) == 0


def test_a_store_that_asked_us_to_wait_is_left_alone_until_then(rested):
    owe(rested, "A", 7)
    change(rested, "A", not_before=rested.clock.now() + timedelta(minutes=1))
    hand(rested).step()
    assert rested.stores["A"].stock("MUG") == 10
    rested.clock.advance(timedelta(minutes=1))
    hand(rested).step()
    assert rested.stores["A"].stock("MUG") == 7


def test_while_somebody_else_has_the_lease_nothing_is_done_and_nothing_forgotten(world):
    worker = hand(world)
    other = leases.acquire(world.engine, f"store:{world.connection_ids['A']}")
    owe(world, "A", 7)
    worker.step()
    assert world.stores["A"].stock("MUG") == 10
    leases.release(world.engine, other)
    worker.step()
    assert world.stores["A"].stock("MUG") == 7
    assert world.connection("A").pulled_at is not None


def test_a_job_that_fails_holds_up_no_push(rested):
    change(rested, "A", catalogue_at=None)
    owe(rested, "A", 7)

    def fail(moment):
        if moment == "catalogue.before":
            raise Unavailable("no catalogue today")

    rested.stores["A"].wire.on_call = fail
    hand(rested).step()
    assert rested.connection("A").catalogue_at is None
    assert rested.stores["A"].stock("MUG") == 7


def test_a_sale_is_recorded_in_the_back_office(merchant_with):
    world = merchant_with(stores=("A",), skus={"MUG": 10})
    world.stores["A"].sell({"MUG": 2})
    hand(world).step()
    recorder = RecordingHand(engine=world.engine, keeper=LeaseKeeper(world.engine), merchant_id=world.merchant_id)
    recorder.step()
    assert world.office.stock("MUG") == 8
    assert len(rows(world, SaleDocument.id)) == 1
    assert rows(world, Lease.name) == []


def test_the_back_office_is_read_unasked_when_it_is_time(world):
    world.office.set_stock("MUG", 4)
    reader = ReadingHand(
        engine=world.engine,
        keeper=LeaseKeeper(world.engine),
        merchant_id=world.merchant_id,
        jobs=Jobs(world.engine, world.merchant_id),
    )
    reader.step()
    assert [world.stock_item(name, "MUG").desired for name in ("A", "B")] == [4, 4]


def test_a_merchant_without_back_office_has_nothing_to_read(merchant_with):
    world = merchant_with(office=False)
    reader = ReadingHand(
        engine=world.engine,
        keeper=LeaseKeeper(world.engine),
        merchant_id=world.merchant_id,
        jobs=Jobs(world.engine, world.merchant_id),
    )
    assert reader.step().seconds > 0
    assert rows(world, Lease.name) == []
