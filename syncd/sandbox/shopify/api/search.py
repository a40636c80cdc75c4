"""The `query` argument: Shopify's search syntax, as far as `field:value` terms joined by blanks or AND go.

A text that cannot be read as such terms is ignored, everything is returned, and only `extensions.search` warns. What a
search sees may lag behind the store (`Shop.index_lag`).
"""
# ruff: noqa: ARG001 (all readers share one signature)

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from syncd.sandbox.shopify.api.call import Call
from syncd.sandbox.shopify.records import Location, Order, Product, Variant
from syncd.sandbox.shopify.shop import financial_status, fulfillment_status

_TERM = re.compile(r"""(-?)(\w+):(>=|<=|>|<)?('[^']*'|"[^"]*"|[^\s'"()]+)""")
_WORDS = re.compile(r"[^0-9a-z]+")

Value = int | datetime | str | None
Reader = Callable[[Call, object], Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    is_negated: bool
    field: str
    operator: str
    value: str


def search(call: Call, elements: Iterable[object], query: object, kind: str) -> list[object]:
    """Keep the elements that match; all of them when there is no query or it cannot be read."""
    everything = list(elements)
    if not isinstance(query, str) or not query.strip():
        return everything
    readers = READERS[kind]
    terms = _terms(query)
    if terms is None or any(term.field not in readers or not _is_sound(term) for term in terms):
        call.warnings.append({"path": [kind], "query": query, "warnings": [{"message": "Invalid search syntax."}]})
        return everything
    return [
        element
        for element in everything
        if all(_matches(readers[term.field](call, element), term) != term.is_negated for term in terms)
    ]


def _terms(query: str) -> list[_Term] | None:
    rest = re.sub(r"\bAND\b", " ", _TERM.sub(" ", query))
    if rest.strip():
        return None
    return [
        _Term(is_negated=minus == "-", field=field, operator=operator or "", value=value.strip("'\""))
        for minus, field, operator, value in _TERM.findall(query)
    ]


def _is_sound(term: _Term) -> bool:
    if term.field.endswith("_at"):
        return _moment(term.value) is not None
    return term.field != "id" or term.value.isdigit()


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _matches(actual: Value, term: _Term) -> bool:
    if isinstance(actual, datetime):
        wanted = _moment(term.value)
        return wanted is not None and _compare(actual.timestamp(), wanted.timestamp(), term.operator)
    if isinstance(actual, int):
        return term.value.isdigit() and _compare(actual, int(term.value), term.operator)
    if actual is None:
        return False
    if term.field in ("status", "financial_status", "fulfillment_status"):
        return term.value.lower() in ("any", *actual.lower().split())
    return _matches_words(actual, term.value)


def _compare(actual: float, wanted: float, operator: str) -> bool:
    return {
        ">": actual > wanted,
        ">=": actual >= wanted,
        "<": actual < wanted,
        "<=": actual <= wanted,
        "": actual == wanted,
    }[operator]


def _matches_words(actual: str, wanted: str) -> bool:
    """Case-insensitive and tokenised: `sku:AB-1` finds "x-1-ab", and a quote or a slash is only a gap."""
    have = set(_WORDS.split(actual.lower()))
    return all(word in have for word in _WORDS.split(wanted.lower()) if word)


def _order(read: Callable[[Order], Value]) -> Reader:
    def reader(call: Call, element: object) -> Value:
        return read(element) if isinstance(element, Order) else None

    return reader


def _order_updated(call: Call, element: object) -> Value:
    """What the search index knows of an order's updated-at: the newest change that is old enough to be indexed."""
    if not isinstance(element, Order):
        return None
    latest = call.shop.clock() - call.shop.index_lag
    known = [updated for touched, updated in element.indexed if touched <= latest]
    return known[-1] if known else None


def _order_status(order: Order) -> str:
    if order.cancelled_at:
        return "cancelled closed"
    return "closed" if order.closed_at else "open not_closed"


def _of(read: Callable[[Variant | Product | Location], Value]) -> Reader:
    def reader(call: Call, element: object) -> Value:
        return read(element) if isinstance(element, Variant | Product | Location) else None

    return reader


def _sku(call: Call, element: object) -> Value:
    """An SKU as the index knows it: one of a variant that was just made, not yet."""
    if isinstance(element, Variant) and element.created_at > call.shop.clock() - call.shop.index_lag:
        return None
    item = element.item if isinstance(element, Variant) else element
    return getattr(item, "sku", None)


def _number(call: Call, element: object) -> Value:
    number = getattr(element, "number", None)
    return number if isinstance(number, int) else None


def _updated(call: Call, element: object) -> Value:
    moment = getattr(element, "updated_at", None)
    return moment if isinstance(moment, datetime) else None


READERS: Mapping[str, Mapping[str, Reader]] = {
    "orders": {
        "id": _number,
        "name": _order(lambda order: order.name),
        "updated_at": _order_updated,
        "created_at": _order(lambda order: order.created_at),
        "processed_at": _order(lambda order: order.created_at),
        "status": _order(_order_status),
        "financial_status": _order(financial_status),
        "fulfillment_status": _order(fulfillment_status),
    },
    "productVariants": {
        "id": _number,
        "sku": _sku,
        "updated_at": _updated,
        "title": _of(lambda what: what.title if isinstance(what, Variant) else None),
        "product_id": _of(lambda what: what.product.number if isinstance(what, Variant) else None),
    },
    "products": {
        "id": _number,
        "updated_at": _updated,
        "title": _of(lambda what: what.title if isinstance(what, Product) else None),
        "status": _of(lambda what: what.status if isinstance(what, Product) else None),
    },
    "inventoryItems": {"id": _number, "sku": _sku, "updated_at": _updated},
    "locations": {"id": _number, "name": _of(lambda what: what.name if isinstance(what, Location) else None)},
    "inventoryLevels": {"updated_at": _updated},
}
