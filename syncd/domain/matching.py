"""Which of the merchant's SKUs a listing is: exactly the one it says, where nothing contradicts.

Used by `syncd/engine/match.py`.
"""

from enum import StrEnum


class Result(StrEnum):
    """How a listing that says an SKU stands to the merchant's SKUs."""

    LINKED = "linked"
    UNMATCHED = "unmatched"
    DUPLICATE = "duplicate"


def judge(*, is_known: bool, figures: int) -> Result:
    """`figures`: over how many stock figures of one store the SKU is spread. More than one is nobody's to choose but
    a person's; several listings on one figure are one.
    """
    if figures > 1:
        return Result.DUPLICATE
    return Result.LINKED if is_known else Result.UNMATCHED


def loosely(sku: str) -> str:
    """An SKU without its case and blanks: two that agree in this may be one that was misspelt, to be told as such."""
    return "".join(sku.split()).casefold()
