"""The town: customers of two stores and a cashier, who do as they like, one after another.

The town keeps its own count of what is true (what lies on the shelf less what orders took), because it knows what it
did. `Town.lock` is held while somebody acts, so that whoever looks under it sees numbers of one moment.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from syncd.demo.hand import Hand, NotDone
from syncd.demo.measure import Measure, Sale
from syncd.demo.stage import Good, Stage

BASKETS = ((1, 70), (2, 20), (3, 10))
RESTOCK_BELOW = 4


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What somebody bought and could still pay, cancel or bring back."""

    place: str
    id: str
    sku: str
    units: int
    is_paid: bool = True


@dataclass(slots=True, kw_only=True)
class Counts:
    """What happened in town."""

    units: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)


Act = Callable[[], str]


@dataclass(slots=True, kw_only=True)
class Town:
    """Everybody who acts. `told` gets one line per act; `seconds` is the time that measurements use."""

    stage: Stage
    goods: tuple[Good, ...]
    random: Random
    measure: Measure
    seconds: Callable[[], float]
    told: Callable[[str], None]
    truth: Counter[str] = field(init=False)
    counts: Counts = field(default_factory=Counts)
    sales: list[Sale] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _receipts: list[Receipt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.truth = Counter({good.sku: good.quantity for good in self.goods})

    def act(self) -> None:
        """Somebody does something, likely or unlikely; nothing happens where the platform says no."""
        acts, weights = zip(*self._habits().items(), strict=True)
        act = self.random.choices(acts, weights)[0]
        with self.lock:
            try:
                self.told(act())
            except NotDone:
                self.counts.acts["turned away"] += 1

    def _habits(self) -> Mapping[Act, int]:
        return {
            lambda: self._buy(self.stage.hands["shopify"], is_paid=True): 26,
            lambda: self._buy(self.stage.hands["woocommerce"], is_paid=True): 26,
            lambda: self._buy(self.random.choice(list(self.stage.stores.values())), is_paid=False): 10,
            self._pay: 8,
            self._cancel: 6,
            lambda: self._refund(restock=True): 5,
            lambda: self._refund(restock=False): 3,
            self._ring_up: 10,
            self._take_back: 2,
            self._receive: 4,
        }

    def _basket(self) -> tuple[str, int]:
        sizes, weights = zip(*BASKETS, strict=True)
        return self.random.choice(self.goods).sku, self.random.choices(sizes, weights)[0]

    def _buy(self, store: Hand, *, is_paid: bool) -> str:
        sku, units = self._basket()
        shown = store.stock()[sku]
        order = store.buy({sku: units}, paid=is_paid)
        self._sold(store.name, sku, units, shown)
        self._receipts.append(Receipt(place=store.name, id=order, sku=sku, units=units, is_paid=is_paid))
        self.counts.acts["bought" if is_paid else "ordered, unpaid"] += 1
        return f"{store.name}: a customer {'buys' if is_paid else 'orders, unpaid,'} {units} x {sku}"

    def _ring_up(self) -> str:
        """The cashier sells what lies there; what an online customer has paid for was put aside."""
        sku, units = self._basket()
        shown = self.stage.till.stock()[sku]
        if self.truth[sku] < units:
            raise NotDone("the rest is put aside for online customers")
        sale = self.stage.till.ring_up({sku: units})
        self._sold("till", sku, units, shown)
        self._receipts.append(Receipt(place="till", id=sale, sku=sku, units=units))
        self.counts.acts["sold at the till"] += 1
        return f"till: the cashier sells {units} x {sku}"

    def _sold(self, place: str, sku: str, units: int, shown: int) -> None:
        now, before = self.seconds(), self.truth[sku]
        sale = Sale(at=now, sku=sku, place=place, units=units, shown=shown, truth=before)
        self.sales.append(sale)
        self.measure.sold(sale)
        self.truth[sku] -= units
        self.counts.units[place] += units

    def _receipt(self, *, is_paid: bool | None = None, at_till: bool = False) -> Receipt:
        found = [
            receipt
            for receipt in self._receipts
            if receipt.units
            and (receipt.place == "till") == at_till
            and (is_paid is None or receipt.is_paid == is_paid)
        ]
        if not found:
            raise NotDone("nobody has such a receipt")
        return self.random.choice(found)

    def _pay(self) -> str:
        receipt = self._receipt(is_paid=False)
        self.stage.hands[receipt.place].pay(receipt.id)
        receipt.is_paid = True
        self.counts.acts["paid later"] += 1
        return f"{receipt.place}: order {receipt.id} is paid"

    def _cancel(self) -> str:
        receipt = self._receipt()
        self.stage.hands[receipt.place].cancel(receipt.id)
        self.truth[receipt.sku] += receipt.units
        self._receipts.remove(receipt)
        self.counts.acts["cancelled"] += 1
        return f"{receipt.place}: order {receipt.id} is cancelled, {receipt.units} x {receipt.sku} go back on sale"

    def _refund(self, *, restock: bool) -> str:
        receipt = self._receipt(is_paid=True)
        self.stage.hands[receipt.place].refund(receipt.id, {receipt.sku: 1}, restock=restock)
        receipt.units -= 1
        if restock:
            self.truth[receipt.sku] += 1
        elif receipt.units:
            self._receipts.remove(receipt)
        self.counts.acts["refunded and restocked" if restock else "refunded, not restocked"] += 1
        fate = "restocked" if restock else "not restocked"
        return f"{receipt.place}: 1 x {receipt.sku} of order {receipt.id} is refunded, {fate}"

    def _take_back(self) -> str:
        receipt = self._receipt(at_till=True)
        self.stage.till.take_back(receipt.id, {receipt.sku: receipt.units})
        self.truth[receipt.sku] += receipt.units
        self._receipts.remove(receipt)
        self.counts.acts["taken back at the till"] += 1
        return f"till: {receipt.units} x {receipt.sku} are brought back"

    def _receive(self) -> str:
        """Goods come in where the shelf is nearly empty."""
        low = [good for good in self.goods if self.truth[good.sku] < RESTOCK_BELOW]
        if not low:
            raise NotDone("the shelves are full")
        good = self.random.choice(low)
        self.stage.till.receive(good.sku, good.quantity)
        self.truth[good.sku] += good.quantity
        self.counts.acts["goods received"] += 1
        return f"back office: {good.quantity} x {good.sku} come in"
