"""Connecting, reconnecting, pausing and disconnecting, as a person meets it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from sqlmodel import select

from connectors.sdk.contract import Consent
from connectors.sdk.errors import AccessDenied, ConnectorError, Refused
from connectors.sdk.fake import FakeOffice, FakeShop
from connectors.sdk.fake.store import FakeStore
from connectors.sdk.values import AccountInfo, Location
from schema.tables import (
    BackOffice,
    Connection,
    ConnectionState,
    InventoryCache,
    Issue,
    IssueState,
    Listing,
    Match,
    Merchant,
    OAuthState,
    Order,
)
from syncd.config import WebSettings
from syncd.engine import backoffice, connect, connections, consents, leaving, stock_view
from syncd.engine.connect import StoreRequest
from syncd.engine.failures import lost_access
from syncd.errors import NotPossible

ACTOR = "ada@example.com"
CALLED = "https://sync.example.com"


@pytest.fixture
def engine(engine):
    settings = engine.settings.model_copy(update={"web": WebSettings(public_url=CALLED)})
    return replace(engine, settings=settings)


@pytest.fixture
def merchant_id(engine):
    with engine.database.transaction() as session:
        merchant = Merchant(name="Mwangaza", created_at=engine.clock.now())
        session.add(merchant)
        session.flush()
        return merchant.id


@pytest.fixture
def office(engine, clock):
    office = engine.plugins["fake-office"].add(FakeOffice(clock=clock))
    office.add_item("MUG", {"L1": 5, "L2": 7})
    return office


@pytest.fixture
def shop(engine, clock):
    shop = engine.plugins["fake"].add(FakeShop(clock=clock))
    shop.add_item("MUG", 4)
    return shop


def set_office(engine, merchant_id, office, location="L1"):
    return backoffice.connect_backoffice(
        engine, merchant_id, "fake-office", {"office": office.account_id}, {}, location=location, actor=ACTOR
    )


def wanted(merchant_id, shop, **more):
    return StoreRequest(
        merchant_id=merchant_id, platform="fake", settings={"shop": shop.account_id}, actor=ACTOR, **more
    )


def connected(engine, merchant_id, shop, **more):
    credentials = {"webhook_secret": shop.webhook_secret}
    return connect.connect_store(engine, wanted(merchant_id, shop, **more), credentials)


def row(engine, connection_id) -> Connection:
    with engine.database.reading() as session:
        return session.get_one(Connection, connection_id)


def count(engine, table):
    with engine.database.reading() as session:
        return len(session.exec(select(table)).all())


# ------------------------------------------------------------------------------------------- the back office


def test_a_back_office_is_read_once_when_it_is_set(engine, merchant_id, office):
    done = set_office(engine, merchant_id, office)
    assert (done.location, done.warnings) == ("L1", ())
    with engine.database.reading() as session:
        found = stock_view.stock_of(session, merchant_id, "MUG")
        assert [(each.location, each.on_hand) for each in found] == [("L1", 5), ("L2", 7)]
        assert session.get_one(Merchant, merchant_id).currency == "KES"


def test_a_back_office_with_several_locations_asks_which(engine, merchant_id, office):
    with pytest.raises(NotPossible, match=r"L1 \(Main\); L2 \(Depot\)"):
        set_office(engine, merchant_id, office, location=None)
    assert count(engine, Connection) == 0
    assert count(engine, BackOffice) == 0


def test_a_location_may_be_named(engine, merchant_id, office):
    assert set_office(engine, merchant_id, office, location="Depot").location == "L2"


def test_setting_the_same_back_office_again_keeps_its_connection(engine, merchant_id, office):
    first = set_office(engine, merchant_id, office)
    assert set_office(engine, merchant_id, office, location="L2").connection_id == first.connection_id


def test_another_back_office_is_not_put_under_live_stores(engine, merchant_id, office, shop, clock):
    set_office(engine, merchant_id, office)
    connected(engine, merchant_id, shop, live=True)
    other = engine.plugins["fake-office"].add(FakeOffice(clock=clock, account_id="other.example"))
    with pytest.raises(NotPossible, match="rest on Fake Office"):
        set_office(engine, merchant_id, other)
    with engine.database.reading() as session:
        assert session.exec(select(Connection.account_id).where(Connection.platform == "fake-office")).all() == [
            "fake-office.example"
        ]


def test_the_own_ledger_has_a_location_and_links_what_is_counted(engine, merchant_id, shop):
    done = backoffice.set_ledger(engine, merchant_id, actor=ACTOR)
    assert (done.connection_id, done.location) == (None, "main")
    connected(engine, merchant_id, shop)
    with engine.database.reading() as session:
        assert session.exec(select(Listing.match)).all() == [Match.UNMATCHED]


# ------------------------------------------------------------------------------------------- a store


def test_a_store_is_connected_in_shadow_with_its_products_and_webhooks(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    done = connected(engine, merchant_id, shop)
    found = row(engine, done.connection_id)
    assert (done.name, done.listings, done.warnings, done.is_live) == ("Fake Shop", 1, (), False)
    assert (found.state, found.code) == (ConnectionState.SHADOW, "fake-shop")
    assert set(shop.post.subscriptions.values()) == {f"{CALLED}/connections/webhook/fake/{found.public_id}"}
    assert engine.keyring.open(found.credentials) == {"webhook_secret": shop.webhook_secret}


def test_no_store_is_connected_before_somebody_knows_what_is_on_the_shelf(engine, merchant_id, shop):
    with pytest.raises(NotPossible, match="backoffice set"):
        connected(engine, merchant_id, shop)


def test_the_same_store_is_not_connected_twice(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    connected(engine, merchant_id, shop, name="Gifts & Tins")
    with pytest.raises(NotPossible, match="Already connected as Gifts & Tins"):
        connected(engine, merchant_id, shop)


def test_credentials_that_do_not_work_leave_nothing_behind(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    shop.faults.is_denied = True
    with pytest.raises(AccessDenied):
        connected(engine, merchant_id, shop)
    assert count(engine, Connection) == 1


def test_codes_are_short_and_no_two_connections_share_one(engine, merchant_id, office, clock):
    set_office(engine, merchant_id, office)
    codes = []
    for number in range(3):
        shop = engine.plugins["fake"].add(
            FakeShop(clock=clock, account_id=f"s{number}.example", name="Gifts & Tins of Nairobi")
        )
        codes.append(row(engine, connected(engine, merchant_id, shop).connection_id).code)
    assert codes == ["gifts-tins-o", "gifts-tins-2", "gifts-tins-3"]


def test_a_pool_of_locations_adds_up(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    done = connected(engine, merchant_id, shop, locations=("L1", "Depot"))
    with engine.database.reading() as session:
        assert connections.view(session, session.get_one(Connection, done.connection_id)).locations == ("L1", "L2")
        listings = stock_view.stock_of(session, merchant_id, "MUG")[0].listings
    assert [listing.desired for listing in listings] == [12]


def test_an_unknown_location_is_refused_with_those_there_are(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    with pytest.raises(NotPossible, match=r"no location 'L9'. There are: L1 \(Main\)"):
        connected(engine, merchant_id, shop, locations=("L9",))
    assert count(engine, Connection) == 1


@dataclass(slots=True, kw_only=True)
class TwoPlaces(FakeStore):
    """A store that has two locations of its own."""

    def probe(self) -> AccountInfo:
        places = tuple(Location(location_id=one, name=one.upper()) for one in ("gid://x/1", "gid://x/2"))
        return AccountInfo(account_id=self.shop.account_id, name=self.shop.name, locations=places)


@dataclass
class TwoPlacesPlugin:
    fake: object
    platform = "fake"
    door = None
    consent = None

    @property
    def role(self):
        return self.fake.role

    def store(self, account):
        made = self.fake.store(account)
        return TwoPlaces(account=made.account, shop=made.shop)


def test_a_store_with_several_locations_of_its_own_asks_which(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    engine = replace(engine, plugins={**engine.plugins, "fake": TwoPlacesPlugin(engine.plugins["fake"])})
    with pytest.raises(NotPossible, match="--store-location"):
        connected(engine, merchant_id, shop)
    settings = {"shop": shop.account_id, "store_location": "2"}
    done = connect.connect_store(engine, replace(wanted(merchant_id, shop), settings=settings), {})
    assert row(engine, done.connection_id).settings["store_location"] == "gid://x/2"


def test_going_live_at_once_is_one_step(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    done = connected(engine, merchant_id, shop, live=True)
    assert done.is_live
    assert row(engine, done.connection_id).state is ConnectionState.LIVE


# ------------------------------------------------------------------------------------------- afterwards


def test_a_store_that_lost_access_is_reconnected_and_its_sales_are_fetched(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    done = connected(engine, merchant_id, shop, live=True)
    with engine.database.transaction() as session:
        lost_access(session, session.get_one(Connection, done.connection_id), "gone", engine.clock.now())
    shop.sell({"MUG": 1})
    connect.reconnect(engine, done.connection_id, {"webhook_secret": "whsec_bmV3"}, actor=ACTOR)
    found = row(engine, done.connection_id)
    assert found.state is ConnectionState.LIVE
    assert engine.keyring.open(found.credentials) == {"webhook_secret": "whsec_bmV3"}
    with engine.database.reading() as session:
        assert len(session.exec(select(Order)).all()) == 1
        assert session.exec(select(Issue.kind).where(Issue.state == IssueState.OPEN)).all() == []


def test_credentials_of_another_account_do_not_reconnect_a_store(engine, merchant_id, office, shop, clock):
    set_office(engine, merchant_id, office)
    done = connected(engine, merchant_id, shop)
    shop.account_id = "other.example"
    with pytest.raises(NotPossible, match="Nothing was changed"):
        connect.reconnect(engine, done.connection_id, {}, actor=ACTOR)


def test_a_paused_store_pulls_before_it_goes_on(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    done = connected(engine, merchant_id, shop, live=True)
    connections.pause(engine, done.connection_id, actor=ACTOR)
    shop.sell({"MUG": 1})
    shop.faults.is_down = True
    with pytest.raises(ConnectorError):
        connections.resume(engine, done.connection_id, actor=ACTOR)
    assert row(engine, done.connection_id).state is ConnectionState.PAUSED
    shop.faults.is_down = False
    connections.resume(engine, done.connection_id, actor=ACTOR)
    assert row(engine, done.connection_id).state is ConnectionState.LIVE
    with engine.database.reading() as session:
        assert session.exec(select(InventoryCache.open).where(InventoryCache.location_id == 1)).one() == 1


def test_a_disconnected_store_keeps_its_history_and_loses_its_key_and_webhooks(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    done = connected(engine, merchant_id, shop, live=True)
    assert leaving.disconnect(engine, done.connection_id, actor=ACTOR) == ()
    found = row(engine, done.connection_id)
    assert (found.state, engine.keyring.open(found.credentials)) == (ConnectionState.DISCONNECTED, {})
    assert shop.post.subscriptions == {}
    assert count(engine, Listing) == 2
    with engine.database.reading() as session:
        assert stock_view.stock_of(session, merchant_id, "MUG")[0].listings == ()


def test_a_store_that_is_connected_again_takes_up_its_connection(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    first = connected(engine, merchant_id, shop, name="Gifts", locations=("L2",), live=True)
    leaving.disconnect(engine, first.connection_id, actor=ACTOR)
    second = connected(engine, merchant_id, shop)
    assert (second.connection_id, second.name, second.is_live) == (first.connection_id, "Gifts", False)
    with engine.database.reading() as session:
        found = connections.view(session, session.get_one(Connection, second.connection_id))
    assert (found.code, found.state, found.locations) == ("gifts", "shadow", ("L2",))
    assert count(engine, Listing) == 2
    assert shop.post.subscriptions != {}


def test_a_store_that_is_connected_again_may_have_another_name_and_pool(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    first = connected(engine, merchant_id, shop, name="Gifts")
    leaving.disconnect(engine, first.connection_id, actor=ACTOR)
    connected(engine, merchant_id, shop, name="Tins", locations=("L2",))
    with engine.database.reading() as session:
        found = connections.view(session, session.get_one(Connection, first.connection_id))
    assert (found.name, found.locations) == ("Tins", ("L2",))


def test_another_store_gets_the_name_of_one_that_is_disconnected(engine, merchant_id, office, shop, clock):
    set_office(engine, merchant_id, office)
    first = connected(engine, merchant_id, shop)
    leaving.disconnect(engine, first.connection_id, actor=ACTOR)
    other = engine.plugins["fake"].add(FakeShop(clock=clock, account_id="other.example", name="Fake Shop"))
    second = connected(engine, merchant_id, other)
    assert (second.name, row(engine, second.connection_id).code) == ("Fake Shop", "fake-shop-2")
    assert row(engine, first.connection_id).name.startswith("Fake Shop (until 2026-11-21")
    assert connected(engine, merchant_id, shop).name == "Fake Shop 2"


def test_the_back_office_is_not_disconnected_like_a_store(engine, merchant_id, office):
    done = set_office(engine, merchant_id, office)
    with pytest.raises(NotPossible, match="backoffice set"):
        leaving.disconnect(engine, done.connection_id, actor=ACTOR)


def test_a_store_is_renamed_and_given_another_pool(engine, merchant_id, office, shop):
    set_office(engine, merchant_id, office)
    done = connected(engine, merchant_id, shop)
    connections.change(engine, done.connection_id, name="Gifts", locations=("L2",), record="placed", actor=ACTOR)
    with engine.database.reading() as session:
        found = connections.view(session, connections.find(session, merchant_id, "gifts"))
        listings = [each.listings for each in stock_view.stock_of(session, merchant_id, "MUG")]
    assert (found.name, found.code, found.locations, found.record) == ("Gifts", "fake-shop", ("L2",), "placed")
    assert [[each.desired for each in group] for group in listings] == [[], [7]]


# ------------------------------------------------------------------------------------------- by consent


@dataclass
class Page:
    """A platform's page of approval."""

    credentials: Mapping[str, str]

    def begin(self, settings, *, callback_url, return_url, state):
        return Consent(url=f"https://shop.example/approve?back={callback_url}&state={state}", state=state)

    def finish(self, settings, *, query, body, state, callback_url, transport, now):
        if query.get("hmac") != "right":
            raise Refused("This approval was not signed by the platform.")
        return self.credentials


@pytest.fixture
def page(engine, shop):
    engine.plugins["fake"].consent = Page({"webhook_secret": shop.webhook_secret})


def begun(engine, merchant_id, shop):
    return consents.begin(engine, wanted(merchant_id, shop), {})


def test_an_approved_store_is_connected_by_whoever_completes_it(engine, merchant_id, office, shop, page):
    set_office(engine, merchant_id, office)
    consent = begun(engine, merchant_id, shop)
    assert f"back={CALLED}/connections/callback/fake" in consent.url
    assert consents.outcome(engine, consent.state) is None
    consents.finish(engine, "fake", consent.state, {"hmac": "right"}, b"")
    assert consents.complete_all(engine) == 1
    done = consents.outcome(engine, consent.state)
    assert (done.name, done.listings) == ("Fake Shop", 1)
    assert consents.complete_all(engine) == 0
    with engine.database.reading() as session:
        assert engine.keyring.open_bytes(session.exec(select(OAuthState.request)).one()) == b""


def test_an_approval_is_used_once(engine, merchant_id, office, shop, page):
    set_office(engine, merchant_id, office)
    consent = begun(engine, merchant_id, shop)
    consents.finish(engine, "fake", consent.state, {"hmac": "right"}, b"")
    with pytest.raises(NotPossible, match="Start again"):
        consents.finish(engine, "fake", consent.state, {"hmac": "right"}, b"")


def test_an_approval_that_did_not_start_here_or_is_too_old_connects_nothing(engine, merchant_id, office, shop, page):
    set_office(engine, merchant_id, office)
    consent = begun(engine, merchant_id, shop)
    with pytest.raises(NotPossible, match="did not start here"):
        consents.finish(engine, "fake", "another", {"hmac": "right"}, b"")
    engine.clock.advance(consents.CONSENT_FOR)
    with pytest.raises(NotPossible, match="older than 10 minutes"):
        consents.finish(engine, "fake", consent.state, {"hmac": "right"}, b"")


def test_a_forged_approval_leaves_the_attempt_open_for_the_right_one(engine, merchant_id, office, shop, page):
    set_office(engine, merchant_id, office)
    consent = begun(engine, merchant_id, shop)
    with pytest.raises(Refused):
        consents.finish(engine, "fake", consent.state, {"hmac": "wrong"}, b"")
    consents.finish(engine, "fake", consent.state, {"hmac": "right"}, b"")
    assert consents.outcome(engine, consent.state) is not None


def test_what_fails_after_an_approval_is_told_to_whoever_waits(engine, merchant_id, office, shop, page):
    set_office(engine, merchant_id, office)
    consent = begun(engine, merchant_id, shop)
    consents.finish(engine, "fake", consent.state, {"hmac": "right"}, b"")
    shop.faults.is_denied = True
    with pytest.raises(NotPossible, match="does not accept"):
        consents.outcome(engine, consent.state)
    assert count(engine, Connection) == 1
