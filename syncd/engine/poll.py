"""Reading the back office in tiers: till hints, a sweep of what is sold online, the catalogue, rows to read again.

It tells of no changes by itself, so these run on a schedule. Rows are applied by `readings.py`, whole sweeps are
judged by `brake.py`. `held` is the lease of whoever polls: a poller that lost it applies nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from connectors.sdk.errors import ConnectorError, MalformedPayload, Unavailable
from connectors.sdk.values import AccountInfo, CatalogueItem
from schema.tables import Connection, InventoryCache, Listing
from syncd.domain import border
from syncd.engine import backoffice_items, brake, fit_items, unread_items
from syncd.engine.authority import back_office, load_authority, may_be_called
from syncd.engine.backoffice_reader import Reader, open_reader
from syncd.engine.context import Engine
from syncd.engine.failures import note_failure, note_success
from syncd.engine.leases import Held, confirm
from syncd.engine.match import match_waiting
from syncd.engine.readings import Applied
from syncd.engine.unread_items import Unread

FIRST_HINTS = timedelta(minutes=5)
"""How far the first look for till hints reaches back."""
MOST_REREADS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a poll came to. `is_held`: the brake stopped it; `failure`: the back office could not be read."""

    rows: Applied = field(default_factory=Applied)
    is_held: bool = False
    failure: str = ""
    new_skus: frozenset[str] = frozenset()
    gone_skus: frozenset[str] = frozenset()


def hints(engine: Engine, held: Held, merchant_id: int) -> Polled:
    """Read again what the till has sold since the last time."""
    return _poll(engine, held, merchant_id, _hints)


def sweep(engine: Engine, held: Held, merchant_id: int) -> Polled:
    """Read everything that some store sells."""
    return _poll(engine, held, merchant_id, _sweep)


def catalogue(engine: Engine, held: Held, merchant_id: int) -> Polled:
    """Read the whole catalogue: every figure, new and gone SKUs, names, prices, locations. Listings of stores that
    waited for an SKU are linked.
    """
    polled = _poll(engine, held, merchant_id, _catalogue)
    match_waiting(engine, merchant_id)
    return polled


def rereads(engine: Engine, held: Held, merchant_id: int) -> Polled:
    """Read again what was dropped, or what a written return has left uncertain."""
    return _poll(engine, held, merchant_id, _rereads)


def _poll(engine: Engine, held: Held, merchant_id: int, step: Callable[[Reader], Polled]) -> Polled:
    authority = load_authority(engine, merchant_id)
    connection = authority.connection
    if connection is None or not may_be_called(connection, engine.clock.now()):
        return Polled()
    try:
        polled = step(open_reader(engine, held, authority))
    except ConnectorError as error:
        note_failure(engine, connection, error)
        return Polled(failure=str(error))
    note_success(engine, connection)
    return polled


# ------------------------------------------------------------------------------------------- targeted


def _hints(reader: Reader) -> Polled:
    if not reader.office.traits.gives_hints:
        return Polled()
    now = reader.engine.clock.now()
    with reader.engine.database.reading() as session:
        cursor = back_office(session, reader.merchant_id).hint_cursor or now - FIRST_HINTS
    told = reader.office.till_hints(cursor)
    touched = {ref.stock_id for ref in told.refs}
    applied = _read_and_apply(reader, [sku for sku, ref in reader.refs.items() if ref.stock_id in touched])
    with reader.engine.database.transaction() as session:
        row = back_office(session, reader.merchant_id)
        row.hint_cursor, row.hinted_at = told.until, reader.engine.clock.now()
    return Polled(rows=applied)


def _read_and_apply(reader: Reader, skus: Iterable[str]) -> Applied:
    total = Applied()
    for page in reader.read(skus):
        reader.tell_fractions(page)
        total += reader.apply(reader.rows(page))
        if page.unreadable:
            with reader.engine.database.transaction() as session:
                unread_items.tell_first(session, reader.authority, page.unreadable, reader.engine.clock.now())
    return total


def _rereads(reader: Reader) -> Polled:
    now = reader.engine.clock.now()
    with reader.engine.database.reading() as session:
        due = session.exec(
            select(InventoryCache)
            .where(InventoryCache.merchant_id == reader.merchant_id, col(InventoryCache.reread_at) <= now)
            .order_by(col(InventoryCache.reread_at))
            .limit(MOST_REREADS)
        ).all()
    applied = _read_and_apply(reader, {row.sku for row in due})
    _forget_unanswered(reader, [row.id or 0 for row in due], now)
    return Polled(rows=applied)


def _forget_unanswered(reader: Reader, cache_ids: Sequence[int], asked_at: datetime) -> None:
    """A row that the back office does not tell any more is not waited for."""
    with reader.engine.database.transaction() as session:
        rows = session.exec(
            select(InventoryCache)
            .where(col(InventoryCache.id).in_(cache_ids), col(InventoryCache.reread_at) <= asked_at)
            .order_by(col(InventoryCache.id))
            .with_for_update()
        )
        for row in rows:
            row.reread_at, row.drops = None, 0


# ------------------------------------------------------------------------------------------- sweeps


def _sweep(reader: Reader) -> Polled:
    with reader.engine.database.reading() as session:
        wanted = backoffice_items.sold_skus(session, reader.merchant_id) & reader.refs.keys()
        was_released = back_office(session, reader.merchant_id).release_next
    pages = list(reader.read(wanted))
    rows = [row for page in pages for row in reader.rows(page)]
    wanted -= {item.sku for page in pages for item in page.items if item.sku and not item.tracked}
    with reader.engine.database.transaction() as session:
        now = reader.engine.clock.now()
        back_office(session, reader.merchant_id).swept_at = now
        unread = unread_items.find(session, reader.authority, pages, wanted)
        unread_items.tell_first(session, reader.authority, unread.rows, now)
        alarm = brake.judge(reader.engine, session, reader.merchant_id, rows, wanted - unread.skus)
        if _is_stopped(reader, session, alarm, was_released=was_released):
            return Polled(is_held=True)
    for page in pages:
        reader.tell_fractions(page)
    applied = reader.apply(rows)
    with reader.engine.database.transaction() as session:
        brake.passed(session, reader.merchant_id, was_released=was_released, now=reader.engine.clock.now())
    return Polled(rows=applied)


def _is_stopped(reader: Reader, session: Session, alarm: brake.Alarm | None, *, was_released: bool) -> bool:
    """Whether the brake holds a sweep; its release was asked for before this sweep began."""
    if alarm is None or was_released:
        return False
    now = reader.engine.clock.now()
    brake.hold(session, reader.authority, alarm, now)
    return True


def _account(reader: Reader) -> AccountInfo:
    try:
        return border.account(reader.office.probe())
    except border.Unfit as error:
        raise MalformedPayload(str(error), connection=reader.authority.name, operation="probe") from error


def _catalogue(reader: Reader) -> Polled:
    with reader.engine.database.reading() as session:
        was_released = back_office(session, reader.merchant_id).release_next
    account = _account(reader)
    told = list(reader.office.catalogue())
    pages = [border.page(page) for page in told]
    if not pages or not pages[-1].is_last:
        raise Unavailable("The catalogue broke off before its last page.", connection=reader.authority.name)
    items = {item.external_id: item for page in pages for item in page.items}
    announced = max((page.expected or 0 for page in pages), default=0)
    with reader.engine.database.transaction() as session:
        backoffice_items.take_in_locations(session, reader.authority, account.locations, reader.engine.clock.now())
        _keep_found_out(session, reader, account.settings)
    reader = replace(open_reader(reader.engine, reader.held, reader.authority), reading_id=reader.reading_id)
    with reader.engine.database.reading() as session:
        unread = unread_items.find(session, reader.authority, pages)
    names = _names(reader, list(items.values()), unread)
    rows = [row for page in pages for row in reader.rows(page, skus=names)]
    with reader.engine.database.transaction() as session:
        now = reader.engine.clock.now()
        confirm(session, reader.held, now)
        back_office(session, reader.merchant_id).catalogue_at = now
        judged = _judged_skus(session, reader, list(items.values()), unread)
        missing = max(0, announced - len(items) - len(unread.rows))
        alarm = brake.judge(reader.engine, session, reader.merchant_id, rows, judged, missing=missing)
        if _is_stopped(reader, session, alarm, was_released=was_released):
            return Polled(is_held=True)
        changes = backoffice_items.take_in_items(session, reader.authority, list(items.values()), unread, now)
        unread_items.tell(session, reader.authority, unread.rows, now)
        fit_items.tell_no_skus(session, _connection(reader), [item for page in told for item in page.items], now)
    for page in pages:
        reader.tell_fractions(page)
    applied = reader.apply(rows)
    with reader.engine.database.transaction() as session:
        brake.passed(session, reader.merchant_id, was_released=was_released, now=reader.engine.clock.now())
    return Polled(rows=applied, new_skus=changes.new, gone_skus=changes.gone)


def _connection(reader: Reader) -> Connection:
    assert reader.authority.connection is not None, "our own ledger is not read"
    return reader.authority.connection


def _keep_found_out(session: Session, reader: Reader, found_out: Mapping[str, str]) -> None:
    """What the back office honours may change from one day to the next; the connector is made anew from this."""
    query = select(Connection).where(Connection.id == reader.authority.connection_id)
    row = session.exec(query.with_for_update()).one()
    if {**row.settings, **found_out} != row.settings:
        row.settings = {**row.settings, **found_out}


def _names(reader: Reader, items: Sequence[CatalogueItem], unread: Unread) -> dict[str, str]:
    """The SKU of each item that has one for itself; those that a person joined keep theirs."""
    twice = backoffice_items.claimed_twice(items, unread)
    own = {item.external_id: item.sku for item in items if item.sku and item.sku not in twice}
    return own | reader.by_hand


def _judged_skus(session: Session, reader: Reader, items: Sequence[CatalogueItem], unread: Unread) -> set[str]:
    """SKUs that the catalogue should hold: all that were ever read, but those that it says it cannot tell."""
    untracked = {item.sku for item in items if item.sku and not item.tracked}
    untold = backoffice_items.claimed_twice(items, unread) | untracked | unread.skus
    known = session.exec(select(InventoryCache.sku).where(InventoryCache.merchant_id == reader.merchant_id).distinct())
    gone = session.exec(
        select(Listing.sku).where(
            Listing.connection_id == reader.authority.connection_id, col(Listing.gone_at).is_not(None)
        )
    )
    return set(known) - untold - {sku for sku in gone if sku is not None}
