"""The simulated business: locations, products, stock, purchases, contacts, sales. No HTTP; `selling.py` has its verbs.

Like the real one it keeps two books about stock that can disagree: the quantity at a location, which sales and returns
move, and the purchase lines, which decide whether an oversale is refused.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from syncd.sandbox.prokip.records import ZERO, Contact, Location, Product, Sale, StockRow, Variation
from syncd.sandbox.wire import Clock

REMEMBERED_MOVES = 20_000
FIRST_IDS = {
    "location": 31001,
    "product": 4700101,
    "product_variation": 4690011,
    "variation": 5080201,
    "stock": 6100301,
    "contact": 2200001,
    "transaction": 41800501,
    "sell_line": 73500901,
    "payment": 51200701,
}
"""Ids are shared by all tenants of the real server: large, and never 1."""


class NotFound(Exception):
    """A model that is not there; the message is Laravel's."""

    def __init__(self, model: str, key: object) -> None:
        super().__init__(f"No query results for model [App\\{model}] {key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    at: datetime
    key: tuple[int, int]
    before: Decimal


class Business:
    """Everything one tenant owns. Not thread-safe: the platform holds one lock around it."""

    def __init__(self, *, clock: Clock, random: Random, time_zone: str, allow_overselling: bool) -> None:
        self.clock = clock
        self.random = random
        self.time_zone = ZoneInfo(time_zone)
        self.allow_overselling = allow_overselling
        self.locations: dict[int, Location] = {}
        self.products: dict[int, Product] = {}
        self.variations: dict[int, Variation] = {}
        self.contacts: dict[int, Contact] = {}
        self.sales: dict[int, Sale] = {}
        self.stock: dict[tuple[int, int], StockRow] = {}
        self.created_at = clock()
        self._moves: deque[_Move] = deque(maxlen=REMEMBERED_MOVES)
        self._ids = dict(FIRST_IDS)
        self._invoices = 0

    def next_id(self, kind: str) -> int:
        """A new id; other tenants take some in between."""
        given = self._ids[kind]
        self._ids[kind] = given + self.random.randint(1, 4)
        return given

    def next_invoice_no(self, prefix: str = "") -> str:
        """The next number of the location's scheme."""
        self._invoices += 1
        return f"{prefix}{self.local_now().year}/{self._invoices:04d}"

    def local_now(self) -> datetime:
        """Naive time of the business, in whole seconds."""
        return self.clock().astimezone(self.time_zone).replace(tzinfo=None, microsecond=0)

    def add_location(self, name: str) -> Location:
        """Open a branch."""
        number = len(self.locations) + 1
        location = Location(id=self.next_id("location"), code=f"BL{number:04d}", name=name)
        self.locations[location.id] = location
        return location

    def add_contact(self, name: str, *, kind: str = "customer", mobile: str = "", code: str | None = None) -> Contact:
        """Add a contact; the first one is the walk-in customer."""
        number = len(self.contacts) + 1
        contact = Contact(
            id=self.next_id("contact"),
            code=code or f"CO{number:04d}",
            name=name,
            type=kind,
            mobile=mobile,
            created_at=self.clock(),
            is_default=number == 1,
        )
        self.contacts[contact.id] = contact
        return contact

    def add_product(
        self, name: str, *, sku: str | None, kind: str, is_tracked: bool, location_ids: Iterable[int]
    ) -> Product:
        """Add a product without variations; without an SKU it gets its own id as one, as on the real server."""
        product_id = self.next_id("product")
        product = Product(
            id=product_id,
            name=name,
            sku=sku or str(product_id),
            type=kind,
            is_tracked=is_tracked,
            location_ids=set(location_ids),
            created_at=self.clock(),
        )
        self.products[product_id] = product
        return product

    def add_variation(self, product: Product, *, name: str, sku: str, price: Decimal) -> Variation:
        """Add a sellable unit. SKUs may repeat: the database does not forbid it."""
        variation = Variation(
            id=self.next_id("variation"),
            product_variation_id=(
                product.variations[0].product_variation_id if product.variations else self.next_id("product_variation")
            ),
            product_id=product.id,
            name=name,
            sku=sku,
            price=price,
            created_at=self.clock(),
        )
        product.variations.append(variation)
        self.variations[variation.id] = variation
        return variation

    def move(self, variation_id: int, location_id: int, delta: Decimal, *, purchased: Decimal = ZERO) -> None:
        """Change a quantity, making its row at 0 first where there is none. It may go below 0."""
        key, now = (variation_id, location_id), self.clock()
        row = self.stock.get(key)
        if row is None:
            row = StockRow(id=self.next_id("stock"), quantity=ZERO, purchased=ZERO, created_at=now, updated_at=now)
            self.stock[key] = row
        self._moves.append(_Move(at=now, key=key, before=row.quantity))
        row.quantity += delta
        row.purchased += purchased
        row.updated_at = now

    def stock_of(self, variation: Variation) -> Iterator[tuple[int, StockRow]]:
        """The stock rows of a variation by location; none where it was never stocked."""
        for place in self.locations:
            row = self.stock.get((variation.id, place))
            if row is not None:
                yield place, row

    def quantity(self, variation_id: int, location_id: int) -> Decimal:
        """The quantity now; 0 where nothing was ever stocked."""
        row = self.stock.get((variation_id, location_id))
        return row.quantity if row else ZERO

    def quantities_at(self, when: datetime) -> dict[tuple[int, int], Decimal]:
        """What has moved since then, as it stood at that time."""
        earlier: dict[tuple[int, int], Decimal] = {}
        for move in reversed(self._moves):
            if move.at <= when:
                break
            earlier[move.key] = move.before
        return earlier

    def location(self, key: object) -> Location:
        """A location by its id."""
        found = self.locations.get(as_id(key))
        if found is None:
            raise NotFound("BusinessLocation", key)
        return found

    def customer(self, key: object) -> Contact:
        """A contact that may buy."""
        found = self.contacts.get(as_id(key))
        if found is None or found.type not in {"customer", "both"}:
            raise NotFound("Contact", key)
        return found

    def variations_of_sku(self, sku: str) -> Iterator[Variation]:
        """Every variation with exactly this SKU; there can be several."""
        return (variation for variation in self.living_variations() if variation.sku == sku)

    def living_variations(self) -> Iterator[Variation]:
        """The variations whose product was not deleted."""
        for variation in self.variations.values():
            if not self.products[variation.product_id].is_deleted:
                yield variation


def as_id(value: object) -> int:
    """An id as PHP would compare it; 0 for anything that is none."""
    text = str(value)
    return int(text) if text.isdecimal() else 0
