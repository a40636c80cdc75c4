"""The things a simulated Shopify store is made of: plain mutable records, linked to each other by reference.

Nothing here decides anything. `stock.py` and `orders.py` change records, `payloads.py` shows them in webhooks and
`resolvers.py` shows them in GraphQL.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(slots=True, eq=False, kw_only=True)
class Location:
    """A place where units lie."""

    number: int
    name: str
    created_at: datetime
    updated_at: datetime
    is_active: bool = True
    is_fulfillment_service: bool = False
    fulfills_online: bool = True
    deactivated_at: datetime | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Product:
    """A product; only its variants can be sold."""

    number: int
    title: str
    created_at: datetime
    updated_at: datetime
    handle: str = ""
    vendor: str = "Simulated"
    status: str = "ACTIVE"
    is_gift_card: bool = False
    option_name: str = "Title"
    image_url: str | None = None
    variants: list["Variant"] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class Item:
    """An inventory item: what the quantities belong to, and where the SKU lives."""

    number: int
    sku: str | None
    created_at: datetime
    updated_at: datetime
    tracked: bool = True
    requires_shipping: bool = True
    variants: list["Variant"] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class Variant:
    """One sellable form of a product. `policy` DENY stops selling at zero, CONTINUE does not."""

    number: int
    product: Product
    item: Item
    title: str
    price: Decimal
    created_at: datetime
    updated_at: datetime
    policy: str = "DENY"
    barcode: str | None = None
    requires_components: bool = False
    components: list[tuple["Variant", int]] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class Level:
    """The quantities of one item at one location; an inactive level keeps its numbers but sells nothing."""

    item: Item
    location: Location
    created_at: datetime
    updated_at: datetime
    is_active: bool = True
    available: int = 0
    committed: int = 0
    reserved: int = 0

    @property
    def on_hand(self) -> int:
        """Units lying there: available, committed and set aside together."""
        return self.available + self.committed + self.reserved


@dataclass(slots=True, eq=False, kw_only=True)
class Line:
    """One order line. `fulfillable` is what is neither shipped nor given up, `refunded` what refund lines cover.

    `taken` is what it has taken from stock and not put back on sale: the store's own book, for whoever checks others.
    """

    number: int
    title: str
    quantity: int
    price: Decimal
    sku: str | None = None
    variant: Variant | None = None
    item: Item | None = None
    location: Location | None = None
    takes_stock: bool = False
    is_gift_card: bool = False
    discount: Decimal = Decimal(0)
    tax_rate: Decimal = Decimal(0)
    fulfillable: int = 0
    fulfilled: int = 0
    refunded: int = 0
    taken: int = 0
    bundle: "Bundle | None" = None

    @property
    def current_quantity(self) -> int:
        """Units still on the order: removed and refunded ones are out, restocked or not."""
        return self.quantity - self.refunded


@dataclass(slots=True, eq=False, kw_only=True)
class Bundle:
    """What ties the component lines of one sold bundle together; the parent itself has no line."""

    number: int
    variant: Variant
    quantity: int


@dataclass(slots=True, eq=False, kw_only=True)
class RefundLine:
    """Units of a line given back or given up; `restock_type` alone says whether stock moved."""

    number: int
    line: Line
    quantity: int
    restock_type: str
    location: Location | None
    subtotal: Decimal
    tax: Decimal


@dataclass(slots=True, eq=False, kw_only=True)
class Refund:
    """One refund, which may carry money, units, or both."""

    number: int
    order: "Order"
    created_at: datetime
    lines: list[RefundLine] = field(default_factory=list)
    note: str | None = None
    amount: Decimal = Decimal(0)
    comes_from: "Return | None" = None


@dataclass(slots=True, eq=False, kw_only=True)
class Transaction:
    """One movement of money; kind and status as Shopify names them in GraphQL."""

    number: int
    kind: str
    amount: Decimal
    processed_at: datetime
    status: str = "SUCCESS"


@dataclass(slots=True, eq=False, kw_only=True)
class FulfillmentLine:
    """Units of an order line inside a fulfillment order."""

    number: int
    line: Line
    total: int
    remaining: int


@dataclass(slots=True, eq=False, kw_only=True)
class FulfillmentOrder:
    """The units of an order that one location is to ship."""

    number: int
    order: "Order"
    location: Location
    created_at: datetime
    updated_at: datetime
    status: str = "OPEN"
    lines: list[FulfillmentLine] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class Disposition:
    """What became of returned units."""

    number: int
    kind: str
    quantity: int
    location: Location | None
    created_at: datetime


@dataclass(slots=True, eq=False, kw_only=True)
class ReturnLine:
    """Units a customer sends back."""

    number: int
    line: Line
    quantity: int
    dispositions: list[Disposition] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class Return:
    """A return: by itself it moves nothing, its processing may."""

    number: int
    order: "Order"
    created_at: datetime
    lines: list[ReturnLine] = field(default_factory=list)
    exchange_lines: list[Line] = field(default_factory=list)
    status: str = "OPEN"
    closed_at: datetime | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Order:
    """An order with everything that happened to it."""

    number: int
    order_number: int
    currency: str
    created_at: datetime
    updated_at: datetime
    taxes_included: bool = True
    test: bool = False
    source_name: str = "web"
    behaviour: str = "DECREMENT_OBEYING_POLICY"
    retail_location: Location | None = None
    shipping: Decimal = Decimal(0)
    lines: list[Line] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    fulfillment_orders: list[FulfillmentOrder] = field(default_factory=list)
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    is_void: bool = False
    is_edited: bool = False
    indexed: list[tuple[datetime, datetime]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the merchant calls it, such as #1001."""
        return f"#{self.order_number}"


@dataclass(slots=True, eq=False, kw_only=True)
class Adjustment:
    """One line of the inventory history."""

    item: Item
    location: Location
    delta: int
    after: int


@dataclass(slots=True, eq=False, kw_only=True)
class AdjustmentGroup:
    """The changes of one inventory mutation, with the reference the app gave."""

    number: int
    created_at: datetime
    reason: str
    reference: str | None
    changes: list[Adjustment] = field(default_factory=list)
