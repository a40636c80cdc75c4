"""Whether a value that a connector made fits what the database keeps, on PostgreSQL as on SQLite."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from tests.fuzz.target import Broken

LONGEST_ID = 191
LARGEST_COUNT = 2**31 - 1
LARGEST_AMOUNT = Decimal(10) ** 14
_IDS = (
    "external_id",
    "stock_id",
    "parent_id",
    "order_id",
    "line_id",
    "refund_id",
    "refund_line_id",
    "location_id",
    "sale_id",
)


def must_fit(value: object, name: str = "") -> None:
    """Broken where a part of the value would be refused by the database."""
    match value:
        case None | bool() | Enum() | bytes():
            return
        case str():
            _text(value, name)
        case int():
            _holds(abs(value) <= LARGEST_COUNT, name, "a count that no column holds")
        case Decimal():
            _holds(
                value.is_finite() and abs(value) < LARGEST_AMOUNT,
                name,
                f"an amount that no column holds ({value.adjusted()})",
            )
        case datetime():
            _holds(value.tzinfo is not None, name, "a naive time")
        case Mapping():
            for key, one in value.items():
                must_fit(key, name)
                must_fit(one, name)
        case list() | tuple() | set() | frozenset():
            for one in value:
                must_fit(one, name)
        case _ if is_dataclass(value):
            for each in fields(value):
                must_fit(getattr(value, each.name), each.name)
        case _:
            raise Broken(f"{name} is a {type(value).__name__}")


def _text(value: str, name: str) -> None:
    _holds("\x00" not in value, name, "a zero byte")
    _holds(not any("\ud800" <= letter <= "\udfff" for letter in value), name, "half a character")
    _holds(name not in _IDS or len(value) <= LONGEST_ID, name, f"an id of {len(value)} characters")


def _holds(is_so: bool, name: str, words: str) -> None:
    if not is_so:
        raise Broken(f"{name} holds {words}")
