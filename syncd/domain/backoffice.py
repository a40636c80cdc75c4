"""What the back office should hold of an order, what it holds, and the documents that are owed to it.

Used by `syncd/engine/record.py`. An order's units are recorded as sales (`n` = 1, further ones when it grows) and given
back as returns on these sales. Which orders were settled before going live is in `golive`.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

_PLAIN_ORDER_ID = re.compile(r"[A-Za-z0-9_.]{1,64}")
_CODE = re.compile(r"[A-Za-z0-9-]{1,64}")
_FOUR_PLACES = Decimal("0.0001")


class RecordPolicy(StrEnum):
    """When an order is recorded in the back office."""

    PAID = "paid"
    PLACED = "placed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """What decides whether an order is recorded.

    `was_paid` stays true once an order was fully paid, `is_final` means that it will never be paid any more, `is_test`
    and `is_baseline` orders are never recorded by us. `waits_for_live`: its store is connected again and in shadow, and
    only going live will say whose the order is.
    """

    policy: RecordPolicy
    was_paid: bool
    is_final: bool = False
    is_test: bool = False
    is_baseline: bool = False
    waits_for_live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One sale in the back office, as intended or acknowledged: units by line, and of these returned (acknowledged).

    `is_settled` is False while its sale or a return on it is in flight or unknown.
    """

    n: int
    sold: Mapping[str, int]
    returned: Mapping[str, int] = field(default_factory=dict)
    is_settled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedSale:
    """A sale to record, as document `n` of the order: units by line, each above 0."""

    n: int
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedReturn:
    """Cumulative units that shall have come back of document `n`, by line; never less than were acknowledged."""

    n: int
    targets: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Everything owed for one order now; empty when the back office holds what it should, or while an answer is out."""

    sale: OwedSale | None = None
    returns: tuple[OwedReturn, ...] = ()


def is_recorded(order: OrderState, documents: Sequence[Document]) -> bool:
    """Whether the condition of recording was ever met; from then on the back office follows what the store took."""
    if order.is_baseline or order.is_test:
        return False
    is_met = order.policy is RecordPolicy.PLACED or order.was_paid
    return bool(documents) or (is_met and not order.waits_for_live)


def acknowledged_units(documents: Sequence[Document], line_id: str) -> int:
    """Units of one line that the back office holds as sold and not returned."""
    return sum(d.sold.get(line_id, 0) - d.returned.get(line_id, 0) for d in documents if d.is_settled)


def owed_documents(order: OrderState, taken: Mapping[str, int], documents: Sequence[Document]) -> Owed:
    """The difference between what the store has taken (by line) and what the back office has acknowledged.

    More taken than held is a further sale; less is returned, the newest document first. One answer is waited for before
    the next document of the same order is made.
    """
    if not is_recorded(order, documents) or not all(document.is_settled for document in documents):
        return Owed()
    missing = {line: units - acknowledged_units(documents, line) for line, units in taken.items()}
    more = {line: units for line, units in missing.items() if units > 0}
    less = {line: -units for line, units in missing.items() if units < 0}
    sale = OwedSale(n=max((d.n for d in documents), default=0) + 1, units=more) if more else None
    return Owed(sale=sale, returns=spread_returns(documents, less))


def spread_returns(documents: Sequence[Document], units: Mapping[str, int]) -> tuple[OwedReturn, ...]:
    """Absolute targets that take back `units` more of each line: newest document first, none above what it sold."""
    left = dict(units)
    owed = []
    for document in sorted(documents, key=lambda d: -d.n):
        targets = {}
        for line, sold in document.sold.items():
            before = document.returned.get(line, 0)
            more = min(left.get(line, 0), sold - before)
            if more > 0:
                left[line] -= more
                targets[line] = before + more
        if targets:
            owed.append(OwedReturn(n=document.n, targets=targets))
    return tuple(owed)


def stays_open_for_ever(order: OrderState, taken: int, documents: Sequence[Document]) -> bool:
    """Whether a person must let go of these units: cancelled without restock, never paid, never to be recorded."""
    return order.is_final and taken > 0 and not order.is_baseline and not is_recorded(order, documents)


def invoice_number(connection_code: str, order_id: str, n: int) -> str:
    """Our number of a sale: the same for the same document, different for any other, at most 190 characters.

    `connection_code` is made of letters, digits and dashes and unique in the back office. An order id that is long or
    holds other characters than letters, digits, dot and underscore is replaced by a digest, marked with `~`.
    """
    if not _CODE.fullmatch(connection_code) or n < 1 or not order_id:
        raise ValueError(f"no invoice number for connection {connection_code!r}, order {order_id!r}, document {n}")
    order = order_id
    if not _PLAIN_ORDER_ID.fullmatch(order_id):
        order = "~" + hashlib.sha256(order_id.encode()).hexdigest()[:32]
    return f"{connection_code}/{order}" + (f"-{n}" if n > 1 else "")


def unit_price(line_total: Decimal, quantity: int) -> Decimal:
    """Price of one unit to four places: the line's total with tax after discounts, over the ordered quantity."""
    if quantity < 1:
        return Decimal(0).quantize(_FOUR_PLACES)
    return (line_total / quantity).quantize(_FOUR_PLACES, rounding=ROUND_HALF_UP)
