"""Orders, their lines and refunds as the simulated shop keeps them. The rules that change them are in `orders.py`."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

REDUCED = "_reduced_stock"
RESTOCKED = "_restock_refunded_items"
REFUNDED_ITEM = "_refunded_item_id"


@dataclass(slots=True, kw_only=True)
class Meta:
    """One row of meta data."""

    id: int
    key: str
    value: str


@dataclass(slots=True, kw_only=True)
class Line:
    """One line of an order, or of a refund (then quantity and totals are negative)."""

    id: int
    product_id: int
    variation_id: int
    name: str
    quantity: int
    total: Decimal
    meta: list[Meta] = field(default_factory=list)

    @property
    def sold_id(self) -> int:
        """The id of what was sold: the variation where there is one."""
        return self.variation_id or self.product_id

    def value(self, key: str) -> str:
        """A meta value, empty when there is none."""
        return next((row.value for row in self.meta if row.key == key), "")

    def number(self, key: str) -> int:
        """A meta value as PHP would count with it: nothing is 0."""
        return int(self.value(key) or 0)

    def put(self, key: str, value: int, row_id: int) -> None:
        """Set a meta value, keeping the row where there is one already."""
        for row in self.meta:
            if row.key == key:
                row.value = str(value)
                return
        self.meta.append(Meta(id=row_id, key=key, value=str(value)))

    def drop(self, key: str) -> None:
        """Remove a meta value."""
        self.meta = [row for row in self.meta if row.key != key]


@dataclass(slots=True, kw_only=True)
class Refund:
    """Money given back, with or without lines. It does not say whether stock came back too."""

    id: int
    amount: Decimal
    reason: str
    created: datetime
    lines: list[Line]


@dataclass(slots=True, kw_only=True)
class Order:
    """One order. `stock_taken` is core's flag per order; what was taken per line is in the line's meta."""

    id: int
    key: str
    created: datetime
    modified: datetime
    lines: list[Line]
    status: str = "pending"
    paid_at: datetime | None = None
    completed_at: datetime | None = None
    stock_taken: bool = False
    refunds: list[Refund] = field(default_factory=list)
    trashed_from: str = ""
    trashed_at: datetime | None = None
    shipping: Decimal = Decimal(0)
    note: str = ""

    @property
    def refunded(self) -> Decimal:
        """The money given back so far."""
        return sum((refund.amount for refund in self.refunds), Decimal(0))

    def line(self, line_id: int) -> Line | None:
        """A line by its id."""
        return next((line for line in self.lines if line.id == line_id), None)
