"""What going live would come to: each number of a store, and the orders that were paid before it.

What a store in shadow should show is kept in `StockItem.desired` all the while. Only where its orders would begin to
hold units open, or the own ledger would take up what it sold in shadow, is the number computed here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy
from sqlalchemy import Row
from sqlmodel import Session, col, select

from connectors.sdk.values import StockRef
from schema.tables import Connection, ConnectionState, Listing, Match, Order, OrderLine, RuleKind, StockItem
from syncd.domain import publish
from syncd.engine import lines, seen, settling
from syncd.engine.batches import batched
from syncd.engine.context import Engine
from syncd.engine.desired import Facts
from syncd.engine.figures import read_figures

REASONED_AT_ONCE = 4000
"""Values in one statement, for each asks for every location and pool again; SQLite allows 32,766."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """A product of a store: what it shows, what it will show, and the sum behind that (`reasoned` fills it in)."""

    sku: str
    title: str
    external_id: str
    shows_now: int | None
    will_show: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidBefore:
    """A paid order from before going live: the back office is taken to know it already."""

    order_id: str
    name: str
    placed_at: datetime
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What going live would do."""

    rows: tuple[PreviewRow, ...]
    paid_before: tuple[PaidBefore, ...]

    @property
    def changes(self) -> tuple[PreviewRow, ...]:
        """The numbers that would change."""
        return tuple(row for row in self.rows if row.will_show is not None and row.will_show != row.shows_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook(Preview):
    """A preview whose numbers have no reasons yet, with what going live would change about them.

    `would_open`: units by SKU that the store's orders would hold open on top of what they do. `moved`: where the own
    ledger began with a figure, by what the ledger would move; that has the orders in it.
    """

    would_open: Mapping[str, int]
    moved: Mapping[int, int]

    def more(self, listing: Listing) -> int:
        """Units that the pool of a listing would have on top of what it has."""
        moved = self.moved.get(listing.stock_item_id)
        return -self.would_open.get(listing.sku or "", 0) if moved is None else moved


# ------------------------------------------------------------------------------------------- numbers


def preview(engine: Engine, connection_id: int) -> Preview:
    """Read the store's figures and say what each would become, and why."""
    found = outlook(engine, connection_id)
    with engine.database.reading() as session:
        rows = reasoned(session, session.get_one(Connection, connection_id), found, found.rows)
    return Preview(rows=tuple(rows), paid_before=found.paid_before)


def outlook(engine: Engine, connection_id: int) -> Outlook:
    """Read the store's figures and say what each would become. Changes nothing but what is known to be shown."""
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        items = session.exec(
            select(StockItem.id, StockItem.external_id, StockItem.parent_id).where(
                StockItem.connection_id == connection_id
            )
        ).all()
    told = read_figures(
        engine.connectors.store(engine, connection), [StockRef(stock_id=item[1], parent_id=item[2]) for item in items]
    )
    shown = {item_id or 0: told[external_id] for item_id, external_id, _ in items if external_id in told}
    if connection.state is ConnectionState.SHADOW:
        with engine.database.transaction() as session:
            seen.note_all(session, connection_id, shown, engine.clock.now())
    return _outlook(engine, connection_id, shown)


def outlook_seen(engine: Engine, connection_id: int) -> Outlook:
    """The same by the numbers that the store has last told of itself, without asking it."""
    with engine.database.reading() as session:
        shown = seen.newest(session, connection_id)
    return _outlook(engine, connection_id, shown)


def _outlook(engine: Engine, connection_id: int, shown: Mapping[int, int]) -> Outlook:
    with engine.database.reading() as session:
        connection = session.get_one(Connection, connection_id)
        would_open, paid_before = _judge(session, connection, engine.clock.now())
        found = Outlook(
            rows=(),
            paid_before=paid_before,
            would_open={sku: units for sku, units in would_open.items() if units},
            moved=settling.moved_in_shadow(session, connection, shown),
        )
        return replace(found, rows=tuple(_rows(session, connection, found, shown)))


def _rows(session: Session, connection: Connection, found: Outlook, shown: Mapping[int, int]) -> Iterator[PreviewRow]:
    columns = (Listing.sku, Listing.title, Listing.external_id, Listing.stock_item_id, StockItem.desired)
    listings = session.execute(
        sqlalchemy.select(*map(col, columns))
        .join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
        .where(*_published(connection))
        .order_by(col(Listing.sku))
    ).all()
    changed = {item_id for sku, _, _, item_id, _ in listings if sku in found.would_open or item_id in found.moved}
    anew = _computed(session, connection, found, changed)
    for sku, title, external_id, item_id, desired in listings:
        yield PreviewRow(
            sku=sku or "",
            title=title,
            external_id=external_id,
            shows_now=shown.get(item_id),
            will_show=anew.get(item_id, desired),
        )


def _published(connection: Connection) -> tuple[Any, ...]:
    return (
        Listing.connection_id == connection.id,
        Listing.match == Match.LINKED,
        col(Listing.gone_at).is_(None),
    )


def _computed(
    session: Session, connection: Connection, found: Outlook, item_ids: Collection[int]
) -> dict[int, int | None]:
    """What these figures will show, each the least of its listings'."""
    numbers: dict[int, list[int | None]] = defaultdict(list)
    for part in batched(sorted(item_ids)):
        listings = session.exec(
            select(Listing).where(*_published(connection), col(Listing.stock_item_id).in_(part))
        ).all()
        facts = Facts.load(session, connection.merchant_id, [listing.sku for listing in listings if listing.sku])
        for listing in listings:
            numbers[listing.stock_item_id].append(_number(facts, listing, found.more(listing)))
    return {item_id: publish.desired_of_shared(each) for item_id, each in numbers.items()}


def _number(facts: Facts, listing: Listing, more: int) -> int | None:
    """What one listing would show by itself."""
    if not listing.tracked or listing.blocked:
        return None
    pool = facts.pool_available(listing)
    return publish.desired([*pool, more] if pool else [], buffer=_buffer(facts, listing), cap=_cap(facts, listing))


def _buffer(facts: Facts, listing: Listing) -> int:
    return facts.rules.of(RuleKind.BUFFER, listing.sku or "", listing.connection_id) or 0


def _cap(facts: Facts, listing: Listing) -> int | None:
    return facts.rules.of(RuleKind.CAP, listing.sku or "", listing.connection_id)


# ------------------------------------------------------------------------------------------- orders


def _judge(session: Session, connection: Connection, now: datetime) -> tuple[dict[str, int], tuple[PaidBefore, ...]]:
    """Units per SKU that the store's orders would hold open on top of what they do, and the paid orders that would not
    count.
    """
    would_open: dict[str, int] = defaultdict(int)
    paid_before = []
    if connection.live_at is not None:
        return would_open, ()
    of_order = (Order.id, Order.external_id, Order.name, Order.placed_at, Order.paid_at, Order.is_wanted, Order.is_test)
    of_line = (OrderLine.sku, OrderLine.taken, OrderLine.acknowledged, OrderLine.is_counted)
    stored = session.execute(
        sqlalchemy.select(*map(col, (*of_order, *of_line)))
        .join(OrderLine, col(OrderLine.order_id) == col(Order.id))
        .where(
            col(Order.connection_id) == connection.id,
            col(Order.version).is_not(None),
            col(OrderLine.is_baseline).is_(False),
        )
        .order_by(col(Order.placed_at), col(Order.id))
    )
    for _, found in groupby(stored, key=lambda row: row.id):
        rows = list(found)
        order = rows[0]
        is_before = lines.is_before(connection, order, now) and not order.is_wanted
        units = sum(row.taken for row in rows)
        if is_before and units and not order.is_test:
            paid_before.append(
                PaidBefore(order_id=order.external_id, name=order.name, placed_at=order.placed_at, units=units)
            )
        for row in rows:
            would_open[row.sku or ""] += _would_open_more(row, is_before=is_before)
    return would_open, tuple(paid_before)


def _would_open_more(line: Row[Any], *, is_before: bool) -> int:
    """Units that a line would hold open on top of what it does; fewer where its order was paid meanwhile."""
    opened: int = line.taken - line.acknowledged
    would = 0 if is_before and line.acknowledged == 0 else opened
    return would - (opened if line.is_counted else 0)


# ------------------------------------------------------------------------------------------- reasons


def reasoned(session: Session, connection: Connection, found: Outlook, rows: Sequence[PreviewRow]) -> list[PreviewRow]:
    """These rows with the sum behind each number."""
    told: list[PreviewRow] = []
    for part in batched(rows, REASONED_AT_ONCE):
        listings = {
            listing.external_id: listing
            for listing in session.exec(
                select(Listing).where(
                    *_published(connection), col(Listing.external_id).in_([row.external_id for row in part])
                )
            )
        }
        skus = [listing.sku for listing in listings.values() if listing.sku]
        facts = Facts.load(session, connection.merchant_id, skus)
        told += [replace(row, reason=_reason(facts, listings.get(row.external_id), found, row)) for row in part]
    return told


def _reason(facts: Facts, listing: Listing | None, found: Outlook, row: PreviewRow) -> str:
    if listing is None:
        return "it was unlinked just now"
    if not listing.tracked or listing.blocked:
        return listing.blocked or "the store does not track its stock"
    pool = facts.pool_available(listing)
    if not pool or any(units is None for units in pool):
        return "the back office has not told its stock yet"
    parts = [f"{sum(units or 0 for units in pool)} available", *_more_words(found, listing)]
    if buffer := _buffer(facts, listing):
        parts.append(f"less {buffer} held back here")
    if (cap := _cap(facts, listing)) is not None:
        parts.append(f"at most {cap}")
    if _number(facts, listing, found.more(listing)) != row.will_show:
        parts.append("and no more than the other products on the same stock")
    return ", ".join(parts)


def _more_words(found: Outlook, listing: Listing) -> Iterator[str]:
    if listing.stock_item_id in found.moved:
        if moved := found.moved[listing.stock_item_id]:
            yield f"{'less' if moved < 0 else 'and'} {abs(moved)} that the store's own number has moved by since"
        return
    would_open = found.would_open.get(listing.sku or "", 0)
    if would_open > 0:
        yield f"less {would_open} in open orders of this store"
    if would_open < 0:
        yield f"and {-would_open} of orders that were paid while it was disconnected"
