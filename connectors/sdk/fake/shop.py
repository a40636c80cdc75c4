"""The fake store's own world: shelves, orders, staff and customers, and the webhooks that it sends of them."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from connectors.sdk.contract import Clock
from connectors.sdk.fake.faults import Faults, Wire
from connectors.sdk.fake.messages import moves_nothing, order_message, refund_message
from connectors.sdk.fake.post import Delivery, Post
from connectors.sdk.values import CatalogueItem, NewItem, OrderLine, OrderSnapshot, Refund, RefundLine, StockRef


class SoldOut(Exception):
    """The store shows too few: its checkout refuses the order."""


@dataclass(slots=True)
class _Order:
    """An order and everything that it was before: when the store changed it, exactly, and what it said then."""

    history: list[tuple[datetime, OrderSnapshot]]
    is_closed: bool = False

    @property
    def now(self) -> OrderSnapshot:
        return self.history[-1][1]


def _nobody_listens(stock_id: str, before: int, after: int) -> None:
    """Nobody wants to know what the connector writes."""


@dataclass(slots=True, kw_only=True)
class FakeShop:
    """One store. `compares`: it refuses a write whose expected value is stale; else it is written blindly.

    `declares_taken`: its orders tell per line what was taken from the stock, and no refund lines do; else the refund
    lines count. By default the one that cannot compare declares. `skew` is how far its clock is ahead of ours.
    `allows_overselling` lets customers buy below zero. `on_written` is told of each figure that the connector sets:
    its stock id, what it was and what it is.
    `drafts` are ids of products that no customer sees, `unwanted` SKUs that it refuses to make, with its words,
    and `unwritable` stock ids whose figure it refuses to set, with its words.
    """

    clock: Clock
    account_id: str = "fake-shop.example"
    name: str = "Fake Shop"
    currency: str = "KES"
    webhook_secret: str = "whsec_ZmFrZS1zaG9wLXNlY3JldC1mb3ItdGVzdHM="  # noqa: S105 - a throw-away of tests
    compares: bool = True
    declares_taken: bool | None = None
    allows_overselling: bool = False
    skew: timedelta = timedelta(0)
    wire: Wire = field(init=False)
    items: dict[str, CatalogueItem] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    orders: dict[str, _Order] = field(default_factory=dict)
    drafts: set[str] = field(default_factory=set)
    unwanted: dict[str, str] = field(default_factory=dict)
    unwritable: dict[str, str] = field(default_factory=dict)
    on_written: Callable[[str, int, int], None] = _nobody_listens
    post: Post = field(init=False)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _late: list[Callable[[], None]] = field(default_factory=list)
    _last_id: int = 1000

    def __post_init__(self) -> None:
        self.wire = Wire(clock=self.clock)
        self.post = Post(account_id=self.account_id, secret=self.webhook_secret)
        if self.declares_taken is None:
            self.declares_taken = not self.compares

    @property
    def faults(self) -> Faults:
        """What goes wrong on the way to it."""
        return self.wire.faults

    @property
    def late(self) -> list[Callable[[], None]]:
        """Writes that were sent and have not happened yet."""
        return self._late

    def now(self) -> datetime:
        """The store's time, exactly."""
        return self.clock.now() + self.skew

    def date(self) -> datetime:
        """The store's time as its Date header and its orders tell it: in whole seconds."""
        return self.now().replace(microsecond=0)

    def land(self) -> None:
        """The writes that were late happen now."""
        while self._late:
            self._late.pop(0)()

    # ------------------------------------------------------------------------------------------ staff and goods

    def add_item(
        self,
        sku: str | None,
        quantity: int = 0,
        *,
        tracked: bool = True,
        stock_id: str | None = None,
        price: Decimal = Decimal("10.00"),
    ) -> str:
        """A new sellable unit; `stock_id` names an existing figure that it shares. Gives its external id."""
        with self.lock:
            external_id = self._next_id()
            ref = StockRef(stock_id=stock_id or f"s{external_id}", parent_id=f"p{external_id}")
            self.items[external_id] = CatalogueItem(
                external_id=external_id, ref=ref, sku=sku, title=f"Item {sku}", tracked=tracked, price=price
            )
            if tracked:
                self.figures.setdefault(ref.stock_id, quantity)
            self._tell("items/changed", {"id": external_id})
            return external_id

    def create(self, new: NewItem, *, is_draft: bool) -> CatalogueItem:
        """A product made by us: counted, and nothing of it is there."""
        with self.lock:
            external_id = self.add_item(new.sku, price=new.price or Decimal(0))
            item = replace(self.items[external_id], title=new.title, image_url=new.image_url)
            self.items[external_id] = item
            if is_draft:
                self.drafts.add(external_id)
            return item

    def delete_item(self, sku: str) -> None:
        """Gone for good; its figure too, where nothing else uses it."""
        with self.lock:
            item = self.items.pop(self.item(sku).external_id)
            if all(other.ref.stock_id != item.ref.stock_id for other in self.items.values()):
                self.figures.pop(item.ref.stock_id, None)
            self._tell("items/deleted", {"id": item.external_id})

    def track(self, sku: str, quantity: int | None) -> None:
        """Staff switch stock tracking on with a figure, or off (None)."""
        with self.lock:
            item = replace(self.item(sku), tracked=quantity is not None)
            self.items[item.external_id] = item
            self.figures.pop(item.ref.stock_id, None)
            if quantity is not None:
                self.figures[item.ref.stock_id] = quantity
            self._tell("items/changed", {"id": item.external_id})

    def item(self, sku: str) -> CatalogueItem:
        """The unit with this SKU; KeyError where there is none."""
        for item in self.items.values():
            if item.sku == sku:
                return item
        raise KeyError(sku)

    def stock(self, sku: str) -> int:
        """What the store shows."""
        with self.lock:
            return self.figures[self.item(sku).ref.stock_id]

    def set_stock(self, sku: str, quantity: int) -> None:
        """Staff type another number."""
        with self.lock:
            self.set_figure(self.item(sku).ref.stock_id, quantity)

    def set_figure(self, stock_id: str, quantity: int) -> None:
        """Set a figure, whoever it was, and tell it."""
        with self.lock:
            self.figures[stock_id] = quantity
            self._tell("stock/changed", {"stock_id": stock_id, "quantity": quantity, "at": self.now()})

    # ------------------------------------------------------------------------------------------ customers and orders

    def sell(
        self, lines: Mapping[str, int], *, is_paid: bool = True, is_test: bool = False, typed_in: tuple[str, ...] = ()
    ) -> str:
        """A customer orders units by SKU, all or nothing; SoldOut where too few are shown. Gives the order's id.

        `typed_in` are titles of further lines that are no stock.
        """
        with self.lock:
            if not self.allows_overselling and any(self._free(sku) < wanted for sku, wanted in lines.items()):
                raise SoldOut(", ".join(lines))
            order_id, date = self._next_id(), self.date()
            order = OrderSnapshot(
                order_id=order_id,
                name=f"#{order_id}",
                version=date,
                created_at=date,
                is_paid=is_paid,
                paid_at=date if is_paid else None,
                is_test=is_test,
                currency=self.currency,
                lines=(
                    *(self._line(f"{order_id}-{n}", sku, wanted) for n, (sku, wanted) in enumerate(lines.items(), 1)),
                    *(self._typed_line(f"{order_id}-t{n}", title) for n, title in enumerate(typed_in, 1)),
                ),
            )
            for sku, wanted in lines.items():
                self._move(self.item(sku).external_id, -wanted)
            self._save(order)
            return order_id

    def pay(self, order_id: str) -> None:
        """The customer pays in full."""
        with self.lock:
            self._save(replace(self.orders[order_id].now, is_paid=True, paid_at=self.date()))

    def refund(self, order_id: str, quantities: Mapping[str, int], *, restock: bool) -> None:
        """Staff refund units by SKU and put them back if `restock`. ValueError for more than there are."""
        with self.lock:
            order = self.orders[order_id].now
            lines = [(self._line_of(order, sku), quantity) for sku, quantity in quantities.items()]
            if any(not 0 < quantity <= self.unrefunded(order, line) for line, quantity in lines):
                raise ValueError("More than the order still has cannot be refunded.")
            self._give_back(order, lines, restock=restock)

    def cancel(self, order_id: str, *, restock: bool = True) -> None:
        """Staff cancel the order; what it still holds goes back to the shelf if `restock`."""
        with self.lock:
            order = replace(self.orders[order_id].now, cancelled_at=self.date(), is_final=True)
            rest = [(line, self.unrefunded(order, line)) for line in order.lines]
            if restock:
                self._give_back(order, [(line, quantity) for line, quantity in rest if quantity], restock=True)
            else:
                self._save(order)

    def edit(self, order_id: str, sku: str, quantity: int) -> None:
        """Staff change how many units of a line the order has, or add a line. SoldOut where too few are shown."""
        with self.lock:
            order = self.orders[order_id].now
            known = [line for line in order.lines if line.sku == sku]
            line = known[0] if known else self._line(f"{order_id}-{len(order.lines) + 1}", sku, 0)
            more = quantity - self.unrefunded(order, line)
            if more < 0:
                self._give_back(order, [(line, -more)], restock=True)
                return
            if not self.allows_overselling and self._free(sku) < more:
                raise SoldOut(sku)
            taken = None if line.taken is None else line.taken + more
            grown = replace(
                line, quantity=line.quantity + more, taken=taken, total=line.total + more * self._price(sku)
            )
            others = tuple(grown if other.line_id == line.line_id else other for other in order.lines)
            self._move(self.item(sku).external_id, -more)
            self._save(replace(order, lines=others if known else (*order.lines, grown)))

    def close_order(self, order_id: str) -> None:
        """Staff archive the order."""
        with self.lock:
            self.orders[order_id].is_closed = True
            self._save(self.orders[order_id].now)

    def delete_order(self, order_id: str) -> None:
        """Staff delete the order; its units stay off the shelf."""
        with self.lock:
            del self.orders[order_id]
            self._tell("orders/deleted", {"id": order_id})

    def unrefunded(self, order: OrderSnapshot, line: OrderLine) -> int:
        """Units of a line that have neither been refunded nor removed; a line typed in counts none."""
        if line.moves_nothing:
            return 0
        return line.quantity - sum(
            back.quantity for refund in order.refunds for back in refund.lines if back.line_id == line.line_id
        )

    # ------------------------------------------------------------------------------------------ webhooks

    def end_access(self) -> None:
        """The merchant uninstalls us."""
        with self.lock:
            self._tell("access/ended", {"words": "The app was uninstalled."})
            self.post.subscriptions.clear()
            self.faults.is_denied = True

    def ask_for_privacy(self, order_ids: tuple[str, ...]) -> None:
        """A customer asks the store to forget them."""
        with self.lock:
            self._tell("privacy/redact", {"orders": list(order_ids)})

    def take_deliveries(self) -> list[Delivery]:
        """Signed webhooks since the last call, oldest first."""
        with self.lock:
            return self.post.take()

    def sign(self, topic: str, body: bytes) -> Delivery:
        """A delivery of any body, signed by the store."""
        with self.lock:
            return self.post.sign(topic, body, self.now())

    def _tell(self, topic: str, message: Mapping[str, object]) -> None:
        if not self.faults.is_deaf:
            self.post.tell(topic, message, self.now())

    # ------------------------------------------------------------------------------------------ the insides

    def _save(self, order: OrderSnapshot) -> None:
        order = replace(order, version=self.date())
        kept = self.orders.setdefault(order.order_id, _Order(history=[]))
        kept.history.append((self.now(), order))
        self._tell("orders/changed", order_message(order))

    def _give_back(self, order: OrderSnapshot, back: list[tuple[OrderLine, int]], *, restock: bool) -> None:
        refund_id = self._next_id()
        refund = Refund(
            refund_id=refund_id,
            created_at=self.date(),
            lines=tuple(
                RefundLine(refund_line_id=f"{refund_id}-{n}", line_id=line.line_id, quantity=count, restocked=restock)
                for n, (line, count) in enumerate(back, 1)
            ),
            amount=sum((line.total / line.quantity * count for line, count in back), Decimal(0)),
        )
        returned = {line.line_id: count for line, count in back} if restock else {}
        for line, count in back:
            if restock and line.external_id in self.items:
                self._move(line.external_id, count)
        lines = tuple(
            line if line.taken is None else replace(line, taken=line.taken - returned.get(line.line_id, 0))
            for line in order.lines
        )
        self._save(replace(order, lines=lines, refunds=(*order.refunds, refund)))
        self._tell("orders/refunded", {"order_id": order.order_id, "refund": refund_message(refund)})

    def _move(self, external_id: str, units: int) -> None:
        stock_id = self.items[external_id].ref.stock_id
        if stock_id in self.figures:
            self.set_figure(stock_id, self.figures[stock_id] + units)

    def _free(self, sku: str) -> int:
        item = self.item(sku)
        return self.figures.get(item.ref.stock_id, 1_000_000)  # what is not tracked never runs out

    def _price(self, sku: str) -> Decimal:
        return self.item(sku).price or Decimal(0)

    def _line(self, line_id: str, sku: str, quantity: int) -> OrderLine:
        item = self.item(sku)
        return OrderLine(
            line_id=line_id,
            external_id=item.external_id,
            sku=sku,
            title=item.title,
            quantity=quantity,
            taken=(quantity if item.tracked else 0) if self.declares_taken else None,
            total=quantity * self._price(sku),
        )

    def _typed_line(self, line_id: str, title: str) -> OrderLine:
        reason = moves_nothing(None)
        return OrderLine(line_id=line_id, external_id=None, sku=None, title=title, quantity=1, moves_nothing=reason)

    def _line_of(self, order: OrderSnapshot, sku: str) -> OrderLine:
        for line in order.lines:
            if line.sku == sku:
                return line
        raise KeyError(sku)

    def _next_id(self) -> str:
        with self.lock:
            self._last_id += 1
            return str(self._last_id)
