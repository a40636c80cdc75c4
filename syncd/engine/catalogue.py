"""Reading a store's products: the whole catalogue, or the few that a store told a change of.

Each page is a transaction. A listing is gone only when a whole catalogue lacked it and the store, asked for it by its
id, lacks it too: a catalogue that lost pages makes nothing gone. How listings find their SKU is `match.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session, col, func, select

from connectors.sdk.contract import Store
from connectors.sdk.errors import ConnectorError
from connectors.sdk.values import CatalogueItem
from schema.tables import Connection, ConnectionState, Listing, ListingCheck, Match, StockItem
from syncd.engine import fit_items, vanished
from syncd.engine.batches import batched
from syncd.engine.context import Engine
from syncd.engine.desired import lock_behind, refresh_item
from syncd.engine.failures import note_failure, note_success
from syncd.engine.issues import raise_issue, resolve_issue
from syncd.engine.leases import Held, confirm
from syncd.engine.linking import count_earlier_orders, forget_belief, gone_key, is_published, let_go
from syncd.engine.match import match_alone, rematch
from syncd.engine.wake import wake

log = structlog.get_logger(__name__)

SPEAKS = (ConnectionState.SHADOW, ConnectionState.LIVE, ConnectionState.PAUSED)
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a reading of a catalogue came to: listings read, and how many of them are new or have gone."""

    read: int = 0
    new: int = 0
    gone: int = 0


def no_progress(done: int, total: int | None) -> None:
    """Tell nobody."""


def refresh(engine: Engine, held: Held, connection_id: int, progress: Progress = no_progress) -> Counts:
    """Read a store's whole catalogue. Raises ConnectorError after noting it; what was read until then is kept."""
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        expected = session.exec(
            select(func.count()).select_from(Listing).where(Listing.connection_id == connection_id)
        ).one()
    if connection.state not in SPEAKS:
        return Counts()
    store = engine.connectors.store(engine, connection)
    seen: set[str] = set()
    read = new = gone = 0
    is_whole = False
    try:
        for page in store.catalogue():
            new += _take_in(engine, held, connection_id, page.items)
            seen.update(item.external_id for item in page.items)
            read += len(page.items)
            is_whole = page.is_last
            progress(read, max(read, expected) if expected else None)
        if is_whole:
            gone = _find_gone(engine, held, connection_id, store, _not_in(engine, connection_id, seen))
    except ConnectorError as error:
        note_failure(engine, connection, error)
        raise
    note_success(engine, connection)
    with engine.database.transaction() as session:
        session.get_one(Connection, connection_id).catalogue_at = engine.clock.now()
        wake(session)
    count_earlier_orders(engine, connection_id)
    log.info("catalogue_read", connection=connection.name, read=read, new=new, gone=gone)
    return Counts(read=read, new=new, gone=gone)


def recheck_due(engine: Engine, held: Held, connection_id: int) -> int:
    """Read the products again that a store told a change of; returns how many."""
    now = engine.clock.now()
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        if connection.state not in SPEAKS or (connection.not_before and connection.not_before > now):
            return 0
        store = engine.connectors.store(engine, connection)
        due = session.exec(
            select(ListingCheck.external_id, ListingCheck.due_at)
            .where(ListingCheck.connection_id == connection_id, col(ListingCheck.due_at) <= now)
            .order_by(col(ListingCheck.due_at))
            .limit(store.traits.read_rows)
        ).all()
    if not due:
        return 0
    try:
        _find_gone(engine, held, connection_id, store, [external_id for external_id, _ in due])
    except ConnectorError as error:
        note_failure(engine, connection, error)
        return 0
    note_success(engine, connection)
    with engine.database.transaction() as session:
        for external_id, due_at in due:
            check = session.get(ListingCheck, (connection_id, external_id))
            if check is not None and check.due_at == due_at:
                session.delete(check)
        wake(session)
    count_earlier_orders(engine, connection_id)
    return len(due)


# ------------------------------------------------------------------------------------------- what is there


def _take_in(engine: Engine, held: Held, connection_id: int, told: Sequence[CatalogueItem]) -> int:
    """Store what the store says of some listings, and match them; returns how many are new."""
    now = engine.clock.now()
    unchecked, told = told, fit_items.kept(told)
    with engine.database.transaction() as session:
        confirm(session, held, now)
        connection = session.get_one(Connection, connection_id)
        known = _by_external_id(session, connection_id, [item.external_id for item in told])
        figures = _figures(session, connection_id, told)
        skus = {sku for row in known.values() for sku in (row.external_sku, row.sku) if sku}
        skus |= {item.sku for item in told if item.sku}
        lock_behind(session, connection.merchant_id, skus, _ids(known.values(), figures.values()))
        changed: list[StockItem] = []
        for item in told:
            listing = known.get(item.external_id)
            figure = figures[item.ref.stock_id]
            if listing is None:
                session.add(_new_listing(connection, item, figure, now))
            else:
                changed += _update(session, listing, item, figure, now)
        rematch(session, connection, skus, now)
        for figure in changed:
            refresh_item(session, figure)
        fit_items.tell_no_skus(session, connection, unchecked, now)
        return len(told) - len(known)


def _ids(listings: Iterable[Listing], figures: Iterable[StockItem] = ()) -> set[int]:
    """The figures that a change of these listings may touch."""
    return {listing.stock_item_id for listing in listings} | {figure.id or 0 for figure in figures}


def _by_external_id(session: Session, connection_id: int, external_ids: Iterable[str]) -> dict[str, Listing]:
    rows = session.exec(
        select(Listing).where(Listing.connection_id == connection_id, col(Listing.external_id).in_(list(external_ids)))
    )
    return {row.external_id: row for row in rows}


def _figures(session: Session, connection_id: int, told: Sequence[CatalogueItem]) -> dict[str, StockItem]:
    """The stock figures behind some listings, by the platform's id; made where there are none."""
    refs = {item.ref.stock_id: item.ref for item in told}
    rows = session.exec(
        select(StockItem)
        .where(StockItem.connection_id == connection_id, col(StockItem.external_id).in_(list(refs)))
        .order_by(col(StockItem.id))
    )
    found = {row.external_id: row for row in rows}
    for stock_id, ref in refs.items():
        if stock_id not in found:
            found[stock_id] = StockItem(connection_id=connection_id, external_id=stock_id, parent_id=ref.parent_id)
            session.add(found[stock_id])
        elif found[stock_id].parent_id != ref.parent_id:
            found[stock_id].parent_id = ref.parent_id
    session.flush()
    return found


def _new_listing(connection: Connection, told: CatalogueItem, figure: StockItem, now: datetime) -> Listing:
    return Listing(
        merchant_id=connection.merchant_id,
        connection_id=connection.id or 0,
        external_id=told.external_id,
        stock_item_id=figure.id or 0,
        external_sku=told.sku,
        match=Match.UNMATCHED if told.sku else Match.NO_SKU,
        title=told.title,
        tracked=told.tracked,
        blocked=told.blocked,
        price=told.price,
        image_url=told.image_url,
        seen_at=now,
    )


def _update(
    session: Session, listing: Listing, told: CatalogueItem, figure: StockItem, now: datetime
) -> list[StockItem]:
    """Store what is told of a known listing; returns the figures whose number may be another one now."""
    publishing = (listing.tracked, listing.blocked, listing.stock_item_id, listing.external_sku, listing.gone_at)
    is_other = publishing != (told.tracked, told.blocked, figure.id, told.sku, None)
    before = session.get_one(StockItem, listing.stock_item_id)
    if listing.gone_at is not None and before.id == figure.id:
        forget_belief(figure)
    if told.sku != listing.external_sku and not listing.is_by_hand:
        listing.match = Match.UNMATCHED if told.sku else Match.NO_SKU
        listing.sku = listing.linked_at = None
    listing.external_sku = told.sku
    listing.stock_item_id = figure.id or 0
    listing.title = told.title
    listing.tracked = told.tracked
    listing.blocked = told.blocked
    listing.price = told.price
    listing.image_url = told.image_url
    listing.seen_at = now
    listing.gone_at = None
    if not is_other:
        return []
    return [before] if before.id == figure.id else [before, figure]


# ------------------------------------------------------------------------------------------- what is not


def _not_in(engine: Engine, connection_id: int, seen: set[str]) -> list[str]:
    with engine.database.reading() as session:
        rows = session.exec(
            select(Listing.external_id)
            .where(Listing.connection_id == connection_id, col(Listing.gone_at).is_(None))
            .order_by(col(Listing.id))
        )
        return [external_id for external_id in rows if external_id not in seen]


def _find_gone(engine: Engine, held: Held, connection_id: int, store: Store, external_ids: Sequence[str]) -> int:
    """Ask the store for these listings by id, take in what it has, and mark as gone what it has not."""
    gone = 0
    for asked in batched(external_ids, store.traits.read_rows):
        found = store.items(asked)
        _take_in(engine, held, connection_id, found)
        missing = set(asked) - {item.external_id for item in found}
        gone += _mark_gone(engine, held, connection_id, missing)
        vanished.remember_sold(engine, held, connection_id, missing)
    return gone


def _mark_gone(engine: Engine, held: Held, connection_id: int, external_ids: Iterable[str]) -> int:
    now = engine.clock.now()
    count = 0
    with engine.database.transaction() as session:
        confirm(session, held, now)
        connection = session.get_one(Connection, connection_id)
        known = _by_external_id(session, connection_id, external_ids)
        skus = {sku for row in known.values() for sku in (row.external_sku, row.sku) if sku}
        lock_behind(session, connection.merchant_id, skus, _ids(known.values()))
        for listing in known.values():
            if listing.gone_at is None:
                listing.gone_at = now
                count += 1
                session.flush()
                figure = session.get_one(StockItem, listing.stock_item_id)
                refresh_item(session, figure)
                if not is_published(session, figure):
                    let_go(session, connection, figure, now)
        rematch(session, connection, skus, now)
        for listing in known.values():
            match_alone(session, connection, listing, now)
            _tell_gone(session, connection, listing, now)
    return count


def _tell_gone(session: Session, connection: Connection, listing: Listing, now: datetime) -> None:
    """One issue, unless the store has the SKU under another id: a product made anew is followed by its SKU."""
    if listing.match is not Match.LINKED or listing.sku is None:
        return
    key = gone_key(connection, listing.sku)
    others = session.exec(
        select(Listing.id).where(
            Listing.connection_id == connection.id, Listing.sku == listing.sku, col(Listing.gone_at).is_(None)
        )
    ).first()
    if others is not None:
        resolve_issue(session, connection.merchant_id, key, by="syncd", now=now)
        return
    raise_issue(
        session,
        merchant_id=connection.merchant_id,
        kind="listing_gone",
        key=key,
        title=f"{listing.sku} is no longer in {connection.name}.",
        why=f"{listing.title} was deleted there. Other stores are not affected.",
        what_to_do="Nothing, if that was meant. Made anew with the same SKU, it is found by itself.",
        connection_id=connection.id,
        sku=listing.sku,
        now=now,
    )
