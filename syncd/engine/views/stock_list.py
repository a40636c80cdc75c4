"""Stock as a list: pages, tabs, search. One row per SKU and location, with what each store shows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import Select, and_, case, func, or_
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col, select

from schema.tables import (
    Connection,
    ConnectionRole,
    ConnectionState,
    InventoryCache,
    Listing,
    Location,
    Match,
    Rule,
    RuleKind,
    StockItem,
)
from syncd.engine.stock_view import pools_of

Rows = Select[*tuple[Any, ...]]
PLAIN_TABS = ("low", "sold_out", "oversold")
TABS = ("all", *PLAIN_TABS, "differs")
SORTS = ("sku", "least", "last")
DEFAULT_LOW = 0
"""Where no rule says what is low, nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one store shows of an SKU and what it should; None where nobody knows."""

    connection_id: int
    state: str
    desired: int | None
    shows: int | None
    is_held: bool

    @property
    def differs(self) -> bool:
        """Whether customers see another number than they should."""
        return self.desired is not None and self.shows is not None and self.desired != max(0, self.shows)


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRow:
    """One SKU at one location. `stores` holds the store's figure by connection id."""

    sku: str
    title: str
    location_id: int
    location: str
    on_hand: int | None
    open: int
    safety_stock: int
    available: int | None
    low: int | None
    stores: dict[int, Shown]

    @property
    def level(self) -> str:
        """`oversold`, `sold_out`, `low`, or empty."""
        if self.on_hand is None or self.available is None:
            return ""
        if self.on_hand - self.open < 0:
            return "oversold"
        if self.available <= 0:
            return "sold_out"
        return "low" if self.low is not None and self.available <= self.low else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPage:
    """A page of the list. `counts` says how many there are in each tab, before the search for the tab's own."""

    rows: tuple[StockRow, ...]
    counts: dict[str, int]
    total: int
    unmatched: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockQuery:
    """What is looked for. `location_id` None: all locations."""

    text: str = ""
    location_id: int | None = None
    tab: str = "all"
    sort: str = "sku"
    offset: int = 0
    limit: int = 50


def stock_page(session: Session, merchant_id: int, query: StockQuery) -> StockPage:
    """One page of the stock."""
    parts = _Parts.make(session, merchant_id)
    counts = _counts(session, parts, query)
    rows = session.execute(
        parts.base(query)
        .where(parts.tab(query.tab))
        .order_by(*parts.order(query.sort))
        .offset(query.offset)
        .limit(query.limit)
    ).all()
    skus = sorted({row.sku for row in rows})
    titles, shown = _shown(session, merchant_id, skus)
    pools = pools_of(session, merchant_id)
    return StockPage(
        rows=tuple(_row(row, titles, shown, pools) for row in rows),
        counts=counts,
        total=counts[query.tab],
        unmatched=unmatched(session, merchant_id),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The expressions that the list is made of."""

    merchant_id: int
    safety: ColumnElement[int]
    low: ColumnElement[int]
    available: ColumnElement[int | None]
    safety_rule: Any
    low_rule: Any

    @staticmethod
    def make(session: Session, merchant_id: int) -> "_Parts":
        general = dict(
            session.execute(
                select(Rule.kind, Rule.value).where(
                    Rule.merchant_id == merchant_id, col(Rule.sku).is_(None), col(Rule.connection_id).is_(None)
                )
            ).all()
        )
        safety_rule, low_rule = aliased(Rule), aliased(Rule)
        safety = func.coalesce(safety_rule.value, general.get(RuleKind.SAFETY_STOCK, 0))
        low = func.coalesce(low_rule.value, general.get(RuleKind.LOW_STOCK, DEFAULT_LOW))
        return _Parts(
            merchant_id=merchant_id,
            safety=safety,
            low=low,
            available=col(InventoryCache.on_hand) - col(InventoryCache.open) - safety,
            safety_rule=safety_rule,
            low_rule=low_rule,
        )

    def base(self, query: StockQuery) -> Rows:
        """Every row that the search and the location leave."""
        statement: Rows = (
            sqlalchemy.select(
                col(InventoryCache.sku),
                col(InventoryCache.location_id),
                col(Location.name).label("location"),
                col(InventoryCache.on_hand),
                col(InventoryCache.open),
                self.safety.label("safety"),
                self.available.label("available"),
                self.low.label("low"),
            )
            .select_from(InventoryCache)
            .join(Location, col(Location.id) == col(InventoryCache.location_id))
            .outerjoin(self.safety_rule, self._rule(self.safety_rule, RuleKind.SAFETY_STOCK))
            .outerjoin(self.low_rule, self._rule(self.low_rule, RuleKind.LOW_STOCK))
            .where(col(InventoryCache.merchant_id) == self.merchant_id)
        )
        if query.location_id is not None:
            statement = statement.where(col(InventoryCache.location_id) == query.location_id)
        return statement.where(self._contains(query.text)) if query.text else statement

    def _rule(self, rule: Any, kind: RuleKind) -> ColumnElement[bool]:  # noqa: ANN401 - an alias has no type of its own
        return and_(
            rule.merchant_id == self.merchant_id,
            rule.kind == kind,
            rule.connection_id.is_(None),
            rule.sku == InventoryCache.sku,
        )

    def _contains(self, text: str) -> ColumnElement[bool]:
        by_name = select(Listing.sku).where(
            Listing.merchant_id == self.merchant_id,
            col(Listing.sku).is_not(None),
            func.lower(Listing.title).contains(text.lower(), autoescape=True),
        )
        return or_(
            func.lower(InventoryCache.sku).contains(text.lower(), autoescape=True),
            col(InventoryCache.sku).in_(by_name),
        )

    def tab(self, name: str) -> ColumnElement[bool]:
        """Whether a row is in a tab."""
        on_hand, opened = col(InventoryCache.on_hand), col(InventoryCache.open)
        oversold = and_(on_hand.is_not(None), on_hand - opened < 0)
        match name:
            case "low":
                return and_(self.available > 0, self.available <= self.low)
            case "sold_out":
                return and_(self.available <= 0, on_hand - opened >= 0)
            case "oversold":
                return oversold
            case "differs":
                return col(InventoryCache.sku).in_(_differing(self.merchant_id))
            case _:
                return sqlalchemy.true()

    def order(self, sort: str) -> tuple[Any, ...]:
        """By what the list is ordered."""
        sku = (col(InventoryCache.sku), col(InventoryCache.location_id))
        if sort == "least":
            return (case((self.available.is_(None), 1), else_=0), self.available, *sku)
        return (col(InventoryCache.updated_at).desc(), *sku) if sort == "last" else sku


def _differing(merchant_id: int) -> Any:  # noqa: ANN401 - a selection of one column
    """SKUs of which a live store shows another number than it should; each half has an index of its own."""
    sku = (
        sqlalchemy.select(col(Listing.sku))
        .select_from(StockItem)
        .join(Connection, col(Connection.id) == col(StockItem.connection_id))
        .join(Listing, col(Listing.stock_item_id) == col(StockItem.id))
        .where(
            col(Connection.merchant_id) == merchant_id,
            col(Connection.role) == ConnectionRole.STORE,
            col(Connection.state).in_((ConnectionState.LIVE, ConnectionState.PAUSED, ConnectionState.NEEDS_AUTH)),
            col(StockItem.desired).is_not(None),
            col(Listing.match) == Match.LINKED,
            col(Listing.gone_at).is_(None),
        )
    )
    return sku.where(col(StockItem.desired) != col(StockItem.observed)).union(sku.where(col(StockItem.held) != 0))


def _counts(session: Session, parts: _Parts, query: StockQuery) -> dict[str, int]:
    """How many rows each tab has: in one pass, but for those that differ, which are found from the stores' side."""
    sums = [func.coalesce(func.sum(case((parts.tab(name), 1), else_=0)), 0).label(name) for name in PLAIN_TABS]
    base = parts.base(query)
    row = session.execute(base.with_only_columns(func.count().label("all"), *sums)).one()
    counts = {name: int(value) for name, value in zip(("all", *PLAIN_TABS), row, strict=True)}
    differs = base.with_only_columns(func.count()).where(parts.tab("differs"))
    return {**counts, "differs": int(session.execute(differs).scalar_one())}


def unmatched(session: Session, merchant_id: int) -> int:
    """Products in stores that belong to no SKU yet and that nobody has set aside."""
    return session.exec(
        select(func.count())
        .select_from(Listing)
        .join(Connection, col(Connection.id) == col(Listing.connection_id))
        .where(
            Listing.merchant_id == merchant_id,
            col(Listing.sku).is_(None),
            col(Listing.match).in_((Match.UNMATCHED, Match.DUPLICATE, Match.NO_SKU)),
            col(Listing.gone_at).is_(None),
            Connection.role == ConnectionRole.STORE,
            Connection.state != ConnectionState.DISCONNECTED,
        )
    ).one()


def _shown(
    session: Session, merchant_id: int, skus: Sequence[str]
) -> tuple[dict[str, str], dict[str, dict[int, Shown]]]:
    """Names, and what each store shows, of some SKUs."""
    rows = session.execute(
        sqlalchemy.select(
            col(Listing.sku),
            col(Listing.title),
            col(Connection.role),
            col(Connection.id),
            col(Connection.state),
            col(StockItem.desired),
            col(StockItem.observed),
            col(StockItem.held),
            col(StockItem.is_kept),
        )
        .join(Connection, col(Connection.id) == col(Listing.connection_id))
        .join(StockItem, col(StockItem.id) == col(Listing.stock_item_id))
        .where(
            col(Listing.merchant_id) == merchant_id,
            col(Listing.sku).in_(skus),
            col(Listing.gone_at).is_(None),
            col(Connection.state) != ConnectionState.DISCONNECTED,
        )
        .order_by(col(Connection.id), col(Listing.id))
    ).all()
    titles: dict[str, str] = {}
    shown: dict[str, dict[int, Shown]] = defaultdict(dict)
    for sku, title, role, connection_id, state, desired, observed, held, is_kept in rows:
        if title:
            titles.setdefault(sku, title)
        if role is ConnectionRole.STORE:
            figure = Shown(
                connection_id=connection_id,
                state=state.value,
                desired=desired,
                shows=None if observed is None else observed + held,
                is_held=bool(held) or is_kept,
            )
            shown[sku].setdefault(connection_id, figure)
    nameless = [sku for sku in skus if sku not in titles]
    return {**titles, **_told_titles(session, merchant_id, nameless)}, shown


def _told_titles(session: Session, merchant_id: int, skus: Sequence[str]) -> dict[str, str]:
    """What SKUs that nothing is linked to are called where somebody says them."""
    if not skus:
        return {}
    mine = select(Connection.id).where(
        Connection.merchant_id == merchant_id, Connection.state != ConnectionState.DISCONNECTED
    )
    rows = session.exec(
        select(Listing.external_sku, Listing.title).where(
            col(Listing.connection_id).in_(mine),
            col(Listing.external_sku).in_(skus),
            Listing.title != "",
            col(Listing.gone_at).is_(None),
        )
    )
    return {sku: title for sku, title in rows if sku}


def _row(
    row: Any,  # noqa: ANN401 - a row of the selection above
    titles: dict[str, str],
    shown: dict[str, dict[int, Shown]],
    pools: dict[int, set[int]],
) -> StockRow:
    stores = {
        connection_id: figure
        for connection_id, figure in shown.get(row.sku, {}).items()
        if row.location_id in pools[connection_id]
    }
    return StockRow(
        sku=row.sku,
        title=titles.get(row.sku, ""),
        location_id=row.location_id,
        location=row.location,
        on_hand=row.on_hand,
        open=row.open,
        safety_stock=row.safety,
        available=row.available,
        low=row.low,
        stores=stores,
    )


def locations(session: Session, merchant_id: int) -> Sequence[Location]:
    """The locations that there are, the default one first."""
    return session.exec(
        select(Location)
        .where(Location.merchant_id == merchant_id, col(Location.is_active).is_(True))
        .order_by(col(Location.is_default).desc(), col(Location.id))
    ).all()
