"""What may enter: foreign text and numbers as every database keeps them, decided here and nowhere else.

Names and titles are trimmed and cut to their column; a text that cannot be an SKU is none; an id, a currency or a
number that cannot be one makes the whole message unreadable (`Unfit`), for half an order must not be counted. The
lengths are those of `schema/tables.py`, which a test compares. Used by `syncd/engine/intake.py`, `pull.py` and the
catalogues.
"""

import re
from dataclasses import replace
from decimal import Decimal

from connectors.sdk.values import (
    AccountInfo,
    AuthorityPage,
    CatalogueItem,
    Fact,
    FigureState,
    ListingChanged,
    OrderChanged,
    OrderLine,
    OrderRefunds,
    OrderSnapshot,
    ProductChanged,
    Refund,
    RefundLine,
    StockFigure,
    StockHint,
    StockRef,
    UnreadableItem,
)

LONGEST_ID = 191
LONGEST_SKU = 191
LONGEST_ORDER_NAME = 100
LONGEST_TITLE = 255
LONGEST_PLACE = 120
LONGEST_ZONE = 64
LONGEST_WORDS = 2000
MOST_UNITS = 10**9
MOST_MONEY = Decimal(10) ** 14
_CURRENCY = re.compile(r"[A-Z]{3}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Unfit(ValueError):
    """A message says something that cannot be kept; the words say where."""


def text(words: str, longest: int = LONGEST_WORDS) -> str:
    """Words as both databases keep them: no NUL, no half of a character, trimmed and not too long."""
    if "\x00" in words or not words.isascii():
        words = words.replace("\x00", "").encode(errors="replace").decode()
    return words.strip()[:longest].rstrip()


def sku(told: str | None) -> str | None:
    """An SKU without the blanks around it; None where nothing is left, or what is left cannot be one. Case counts."""
    cleaned = (told or "").strip()
    return cleaned if cleaned and not is_no_sku(cleaned) else None


def is_no_sku(told: str | None) -> bool:
    """Whether something is said that cannot be an SKU: too long, or with characters that nobody can type."""
    cleaned = (told or "").strip()
    return len(cleaned) > LONGEST_SKU or _UNPRINTABLE.search(cleaned) is not None


def currency(told: str) -> str:
    """Three capitals, or nothing where nothing is said. Raises Unfit."""
    cleaned = told.strip().upper()
    if cleaned and not _CURRENCY.fullmatch(cleaned):
        raise Unfit(f"{text(cleaned, 20)!r} is no currency; three letters are, such as KES")
    return cleaned


def identifier(told: str, what: str) -> str:
    """An id as it is. Raises Unfit for one that no table keeps: cut short it would be another one's."""
    if not told or len(told) > LONGEST_ID or _UNPRINTABLE.search(told):
        raise Unfit(f"{what}: an id has 1 to {LONGEST_ID} characters that can be typed")
    return told


def _maybe_identifier(told: str | None, what: str) -> str | None:
    return identifier(told, what) if told else None


def units(told: int, what: str) -> int:
    """A number of units. Raises Unfit for one that no shelf holds."""
    if abs(told) > MOST_UNITS:
        raise Unfit(f"{what}: more than a billion units")
    return told


def _money(told: Decimal, what: str) -> Decimal:
    if not told.is_finite() or abs(told) >= MOST_MONEY:
        raise Unfit(f"{what}: no amount is that large")
    return told


# ------------------------------------------------------------------------------------------- what stores tell


def fact(told: Fact) -> Fact:
    """A fact that may enter. Raises Unfit."""
    match told:
        case OrderSnapshot():
            return order(told)
        case OrderRefunds(order_id=order_id, refunds=refunds):
            identifier(order_id, "order")
            return replace(told, refunds=tuple(_refund(refund) for refund in refunds))
        case OrderChanged(order_id=order_id):
            identifier(order_id, "order")
        case StockHint(stock_id=stock_id, quantity=quantity):
            identifier(stock_id, "stock")
            units(quantity or 0, "stock")
        case ListingChanged(external_id=external_id) | ProductChanged(product_id=external_id):
            identifier(external_id, "product")
        case _:
            pass
    return told


def order(told: OrderSnapshot) -> OrderSnapshot:
    """An order that may enter. Raises Unfit."""
    identifier(told.order_id, "order")
    return replace(
        told,
        name=text(told.name, LONGEST_ORDER_NAME),
        currency=currency(told.currency),
        shipping=_money(told.shipping, "shipping"),
        lines=tuple(_line(line) for line in told.lines),
        refunds=tuple(_refund(refund) for refund in told.refunds),
    )


def _line(told: OrderLine) -> OrderLine:
    where = f"line {text(told.line_id, 40)}"
    units(told.quantity, where)
    units(told.taken or 0, where)
    return replace(
        told,
        line_id=identifier(told.line_id, "line"),
        external_id=_maybe_identifier(told.external_id, where),
        sku=sku(told.sku),
        title=text(told.title, LONGEST_TITLE),
        total=_money(told.total, where),
        tax=_money(told.tax, where),
        moves_nothing=text(told.moves_nothing),
    )


def _refund(told: Refund) -> Refund:
    identifier(told.refund_id, "refund")
    for line in told.lines:
        _check_refund_line(line)
    _money(told.amount, f"refund {told.refund_id}")
    return told


def _check_refund_line(told: RefundLine) -> None:
    identifier(told.refund_line_id, "refund line")
    identifier(told.line_id, "line of a refund")
    if not 0 <= told.quantity <= MOST_UNITS:
        raise Unfit(f"refund line {told.refund_line_id}: {told.quantity} is no number of units")


# ------------------------------------------------------------------------------------------- catalogues


def item(told: CatalogueItem) -> CatalogueItem:
    """An item of a catalogue that may enter; an SKU that cannot be one is none. Raises Unfit."""
    is_price = told.price is not None and told.price.is_finite() and abs(told.price) < MOST_MONEY
    stock_id = identifier(told.ref.stock_id, "stock")
    return replace(
        told,
        external_id=identifier(told.external_id, "product"),
        ref=StockRef(stock_id=stock_id, parent_id=_maybe_identifier(told.ref.parent_id, "parent product")),
        sku=sku(told.sku),
        title=text(told.title, LONGEST_TITLE),
        price=told.price if is_price else None,
        image_url=text(told.image_url) if told.image_url else None,
        blocked=text(told.blocked),
    )


def page(told: AuthorityPage) -> AuthorityPage:
    """A page of the back office; an item that cannot be kept, or a figure of it, counts as one that cannot be read."""
    items, unreadable = [], list(told.unreadable)
    too_many = {row.external_id for row in told.rows if row.quantity is not None and abs(row.quantity) > MOST_UNITS}
    for each in told.items:
        if each.external_id in too_many:
            unreadable.append(_unread(each, "more than a billion units"))
            continue
        try:
            items.append(item(each))
        except Unfit as error:
            unreadable.append(_unread(each, str(error)))
    rows = tuple(row for row in told.rows if row.external_id not in too_many)
    return replace(told, items=tuple(items), rows=rows, unreadable=tuple(_cut(each) for each in unreadable))


def _unread(told: CatalogueItem, why: str) -> UnreadableItem:
    return UnreadableItem(external_id=told.external_id, parent_id=None, reason=f"{text(told.title, 100)}: {why}")


def _cut(told: UnreadableItem) -> UnreadableItem:
    """Its ids as well: they only have to be compared with those that are kept, and shown."""
    return UnreadableItem(
        external_id=text(told.external_id, LONGEST_ID) if told.external_id else None,
        parent_id=text(told.parent_id, LONGEST_ID) if told.parent_id else None,
        reason=text(told.reason, LONGEST_TITLE),
    )


def figure(told: StockFigure | None) -> int | None:
    """The number that a store shows; None where it told none, or none that can be."""
    if told is None or told.state is not FigureState.TRACKED or told.quantity is None:
        return None
    return told.quantity if abs(told.quantity) <= MOST_UNITS else None


def account(told: AccountInfo) -> AccountInfo:
    """What an account tells of itself; a currency that is none is left open, with a warning. Raises Unfit."""
    warnings = told.warnings
    try:
        own_currency = currency(told.currency)
    except Unfit as wrong:
        own_currency, warnings = "", (*warnings, f"{text(told.name, LONGEST_TITLE)} tells of no currency: {wrong}.")
    return replace(
        told,
        account_id=identifier(told.account_id, "account"),
        name=text(told.name, LONGEST_TITLE),
        currency=own_currency,
        time_zone=text(told.time_zone, LONGEST_ZONE),
        locations=tuple(
            replace(
                place,
                location_id=identifier(place.location_id, "location"),
                name=text(place.name, LONGEST_PLACE),
            )
            for place in told.locations
        ),
        warnings=warnings,
    )
