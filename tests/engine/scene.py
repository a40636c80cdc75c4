"""One merchant with his back office, his stores' orders as told, and the hand that records and polls."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

from sqlmodel import select

from connectors.sdk.values import OrderLine as ToldLine
from connectors.sdk.values import OrderSnapshot, Refund, RefundLine
from schema.tables import Connection, InventoryCache, Issue, IssueState, Location, Order
from syncd.engine import leases, ledger, orders, poll, record
from tests.engine.world import World

QUARANTINE = timedelta(seconds=30 + 150 + 1)


class Scene:
    """One merchant, his stores' orders as told, and the hand that records."""

    def __init__(self, world) -> None:
        self.world, self.engine, self.clock, self.office = world, world.engine, world.clock, world.office
        self.held = leases.acquire(self.engine, f"backoffice:{world.merchant_id}", duration=timedelta(days=30))
        self.told: dict[str, dict] = {}

    def order(self, order_id="1001", *, lines=None, is_paid=True, refunds=(), store="A", **more) -> None:
        """The store tells of an order: line id to (SKU, quantity), refunds as (id, line id, units)."""
        self.clock.advance(timedelta(seconds=1))
        told = self.told.setdefault(order_id, {"lines": {"l1": ("MUG", 2)}, "created_at": self.clock.now()})
        told["lines"] = lines or told["lines"]
        shop = self.world.stores[store]
        snapshot = OrderSnapshot(
            order_id=order_id,
            name=f"#{order_id}",
            version=self.clock.now().replace(microsecond=0),
            created_at=told["created_at"],
            is_paid=is_paid,
            paid_at=self.clock.now() if is_paid else None,
            currency=more.pop("currency", "KES"),
            lines=tuple(
                ToldLine(
                    line_id=line_id,
                    external_id=next(i.external_id for i in shop.items.values() if i.sku == sku),
                    sku=sku,
                    title=sku,
                    quantity=quantity,
                    total=Decimal("10.00") * quantity,
                )
                for line_id, (sku, quantity) in told["lines"].items()
            ),
            refunds=tuple(
                Refund(
                    refund_id=rid,
                    created_at=self.clock.now(),
                    lines=(RefundLine(refund_line_id=f"{rid}-1", line_id=line_id, quantity=units, restocked=True),),
                )
                for rid, line_id, units in refunds
            ),
            **more,
        )
        with self.engine.database.transaction() as session:
            connection = session.get_one(Connection, self.world.connection_ids[store])
            orders.take_in(self.engine, session, connection, snapshot, now=self.clock.now())

    def record(self) -> int:
        self.clock.advance(timedelta(seconds=1))
        return record.record_due(self.engine, self.held, self.world.merchant_id)

    def take_over(self) -> int:
        leases.release(self.engine, self.held)
        self.held = leases.acquire(self.engine, self.held.name, duration=timedelta(days=30))
        return record.take_over(self.engine, self.held, self.world.merchant_id)

    def wait(self, how_long=QUARANTINE) -> None:
        self.clock.advance(how_long)

    def all(self, table) -> list:
        with self.engine.database.reading() as session:
            return list(session.exec(select(table).order_by(table.id)))

    def all_of(self, table) -> list:
        with self.engine.database.reading() as session:
            return list(session.exec(select(table).where(table.merchant_id == self.world.merchant_id)))

    def sweep(self) -> poll.Polled:
        self.clock.advance(timedelta(seconds=1))
        return poll.sweep(self.engine, self.held, self.world.merchant_id)

    def catalogue(self) -> poll.Polled:
        self.clock.advance(timedelta(seconds=1))
        return poll.catalogue(self.engine, self.held, self.world.merchant_id)

    def rereads(self) -> poll.Polled:
        self.clock.advance(timedelta(seconds=1))
        return poll.rereads(self.engine, self.held, self.world.merchant_id)

    def hints(self) -> poll.Polled:
        self.clock.advance(timedelta(seconds=1))
        return poll.hints(self.engine, self.held, self.world.merchant_id)

    def available(self, sku="MUG") -> int:
        on_hand, opened = self.stock(sku)
        return on_hand - opened

    def cache(self, sku="MUG") -> InventoryCache:
        return next(row for row in self.all(InventoryCache) if row.sku == sku)

    def stock(self, sku="MUG", location="L1") -> tuple[int | None, int]:
        place = next(row.id for row in self.all(Location) if row.external_id == location)
        row = next(row for row in self.all(InventoryCache) if row.sku == sku and row.location_id == place)
        return row.on_hand, row.open

    def issues(self) -> list[str]:
        return [row.kind for row in self.all(Issue) if row.state is IssueState.OPEN]

    def sales(self) -> dict[str, int]:
        """Units by invoice number that the office holds as sold and not returned; no number is there twice."""
        records = [one.record for one in self.office.booked.values()]
        assert len({record.invoice_no for record in records}) == len(records)
        return {record.invoice_no: sum(line.quantity - line.returned for line in record.lines) for record in records}

    def owed(self) -> int:
        with self.engine.database.reading() as session:
            return record.count_owed(session, self.world.merchant_id, self.clock.now())

    def order_id(self, external_id="1001") -> int:
        return next(row.id for row in self.all(Order) if row.external_id == external_id)

    def verify(self) -> None:
        with self.engine.database.reading() as session:
            assert ledger.verify(session, self.world.merchant_id) == []


def scenes(merchant_with: Callable[..., World]) -> Iterator[Callable[..., Scene]]:
    """Make scenes for one test; when it is over, each ledger must be what its cache says."""
    made = []

    def make(**options) -> Scene:
        made.append(Scene(merchant_with(**{"stores": ("A",), **options})))
        return made[-1]

    yield make
    for scene in made:
        scene.verify()
