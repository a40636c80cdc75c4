"""The platforms' own books, and what every number should be by them: nothing here asks the engine how it counts."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from connectors.sdk.fake import FakeShop
from connectors.sdk.values import OrderLine, OrderSnapshot
from tests.simulation.system.world import LATE_SKU, World


class Wrong(Exception):
    """Something that must never be."""


@dataclass
class Truth:
    """What lies on the shelves but for what the stores have sold, and what people did that we cannot see.

    `left`: for a store that is disconnected, its orders that we surely had heard to be due, and all that were.
    """

    world: World
    shelf: dict[tuple[str, str], int] = field(default_factory=dict)
    changed_at: dict[str, datetime] = field(default_factory=dict)
    handed: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    rung: dict[tuple[str, str, str], int] = field(default_factory=dict)
    left_out: set[tuple[str, str]] = field(default_factory=set)
    ours: set[tuple[str, str]] = field(default_factory=set)
    left: dict[str, tuple[set[str], set[str]]] = field(default_factory=dict)
    gone: set[tuple[str, str]] = field(default_factory=set)
    is_stale: bool = False

    def __post_init__(self) -> None:
        for item in self.world.office.items.values():
            for place in self.world.places:
                self.shelf[item.sku, place] = self.world.office.stock(item.sku, place)

    # ------------------------------------------------------------------------------------------ orders

    def orders(self, name: str) -> Iterator[OrderSnapshot]:
        for order in self.world.shops[name].orders.values():
            yield order.now

    def live_at(self, name: str) -> datetime | None:
        text = self.world.query("SELECT live_at FROM connection WHERE id = ?", self.world.ids[name])[0][0]
        return self.world.time_of(text)

    def is_baseline(self, name: str, order: OrderSnapshot) -> bool:
        """Settled before its store went live."""
        if (name, order.order_id) in self.ours:
            return False
        live_at = self.live_at(name)
        if live_at is None:
            return False
        met_at = order.created_at
        if self.world.setting.shops[name].record == "paid":
            met_at = order.paid_at if order.is_paid else None
        return met_at is not None and met_at < live_at.replace(microsecond=0)

    def counts(self, name: str, order: OrderSnapshot) -> bool:
        """Whether the back office is to hear of it, sooner or later."""
        if order.is_test:
            return False
        is_ours = (name, order.order_id) in self.ours
        return is_ours or (self.live_at(name) is not None and not self.is_baseline(name, order))

    def is_due(self, name: str, order: OrderSnapshot) -> bool:
        return order.is_paid or self.world.setting.shops[name].record == "placed"

    def due_orders(self, name: str) -> set[str]:
        """Orders that the back office has heard of, or is about to."""
        return {order.order_id for order in self.orders(name) if self.counts(name, order) and self.is_due(name, order)}

    def keep_what_was_ours(self, name: str) -> None:
        """What was due when a store was left stays ours, as far as we had heard of it: only we can say how far that was.

        Raises Wrong where we claim what was not due then, or forget what we cannot but have heard.
        """
        heard, due = self.left.pop(name)
        rows = self.world.query(
            "SELECT external_id FROM order_header WHERE connection_id = ? AND is_wanted", self.world.ids[name]
        )
        claimed = {order_id for (order_id,) in rows}
        if not heard <= claimed <= due:
            raise Wrong(f"{name} was left when {heard or due} were due, and now {claimed} are said to have been")
        self.ours |= {(name, order_id) for order_id in claimed}

    def stock_lines(self, name: str, order: OrderSnapshot) -> Iterator[tuple[OrderLine, int]]:
        """Lines that take units off a shelf, with the units that the store holds for them now."""
        for line in order.lines:
            if line.sku is None or self.is_without_stock(name, order, line):
                continue
            yield line, taken(order, line)

    def is_without_stock(self, name: str, order: OrderSnapshot, line: OrderLine) -> bool:
        """Sold while its store did not track it: by our own word, for only we know when we heard of it."""
        if line.sku != "PLATE" or name != "a":
            return False
        rows = self.world.query(
            "SELECT l.moves_nothing FROM order_line l JOIN order_header o ON o.id = l.order_id "
            "WHERE o.connection_id = ? AND o.external_id = ? AND l.external_id = ?",
            self.world.ids[name],
            order.order_id,
            line.line_id,
        )
        return bool(rows and rows[0][0])

    # ------------------------------------------------------------------------------------------ what should be

    def sold(self, sku: str, place: str) -> tuple[int, int]:
        """(units that the back office should have recorded, units that are open) of one SKU at one location."""
        recorded = opened = 0
        for name in self.world.shops:
            if self.world.setting.shops[name].pool[0] != place:
                continue
            for order in self.orders(name):
                if not self.counts(name, order) or (name, order.order_id) in self.left_out:
                    continue
                for line, units in self.stock_lines(name, order):
                    if line.sku != sku:
                        continue
                    if self.is_due(name, order):
                        recorded += self._held(name, order, units)
                    else:
                        opened += units
        return recorded, opened

    def _held(self, name: str, order: OrderSnapshot, units: int) -> int:
        """Units that the back office holds as sold: a cashier may have taken some back before the store did."""
        handed = self.handed.get((name, order.order_id), 0)
        if not handed:
            return units
        sold = sum(quantity for _, quantity, _ in self.booked_lines(name, order.order_id))
        return min(units, sold - handed)

    def booked_lines(self, name: str, order_id: str) -> Iterator[tuple[str, int, int]]:
        """SKU, units sold and units returned of what is recorded of an order."""
        if self.world.setting.has_own_ledger:
            yield from self.world.office.documents(self.world.ids[name], order_id)
            return
        office = self.world.office
        for booked in office.booked.values():
            invoice = booked.record.invoice_no
            if invoice == f"{name}/{order_id}" or invoice.startswith(f"{name}/{order_id}-"):
                for line in booked.record.lines:
                    yield office.items[line.external_id].sku, line.quantity, line.returned

    def on_hand(self, sku: str, place: str) -> int:
        recorded, _ = self.sold(sku, place)
        return self.shelf[sku, place] - recorded

    def available(self, sku: str, place: str) -> int:
        recorded, opened = self.sold(sku, place)
        return self.shelf[sku, place] - recorded - opened

    def is_known(self, sku: str) -> bool:
        return any(known == sku for known, _ in self.shelf)

    def desired(self, name: str, sku: str) -> int | None:
        """What one listing should show, by the rules; None where nothing is published."""
        shop, rules = self.world.shops[name], self.world.setting.rules
        item = next((item for item in shop.items.values() if item.sku == sku), None)
        if item is None or not item.tracked or not self.is_known(sku):
            return None
        places = self.world.setting.shops[name].pool
        total = sum(self.available(sku, place) - rules.get("safety_stock", 0) for place in places)
        wanted = max(0, total - rules.get("buffer", 0))
        return min(wanted, rules["cap"]) if "cap" in rules else wanted

    def should_show(self, name: str, stock_id: str) -> int | None:
        """What one figure should show: the least of its listings'."""
        skus = {item.sku for item in self.world.shops[name].items.values() if item.ref.stock_id == stock_id}
        figures = [figure for sku in skus if sku and (figure := self.desired(name, sku)) is not None]
        return min(figures) if figures else None

    # ------------------------------------------------------------------------------------------ what people do

    def move(self, sku: str, place: str, units: int) -> None:
        """Units come or go without a store: at the till, with a lorry."""
        self.shelf[sku, place] += units
        self.world.office.move(self.world.office.item(sku).external_id, place, units)
        self.changed_at[sku] = self.world.now()

    def ring_up(self, name: str) -> None:
        """What was settled before a store went live, and what changes of it, is the merchant's own to book."""
        place = self.world.setting.shops[name].pool[0]
        for order in self.orders(name):
            if order.is_test or not self.is_baseline(name, order):
                continue
            for line, units in self.stock_lines(name, order):
                key = (name, order.order_id, line.line_id)
                more = units - self.rung.get(key, 0)
                self.rung[key] = units
                if more and line.sku != LATE_SKU and self.is_known(line.sku):
                    self.move(line.sku, place, -more)


def taken(order: OrderSnapshot, line: OrderLine) -> int:
    """Units that a store has taken from its own stock for a line and not put back."""
    if line.taken is not None:
        return line.taken
    back = (part for refund in order.refunds for part in refund.lines if part.line_id == line.line_id)
    return line.quantity - sum(part.quantity for part in back if part.restocked)


def taken_from(shop: FakeShop, stock_id: str) -> int:
    """Units that a store's orders hold of one figure."""
    total = 0
    for order in shop.orders.values():
        for line in order.now.lines:
            item = shop.items.get(line.external_id or "")
            if item is not None and item.ref.stock_id == stock_id:
                total += taken(order.now, line)
    return total
