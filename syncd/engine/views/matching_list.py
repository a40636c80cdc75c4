"""A store's products as a list: how each stands to the SKUs that the back office knows, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, func, or_
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col, select

from schema.tables import BackOffice, Connection, Listing, Match
from syncd.engine.near import near_skus
from syncd.engine.new_products import NewProduct, absent_skus, count_absent, new_products

TABS = ("matched", "unmatched", "duplicate", "no_sku", "untracked", "blocked", "ignored")
NEEDS_A_LOOK = ("unmatched", "duplicate", "no_sku")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRow:
    """One product. `office_title` is what the back office calls its SKU; `near` an SKU that is spelt almost so."""

    external_id: str
    title: str
    external_sku: str | None
    sku: str | None
    result: str
    office_title: str
    is_by_hand: bool
    blocked: str
    near: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchPage:
    """A page, and how many there are in each tab; `only_there` counts items that only the back office has."""

    rows: tuple[MatchRow, ...]
    missing: tuple[NewProduct, ...]
    counts: Mapping[str, int]
    only_there: int
    total: int

    @property
    def all(self) -> int:
        """Every product of the store."""
        return sum(self.counts.values())

    @property
    def to_look_at(self) -> int:
        """Products that wait for a person."""
        return sum(self.counts[name] for name in NEEDS_A_LOOK)


def match_page(
    session: Session, store: Connection, *, tab: str = "all", text: str = "", offset: int = 0, limit: int = 50
) -> MatchPage:
    """One page of a store's products, those that need a look first."""
    mine = and_(col(Listing.connection_id) == store.id, col(Listing.gone_at).is_(None))
    counts = _counts(session, mine)
    only_there = count_absent(session, store)
    if tab == "only_there":
        skus = absent_skus(session, store, text, offset=offset, limit=limit)
        missing = tuple(new_products(session, store, skus, is_draft=True))
        total = count_absent(session, store, text) if text else only_there
        return MatchPage(rows=(), missing=missing, counts=counts, only_there=only_there, total=total)
    where = [mine, *([_results()[tab]] if tab in TABS else []), *([_contains(text)] if text else [])]
    first = case((col(Listing.match) == Match.LINKED, 1), else_=0)
    found = session.exec(
        select(Listing)
        .where(*where)
        .order_by(first, col(Listing.external_sku), col(Listing.id))
        .offset(offset)
        .limit(limit)
    ).all()
    total = session.exec(select(func.count()).select_from(Listing).where(*where)).one()
    return MatchPage(
        rows=tuple(_told(session, store, found)), missing=(), counts=counts, only_there=only_there, total=total
    )


def _results() -> dict[str, ColumnElement[bool]]:
    is_linked = col(Listing.match) == Match.LINKED
    return {
        "matched": and_(is_linked, col(Listing.tracked).is_(True), col(Listing.blocked) == ""),
        "untracked": and_(is_linked, col(Listing.tracked).is_(False)),
        "blocked": and_(is_linked, col(Listing.tracked).is_(True), col(Listing.blocked) != ""),
        **{
            match.value: col(Listing.match) == match
            for match in (Match.UNMATCHED, Match.DUPLICATE, Match.NO_SKU, Match.IGNORED)
        },
    }


def _counts(session: Session, mine: ColumnElement[bool]) -> dict[str, int]:
    results = _results()
    sums: list[Any] = [func.coalesce(func.sum(case((results[name], 1), else_=0)), 0) for name in TABS]
    row = session.execute(select(*sums).select_from(Listing).where(mine)).one()
    return {name: int(value) for name, value in zip(TABS, row, strict=True)}


def _contains(text: str) -> ColumnElement[bool]:
    return or_(
        func.lower(Listing.title).contains(text.lower(), autoescape=True),
        func.lower(Listing.external_sku).contains(text.lower(), autoescape=True),
    )


def _told(session: Session, store: Connection, found: Sequence[Listing]) -> list[MatchRow]:
    skus = {listing.sku or listing.external_sku for listing in found}
    titles = _office_titles(session, store.merchant_id, [sku for sku in skus if sku])
    unmatched = [each.external_sku or "" for each in found if each.match is Match.UNMATCHED]
    near = near_skus(session, store.merchant_id, unmatched)
    twins = _twins(session, store, [each.external_sku for each in found if each.match is Match.DUPLICATE])
    return [
        MatchRow(
            external_id=listing.external_id,
            title=listing.title,
            external_sku=listing.external_sku,
            sku=listing.sku,
            result=_result(listing),
            office_title=titles.get(listing.sku or listing.external_sku or "", ""),
            is_by_hand=listing.is_by_hand,
            blocked=listing.blocked,
            near=near.get(listing.external_sku or "", ""),
            others=tuple(
                title
                for external_id, title in twins.get(listing.external_sku or "", ())
                if external_id != listing.external_id
            ),
        )
        for listing in found
    ]


def _result(listing: Listing) -> str:
    if listing.match is not Match.LINKED:
        return listing.match.value
    if not listing.tracked:
        return "untracked"
    return "blocked" if listing.blocked else "matched"


def _office(session: Session, merchant_id: int) -> int | None:
    settings = session.get(BackOffice, merchant_id)
    return settings.connection_id if settings else None


def _office_titles(session: Session, merchant_id: int, skus: Sequence[str]) -> dict[str, str]:
    rows = session.execute(
        select(Listing.external_sku, Listing.title).where(
            Listing.connection_id == _office(session, merchant_id), col(Listing.external_sku).in_(skus)
        )
    )
    return {sku: title for sku, title in rows if sku}


def _twins(session: Session, store: Connection, skus: Sequence[str | None]) -> dict[str, list[tuple[str, str]]]:
    rows = session.exec(
        select(Listing)
        .where(
            Listing.connection_id == store.id,
            col(Listing.external_sku).in_([sku for sku in skus if sku]),
            col(Listing.gone_at).is_(None),
        )
        .order_by(col(Listing.id))
    )
    twins: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        twins.setdefault(row.external_sku or "", []).append((row.external_id, row.title or row.external_id))
    return twins
