"""What was seen of a store in shadow: sales of units that were gone elsewhere, and how late its numbers are today.

The arithmetic is `syncd/domain/shadow.py`; here is what the ledger, the sales log and the store have told.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlmodel import Session, col, func, or_, select

from schema.tables import (
    Connection,
    FigureSeen,
    InventoryCache,
    Listing,
    Match,
    Movement,
    Order,
    PoolLocation,
    RuleKind,
    SaleKind,
    SalesLog,
)
from syncd.domain import publish
from syncd.domain.shadow import Number, Sold, avoided, lags
from syncd.engine.rules import Rules, load_rules

REACTION = timedelta(seconds=10)
"""How long we give ourselves, so that no sale is claimed that our number might have come too late for."""
FOLLOWS_WITHIN = timedelta(days=1)
MOST_SALES = 500
MOST_MOVEMENTS = 50_000
"""Of all merchants' newest: so far back our numbers are folded, a day or a week for a very large house."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AvoidedSale:
    """A sale in this store of units that were gone elsewhere: we would have shown fewer than it sold."""

    at: datetime
    sku: str
    order_id: int
    order: str
    sold: int
    too_many: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TodaysLag:
    """Seconds from a sale elsewhere to this store's number following it; `never` of `count` did not within a day."""

    median: float | None
    slowest: float | None
    count: int
    never: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRun:
    """What was seen. `lag` is None where nothing was sold elsewhere."""

    oversells: tuple[AvoidedSale, ...]
    lag: TodaysLag | None


@dataclass(frozen=True, slots=True)
class _Sale:
    sku: str
    order_id: int
    order: str
    sold: Sold


def shadow_run(session: Session, store: Connection, now: datetime) -> ShadowRun:
    """What was seen of a store since it was connected. Of the newest sales, where there are very many."""
    own = _sales(session, store, is_own=True, since=store.created_at)
    elsewhere = _sales(session, store, is_own=False, since=store.created_at)
    numbers = _our_numbers(session, store, own, now)
    return ShadowRun(oversells=_oversells(own, numbers), lag=_lag(session, store, own, elsewhere))


def _sales(session: Session, store: Connection, *, is_own: bool, since: datetime) -> list[_Sale]:
    """Units sold in this store, or in the others, of SKUs that this store lists; in the order of time."""
    listed = select(Listing.sku).where(Listing.connection_id == store.id, Listing.match == Match.LINKED)
    rows = session.exec(
        select(SalesLog, Order.name, Order.external_id)
        .join(Order, col(Order.id) == col(SalesLog.order_id))
        .where(
            SalesLog.merchant_id == store.merchant_id,
            (SalesLog.connection_id == store.id) if is_own else (SalesLog.connection_id != store.id),
            SalesLog.kind == SaleKind.SALE,
            col(SalesLog.occurred_at) >= since,
            col(SalesLog.sku).in_(listed),
            col(Order.is_test).is_(False),
        )
        .order_by(col(SalesLog.occurred_at).desc(), col(SalesLog.id).desc())
        .limit(MOST_SALES)
    ).all()
    return [
        _Sale(row.sku or "", row.order_id, name or external_id, Sold(at=row.occurred_at, units=row.quantity))
        for row, name, external_id in reversed(rows)
    ]


def _by_sku(sales: Sequence[_Sale]) -> dict[str, list[_Sale]]:
    found: dict[str, list[_Sale]] = defaultdict(list)
    for sale in sales:
        found[sale.sku].append(sale)
    return found


# ------------------------------------------------------------------------------------------- oversells


def _our_numbers(session: Session, store: Connection, own: Sequence[_Sale], now: datetime) -> dict[str, list[Number]]:
    """What we would have shown of each SKU sold, and since when, back to just before the first of these sales; folded
    back from what is now, by the rules of today.
    """
    if not own:
        return {}
    skus = sorted({sale.sku for sale in own})
    last = session.exec(select(func.max(Movement.id))).one() or 0
    since = max(store.created_at, own[0].sold.at - REACTION, *_reach(session, last))
    rules = load_rules(session, store.merchant_id, skus)
    pool = session.exec(select(PoolLocation.location_id).where(PoolLocation.connection_id == store.id)).all()
    caches = session.exec(
        select(InventoryCache).where(
            InventoryCache.merchant_id == store.merchant_id,
            col(InventoryCache.location_id).in_(pool),
            col(InventoryCache.sku).in_(skus),
            col(InventoryCache.on_hand).is_not(None),
        )
    ).all()
    left: dict[str, int] = defaultdict(int)
    for cache in caches:
        left[cache.sku] += (cache.on_hand or 0) - cache.open - rules.safety_stock(cache.sku)
    shown = {sku: _shown(sku, rules, store) for sku in left}
    points = {sku: [shown[sku](now, units)] for sku, units in left.items()}
    moves = session.exec(
        select(Movement.sku, Movement.recorded_at, Movement.on_hand_delta - col(Movement.open_delta))
        .where(
            Movement.merchant_id == store.merchant_id,
            col(Movement.location_id).in_(pool),
            col(Movement.sku).in_(list(left)),
            col(Movement.id) > last - MOST_MOVEMENTS,
            col(Movement.recorded_at) > since,
            Movement.on_hand_delta != Movement.open_delta,
        )
        .order_by(col(Movement.id).desc())
    )
    for sku, at, units in moves:
        points[sku].append(shown[sku](at, left[sku]))
        left[sku] -= units
    known = _known_at(session, store, list(left), since)
    for sku, units in left.items():
        if sku in known:
            points[sku].append(shown[sku](since, units))
    return {sku: found[::-1] for sku, found in points.items()}


def _reach(session: Session, last: int) -> Sequence[datetime]:
    """When the oldest movement that is folded back was recorded; none where it is the first of all."""
    query = select(Movement.recorded_at).where(col(Movement.id) > last - MOST_MOVEMENTS).order_by(col(Movement.id))
    return session.exec(query.limit(1)).all() if last > MOST_MOVEMENTS else ()


def _shown(sku: str, rules: Rules, store: Connection) -> Callable[[datetime, int], Number]:
    """Makes the number that we would show of an SKU from what is available."""
    buffer = rules.of(RuleKind.BUFFER, sku, store.id) or 0
    cap = rules.of(RuleKind.CAP, sku, store.id)
    return lambda at, available: Number(at=at, units=publish.desired([available], buffer=buffer, cap=cap) or 0)


def _known_at(session: Session, store: Connection, skus: Sequence[str], moment: datetime) -> set[str]:
    """SKUs of which something was known by then: of the others no number is claimed for that time."""
    first = (
        select(Movement.recorded_at)
        .where(Movement.merchant_id == InventoryCache.merchant_id, Movement.sku == InventoryCache.sku)
        .order_by(col(Movement.id))
        .limit(1)
        .scalar_subquery()
    )
    query = select(InventoryCache.sku).where(
        InventoryCache.merchant_id == store.merchant_id, col(InventoryCache.sku).in_(skus), first <= moment
    )
    return set(session.exec(query))


def _oversells(own: Sequence[_Sale], numbers: dict[str, list[Number]]) -> tuple[AvoidedSale, ...]:
    found = []
    for sku, sales in _by_sku(own).items():
        by_time = {
            each.at: each for each in avoided([sale.sold for sale in sales], numbers.get(sku, []), settle=REACTION)
        }
        found += [
            AvoidedSale(
                at=sale.sold.at,
                sku=sku,
                order_id=sale.order_id,
                order=sale.order,
                sold=sale.sold.units,
                too_many=by_time[sale.sold.at].units,
            )
            for sale in sales
            if sale.sold.at in by_time
        ]
    return tuple(sorted(found, key=lambda each: each.at, reverse=True))


# ------------------------------------------------------------------------------------------- lag


def _lag(session: Session, store: Connection, own: Sequence[_Sale], elsewhere: Sequence[_Sale]) -> TodaysLag | None:
    if not elsewhere:
        return None
    seen, sold = _numbers_seen(session, store, elsewhere[0].sold.at), _by_sku(own)
    told: list[timedelta | None] = []
    for sku, sales in _by_sku(elsewhere).items():
        if sku in seen:
            here = [sale.sold for sale in sold.get(sku, [])]
            told += lags([sale.sold for sale in sales], seen[sku], here, within=FOLLOWS_WITHIN)
    if not told:
        return None
    seconds = sorted(lag.total_seconds() for lag in told if lag is not None)
    return TodaysLag(
        median=median(seconds) if seconds else None,
        slowest=seconds[-1] if seconds else None,
        count=len(told),
        never=len(told) - len(seconds),
    )


def _numbers_seen(session: Session, store: Connection, since: datetime) -> dict[str, list[Number]]:
    """The store's numbers as we saw them change, by SKU: from the last before this moment on."""
    before = select(func.max(FigureSeen.id)).where(col(FigureSeen.at) <= since).group_by(col(FigureSeen.stock_item_id))
    rows = session.exec(
        select(Listing.sku, FigureSeen.at, FigureSeen.quantity)
        .join(Listing, col(Listing.stock_item_id) == col(FigureSeen.stock_item_id))
        .where(Listing.connection_id == store.id, Listing.match == Match.LINKED)
        .where(or_(col(FigureSeen.at) > since, col(FigureSeen.id).in_(before)))
        .order_by(col(FigureSeen.id))
    )
    found: dict[str, list[Number]] = defaultdict(list)
    for sku, at, units in rows:
        found[sku or ""].append(Number(at=at, units=units))
    return found
