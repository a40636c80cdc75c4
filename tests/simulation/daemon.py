"""A small syncd without database: what is durable are plain attributes, what a crash forgets are the running processes.

Between two `yield`s is a transaction. A step stores what it is about to send, sends it, and stores the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from syncd.domain.backoffice import Document, OrderState, RecordPolicy, invoice_number
from syncd.domain.drift import take_ours
from syncd.domain.look import HINT_GRACE, Look, Verdict, wants_look_at
from syncd.domain.observed import Observed
from syncd.domain.orders import Decision, LineState, Revision, earliest_time, taken_units
from syncd.domain.publish import PushPlan, PushWrite, desired
from syncd.domain.stock import (
    Cache,
    Movement,
    acknowledged_return,
    acknowledged_sale,
    apply,
    available,
    order_movement,
    reading,
)
from tests.simulation.clock import Clock, Process, moment
from tests.simulation.rules import Rules
from tests.simulation.world import BackOffice, OrderTold, Store

LOST = object()
BEGIN_WITHIN = 30.0
PUSH_QUARANTINE = 90.0
RECORD_QUARANTINE = 150.0
SETTLE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How unkind the network is: chance that a call gets no answer, seconds a call may take, chance of a stalled worker."""

    loss: float = 0.0
    slowest: float = 0.3
    stall: float = 0.0


@dataclass(slots=True)
class Intent:
    """A sale (`target` None) or a return that is stored and sent, for document `n` of its order."""

    n: int
    target: int | None
    at: float
    is_unknown: bool = False


@dataclass(slots=True)
class StoredOrder:
    revision: Revision
    taken: int
    state: OrderState
    documents: dict[int, Document] = field(default_factory=dict)
    intent: Intent | None = None


@dataclass(slots=True)
class SentPush:
    write: PushWrite
    moves: int
    intent_at: float


@dataclass(slots=True)
class Listing:
    state: Observed = field(default_factory=lambda: Observed(look_due=True))
    push: SentPush | None = None
    quarantine_until: datetime | None = None
    corrected_at: list[float] = field(default_factory=list)


class Daemon:
    """Stores, back office and network are given; `start` begins, `crash` forgets what was under way."""

    def __init__(
        self,
        clock: Clock,
        stores: list[Store],
        office: BackOffice,
        rules: Rules,
        weather: Weather,
        policy: RecordPolicy,
    ) -> None:
        self.clock, self.stores, self.office, self.rules, self.weather = clock, stores, office, rules, weather
        self.policy = policy
        self.cache = Cache()
        self.ledger: list[Movement] = []
        self.listings = [Listing() for _ in stores]
        self.orders: dict[tuple[int, int], StoredOrder] = {}
        self.rereads: set[tuple[int, int]] = set()
        self.inbox: list[tuple[int, OrderTold | int]] = []
        self.read_answered: datetime | None = None
        self.last_write: datetime | None = None
        self.intents = 0
        self.taken_in_all = 0
        self.last_reading: tuple[int, int] | None = None
        self.up = False
        self.drift_limit = 20
        self._life = 0
        self._running: set[object] = set()

    # ---------------------------------------------------------------------------------- life

    def start(self) -> None:
        """Whatever was sent before and has no stored answer is unknown."""
        self.up = True
        for listing in self.listings:
            if listing.push is not None:
                self._push_lost(listing)
        for stored in self.orders.values():
            if stored.intent is not None:
                stored.intent.is_unknown = True
        for index in range(len(self.stores)):
            self._spawn(("pull", index), self._pull_loop(index))
            self._kick(index)
        self._spawn("poll", self._poll_loop())
        self._spawn("inbox", self._inbox())
        for key in self.orders:
            self._spawn(("record", key), self._record(key))
        for key in list(self.rereads):
            self._spawn(("reread", key), self._reread(key))

    def crash(self) -> None:
        self.up = False
        self._life += 1
        self._running.clear()
        self.clock.say("syncd", "crashes")

    def _spawn(self, name: object, process: Process, delay: float | None = None) -> None:
        """Run a process unless one of this name runs already."""
        if name in self._running or not self.up:
            process.close()
            return
        self._running.add(name)
        life = self._life

        def step() -> None:
            if life != self._life:
                return
            try:
                self.clock.after(next(process), step)
            except StopIteration:
                self._running.discard(name)

        self.clock.after(self._soon() if delay is None else delay, step)

    def _soon(self) -> float:
        return self.clock.rng.random() * 0.05

    def _now(self) -> datetime:
        return moment(self.clock.now)

    def _call(self, effect: Callable[[], Any], *, late: float = 0.0) -> Process:
        """One request. It may never arrive, or arrive (up to `late` seconds late) without its answer reaching us."""
        rng = self.clock.rng
        answer: list[Any] = []
        takes = rng.random() * self.weather.slowest
        if rng.random() < self.weather.loss:
            if rng.random() < 0.5:
                self.clock.after(takes + rng.random() * late, lambda: answer.append(effect()))
            yield 5.0 + rng.random() * 25.0
            return LOST
        self.clock.after(takes, lambda: answer.append(effect()))
        yield takes + 0.001 + rng.random() * self.weather.slowest
        return answer[0]

    def _stall(self) -> float:
        """Between storing an intent and sending: mostly nothing, sometimes longer than a request may wait."""
        rng = self.clock.rng
        return rng.random() * 45.0 if rng.random() < self.weather.stall else rng.random() * 0.02

    # ---------------------------------------------------------------------------------- orders

    def hear_order(self, index: int, told: OrderTold, *, names_only: bool) -> None:
        if self.up:
            self.inbox.append((index, told.order_id if names_only else told))
            self._spawn("inbox", self._inbox())

    def _inbox(self) -> Process:
        while self.inbox:
            yield self._soon()
            index, message = self.inbox[0]
            if isinstance(message, OrderTold):
                self.take_in(index, message)
            else:
                self._ask_again((index, message))
            del self.inbox[0]

    def _ask_again(self, key: tuple[int, int]) -> None:
        self.rereads.add(key)
        self._spawn(("reread", key), self._reread(key))

    def _reread(self, key: tuple[int, int]) -> Process:
        index, number = key
        while key in self.rereads:
            yield self._soon()
            stored = self.orders.get(key)
            seen = stored.revision if stored else None
            told = yield from self._call(lambda: self.stores[index].read_order(number))
            if told is LOST:
                continue
            stored = self.orders.get(key)
            decision = self.rules.reread_decision(stored.revision if stored else None, _revision(told), seen=seen)
            if decision is Decision.REREAD:
                continue
            self.rereads.discard(key)
            if decision is Decision.APPLY:
                self._apply(key, told)

    def take_in(self, index: int, told: OrderTold) -> None:
        """One order as told by webhook or list, in one transaction."""
        key = (index, told.order_id)
        stored = self.orders.get(key)
        decision = self.rules.intake_decision(stored.revision if stored else None, _revision(told))
        if decision is Decision.APPLY:
            self._apply(key, told)
        elif decision is Decision.REREAD:
            self._ask_again(key)

    def _apply(self, key: tuple[int, int], told: OrderTold) -> None:
        index = key[0]
        stored, listing = self.orders.get(key), self.listings[index]
        taken = taken_units(LineState(line_id="1", quantity=told.quantity, declared=told.declared), told.refunds)
        before = stored.taken if stored else None
        movement = self.rules.line_movement(before, taken, baseline=False)
        cause = self.rules.needs_look(
            earliest=earliest_time(stored.revision.version if stored else None, moment(told.created)),
            fence=listing.state.fence,
            delta=taken - (before or 0),
            taken=taken,
            quantity=told.quantity,
            write_in_flight=listing.push is not None,
            store_compares=self.stores[index].compares,
        )
        if movement.open_delta:
            self._book(order_movement(movement.open_delta))
        self.taken_in_all += taken - (before or 0)
        listing.state = self.rules.own_movement(listing.state, movement.observed_delta, must_look=cause is not None)
        state = OrderState(
            policy=self.policy, was_paid=told.is_paid or bool(stored and stored.state.was_paid), is_final=told.is_final
        )
        if stored is None:
            self.orders[key] = StoredOrder(_revision(told), taken, state)
        else:
            stored.revision, stored.taken, stored.state = _revision(told), taken, state
        self.clock.say(
            "syncd",
            f"takes in {self.stores[index].name}'s order {key[1]}: taken {before} to {taken}{self._tell(index)}",
        )
        self._spawn(("record", key), self._record(key))
        self._kick_all()

    def _pull_loop(self, index: int) -> Process:
        while True:
            yield 20.0 + self.clock.rng.random() * 20.0
            orders = yield from self._call(self.stores[index].list_orders)
            if orders is not LOST:
                for told in orders:
                    self.take_in(index, told)

    # ---------------------------------------------------------------------------------- listings

    def hear_hint(self, index: int, quantity: int, at: float) -> None:
        listing = self.listings[index]
        if self.up:
            listing.state = self.rules.hear_hint(listing.state, quantity=quantity, at=moment(at), heard_at=self._now())
            self._kick(index, HINT_GRACE.total_seconds())

    def compare_all(self) -> None:
        """The nightly comparison looks at everything."""
        for index, listing in enumerate(self.listings):
            listing.state = replace(listing.state, look_due=True)
            self._kick(index)

    def release_held(self) -> None:
        """A person takes our number wherever one is held."""
        for index, listing in enumerate(self.listings):
            if listing.state.held:
                listing.state = take_ours(listing.state)
                self._kick(index)

    def _kick_all(self) -> None:
        for index in range(len(self.stores)):
            self._kick(index)

    def _kick(self, index: int, delay: float | None = None) -> None:
        if delay is None:
            self._spawn(("hand", index), self._hand(index))
        else:
            life = self._life
            self.clock.after(delay, lambda: self._kick(index) if life == self._life else None)

    def wanted(self) -> int | None:
        return desired([available(self.cache)])

    def _hand(self, index: int) -> Process:
        """The one hand that pushes and looks, as the lease gives it."""
        listing = self.listings[index]
        while True:
            hint = listing.state.hint
            if hint is not None and hint.heard_at + HINT_GRACE <= self._now():
                listing.state = self.rules.hint_matured(listing.state)
            plan = self.rules.plan_push(listing.state, self.wanted())
            if plan is not None:
                yield from self._push(index, plan)
            due = wants_look_at(
                listing.state, now=self._now(), settle=SETTLE, quarantine_until=listing.quarantine_until
            )
            if due is not None and due <= self._now():
                yield from self._look(index)
            elif plan is None:
                if due is not None:
                    self._kick(index, (due - self._now()).total_seconds() + 0.01)
                return
            yield self._soon()

    def _push(self, index: int, plan: PushPlan) -> Process:
        listing, store = self.listings[index], self.stores[index]
        write = plan.write
        if write is None:
            found = yield from self._call(store.read_stock)
            if found is LOST:
                return
            write = self.rules.plan_doubtful_write(found, desired=plan.desired, observed=plan.observed)
            if not write.changes_the_store:
                self._push_ok(index, write, plan)
                return
        listing.push = SentPush(write, plan.moves, self.clock.now)
        yield self._stall()
        if self.clock.now > listing.push.intent_at + BEGIN_WITHIN:
            listing.push = None
            return
        outcome: object = None
        if not store.compares:
            found = yield from self._call(store.read_stock)
            if found is LOST:
                listing.push = None
                return
            outcome = found == write.expected
        if outcome is not False:
            outcome = yield from self._call(partial(store.write_stock, write.expected, write.quantity), late=30.0)
        if outcome is LOST:
            self._push_lost(listing)
        elif outcome:
            self._push_ok(index, write, plan)
        else:
            listing.push = None
            listing.state = self.rules.after_push_refused(listing.state, was_doubtful=plan.write is None)

    def _push_ok(self, index: int, write: PushWrite, plan: PushPlan) -> None:
        listing = self.listings[index]
        listing.push = None
        listing.state = self.rules.after_push_ok(
            listing.state,
            write,
            moves_at_plan=plan.moves,
            store_compares=self.stores[index].compares,
            answered_at=self._now(),
        )
        self.clock.say(
            "syncd", f"pushed {write.expected} to {write.quantity}, difference {write.full}{self._tell(index)}"
        )

    def _push_lost(self, listing: Listing) -> None:
        assert listing.push is not None
        listing.quarantine_until = moment(listing.push.intent_at + BEGIN_WITHIN + PUSH_QUARANTINE)
        listing.push = None
        listing.state = self.rules.after_push_lost(listing.state, at=self._now())
        self.clock.say("syncd", "does not know how its push ended")

    def _look(self, index: int) -> Process:
        listing, store = self.listings[index], self.stores[index]
        began_at = self._now()
        first = yield from self._call(store.read_stock)
        orders = yield from self._call(store.list_orders)
        if first is LOST or orders is LOST:
            return
        for told in orders:
            self.take_in(index, told)
        moves = listing.state.moves
        yield self._soon()
        second = yield from self._call(store.read_stock)
        if second is LOST:
            return
        now = self._now()
        outcome = self.rules.close_look(
            listing.state,
            Look(first=first, second=second, moves=moves, began_at=began_at, ended_at=now, platform_at=now),
            settle=SETTLE,
            drift_limit=self.drift_limit,
            corrections_today=len(listing.corrected_at),
        )
        listing.state = outcome.state
        if outcome.is_correction:
            listing.corrected_at.append(self.clock.now)
        if outcome.verdict is Verdict.UNKNOWN_RESOLVED:
            listing.quarantine_until = None
        self.clock.say("syncd", f"looks at {store.name}: {first}, {second}: {outcome.verdict}{self._tell(index)}")

    # ---------------------------------------------------------------------------------- back office

    def _book(self, movement: Movement) -> None:
        self.ledger.append(movement)
        self.cache = apply(self.cache, movement)

    def _poll_loop(self) -> Process:
        while True:
            began_at = self._now()
            answer = yield from self._call(self.office.read_shelf)
            answered_at = self._now()
            yield self._soon()
            again = 20.0
            if answer is not LOST:
                dropped = self.rules.why_dropped(
                    began_at=began_at,
                    last_write_at=self.last_write,
                    last_read_answered_at=self.read_answered,
                    intents_open=self.intents,
                )
                again = 5.0 if dropped else 20.0
                if not dropped:
                    if answer[0] != self.cache.on_hand:
                        self.clock.say("syncd", f"applies the reading {answer[0]}")
                    self._book(reading(self.cache, answer[0]))
                    self.read_answered, self.last_reading = answered_at, answer
                    self._kick_all()
            yield again + self.clock.rng.random() * 5.0

    def _record(self, key: tuple[int, int]) -> Process:
        """Settles one order with the back office, one document at a time."""
        stored = self.orders[key]
        while True:
            if stored.intent is not None:
                yield from self._resolve(key, stored.intent)
                continue
            owed = self.rules.owed_documents(stored.state, {"1": stored.taken}, list(stored.documents.values()))
            if owed.sale is not None:
                n, target = owed.sale.n, None
                stored.documents[n] = Document(n=n, sold=owed.sale.units, is_settled=False)
            elif owed.returns:
                n, target = owed.returns[0].n, owed.returns[0].targets["1"]
                stored.documents[n] = replace(stored.documents[n], is_settled=False)
            else:
                return
            stored.intent = Intent(n, target, self.clock.now)
            self.intents += 1
            yield from self._send(key, stored.intent)

    def _send(self, key: tuple[int, int], intent: Intent) -> Process:
        stored, invoice = self.orders[key], _invoice(key, intent.n)
        yield self._stall()
        if self.clock.now > intent.at + BEGIN_WITHIN:
            self._drop(stored, intent)
        elif intent.target is None:
            units = stored.documents[intent.n].sold["1"]
            answer = yield from self._call(partial(self.office.record_sale, invoice, units), late=60.0)
            if answer is not LOST:
                self._sale_recorded(stored, intent, invoice)
        else:
            answer = yield from self._call(partial(self.office.return_units, invoice, intent.target), late=60.0)
            if answer is not LOST:
                self._returned(stored, intent, invoice, *answer)
        if stored.intent is not None:
            stored.intent.is_unknown = True

    def _resolve(self, key: tuple[int, int], intent: Intent) -> Process:
        """Wait until the server cannot be writing any more, look it up, and only then believe what is found."""
        stored, invoice = self.orders[key], _invoice(key, intent.n)
        yield max(0.0, intent.at + BEGIN_WITHIN + RECORD_QUARANTINE - self.clock.now)
        found = yield from self._call(partial(self.office.find_returned, invoice))
        if found is LOST:
            return
        if found is None or (intent.target is not None and found < intent.target):
            self._drop(stored, intent)
        elif intent.target is None:
            self._sale_recorded(stored, intent, invoice)
        else:
            self._returned(stored, intent, invoice, intent.target, intent.target)

    def _drop(self, stored: StoredOrder, intent: Intent) -> None:
        """It surely did not happen: owed again."""
        if intent.target is None:
            del stored.documents[intent.n]
        else:
            stored.documents[intent.n] = replace(stored.documents[intent.n], is_settled=True)
        stored.intent = None
        self.intents -= 1

    def _sale_recorded(self, stored: StoredOrder, intent: Intent, invoice: str) -> None:
        document = stored.documents[intent.n]
        stored.documents[intent.n] = replace(document, is_settled=True)
        self._acknowledged(stored, acknowledged_sale(self.cache, document.sold["1"]))
        self.clock.say("syncd", f"books that {invoice} is recorded")

    def _returned(self, stored: StoredOrder, intent: Intent, invoice: str, before: int, after: int) -> None:
        document, target = stored.documents[intent.n], intent.target
        assert target is not None
        more = target - document.returned.get("1", 0)
        stored.documents[intent.n] = replace(document, returned={"1": target}, is_settled=True)
        self._acknowledged(stored, acknowledged_return(self.cache, more, returned_before=before, returned_after=after))
        self.clock.say("syncd", f"books that {target} of {invoice} are back")

    def _acknowledged(self, stored: StoredOrder, movement: Movement) -> None:
        self._book(movement)
        stored.intent = None
        self.intents -= 1
        self.last_write = self._now()
        self._kick_all()

    def _tell(self, index: int) -> str:
        if self.clock.story is None:
            return ""
        state = self.listings[index].state
        doubts = [name for name in ("look_due", "suspect", "held", "unknown") if getattr(state, name)]
        return f" | {self.stores[index].name} believed {state.observed}, wanted {self.wanted()} {' '.join(doubts)}"


def _invoice(key: tuple[int, int], n: int) -> str:
    return invoice_number("AB"[key[0]], str(key[1]), n)


def _revision(told: OrderTold) -> Revision:
    return Revision(version=moment(told.version), content_hash=_content(told))


def _content(told: OrderTold) -> str:
    return f"{told.quantity}/{told.declared}/{len(told.refunds)}/{told.is_paid}/{told.is_final}"
