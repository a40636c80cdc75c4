"""What was seen of a store in shadow: sales of units that were gone elsewhere, and how late its numbers are today.

The arithmetic is `syncd/domain/shadow.py`; here is what the ledger, the sales log and the store have told.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlmodel import Session, col, select

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
MOST_SALES = 2000
MOST_SKUS = 500


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
    skus = sorted({sale.sku for sale in (*own, *elsewhere)})[:MOST_SKUS]
    rules = load_rules(session, store.merchant_id, skus)
    numbers = _our_numbers(session, store, sorted({sale.sku for sale in own}), rules, now)
    return ShadowRun(oversells=_oversells(own, numbers), lag=_lag(session, store, own, elsewhere))


def _sales(session: Session, store: Connection, *, is_own: bool, since: datetime) -> list[_Sale]:
    """Units sold in this store, or in the others, of SKUs that this store lists; in the order of time."""
    listed = select(Listing.sku).where(Listing.connection_id == store.id, Listing.match == Match.LINKED)
    rows = session.exec(
        select(SalesLog, Order)
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
        _Sale(
            row.sku or "", row.order_id, order.name or order.external_id, Sold(at=row.occurred_at, units=row.quantity)
        )
        for row, order in reversed(rows)
    ]


def _by_sku(sales: Sequence[_Sale]) -> dict[str, list[_Sale]]:
    found: dict[str, list[_Sale]] = defaultdict(list)
    for sale in sales:
        found[sale.sku].append(sale)
    return found


# ------------------------------------------------------------------------------------------- oversells


def _our_numbers(
    session: Session, store: Connection, skus: Sequence[str], rules: Rules, now: datetime
) -> dict[str, list[Number]]:
    """What we would have shown of each SKU and since when, folded back from what is now by the rules of today."""
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
    points: dict[str, list[Number]] = {sku: [_shown(now, sku, units, rules, store)] for sku, units in left.items()}
    moves = session.exec(
        select(Movement.sku, Movement.recorded_at, Movement.on_hand_delta, Movement.open_delta)
        .where(
            Movement.merchant_id == store.merchant_id,
            col(Movement.location_id).in_(pool),
            col(Movement.sku).in_(list(left)),
            col(Movement.recorded_at) >= store.created_at,
        )
        .order_by(col(Movement.id).desc())
    )
    for sku, at, on_hand, opened in moves:
        points[sku].append(_shown(at, sku, left[sku], rules, store))
        left[sku] -= on_hand - opened
    unknown = _unknown_before(session, store, list(left))
    for sku, units in left.items():
        if sku not in unknown:
            points[sku].append(_shown(store.created_at, sku, units, rules, store))
    return {sku: found[::-1] for sku, found in points.items()}


def _shown(at: datetime, sku: str, available: int, rules: Rules, store: Connection) -> Number:
    buffer = rules.of(RuleKind.BUFFER, sku, store.id) or 0
    shown = publish.desired([available], buffer=buffer, cap=rules.of(RuleKind.CAP, sku, store.id))
    return Number(at=at, units=shown or 0)


def _unknown_before(session: Session, store: Connection, skus: Sequence[str]) -> set[str]:
    """SKUs of which nothing was known before the store was connected: no number is claimed for that time."""
    known = session.exec(
        select(Movement.sku)
        .where(
            Movement.merchant_id == store.merchant_id,
            col(Movement.sku).in_(skus),
            col(Movement.recorded_at) < store.created_at,
        )
        .distinct()
    ).all()
    return set(skus) - set(known)


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
    seen, sold = _numbers_seen(session, store), _by_sku(own)
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


def _numbers_seen(session: Session, store: Connection) -> dict[str, list[Number]]:
    """The store's numbers as we saw them change, by SKU."""
    rows = session.exec(
        select(FigureSeen, Listing.sku)
        .join(Listing, col(Listing.stock_item_id) == col(FigureSeen.stock_item_id))
        .where(Listing.connection_id == store.id, Listing.match == Match.LINKED)
        .order_by(col(FigureSeen.id))
    )
    found: dict[str, list[Number]] = defaultdict(list)
    for row, sku in rows:
        found[sku or ""].append(Number(at=row.at, units=row.quantity))
    return found
