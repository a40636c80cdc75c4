"""The back office's items as listings: which SKUs there are, what became of those that are gone, and its locations.

The SKUs of a merchant are those of the back office. An SKU that two items there claim is a conflict: neither is read.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session, col, select, update

from connectors.sdk.values import CatalogueItem
from connectors.sdk.values import Location as ToldLocation
from schema.tables import (
    Connection,
    ConnectionRole,
    ConnectionState,
    Issue,
    IssueState,
    Listing,
    Location,
    Match,
    Order,
    OrderLine,
    PoolLocation,
    StockItem,
)
from syncd.engine.authority import Authority
from syncd.engine.batches import batched
from syncd.engine.issues import raise_issue, resolve_issue
from syncd.engine.unread_items import Unread

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """SKUs that the back office has, or has no more, since its catalogue was read last."""

    new: frozenset[str]
    gone: frozenset[str]


def sold_skus(session: Session, merchant_id: int) -> set[str]:
    """SKUs that are joined to a listing of some store."""
    rows = session.exec(
        select(Listing.sku)
        .join(Connection, col(Connection.id) == col(Listing.connection_id))
        .where(
            Listing.merchant_id == merchant_id,
            Connection.role == ConnectionRole.STORE,
            Connection.state != ConnectionState.DISCONNECTED,
            Listing.match == Match.LINKED,
            col(Listing.gone_at).is_(None),
        )
        .distinct()
    )
    return {sku for sku in rows if sku is not None}


def claimed_twice(items: Iterable[CatalogueItem], unread: Unread) -> set[str]:
    """SKUs that more than one item claims; one that could not be read claims what it did before."""
    claims = Counter([*(item.sku for item in items), *unread.claims])
    return {sku for sku, count in claims.items() if sku is not None and count > 1}


def take_in_items(
    session: Session, authority: Authority, items: Sequence[CatalogueItem], unread: Unread, now: datetime
) -> Changes:
    """Store a whole catalogue: new items, names and prices, what is gone; what could not be read stays as it is."""
    assert authority.connection_id is not None
    known = {
        row.external_id: row
        for row in session.exec(select(Listing).where(Listing.connection_id == authority.connection_id))
    }
    before = _linked(known.values())
    twice = claimed_twice(items, unread)
    stock_items = _stock_items(session, authority.connection_id, items)
    for item in items:
        row = known.get(item.external_id)
        if row is None:
            row = _new_listing(authority, item, stock_items, now)
            session.add(row)
            known[item.external_id] = row
        _update(row, item, stock_items, is_twice=item.sku in twice, now=now)
    seen = {item.external_id for item in items}
    for row in known.values():
        if row.external_id not in seen and row.id not in unread.listing_ids and row.gone_at is None:
            row.gone_at = now
    session.flush()
    after = _linked(known.values())
    untracked = {row.sku for row in known.values() if row.sku is not None and row.gone_at is None and not row.tracked}
    _tell(session, authority, untracked, twice, after, now)
    _owe_again(session, authority.merchant_id, after - before)
    changes = Changes(new=frozenset(after - before), gone=frozenset(before - after))
    if changes.new or changes.gone:
        log.info("backoffice_items_changed", new=len(changes.new), gone=len(changes.gone))
    return changes


def _linked(rows: Iterable[Listing]) -> set[str]:
    return {row.sku for row in rows if row.match is Match.LINKED and row.gone_at is None and row.sku is not None}


def _stock_items(session: Session, connection_id: int, items: Sequence[CatalogueItem]) -> dict[str, StockItem]:
    known = {
        row.external_id: row for row in session.exec(select(StockItem).where(StockItem.connection_id == connection_id))
    }
    for item in items:
        row = known.get(item.ref.stock_id)
        if row is None:
            row = StockItem(connection_id=connection_id, external_id=item.ref.stock_id)
            session.add(row)
            known[item.ref.stock_id] = row
        row.parent_id = item.ref.parent_id
    session.flush()
    return known


def _new_listing(
    authority: Authority, item: CatalogueItem, stock_items: dict[str, StockItem], now: datetime
) -> Listing:
    return Listing(
        merchant_id=authority.merchant_id,
        connection_id=authority.connection_id or 0,
        external_id=item.external_id,
        stock_item_id=stock_items[item.ref.stock_id].id or 0,
        match=Match.NO_SKU,
        seen_at=now,
    )


def _update(
    row: Listing, item: CatalogueItem, stock_items: dict[str, StockItem], *, is_twice: bool, now: datetime
) -> None:
    row.stock_item_id = stock_items[item.ref.stock_id].id or 0
    row.external_sku = item.sku
    row.title, row.price, row.image_url = item.title, item.price, item.image_url
    row.tracked, row.blocked = item.tracked, item.blocked
    row.seen_at, row.gone_at = now, None
    if row.is_by_hand or row.match is Match.IGNORED:
        return
    match = Match.LINKED
    if item.sku is None:
        match = Match.NO_SKU
    elif is_twice:
        match = Match.DUPLICATE
    if match is Match.LINKED and row.sku != item.sku:
        row.linked_at = now
    row.match = match
    row.sku = item.sku if match is Match.LINKED else None


def _owe_again(session: Session, merchant_id: int, skus: set[str]) -> None:
    """Orders of SKUs that the back office lacked may be recorded now."""
    for names in batched(sorted(skus)):
        waiting = (
            select(OrderLine.order_id)
            .join(Order, col(Order.id) == col(OrderLine.order_id))
            .where(
                Order.merchant_id == merchant_id,
                col(OrderLine.sku).in_(names),
                col(OrderLine.is_counted).is_(True),
            )
            .where(col(OrderLine.taken) != col(OrderLine.acknowledged))
        )
        session.exec(update(Order).where(col(Order.id).in_(waiting)).values(is_owed=True))


# ------------------------------------------------------------------------------------------- telling


def _tell(
    session: Session,
    authority: Authority,
    untracked: set[str],
    twice: set[str],
    linked: set[str],
    now: datetime,
) -> None:
    """One issue per SKU with something wrong; the others' are closed."""
    sold = sold_skus(session, authority.merchant_id)
    _keep(session, authority, "duplicate_sku", sorted(twice), now)
    _keep(session, authority, "sku_gone", sorted(sold - linked - twice), now)
    _keep(session, authority, "untracked", sorted(sold & untracked & linked), now)
    there = {f"no_item:{sku}"[:255] for sku in linked}
    for key in _open_keys(session, authority.merchant_id, "no_item") & there:
        resolve_issue(session, authority.merchant_id, key, by="syncd", now=now)


_WORDS = {
    "duplicate_sku": (
        "Several items of {name} have the SKU {sku}.",
        "syncd cannot know which of them a sale means, so it reads and changes neither.",
        "Give each item in {name} an SKU of its own.",
    ),
    "sku_gone": (
        "{sku} is no longer in {name}, but stores sell it.",
        "Without it nobody says how many there are; the stores' numbers stay as they are, less what they sell.",
        "Bring the item back in {name}, or take it out of the stores, or link their listings to another SKU.",
    ),
    "untracked": (
        "{name} keeps no stock of {sku}, but stores sell it.",
        "Its stock management is switched off there, so there is no number to publish.",
        "Switch stock management on for {sku} in {name}, or ignore its listings.",
    ),
}


def _keep(session: Session, authority: Authority, kind: str, skus: Sequence[str], now: datetime) -> None:
    """Have exactly these issues of this kind open."""
    keys = {f"{kind}:{sku}"[:255]: sku for sku in skus}
    for key in _open_keys(session, authority.merchant_id, kind) - keys.keys():
        resolve_issue(session, authority.merchant_id, key, by="syncd", now=now)
    for key, sku in keys.items():
        title, why, what_to_do = (words.format(name=authority.name, sku=sku) for words in _WORDS[kind])
        raise_issue(
            session,
            merchant_id=authority.merchant_id,
            kind=kind,
            key=key,
            title=title,
            why=why,
            what_to_do=what_to_do,
            connection_id=authority.connection_id,
            sku=sku,
            now=now,
        )


def _open_keys(session: Session, merchant_id: int, kind: str) -> set[str]:
    rows = session.exec(
        select(Issue.key).where(Issue.merchant_id == merchant_id, Issue.kind == kind, Issue.state == IssueState.OPEN)
    )
    return set(rows)


# ------------------------------------------------------------------------------------------- locations


def take_in_locations(session: Session, authority: Authority, told: Sequence[ToldLocation], now: datetime) -> None:
    """Keep the back office's locations. An empty list is not believed; one that is gone and used raises an issue."""
    if not told:
        return
    known = {
        row.external_id: row
        for row in session.exec(select(Location).where(Location.merchant_id == authority.merchant_id))
    }
    for place in told:
        row = known.pop(place.location_id, None)
        if row is None:
            row = Location(merchant_id=authority.merchant_id, external_id=place.location_id)
            session.add(row)
        row.name, row.is_active = place.name, place.is_active
        session.flush()
        if place.is_active:
            resolve_issue(session, authority.merchant_id, f"location_gone:{row.id}", by="syncd", now=now)
        else:
            _tell_gone(session, authority, row, now)
    for row in known.values():
        row.is_active = False
        _tell_gone(session, authority, row, now)


def _tell_gone(session: Session, authority: Authority, place: Location, now: datetime) -> None:
    stores = session.exec(select(PoolLocation).where(PoolLocation.location_id == place.id)).all()
    if not stores:
        return
    raise_issue(
        session,
        merchant_id=authority.merchant_id,
        kind="location_gone",
        key=f"location_gone:{place.id}",
        title=f"{place.name} is no longer in {authority.name}.",
        why=f"{len(stores)} of your stores rest on it; until you choose another, their numbers stay as they are.",
        what_to_do="Choose another location for them: `syncd connections set NAME --location L`.",
        connection_id=authority.connection_id,
        details={"location": place.external_id, "stores": [row.connection_id for row in stores]},
        now=now,
    )
