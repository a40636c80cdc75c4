"""Every table of syncd.

`DESIGN` words: a *connection* is one account at one platform; a *listing* is one SKU's presence in it; a *stock item*
is the external figure behind one or several listings, the thing that pushes write and looks read; the *inventory cache*
is the fold of the *movements*. Rules that a constraint can carry are constraints here.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from schema.types import BIG_ID, Money, UtcDateTime, words_of

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

Json = dict[str, Any]


def _id() -> Any:
    return Field(default=None, sa_column=Column(BIG_ID, primary_key=True, autoincrement=True))


def _to(target: str, *, null: bool = False, key: bool = False, index: bool = False, cascade: bool = False) -> Any:
    rule = "CASCADE" if cascade else None
    reference = ForeignKey(target, ondelete=rule)
    if key:
        return Field(sa_column=Column(BIG_ID, reference, primary_key=True, autoincrement=False))
    column = Column(BIG_ID, reference, nullable=null, index=index)
    return Field(default=None, sa_column=column) if null else Field(sa_column=column)


def _time(*, null: bool = False, index: bool = False) -> Any:
    column: Column[datetime] = Column(UtcDateTime(), nullable=null, index=index)
    return Field(default=None, sa_column=column) if null else Field(sa_column=column)


def _text(*, null: bool = False) -> Any:
    return Field(default=None if null else "", sa_column=Column(Text(), nullable=null))


def _json() -> Any:
    return Field(
        default_factory=dict,
        sa_column=Column(JSON().with_variant(JSONB(astext_type=Text()), "postgresql"), nullable=False),
    )


def _money(*, null: bool = False) -> Any:
    return Field(default=None if null else Decimal(0), sa_column=Column(Money(), nullable=null))


# ------------------------------------------------------------------------------------------- who


class Merchant(SQLModel, table=True):
    """Everything belongs to one."""

    __tablename__ = "merchant"
    id: int | None = _id()
    name: str = Field(unique=True, max_length=100)
    time_zone: str = Field(default="UTC", max_length=64)
    currency: str = Field(default="", max_length=3)
    created_at: datetime = _time()


class UserRole(StrEnum):
    """What a user may do: everything, everything but users and secrets, or look."""

    OWNER = "owner"
    OPERATOR = "operator"
    VIEWER = "viewer"


class User(SQLModel, table=True):
    """A person. `email` is kept in lower case; `totp_secret` is sealed, `totp_step` the last half minute whose code was
    used, so that a code works once.
    """

    __tablename__ = "user_account"
    id: int | None = _id()
    merchant_id: int = _to("merchant.id", index=True)
    email: str = Field(unique=True, max_length=254)
    name: str = Field(default="", max_length=100)
    role: UserRole = Field(sa_column=Column(words_of(UserRole, "role"), nullable=False))
    password_hash: str = _text()
    totp_secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary(), nullable=True))
    totp_step: int | None = None
    created_at: datetime = _time()
    signed_in_at: datetime | None = _time(null=True)
    disabled_at: datetime | None = _time(null=True)


# ------------------------------------------------------------------------------------------- connections


class ConnectionRole(StrEnum):
    """A connection sells, or is the authority on stock."""

    STORE = "store"
    BACKOFFICE = "backoffice"


class ConnectionState(StrEnum):
    """Shadow: computed and shown, nothing pushed and nothing owed."""

    SHADOW = "shadow"
    LIVE = "live"
    PAUSED = "paused"
    NEEDS_AUTH = "needs_auth"
    DISCONNECTED = "disconnected"


class RecordPolicy(StrEnum):
    """When the back office learns of an order: when it is fully paid, or when it is placed."""

    PAID = "paid"
    PLACED = "placed"


class Connection(SQLModel, table=True):
    """One account at one platform.

    `code` is short and unique for ever: it is in invoice numbers. `public_id` is unguessable: it is in the address that
    the store's webhooks call. `live_at` is T0 in the platform's clock and stays while the connection is paused;
    `live_since` is the same moment in ours: only readings of the authority begun after it count for this store.
    `credentials` are sealed JSON. `orders_cursor` is the platform's time up to which orders are taken in.
    """

    __tablename__ = "connection"
    __table_args__ = (
        UniqueConstraint("merchant_id", "name"),
        Index(
            "uq_connection_account",
            "merchant_id",
            "platform",
            "account_id",
            unique=True,
            sqlite_where=text("state <> 'disconnected'"),
            postgresql_where=text("state <> 'disconnected'"),
        ),
        CheckConstraint("state <> 'live' OR live_at IS NOT NULL", name="live_since"),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    name: str = Field(max_length=60)
    code: str = Field(unique=True, max_length=20)
    public_id: str = Field(unique=True, max_length=64)
    platform: str = Field(max_length=32)
    role: ConnectionRole = Field(sa_column=Column(words_of(ConnectionRole, "role"), nullable=False))
    state: ConnectionState = Field(sa_column=Column(words_of(ConnectionState, "state"), nullable=False))
    record: RecordPolicy = Field(
        default=RecordPolicy.PAID, sa_column=Column(words_of(RecordPolicy, "record"), nullable=False)
    )
    account_id: str = Field(max_length=255)
    currency: str = Field(default="", max_length=3)
    settings: Json = _json()
    credentials: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))
    starting_point: str = Field(default="backoffice", max_length=10)
    live_at: datetime | None = _time(null=True)
    live_since: datetime | None = _time(null=True)
    orders_cursor: datetime | None = _time(null=True)
    pulled_at: datetime | None = _time(null=True)
    catalogue_at: datetime | None = _time(null=True)
    reconciled_at: datetime | None = _time(null=True)
    webhooks_at: datetime | None = _time(null=True)
    webhook_report: Json = _json()
    last_delivery_at: datetime | None = _time(null=True)
    refused_signatures: int = 0
    failing_since: datetime | None = _time(null=True)
    failures: int = 0
    failure: str = _text()
    not_before: datetime | None = _time(null=True)
    created_at: datetime = _time()


class BackOffice(SQLModel, table=True):
    """A merchant's back office settings. Without a connection, syncd's own ledger is the authority.

    `release_next` lets the next fresh reading pass the brake once.
    """

    __tablename__ = "back_office"
    merchant_id: int = _to("merchant.id", key=True)
    connection_id: int | None = _to("connection.id", null=True)
    release_next: bool = False
    hint_cursor: datetime | None = _time(null=True)
    hinted_at: datetime | None = _time(null=True)
    swept_at: datetime | None = _time(null=True)
    catalogue_at: datetime | None = _time(null=True)
    audited_at: datetime | None = _time(null=True)


class Location(SQLModel, table=True):
    """A place where units lie, by the back office's id."""

    __tablename__ = "location"
    __table_args__ = (UniqueConstraint("merchant_id", "external_id"),)
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    external_id: str = Field(max_length=191)
    name: str = Field(default="", max_length=120)
    is_active: bool = True
    is_default: bool = False


class PoolLocation(SQLModel, table=True):
    """The locations that a store sells from; its orders are taken from the first."""

    __tablename__ = "pool_location"
    connection_id: int = _to("connection.id", key=True, cascade=True)
    location_id: int = _to("location.id", key=True)
    position: int = 0


class OAuthState(SQLModel, table=True):
    """A consent that was begun: one use, ten minutes. `request` holds sealed what is needed to finish it."""

    __tablename__ = "oauth_state"
    state: str = Field(primary_key=True, max_length=64)
    merchant_id: int = _to("merchant.id")
    platform: str = Field(max_length=32)
    request: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))
    created_at: datetime = _time()
    expires_at: datetime = _time()
    used_at: datetime | None = _time(null=True)
    connection_id: int | None = _to("connection.id", null=True)
    failure: str = _text()


# ------------------------------------------------------------------------------------------- what is sold where


class StockItem(SQLModel, table=True):
    """One external stock figure of a store: what pushes write and looks read.

    `desired` is what the listings on it should show, kept by `syncd.engine.desired` (None: nothing is published).
    `observed` is belief; STOCK.md names the three things that move it. `look_at` is when a look is due, None if none
    is; `unknown_until` is the quarantine of a push without an answer. `hint_…` is the last figure told by a webhook, a
    reason to look when it is still unexplained after the grace. `is_kept`: a person wants this number, `kept_until`
    then. `late`: units that our own figure may have buried (see `syncd.domain.observed`). `moves` counts own movements.
    """

    __tablename__ = "stock_item"
    __table_args__ = (
        UniqueConstraint("connection_id", "external_id"),
        Index("ix_stock_item_look", "connection_id", "look_at"),
        Index(
            "ix_stock_item_owed",
            "connection_id",
            sqlite_where=text("desired IS NOT NULL AND desired <> observed"),
            postgresql_where=text("desired IS NOT NULL AND desired <> observed"),
        ),
        Index(
            "ix_stock_item_held", "connection_id", sqlite_where=text("held <> 0"), postgresql_where=text("held <> 0")
        ),
        CheckConstraint("desired >= 0", name="desired"),
    )
    id: int | None = _id()
    connection_id: int = _to("connection.id")
    external_id: str = Field(max_length=191)
    parent_id: str | None = Field(default=None, max_length=191)
    desired: int | None = None
    observed: int | None = None
    fence: datetime | None = _time(null=True)
    look_at: datetime | None = _time(null=True)
    look_reason: str = Field(default="", max_length=100)
    suspect: int | None = None
    suspect_at: datetime | None = _time(null=True)
    held: int = 0
    is_kept: bool = False
    late: int = 0
    kept_until: datetime | None = _time(null=True)
    hint: int | None = None
    hint_at: datetime | None = _time(null=True)
    hint_heard_at: datetime | None = _time(null=True)
    unknown_until: datetime | None = _time(null=True)
    moves: int = 0
    not_before: datetime | None = _time(null=True)
    attempts: int = 0
    confirmed_at: datetime | None = _time(null=True)


class Match(StrEnum):
    """How a listing stands to the merchant's SKUs."""

    LINKED = "linked"
    UNMATCHED = "unmatched"
    NO_SKU = "no_sku"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


class Listing(SQLModel, table=True):
    """One SKU's presence in one connection, the back office included.

    `external_sku` is what the platform says, `sku` the one of ours it is joined to (set exactly when `match` is
    linked). `linked_at` is when it was joined.
    """

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("connection_id", "external_id"),
        Index("ix_listing_sku", "merchant_id", "sku"),
        Index("ix_listing_external_sku", "connection_id", "external_sku"),
        CheckConstraint("(match = 'linked') = (sku IS NOT NULL)", name="linked_has_sku"),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    connection_id: int = _to("connection.id")
    external_id: str = Field(max_length=191)
    stock_item_id: int = _to("stock_item.id", index=True)
    external_sku: str | None = Field(default=None, max_length=191)
    sku: str | None = Field(default=None, max_length=191)
    match: Match = Field(sa_column=Column(words_of(Match, "match"), nullable=False))
    is_by_hand: bool = False
    title: str = _text()
    tracked: bool = True
    blocked: str = _text()
    price: Decimal | None = _money(null=True)
    image_url: str | None = _text(null=True)
    linked_at: datetime | None = _time(null=True)
    seen_at: datetime = _time()
    gone_at: datetime | None = _time(null=True)


class ListingCheck(SQLModel, table=True):
    """A store told that something about a product changed: read it again when due. Many tellings are one row."""

    __tablename__ = "listing_check"
    connection_id: int = _to("connection.id", key=True, cascade=True)
    external_id: str = Field(primary_key=True, max_length=191)
    due_at: datetime = _time(index=True)


class RuleKind(StrEnum):
    """What a rule sets."""

    SAFETY_STOCK = "safety_stock"
    BUFFER = "buffer"
    CAP = "cap"
    LOW_STOCK = "low_stock"


class Rule(SQLModel, table=True):
    """A number for all, for one store, for one SKU, or for one SKU in one store; the narrowest one counts."""

    __tablename__ = "rule"
    __table_args__ = (
        Index(
            "uq_rule_scope",
            "merchant_id",
            "kind",
            text("coalesce(connection_id, 0)"),
            text("coalesce(sku, '')"),
            unique=True,
        ),
        Index(
            "ix_rule_sku",
            "merchant_id",
            "kind",
            "sku",
            sqlite_where=text("connection_id IS NULL"),
            postgresql_where=text("connection_id IS NULL"),
        ),
        CheckConstraint("value >= 0", name="value"),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    kind: RuleKind = Field(sa_column=Column(words_of(RuleKind, "kind"), nullable=False))
    connection_id: int | None = _to("connection.id", null=True, cascade=True)
    sku: str | None = Field(default=None, max_length=191)
    value: int


# ------------------------------------------------------------------------------------------- stock


class InventoryCache(SQLModel, table=True):
    """Per location and SKU, the fold of the movements. `on_hand` None: no reading yet, which is not zero.

    `reading` is the last applied figure of the authority, `read_answered_at` when its request had been answered;
    `last_write_at` when our last write about this SKU had been. `drops` counts readings dropped in a row by the fence.
    """

    __tablename__ = "inventory_cache"
    __table_args__ = (
        UniqueConstraint("location_id", "sku"),
        Index("ix_inventory_cache_merchant_sku", "merchant_id", "sku"),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    location_id: int = _to("location.id")
    sku: str = Field(max_length=191)
    on_hand: int | None = None
    open: int = 0
    reading: int | None = None
    read_began_at: datetime | None = _time(null=True)
    read_answered_at: datetime | None = _time(null=True)
    last_write_at: datetime | None = _time(null=True)
    drops: int = 0
    reread_at: datetime | None = _time(null=True, index=True)
    updated_at: datetime = _time()


class MovementKind(StrEnum):
    """Why stock moved."""

    READING = "reading"
    ORDER = "order"
    RECORDED = "recorded"
    RETURNED = "returned"
    BASELINE = "baseline"
    RELEASED = "released"
    ADJUSTMENT = "adjustment"


class Movement(SQLModel, table=True):
    """One immutable line of the ledger. Its cause (source, event, line, n) is unique, so that a fact counts once.

    `source` is a connection's code or `ledger`; `value` is the absolute figure of a reading or a count.
    """

    __tablename__ = "movement"
    __table_args__ = (
        UniqueConstraint("merchant_id", "source", "event", "line", "n"),
        Index("ix_movement_sku", "merchant_id", "sku", "id"),
        Index(
            "ix_movement_adjustment",
            "merchant_id",
            "sku",
            "id",
            sqlite_where=text("kind = 'adjustment'"),
            postgresql_where=text("kind = 'adjustment'"),
        ),
        Index(
            "ix_movement_reading",
            "merchant_id",
            "recorded_at",
            sqlite_where=text("kind = 'reading'"),
            postgresql_where=text("kind = 'reading'"),
        ),
        CheckConstraint("n > 0", name="n"),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    location_id: int = _to("location.id")
    sku: str = Field(max_length=191)
    kind: MovementKind = Field(sa_column=Column(words_of(MovementKind, "kind"), nullable=False))
    on_hand_delta: int = 0
    open_delta: int = 0
    value: int | None = None
    source: str = Field(max_length=20)
    event: str = Field(max_length=191)
    line: str = Field(default="", max_length=210)
    n: int = 1
    order_id: int | None = _to("order_header.id", null=True, index=True)
    note: str = _text()
    actor: str = Field(default="", max_length=254)
    occurred_at: datetime = _time()
    recorded_at: datetime = _time()


# ------------------------------------------------------------------------------------------- orders


class Order(SQLModel, table=True):
    """The newest known state of an order.

    `version` is None while only refunds of it are known. `rev` counts stored changes. `is_baseline`: its recording
    condition was met before T0, so nothing of it is owed. `reread_at` is when it must be read from the store again.
    `is_wanted`: a person had it recorded although it is from before T0; `left_out`: it is not to be recorded.
    """

    __tablename__ = "order_header"
    __table_args__ = (
        UniqueConstraint("connection_id", "external_id"),
        Index(
            "ix_order_header_reread",
            "connection_id",
            "reread_at",
            sqlite_where=text("reread_at IS NOT NULL"),
            postgresql_where=text("reread_at IS NOT NULL"),
        ),
        Index("ix_order_header_placed", "merchant_id", "placed_at"),
        Index("ix_order_header_name", "merchant_id", "name"),
        Index(
            "ix_order_header_owed",
            "merchant_id",
            sqlite_where=text("is_owed IS 1"),
            postgresql_where=text("is_owed IS true"),
        ),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    connection_id: int = _to("connection.id")
    external_id: str = Field(max_length=191)
    name: str = Field(default="", max_length=100)
    version: datetime | None = _time(null=True)
    content_hash: str = Field(default="", max_length=64)
    rev: int = 0
    placed_at: datetime = _time()
    is_paid: bool = False
    paid_at: datetime | None = _time(null=True)
    cancelled_at: datetime | None = _time(null=True)
    is_final: bool = False
    is_test: bool = False
    is_baseline: bool = False
    is_deleted: bool = False
    is_wanted: bool = False
    left_out: bool = False
    currency: str = Field(default="", max_length=3)
    shipping: Decimal = _money()
    reread_at: datetime | None = _time(null=True)
    reread_attempts: int = 0
    heard_at: datetime = _time()
    changed_at: datetime = _time()
    is_owed: bool = False


class OrderLine(SQLModel, table=True):
    """One line. It keeps the listing, SKU and location that it was first counted at.

    `taken`: units that the store has taken and not put back. `acknowledged`: units of them that the back office has.
    `is_counted`: `open` holds taken less acknowledged. `moves`: movements so far (the n of their cause).
    `moves_nothing` says in words why the line is no stock.
    """

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "external_id"),
        Index(
            "ix_order_line_open",
            "sku",
            sqlite_where=text("taken <> acknowledged"),
            postgresql_where=text("taken <> acknowledged"),
        ),
    )
    id: int | None = _id()
    order_id: int = _to("order_header.id")
    external_id: str = Field(max_length=191)
    listing_external_id: str | None = Field(default=None, max_length=191)
    listing_id: int | None = _to("listing.id", null=True, index=True)
    location_id: int | None = _to("location.id", null=True)
    sku: str | None = Field(default=None, max_length=191)
    told_sku: str | None = Field(default=None, max_length=191)
    title: str = _text()
    quantity: int = 0
    told_taken: int | None = None
    taken: int = 0
    acknowledged: int = 0
    moves: int = 0
    is_counted: bool = False
    is_baseline: bool = False
    total: Decimal = _money()
    tax: Decimal = _money()
    moves_nothing: str = _text()


class OrderRefund(SQLModel, table=True):
    """One refund of an order, once."""

    __tablename__ = "order_refund"
    __table_args__ = (UniqueConstraint("order_id", "external_id"),)
    id: int | None = _id()
    order_id: int = _to("order_header.id")
    external_id: str = Field(max_length=191)
    created_at: datetime = _time()
    amount: Decimal = _money()


class OrderRefundLine(SQLModel, table=True):
    """Units of one order line in one refund."""

    __tablename__ = "order_refund_line"
    __table_args__ = (UniqueConstraint("refund_id", "external_id"), CheckConstraint("quantity >= 0", name="quantity"))
    id: int | None = _id()
    refund_id: int = _to("order_refund.id")
    external_id: str = Field(max_length=191)
    line_external_id: str = Field(max_length=191)
    quantity: int = 0
    restocked: bool = False


class SaleKind(StrEnum):
    """A row of the sales log is a sale or a return."""

    SALE = "sale"
    RETURN = "return"


class SalesLog(SQLModel, table=True):
    """Each online sale and return once, per order line. `backoffice_id` is the authority's id of it, once it has
    one.
    """

    __tablename__ = "sales_log"
    __table_args__ = (
        UniqueConstraint("connection_id", "order_external_id", "line", "kind", "n"),
        # Whatever sums up a time is in it: no row is read for a total.
        Index(
            "ix_sales_log_time",
            "merchant_id",
            "occurred_at",
            "connection_id",
            "order_id",
            "kind",
            "quantity",
            "unit_price",
        ),
        Index("ix_sales_log_heard", "merchant_id", "recorded_at"),
        Index("ix_sales_log_sku", "merchant_id", "sku", "recorded_at"),
        CheckConstraint("quantity > 0", name="quantity"),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    connection_id: int = _to("connection.id")
    order_id: int = _to("order_header.id", index=True)
    order_line_id: int = _to("order_line.id", index=True)
    order_external_id: str = Field(max_length=191)
    line: str = Field(max_length=191)
    kind: SaleKind = Field(sa_column=Column(words_of(SaleKind, "kind"), nullable=False))
    n: int = 1
    sku: str | None = Field(default=None, max_length=191)
    title: str = _text()
    quantity: int
    unit_price: Decimal = _money()
    currency: str = Field(default="", max_length=3)
    backoffice_id: str | None = Field(default=None, max_length=191)
    reason: str = _text()
    occurred_at: datetime = _time()
    recorded_at: datetime = _time()


class DocumentState(StrEnum):
    """Of a sale or return that we send to the back office. Parked ones wait for a person."""

    SENT = "sent"
    UNKNOWN = "unknown"
    RECORDED = "recorded"
    PARKED = "parked"
    LEFT_OUT = "left_out"


class SaleDocument(SQLModel, table=True):
    """One sale in the back office: a frozen intent, stored before it is sent, under an invoice number of ours.

    `connection_id` is the back office that it was made for, None for syncd's own ledger: what comes back of it is
    returned there and nowhere else. `body` is the frozen `Sale`. `lease_token` names the hand that sent it.
    `not_before` is the end of its quarantine, or of its back-off.
    """

    __tablename__ = "sale_document"
    __table_args__ = (
        UniqueConstraint("order_id", "n"),
        Index("ix_sale_document_open", "merchant_id", "state"),
        Index("ix_sale_document_recorded", "merchant_id", "recorded_at"),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    order_id: int = _to("order_header.id")
    connection_id: int | None = _to("connection.id", null=True)
    location_id: int = _to("location.id")
    n: int = 1
    invoice_no: str = Field(unique=True, max_length=190)
    state: DocumentState = Field(sa_column=Column(words_of(DocumentState, "state"), nullable=False))
    body: Json = _json()
    backoffice_id: str | None = Field(default=None, max_length=191)
    lease_token: str = Field(default="", max_length=64)
    attempts: int = 0
    looks: int = 0
    words: str = _text()
    sent_at: datetime = _time()
    not_before: datetime | None = _time(null=True)
    recorded_at: datetime | None = _time(null=True)


class SaleDocumentLine(SQLModel, table=True):
    """How many units of an order line a document holds, and how many of them came back."""

    __tablename__ = "sale_document_line"
    __table_args__ = (
        UniqueConstraint("document_id", "order_line_id"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("returned >= 0 AND returned <= quantity", name="returned"),
    )
    id: int | None = _id()
    document_id: int = _to("sale_document.id")
    order_line_id: int = _to("order_line.id", index=True)
    sku: str = Field(max_length=191)
    external_id: str = Field(default="", max_length=191)
    parent_id: str | None = Field(default=None, max_length=191)
    quantity: int
    returned: int = 0
    unit_price: Decimal = _money()
    external_line_id: str | None = Field(default=None, max_length=191)


class ReturnDocument(SQLModel, table=True):
    """A return on its way: the absolute targets of one sale document. At most one that is open per document."""

    __tablename__ = "return_document"
    __table_args__ = (
        Index(
            "uq_return_document_open",
            "document_id",
            unique=True,
            sqlite_where=text("state IN ('sent', 'unknown', 'parked')"),
            postgresql_where=text("state IN ('sent', 'unknown', 'parked')"),
        ),
        Index("ix_return_document_open", "merchant_id", "state"),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    document_id: int = _to("sale_document.id")
    state: DocumentState = Field(sa_column=Column(words_of(DocumentState, "state"), nullable=False))
    body: Json = _json()
    lease_token: str = Field(default="", max_length=64)
    attempts: int = 0
    words: str = _text()
    sent_at: datetime = _time()
    not_before: datetime | None = _time(null=True)
    recorded_at: datetime | None = _time(null=True)


# ------------------------------------------------------------------------------------------- work


class DeliveryState(StrEnum):
    """Of a delivery: not looked at, taken in, understood as nothing, or unreadable."""

    NEW = "new"
    APPLIED = "applied"
    IGNORED = "ignored"
    DEAD = "dead"


class Delivery(SQLModel, table=True):
    """One request that told us something, raw, once. `source` is `webhook` or `pull`."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("connection_id", "key"),
        Index(
            "ix_delivery_new",
            "id",
            sqlite_where=text("state = 'new'"),
            postgresql_where=text("state = 'new'"),
        ),
        Index("ix_delivery_received", "connection_id", "received_at"),
        Index("ix_delivery_listed", "connection_id", "state", "id"),
    )
    id: int | None = _id()
    connection_id: int = _to("connection.id")
    source: str = Field(default="webhook", max_length=10)
    key: str = Field(max_length=255)
    topic: str = Field(default="", max_length=100)
    headers: Json = _json()
    state: DeliveryState = Field(
        default=DeliveryState.NEW, sa_column=Column(words_of(DeliveryState, "state"), nullable=False)
    )
    attempts: int = 0
    not_before: datetime | None = _time(null=True)
    reason: str = _text()
    received_at: datetime = _time()
    applied_at: datetime | None = _time(null=True)
    # The last column: SQLite reads through it to whatever stands behind.
    body: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))


class RunState(StrEnum):
    """Of a sync run. A wanted run was asked for and has not begun."""

    WANTED = "wanted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class SyncRun(SQLModel, table=True):
    """One piece of work: why, what it did. `wants` holds what was asked for, `counts` what came of it."""

    __tablename__ = "sync_run"
    __table_args__ = (
        Index("ix_sync_run_state", "state"),
        Index("ix_sync_run_merchant", "merchant_id", "id"),
        Index("ix_sync_run_kind", "merchant_id", "kind", "id"),
        Index("ix_sync_run_connection", "connection_id", "id"),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    connection_id: int | None = _to("connection.id", null=True)
    kind: str = Field(max_length=32)
    cause: str = Field(default="", max_length=200)
    state: RunState = Field(sa_column=Column(words_of(RunState, "state"), nullable=False))
    is_dry: bool = False
    wants: Json = _json()
    counts: Json = _json()
    done: int = 0
    total: int | None = None
    words: str = _text()
    undone_by: int | None = _to("sync_run.id", null=True)
    started_at: datetime = _time()
    ended_at: datetime | None = _time(null=True)


class PushBatch(SQLModel, table=True):
    """Writes that went out in one call; its id is the reference in the store's history, its key the idempotency key."""

    __tablename__ = "push_batch"
    __table_args__ = (Index("ix_push_batch_intent", "connection_id", "intent_at"),)
    id: int | None = _id()
    connection_id: int = _to("connection.id")
    run_id: int = _to("sync_run.id", index=True)
    key: str = Field(unique=True, max_length=36)
    lease_token: str = Field(max_length=64)
    intent_at: datetime = _time()
    answered_at: datetime | None = _time(null=True)


class PushState(StrEnum):
    """Of a push: stored before sending, acknowledged, refused by compare, lost, or surely without effect."""

    INTENT = "intent"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


class Push(SQLModel, table=True):
    """One figure set, or tried to. `difference` is what `observed` takes when it is acknowledged (STOCK §2b).

    `before` is what the store showed (the expectation that held, or the figure that was found instead). `sold_at`: when
    the sale was made that this push tells the store of; None where no sale was its cause.
    """

    __tablename__ = "push"
    __table_args__ = (
        Index("ix_push_item", "stock_item_id", "id"),
        Index("ix_push_answered", "connection_id", "answered_at", "state", "sold_at"),
        Index(
            "ix_push_sold",
            "sold_at",
            sqlite_where=text("sold_at IS NOT NULL"),
            postgresql_where=text("sold_at IS NOT NULL"),
        ),
        Index(
            "ix_push_open",
            "connection_id",
            sqlite_where=text("state = 'intent'"),
            postgresql_where=text("state = 'intent'"),
        ),
        CheckConstraint("target >= 0", name="target"),
    )
    id: int | None = _id()
    connection_id: int = _to("connection.id")
    batch_id: int = _to("push_batch.id", index=True)
    run_id: int = _to("sync_run.id", index=True)
    stock_item_id: int = _to("stock_item.id")
    sku: str = Field(max_length=191)
    expected: int
    target: int
    difference: int
    desired: int
    is_doubtful: bool = False
    is_undo: bool = False
    moves: int = 0
    state: PushState = Field(sa_column=Column(words_of(PushState, "state"), nullable=False))
    before: int | None = None
    after: int | None = None
    cause: str = _text()
    sold_at: datetime | None = _time(null=True)
    words: str = _text()
    intent_at: datetime = _time()
    answered_at: datetime | None = _time(null=True)


class CreationState(StrEnum):
    """Of a product to be made in a store. SENT and UNKNOWN may have been made; STOPPED was wanted no longer."""

    WANTED = "wanted"
    SENT = "sent"
    UNKNOWN = "unknown"
    MADE = "made"
    FOUND = "found"
    REFUSED = "refused"
    STOPPED = "stopped"


class Creation(SQLModel, table=True):
    """A product that somebody wants made in a store; stored before it is sent. One SKU is open once in a store.

    `price` is in the store's currency. `not_before`: when it may be sent, or an unknown one be tried again.
    """

    __tablename__ = "creation"
    __table_args__ = (
        Index(
            "uq_creation_open",
            "connection_id",
            "sku",
            unique=True,
            sqlite_where=text("state in ('wanted', 'sent', 'unknown')"),
            postgresql_where=text("state in ('wanted', 'sent', 'unknown')"),
        ),
        Index("ix_creation_run", "run_id", "state"),
    )
    id: int | None = _id()
    connection_id: int = _to("connection.id")
    run_id: int = _to("sync_run.id")
    sku: str = Field(max_length=191)
    title: str = _text()
    price: Decimal | None = _money(null=True)
    image_url: str | None = _text(null=True)
    is_draft: bool = True
    state: CreationState = Field(sa_column=Column(words_of(CreationState, "state"), nullable=False))
    key: str = Field(default="", max_length=36)
    lease_token: str = Field(default="", max_length=64)
    attempts: int = 0
    words: str = _text()
    external_id: str | None = Field(default=None, max_length=191)
    sent_at: datetime | None = _time(null=True)
    not_before: datetime | None = _time(null=True)
    ended_at: datetime | None = _time(null=True)


class StartingStock(SQLModel, table=True):
    """A figure of a store that the own ledger's stock of an SKU began with (STOCK §8).

    `basis` is what the store showed then, plus what its counted orders had taken until then. It is settled when the
    store is live and two looks (the first at `looked_at`) agree: what the store sold meanwhile that no order counts is
    taken off the ledger too. Until then its figure is left alone.
    """

    __tablename__ = "starting_stock"
    stock_item_id: int = _to("stock_item.id", key=True, cascade=True)
    location_id: int = _to("location.id")
    sku: str = Field(max_length=191)
    basis: int
    taken_at: datetime = _time()
    looked_at: datetime | None = _time(null=True)
    settled_at: datetime | None = _time(null=True)


class Drift(SQLModel, table=True):
    """An unexplained difference that a closed look found: corrected, adopted, held or released."""

    __tablename__ = "drift"
    __table_args__ = (Index("ix_drift_item", "stock_item_id", "found_at"), Index("ix_drift_found", "found_at"))
    id: int | None = _id()
    stock_item_id: int = _to("stock_item.id")
    run_id: int | None = _to("sync_run.id", null=True)
    believed: int
    found: int
    verdict: str = Field(max_length=32)
    found_at: datetime = _time()


class IssueState(StrEnum):
    """Of an issue."""

    OPEN = "open"
    RESOLVED = "resolved"


class Issue(SQLModel, table=True):
    """Something a person should look at, with what to do. One open issue per key; `times` counts how often it came."""

    __tablename__ = "issue"
    __table_args__ = (
        Index(
            "uq_issue_open",
            "merchant_id",
            "key",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_issue_seen", "merchant_id", "state", "seen_at"),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    kind: str = Field(max_length=40)
    key: str = Field(max_length=255)
    connection_id: int | None = _to("connection.id", null=True)
    sku: str | None = Field(default=None, max_length=191)
    order_id: int | None = _to("order_header.id", null=True)
    title: str = _text()
    why: str = _text()
    what_to_do: str = _text()
    details: Json = _json()
    state: IssueState = Field(sa_column=Column(words_of(IssueState, "state"), nullable=False))
    times: int = 1
    assigned_to: int | None = _to("user_account.id", null=True)
    opened_at: datetime = _time()
    seen_at: datetime = _time()
    resolved_at: datetime | None = _time(null=True)
    resolved_by: str = Field(default="", max_length=254)


class Lease(SQLModel, table=True):
    """An exclusive claim with an end and a token."""

    __tablename__ = "lease"
    name: str = Field(primary_key=True, max_length=120)
    holder: str = Field(max_length=120)
    token: str = Field(max_length=64)
    expires_at: datetime = _time()


class Tick(SQLModel, table=True):
    """When a scheduled job last began, so that several processes fire it once."""

    __tablename__ = "tick"
    name: str = Field(primary_key=True, max_length=120)
    begun_at: datetime = _time()


class AuditEvent(SQLModel, table=True):
    """Who did what."""

    __tablename__ = "audit_event"
    id: int | None = _id()
    merchant_id: int = _to("merchant.id", index=True)
    actor: str = Field(max_length=254)
    action: str = Field(max_length=60)
    target: str = Field(default="", max_length=255)
    details: Json = _json()
    at: datetime = _time()


# ------------------------------------------------------------------------------------------- accounts


class SessionKind(StrEnum):
    """A page session is known by a cookie, an api session by a JWT."""

    PAGE = "page"
    API = "api"


class WebSession(SQLModel, table=True):
    """A sign-in that can be ended. `is_pending`: the password was right, the second factor is still asked for.

    `token_hash` is the SHA-256 of what the cookie, or the JWT's id, holds.
    """

    __tablename__ = "web_session"
    id: int | None = _id()
    user_id: int = _to("user_account.id", index=True)
    kind: SessionKind = Field(sa_column=Column(words_of(SessionKind, "kind"), nullable=False))
    token_hash: str = Field(unique=True, max_length=64)
    is_pending: bool = False
    address: str = Field(default="", max_length=64)
    agent: str = Field(default="", max_length=200)
    created_at: datetime = _time()
    seen_at: datetime = _time()
    expires_at: datetime = _time(index=True)
    ended_at: datetime | None = _time(null=True)


class ApiToken(SQLModel, table=True):
    """A long-lived token of a program. It may do what `scope` may, and never more than its user may.

    `hint` is its end, so that a person can tell tokens apart; the token itself is shown once and kept as a hash.
    """

    __tablename__ = "api_token"
    __table_args__ = (
        Index(
            "uq_api_token_name",
            "merchant_id",
            "name",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    user_id: int = _to("user_account.id", index=True)
    name: str = Field(max_length=60)
    scope: UserRole = Field(sa_column=Column(words_of(UserRole, "scope"), nullable=False))
    token_hash: str = Field(unique=True, max_length=64)
    hint: str = Field(default="", max_length=8)
    created_at: datetime = _time()
    used_at: datetime | None = _time(null=True)
    expires_at: datetime | None = _time(null=True)
    revoked_at: datetime | None = _time(null=True)


class SignInAttempt(SQLModel, table=True):
    """A sign-in that failed, by password or by code. Counted in the database, because processes share the limit."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (
        Index("ix_sign_in_attempt_email", "email", "at"),
        Index("ix_sign_in_attempt_from", "address", "at"),
    )
    id: int | None = _id()
    email: str = Field(max_length=254)
    address: str = Field(default="", max_length=64)
    at: datetime = _time()


class PasswordReset(SQLModel, table=True):
    """A way back in for who forgot the password: one use, an hour."""

    __tablename__ = "password_reset"
    id: int | None = _id()
    user_id: int = _to("user_account.id", index=True)
    token_hash: str = Field(unique=True, max_length=64)
    created_at: datetime = _time()
    expires_at: datetime = _time()
    used_at: datetime | None = _time(null=True)


class Invitation(SQLModel, table=True):
    """Somebody may become a user, by a link that works once. One open invitation per merchant and address."""

    __tablename__ = "invitation"
    __table_args__ = (
        Index(
            "uq_invitation_open",
            "merchant_id",
            "email",
            unique=True,
            sqlite_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id")
    email: str = Field(max_length=254)
    role: UserRole = Field(sa_column=Column(words_of(UserRole, "role"), nullable=False))
    token_hash: str = Field(unique=True, max_length=64)
    invited_by: str = Field(default="", max_length=254)
    created_at: datetime = _time()
    expires_at: datetime = _time()
    accepted_at: datetime | None = _time(null=True)
    revoked_at: datetime | None = _time(null=True)


class SetupCode(SQLModel, table=True):
    """The right to make the first owner. The code itself is kept nowhere: it is derived from the key and `nonce`."""

    __tablename__ = "setup_code"
    __table_args__ = (CheckConstraint("tries_left >= 0", name="tries_left"),)
    id: int | None = _id()
    nonce: str = Field(max_length=64)
    tries_left: int
    created_at: datetime = _time()


class IssueNote(SQLModel, table=True):
    """What somebody wrote beside an issue."""

    __tablename__ = "issue_note"
    id: int | None = _id()
    issue_id: int = _to("issue.id", index=True, cascade=True)
    author: str = Field(max_length=254)
    words: str = _text()
    at: datetime = _time()


# ------------------------------------------------------------------------------------------- messages


class MailLevel(StrEnum):
    """Which issues somebody wants mail about."""

    NONE = "none"
    URGENT = "urgent"
    ALL = "all"


class MailRhythm(StrEnum):
    """As soon as they are raised, or once a day."""

    AT_ONCE = "at_once"
    DAILY = "daily"


class MailWish(SQLModel, table=True):
    """What a user wants mail about: `stores`, `stock` and `sales` are areas of issues.

    Who has no row wants what is usual for their role (`syncd.engine.notices`).
    """

    __tablename__ = "mail_wish"
    user_id: int = _to("user_account.id", key=True, cascade=True)
    level: MailLevel = Field(sa_column=Column(words_of(MailLevel, "level"), nullable=False))
    rhythm: MailRhythm = Field(
        default=MailRhythm.AT_ONCE, sa_column=Column(words_of(MailRhythm, "rhythm"), nullable=False)
    )
    stores: bool = True
    stock: bool = True
    sales: bool = True


class IssueTold(SQLModel, table=True):
    """That somebody was written about an issue: once, whatever happens to the process that wrote."""

    __tablename__ = "issue_told"
    issue_id: int = _to("issue.id", key=True, cascade=True)
    user_id: int = _to("user_account.id", key=True, cascade=True)
    mail_id: int = _to("mail.id", index=True, cascade=True)


class MailState(StrEnum):
    """Of a message: to be handed to the mail server, handed over, or given up."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"


class Mail(SQLModel, table=True):
    """A message to somebody, stored in the transaction of its cause. `body` is sealed, and emptied when it is done.

    `key` is its Message-ID: should the server's answer be lost, the same message goes out again under the same one.
    """

    __tablename__ = "mail"
    __table_args__ = (
        Index(
            "ix_mail_waiting",
            "not_before",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )
    id: int | None = _id()
    merchant_id: int = _to("merchant.id", index=True)
    key: str = Field(unique=True, max_length=64)
    address: str = Field(max_length=254)
    subject: str = Field(max_length=200)
    body: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))
    state: MailState = Field(default=MailState.WAITING, sa_column=Column(words_of(MailState, "state"), nullable=False))
    attempts: int = 0
    words: str = _text()
    not_before: datetime = _time()
    created_at: datetime = _time()
    sent_at: datetime | None = _time(null=True)


class FigureSeen(SQLModel, table=True):
    """A number that a store in shadow told of itself: what the merchant's present way of working makes of it, and when.

    `at` is the platform's time, `heard_at` ours.
    """

    __tablename__ = "figure_seen"
    __table_args__ = (Index("ix_figure_seen_item", "stock_item_id", "heard_at"),)
    id: int | None = _id()
    stock_item_id: int = _to("stock_item.id", cascade=True)
    quantity: int
    at: datetime = _time()
    heard_at: datetime = _time()


APPEND_ONLY = ("movement",)
