"""What stores and back offices tell that no table keeps: the same comes of it on both databases."""

from dataclasses import dataclass, replace

import pytest
from sqlmodel import select

from connectors.sdk.fake import FakeBackOffice
from connectors.sdk.fake.messages import order_message, to_json
from connectors.sdk.values import AccountInfo, Location
from schema.tables import AuditEvent, Delivery, DeliveryState, InventoryCache, Issue, IssueState, Listing, Order
from syncd.engine import adjust, backoffice, catalogue, inbox, intake, leases, poll, pull
from syncd.engine.connectors import Connectors
from syncd.errors import NotPossible

LONG = "x" * 200


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=("A",))


def rows(world, table):
    with world.engine.database.reading() as session:
        return session.exec(select(table).order_by(table.id)).all()


def hold(world, name):
    return leases.acquire(world.engine, f"{name}:{world.merchant_id}")


def told(world, **other):
    """An order of the store, which it tells in other words than it should; gives the order's id."""
    shop = world.stores["A"]
    order = shop.orders[shop.sell({"MUG": 1}, is_paid=True)]
    at, meant = order.history.pop()
    order.history.append((at, replace(meant, **other)))
    return meant.order_id


def deliver(world, order_id):
    """Put what the store tells of an order into the inbox, and take it in."""
    shop, door = world.stores["A"], world.engine.plugins["fake"].door
    headers, body = shop.sign("orders/changed", to_json(order_message(shop.orders[order_id].now)))
    arrival = inbox.Arrival(
        connection_id=world.connection_ids["A"],
        key=door.delivery_key(headers, body),
        topic=door.topic(headers, body),
        headers=headers,
        body=body,
        received_at=world.clock.now(),
    )
    inbox.store(world.engine.database, [arrival], {})
    intake.apply_new(world.engine)


def test_an_order_with_words_that_are_too_long_counts_with_shorter_ones(world):
    order_id = told(world, name=LONG)
    order = world.stores["A"].orders[order_id]
    at, meant = order.history.pop()
    (line,) = meant.lines
    order.history.append((at, replace(meant, lines=(replace(line, title="\x00" + LONG * 9, sku=LONG),))))
    deliver(world, order_id)
    (stored,) = rows(world, Order)
    (cache,) = rows(world, InventoryCache)
    assert stored.name == "x" * 100
    assert cache.open == 1
    assert [row.state for row in rows(world, Delivery)] == [DeliveryState.APPLIED]


@pytest.mark.parametrize("currency", ["KENYA", "K\x00S"])
def test_an_order_in_a_currency_that_is_none_is_an_unreadable_delivery(world, currency):
    deliver(world, told(world, currency=currency))
    (delivery,) = rows(world, Delivery)
    (issue,) = rows(world, Issue)
    assert (delivery.state, delivery.attempts) == (DeliveryState.DEAD, 0)
    assert "no currency" in delivery.reason
    assert issue.kind == "unreadable_delivery"
    assert rows(world, Order) == []


def test_a_pulled_order_that_cannot_be_kept_holds_up_no_other(world):
    bad = told(world, currency="KENYA")
    good = world.stores["A"].sell({"MUG": 1}, is_paid=True)
    pull.pull_orders(world.engine, hold(world, "store"), world.connection_ids["A"])
    assert [order.external_id for order in rows(world, Order)] == [good]
    (issue,) = rows(world, Issue)
    assert (issue.kind, issue.title) == ("unreadable_delivery", f"Order {bad} of A could not be read.")


def test_an_order_that_cannot_be_kept_is_not_read_again_for_ever(world):
    order_id = told(world, currency="KENYA")
    with world.engine.database.transaction() as session:
        now = world.clock.now()
        session.add(
            Order(
                merchant_id=world.merchant_id,
                connection_id=world.connection_ids["A"],
                external_id=order_id,
                placed_at=now,
                heard_at=now,
                changed_at=now,
                reread_at=now,
            )
        )
    assert intake.reread_due(world.engine, world.connection_ids["A"]) == 1
    assert intake.reread_due(world.engine, world.connection_ids["A"]) == 0
    assert [issue.kind for issue in rows(world, Issue)] == ["unreadable_delivery"]


@pytest.mark.parametrize("sku", [LONG, "A\x00B", "A\ud83dB"])
def test_a_product_with_an_sku_that_cannot_be_one_counts_as_one_without(world, sku):
    shop, held = world.stores["A"], hold(world, "store")
    external_id = shop.add_item(sku, 3)
    shop.items[external_id] = replace(shop.items[external_id], title=LONG * 3)
    catalogue.refresh(world.engine, held, world.connection_ids["A"])
    listing = next(row for row in rows(world, Listing) if row.external_id == external_id)
    (issue,) = rows(world, Issue)
    assert (listing.external_sku, listing.match, len(listing.title)) == (None, "no_sku", 255)
    assert (issue.kind, issue.state) == ("bad_sku", IssueState.OPEN)
    shop.items[external_id] = replace(shop.items[external_id], sku="SHORT")
    catalogue.refresh(world.engine, held, world.connection_ids["A"])
    (issue,) = [row for row in rows(world, Issue) if row.kind == "bad_sku"]
    assert issue.state is IssueState.RESOLVED


@pytest.mark.parametrize("sku", [LONG, "A\x00B"])
def test_an_item_of_the_back_office_with_an_sku_that_cannot_be_one_is_told(world, sku):
    world.office.add_item(sku, {"L1": 3})
    polled = poll.catalogue(world.engine, hold(world, "readings"), world.merchant_id)
    assert (polled.failure, polled.is_held) == ("", False)
    assert [issue.kind for issue in rows(world, Issue)] == ["bad_sku"]
    assert [cache.sku for cache in rows(world, InventoryCache)] == ["MUG"]


def test_a_figure_beyond_any_shelf_is_no_reading(world):
    world.office.set_stock("MUG", 10**12)
    polled = poll.sweep(world.engine, hold(world, "readings"), world.merchant_id)
    assert polled.rows.applied == 0
    (cache,) = rows(world, InventoryCache)
    assert cache.on_hand == 5


@pytest.mark.parametrize("sku", [LONG, "A\x00B", " "])
def test_nothing_is_counted_under_an_sku_that_cannot_be_one(merchant_with, sku):
    world = merchant_with(stores=("A",), office=False)
    with pytest.raises(NotPossible, match="cannot be an SKU"):
        adjust.adjust(world.engine, world.merchant_id, sku, to=3, reason="counted", actor="ann")


def test_a_reason_keeps_what_can_be_kept_of_it(merchant_with):
    world = merchant_with(stores=("A",), office=False)
    adjust.adjust(world.engine, world.merchant_id, "MUG", to=3, reason="counted\x00 twice \ud83d", actor="ann")
    (event,) = rows(world, AuditEvent)
    assert (event.actor, event.details["reason"]) == ("ann", "counted twice ?")


@dataclass(slots=True, kw_only=True)
class NamelessPlace(FakeBackOffice):
    """A back office with a location that has no id."""

    def probe(self) -> AccountInfo:
        places = (Location(location_id="", name="Main"),)
        return AccountInfo(account_id=self.office.account_id, name=self.office.name, locations=places)


@dataclass
class NamelessPlugin:
    fake: object
    platform = "fake-office"
    door = None
    consent = None

    @property
    def role(self):
        return self.fake.role

    def backoffice(self, account):
        made = self.fake.backoffice(account)
        return NamelessPlace(account=made.account, office=made.office)


def test_a_back_office_that_tells_of_itself_what_cannot_be_kept_is_not_connected(world):
    engine = replace(world.engine, plugins={"fake-office": NamelessPlugin(world.engine.plugins["fake-office"])})
    with pytest.raises(NotPossible, match="location: an id has"):
        backoffice.connect_backoffice(
            engine, world.merchant_id, "fake-office", {"office": world.office.account_id}, {}, actor="ann"
        )
    engine = replace(engine, connectors=Connectors())
    polled = poll.catalogue(engine, hold(world, "readings"), world.merchant_id)
    assert "location: an id has" in polled.failure
