"""What must hold after every step, and what must be right at quiet."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from syncd.engine import status
from tests.simulation.system.truth import Truth, Wrong, taken, taken_from
from tests.simulation.system.world import LATE_SKU, World

FOLD = """
SELECT c.sku, c.location_id, c.on_hand, c.open, m.on_hand, m.open FROM inventory_cache c LEFT JOIN
  (SELECT location_id, sku, sum(on_hand_delta) AS on_hand, sum(open_delta) AS open FROM movement GROUP BY 1, 2) m
  ON m.location_id = c.location_id AND m.sku = c.sku
WHERE c.open <> coalesce(m.open, 0) OR coalesce(c.on_hand, 0) <> coalesce(m.on_hand, 0)
"""
FIGURES = """
SELECT s.connection_id, s.external_id, s.observed + s.held, s.unknown_until, s.desired,
  (SELECT coalesce(sum(l.taken), 0) FROM order_line l JOIN listing g ON g.id = l.listing_id
   WHERE g.stock_item_id = s.id AND l.moves_nothing = ''),
  (SELECT count(*) FROM push p WHERE p.stock_item_id = s.id AND p.state IN ('intent', 'unknown')),
  (SELECT count(*) FROM push p WHERE p.stock_item_id = s.id AND p.state = 'acknowledged' AND NOT p.is_undo
   AND p.target - p.expected <> p.difference)
FROM stock_item s JOIN connection c ON c.id = s.connection_id WHERE c.role = 'store' AND c.state = 'live'
"""
CACHES = """
SELECT c.sku, p.external_id, c.on_hand - c.open, c.read_began_at, c.read_answered_at,
  (SELECT coalesce(sum(l.taken), 0) FROM order_line l JOIN order_header o ON o.id = l.order_id
   WHERE l.sku = c.sku AND l.location_id = c.location_id AND l.is_counted AND NOT o.left_out)
FROM inventory_cache c JOIN location p ON p.id = c.location_id WHERE c.on_hand IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a store. `is_uncertain`: we do not know ourselves what it shows."""

    shop: str
    stock_id: str
    shown: int
    believed: int
    unheard: int
    is_uncertain: bool


@dataclass
class Watch:
    """Looks at our database after every step, and remembers what it must compare with later."""

    world: World
    truth: Truth
    blurred: set[tuple[str, str]] = field(default_factory=set)
    bases: dict[tuple[str, str], list[tuple[str, int]]] = field(default_factory=dict)
    writes: list[tuple[str, str, int, int]] = field(default_factory=list)
    windows: int = 0
    _version: int = -1
    _booked: int = 0

    def blur(self, name: str, stock_id: str) -> None:
        """From here on the belief about this figure may differ from the store by more than what we have not heard."""
        self.blurred.add((name, stock_id))

    def blur_shop(self, name: str) -> None:
        for item in self.world.shops[name].items.values():
            self.blur(name, item.ref.stock_id)

    def after_step(self) -> None:
        """Raises Wrong."""
        self.note_bases()
        (version,) = self.world.query("PRAGMA data_version")[0]
        if version == self._version:
            return
        self._version = version
        query = self.world.query
        if rows := query(FOLD):
            raise Wrong(f"the cache is not the fold of the ledger: {rows[0]}")
        if rows := query("SELECT id, topic FROM delivery WHERE attempts > 0 OR state = 'dead'"):
            raise Wrong(f"a delivery could not be taken in: {rows[0]}")
        self._no_doubles()
        self._beliefs()
        self._availability()

    def note_bases(self) -> None:
        """What lies on each shelf without what the stores took, as it is at this moment."""
        now = self.world.now().replace(tzinfo=None).isoformat(" ", "microseconds")
        for key, units in self.truth.shelf.items():
            kept = self.bases.setdefault(key, [])
            if not kept or kept[-1][1] != units:
                kept.append((now, units))

    def _no_doubles(self) -> None:
        booked = self.world.office.booked
        if len(booked) == self._booked:
            return
        self._booked = len(booked)
        invoices = Counter(one.record.invoice_no for one in booked.values())
        if twice := [invoice for invoice, count in invoices.items() if count > 1]:
            raise Wrong(f"recorded twice in the back office: {twice}")

    def _beliefs(self) -> None:
        """What the store shows and what we believe differ by exactly what we have not heard of."""
        self.note_looks(set())
        for figure in self._figures():
            if figure.is_uncertain:
                self.blur(figure.shop, figure.stock_id)
            elif figure.shown + figure.unheard != figure.believed:
                raise Wrong(
                    f"{figure.shop} shows {figure.shown} on {figure.stock_id}, we have not heard of {figure.unheard} "
                    f"sold, and believe it shows {figure.believed}"
                )

    def note_looks(self, there_and_back: set[tuple[str, str]]) -> None:
        """A look may take over what came back before we hear why, and what was sold and put back between its two
        readings; to be asked as soon as it is closed.
        """
        for figure in self._figures():
            key = figure.shop, figure.stock_id
            is_past_us = figure.unheard < 0 or (figure.unheard > 0 and key in there_and_back)
            if not figure.is_uncertain and is_past_us and figure.shown == figure.believed:
                self.blur(*key)

    def _figures(self) -> Iterator["Figure"]:
        """Those of live stores that something is believed of, and that are not blurred."""
        names = {connection_id: name for name, connection_id in self.world.ids.items()}
        for connection_id, stock_id, believed, unknown, _, heard, in_flight, ended_at_zero in self.world.query(FIGURES):
            name = names[connection_id]
            shop = self.world.shops[name]
            is_uncertain = unknown is not None or bool(in_flight) or bool(ended_at_zero)
            is_known = believed is not None and stock_id in shop.figures
            if (name, stock_id) in self.blurred or self.world.setting.shops[name].order_lag:
                continue
            if not is_known and not is_uncertain:
                continue
            unheard = taken_from(shop, stock_id) - heard
            yield Figure(name, stock_id, shop.figures.get(stock_id, 0), believed or 0, unheard, is_uncertain)

    def _availability(self) -> None:
        """Never more available than was on the shelf when it was last read, less all that we know to be sold."""
        if self.truth.is_stale:
            return
        for sku, place, available, began, answered, sold in self.world.query(CACHES):
            kept = self.bases.get((sku, place), [])
            possible = [
                units
                for (since, units), (until, _) in zip(kept, [*kept[1:], ("9", 0)], strict=True)
                if since <= (answered or "9") and until >= (began or "0")
            ]
            handed = sum(self.truth.handed.values())
            if possible and available > max(possible) - sold + handed:
                raise Wrong(f"{sku} at {place}: available {available}, but {max(possible)} less {sold} sold were there")


# ------------------------------------------------------------------------------------------- at quiet


def at_quiet(world: World, truth: Truth) -> list[str]:
    """What is wrong when nothing more is to be done."""
    return [
        *_shelves(world, truth),
        *_stores(world, truth),
        *_documents(world, truth),
        *_sales_log(world, truth),
        *_nothing_owed(world),
        *_issues(world, truth),
    ]


def _shelves(world: World, truth: Truth) -> list[str]:
    wrong = []
    cached = {
        (sku, place): (on_hand, opened)
        for sku, place, on_hand, opened in world.query(
            "SELECT c.sku, p.external_id, c.on_hand, c.open FROM inventory_cache c JOIN location p ON p.id = c.location_id"
        )
    }
    for sku, place in truth.shelf:
        recorded, opened = truth.sold(sku, place)
        on_hand = truth.shelf[sku, place] - recorded
        if world.office.stock(sku, place) != on_hand:
            wrong.append(
                f"the back office has {world.office.stock(sku, place)} {sku} at {place}, should have {on_hand}"
            )
        if _is_sold_somewhere(world, sku) and cached.get((sku, place)) != (on_hand, opened):
            wrong.append(
                f"our books say {cached.get((sku, place))} for {sku} at {place}, should be {(on_hand, opened)}"
            )
    return wrong


def _is_sold_somewhere(world: World, sku: str) -> bool:
    return any(item.sku == sku for shop in world.shops.values() for item in shop.items.values())


def _stores(world: World, truth: Truth) -> list[str]:
    wrong = []
    for name, shop in world.shops.items():
        if world.state(name) != "live":
            continue
        for stock_id, figure in shop.figures.items():
            should = truth.should_show(name, stock_id)
            if should is not None and max(0, figure) != should:
                skus = sorted({item.sku for item in shop.items.values() if item.ref.stock_id == stock_id})
                row = world.query(
                    "SELECT desired, observed, held, look_at, suspect, late, fence, unknown_until FROM stock_item "
                    "WHERE connection_id = ? AND external_id = ?",
                    world.ids[name],
                    stock_id,
                )
                wrong.append(f"{name} shows {figure} of {'/'.join(skus)}, should show {should} (we think {row})")
    return wrong


def _documents(world: World, truth: Truth) -> list[str]:
    wrong = []
    for name in world.shops:
        for order in truth.orders(name):
            held = Counter()
            for sku, quantity, returned in truth.booked_lines(name, order.order_id):
                held[sku] += quantity - returned
            should = Counter()
            counts = truth.counts(name, order) and truth.is_due(name, order)
            if counts and (name, order.order_id) not in truth.left_out:
                for line, units in truth.stock_lines(name, order):
                    if truth.is_known(line.sku):
                        should[line.sku] += truth._held(name, order, units)
            if +held != +should:
                wrong.append(
                    f"the back office holds {dict(held)} of order {order.order_id} of {name}, not {dict(should)}"
                )
    return wrong


def _sales_log(world: World, truth: Truth) -> list[str]:
    wrong = []
    logged = Counter()
    for connection_id, order_id, line, kind, quantity, reason in world.query(
        "SELECT connection_id, order_external_id, line, kind, quantity, reason FROM sales_log"
    ):
        if not reason:
            logged[connection_id, order_id, line] += quantity if kind == "sale" else -quantity
    for name, shop in world.shops.items():
        if world.state(name) == "shadow":
            continue
        for order in truth.orders(name):
            for line, units in truth.stock_lines(name, order):
                found = logged[world.ids[name], order.order_id, line.line_id]
                if found != units and line.external_id in shop.items:
                    wrong.append(f"the sales log has {found} of line {line.line_id} of {name}, should have {units}")
    return wrong


def _nothing_owed(world: World) -> list[str]:
    with world.database.reading() as session:
        told = status.status(session, world.merchant_id, world.now())
    left = {
        what: count
        for what, count in (
            ("deliveries", told.deliveries_unapplied),
            ("pushes", told.pushes_owed),
            ("looks", told.looks_due),
            ("back office", told.backoffice_owed),
            ("runs", told.runs_waiting),
            ("open pushes", world.query("SELECT count(*) FROM push WHERE state = 'intent'")[0][0]),
            ("open sales", world.query("SELECT count(*) FROM sale_document WHERE state <> 'recorded'")[0][0]),
            ("open returns", world.query("SELECT count(*) FROM return_document WHERE state <> 'recorded'")[0][0]),
        )
        if count
    }
    return [f"still owed: {left}"] if left else []


def _issues(world: World, truth: Truth) -> list[str]:
    """Every issue has a true cause, every cause that needs a person has an issue."""
    names = {connection_id: name for name, connection_id in world.ids.items()}
    places = {row: place for place, row in world.places.items()}
    found = set()
    for kind, key, connection_id, sku, order_id in world.query(
        "SELECT i.kind, i.key, i.connection_id, i.sku, o.external_id FROM issue i "
        "LEFT JOIN order_header o ON o.id = i.order_id WHERE i.state = 'open'"
    ):
        match kind:
            case "never_paid" | "baseline_changed":
                found.add((kind, names[connection_id], order_id))
            case "oversell":
                found.add((kind, places[int(key.split(":")[1])], sku))
            case _:
                found.add((kind, names.get(connection_id, ""), sku or ""))
    must, may = _causes(world, truth)
    return [f"no issue tells of {cause}" for cause in sorted(must - found)] + [
        f"the issue {issue} has no cause" for issue in sorted(found - must - may)
    ]


def _causes(  # noqa: PLR0912 - a list of cases
    world: World, truth: Truth
) -> tuple[set[tuple[str, str, str]], set[tuple[str, str, str]]]:
    must, may = set(), set()
    for name in world.shops:
        if truth.live_at(name) is None:
            continue
        for order in truth.orders(name):
            key = (name, order.order_id)
            kept = sum(units for line, units in truth.stock_lines(name, order) if truth.is_known(line.sku))
            is_paid_policy = world.setting.shops[name].record == "paid"
            if truth.counts(name, order) and key not in truth.left_out:
                if is_paid_policy and order.is_final and not order.is_paid and kept:
                    must.add(("never_paid", *key))
                for line, units in truth.stock_lines(name, order):
                    if line.sku == LATE_SKU and not truth.is_known(LATE_SKU):
                        (must if units else may).add(("unknown_sku", name, LATE_SKU))
            elif truth.is_baseline(name, order) and not order.is_test:
                if any(taken(order, line) < line.quantity for line in order.lines):
                    may.add(("baseline_changed", *key))
                if any(line.sku == LATE_SKU for line in order.lines):
                    may.add(("unknown_sku", name, LATE_SKU))
            else:
                may.add(("unknown_sku", name, LATE_SKU))
        must |= {("listing_gone", name, sku) for shop_name, sku in truth.gone if shop_name == name}
    for sku, place in truth.shelf:
        if truth.available(sku, place) < 0:
            (must if _is_sold_somewhere(world, sku) else may).add(("oversell", place, sku))
    return must, may
