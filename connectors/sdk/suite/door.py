"""What every connector has to get right about webhooks: the proof of the sender, the key, the translation."""

# ruff: noqa: D102, ARG002 - a test's name is its sentence; a fixture may be asked for only for what it does

import json
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sdk.contract import Store, WebhookDoor
from connectors.sdk.driver import Delivery, StoreDriver
from connectors.sdk.errors import InvalidSignature, MalformedPayload
from connectors.sdk.values import OrderChanged, OrderRefunds, OrderSnapshot, WebhookState

GARBAGE = (b"", b"null", b"[]", b"{}", b'"x"', b"0", b"\xff\xfe\x00", b"<html></html>", b'{"id": {}}', b"[" * 5000)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class DoorConformance:
    """Part of `StoreConformance`; skipped as a whole where a platform sends no webhooks (`plugin.door` is None)."""

    @pytest.fixture
    def door(self, driver: StoreDriver) -> WebhookDoor:
        """The connector's door."""
        if driver.plugin.door is None:
            pytest.skip("This platform sends no webhooks.")
        return driver.plugin.door

    @pytest.fixture
    def secrets(self, driver: StoreDriver, door: WebhookDoor) -> tuple[str, ...]:
        """The account's own secrets."""
        return door.secrets(driver.account.vault.load())

    @pytest.fixture
    def deliveries(self, driver: StoreDriver, store: Store, door: WebhookDoor) -> list[Delivery]:
        """What the store sends of a sale and its refund."""
        store.check_webhooks(driver.webhook_url, repair=True)
        driver.deliveries()
        order_id = driver.sell(driver.skus[0], 2)
        driver.advance(2)
        driver.refund(order_id, 1, restock=True)
        found = list(driver.deliveries())
        assert found, "The store sent nothing of a sale and a refund."
        return found

    # ------------------------------------------------------------------------------------------ subscriptions

    def test_missing_webhooks_are_told_made_and_then_right(
        self, driver: StoreDriver, store: Store, door: WebhookDoor
    ) -> None:
        url = driver.webhook_url
        store.remove_webhooks(url)
        assert set(store.check_webhooks(url, repair=False).states.values()) == {WebhookState.MISSING}
        assert set(store.check_webhooks(url, repair=True).states.values()) <= {WebhookState.MADE, WebhookState.REPAIRED}
        assert set(store.check_webhooks(url, repair=False).states.values()) == {WebhookState.RIGHT}

    def test_removed_webhooks_are_silent(self, driver: StoreDriver, store: Store, door: WebhookDoor) -> None:
        store.check_webhooks(driver.webhook_url, repair=True)
        store.remove_webhooks(driver.webhook_url)
        driver.deliveries()
        driver.sell(driver.skus[0], 1)
        assert list(driver.deliveries()) == []

    # ------------------------------------------------------------------------------------------ proof

    def test_the_stores_own_deliveries_are_proven(
        self, driver: StoreDriver, door: WebhookDoor, secrets: tuple[str, ...], deliveries: list[Delivery]
    ) -> None:
        for headers, body in deliveries:
            door.verify(headers, body, secrets, driver.account.clock.now())
            door.verify(headers, body, ("another", *secrets), driver.account.clock.now())

    def test_a_body_that_was_changed_is_refused(
        self, driver: StoreDriver, door: WebhookDoor, secrets: tuple[str, ...], deliveries: list[Delivery]
    ) -> None:
        headers, body = deliveries[0]
        for forged in (body + b" ", body[:-1], b"", b"{}"):
            self.refuse(driver, door, headers, forged, secrets)

    def test_other_and_empty_secrets_prove_nothing(
        self, driver: StoreDriver, door: WebhookDoor, deliveries: list[Delivery]
    ) -> None:
        headers, body = deliveries[0]
        for secrets in ((), ("",), ("another",), ("whsec_",), ("whsec_YW5vdGhlci1zZWNyZXQ=", "")):
            self.refuse(driver, door, headers, body, secrets)

    def test_garbled_and_missing_headers_are_refused(
        self, driver: StoreDriver, door: WebhookDoor, secrets: tuple[str, ...], deliveries: list[Delivery]
    ) -> None:
        headers, body = deliveries[0]
        self.refuse(driver, door, {}, body, secrets)
        for garbage in ("", "x", "é", "=" * 500, "v1,", "0" * 64):
            self.refuse(driver, door, dict.fromkeys(headers, garbage), body, secrets)

    def refuse(
        self, driver: StoreDriver, door: WebhookDoor, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]
    ) -> None:
        """This delivery must not be believed."""
        with pytest.raises(InvalidSignature):
            door.verify(headers, body, secrets, driver.account.clock.now())

    def test_credentials_without_secrets_have_none(self, door: WebhookDoor) -> None:
        assert "" not in door.secrets({})
        assert "" not in door.secrets({"webhook_secret": "", "client_secret": ""})

    # ------------------------------------------------------------------------------------------ key and topic

    def test_the_key_of_a_delivery_is_stable_short_and_its_own(
        self, door: WebhookDoor, deliveries: list[Delivery]
    ) -> None:
        keys = [door.delivery_key(headers, body) for headers, body in deliveries]
        assert keys == [door.delivery_key(dict(headers), bytes(body)) for headers, body in deliveries]
        assert all(0 < len(key) <= 200 for key in keys)
        assert len(set(keys)) == len(keys)

    def test_even_a_senseless_delivery_has_a_key_and_a_topic(
        self, door: WebhookDoor, deliveries: list[Delivery]
    ) -> None:
        headers, _ = deliveries[0]
        for body in GARBAGE:
            for some in ({}, headers, dict.fromkeys(headers, "x" * 5000)):
                assert 0 < len(door.delivery_key(some, body)) <= 200
                assert isinstance(door.topic(some, body), str)
                door.account_id(some, body)

    def test_a_signed_delivery_is_no_greeting(self, door: WebhookDoor, deliveries: list[Delivery]) -> None:
        assert not any(door.is_unsigned_ping(headers, body) for headers, body in deliveries)

    # ------------------------------------------------------------------------------------------ translation

    def test_a_sale_and_its_refund_lead_to_the_order(
        self, driver: StoreDriver, store: Store, deliveries: list[Delivery]
    ) -> None:
        facts = [fact for headers, body in deliveries for fact in store.facts(headers, body)]
        about = {fact.order_id for fact in facts if isinstance(fact, OrderSnapshot | OrderRefunds | OrderChanged)}
        assert len(about) == 1
        assert store.read_order(about.pop()) is not None

    def test_an_order_told_is_the_order_read(
        self, driver: StoreDriver, store: Store, deliveries: list[Delivery]
    ) -> None:
        told = [fact for headers, body in deliveries for fact in store.facts(headers, body)]
        orders = [fact for fact in told if isinstance(fact, OrderSnapshot)]
        if orders:
            newest = max(orders, key=lambda order: (order.version, len(order.refunds)))
            read = store.read_order(newest.order_id)
            assert read is not None
            assert (read.version, read.is_paid, len(read.lines)) == (newest.version, newest.is_paid, len(newest.lines))

    @pytest.mark.parametrize("garbage", GARBAGE)
    def test_garbage_is_a_malformed_payload(self, store: Store, deliveries: list[Delivery], garbage: bytes) -> None:
        for headers, _ in deliveries:
            with pytest.raises(MalformedPayload):
                store.facts(headers, garbage)

    def test_any_json_is_understood_or_malformed(self, store: Store, deliveries: list[Delivery]) -> None:
        kinds = [headers for headers, _ in deliveries]

        @_FUZZ
        @given(headers=st.sampled_from(kinds), body=_JSON)
        def understood_or_malformed(headers: Mapping[str, str], body: object) -> None:
            self.survive(store, headers, to_bytes(body))

        understood_or_malformed()

    def test_a_delivery_with_one_field_spoiled_is_understood_or_malformed(
        self, store: Store, deliveries: list[Delivery]
    ) -> None:
        @_FUZZ
        @given(data=st.data())
        def understood_or_malformed(data: st.DataObject) -> None:
            headers, body = data.draw(st.sampled_from(deliveries))
            self.survive(store, headers, spoil(body, data))

        understood_or_malformed()

    def survive(self, store: Store, headers: Mapping[str, str], body: bytes) -> None:
        """Facts, or MalformedPayload; nothing else may escape."""
        try:
            facts = store.facts(headers, body)
        except MalformedPayload:
            return
        assert isinstance(facts, tuple)


def to_bytes(document: object) -> bytes:
    """Plain JSON."""
    return json.dumps(document).encode()


def spoil(body: bytes, data: st.DataObject) -> bytes:
    """The same document with one value, anywhere in it, replaced or left out."""
    return json.dumps(_spoiled(json.loads(body), data)).encode()


def _spoiled(place: object, data: st.DataObject) -> object:
    if not isinstance(place, dict | list) or not place or data.draw(st.integers(0, 4)) == 0:
        return data.draw(_JSON)
    if isinstance(place, list):
        at = data.draw(st.integers(0, len(place) - 1))
        return [*place[:at], _spoiled(place[at], data), *place[at + 1 :]]
    key = data.draw(st.sampled_from(sorted(place)))
    rest = {name: value for name, value in place.items() if name != key}
    return rest if data.draw(st.booleans()) else {**rest, key: _spoiled(place[key], data)}
