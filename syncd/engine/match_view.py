"""How a store's listings stand to the merchant's SKUs, and what to do about those that have none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from schema.tables import BackOffice, Connection, InventoryCache, Listing, Match
from syncd.domain import matching

WAITING = ("unmatched", "duplicate", "no_sku", "untracked", "blocked")
"""Results that are not published and that a person may want to mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRow:
    """One listing. `result` is its match, or why a linked one is not published: untracked, blocked, gone."""

    connection: str
    external_id: str
    title: str
    external_sku: str | None
    sku: str | None
    result: str
    is_by_hand: bool
    linked_at: datetime | None
    what_to_do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Counts by result, and the rows."""

    counts: Mapping[str, int]
    rows: tuple[MatchRow, ...]


def list_matches(session: Session, connection: Connection, results: tuple[str, ...] = ()) -> Matching:
    """A store's listings, those without SKU of ours first; only those of some results if any are named."""
    listings = session.exec(
        select(Listing).where(Listing.connection_id == connection.id).order_by(col(Listing.external_sku))
    ).all()
    known = _known(session, connection.merchant_id)
    rows = [_row(connection, listing, known) for listing in listings]
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.result] = counts.get(row.result, 0) + 1
    wanted = [row for row in rows if not results or row.result in results]
    return Matching(counts=counts, rows=tuple(sorted(wanted, key=lambda row: row.result == Match.LINKED.value)))


def _known(session: Session, merchant_id: int) -> dict[str, str]:
    """Every SKU that the authority knows, under its loose spelling."""
    figures = session.exec(select(InventoryCache.sku).where(InventoryCache.merchant_id == merchant_id)).all()
    listed = session.exec(
        select(Listing.external_sku)
        .join(BackOffice, col(BackOffice.connection_id) == col(Listing.connection_id))
        .where(BackOffice.merchant_id == merchant_id)
    ).all()
    return {matching.loosely(sku): sku for sku in (*figures, *listed) if sku}


def _row(connection: Connection, listing: Listing, known: Mapping[str, str]) -> MatchRow:
    result = _result(listing)
    return MatchRow(
        connection=connection.name,
        external_id=listing.external_id,
        title=listing.title,
        external_sku=listing.external_sku,
        sku=listing.sku,
        result=result,
        is_by_hand=listing.is_by_hand,
        linked_at=listing.linked_at,
        what_to_do=_what_to_do(listing, result, known),
    )


def _result(listing: Listing) -> str:
    if listing.gone_at is not None:
        return "gone"
    if listing.match is not Match.LINKED:
        return listing.match.value
    if not listing.tracked:
        return "untracked"
    return "blocked" if listing.blocked else Match.LINKED.value


def _what_to_do(listing: Listing, result: str, known: Mapping[str, str]) -> str:
    match result:
        case "unmatched":
            near = known.get(matching.loosely(listing.external_sku or ""))
            if near and near != listing.external_sku:
                return f"The back office spells it {near}: correct it there or here, or link it."
            return "Make it in the back office, link it to another SKU, or ignore it."
        case "duplicate":
            return "Give each product its own SKU in the store, or link the right one by hand."
        case "no_sku":
            return "Give it an SKU in the store, link it, or ignore it."
        case "untracked":
            return "Switch on stock tracking for it in the store."
        case "blocked":
            return listing.blocked
        case _:
            return ""
