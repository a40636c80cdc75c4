"""The rows of the simulated business, as one tenant of Ultimate POS has them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Location:
    """A branch; `code` is what people see, `id` what every call wants."""

    id: int
    code: str
    name: str
    is_active: bool = True


@dataclass(slots=True, kw_only=True)
class Variation:
    """The sellable unit. A single product has one, named DUMMY. `spoiled` is what lists show instead of its figure."""

    id: int
    product_variation_id: int
    product_id: int
    name: str
    sku: str
    price: Decimal
    created_at: datetime
    spoiled: str | None = None


@dataclass(slots=True, kw_only=True)
class Product:
    """What the catalogue lists; combos and modifiers are left out of the simulation."""

    id: int
    name: str
    sku: str
    type: str
    is_tracked: bool
    location_ids: set[int]
    created_at: datetime
    variations: list[Variation] = field(default_factory=list)
    is_inactive: bool = False
    is_not_for_selling: bool = False
    is_deleted: bool = False
    image: str | None = None


@dataclass(slots=True, kw_only=True)
class StockRow:
    """One variation at one location: the quantity, and what purchase lines still cover."""

    id: int
    quantity: Decimal
    purchased: Decimal
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class Contact:
    """A customer or supplier."""

    id: int
    code: str
    name: str
    type: str
    mobile: str
    created_at: datetime
    is_default: bool = False


@dataclass(slots=True, kw_only=True)
class SellLine:
    """One line of a sale; `mapped` is how much of it purchase lines cover."""

    id: int
    product_id: int
    variation_id: int
    quantity: Decimal
    unit_price_before_discount: Decimal
    unit_price: Decimal
    discount_type: str
    discount_amount: Decimal
    item_tax: Decimal
    tax_id: int | None
    note: str
    created_at: datetime
    returned: Decimal = ZERO
    mapped: Decimal = ZERO


@dataclass(slots=True, kw_only=True)
class Payment:
    """Money taken for a sale."""

    id: int
    amount: Decimal
    method: str
    note: str | None
    paid_at: datetime


@dataclass(slots=True, kw_only=True)
class ReturnDocument:
    """The one return of a sale."""

    id: int
    invoice_no: str
    total: Decimal
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class Sale:
    """A transaction of type sell. `sold_at` is naive, in the business's own time, as the server keeps it."""

    id: int
    location_id: int
    contact_id: int
    invoice_no: str
    source: str | None
    status: str
    sold_at: datetime
    created_at: datetime
    updated_at: datetime
    token: str
    note: str | None = None
    discount_type: str = "fixed"
    discount_amount: Decimal = ZERO
    shipping: Decimal = ZERO
    lines: list[SellLine] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    return_document: ReturnDocument | None = None
    is_from_api: bool = True

    @property
    def subtotal(self) -> Decimal:
        """Lines with their tax, before the order's discount."""
        return sum((line.quantity * (line.unit_price + line.item_tax) for line in self.lines), ZERO)

    @property
    def total(self) -> Decimal:
        """What the server computes and compares payments with."""
        discount = self.discount_amount
        if self.discount_type == "percentage":
            discount = self.subtotal * discount / 100
        return self.subtotal - discount + self.shipping

    @property
    def payment_status(self) -> str:
        """`paid`, `partial` or `due`."""
        paid = sum((payment.amount for payment in self.payments), ZERO)
        if paid >= self.total:
            return "paid"
        return "partial" if paid > 0 else "due"
