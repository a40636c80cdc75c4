"""Items of the back office that could not be read: which of ours they are, and what a person is told.

Their stock is not known. It is never 0, they are not gone, and the last reading of them goes on to count; everything
else is read as if they were not there.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session, col, select

from connectors.sdk.values import AuthorityPage, UnreadableItem
from schema.tables import Issue, IssueState, Listing, StockItem
from syncd.engine.authority import Authority
from syncd.engine.issues import raise_issue, resolve_issue

log = structlog.get_logger(__name__)

KIND = "unreadable_items"
SHOWN = 5
KEPT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What a reading could not read. `skus` are ours, `claims` what these items were called there when last read.

    `listing_ids` are the listings that may be meant, for one that could not even be named may be any that is missing.
    """

    rows: tuple[UnreadableItem, ...] = ()
    skus: frozenset[str] = frozenset()
    claims: tuple[str, ...] = ()
    listing_ids: frozenset[int] = frozenset()


def find(
    session: Session, authority: Authority, pages: Iterable[AuthorityPage], asked: Collection[str] | None = None
) -> Unread:
    """Which listings of the back office were not read. `asked`: only these SKUs were asked for (None: all)."""
    pages = list(pages)
    rows = tuple(row for page in pages for row in page.unreadable)
    if not rows:
        return Unread()
    seen = {item.external_id for page in pages for item in page.items}
    known = session.exec(
        select(Listing, StockItem.parent_id)
        .join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
        .where(Listing.connection_id == authority.connection_id, col(Listing.gone_at).is_(None))
    ).all()
    missing = [
        (listing, parent_id)
        for listing, parent_id in known
        if listing.external_id not in seen and (asked is None or listing.sku in asked)
    ]
    ids = {row.external_id for row in rows if row.external_id}
    products = {row.parent_id for row in rows if row.parent_id and not row.external_id}
    named = [listing for listing, parent_id in missing if listing.external_id in ids or parent_id in products]
    unnamed = sum(1 for row in rows if not row.external_id and not row.parent_id)
    named_ids = {listing.id for listing in named}
    maybe = [listing for listing, _ in missing if listing.id not in named_ids] if unnamed else []
    # More that are missing than could be meant: a list that lost rows as well is for the brake to judge.
    surely = named + (maybe if len(maybe) <= unnamed else [])
    return Unread(
        rows=rows,
        skus=frozenset(listing.sku for listing in surely if listing.sku),
        claims=tuple(listing.external_sku for listing in named + maybe if listing.external_sku),
        listing_ids=frozenset(listing.id or 0 for listing in named + maybe),
    )


def tell(session: Session, authority: Authority, rows: Sequence[UnreadableItem], now: datetime) -> None:
    """One issue that says which items a whole catalogue could not read; closed when it could read all."""
    key = _key(authority)
    if not rows:
        resolve_issue(session, authority.merchant_id, key, by="a reading", now=now)
        return
    log.warning("items_unreadable", backoffice=authority.name, count=len(rows))
    what = "An item" if len(rows) == 1 else f"{len(rows)} items"
    more = f" And {len(rows) - SHOWN} more." if len(rows) > SHOWN else ""
    raise_issue(
        session,
        merchant_id=authority.merchant_id,
        kind=KIND,
        key=key,
        title=f"{what} of {authority.name} could not be read.",
        why=f"{' '.join(_sentence(row) for row in rows[:SHOWN])}{more} Until that is mended the last reading of "
        "their stock counts, less what was sold since. Everything else is read.",
        what_to_do=f"Open them in {authority.name}, correct what is said above, and save them.",
        connection_id=authority.connection_id,
        details={
            "items": [{"item": row.external_id, "product": row.parent_id, "reason": row.reason} for row in rows[:KEPT]]
        },
        now=now,
    )


def tell_first(session: Session, authority: Authority, rows: Sequence[UnreadableItem], now: datetime) -> None:
    """The same for a reading of a few items: what a whole catalogue told is left as it stands."""
    key = _key(authority)
    open_one = select(Issue.id).where(
        Issue.merchant_id == authority.merchant_id, Issue.key == key, Issue.state == IssueState.OPEN
    )
    if rows and session.exec(open_one).first() is None:
        tell(session, authority, rows, now)


def _key(authority: Authority) -> str:
    return f"{KIND}:{authority.connection_id}"


def _sentence(row: UnreadableItem) -> str:
    of = f"Item {row.external_id}" if row.external_id else f"Product {row.parent_id}" if row.parent_id else "An item"
    return f"{of} ({row.reason.rstrip('.')})."
