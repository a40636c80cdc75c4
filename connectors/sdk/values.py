"""What connectors and the engine tell each other: frozen values, whole units, aware UTC times, `Decimal` money.

Ids of a platform are strings: they exceed 2^53, and not all of them are numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

# ------------------------------------------------------------------------------------------- catalogue and stock


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRef:
    """Names one external stock figure. `parent_id` is the product above it, where a write or a delivery names that."""

    stock_id: str
    parent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueItem:
    """One sellable unit of a store or of the back office.

    `external_id` is what order lines name (Shopify's variant, WooCommerce's product or variation, Prokip's variation);
    `ref` is the figure behind it, which several items may share. `sku` is exact, stripped, and None where the item has
    none of its own. `quantity` is what was seen in passing, a hint only. `blocked` says in words why no stock can be
    published (a bundle's parent, not stocked at the location), and is empty where it can.
    """

    external_id: str
    ref: StockRef
    sku: str | None
    title: str
    tracked: bool
    quantity: int | None = None
    price: Decimal | None = None
    image_url: str | None = None
    blocked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePage:
    """Part of a catalogue. Only when a page with `is_last` has been seen is the catalogue known whole."""

    items: tuple[CatalogueItem, ...]
    is_last: bool


class FigureState(StrEnum):
    """What a platform says of a stock figure."""

    TRACKED = "tracked"
    UNTRACKED = "untracked"
    NOT_STOCKED = "not_stocked"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class StockFigure:
    """One figure as read. `quantity` is a whole number, possibly negative, and None unless `state` is TRACKED."""

    state: FigureState
    quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReading:
    """Figures by stock id. Ids that were asked for and are missing were not answered: no reading, never zero.

    `began_at` and `answered_at` enclose every request behind it, by our clock; `platform_at` is the platform's time
    (Date header) of the last answer.
    """

    figures: Mapping[str, StockFigure]
    began_at: datetime
    answered_at: datetime
    platform_at: datetime


# ------------------------------------------------------------------------------------------- writing stock


@dataclass(frozen=True, slots=True, kw_only=True)
class StockWrite:
    """Set one figure to `quantity` if it is `expected` now."""

    ref: StockRef
    expected: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBatch:
    """Writes that go out together.

    `reference` names it in the store's own history (`PushBatch/812`), `key` is a UUID stored before sending, no request
    of it may begin after `not_after`.
    """

    reference: str
    key: str
    writes: tuple[StockWrite, ...]
    not_after: datetime


class WriteOutcome(StrEnum):
    """How one write ended.

    NOT_SENT had surely no effect and says nothing about the figure (a neighbour's mismatch, a limit): plan it again.
    """

    WRITTEN = "written"
    MISMATCH = "mismatch"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    UNTRACKED = "untracked"
    GONE = "gone"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """The outcome of one write; `found` is the figure seen where another was expected, `words` the platform's."""

    outcome: WriteOutcome
    found: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAnswer:
    """Results by stock id, one for every write of the batch, and the platform's time of the answer."""

    results: Mapping[str, WriteResult]
    platform_at: datetime


# ------------------------------------------------------------------------------------------- making products


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """A product of one sellable unit, to be made in a store.

    `price` is in the store's currency; None leaves it to the platform, and such a product is made as a draft only.
    """

    sku: str
    title: str
    price: Decimal | None = None
    image_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItems:
    """New products that go out together, no SKU twice. `is_draft`: customers do not see them until a person says so.

    `key` is a UUID stored before sending, no request of it may begin after `not_after`.
    """

    items: tuple[NewItem, ...]
    is_draft: bool
    key: str
    not_after: datetime


class CreateOutcome(StrEnum):
    """How the making of one product ended.

    EXISTS: the store had a unit with exactly this SKU, and was left as it is. NOT_SENT had surely no effect.
    """

    CREATED = "created"
    EXISTS = "exists"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateResult:
    """The outcome for one SKU; `item` is the unit as the store has it now (CREATED, EXISTS), `words` the platform's."""

    outcome: CreateOutcome
    item: CatalogueItem | None = None
    words: str = ""


# ------------------------------------------------------------------------------------------- orders


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of an order.

    `quantity` is what was ordered, refunded or removed units included. `taken` is what the store has taken from its own
    stock and not put back, where it says so itself (WooCommerce); None means: quantity less what the order's refunds
    put back. `total` is the money of the line with tax, after discounts, for `quantity`. `moves_nothing` is the reason
    in words why this line is no stock (a gift card, a custom line), empty where it is.
    """

    line_id: str
    external_id: str | None
    sku: str | None
    title: str
    quantity: int
    taken: int | None = None
    total: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    moves_nothing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """Units of one order line in one refund; `restocked` tells whether the store put them back."""

    refund_line_id: str
    line_id: str
    quantity: int
    restocked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One refund of an order, known by its id."""

    refund_id: str
    created_at: datetime
    lines: tuple[RefundLine, ...] = ()
    amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """The state of an order as told.

    `version` is the platform's updated-at in whole seconds. `is_paid` means fully paid (authorised is not), since
    `paid_at`. `is_final` means that it will never be paid any more (cancelled, voided, failed for good). `refunds` are
    merged by id with those known. A test order moves stock and is never recorded in the back office.
    """

    order_id: str
    name: str
    version: datetime
    created_at: datetime
    is_paid: bool
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    is_final: bool = False
    is_test: bool = False
    currency: str = ""
    shipping: Decimal = Decimal(0)
    lines: tuple[OrderLine, ...] = ()
    refunds: tuple[Refund, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersPage:
    """Part of the orders that changed. `platform_at` is the platform's time when the page was read.

    `unreadable` names orders of the page that could not be translated, with the reason: the others still count.
    """

    orders: tuple[OrderSnapshot, ...]
    platform_at: datetime
    is_last: bool
    unreadable: Mapping[str, str] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------- what a delivery says


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefunds:
    """Refunds of an order, without the order."""

    order_id: str
    refunds: tuple[Refund, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    """Something about an order: read it. `may_be_gone` when the platform says that it was deleted."""

    order_id: str
    may_be_gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StockHint:
    """A store tells a figure; `at` is the platform's time of it. Never a reading, only a reason to look."""

    stock_id: str
    quantity: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingChanged:
    """Something about a product or variant: read it again. `may_be_gone` when the platform says it was deleted."""

    external_id: str
    may_be_gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChanged:
    """Something about a product as a whole: read its items again. `product_id` is the `parent_id` of their figures."""

    product_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEnded:
    """The store has taken our access away (the app was uninstalled, the webhook's user lost its rights)."""

    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyRequest:
    """A mandatory privacy topic; `kind` is the platform's topic, `order_ids` what it names."""

    kind: str
    order_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A delivery that we understand and that asks for nothing; `words` says what it was."""

    words: str


Fact = (
    OrderSnapshot
    | OrderRefunds
    | OrderChanged
    | StockHint
    | ListingChanged
    | ProductChanged
    | AccessEnded
    | PrivacyRequest
    | Nothing
)


# ------------------------------------------------------------------------------------------- the account


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place where units lie, by the platform's id. `sells_online`: the store ships online orders from it."""

    location_id: str
    name: str
    is_active: bool = True
    sells_online: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """What a working connection tells of itself.

    `account_id` is the platform's stable name of the account (Shopify's myshopify domain, the shop's home address):
    two connections with the same one are the same store. `settings` are values that the connector wants kept with the
    connection (canonical address, version, what it found out). `warnings` are sentences for the person connecting.
    """

    account_id: str
    name: str
    currency: str = ""
    time_zone: str = "UTC"
    locations: tuple[Location, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class WebhookState(StrEnum):
    """What was found of one subscription, and done."""

    RIGHT = "right"
    MADE = "made"
    REPAIRED = "repaired"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReport:
    """The state of every subscription we want, by topic, and in `words` what was wrong."""

    states: Mapping[str, WebhookState]
    words: Mapping[str, str] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------- the back office


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRow:
    """What the back office says of one item at one location. None: not stocked there, which is not zero.

    A fractional figure was rounded down, and `was_fractional` tells.
    """

    external_id: str
    location_id: str
    quantity: int | None
    was_fractional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableItem:
    """An item of the back office that could not be translated: its stock is not known, which is neither zero nor gone.

    It is named by its id, else by that of its product, else not at all. `reason` says in words which one it is and what
    is wrong with it.
    """

    external_id: str | None
    parent_id: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityPage:
    """One page of a reading of the back office: its items, their rows, and when this page's own request ran.

    `began_at` is taken before the request is sent, `answered_at` after the whole answer is here, by our clock.
    `expected` is the number of items that the back office says there are in all, where it says so, with those that are
    `unreadable`: the others still count.
    """

    items: tuple[CatalogueItem, ...]
    rows: tuple[StockRow, ...]
    began_at: datetime
    answered_at: datetime
    is_last: bool
    expected: int | None = None
    unreadable: tuple[UnreadableItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TillHints:
    """Items that sales in the back office touched; `until` is where the next look for hints begins."""

    refs: tuple[StockRef, ...]
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleLine:
    """One line of a sale to record. `unit_price` holds tax and discounts, four places."""

    line_id: str
    external_id: str
    parent_id: str | None
    sku: str
    quantity: int
    unit_price: Decimal
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A frozen intent: the same value gives the same request, today and after a restart.

    `invoice_no` is ours and unique, `channel` a short code of the selling connection (letters, digits, dashes),
    `sold_at` the order's time.
    """

    invoice_no: str
    channel: str
    channel_name: str
    location_id: str
    sold_at: datetime
    lines: tuple[SaleLine, ...]
    shipping: Decimal = Decimal(0)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedLine:
    """A line as the back office holds it; `external_line_id` is what a return names."""

    external_line_id: str
    external_id: str
    quantity: int
    returned: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSale:
    """A sale as the back office holds it."""

    sale_id: str
    invoice_no: str
    lines: tuple[RecordedLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnLine:
    """`target` is the cumulative quantity that shall have come back, absolute; the unit price holds tax."""

    external_line_id: str
    external_id: str
    parent_id: str | None
    target: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnTarget:
    """What shall have come back of one recorded sale. A figure that is higher already is never lowered."""

    sale_id: str
    lines: tuple[ReturnLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedLine:
    """How much was returned just before our write and after it; equal where nothing had to be done."""

    external_line_id: str
    before: int
    after: int
