"""One random history: events, each with a chance of its own, so that leaving one out changes no other.

An event is something that people or platforms do, then some steps of the daemon's hands. At every moment of our calls
and around every commit more may happen: people act, mail comes, another hand or process takes a step, time passes, the
process stands still or dies. `dropped` names what is left out, for shrinking.
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.sdk.fake import FakeShop, SoldOut
from syncd.engine import release
from tests.simulation.system import acts
from tests.simulation.system.checks import Watch, at_quiet
from tests.simulation.system.process import JOBS, Crash, Hand, Process
from tests.simulation.system.setting import Setting, describe, draw
from tests.simulation.system.truth import Truth, Wrong, taken_from
from tests.simulation.system.world import make_world

LATEST_LANDING = 30.0
MOST_STEPS = 12
DEEPEST = 3
THERE_AND_BACK = 4
"""Each change of a figure is its old and its new value: twice changed, it may look as if it had stood still."""

_LIVE = "stock_item s JOIN connection c ON c.id = s.connection_id WHERE c.state = 'live'"
_SPEAKS = "JOIN connection c ON c.id = t.connection_id WHERE c.state IN ('live', 'shadow')"
WAITED_FOR = (
    *((column, _LIVE) for column in ("look_at", "suspect_at", "unknown_until", "hint_heard_at", "kept_until")),
    ("s.not_before", _LIVE),
    ("not_before", "connection WHERE state IN ('live', 'shadow')"),
    ("reread_at", f"order_header t {_SPEAKS}"),
    ("due_at", f"listing_check t {_SPEAKS}"),
    ("reread_at", "inventory_cache WHERE true"),
    ("not_before", "sale_document WHERE state IN ('unknown', 'parked')"),
    ("not_before", "return_document WHERE state IN ('unknown', 'parked')"),
    ("not_before", "delivery WHERE state = 'new'"),
    ("expires_at", "lease WHERE true"),
)
"""Columns and tables: when something is due that time alone brings."""


class History:
    """`run` plays it; `story` is what happened, `steps` how many steps the hands took, `oversells` their windows."""

    def __init__(self, seed: int, *, dropped: frozenset[str] = frozenset(), setting: Setting | None = None) -> None:
        self.seed = seed
        self.setting = setting or draw(seed)
        self.dropped = dropped
        self.story: list[str] = [f"history {seed}: {describe(self.setting)}"]
        self.steps = 0
        self.oversells: list[float] = []
        self.keys: list[str] = []
        self.chance = random.Random(f"start:{seed}")
        self.mail: list[tuple[datetime, int, str, dict, bytes, int]] = []
        self.letters = 0
        self.stack: list[Process] = []
        self.is_quiet = True
        self.has_read = False
        self.moved: Counter[tuple[str, str]] = Counter()
        self.was_live: set[str] = set()
        self.event = ""
        self.moments = 0
        self.late_since: dict[str, datetime] = {}
        self.window_opened: dict[str, int] = {}

    # ------------------------------------------------------------------------------------------ playing

    def run(self) -> None:
        """Raises Wrong."""
        self.world = make_world(self.setting)
        try:
            self.truth = Truth(self.world)
            self.watch = Watch(self.world, self.truth)
            self.watch.note_bases()
            self._listen()
            self.is_quiet = False
            for number in range(self.setting.events):
                self._event(str(number))
            self._calm_down()
            wrong = at_quiet(self.world, self.truth)
            if wrong:
                raise Wrong("; ".join(wrong))
        finally:
            self.world.close()

    def _listen(self) -> None:
        for name, shop in self.world.shops.items():
            shop.wire.on_call = lambda moment, name=name: self._moment(f"{name} {moment}")
            shop.on_written = lambda stock_id, before, after, name=name: self._written(name, stock_id, before, after)
        self.world.office.wire.on_call = lambda moment: self._moment(f"office {moment}")
        self.world.database.on_moment = self._moment

    def _event(self, key: str) -> None:
        self.event, self.moments = key, 0
        self.chance = random.Random(f"{self.seed}:{key}")
        self.keys.append(key)
        if key in self.dropped:
            return
        if int(key) < 4 and self.chance.random() < 0.6:
            self.do(acts.go_live)
        for _ in range(self.chance.choice([1, 1, 2, 3])):
            self._something()
        if self.chance.random() < 0.8:
            self.work(self.chance.randrange(1, MOST_STEPS))
        self.pass_time(self.chance.choice([0, 0, 0.3, 1, 3, 10, 40, 200, 700]))
        if self.chance.random() < 0.15:
            kind = self.chance.choice(JOBS)
            for process in self.world.processes:
                process.want(kind)

    def _something(self) -> None:
        """Not everything is possible now; something is."""
        before = len(self.story)
        for _ in range(4):
            self.do(self.chance.choice(acts.EVENTS))
            if len(self.story) > before:
                return

    def do(self, act: Callable[["History"], str], where: str = "") -> None:
        """One act, if it is possible now."""
        before = {name: dict(shop.figures) for name, shop in self.world.shops.items()}
        try:
            told = act(self)
        except (SoldOut, ValueError):
            told = ""
        for name, shop in self.world.shops.items():
            self.moved.update((name, stock_id) for stock_id, _ in set(before[name].items()) ^ set(shop.figures.items()))
        for name in self.world.shops:
            if self.world.state(name) not in ("shadow", "disconnected"):
                self.truth.ring_up(name)
        self.watch.note_bases()
        if told:
            self.say(told + where)

    def say(self, words: str) -> None:
        self.story.append(f"{self.event:>3} {self.world.now():%d %H:%M:%S} {words}")

    # ------------------------------------------------------------------------------------------ steps

    def work(self, most: int) -> None:
        """Up to so many steps of hands that are due, in any order; mail comes in between."""
        for _ in range(most):
            self._carry_mail()
            due = [(process, hand) for process in self.world.processes for hand in process.due(self.world.now())]
            if not due:
                return
            self._take(*self.chance.choice(due))

    def _take(self, process: Process, hand: Hand) -> None:
        self.steps += 1
        is_nested = process in self.stack
        self.stack.append(process)
        try:
            process.take(hand)
        except Crash:
            if is_nested:
                raise
            self.world.kill(process)
        finally:
            self.stack.pop()
        if not self.stack:
            self.has_read = False
            self.moved.clear()
            self.watch.after_step()

    def by_hand(self, told: str, act: Callable) -> str:
        """What a person asks for through the command line, in a process of its own."""
        process = self.chance.choice(self.world.processes)
        self.stack.append(process)
        try:
            act(process.engine)
        except acts.RAISES as error:
            return f"{told}: not possible ({type(error).__name__})"
        except Crash:
            self.world.kill(process)
            return f"{told}: cut short"
        finally:
            self.stack.pop()
        self.watch.after_step()
        return told

    # ------------------------------------------------------------------------------------------ moments

    def _moment(self, where: str) -> None:
        if where.endswith("write_stock.between"):
            self._open_window(where.split(maxsplit=1)[0])
        if where.endswith("read_stock.after"):
            self.has_read = True
        if where == "commit.after" and self.has_read:
            self.watch.note_looks({key for key, times in self.moved.items() if times >= THERE_AND_BACK})
        if self.is_quiet or not self.stack:
            return
        roll, setting = self.chance.random(), self.setting
        if roll >= setting.crashes + setting.meddling or len(self.stack) > DEEPEST:
            return
        self.moments += 1
        key = f"{self.event}.{self.moments}"
        self.keys.append(key)
        if key in self.dropped:
            return
        if roll < setting.crashes:
            self.say(f"-- {self.stack[-1].name} dies at {where}")
            raise Crash
        self._meddle(where)

    def _meddle(self, where: str) -> None:
        if where == "commit.before":
            return  # within a transaction nobody else acts
        match self.chance.choice(["act"] * 5 + ["mail"] * 2 + ["step"] * 3 + ["slow", "slow", "freeze"]):
            case "act":
                self.do(self.chance.choice(acts.AT_MOMENTS), f" (at {where})")
            case "mail":
                self._carry_mail()
            case "step":
                self._step_of_another(where)
            case "slow":
                self.pass_time(self.chance.choice([0.2, 1.5, 5]))
            case "freeze":
                self._freeze(where)

    def _step_of_another(self, where: str) -> None:
        due = [(process, hand) for process in self.world.processes for hand in process.due(self.world.now())]
        if due:
            process, hand = self.chance.choice(due)
            self.say(f"   {process.name}: {hand.name} (at {where})")
            self._take(process, hand)

    def _freeze(self, where: str) -> None:
        """The process stands still for longer than its leases last."""
        process = self.stack[-1]
        seconds = self.chance.choice([35, 50, 170])
        self.say(f"   {process.name} stands still for {seconds} s at {where}")
        process.is_frozen = True
        self.pass_time(seconds)
        for other in self.world.processes:
            if not other.is_frozen and other is not process:
                for hand in other.due(self.world.now()):
                    self._take(other, hand)
        process.is_frozen = False

    # ------------------------------------------------------------------------------------------ writes

    def _unheard(self, name: str, stock_id: str) -> int:
        heard = self.world.query(
            "SELECT coalesce(sum(l.taken), 0) FROM order_line l JOIN listing g ON g.id = l.listing_id "
            "JOIN stock_item s ON s.id = g.stock_item_id "
            "WHERE s.connection_id = ? AND s.external_id = ? AND l.moves_nothing = ''",
            self.world.ids[name],
            stock_id,
        )[0][0]
        return taken_from(self.world.shops[name], stock_id) - heard

    def _open_window(self, name: str) -> None:
        """A store that cannot compare has read and not written yet: what is sold from here on may be buried."""
        self.window_opened = {
            stock_id: taken_from(self.world.shops[name], stock_id) for stock_id in self.world.shops[name].figures
        }

    def _written(self, name: str, stock_id: str, before: int, after: int) -> None:
        """Our own write has taken effect."""
        shop = self.world.shops[name]
        if not shop.compares:
            in_window = taken_from(shop, stock_id) - self.window_opened.get(stock_id, taken_from(shop, stock_id))
            if in_window:
                self.watch.windows += 1
                self.watch.blur(name, stock_id)
                return
        if after <= before or (name, stock_id) in self.watch.blurred or self.setting.shops[name].order_lag:
            return
        unheard = self._unheard(name, stock_id)
        if unheard > 0:
            raise Wrong(
                f"{name}: {stock_id} was raised from {before} to {after} over {unheard} sold that we had not heard of"
            )

    # ------------------------------------------------------------------------------------------ time and mail

    def pass_time(self, seconds: float) -> None:
        """Time goes on. A write that was late lands within half a minute: no server works longer on one."""
        now = self.world.now()
        for name, who in {**self.world.shops, "office": self.world.office}.items():
            if who.late:
                since = self.late_since.setdefault(name, now)
                if now + timedelta(seconds=seconds) >= since + timedelta(seconds=LATEST_LANDING):
                    who.land()
                    self.say(f"the late write at {who.account_id} lands")
                    self.late_since.pop(name)
            else:
                self.late_since.pop(name, None)
        self.world.pass_time(seconds)

    def _collect(self) -> None:
        """What the stores have sent gets its fate: lost, doubled, late."""
        for name, shop in self.world.shops.items():
            for headers, body in shop.take_deliveries():
                self.letters += 1
                if self.chance.random() < self.setting.loss and self._is_found_anyway(headers):
                    continue
                for copy in range(2 if self.chance.random() < self.setting.doubling else 1):
                    late = self.chance.uniform(0, self.setting.delay) if self.chance.random() < 0.5 else 0
                    due = self.world.now() + timedelta(seconds=late)
                    self.mail.append((due, self.letters, name, headers, body, copy))

    def _is_found_anyway(self, headers: dict[str, str]) -> bool:
        """An order is pulled in the end; of staff's edits, without a nightly comparison, only the mail tells."""
        return self.setting.has_nightly or headers["x-fake-topic"] != "stock/changed"

    def _carry_mail(self) -> None:
        self._collect()
        now = self.world.now()
        due = [letter for letter in self.mail if letter[0] <= now]
        if not due:
            return
        self.mail = [letter for letter in self.mail if letter[0] > now]
        if self.chance.random() < 0.4:
            self.chance.shuffle(due)
        for _, _, name, headers, body, copy in due:
            self._deliver(name, headers, body, copy)

    def _deliver(self, name: str, headers: dict, body: bytes, copy: int) -> None:
        """The web process stores it: not one of those that die here."""
        if self.world.state(name) == "disconnected":
            return  # its door is closed
        was_quiet, self.is_quiet = self.is_quiet, True
        self.world.store_delivery(name, headers, body, copy)
        self.is_quiet = was_quiet

    # ------------------------------------------------------------------------------------------ the end

    def _calm_down(self) -> None:
        """Everything is mended and everybody goes on; then one process goes on for a day, and another one."""
        self.event, self.is_quiet = "end", True
        self.chance = random.Random(f"{self.seed}:end")
        for who in (*self.world.shops.values(), self.world.office):
            who.land()
            acts.mend(who)
            who.faults.lost_writes = who.faults.swallowed_writes = who.faults.late_writes = 0
        self.say("is quiet from here on")
        self.pass_time(60)
        self._carry_mail()
        self.mail = [(self.world.now(), *letter[1:]) for letter in self.mail]
        self._settle()
        del self.world.processes[1:]  # the others are stopped: what follows is one process's work
        while acts.reconnect(self):
            self._settle()
        for name in self.world.shops:
            self._bring_back(name)
        paused = [name for name in self.world.shops if self.world.state(name) == "paused"]
        for name in paused:
            acts.connections.resume(self.world.processes[0].engine, self.world.ids[name], actor="me")
        if paused:
            self._settle()
        self._a_day()
        self._release_all()
        self._a_day()
        self._release_all()
        self._settle()

    def _bring_back(self, name: str) -> None:
        """A store that was left is connected again, and one that was live is live again."""
        if self.world.state(name) == "disconnected":
            self.do(lambda history: acts.come_back(history, name))
            self._settle()
        if name in self.was_live and self.may_go_live(name):
            self.do(lambda history: acts.make_live(history, name))
            self._settle()

    def _a_day(self) -> None:
        self.world.pass_time(135_000)
        self._settle()

    def _release_all(self) -> None:
        """What waits for a person is set to ours; where nothing does, everything is at rest already."""
        waiting = self.world.query(
            "SELECT id, kind FROM issue WHERE state = 'open' AND kind IN ('drift_held', 'undone', 'reading_held')"
        )
        for issue_id, kind in waiting:
            choice = None if kind == "reading_held" else release.Choice.OURS
            release.release(self.world.processes[0].engine, self.world.merchant_id, issue_id, choice, actor="me")
        for (item_id,) in self.world.query("SELECT id FROM stock_item WHERE is_kept"):
            raise Wrong(f"figure {item_id} is kept, and no issue says so")
        if waiting:
            self._settle()

    def _settle(self) -> None:
        """Every hand works until nothing is left that time would not bring."""
        for _ in range(200):
            self._work_off()
            at = self._next_work()
            if at is None:
                return
            self.world.pass_time(max(0.05, (at - self.world.now()).total_seconds() + 0.01))
        raise Wrong("it does not come to rest: " + "; ".join(at_quiet(self.world, self.truth)))

    def _work_off(self) -> None:
        for process in self.world.processes:
            for hand in process.hands.values():
                hand.asleep_until = None
        for _ in range(300):
            self._carry_mail()
            due = [(process, hand) for process in self.world.processes for hand in process.due(self.world.now())]
            if not due:
                return
            for process, hand in due:
                self._take(process, hand)
                self.world.clock.advance(timedelta(milliseconds=5))
        raise Wrong("the hands never come to rest: " + "; ".join(at_quiet(self.world, self.truth)))

    def _next_work(self) -> datetime | None:
        """When the next thing is due that somebody waits for."""
        now, later = self.world.now(), []
        waits = {"suspect_at": self.world.settings.push.settle, "hint_heard_at": self.world.settings.push.look_grace}
        for column, table in WAITED_FOR:
            wait = waits.get(column, timedelta(0))
            since = (now - wait).replace(tzinfo=None).isoformat(" ", "microseconds")
            ((text,),) = self.world.query(f"SELECT min({column}) FROM {table} AND {column} > ?", since)
            if text is not None:
                later.append(self.world.time_of(text) + wait)
        return min(later) if later else None

    # ------------------------------------------------------------------------------------------ choosing

    def any_shop(self) -> str:
        return self.chance.choice(list(self.world.shops))

    def any_order(self) -> tuple[str, FakeShop, object]:
        name = self.any_shop()
        shop = self.world.shops[name]
        orders = list(shop.orders)
        roll = self.chance.random()
        if not orders:
            return name, shop, None
        order = shop.orders[orders[int(roll * len(orders))]].now
        is_past_us = any(self.truth.is_without_stock(name, order, line) for line in order.lines)
        return name, shop, None if is_past_us and not self.may_be_found(name) else order

    def any_shelf(self) -> tuple[str, str]:
        return self.chance.choice(sorted(self.truth.shelf))

    def any_offered(self, shop: FakeShop) -> str | None:
        offered = sorted({item.sku for item in shop.items.values() if item.sku})
        return self.chance.choice(offered) if offered else None

    def may_go_live(self, name: str) -> bool:
        return self.world.state(name) == "shadow" and self.setting.shops[name].goes_live

    def may_be_found(self, name: str) -> bool:
        """Whether a change by hand would be told, or found by the nightly comparison."""
        return self.setting.has_nightly or (
            self.setting.shops[name].has_hints and not self.world.shops[name].faults.is_deaf
        )

    def measure_window(self, name: str, basket: dict[str, int]) -> None:
        """A store that shows more than there is sells what is not there: for how long could it not have known?"""
        shop = self.world.shops[name]
        for sku, units in basket.items():
            item = shop.item(sku)
            place = self.setting.shops[name].pool[0]
            if (sku, place) not in self.truth.shelf or shop.figures.get(item.ref.stock_id, 0) < units:
                continue
            if self.world.state(name) == "live" and self.truth.available(sku, place) < units:
                since = self.truth.changed_at.get(sku, self.world.now())
                self.oversells.append((self.world.now() - since).total_seconds())

    def note_sale(self, name: str, order_id: str, basket: dict[str, int]) -> None:
        for sku in basket:
            self.truth.changed_at[sku] = self.world.now()
