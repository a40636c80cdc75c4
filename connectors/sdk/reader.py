"""Reads foreign JSON: every value is what it should be, or MalformedPayload says where it is not.

    order = Reader.of(document, "order")
    order.id("id"), order.whole("quantity"), [line.text("sku") for line in order.each("line_items")]

`maybe_…` gives None where the key is missing or null; the others refuse that. Nothing is converted that could lose
anything: a boolean is no number, "3" is no whole number, a time without a zone is none.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Self, TypeVar

from connectors.sdk.errors import MalformedPayload

T = TypeVar("T")
# Nothing that is sold, counted or paid is beyond these, and no table keeps it; 1E+1000000 would fill the memory.
LONGEST_ID = 191  # characters
_LARGEST_COUNT = 10**9
_LARGEST_EXPONENT, _SMALLEST_EXPONENT = 13, -30
_YEARS = range(1970, 2201)


@dataclass(frozen=True, slots=True)
class Reader:
    """One JSON object and the words for where it stands ("order, line_items 2")."""

    fields: Mapping[str, object]
    where: str

    @classmethod
    def of(cls, document: object, where: str) -> Self:
        """A reader of a parsed document; MalformedPayload where it is no object."""
        if not isinstance(document, dict):
            raise MalformedPayload(f"{where} should be an object, but is {_kind(document)}.")
        return cls(document, where)

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self.fields.get(key) is not None

    def maybe_text(self, key: str) -> str | None:
        """A string as it is."""
        value = self.fields.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self._wrong(key, "text")

    def text(self, key: str) -> str:
        """A string as it is."""
        return self._required(key, self.maybe_text(key))

    def maybe_id(self, key: str) -> str | None:
        """An id, whole number or string, as a string; an empty one is None."""
        value = self.fields.get(key)
        if value is None or value == "":
            return None
        is_id = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
        if not is_id or len(told := str(value)) > LONGEST_ID:
            raise self._wrong(key, f"an id of at most {LONGEST_ID} characters")
        return told

    def id(self, key: str) -> str:
        """An id, whole number or string, as a string that is not empty."""
        return self._required(key, self.maybe_id(key))

    def maybe_whole(self, key: str) -> int | None:
        """A whole number of at most a billion; 3.0 and "3" are none."""
        value = self.fields.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_COUNT):
            return value
        raise self._wrong(key, "a whole number of at most a billion")

    def whole(self, key: str) -> int:
        """A whole number; 3.0 and "3" are none."""
        return self._required(key, self.maybe_whole(key))

    def maybe_flag(self, key: str) -> bool | None:
        """True or false; 1 and "yes" are neither."""
        value = self.fields.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong(key, "true or false")

    def flag(self, key: str) -> bool:
        """True or false; 1 and "yes" are neither."""
        return self._required(key, self.maybe_flag(key))

    def maybe_decimal(self, key: str) -> Decimal | None:
        """A finite number below 10^14, given as a number or as text."""
        value = self.fields.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
            raise self._wrong(key, "a number")
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise self._wrong(key, "a number") from error
        if not number.is_finite() or not _SMALLEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT:
            raise self._wrong(key, "a number")
        return number

    def decimal(self, key: str) -> Decimal:
        """A finite number below 10^14, given as a number or as text."""
        return self._required(key, self.maybe_decimal(key))

    def maybe_units(self, key: str, rounding: Callable[[Decimal], int]) -> int | None:
        """A count of at most a billion, as a number or as text; `rounding` (floor, ceil) makes fractions whole."""
        number = self.maybe_decimal(key)
        if number is not None and abs(number) > _LARGEST_COUNT:
            raise self._wrong(key, "a count of at most a billion")
        return None if number is None else rounding(number)

    def units(self, key: str, rounding: Callable[[Decimal], int]) -> int:
        """A count of at most a billion, as a number or as text; `rounding` (floor, ceil) makes fractions whole."""
        return self._required(key, self.maybe_units(key, rounding))

    def maybe_time(self, key: str, *, without_zone_is_utc: bool = False) -> datetime | None:
        """An ISO 8601 time, as aware UTC; `without_zone_is_utc` for fields that are documented so (`…_gmt`)."""
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._wrong(key, "a time")
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None and without_zone_is_utc:
                moment = moment.replace(tzinfo=UTC)
            if moment.tzinfo is None:
                raise self._wrong(key, "a time with its zone")
            told = moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self._wrong(key, "a time") from error
        if told.year not in _YEARS:
            raise self._wrong(key, "a time of this century or the last")
        return told

    def time(self, key: str, *, without_zone_is_utc: bool = False) -> datetime:
        """An ISO 8601 time, as aware UTC; `without_zone_is_utc` for fields that are documented so (`…_gmt`)."""
        return self._required(key, self.maybe_time(key, without_zone_is_utc=without_zone_is_utc))

    def maybe_nested(self, key: str) -> Self | None:
        """The object under a key."""
        value = self.fields.get(key)
        return None if value is None else type(self).of(value, f"{self.where}, {key}")

    def nested(self, key: str) -> Self:
        """The object under a key."""
        return self._required(key, self.maybe_nested(key))

    def maybe_values(self, key: str) -> list[object] | None:
        """The list under a key, its elements unread."""
        value = self.fields.get(key)
        if value is None or isinstance(value, list):
            return value
        raise self._wrong(key, "a list")

    def values(self, key: str) -> list[object]:
        """The list under a key, its elements unread."""
        return self._required(key, self.maybe_values(key))

    def each(self, key: str) -> Iterator[Self]:
        """The objects of the list under a key; a missing list is refused."""
        for position, value in enumerate(self.values(key), start=1):
            yield type(self).of(value, f"{self.where}, {key} {position}")

    def _required(self, key: str, value: T | None) -> T:
        if value is None:
            raise MalformedPayload(f"{self.where} has no {key}.")
        return value

    def _wrong(self, key: str, wanted: str) -> MalformedPayload:
        return MalformedPayload(f"{self.where}, {key} should be {wanted}, but is {_kind(self.fields.get(key))}.")


def _kind(value: object) -> str:
    """What a JSON value is, in words, without showing it."""
    names = {str: "text", bool: "true or false", int: "a whole number", Decimal: "a number", list: "a list"}
    if value is None:
        return "nothing"
    return "an object" if isinstance(value, dict) else names.get(type(value), type(value).__name__)
