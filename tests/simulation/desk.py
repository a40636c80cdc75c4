"""One listing on a table, moved step by step: for telling a story of STOCK in the order in which it happened."""

import math
from dataclasses import dataclass, replace

from syncd.domain.look import Look, LookOutcome, wants_look_at
from syncd.domain.observed import Observed
from syncd.domain.orders import Decision, Revision
from syncd.domain.publish import PushPlan, PushWrite, desired
from syncd.domain.stock import Cache, apply, available, order_movement
from syncd.domain.stock import reading as reading_movement
from tests.simulation.clock import moment
from tests.simulation.rules import RULES, Rules


@dataclass(slots=True)
class ShopOrder:
    quantity: int
    taken: int
    created: int
    version: int


class Desk:
    """A shop that shows a number, and what we believe of it. All are 5 at first, as in the stories."""

    def __init__(self, *, compares: bool = True, rules: Rules = RULES, shows: int = 5) -> None:
        self.compares, self.rules = compares, rules
        self.shows = shows
        self.cache = Cache(on_hand=shows)
        self.state = Observed(observed=shows, fence=moment(0))
        self.now = 100.0
        self.orders: dict[str, ShopOrder] = {}
        self.heard: dict[str, ShopOrder] = {}
        self.is_writing = False
        self.raised_over: list[int] = []

    # What happens in the shop and elsewhere.

    def sell(self, name: str, quantity: int = 1) -> None:
        self.shows -= quantity
        second = math.floor(self.now)
        self.orders[name] = ShopOrder(quantity, quantity, second, second)

    def cancel(self, name: str) -> None:
        order = self.orders[name]
        self.shows += order.taken
        self.orders[name] = ShopOrder(order.quantity, 0, order.created, math.floor(self.now))

    def sold_elsewhere(self, quantity: int = 1) -> None:
        self.cache = apply(self.cache, order_movement(quantity))

    def counted_on_the_shelf(self, quantity: int) -> None:
        self.cache = apply(self.cache, reading_movement(self.cache, quantity))

    # What we do.

    @property
    def wanted(self) -> int | None:
        return desired([available(self.cache)])

    def hear(self, *names: str) -> Decision:
        decision = Decision.DUPLICATE
        for name in names:
            decision = self._hear(name, self.orders[name])
        return decision

    def _hear(self, name: str, told: ShopOrder) -> Decision:
        stored = self.heard.get(name)
        decision = self.rules.intake_decision(_revision(stored) if stored else None, _revision(told))
        if decision is not Decision.APPLY:
            return decision
        movement = self.rules.line_movement(stored.taken if stored else None, told.taken, baseline=False)
        cause = self.rules.needs_look(
            earliest=moment(stored.version if stored else told.created),
            fence=self.state.fence,
            delta=-movement.observed_delta,
            taken=told.taken,
            quantity=told.quantity,
            write_in_flight=self.is_writing,
            store_compares=self.compares,
        )
        self.cache = apply(self.cache, order_movement(movement.open_delta))
        self.state = self.rules.own_movement(self.state, movement.observed_delta, must_look=cause is not None)
        self.heard[name] = replace(told)
        return decision

    def hint(self, quantity: int, at: float) -> None:
        self.state = self.rules.hear_hint(self.state, quantity=quantity, at=moment(at), heard_at=moment(self.now))

    def hint_ripens(self) -> None:
        self.now += 5
        self.state = self.rules.hint_matured(self.state)

    def plan(self) -> PushPlan | None:
        return self.rules.plan_push(self.state, self.wanted)

    def begin(self, plan: PushPlan) -> PushWrite:
        """The write of a plan, stored before it is sent."""
        self.is_writing = True
        return plan.write or self.rules.plan_doubtful_write(self.shows, desired=plan.desired, observed=plan.observed)

    def write(self, write: PushWrite) -> None:
        if write.quantity > self.shows:
            self.raised_over.append(write.quantity - self.shows)
        self.shows = write.quantity

    def acknowledge(self, plan: PushPlan, write: PushWrite) -> None:
        self.is_writing = False
        self.state = self.rules.after_push_ok(
            self.state, write, moves_at_plan=plan.moves, store_compares=self.compares, answered_at=moment(self.now)
        )

    def push(self) -> bool:
        """One whole push; False when nothing is owed or allowed."""
        plan = self.plan()
        if plan is None:
            return False
        write = self.begin(plan)
        if write.expected != self.shows:
            self.is_writing = False
            self.state = self.rules.after_push_refused(self.state, was_doubtful=plan.write is None)
            return True
        self.write(write)
        self.acknowledge(plan, write)
        return True

    def look(self, *listed: str) -> LookOutcome:
        """A look whose order list shows only the orders named."""
        began = self.now
        first = self.shows
        self.hear(*listed)
        moves = self.state.moves
        self.now += 0.2
        return self.close(Look(**self._times(began), first=first, second=self.shows, moves=moves))

    def close(self, seen: Look) -> LookOutcome:
        outcome = self.rules.close_look(self.state, seen)
        self.state = outcome.state
        return outcome

    def _times(self, began: float) -> dict:
        return {"began_at": moment(began), "ended_at": moment(self.now), "platform_at": moment(self.now)}

    def come_to_rest(self) -> "Desk":
        """Push and look for as long as anything is owed or due, waiting where a rule waits."""
        for _ in range(30):
            self.now += 10
            due = wants_look_at(self.state, now=moment(self.now))
            if due is not None:
                self.now = max(self.now, (due - moment(0)).total_seconds())
                self.look(*self.heard)
            elif not self.push():
                return self
        raise AssertionError(f"never at rest: {self.state}")

    @property
    def is_right(self) -> bool:
        return max(0, self.shows) == self.wanted


def _revision(order: ShopOrder) -> Revision:
    return Revision(version=moment(order.version), content_hash=str(order.taken))
