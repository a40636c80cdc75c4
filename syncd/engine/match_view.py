"""How a store's listings stand to the merchant's SKUs, and what to do about those that have none."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, case, cast, func
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col, select

from schema.tables import Connection, Listing, Match
from syncd.engine.near import near_skus

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


def list_matches(
    session: Session,
    connection: Connection,
    results: Collection[str] = (),
    *,
    offset: int = 0,
    limit: int | None = None,
) -> Matching:
    """A store's listings, those without SKU of ours first; only those of some results if any are named. The counts are
    of all of them.
    """
    mine, result = col(Listing.connection_id) == connection.id, _result()
    counts = session.execute(select(result, func.count()).where(mine).group_by(result)).all()
    wanted = select(Listing, result).where(mine)
    if results:
        wanted = wanted.where(result.in_(results))
    is_linked = case((result == Match.LINKED.value, 1), else_=0)
    found = session.execute(
        wanted.order_by(is_linked, col(Listing.external_sku), col(Listing.id)).offset(offset).limit(limit)
    ).all()
    unmatched = [listing.external_sku or "" for listing, told in found if told == Match.UNMATCHED.value]
    near = near_skus(session, connection.merchant_id, unmatched)
    return Matching(
        counts={told: int(count) for told, count in counts},
        rows=tuple(_row(connection, listing, told, near) for listing, told in found),
    )


def _result() -> ColumnElement[str]:
    """What `MatchRow.result` is, as the database says it."""
    return case(
        (col(Listing.gone_at).is_not(None), "gone"),
        (col(Listing.match) != Match.LINKED, cast(col(Listing.match), String)),
        (col(Listing.tracked).is_(False), "untracked"),
        (col(Listing.blocked) != "", "blocked"),
        else_=Match.LINKED.value,
    )


def _row(connection: Connection, listing: Listing, result: str, near: Mapping[str, str]) -> MatchRow:
    return MatchRow(
        connection=connection.name,
        external_id=listing.external_id,
        title=listing.title,
        external_sku=listing.external_sku,
        sku=listing.sku,
        result=result,
        is_by_hand=listing.is_by_hand,
        linked_at=listing.linked_at,
        what_to_do=_what_to_do(listing, result, near),
    )


def _what_to_do(listing: Listing, result: str, near: Mapping[str, str]) -> str:
    match result:
        case "unmatched":
            if known := near.get(listing.external_sku or ""):
                return f"The back office spells it {known}: correct it there or here, or link it."
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
