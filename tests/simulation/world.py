"""Everything outside syncd: two stores with their own stock and orders, a back office with a till."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from syncd.domain.orders import RefundLine
from tests.simulation.clock import Clock


@dataclass(frozen=True, slots=True)
class OrderTold:
    """An order as a store tells it: version in whole seconds; a store declares taken units or lists its refunds."""

    order_id: int
    version: int
    created: float
    quantity: int
    declared: int | None
    refunds: tuple[RefundLine, ...]
    is_paid: bool
    is_final: bool


@dataclass(slots=True)
class Order:
    created: float
    quantity: int
    taken: int
    is_paid: bool
    is_final: bool = False
    refunds: tuple[RefundLine, ...] = ()
    told: list[tuple[float, OrderTold]] = field(default_factory=list)


class Store:
    """A shop: sells from its own stock, tells of it by webhooks, lists its orders with a lag."""

    def __init__(self, clock: Clock, name: str, stock: int, *, compares: bool, lag: float) -> None:
        self.clock, self.name, self.stock, self.compares, self.lag = clock, name, stock, compares, lag
        self.orders: dict[int, Order] = {}
        self.on_order: Callable[[OrderTold], None] = lambda _: None
        self.on_stock: Callable[[int, float], None] = lambda *_: None
        self.on_request: Callable[[], None] = lambda: None

    def sell(self, quantity: int, *, is_paid: bool) -> int | None:
        """A customer buys what is shown; None when there is not enough."""
        if self.stock < quantity:
            return None
        number = len(self.orders) + 1
        self.orders[number] = Order(self.clock.now, quantity, 0, is_paid)
        self._take(number, quantity, f"sells {quantity}, order {number}{'' if is_paid else ', unpaid'}")
        return number

    def pay(self, number: int) -> None:
        order = self.orders[number]
        if not order.is_paid and not order.is_final:
            order.is_paid = True
            self._take(number, 0, f"order {number} is paid")

    def add_units(self, number: int, units: int) -> None:
        """Staff add units of the same goods to the line."""
        order = self.orders[number]
        if not order.is_final and self.stock >= units:
            order.quantity += units
            self._take(number, units, f"order {number} grows by {units}")

    def give_back(self, number: int, units: int, *, restock: bool, cancel: bool) -> None:
        """A refund or a cancel, with or without putting the goods back."""
        order = self.orders[number]
        units = min(units, order.taken)
        if order.is_final or (units == 0 and not cancel):
            return
        order.is_final = cancel
        if units:
            ref = f"{number}-{len(order.refunds) + 1}"
            order.refunds += (
                RefundLine(refund_id=ref, refund_line_id=ref, line_id="1", quantity=units, restocked=restock),
            )
        how = "cancelled" if cancel else f"refunded {units}"
        back = units if restock else 0
        self._take(number, -back, f"order {number} {how} {'with' if restock else 'without'} restock")

    def edit_stock(self, delta: int) -> None:
        """Somebody changes the number by hand."""
        self.stock += delta
        self.clock.say(self.name, f"staff change the number by {delta:+d}: shows {self.stock}")
        self.on_stock(self.stock, self.clock.now)

    def _take(self, number: int, units: int, words: str) -> None:
        order = self.orders[number]
        order.taken += units
        self.stock -= units
        self.clock.say(self.name, f"{words}: shows {self.stock}")
        told = self._told(number)
        order.told.append((self.clock.now, told))
        self.on_order(told)
        if units:
            self.on_stock(self.stock, self.clock.now)

    def _told(self, number: int) -> OrderTold:
        order = self.orders[number]
        return OrderTold(
            order_id=number,
            version=math.floor(self.clock.now),
            created=math.floor(order.created),
            quantity=order.quantity,
            declared=None if self.compares else order.taken,
            refunds=order.refunds if self.compares else (),
            is_paid=order.is_paid,
            is_final=order.is_final,
        )

    # What the platform answers to requests.

    def read_stock(self) -> int:
        self.on_request()
        return self.stock

    def write_stock(self, expected: int, quantity: int) -> bool:
        """Set the number; a store that compares refuses when it is another one than expected."""
        self.on_request()
        if self.compares and self.stock != expected:
            self.clock.say(self.name, f"refuses {expected} to {quantity}: shows {self.stock}")
            return False
        self.clock.say(self.name, f"is set from {self.stock} to {quantity}")
        self.stock = quantity
        self.on_stock(quantity, self.clock.now)
        return True

    def list_orders(self) -> list[OrderTold]:
        """All orders as the list shows them: as they were a moment ago."""
        self.on_request()
        seen = self.clock.now - self.clock.rng.random() * self.lag
        listed = []
        for order in self.orders.values():
            states = [told for at, told in order.told if at <= seen]
            if states:
                listed.append(states[-1])
        return listed

    def read_order(self, number: int) -> OrderTold:
        return self.orders[number].told[-1][1]


@dataclass(slots=True)
class Recorded:
    sold: int
    returned: int = 0
    copies: int = 1


class BackOffice:
    """The authority: a shelf, a till, and the sales that syncd records, by invoice number."""

    def __init__(self, clock: Clock, shelf: int) -> None:
        self.clock, self.shelf = clock, shelf
        self.sales: dict[str, Recorded] = {}

    def net_recorded(self) -> int:
        return sum(sale.sold * sale.copies - sale.returned for sale in self.sales.values())

    def till(self, units: int) -> None:
        self.shelf -= units
        self.clock.say("till", f"{'sells' if units > 0 else 'receives'} {abs(units)}: {self.shelf} on the shelf")

    def read_shelf(self) -> tuple[int, int]:
        return self.shelf, self.net_recorded()

    def record_sale(self, invoice: str, units: int) -> bool:
        """No unique number here, as in the real one: sending twice records twice."""
        known = self.sales.get(invoice)
        if known is None:
            self.sales[invoice] = Recorded(units)
        else:
            known.copies += 1
        self.shelf -= units
        self.clock.say("back office", f"records {invoice}, {units}: {self.shelf} on the shelf")
        return True

    def find_returned(self, invoice: str) -> int | None:
        """Units returned of a sale; None when there is no such sale."""
        sale = self.sales.get(invoice)
        return None if sale is None else sale.returned

    def return_units(self, invoice: str, target: int) -> tuple[int, int]:
        """Absolute, never lower: (returned before, returned after)."""
        sale = self.sales[invoice]
        before = sale.returned
        sale.returned = max(before, target)
        self.shelf += sale.returned - before
        self.clock.say("back office", f"{sale.returned} of {invoice} returned: {self.shelf} on the shelf")
        return before, sale.returned
