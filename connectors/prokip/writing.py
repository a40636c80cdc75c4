"""Writing JSON as Prokip reads it. Pure."""

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

_FOUR_PLACES = Decimal("0.0001")


def to_json(value: object) -> bytes:
    """JSON with exact decimals, four places at most; as numbers, because Prokip reads text by its own separators."""
    return _written(value).encode()


def _written(value: object) -> str:
    match value:
        case Decimal():
            rounded = value.quantize(_FOUR_PLACES, rounding=ROUND_HALF_UP)
            return f"{rounded.normalize():f}" if rounded else "0"
        case Mapping():
            return "{" + ",".join(f"{json.dumps(str(key))}:{_written(one)}" for key, one in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_written, value)) + "]"
        case _:
            return json.dumps(value)


def number(identifier: str) -> object:
    """An id as the number that Prokip's own clients send; anything else stays text, for the server to refuse."""
    return int(identifier) if identifier.isascii() and identifier.isdecimal() else identifier
