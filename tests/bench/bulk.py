"""A shop of many products on both stores, without sockets: the engine's steps on the simulated platforms' own answers."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
from sqlmodel import Session, select

from connectors.sdk.http import Transport
from schema.tables import InventoryCache, Merchant, MovementKind
from syncd.clock import ManualClock
from syncd.config import load_settings
from syncd.engine import backoffice, connect, desired, ledger, look, push, reconcile
from syncd.engine.connectors import Connectors
from syncd.engine.context import Engine
from syncd.engine.init import make_home
from syncd.engine.leases import Held, acquire
from syncd.engine.locations import places_of
from syncd.engine.opening import opened
from syncd.sandbox.shopify import SimulatedShopify, catalogue
from syncd.sandbox.wire import Platform, transport
from syncd.sandbox.woocommerce import SimulatedWooCommerce

SHOP = "demo.myshopify.com"
WOOCOMMERCE = "http://woo.example"
SHOPIFY = "https://shopify.example"
FIRST = 50


class Router(httpx.BaseTransport):
    """Sends each request to the platform of its host."""

    def __init__(self, platforms: dict[str, Platform]) -> None:
        self._platforms = {host: transport(platform) for host, platform in platforms.items()}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._platforms[request.url.host].handle_request(request)


@dataclass(slots=True, kw_only=True)
class Calls:
    """Requests of one step, from the platforms' own books."""

    reads: int
    writes: int


@dataclass(slots=True, kw_only=True)
class Warehouse:
    """A merchant on syncd's own ledger, and the leases that a daemon would hold."""

    engine: Engine
    shopify: SimulatedShopify
    woocommerce: SimulatedWooCommerce
    skus: tuple[str, ...]
    merchant_id: int = 0
    place: str = ""
    ids: dict[str, int] = field(default_factory=dict)
    _held: dict[str, Held] = field(default_factory=dict)

    def lease(self, store: str) -> Held:
        if store not in self._held:
            held = acquire(self.engine, f"store:{self.ids[store]}", duration=timedelta(hours=1))
            assert held is not None
            self._held[store] = held
        return self._held[store]

    def count_all(self, quantity: int) -> None:
        """Somebody counts the whole shelf: every product has this many now."""
        now = self.engine.clock.now()
        with self.engine.database.transaction() as session:
            (location,) = places_of(session, self.merchant_id, [self.place])
            stock = {row.sku: row.on_hand or 0 for row in _cached(session, self.merchant_id)}
            for sku in self.skus:
                ledger.add_movement(
                    session,
                    merchant_id=self.merchant_id,
                    location_id=location.id,
                    sku=sku,
                    kind=MovementKind.ADJUSTMENT,
                    on_hand_delta=quantity - stock.get(sku, 0),
                    value=quantity,
                    source="ledger",
                    event=f"count:{sku}:{quantity}",
                    occurred_at=now,
                    now=now,
                )
            desired.refresh(session, self.merchant_id, self.skus)

    def push(self, store: str) -> int:
        """How many figures were set."""
        return push.push_owed(self.engine, self.lease(store), self.ids[store])

    def compare(self, store: str) -> None:
        """A whole unchanged pass: read everything, look where something differs, push what is owed."""
        reconcile.reconcile(self.engine, self.lease(store), self.ids[store])
        look.look_due(self.engine, self.lease(store), self.ids[store])
        self.push(store)

    def calls(self, store: str) -> Calls:
        """What the store's books say of stock writes and of everything else, up to now."""
        if store == "woocommerce":
            books = self.woocommerce.books
            return Calls(reads=sum(books.reads.values()), writes=sum(books.writes.values()))
        log = self.shopify.log()
        return Calls(reads=sum(log["reads"].values()), writes=sum(log["writes"].values()))

    def shown(self, store: str) -> Counter[int]:
        """How many products show which number."""
        if store == "woocommerce":
            return Counter(self.woocommerce.people.stock().values())
        shop = self.shopify.shop
        return Counter(shop.available(variant.item) for variant in shop.variants.values())


def _cached(session: Session, merchant_id: int) -> Sequence[InventoryCache]:
    return session.exec(select(InventoryCache).where(InventoryCache.merchant_id == merchant_id)).all()


@contextmanager
def warehouse(folder: Path, database_url: str, products: int = 1000) -> Iterator[Warehouse]:
    """Both stores with these many simple products, connected, live, looked at, at rest."""
    time = ManualClock(datetime.now(UTC))  # what a platform makes us wait passes at once
    clock = time.now
    shopify = SimulatedShopify(shop=SHOP, clock=clock, random=random.Random(1), currency="KES")
    woocommerce = SimulatedWooCommerce(clock=clock, random=random.Random(2), url=WOOCOMMERCE)
    woocommerce.shop.rules.currency = "KES"
    skus = tuple(f"SKU-{n:05}" for n in range(products))
    for sku in skus:
        shopify.act(catalogue.stock_product, sku, title=sku, price=Decimal(10), quantity=FIRST)
        woocommerce.people.add_product(sku, FIRST)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(
        f'[database]\nurl = "{database_url}"\n[web]\npublic_url = "https://syncd.example"\n'
        '[security]\nallow_private_addresses = true\n[lease]\nduration = "1h"\n[log]\nlevel = "warning"\n'
    )
    make_home(folder)
    router: Transport = Router({"shopify.example": shopify, "woo.example": woocommerce})
    with opened(load_settings(folder)) as assembled:
        engine = replace(assembled, clock=time, connectors=Connectors(transport=lambda: router))
        found = Warehouse(engine=engine, shopify=shopify, woocommerce=woocommerce, skus=skus)
        _open(found)
        yield found


def _open(found: Warehouse) -> None:
    engine = found.engine
    with engine.database.reading() as session:
        found.merchant_id = session.exec(select(Merchant.id)).one()
    found.place = backoffice.set_ledger(engine, found.merchant_id, actor="bench").location
    found.count_all(FIRST)
    key = found.woocommerce.key
    wanted = {
        "shopify": (
            {"shop": SHOP, "api_url": SHOPIFY},
            {"access_token": found.shopify.access_token, "webhook_secret": found.shopify.client_secret},
        ),
        "woocommerce": ({"url": WOOCOMMERCE}, {"consumer_key": key.key, "consumer_secret": key.secret}),
    }
    for platform, (settings, credentials) in wanted.items():
        request = connect.StoreRequest(
            merchant_id=found.merchant_id, platform=platform, settings=settings, name=platform, live=True, actor="bench"
        )
        done = connect.connect_store(engine, request, credentials)
        assert done.is_live, done
        found.ids[platform] = done.connection_id
        while look.look_due(engine, found.lease(platform), done.connection_id):
            pass
        found.push(platform)
