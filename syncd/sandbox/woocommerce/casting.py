"""How WordPress and PHP take the values of a request: single writes are checked, batch items are only cast."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from syncd.sandbox.woocommerce.answers import invalid


def price(value: object) -> Decimal:
    """A price; 0 for what is none."""
    try:
        return Decimal(str(value or 0))
    except InvalidOperation:
        return Decimal(0)


def nulls_to_zero(fields: Mapping[str, object]) -> dict[str, object]:
    """A single write casts null to 0."""
    return {name: 0 if name == "stock_quantity" and value is None else value for name, value in fields.items()}


def validate(fields: Mapping[str, object]) -> None:
    """The schema check that single writes get and batch items do not: whole numbers, also as text."""
    value = fields.get("stock_quantity")
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return
    if isinstance(value, float) and value.is_integer():
        return
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return
    raise invalid("stock_quantity", "stock_quantity is not of type integer.")


def intval(value: object) -> int:
    """PHP's intval: the number that a value begins with, else 0."""
    if isinstance(value, bool | int | float):
        return int(value)
    text = str(value or "").strip()
    digits = text[:1] if text[:1] in "+-" else ""
    for letter in text[len(digits) :]:
        if not letter.isascii() or not letter.isdigit():
            break
        digits += letter
    return int(digits) if digits.strip("+-") else 0
