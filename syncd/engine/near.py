"""SKUs of the authority that are spelt almost like one that nobody knows. The rule is `syncd/domain/matching.py`."""

import string
from collections.abc import Iterable

from sqlalchemy import func
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col, select

from schema.tables import BackOffice, InventoryCache, Listing
from syncd.domain import matching
from syncd.engine.batches import batched

_PLAIN_LETTERS = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def near_skus(session: Session, merchant_id: int, wanted: Iterable[str]) -> dict[str, str]:
    """For each of these that has one, an SKU of the authority that differs in case and blanks alone.

    The database looks for candidates, so that not every SKU is read; letters beyond A to Z may be folded there or not.
    """
    near: dict[str, str] = {}
    for some in batched(sorted(set(wanted))):
        loosely = {matching.loosely(sku): sku for sku in _candidates(session, merchant_id, some)}
        near |= {sku: loosely[matching.loosely(sku)] for sku in some if matching.loosely(sku) in loosely}
    return {sku: known for sku, known in near.items() if known != sku}


def _candidates(session: Session, merchant_id: int, names: Iterable[str]) -> set[str]:
    folded = {way for name in names for way in _folded("".join(name.split()))}
    figures = select(InventoryCache.sku).where(
        InventoryCache.merchant_id == merchant_id, _loosely(col(InventoryCache.sku)).in_(folded)
    )
    listed = (
        select(Listing.external_sku)
        .join(BackOffice, col(BackOffice.connection_id) == col(Listing.connection_id))
        .where(BackOffice.merchant_id == merchant_id, _loosely(col(Listing.external_sku)).in_(folded))
    )
    return {*session.exec(figures), *(sku for sku in session.exec(listed) if sku)}


def _folded(name: str) -> tuple[str, str]:
    return name.translate(_PLAIN_LETTERS), name.lower()


def _loosely(sku: Mapped[str] | Mapped[str | None]) -> ColumnElement[str]:
    return func.lower(func.replace(sku, " ", ""))
