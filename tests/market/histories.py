"""Random histories of the whole engine: the real steps on a real database, fakes at the edges, faults, crashes.

Customers, staff, tills and faults act at random, also between any two moments of our own calls; the process dies at
random moments and its successor takes over. At the end everything calms down, and the books of the platforms are
compared: not ours. Run many: `python -m tests.market.histories --histories 200 --seed 1 --workers 2`.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import structlog

from connectors.sdk.errors import ConnectorError
from connectors.sdk.fake import FakeShop, SoldOut
from schema.migrate import upgrade
from syncd.engine import push, reconcile, record
from syncd.errors import LeaseLost
from tests.market.market import make_market

SKUS = ("MUG", "TIN")
ON_HAND = 12


class Crash(BaseException):
    """The process is gone: not an error that anything may catch."""


@dataclass
class History:
    """One random history. `story` is what happened, in words."""

    seed: int
    url: str
    home: Path
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.market = make_market(self.url, self.home)
        self.truth = dict.fromkeys(SKUS, ON_HAND)
        self.orders: list[tuple[str, str]] = []
        self.baseline: set[tuple[str, str]] = set()
        self.crash_rate = self.chance.choice([0.0, 0.0, 0.01, 0.03])
        self.meddle_rate = self.chance.choice([0.0, 0.02, 0.08])
        self.is_calm = False

    # ------------------------------------------------------------------------------------------ running

    def run(self) -> list[str]:
        """What is wrong at the end; nothing, if all is well."""
        market = self.market
        for sku in SKUS:
            market.sku(sku, ON_HAND)
        for _ in range(self.chance.randrange(4)):
            self._act_safely()
            market.pass_time(self.chance.uniform(1, 20))
        self._go_live()
        market.pass_time(self.chance.uniform(1, 30))
        for name, shop in market.shops.items():
            shop.wire.on_call = self._on_call(name)
        market.office.wire.on_call = self._on_call("office")
        for _ in range(self.chance.randrange(10, 45)):
            self._act_safely()
            if self.chance.random() < 0.7:
                self._steps()
            self._pass(self.chance.choice([0, 0.3, 1, 3, 10, 40, 200]))
        return self._calm_down_and_compare()

    def _pass(self, seconds: float) -> None:
        """Time passes. A write that was late lands within half a minute: no server works longer on one."""
        market, soon = self.market, min(seconds, 30)
        market.pass_time(soon)
        if seconds > soon:
            for who in (*market.shops.values(), market.office):
                who.land()
            market.pass_time(seconds - soon)

    def _go_live(self) -> None:
        # What was paid before is rung up by hand, as the merchant who goes live says.
        market = self.market
        for name, order_id in self.orders:
            order = market.shops[name].orders[order_id].now
            if order.is_paid:
                for line in order.lines:
                    self.truth[line.sku or ""] -= taken(market.shops[name], order_id, line.sku or "")
        for sku in SKUS:
            market.office.set_stock(sku, self.truth[sku])
        self.baseline = {key for key in self.orders if market.shops[key[0]].orders[key[1]].now.is_paid}
        market.pass_time(2)
        market.go_live()
        self.story.append(f"went live with {self.truth}")

    def _on_call(self, name: str) -> Callable[[str], None]:
        def on_call(moment: str) -> None:
            if self.is_calm:
                return
            if self.chance.random() < self.meddle_rate:
                self._act_safely(f" (at {name} {moment})")
            if self.chance.random() < self.crash_rate:
                self.story.append(f"-- the process dies at {name} {moment}")
                raise Crash

        return on_call

    def _steps(self) -> None:
        market = self.market
        steps: list[Callable[[], object]] = [self._deliver, market.take_in, market.record, market.sweep, market.rereads]
        for name in market.shops:
            steps += [lambda n=name: market.push(n), lambda n=name: market.look(n)]
            if self.chance.random() < 0.2:
                steps.append(lambda n=name: market.pull(n))
            if self.chance.random() < 0.05:
                steps.append(lambda n=name: self._reconcile(n))
        self.chance.shuffle(steps)
        for step in steps:
            self._step(step)

    def _step(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Crash:
            self._restart()
        except (ConnectorError, LeaseLost):
            pass

    def _restart(self) -> None:
        """The next process takes every lease over."""
        market = self.market
        market.forget_leases()
        for name in market.shops:
            push.take_over(market.engine, market.held(f"store:{market.ids[name]}"), market.ids[name])
        held = market.held(f"backoffice:{market.merchant_id}")
        record.take_over(market.engine, held, market.merchant_id)

    def _reconcile(self, name: str) -> None:
        market = self.market
        reconcile.reconcile(market.engine, market.held(f"store:{market.ids[name]}"), market.ids[name])

    def _deliver(self) -> None:
        """Deliveries arrive: some twice, some in another order, some not at all."""
        market = self.market
        for name, shop in market.shops.items():
            posted = shop.take_deliveries()
            if self.chance.random() < 0.3:
                self.chance.shuffle(posted)
            for headers, body in posted:
                fate = self.chance.random()
                for copy in range(0 if fate < 0.15 else 2 if fate > 0.85 else 1):
                    market.store_delivery(name, headers, body, copy)

    # ------------------------------------------------------------------------------------------ people and faults

    def _act_safely(self, where: str = "") -> None:
        try:
            told = self.chance.choice(self._acts())()
        except (SoldOut, ValueError):
            return
        if told:
            self.story.append(f"{self.market.clock.now():%H:%M:%S} {told}{where}")

    def _acts(self) -> list[Callable[[], str]]:
        acts: list[Callable[[], str]] = [self._sell] * 6 + [self._till] * 2
        if self.orders:
            acts += [self._pay, self._pay, self._refund, self._cancel, self._edit]
        if self.market.office.wire.calls:
            acts += [self._fault] * 3 + [self._staff, self._count]
        return acts

    def _sell(self) -> str:
        name, sku = self.chance.choice("ab"), self.chance.choice(SKUS)
        units, is_paid = self.chance.randrange(1, 4), self.chance.random() < 0.7
        order = self.market.shops[name].sell({sku: units}, is_paid=is_paid)
        self.orders.append((name, order))
        return f"{name} sells {units} {sku} as {order}, {'paid' if is_paid else 'unpaid'}"

    def _any_order(self) -> tuple[str, str, FakeShop]:
        name, order = self.chance.choice(self.orders)
        return name, order, self.market.shops[name]

    def _pay(self) -> str:
        name, order, shop = self._any_order()
        if shop.orders[order].now.is_paid or shop.orders[order].now.is_final:
            return ""
        shop.pay(order)
        return f"{name} order {order} is paid"

    def _refund(self) -> str:
        name, order, shop = self._any_order()
        line = shop.orders[order].now.lines[0]
        restock = self.chance.random() < 0.7
        if (name, order) in self.baseline:
            return ""
        shop.refund(order, {line.sku or "": 1}, restock=restock)
        return f"{name} refunds 1 of {order}, {'with' if restock else 'without'} restock"

    def _cancel(self) -> str:
        name, order, shop = self._any_order()
        if shop.orders[order].now.cancelled_at or (name, order) in self.baseline:
            return ""
        shop.cancel(order, restock=True)
        return f"{name} cancels {order}"

    def _edit(self) -> str:
        name, order, shop = self._any_order()
        if shop.orders[order].now.cancelled_at or (name, order) in self.baseline:
            return ""
        sku, units = shop.orders[order].now.lines[0].sku or "", self.chance.randrange(1, 5)
        shop.edit(order, sku, units)
        return f"{name} edits {order} to {units}"

    def _till(self) -> str:
        sku = self.chance.choice(SKUS)
        if self.truth[sku] <= 0:
            return ""
        self.truth[sku] -= 1
        self.market.office.till_sale(sku, 1)
        return f"the till sells 1 {sku}"

    def _count(self) -> str:
        """Goods arrive."""
        sku = self.chance.choice(SKUS)
        self.truth[sku] += 5
        self.market.office.set_stock(sku, self.market.office.stock(sku) + 5)
        return f"5 {sku} arrive"

    def _staff(self) -> str:
        name, sku = self.chance.choice("ab"), self.chance.choice(SKUS)
        by = self.chance.choice([-2, -1, 1, 3])
        shop = self.market.shops[name]
        shop.set_stock(sku, max(0, shop.stock(sku) + by))
        return f"staff of {name} change {sku} by {by}"

    def _fault(self) -> str:
        who = self.chance.choice([*self.market.shops.values(), self.market.office])
        faults = who.faults
        kinds = ["lost_writes", "swallowed_writes", "late_writes", "is_down", "is_deaf", "order_lag", "mend", "land"]
        kind = self.chance.choice(kinds)
        if kind == "order_lag":
            faults.order_lag = timedelta(seconds=self.chance.choice([0, 5, 20]))
        elif kind == "mend":
            faults.is_down = faults.is_deaf = False
        elif kind == "land":
            who.land()
        elif kind.startswith("is_"):
            setattr(faults, kind, self.chance.random() < 0.5)
        else:
            setattr(faults, kind, 1)
        return f"fault at {who.account_id}: {kind}"

    # ------------------------------------------------------------------------------------------ the end

    def _calm_down_and_compare(self) -> list[str]:
        market, self.is_calm = self.market, True
        for who in (*market.shops.values(), market.office):
            who.land()
            faults = who.faults
            faults.is_down = faults.is_deaf = False
            faults.lost_writes = faults.swallowed_writes = faults.late_writes = 0
            faults.order_lag = timedelta(0)
        self._restart()
        market.pass_time(400)
        for _ in range(3):
            for name in market.shops:
                self._step(lambda n=name: market.pull(n))
            market.calm(500, every=50)
            for name in market.shops:
                self._step(lambda n=name: self._reconcile(n))
        market.calm(400, every=50)
        return self._compare()

    def _compare(self) -> list[str]:
        market, wrong = self.market, []
        unpaid, paid = dict.fromkeys(SKUS, 0), dict.fromkeys(SKUS, 0)
        for name, order_id in self.orders:
            order = market.shops[name].orders[order_id].now
            if (name, order_id) in self.baseline:
                continue
            for line in order.lines:
                units = taken(market.shops[name], order_id, line.sku or "")
                (paid if order.is_paid else unpaid)[line.sku or ""] += units
        for sku in SKUS:
            shelf = self.truth[sku] - paid[sku]
            if market.office.stock(sku) != shelf:
                wrong.append(f"{sku}: the back office has {market.office.stock(sku)}, should have {shelf}")
            if market.cache(sku) != (shelf, unpaid[sku]):
                wrong.append(f"{sku}: the cache says {market.cache(sku)}, should say {(shelf, unpaid[sku])}")
            should = max(0, shelf - unpaid[sku])
            for name, figure in market.shows(sku).items():
                item = market.item(name, sku)
                if item.held:
                    continue
                if max(0, figure) != should:
                    wrong.append(f"{sku}: {name} shows {figure}, should show {should}; {item.model_dump()}")
        wrong += self._compare_sales()
        if not market.ledger_is_whole():
            wrong.append("the cache is not the fold of the ledger")
        return wrong

    def _compare_sales(self) -> list[str]:
        market, wrong = self.market, []
        held: dict[str, int] = {}
        for booked in market.office.booked.values():
            invoice = booked.record.invoice_no
            units = sum(line.quantity - line.returned for line in booked.record.lines)
            held[booked.sale.note or invoice] = held.get(booked.sale.note or invoice, 0) + units
        invoices = [booked.record.invoice_no for booked in market.office.booked.values()]
        if len(set(invoices)) != len(invoices):
            wrong.append(f"an invoice is there twice: {sorted(invoices)}")
        return wrong


def taken(shop: FakeShop, order_id: str, sku: str) -> int:
    """Units of an SKU that a shop has taken for an order and not put back, by its own books."""
    order = shop.orders[order_id].now
    total = 0
    for line in order.lines:
        if line.sku == sku:
            back = sum(
                part.quantity
                for refund in order.refunds
                for part in refund.lines
                if part.line_id == line.line_id and part.restocked
            )
            total += line.taken if line.taken is not None else line.quantity - back
    return total


# ------------------------------------------------------------------------------------------- many of them


def run_one(seed: int) -> tuple[int, list[str], list[str]]:
    """(seed, what is wrong, the story) of one history on a database file of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        home = Path(folder)
        url = f"sqlite:///{home}/history.sqlite"
        upgrade(url)
        history = History(seed=seed, url=url, home=home)
        try:
            wrong = history.run()
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
            if __debug__ and len(sys.argv) > 1 and "--trace" in sys.argv:
                raise
        finally:
            history.market.engine.database.close()
    return seed, wrong, history.story


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.market.histories", description=__doc__)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--trace", action="store_true", help="let an error of ours through")
    asked = parser.parse_args()
    began, bad = time.monotonic(), []
    seeds = range(asked.seed, asked.seed + asked.histories)
    if asked.workers == 1:
        results = map(run_one, seeds)
    else:
        results = multiprocessing.Pool(asked.workers).imap_unordered(run_one, seeds)
    for done, (seed, wrong, story) in enumerate(results, 1):
        if wrong:
            bad.append(seed)
            print(f"\nseed {seed}:", *wrong, sep="\n  ")
            print(*story, sep="\n    ")
        print(f"\r{done} of {asked.histories}, wrong {len(bad)}", end="", file=sys.stderr)
    print(f"\n{asked.histories} histories, {time.monotonic() - began:.0f} s, wrong: {sorted(bad)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
