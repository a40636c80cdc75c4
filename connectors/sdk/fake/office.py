"""The fake back office's own world: shelves at locations, its till, and the sales that were recorded in it.

As the real one does, it takes the same invoice number twice and then counts both: whoever sends twice sells twice.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from connectors.sdk.contract import Clock
from connectors.sdk.fake.faults import Faults, Wire
from connectors.sdk.values import CatalogueItem, Location, RecordedLine, RecordedSale, Sale, StockRef


@dataclass(slots=True)
class Booked:
    """A sale that was recorded through the connector: what was sent, and what it has become."""

    sale: Sale
    record: RecordedSale


@dataclass(slots=True, kw_only=True)
class FakeOffice:
    """One back office. `allows_overselling`: its stock may go below zero; else such a sale is refused.

    `gives_hints`, `finds_sales`, `takes_returns`: what it can do, as in `BackOfficeTraits`.
    """

    clock: Clock
    account_id: str = "fake-office.example"
    name: str = "Fake Office"
    currency: str = "KES"
    locations: tuple[Location, ...] = (
        Location(location_id="L1", name="Main"),
        Location(location_id="L2", name="Depot"),
    )
    allows_overselling: bool = True
    finds_sales: bool = True
    takes_returns: bool = True
    gives_hints: bool = True
    wire: Wire = field(init=False)
    items: dict[str, CatalogueItem] = field(default_factory=dict)
    shelves: dict[tuple[str, str], int] = field(default_factory=dict)
    booked: dict[str, Booked] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _hints: list[tuple[datetime, str]] = field(default_factory=list)
    _late: list[Callable[[], None]] = field(default_factory=list)
    _last_id: int = 5000

    def __post_init__(self) -> None:
        self.wire = Wire(clock=self.clock)

    @property
    def faults(self) -> Faults:
        """What goes wrong on the way to it."""
        return self.wire.faults

    @property
    def late(self) -> list[Callable[[], None]]:
        """Writes that were sent and have not happened yet."""
        return self._late

    def land(self) -> None:
        """The writes that were late happen now."""
        while self._late:
            self._late.pop(0)()

    # ------------------------------------------------------------------------------------------ people

    def add_item(
        self,
        sku: str | None,
        quantities: Mapping[str, int],
        *,
        tracked: bool = True,
        price: Decimal | None = Decimal("10.00"),
    ) -> str:
        """A new item with its stock by location; where none is given it is not stocked. Gives its external id."""
        with self.lock:
            external_id = self.next_id()
            ref = StockRef(stock_id=external_id, parent_id=f"p{external_id}")
            self.items[external_id] = CatalogueItem(
                external_id=external_id,
                ref=ref,
                sku=sku,
                title=f"Item {sku}",
                tracked=tracked,
                price=price,
            )
            self.shelves.update({(external_id, location): units for location, units in quantities.items()})
            return external_id

    def delete_item(self, sku: str) -> None:
        """Gone for good."""
        with self.lock:
            gone = self.items.pop(self.item(sku).external_id).external_id
            self.shelves = {key: units for key, units in self.shelves.items() if key[0] != gone}

    def item(self, sku: str) -> CatalogueItem:
        """The item with this SKU; KeyError where there is none."""
        for item in self.items.values():
            if item.sku == sku:
                return item
        raise KeyError(sku)

    def stock(self, sku: str, location_id: str = "L1") -> int:
        """Units that the office shows there; KeyError where the item is not stocked."""
        with self.lock:
            return self.shelves[self.item(sku).external_id, location_id]

    def set_stock(self, sku: str, quantity: int, location_id: str = "L1") -> None:
        """A stock take."""
        with self.lock:
            self.shelves[self.item(sku).external_id, location_id] = quantity

    def till_sale(self, sku: str, quantity: int, location_id: str = "L1") -> None:
        """A cashier sells."""
        with self.lock:
            self.move(self.item(sku).external_id, location_id, -quantity)

    def hand_return(self, sale_id: str, sku: str, quantity: int) -> None:
        """A cashier takes units of a recorded sale back."""
        with self.lock:
            booked = self.booked[sale_id]
            external_id = self.item(sku).external_id
            line = next(line for line in booked.record.lines if line.external_id == external_id)
            self.set_returned(booked, line, line.returned + quantity)

    # ------------------------------------------------------------------------------------------ what the connector does

    def book(self, sale: Sale) -> RecordedSale:
        """Record a sale and take its units off the shelf."""
        with self.lock:
            sale_id = self.next_id()
            lines = tuple(
                RecordedLine(external_line_id=f"{sale_id}-{n}", external_id=line.external_id, quantity=line.quantity)
                for n, line in enumerate(sale.lines, 1)
            )
            record = RecordedSale(sale_id=sale_id, invoice_no=sale.invoice_no, lines=lines)
            self.booked[sale_id] = Booked(sale=sale, record=record)
            for line in sale.lines:
                self.move(line.external_id, sale.location_id, -line.quantity)
            return record

    def set_returned(self, booked: Booked, line: RecordedLine, returned: int) -> None:
        """Set the cumulative quantity returned of a line, and the shelf with it. ValueError beyond what was sold."""
        if not 0 <= returned <= line.quantity:
            raise ValueError("More than was sold cannot come back.")
        changed = replace(line, returned=returned)
        lines = tuple(changed if one.external_line_id == line.external_line_id else one for one in booked.record.lines)
        booked.record = replace(booked.record, lines=lines)
        self.move(line.external_id, booked.sale.location_id, returned - line.returned)

    def move(self, external_id: str, location_id: str, units: int) -> None:
        """Change a shelf, and remember the item as touched."""
        key = (external_id, location_id)
        self.shelves[key] = self.shelves.get(key, 0) + units
        self._hints.append((self.clock.now(), external_id))

    def touched_since(self, since: datetime) -> list[StockRef]:
        """Items that sales touched, each once."""
        touched = dict.fromkeys(external_id for at, external_id in self._hints if at >= since)
        return [self.items[external_id].ref for external_id in touched if external_id in self.items]

    def next_id(self) -> str:
        """An id that was never given."""
        with self.lock:
            self._last_id += 1
            return str(self._last_id)
