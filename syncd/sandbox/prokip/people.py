"""What people do in the business without our API: receive goods, count shelves, sell and take back at the till."""

import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal

from syncd.sandbox.prokip.business import Business
from syncd.sandbox.prokip.records import ZERO, Location, Product, Sale, Variation
from syncd.sandbox.prokip.selling import record_return, record_sale
from syncd.sandbox.prokip.shapes import Json, json_number, naive

Lines = Sequence[tuple[str, int]]


class NotPossible(Exception):
    """What a cashier would be told: no such SKU or sale, or not enough on the shelf."""


class People:
    """The hands in the shop. Quantities are whole units or Decimals; the default location is the first one."""

    def __init__(self, business: Business, lock: threading.RLock) -> None:
        self._business = business
        self._lock = lock

    def location(self, name: str | int | None = None) -> Location:
        """A location by id, code or name; the first one by default."""
        for place in self._business.locations.values():
            if name is None or str(name) in {str(place.id), place.code, place.name}:
                return place
        raise NotPossible(f"there is no location {name}")

    def variation(self, sku: str) -> Variation:
        """The first variation with this SKU."""
        for found in self._business.variations_of_sku(sku):
            return found
        raise NotPossible(f"there is no SKU {sku}")

    def add_product(
        self,
        sku: str | None,
        *,
        title: str = "",
        price: Decimal = Decimal(100),
        quantity: Decimal | int | None = 0,
        tracked: bool = True,
        location: str | int | None = None,
    ) -> Product:
        """Add a single product. Quantity None leaves it never stocked: it has no stock row then."""
        with self._lock:
            everywhere = list(self._business.locations)
            item = self._business.add_product(
                title or str(sku), sku=sku, kind="single", is_tracked=tracked, location_ids=everywhere
            )
            variation = self._business.add_variation(item, name="DUMMY", sku=item.sku, price=price)
            if quantity is not None:
                opening = Decimal(quantity)
                self._business.move(variation.id, self.location(location).id, opening, purchased=max(ZERO, opening))
            return item

    def add_variable_product(
        self, sku: str, *, title: str, variations: Mapping[str, tuple[str, int | None]], price: Decimal = Decimal(100)
    ) -> Product:
        """Add a product with variations: name → (SKU, quantity or None)."""
        with self._lock:
            everywhere = list(self._business.locations)
            item = self._business.add_product(title, sku=sku, kind="variable", is_tracked=True, location_ids=everywhere)
            for name, (own_sku, quantity) in variations.items():
                variation = self._business.add_variation(item, name=name, sku=own_sku, price=price)
                if quantity is not None:
                    opening = Decimal(quantity)
                    self._business.move(variation.id, self.location().id, opening, purchased=max(ZERO, opening))
            return item

    def spoil(self, sku: str, shown: str = "n/a") -> None:
        """After an import gone wrong, lists show a text where the stock of this SKU should be."""
        with self._lock:
            for variation in self._business.variations_of_sku(sku):
                variation.spoiled = shown

    def delete(self, sku: str) -> None:
        """Delete a product with all its variations; sales of it stay."""
        with self._lock:
            self._business.products[self.variation(sku).product_id].is_deleted = True

    def stock(self, location: str | int | None = None) -> dict[str, int | float]:
        """What lies there, by SKU; equal SKUs are added up."""
        with self._lock:
            place, totals = self.location(location), dict[str, Decimal]()
            for variation in self._business.living_variations():
                quantity = self._business.quantity(variation.id, place.id)
                totals[variation.sku] = totals.get(variation.sku, ZERO) + quantity
            return {sku: json_number(total) for sku, total in totals.items()}

    def count(self, sku: str, quantity: Decimal | int, *, location: str | int | None = None) -> None:
        """Set a shelf's figure by hand, as a stock count with its adjustment does."""
        with self._lock:
            variation, place = self.variation(sku), self.location(location)
            change = Decimal(quantity) - self._business.quantity(variation.id, place.id)
            self._business.move(variation.id, place.id, change, purchased=change)

    def receive(self, sku: str, quantity: Decimal | int, *, location: str | int | None = None) -> None:
        """Goods come in on a purchase."""
        with self._lock:
            change = Decimal(quantity)
            self._business.move(self.variation(sku).id, self.location(location).id, change, purchased=change)

    def sell(self, lines: Lines, *, location: str | int | None = None, force: bool = False) -> int:
        """Ring up a sale; more than the shelf holds is refused unless forced. Returns the sale's id."""
        with self._lock:
            place = self.location(location)
            wanted = [(self.variation(sku), quantity) for sku, quantity in lines]
            for variation, quantity in wanted:
                tracked = self._business.products[variation.product_id].is_tracked
                if tracked and not force and self._business.quantity(variation.id, place.id) < quantity:
                    raise NotPossible(f"only {self._business.quantity(variation.id, place.id)} of {variation.sku} left")
            total = sum((variation.price * quantity for variation, quantity in wanted), ZERO)
            walk_in = next(one for one in self._business.contacts.values() if one.is_default)
            form = {
                "location_id": place.id,
                "contact_id": walk_in.id,
                "products": [
                    {"product_id": variation.product_id, "variation_id": variation.id, "quantity": quantity}
                    for variation, quantity in wanted
                ],
                "payments": [{"amount": total, "method": "cash"}],
            }
            return record_sale(self._business, form, is_from_api=False).id

    def take_back(self, sale_id: int, lines: Lines) -> None:
        """Take these units back, on top of what came back of this sale before."""
        with self._lock:
            sale = self._business.sales.get(sale_id)
            if sale is None:
                raise NotPossible(f"there is no sale {sale_id}")
            targets = {line.id: line.returned for line in sale.lines}
            for sku, quantity in lines:
                line = next((one for one in sale.lines if self._business.variations[one.variation_id].sku == sku), None)
                if line is None or line.quantity - targets[line.id] < quantity:
                    raise NotPossible(f"{quantity} of {sku} were not sold in sale {sale_id}")
                targets[line.id] += quantity
            products = [
                {"sell_line_id": line.id, "quantity": targets[line.id], "unit_price_inc_tax": line.unit_price}
                for line in sale.lines
            ]
            record_return(self._business, {"transaction_id": sale_id, "products": products})

    def sales(self) -> list[Json]:
        """Every sale, drafts too, oldest first."""
        with self._lock:
            return [self._told(sale) for sale in self._business.sales.values()]

    def _told(self, sale: Sale) -> Json:
        return {
            "id": sale.id,
            "invoice_no": sale.invoice_no,
            "contact_id": sale.contact_id,
            "location_id": sale.location_id,
            "source": sale.source,
            "status": sale.status,
            "payment_status": sale.payment_status,
            "sold_at": naive(sale.sold_at),
            "total": str(sale.total),
            "lines": [
                {
                    "id": line.id,
                    "sku": self._business.variations[line.variation_id].sku,
                    "quantity": json_number(line.quantity),
                    "returned": json_number(line.returned),
                }
                for line in sale.lines
            ],
        }
