"""A merchant in a few words: fake stores, a fake back office, linked SKUs, all stored as if it had been set up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlmodel import Session, col, select

from connectors.sdk.fake import FakeBackOfficePlugin, FakeOffice, FakePlugin, FakeShop
from schema.tables import (
    BackOffice,
    Connection,
    ConnectionRole,
    ConnectionState,
    Listing,
    Location,
    Match,
    Merchant,
    MovementKind,
    PoolLocation,
    RecordPolicy,
    StockItem,
)
from syncd.clock import ManualClock
from syncd.engine import desired, ledger
from syncd.engine.context import Engine

AN_HOUR = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class World:
    """What `merchant_with` made; stores and connections by the store's name, locations by their external id."""

    engine: Engine
    clock: ManualClock
    merchant_id: int
    office: FakeOffice | None = None
    backoffice_id: int | None = None
    stores: dict[str, FakeShop] = field(default_factory=dict)
    connection_ids: dict[str, int] = field(default_factory=dict)
    location_ids: dict[str, int] = field(default_factory=dict)

    def connection(self, name: str) -> Connection:
        """The stored connection of a store."""
        with self.engine.database.reading() as session:
            return session.get_one(Connection, self.connection_ids[name])

    def stock_item(self, name: str, sku: str) -> StockItem:
        """The external figure behind a SKU of a store."""
        with self.engine.database.reading() as session:
            return session.exec(
                select(StockItem)
                .join(Listing, col(Listing.stock_item_id) == StockItem.id)
                .where(Listing.connection_id == self.connection_ids[name], Listing.sku == sku)
            ).one()


def make_world(
    engine: Engine,
    clock: ManualClock,
    *,
    stores: Iterable[str] = ("A", "B"),
    skus: Mapping[str, int] | None = None,
    office: bool = True,
    state: ConnectionState = ConnectionState.LIVE,
    record: RecordPolicy = RecordPolicy.PAID,
    compares: bool = True,
    locations: Iterable[str] = ("L1",),
    name: str = "Merchant",
) -> World:
    """A merchant whose stores are in `state` since an hour, with these SKUs everywhere. `office=False`: own ledger."""
    with engine.database.transaction() as session:
        merchant = Merchant(name=name, currency="KES", created_at=clock.now() - AN_HOUR)
        session.add(merchant)
        session.flush()
        world = World(engine=engine, clock=clock, merchant_id=merchant.id)
        _add_locations(session, world, locations)
        _add_backoffice(session, world, exists=office)
        for store in stores:
            add_store(session, world, store, state=state, record=record, compares=compares)
        for sku, quantity in ({"MUG": 5} if skus is None else skus).items():
            add_sku(session, world, sku, quantity)
    clock.advance(timedelta(seconds=1))
    return world


def add_store(
    session: Session,
    world: World,
    name: str,
    *,
    state: ConnectionState = ConnectionState.LIVE,
    record: RecordPolicy = RecordPolicy.PAID,
    compares: bool = True,
) -> FakeShop:
    """A further store of this merchant, with nothing in it."""
    account_id = f"{name.lower()}-{world.merchant_id}.example"
    plugin: FakePlugin = world.engine.plugins["fake"]
    shop = plugin.add(FakeShop(clock=world.clock, account_id=account_id, name=name, compares=compares))
    live_at = world.clock.now() - AN_HOUR if state is ConnectionState.LIVE else None
    row = _connection(world, name, "fake", account_id)
    row.role, row.state, row.record, row.live_at, row.live_since = (
        ConnectionRole.STORE,
        state,
        record,
        live_at,
        live_at,
    )
    row.settings = {"shop": account_id}
    row.credentials = world.engine.keyring.seal({"webhook_secret": shop.webhook_secret})
    row.orders_cursor = world.clock.now() - AN_HOUR
    session.add(row)
    session.flush()
    world.stores[name], world.connection_ids[name] = shop, row.id
    for position, location_id in enumerate(world.location_ids.values()):
        session.add(PoolLocation(connection_id=row.id, location_id=location_id, position=position))
    session.flush()
    return shop


def add_sku(session: Session, world: World, sku: str, quantity: int) -> None:
    """A SKU with this many units at the first location and in every store, linked, in step."""
    first, now = next(iter(world.location_ids)), world.clock.now()
    if world.office is not None:
        external_id = world.office.add_item(sku, {first: quantity})
        _add_listing(session, world, world.backoffice_id, external_id, external_id, f"p{external_id}", sku)
    ledger.add_movement(
        session,
        merchant_id=world.merchant_id,
        location_id=world.location_ids[first],
        sku=sku,
        kind=MovementKind.READING,
        on_hand_delta=quantity,
        value=quantity,
        source="ledger",
        event=f"setup:{sku}",
        occurred_at=now,
        now=now,
    )
    cache = ledger.cache_row(session, world.merchant_id, world.location_ids[first], sku, now=now)
    cache.reading, cache.read_began_at, cache.read_answered_at = quantity, now, now
    for name, shop in world.stores.items():
        external_id = shop.add_item(sku, quantity)
        ref = shop.items[external_id].ref
        item = _add_listing(session, world, world.connection_ids[name], external_id, ref.stock_id, ref.parent_id, sku)
        item.observed, item.fence = quantity, now - AN_HOUR
    session.flush()
    desired.refresh(session, world.merchant_id, [sku])


def _add_listing(
    session: Session, world: World, connection_id: int, external_id: str, stock_id: str, parent_id: str, sku: str
) -> StockItem:
    item = StockItem(connection_id=connection_id, external_id=stock_id, parent_id=parent_id)
    session.add(item)
    session.flush()
    session.add(
        Listing(
            merchant_id=world.merchant_id,
            connection_id=connection_id,
            external_id=external_id,
            stock_item_id=item.id,
            external_sku=sku,
            sku=sku,
            match=Match.LINKED,
            title=f"Item {sku}",
            linked_at=world.clock.now() - AN_HOUR,
            seen_at=world.clock.now(),
        )
    )
    return item


def _connection(world: World, name: str, platform: str, account_id: str) -> Connection:
    return Connection(
        merchant_id=world.merchant_id,
        name=name,
        code=f"{name}-{world.merchant_id}".upper()[:20],
        public_id=f"public-{name}-{world.merchant_id}",
        platform=platform,
        account_id=account_id,
        currency="KES",
        created_at=world.clock.now() - AN_HOUR,
    )


def _add_locations(session: Session, world: World, locations: Iterable[str]) -> None:
    for position, external_id in enumerate(locations):
        row = Location(
            merchant_id=world.merchant_id, external_id=external_id, name=external_id, is_default=position == 0
        )
        session.add(row)
        session.flush()
        world.location_ids[external_id] = row.id


def _add_backoffice(session: Session, world: World, *, exists: bool) -> None:
    if exists:
        account_id = f"office-{world.merchant_id}.example"
        plugin: FakeBackOfficePlugin = world.engine.plugins["fake-office"]
        world.office = plugin.add(FakeOffice(clock=world.clock, account_id=account_id))
        row = _connection(world, "Office", "fake-office", account_id)
        row.role, row.state = ConnectionRole.BACKOFFICE, ConnectionState.LIVE
        row.live_at = row.live_since = world.clock.now() - AN_HOUR
        row.settings, row.credentials = {"office": account_id}, world.engine.keyring.seal({})
        session.add(row)
        session.flush()
        world.backoffice_id = row.id
    session.add(BackOffice(merchant_id=world.merchant_id, connection_id=world.backoffice_id))
    session.flush()
