"""The inbox: durable before it is answered, once, in few transactions."""

import threading

import pytest
from sqlalchemy import text
from sqlmodel import select

from schema.tables import Delivery, DeliveryState
from syncd.engine.inbox import Arrival, Inbox
from syncd.engine.wake import Waker
from syncd.errors import DatabaseAway


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=("A",), skus={})


@pytest.fixture
def inbox(engine):
    inbox = Inbox(engine.database)
    inbox.start()
    yield inbox
    inbox.stop()


def arrival(world, key="k", **other):
    values = {
        "connection_id": world.connection_ids["A"],
        "topic": "orders/changed",
        "headers": {"x-topic": "t"},
        "body": b"\x00\xff raw",
        "received_at": world.clock.now(),
    }
    return Arrival(key=key, **{**values, **other})


def stored(world):
    with world.engine.database.reading() as session:
        return session.exec(select(Delivery).order_by(Delivery.id)).all()


def test_a_delivery_is_there_as_it_came_when_it_is_answered(world, inbox):
    inbox.put(arrival(world)).result(10)
    (row,) = stored(world)
    assert (row.body, row.headers, row.state, row.source) == (
        b"\x00\xff raw",
        {"x-topic": "t"},
        DeliveryState.NEW,
        "webhook",
    )


def test_the_same_delivery_again_is_answered_and_stored_once(world, inbox):
    futures = [inbox.put(arrival(world)) for _ in range(3)]
    for future in futures:
        future.result(10)
    assert len(stored(world)) == 1


def test_many_at_once_are_all_stored(world, inbox):
    def tell(part):
        for number in range(50):
            inbox.put(arrival(world, f"{part}-{number}")).result(30)

    threads = [threading.Thread(target=tell, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(stored(world)) == 400


def test_what_arrived_while_the_writer_was_busy_is_one_transaction(world, engine):
    inbox = Inbox(engine.database)
    futures = [inbox.put(arrival(world, str(number))) for number in range(100)]
    inbox.start()
    inbox.stop()
    assert all(future.done() for future in futures)
    if engine.database.dialect == "postgresql":
        with engine.database.reading() as session:
            assert session.execute(text("SELECT count(DISTINCT xmin::text) FROM delivery")).scalar() == 1


def test_a_delivery_wakes_the_workers(world, inbox):
    waker = Waker(world.engine.database)
    inbox.put(arrival(world)).result(10)
    assert waker.wait(10) is True
    waker.stop()


def test_nothing_is_answered_that_the_database_did_not_take(world, inbox):
    gone = arrival(world, connection_id=999999)
    fine = arrival(world, "fine")
    futures = {key: inbox.put(one) for key, one in (("gone", gone), ("fine", fine))}
    futures["fine"].result(10)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        futures["gone"].result(10)
    assert [row.key for row in stored(world)] == ["fine"]


def test_a_key_or_header_that_no_column_takes_is_made_to_fit(world, inbox):
    inbox.put(arrival(world, "k" * 300, topic="t\x00" * 200, headers={"x": "\x00y"})).result(10)
    (row,) = stored(world)
    assert (len(row.key), row.topic, row.headers) == (255, "t" * 100, {"x": "y"})


def test_wrong_signatures_are_counted_and_nothing_else_is_kept(world, engine):
    inbox = Inbox(engine.database)
    inbox.start()
    for _ in range(3):
        inbox.refuse(world.connection_ids["A"])
    inbox.stop()
    assert world.connection("A").refused_signatures == 3
    assert stored(world) == []


def test_an_inbox_that_stopped_takes_nothing(world, engine):
    inbox = Inbox(engine.database)
    inbox.start()
    inbox.stop()
    with pytest.raises(DatabaseAway):
        inbox.put(arrival(world)).result(1)


@pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
def test_a_full_disk_is_told_and_the_next_delivery_is_stored_again(world, engine, inbox):
    with engine.database.transaction() as session:
        session.execute(text(f"PRAGMA max_page_count = {session.execute(text('PRAGMA page_count')).scalar()}"))
    with pytest.raises(DatabaseAway, match="full"):
        inbox.put(arrival(world, "big", body=b"x" * 1_000_000)).result(10)
    with engine.database.transaction() as session:
        session.execute(text("PRAGMA max_page_count = 1000000"))
    inbox.put(arrival(world, "big", body=b"x" * 1_000_000)).result(10)
    assert len(stored(world)) == 1
