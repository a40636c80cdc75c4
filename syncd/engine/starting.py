"""The own ledger's stock begins with what a store shows (STOCK §8): its products become SKUs of the ledger.

In shadow a store goes on selling, and nothing of that is counted. So what a SKU began with is kept beside the figure
that it came from, and `settling.py` takes up what it moved by once the store is live: no unit counts twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session, col, exists, func, or_, select

from connectors.sdk.values import FigureState, StockRef
from schema.tables import (
    Connection,
    ConnectionState,
    InventoryCache,
    Listing,
    Match,
    MovementKind,
    StartingStock,
    StockItem,
)
from syncd.domain import stock
from syncd.engine import ledger, lines
from syncd.engine.audit import audit
from syncd.engine.authority import LEDGER, authority_of
from syncd.engine.batches import batched
from syncd.engine.context import Engine
from syncd.engine.desired import lock_behind, refresh
from syncd.engine.leases import Held, confirm
from syncd.engine.linking import count_earlier_orders
from syncd.engine.match import match_waiting, rematch
from syncd.engine.rules import load_rules
from syncd.engine.settling import counted_units
from syncd.engine.wake import wake
from syncd.errors import NotPossible

log = structlog.get_logger(__name__)

SPEAKS = (ConnectionState.SHADOW, ConnectionState.LIVE)
SHARED = "Its stock is counted together with that of another SKU: count it yourself."
NOT_TRACKED = "The store does not count it."
NO_FIGURE = "The store gave no figure for it. Try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreProduct:
    """A product of a store that the own ledger has no figure for; `problem`: why it cannot take the store's."""

    sku: str
    title: str
    stock_item_id: int
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """SKUs that the ledger has a figure for now, and those that were left, with the reason."""

    skus: tuple[str, ...]
    left: Mapping[str, str]


def store_products(session: Session, store: Connection, skus: Sequence[str] = ()) -> list[StoreProduct]:
    """What of a store the own ledger has no figure for, in order of SKUs; only these SKUs if any are named.

    Listings that a person unlinked or ignores, without SKU, or whose SKU is used twice are not in it.
    """
    is_counted = exists().where(
        col(InventoryCache.merchant_id) == store.merchant_id,
        col(InventoryCache.sku) == func.coalesce(col(Listing.sku), col(Listing.external_sku)),
        col(InventoryCache.on_hand).is_not(None),
    )
    is_waiting = (col(Listing.match) == Match.UNMATCHED) & col(Listing.is_by_hand).is_(False)
    query = select(Listing).where(
        Listing.connection_id == store.id,
        col(Listing.gone_at).is_(None),
        col(Listing.external_sku).is_not(None),
        or_(is_waiting, col(Listing.match) == Match.LINKED),
        ~is_counted,
    )
    if skus:
        query = query.where(func.coalesce(Listing.sku, Listing.external_sku).in_(skus))
    shared = _shared(session, store)
    found = {
        listing.sku or listing.external_sku or "": StoreProduct(
            sku=listing.sku or listing.external_sku or "",
            title=listing.title,
            stock_item_id=listing.stock_item_id,
            problem=_problem(listing, shared),
        )
        for listing in session.exec(query.order_by(col(Listing.id)))
    }
    return [found[sku] for sku in sorted(found)]


def _shared(session: Session, store: Connection) -> set[int]:
    """Figures that several SKUs stand on: what they show is not the stock of each."""
    rows = session.exec(
        select(Listing.stock_item_id)
        .where(Listing.connection_id == store.id, col(Listing.gone_at).is_(None))
        .group_by(col(Listing.stock_item_id))
        .having(func.count(func.distinct(func.coalesce(Listing.sku, Listing.external_sku, Listing.external_id))) > 1)
    )
    return set(rows)


def _problem(listing: Listing, shared: set[int]) -> str:
    if listing.stock_item_id in shared:
        return SHARED
    return listing.blocked or ("" if listing.tracked else NOT_TRACKED)


def take(engine: Engine, held: Held, connection_id: int, skus: Sequence[str] = (), *, actor: str) -> Taken:
    """Let the own ledger begin with a store's figures of these SKUs, or of all that it has none for.

    Raises NotPossible where a back office says what is in stock, and ConnectorError; what was taken until then is kept.
    """
    with engine.database.reading() as session:
        store = session.get_one(Connection, connection_id)
        authority = authority_of(session, store.merchant_id)
        products = store_products(session, store, skus)
    if authority.connection is not None:
        raise NotPossible(f"{authority.name} says what is in stock: make the products there. The file lists them.")
    if store.state not in SPEAKS:
        raise NotPossible(f"{store.name} is {store.state.value}; its figures cannot be taken now.")
    left = {product.sku: product.problem for product in products if product.problem}
    wanted = [product for product in products if not product.problem]
    for batch in batched(wanted, engine.connectors.store(engine, store).traits.read_rows):
        left |= _take(engine, held, store, batch, actor)
    taken = tuple(product.sku for product in wanted if product.sku not in left)
    match_waiting(engine, store.merchant_id)
    log.info("starting_stock_taken", connection=store.name, taken=len(taken), left=len(left))
    return Taken(skus=taken, left=left)


def _take(
    engine: Engine, held: Held, store: Connection, products: Sequence[StoreProduct], actor: str
) -> dict[str, str]:
    """Some of them. First the ledger knows the SKUs, so that earlier sales count; then it gets their figures."""
    now = engine.clock.now()
    names = [product.sku for product in products]
    with engine.database.transaction() as session:
        confirm(session, held, now)
        place = lines.order_location(session, store)
        if place is None:
            raise NotPossible(f"{store.name} sells from no location. Set one first.")
        lock_behind(session, store.merchant_id, names, [product.stock_item_id for product in products])
        for sku in sorted(names):
            ledger.cache_row(session, store.merchant_id, place, sku, now=now)
        rematch(session, session.get_one(Connection, store.id), names, now)
        wake(session)
    count_earlier_orders(engine, store.id or 0)
    figures = _read(engine, store, products)
    with engine.database.transaction() as session:
        confirm(session, held, engine.clock.now())
        lock_behind(session, store.merchant_id, names, [product.stock_item_id for product in products])
        for product in products:
            if product.sku in figures:
                _begin(engine, session, store, place, product, figures[product.sku], actor)
        details = {"skus": sorted(figures)}
        audit(session, store.merchant_id, actor, "match.take", store.name, details, now)
        refresh(session, store.merchant_id, figures)
        wake(session)
    return {sku: NO_FIGURE for sku in names if sku not in figures}


def _read(engine: Engine, store: Connection, products: Sequence[StoreProduct]) -> dict[str, int]:
    """What the store shows now, by SKU."""
    with engine.database.reading() as session:
        ids = [product.stock_item_id for product in products]
        items = {item.id: item for item in session.exec(select(StockItem).where(col(StockItem.id).in_(ids)))}
    by_sku = {product.sku: items[product.stock_item_id] for product in products}
    refs = [StockRef(stock_id=item.external_id, parent_id=item.parent_id) for item in items.values()]
    told = engine.connectors.store(engine, store).read_stock(refs).figures
    figures = {sku: told.get(item.external_id) for sku, item in by_sku.items()}
    return {
        sku: figure.quantity
        for sku, figure in figures.items()
        if figure is not None and figure.state is FigureState.TRACKED and figure.quantity is not None
    }


def _begin(
    engine: Engine, session: Session, store: Connection, place: int, product: StoreProduct, shown: int, actor: str
) -> None:
    """Make available what the store shows (STOCK §8), unless somebody has counted meanwhile."""
    now = engine.clock.now()
    cache = ledger.cache_row(session, store.merchant_id, place, product.sku, now=now)
    if cache.on_hand is not None:
        return
    safety = load_rules(session, store.merchant_id, [product.sku]).safety_stock(product.sku)
    movement = stock.filled_from_store(stock.Cache(open=cache.open, safety_stock=safety), shown)
    ledger.add_movement(
        session,
        merchant_id=store.merchant_id,
        location_id=place,
        sku=product.sku,
        kind=MovementKind.ADJUSTMENT,
        on_hand_delta=movement.on_hand or 0,
        value=movement.on_hand,
        source=LEDGER,
        event=cause(engine),
        note=f"{store.name} showed {shown}",
        actor=actor,
        occurred_at=now,
        now=now,
    )
    session.merge(_beginning(session, place, product, shown, now))


def cause(engine: Engine) -> str:
    """A cause that is like no other: what a SKU begins with is counted anew when a store is connected again."""
    return f"starting-{engine.random.getrandbits(64):016x}"


def _beginning(session: Session, place: int, product: StoreProduct, shown: int, now: datetime) -> StartingStock:
    counted = counted_units(session, [product.stock_item_id]).get(product.stock_item_id, 0)
    return StartingStock(
        stock_item_id=product.stock_item_id,
        location_id=place,
        sku=product.sku,
        basis=shown + counted,
        taken_at=now,
    )
