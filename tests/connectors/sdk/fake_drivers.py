"""The conformance suite's other side of the fake platforms."""

from datetime import UTC, datetime, timedelta

from connectors.sdk.contract import Account
from connectors.sdk.driver import Delivery
from connectors.sdk.fake import FakeBackOfficePlugin, FakeOffice, FakePlugin, FakeShop, Named, PlainVault
from syncd.clock import ManualClock

START = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
SKUS = ("MUG", "TIN", "CUP")


class FakeStoreDriver:
    webhook_url = "https://sync.example/connections/webhook/fake/1"
    skus = SKUS

    def __init__(self, **shop: object) -> None:
        self.clock = ManualClock(START)
        self.shop = FakeShop(clock=self.clock, **shop)
        self.plugin = FakePlugin()
        self.plugin.add(self.shop)
        for sku in SKUS:
            self.shop.add_item(sku, 20)
        self.shop.add_item(None, 5)
        self.shop.add_item("UNTRACKED", tracked=False)
        self.account = Account(
            connection="karibu",
            settings={"shop": self.shop.account_id},
            vault=PlainVault({"webhook_secret": self.shop.webhook_secret}),
            clock=self.clock,
        )

    def stock(self, sku: str) -> int:
        return self.shop.stock(sku)

    def set_stock(self, sku: str, quantity: int) -> None:
        self.shop.set_stock(sku, quantity)

    def delete(self, sku: str) -> None:
        self.shop.delete_item(sku)

    def advance(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def lose_next_answer(self) -> None:
        self.shop.faults.lost_writes = 1

    def go_down(self) -> None:
        self.shop.faults.is_down = True

    def come_up(self) -> None:
        self.shop.faults.is_down = False

    def take_access_away(self) -> None:
        self.shop.faults.is_denied = True

    def sell(self, sku: str, quantity: int, *, is_paid: bool = True) -> str:
        return self.shop.sell({sku: quantity}, is_paid=is_paid)

    def refund(self, order_id: str, quantity: int, *, restock: bool) -> None:
        sku = self.shop.orders[order_id].now.lines[0].sku
        self.shop.refund(order_id, {sku: quantity}, restock=restock)

    def cancel(self, order_id: str) -> None:
        self.shop.cancel(order_id)

    def deliveries(self) -> list[Delivery]:
        return self.shop.take_deliveries()


class FakeBackOfficeDriver:
    location_id = "L1"
    skus = SKUS

    def __init__(self, **office: object) -> None:
        self.clock = ManualClock(START)
        self.office = FakeOffice(clock=self.clock, **office)
        self.plugin = FakeBackOfficePlugin()
        self.plugin.add(self.office)
        for sku in SKUS:
            self.office.add_item(sku, {"L1": 20})
        self.account = Account(
            connection="books", settings={"office": self.office.account_id}, vault=PlainVault(), clock=self.clock
        )

    def stock(self, sku: str) -> int:
        return self.office.stock(sku)

    def set_stock(self, sku: str, quantity: int) -> None:
        self.office.set_stock(sku, quantity)

    def delete(self, sku: str) -> None:
        self.office.delete_item(sku)

    def advance(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def lose_next_answer(self) -> None:
        self.office.faults.lost_writes = 1

    def go_down(self) -> None:
        self.office.faults.is_down = True

    def come_up(self) -> None:
        self.office.faults.is_down = False

    def take_access_away(self) -> None:
        self.office.faults.is_denied = True

    def spoil(self, sku: str) -> None:
        self.office.faults.unreadable[sku] = Named.ITEM

    def till_sale(self, sku: str, quantity: int) -> None:
        self.office.till_sale(sku, quantity)

    def hand_return(self, sale_id: str, sku: str, quantity: int) -> None:
        self.office.hand_return(sale_id, sku, quantity)
