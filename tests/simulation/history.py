"""One random history: what happens, how unkind the network is, and what must be true after each step and at the end."""

from dataclasses import dataclass
from random import Random

from syncd.domain.backoffice import RecordPolicy, is_recorded
from syncd.domain.stock import fold
from tests.simulation.clock import Clock
from tests.simulation.daemon import Daemon, Weather
from tests.simulation.rules import RULES, Rules
from tests.simulation.world import BackOffice, OrderTold, Store

CALM = 900.0


class Wrong(Exception):
    """A rule of the page is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What may happen in a history; drawn from the seed by `draw_setting`."""

    first_stock: int
    lasts: float
    events: int
    has_hints: bool
    has_nightly: bool
    has_staff: bool
    webhook_loss: float
    webhook_delay: float
    names_only: float
    list_lag: float
    crashes: int
    weather: Weather
    policy: RecordPolicy
    spite: float


def draw_setting(rng: Random) -> Setting:
    has_nightly = rng.random() < 0.5
    slowest = rng.choice((0.05, 0.3, 2.0))
    return Setting(
        first_stock=rng.randint(1, 8),
        lasts=rng.choice((2.0, 15.0, 60.0, 200.0)),
        events=rng.randint(1, 9),
        has_hints=rng.random() < 0.5,
        has_nightly=has_nightly,
        has_staff=has_nightly and rng.random() < 0.4,
        webhook_loss=rng.choice((0.0, 0.2, 1.0)),
        webhook_delay=rng.choice((0.05, 1.0, 8.0, 40.0)),
        names_only=rng.choice((0.0, 0.0, 0.3)),
        list_lag=rng.choice((0.0, 3.0, 30.0)),
        crashes=rng.choice((0, 0, 1, 2)),
        weather=Weather(loss=rng.choice((0.0, 0.05, 0.25)), slowest=slowest, stall=rng.choice((0.0, 0.1))),
        policy=rng.choice((RecordPolicy.PAID, RecordPolicy.PLACED)),
        spite=rng.choice((0.0, 0.05, 0.2)),
    )


class History:
    """Runs one seed. `steps` counts what happened; `story` can be read when `tell` was asked for."""

    def __init__(self, seed: int, *, rules: Rules = RULES, tell: bool = False) -> None:
        rng = self.rng = Random(seed)
        self.setting = draw_setting(rng)
        self.clock = Clock(rng, tell=tell)
        first = self.setting.first_stock
        self.stores = [
            Store(self.clock, "Shopify-like", first, compares=True, lag=self.setting.list_lag),
            Store(self.clock, "Woo-like", first, compares=False, lag=self.setting.list_lag),
        ]
        self.office = BackOffice(self.clock, first)
        self.daemon = Daemon(self.clock, self.stores, self.office, rules, self.setting.weather, self.setting.policy)
        self.steps = 0
        self.spite_left = 6
        for index, store in enumerate(self.stores):
            store.on_request = lambda store=store: self._in_the_worst_moment(store)
            store.on_order = lambda told, index=index: self._send_order(index, told)
            store.on_stock = lambda shown, at, index=index: self._send_stock(index, shown, at)

    @property
    def story(self) -> list[str]:
        return self.clock.story or []

    def run(self) -> None:
        """Raises `Wrong` with the first rule that is broken."""
        self.daemon.start()
        # Half of the histories begin with everything known, half while the first looks are under way.
        begins = 5.0 if self.rng.random() < 0.5 else 0.0
        at = begins
        for _ in range(self.setting.events):
            at = (
                begins + self.rng.random() * self.setting.lasts
                if self.rng.random() < 0.7
                else at + self.rng.random() * 0.5
            )
            self.clock.after(at, self._something)
        for _ in range(self.setting.crashes):
            self.clock.after(begins + self.rng.random() * (self.setting.lasts + 30.0), self._crash)
        busy = begins + self.setting.lasts + 60.0
        self.steps += self.clock.run(busy, self._check_step)
        self._calm()
        self.steps += self.clock.run(busy + CALM, self._check_step)
        self._check_end()

    # ---------------------------------------------------------------------------------- what happens

    def _something(self) -> None:
        rng = self.rng
        store = rng.choice(self.stores)
        what = rng.random()
        if what < 0.45 or not store.orders:
            if what < 0.08:
                self.office.till(
                    min(rng.randint(1, 2), self.office.shelf) if rng.random() < 0.8 else -rng.randint(1, 3)
                )
            else:
                store.sell(rng.choice((1, 1, 2)), is_paid=rng.random() < 0.7)
        elif what < 0.55:
            if self.office.shelf > 0:
                self.office.till(1)
        elif what < 0.62 and self.setting.has_staff:
            store.edit_stock(rng.choice((-2, -1, 1, 2, 30)))
        else:
            self._change(store, rng.choice(list(store.orders)))

    def _in_the_worst_moment(self, store: Store) -> None:
        """Customers love to act right around our own requests, where the races are."""
        if self.spite_left and self.rng.random() < self.setting.spite:
            self.spite_left -= 1
            self.clock.after(self.rng.random() * 0.3, lambda: self._act_in(store))

    def _act_in(self, store: Store) -> None:
        if store.orders and self.rng.random() < 0.4:
            self._change(store, self.rng.choice(list(store.orders)))
        else:
            store.sell(1, is_paid=self.rng.random() < 0.7)

    def _change(self, store: Store, number: int) -> None:
        what = self.rng.random()
        if what < 0.2:
            store.pay(number)
        elif what < 0.35:
            store.add_units(number, 1)
        else:
            restock, cancel = self.rng.random() < 0.8, self.rng.random() < 0.6
            store.give_back(number, store.orders[number].taken if cancel else 1, restock=restock, cancel=cancel)

    def _crash(self) -> None:
        if self.daemon.up:
            self.daemon.crash()
            self.clock.after(self.rng.random() * 20.0, self.daemon.start)

    def _send_order(self, index: int, told: OrderTold) -> None:
        rng, setting = self.rng, self.setting
        for _ in range(2 if rng.random() < 0.2 else 1):
            if rng.random() >= setting.webhook_loss:
                names_only = rng.random() < setting.names_only
                self.clock.after(
                    rng.random() * setting.webhook_delay,
                    lambda names_only=names_only: self.daemon.hear_order(index, told, names_only=names_only),
                )

    def _send_stock(self, index: int, shown: int, at: float) -> None:
        if self.setting.has_hints and self.rng.random() >= self.setting.webhook_loss:
            self.clock.after(
                self.rng.random() * self.setting.webhook_delay, lambda: self.daemon.hear_hint(index, shown, at)
            )

    def _calm(self) -> None:
        """Customers stop, the network heals, the night comes."""
        self.clock.say("everybody", "is quiet from here on")
        self.spite_left = 0
        self.daemon.weather = Weather()
        if not self.daemon.up:
            self.daemon.start()
        if self.setting.has_nightly:
            self.clock.after(100.0, self.daemon.compare_all)
            self.clock.after(400.0, self.daemon.release_held)

    # ---------------------------------------------------------------------------------- what must be true

    def _check_step(self) -> None:
        daemon = self.daemon
        if daemon.cache.on_hand is None or daemon.last_reading is None:
            return
        shelf, recorded = daemon.last_reading
        if daemon.cache.on_hand - daemon.cache.open > shelf + recorded - daemon.taken_in_all:
            raise Wrong(
                f"more is called available than there is: {daemon.cache} with a reading of {shelf}, "
                f"{recorded} recorded then and {daemon.taken_in_all} taken in all"
            )

    def _check_end(self) -> None:
        daemon, cache = self.daemon, self.daemon.cache
        if (cache.on_hand, cache.open) != fold(daemon.ledger):
            raise Wrong(f"{cache} is not the fold of its ledger")
        if cache.on_hand != self.office.shelf:
            raise Wrong(f"on hand {cache.on_hand}, on the shelf {self.office.shelf}")
        self._check_orders()
        wanted = daemon.wanted()
        for store, listing in zip(self.stores, daemon.listings, strict=True):
            if max(0, store.stock) != wanted:
                raise Wrong(f"{store.name} shows {store.stock}, should show {wanted}; {listing.state}")

    def _check_orders(self) -> None:
        not_recorded = 0
        for index, store in enumerate(self.stores):
            for number, order in store.orders.items():
                stored = self.daemon.orders.get((index, number))
                if stored is None or stored.taken != order.taken:
                    raise Wrong(f"order {number} of {store.name} has taken {order.taken}, we know {stored}")
                documents = list(stored.documents.values())
                held = sum(
                    sale.sold * sale.copies - sale.returned
                    for sale in (
                        self.office.sales.get(f"{'AB'[index]}/{number}" + (f"-{d.n}" if d.n > 1 else ""))
                        for d in documents
                    )
                    if sale is not None
                )
                should = order.taken if is_recorded(stored.state, documents) else 0
                if held != should:
                    raise Wrong(f"the back office holds {held} of order {number} of {store.name}, should hold {should}")
                not_recorded += order.taken - should
        if any(sale.copies > 1 for sale in self.office.sales.values()):
            raise Wrong("a sale is in the back office twice")
        if self.daemon.cache.open != not_recorded:
            raise Wrong(f"open is {self.daemon.cache.open}, not recorded are {not_recorded}")
