"""A merchant in memory: two stores, a back office, an engine on a real database, and a hand that takes the steps.

Stores are `FakeShop`s: `a` compares, `b` cannot. Time stands still but for `pass_time`. Nothing is patched: what a test
sees is what the steps do.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import Session, select

from connectors.sdk.fake import FakeBackOfficePlugin, FakeOffice, FakePlugin, FakeShop
from connectors.sdk.fake.post import TOPICS
from schema.tables import (
    BackOffice,
    Connection,
    ConnectionRole,
    ConnectionState,
    Delivery,
    Issue,
    Lease,
    Listing,
    Location,
    Match,
    Merchant,
    PoolLocation,
    StockItem,
)
from syncd.clock import ManualClock
from syncd.config import Settings
from syncd.engine import golive, intake, ledger, look, poll, pull, push, record
from syncd.engine.connectors import Connectors
from syncd.engine.context import Engine
from syncd.engine.database import open_database
from syncd.engine.desired import refresh
from syncd.engine.leases import Held, acquire
from syncd.engine.vault import Keyring, new_key

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class Market:
    """The parts, and what a test does with them."""

    engine: Engine
    clock: ManualClock
    shops: dict[str, FakeShop]
    office: FakeOffice
    ids: dict[str, int] = field(default_factory=dict)
    merchant_id: int = 0
    location_id: int = 0

    # ------------------------------------------------------------------------------------------ building

    def sku(self, sku: str, on_hand: int, shows: int | None = None) -> None:
        """An SKU that the back office and both stores have, linked."""
        self.office.add_item(sku, {"L1": on_hand})
        for name, shop in self.shops.items():
            external_id = shop.add_item(sku, on_hand if shows is None else shows)
            with self.engine.database.transaction() as session:
                self._list(session, self.ids[name], shop, external_id, sku)
        with self.engine.database.transaction() as session:
            item = self.office.item(sku)
            self._add_listing(session, self.ids["office"], item.external_id, item.ref.stock_id, item.ref.parent_id, sku)

    def _list(self, session: Session, connection_id: int, shop: FakeShop, external_id: str, sku: str) -> None:
        item = shop.items[external_id]
        self._add_listing(session, connection_id, external_id, item.ref.stock_id, item.ref.parent_id, sku)

    def _add_listing(
        self, session: Session, connection_id: int, external_id: str, stock_id: str, parent_id: str | None, sku: str
    ) -> None:
        now = self.clock.now()
        figure = StockItem(connection_id=connection_id, external_id=stock_id, parent_id=parent_id)
        session.add(figure)
        session.flush()
        session.add(
            Listing(
                merchant_id=self.merchant_id,
                connection_id=connection_id,
                external_id=external_id,
                stock_item_id=figure.id,
                external_sku=sku,
                sku=sku,
                match=Match.LINKED,
                seen_at=now,
                linked_at=now,
            )
        )

    def go_live(self, *names: str) -> None:
        """Make stores live and settle."""
        for name in names or tuple(self.shops):
            golive.go_live(self.engine, self.held(f"store:{self.ids[name]}"), self.ids[name], actor="ann")
        self.settle()

    # ------------------------------------------------------------------------------------------ time and steps

    def held(self, name: str) -> Held:
        """The lease of this name, taken anew."""
        return self._release_and_take(name)

    def forget_leases(self) -> None:
        """The process is gone; nobody renews what it held."""
        with self.engine.database.transaction() as session:
            for lease in session.exec(select(Lease)).all():
                session.delete(lease)
        self._leases.clear()

    def _release_and_take(self, name: str) -> Held:
        held = acquire(self.engine, name, duration=timedelta(days=1000))
        if held is None:
            held = self._leases[name]
        self._leases[name] = held
        return held

    _leases: dict[str, Held] = field(default_factory=dict)

    def pass_time(self, seconds: float) -> None:
        """Time goes on; nothing else happens."""
        self.clock.advance(timedelta(seconds=seconds))

    def deliver(self, *names: str, shuffle: Callable[[list[object]], None] | None = None, times: int = 1) -> int:
        """Store the deliveries that the shops have sent, as the inbox would."""
        count = 0
        for name in names or tuple(self.shops):
            posted = self.shops[name].take_deliveries()
            if shuffle:
                shuffle(posted)
            for headers, body in posted:
                for copy in range(times):
                    count += self.store_delivery(name, headers, body, copy)
        return count

    def store_delivery(self, name: str, headers: Mapping[str, str], body: bytes, copy: int = 0) -> int:
        """Put one delivery into the inbox; copies get keys of their own, so that nothing hides them."""
        door = self.engine.plugins["fake"].door
        assert door is not None
        with self.engine.database.transaction() as session:
            session.add(
                Delivery(
                    connection_id=self.ids[name],
                    key=f"{door.delivery_key(headers, body)}:{copy}",
                    topic=door.topic(headers, body),
                    headers=dict(headers),
                    body=body,
                    received_at=self.clock.now(),
                )
            )
        return 1

    def take_in(self) -> None:
        """Apply what is in the inbox, and read again what was doubtful."""
        intake.apply_new(self.engine)
        for name in self.shops:
            intake.reread_due(self.engine, self.ids[name])

    def push(self, name: str) -> int:
        return push.push_owed(self.engine, self.held(f"store:{self.ids[name]}"), self.ids[name])

    def look(self, name: str) -> int:
        return look.look_due(self.engine, self.held(f"store:{self.ids[name]}"), self.ids[name])

    def pull(self, name: str) -> int:
        return pull.pull_orders(self.engine, self.held(f"store:{self.ids[name]}"), self.ids[name])

    def record(self) -> int:
        return record.record_due(self.engine, self.held(f"backoffice:{self.merchant_id}"), self.merchant_id)

    def sweep(self) -> None:
        poll.sweep(self.engine, self.held(f"backoffice:{self.merchant_id}"), self.merchant_id)

    def rereads(self) -> None:
        poll.rereads(self.engine, self.held(f"backoffice:{self.merchant_id}"), self.merchant_id)

    def settle(self, rounds: int = 30) -> None:
        """Take every step until nothing more happens; time stands still."""
        for _ in range(rounds):
            self.deliver()
            self.take_in()
            did = self.record()
            self.sweep()
            self.rereads()
            for name in self.shops:
                did += self.push(name) + self.look(name)
            if not did:
                return

    def calm(self, seconds: float = 400, every: float = 100) -> None:
        """Let time pass and take the steps, long enough for every grace, settling time and quarantine."""
        for _ in range(int(seconds / every)):
            self.settle()
            self.pass_time(every)
        self.settle()

    # ------------------------------------------------------------------------------------------ seeing

    def shows(self, sku: str) -> dict[str, int]:
        """What each store shows."""
        return {name: shop.stock(sku) for name, shop in self.shops.items()}

    def cache(self, sku: str) -> tuple[int | None, int]:
        """(on hand, open)."""
        with self.engine.database.transaction() as session:
            row = ledger.cache_row(session, self.merchant_id, self.location_id, sku, now=self.clock.now())
            return row.on_hand, row.open

    def item(self, name: str, sku: str) -> StockItem:
        with self.engine.database.reading() as session:
            return session.exec(
                select(StockItem)
                .join(Listing, Listing.stock_item_id == StockItem.id)
                .where(StockItem.connection_id == self.ids[name], Listing.sku == sku)
            ).one()

    def rows(self, table: type) -> list:
        """Every row of a table."""
        with self.engine.database.reading() as session:
            return list(session.exec(select(table)).all())

    def issues(self) -> list[str]:
        """Kinds of the open issues."""
        return sorted(issue.kind for issue in self.rows(Issue) if issue.state == "open")

    def writes(self, name: str) -> int:
        """How many write calls a store has had."""
        return self.shops[name].wire.calls["write_stock"]

    def ledger_is_whole(self) -> bool:
        with self.engine.database.reading() as session:
            return ledger.verify(session, self.merchant_id) == []

    def change(self, table: type, row_id: int, **values: object) -> None:
        """Change a row as an operator's command would."""
        with self.engine.database.transaction() as session:
            row = session.get_one(table, row_id)
            for name, value in values.items():
                setattr(row, name, value)

    def refresh(self, *skus: str) -> None:
        with self.engine.database.transaction() as session:
            refresh(session, self.merchant_id, skus)


def make_market(url: str, home: Path, *, record: str = "paid") -> Market:
    """A market on an empty, migrated database; stores are in shadow."""
    clock = ManualClock(NOON)
    stores, offices = FakePlugin(), FakeBackOfficePlugin()
    shops = {
        "a": stores.add(FakeShop(clock=clock, account_id="a.example", compares=True)),
        "b": stores.add(FakeShop(clock=clock, account_id="b.example", compares=False)),
    }
    office = offices.add(FakeOffice(clock=clock))
    engine = Engine(
        database=open_database(url),
        clock=clock,
        settings=Settings(home=home),
        keyring=Keyring([new_key()]),
        plugins={"fake": stores, "fake-office": offices},
        connectors=Connectors(),
        random=random.Random(1),
        holder="test",
    )
    market = Market(engine=engine, clock=clock, shops=shops, office=office)
    with engine.database.transaction() as session:
        _fill(market, session, record)
    return market


def _fill(market: Market, session: Session, record: str) -> None:
    now = market.clock.now()
    merchant = Merchant(name="Mwangaza", created_at=now)
    session.add(merchant)
    session.flush()
    market.merchant_id = merchant.id
    place = Location(merchant_id=merchant.id, external_id="L1", name="Main", is_default=True)
    session.add(place)
    session.flush()
    market.location_id = place.id
    _connect(
        market, session, "office", "fake-office", {"office": market.office.account_id}, ConnectionState.LIVE, record
    )
    for name, shop in market.shops.items():
        shop.post.subscriptions = dict.fromkeys(TOPICS, f"https://syncd.example/{name}")
        _connect(market, session, name, "fake", {"shop": shop.account_id}, ConnectionState.SHADOW, record)
        session.add(PoolLocation(connection_id=market.ids[name], location_id=place.id))
    session.add(BackOffice(merchant_id=merchant.id, connection_id=market.ids["office"]))


def _connect(
    market: Market,
    session: Session,
    name: str,
    platform: str,
    settings: dict[str, str],
    state: ConnectionState,
    record: str,
) -> None:
    now = market.clock.now()
    is_office = name == "office"
    row = Connection(
        merchant_id=market.merchant_id,
        name=name,
        code=name,
        public_id=f"public-{name}",
        platform=platform,
        role=ConnectionRole.BACKOFFICE if is_office else ConnectionRole.STORE,
        state=state,
        record=record,
        account_id=f"{name}.example",
        currency="KES",
        settings=settings,
        credentials=market.engine.keyring.seal({}),
        live_at=now if is_office else None,
        created_at=now,
    )
    session.add(row)
    session.flush()
    market.ids[name] = row.id
