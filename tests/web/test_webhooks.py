"""What a store's webhook is answered, and what is kept of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import select
from starlette.testclient import TestClient

from connectors.sdk.fake import FakeDoor, FakePlugin
from connectors.sdk.signatures import sign_standard_webhook
from schema.tables import (
    Connection,
    ConnectionState,
    Delivery,
    Push,
    PushBatch,
    PushState,
    RunState,
    StockItem,
    SyncRun,
)
from syncd.config import ShopifySettings
from syncd.engine.inbox import Inbox
from syncd.web.edge import Edge, create_app
from syncd.web.metrics import Metrics

APP_SECRET = "whsec_" + "YXBwLXNlY3JldC1mb3ItdGVzdHMtMTIzNDU2Nzg="


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=("A",), skus={"MUG": 5})


def order(world, name="A"):
    """A signed delivery about an order."""
    return world.stores[name].sign("orders/changed", b'{"id": "1"}')


def path(world, name="A"):
    return f"/connections/webhook/fake/public-{name}-{world.merchant_id}"


def deliveries(world):
    with world.engine.database.reading() as session:
        return session.exec(select(Delivery)).all()


def set_connection(world, **values):
    with world.engine.database.transaction() as session:
        row = session.get_one(Connection, world.connection_ids["A"])
        for name, value in values.items():
            setattr(row, name, value)


def test_a_signed_delivery_is_kept_raw_and_answered(client, world):
    headers, body = order(world)
    assert client.post(path(world), content=body, headers=headers).status_code == 200
    (kept,) = deliveries(world)
    assert kept.body == body
    assert kept.topic == headers["x-fake-topic"]
    assert kept.headers["webhook-id"] == headers["webhook-id"]
    assert kept.received_at == world.clock.now()


def test_the_platforms_own_address_finds_the_store_by_its_headers(client, world):
    headers, body = order(world)
    assert client.post("/connections/webhook/fake", content=body, headers=headers).status_code == 200
    assert [kept.connection_id for kept in deliveries(world)] == [world.connection_ids["A"]]


def test_a_delivery_that_comes_twice_is_kept_once(client, world):
    headers, body = order(world)
    answers = [client.post(path(world), content=body, headers=headers).status_code for _ in range(2)]
    assert answers == [200, 200]
    assert len(deliveries(world)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "garbage"},
        {"webhook-signature": "v1,\xff\xfe"},
        {"webhook-signature": ""},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "0"},
        {"webhook-id": "another"},
    ],
    ids=str,
)
def test_a_wrong_signature_is_401_and_nothing_is_kept(client, world, change):
    headers, body = order(world)
    encoded = {name: value.encode("latin-1") for name, value in {**headers, **change}.items()}
    assert client.post(path(world), content=body, headers=encoded).status_code == 401
    assert deliveries(world) == []


def test_wrong_signatures_are_counted(engine, world):
    inbox = Inbox(engine.database)
    inbox.start()
    client = TestClient(create_app(Edge(engine=engine, inbox=inbox, metrics=Metrics())))
    headers, body = order(world)
    for _ in range(3):
        client.post(path(world), content=body + b" ", headers=headers)
    inbox.stop()
    assert world.connection("A").refused_signatures == 3


def test_a_body_over_the_limit_is_413_whether_it_says_so_or_not(client, world):
    limit = world.engine.settings.web.body_limit
    assert client.post(path(world), content=b"x" * (limit + 1)).status_code == 413
    assert client.post(path(world), content=iter([b"x" * limit, b"x"])).status_code == 413
    assert client.post(path(world), content=b"x" * limit).status_code == 401


@pytest.mark.parametrize(
    "address", ["/connections/webhook/fake/nobody", "/connections/webhook/teapot/x", "/connections/webhook/fake"]
)
def test_a_shop_that_nobody_knows_is_404(client, world, address):
    assert client.post(address, content=b"{}").status_code == 404


def test_a_platform_that_delivers_nothing_has_no_address(client, world):
    assert client.post("/connections/webhook/fake-office", content=b"{}").status_code == 404


def test_an_unsigned_greeting_is_answered_and_forgotten(client, world):
    assert client.post(path(world), content=b"ping").status_code == 200
    assert deliveries(world) == []


def test_a_signed_body_that_nobody_can_read_is_kept_for_a_person(client, world):
    body = b"\xff\xfe not json"
    headers, _ = world.stores["A"].sign("orders/changed", body)
    assert client.post(path(world), content=body, headers=headers).status_code == 200
    assert [kept.body for kept in deliveries(world)] == [body]


def test_a_disconnected_store_is_unknown(client, world):
    set_connection(world, state=ConnectionState.DISCONNECTED)
    headers, body = order(world)
    assert client.post(path(world), content=body, headers=headers).status_code == 404
    assert deliveries(world) == []


@pytest.mark.parametrize("state", [ConnectionState.SHADOW, ConnectionState.PAUSED, ConnectionState.NEEDS_AUTH])
def test_a_store_that_waits_may_still_tell(client, world, state):
    set_connection(world, state=state)
    headers, body = order(world)
    assert client.post(path(world), content=body, headers=headers).status_code == 200
    assert len(deliveries(world)) == 1


class AppDoor(FakeDoor):
    """The door of a platform where the operator's own app signs."""

    def secrets(self, credentials):
        return tuple(secret for secret in (credentials.get("client_secret"),) if secret)


def test_an_app_is_told_of_shops_it_does_not_know_any_more_and_says_200(engine, world):
    settings = engine.settings.model_copy(update={"shopify": ShopifySettings(client_secret=SecretStr(APP_SECRET))})
    plugins = {**engine.plugins, "shopify": FakePlugin(platform="shopify", door=AppDoor())}
    inbox = Inbox(engine.database)
    inbox.start()
    edge = Edge(engine=replace(engine, settings=settings, plugins=plugins), inbox=inbox, metrics=Metrics())
    client = TestClient(create_app(edge))
    signed = {
        **sign_standard_webhook(APP_SECRET, "m1", world.clock.now(), b"{}"),
        "x-fake-account": "gone.example",
        "x-fake-topic": "shop/redact",
    }
    for address in ("/connections/webhook/shopify", "/connections/webhook/shopify/gone"):
        assert client.post(address, content=b"{}", headers=signed).status_code == 200
        assert client.post(address, content=b"{ }", headers=signed).status_code == 404
    inbox.stop()
    assert deliveries(world) == []


def test_a_new_secret_counts_within_a_second(client, world):
    headers, body = order(world)
    client.post(path(world), content=body, headers=headers)
    set_connection(world, credentials=world.engine.keyring.seal({"webhook_secret": APP_SECRET}))
    world.clock.advance(timedelta(seconds=1))
    again = sign_standard_webhook(APP_SECRET, "m2", world.clock.now(), b"{}")
    assert client.post(path(world), content=b"{}", headers=again).status_code == 200


def test_a_database_that_takes_nothing_is_503_and_nothing_is_acknowledged(engine, world):
    stopped = Inbox(engine.database)
    client = TestClient(create_app(Edge(engine=engine, inbox=stopped, metrics=Metrics())))
    stopped.start()
    stopped.stop()
    headers, body = order(world)
    assert client.post(path(world), content=body, headers=headers).status_code == 503
    assert deliveries(world) == []


@pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
def test_a_full_disk_is_503(client, world):
    big = b" " * 1_000_000
    with world.engine.database.transaction() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar()
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
    headers, _ = world.stores["A"].sign("orders/changed", big)
    assert client.post(path(world), content=big, headers=headers).status_code == 503
    assert deliveries(world) == []


def test_what_was_asked_by_another_method_is_405(client, world):
    assert client.get(path(world)).status_code == 405


def test_credentials_in_headers_are_not_kept(client, world):
    headers, body = order(world)
    client.post(path(world), content=body, headers={**headers, "Authorization": "Bearer x", "Cookie": "a=b"})
    (kept,) = deliveries(world)
    assert not {"authorization", "cookie"} & set(kept.headers)


def test_what_was_answered_is_told_to_prometheus(client, world):
    headers, body = order(world)
    client.post(path(world), content=body, headers=headers)
    client.post(path(world), content=body + b"x", headers=headers)
    told = client.get("/metrics").text
    assert 'syncd_deliveries_total{platform="fake",status="200"} 1.0' in told
    assert 'syncd_deliveries_total{platform="fake",status="401"} 1.0' in told
    assert "syncd_deliveries_unapplied 1" in told
    assert 'syncd_connections{state="live"} 2' in told


def test_what_is_left_to_do_is_told_to_prometheus_by_connection(client, world):
    headers, body = order(world)
    client.post(path(world), content=body, headers=headers)
    world.clock.advance(timedelta(seconds=30))
    owe(world, "A", desired=3)
    pushed(world, "A", sold_at=world.clock.now() - timedelta(seconds=2))
    told = client.get("/metrics").text
    code = world.connection("A").code
    assert "syncd_inbox_age_seconds 30.0" in told
    assert f'syncd_pushes_owed{{connection="{code}"}} 1.0' in told
    assert f'syncd_looks_due{{connection="{code}"}} 0.0' in told
    assert f'syncd_connection_up{{connection="{code}"}} 1.0' in told
    assert f'syncd_pushes_lately{{connection="{code}",outcome="acknowledged"}} 1.0' in told
    assert f'syncd_lag_seconds{{connection="{code}",quantile="0.5"}} 2.0' in told
    assert 'syncd_backoffice_owed{merchant="Merchant"} 0.0' in told
    assert "syncd_database_up 1.0" in told


def owe(world, name, *, desired):
    with world.engine.database.transaction() as session:
        session.get_one(StockItem, world.stock_item(name, "MUG").id).desired = desired


def pushed(world, name, *, sold_at):
    """A number that a store took just now."""
    now, connection_id = world.clock.now(), world.connection_ids[name]
    with world.engine.database.transaction() as session:
        run = SyncRun(merchant_id=world.merchant_id, kind="push", state=RunState.DONE, started_at=now)
        session.add(run)
        session.flush()
        batch = PushBatch(connection_id=connection_id, run_id=run.id, key="k", lease_token="t", intent_at=now)
        session.add(batch)
        session.flush()
        session.add(
            Push(
                connection_id=connection_id,
                batch_id=batch.id,
                run_id=run.id,
                stock_item_id=world.stock_item(name, "MUG").id,
                sku="MUG",
                expected=5,
                target=4,
                difference=-1,
                desired=4,
                state=PushState.ACKNOWLEDGED,
                sold_at=sold_at,
                intent_at=now,
                answered_at=now,
            )
        )


def test_it_is_alive_and_ready(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
