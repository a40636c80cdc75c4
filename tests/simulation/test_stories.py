"""The stories that broke simpler rules. Shown, believed and wanted are 5 at first; naive rules stand beside ours."""

from dataclasses import replace
from random import Random

import pytest

from syncd.domain.backoffice import Document, OrderState, RecordPolicy, owed_documents
from syncd.domain.drift import after_undo_ok, plan_undo, take_ours
from syncd.domain.golive import Standing, began_at, condition_met_at, standing
from syncd.domain.look import Look, Verdict, wants_look_at
from syncd.domain.observed import Observed, shown
from syncd.domain.orders import Decision, LookCause, Revision, intake_decision, line_movement, reread_decision
from syncd.domain.publish import PushWrite, plan_doubtful_write, plan_push
from syncd.domain.readings import Dropped, Held, HeldReason, Pass, judge_sweep, why_dropped
from syncd.domain.stock import Cache, acknowledged_return, acknowledged_sale, apply, available, fold, order_movement
from syncd.domain.stock import reading as reading_movement
from tests.simulation import naive
from tests.simulation.clock import moment
from tests.simulation.desk import Desk
from tests.simulation.rules import RULES, Rules

RIGHT_AND_NAIVE = "rules, ends_right"


@pytest.mark.parametrize(
    RIGHT_AND_NAIVE, [(RULES, True), (Rules(hear_hint=naive.webhook_is_observed), False)], ids=["ours", "naive"]
)
def test_story_1_a_stock_webhook_before_its_order_erases_no_sale(rules, ends_right):
    desk = Desk(rules=rules)
    desk.sell("A1")
    desk.hint(4, at=desk.now)
    desk.push()
    desk.hint_ripens()
    if desk.state.look_due:
        assert desk.look().verdict is Verdict.SUSPECT
        assert desk.plan() is None
    desk.hear("A1")
    desk.come_to_rest()
    assert desk.is_right is ends_right
    assert bool(desk.raised_over) is not ends_right


@pytest.mark.parametrize("listed", [("A1",), ()], ids=["the look hears of it", "the list lags"])
@pytest.mark.parametrize("is_naive", [False, True])
def test_story_2_a_refused_push_does_not_say_what_is_believed(listed, is_naive):
    desk = Desk()
    if is_naive:
        sets = {"after_push_refused": lambda state, was_doubtful: replace(state, observed=desk.shows)}
        desk.rules = replace(RULES, **sets)
    desk.counted_on_the_shelf(4)
    desk.sell("A1")
    desk.push()
    if is_naive:
        desk.hear("A1")
    else:
        assert desk.state.observed == 5
        assert desk.look(*listed).verdict is (Verdict.NOTHING if listed else Verdict.SUSPECT)
        desk.hear("A1")
    desk.come_to_rest()
    assert (desk.shows, desk.wanted) == ((4, 3) if is_naive else (3, 3))


def test_story_3_a_reading_from_before_our_acknowledged_sale_is_dropped():
    began, acknowledged = moment(0), moment(1)
    cache = apply(Cache(on_hand=5), order_movement(1))
    cache = apply(cache, acknowledged_sale(cache, 1))
    assert available(cache) == 4
    assert available(apply(cache, reading_movement(cache, 5))) == 5, "what the naive rule would publish"
    dropped = why_dropped(began_at=began, last_write_at=acknowledged, last_read_answered_at=None, intents_open=0)
    assert dropped is Dropped.BEFORE_OUR_WRITE


@pytest.mark.parametrize(RIGHT_AND_NAIVE, [(RULES, True), (naive.LATE_LINES_TRUSTED, False)], ids=["ours", "naive"])
@pytest.mark.parametrize("is_cancelled", [False, True])
@pytest.mark.parametrize("heard_during_the_write", [False, True])
def test_story_4_a_sale_between_our_read_and_our_write_is_found(
    rules, ends_right, is_cancelled, heard_during_the_write
):
    desk = Desk(compares=False, rules=rules)
    desk.sold_elsewhere()
    plan = desk.plan()
    write = desk.begin(plan)
    desk.sell("A1")
    desk.write(write)
    if is_cancelled:
        desk.cancel("A1")
    if heard_during_the_write:
        desk.hear("A1")
    desk.acknowledge(plan, write)
    desk.now += 3
    desk.hear("A1")
    # A store that cannot compare and heard of it in time is asked again without any rule on lateness.
    saved_by_moves = heard_during_the_write and not is_cancelled
    assert desk.come_to_rest().is_right is (ends_right or saved_by_moves)


def test_story_5_an_unanswered_push_is_not_judged_by_the_value_found():
    desk = Desk()
    desk.sold_elsewhere()
    desk.begin(desk.plan())
    desk.state = RULES.after_push_lost(desk.state, at=moment(desk.now))
    desk.sell("A1")
    assert desk.plan() is None
    assert desk.look().verdict is Verdict.UNKNOWN_RESOLVED
    assert desk.state.observed == desk.shows == 4
    desk.is_writing = False
    desk.hear("A1")
    assert desk.state.look_due
    assert desk.come_to_rest().is_right
    naive_belief_after_hearing = 4 - 1
    assert naive_belief_after_hearing == desk.wanted, "it would have left 4 in the store"


def test_story_5_no_look_begins_while_the_write_could_still_land():
    state = RULES.after_push_lost(Observed(observed=5), at=moment(10))
    assert wants_look_at(state, now=moment(20), quarantine_until=moment(130)) == moment(130)
    assert plan_push(state, 3) is None


@pytest.mark.parametrize(
    RIGHT_AND_NAIVE, [(RULES, True), (Rules(after_push_ok=naive.answer_sets), False)], ids=["ours", "naive"]
)
def test_story_6_an_own_order_between_plan_and_answer_is_not_forgotten(rules, ends_right):
    desk = Desk(rules=rules)
    desk.sold_elsewhere()
    plan = desk.plan()
    write = desk.begin(plan)
    desk.write(write)
    desk.sell("A1")
    desk.hear("A1")
    desk.acknowledge(plan, write)
    assert (desk.state.observed == desk.shows) is ends_right


@pytest.mark.parametrize(
    RIGHT_AND_NAIVE,
    [(RULES, True), (Rules(close_look=naive.look_without_second_reading), False)],
    ids=["ours", "naive"],
)
def test_story_7_a_pull_that_brings_more_than_the_reading_knew_is_no_drift(rules, ends_right):
    desk = Desk(rules=rules)
    first = desk.shows
    desk.sell("A1")
    desk.hear("A1")
    seen = Look(
        first=first,
        second=desk.shows,
        moves=desk.state.moves,
        began_at=moment(100),
        ended_at=moment(101),
        platform_at=moment(101),
    )
    assert (desk.close(seen).verdict is Verdict.AGAIN) is ends_right
    assert (desk.state.observed == desk.shows) is ends_right


def test_story_8_a_return_whose_answer_is_lost_is_not_counted_twice():
    cache = Cache(on_hand=4, open=-1)
    assert available(apply(cache, reading_movement(cache, 5))) == 6, "what the naive rule would publish; 5 are there"
    dropped = why_dropped(began_at=moment(9), last_write_at=None, last_read_answered_at=None, intents_open=1)
    assert dropped is Dropped.IN_FLIGHT
    # Found done later: the reading that follows brings the unit, open only forgets that it was owed.
    found = apply(cache, acknowledged_return(cache, 1, returned_before=1, returned_after=1))
    assert (found.on_hand, found.open, available(found)) == (4, 0, 4)
    assert available(apply(found, reading_movement(found, 5))) == 5


def test_story_9_sale_and_cancel_within_one_second_are_read_again():
    sale = Revision(version=moment(7), content_hash="taken 1")
    cancel = Revision(version=moment(7), content_hash="taken 0")
    for first, second in ((sale, cancel), (cancel, sale)):
        assert intake_decision(None, first) is Decision.APPLY
        assert intake_decision(first, second) is Decision.REREAD
    assert reread_decision(sale, cancel, seen=sale) is Decision.APPLY
    assert reread_decision(cancel, cancel, seen=cancel) is Decision.DUPLICATE


def _units_shown_too_many(rules: Rules) -> int:
    """A hot SKU: two sales a second here, one elsewhere every two seconds, orders heard 0.5 to 4 s late."""
    rng, desk = Random(10), Desk(shows=200, rules=rules)
    coming: list[tuple[float, str]] = []
    too_many = 0
    for tick in range(400):
        desk.now = 100 + tick / 8
        if tick % 4 == 0:
            desk.sell(f"A{tick}")
            coming.append((desk.now + rng.uniform(0.5, 4.0), f"A{tick}"))
        if tick % 16 == 0:
            desk.sold_elsewhere()
        for due in [message for message in coming if message[0] <= desk.now]:
            coming.remove(due)
            desk.hear(due[1])
        desk.push()
        unheard = sum(order.taken for order in desk.orders.values()) - sum(order.taken for order in desk.heard.values())
        too_many = max(too_many, desk.shows - (desk.wanted - unheard))
    return too_many


def test_story_10_a_hot_sku_is_lowered_while_it_is_in_doubt():
    absolute = Rules(after_push_refused=lambda state, was_doubtful: state)
    assert _units_shown_too_many(RULES) <= 2
    assert _units_shown_too_many(absolute) >= 7, "refused for ever, since there is always a sale unheard of"


@pytest.mark.parametrize(
    RIGHT_AND_NAIVE, [(RULES, True), (Rules(close_look=naive.adopt_whatever_is_read), False)], ids=["ours", "naive"]
)
def test_story_11_a_sale_that_the_order_list_does_not_show_yet_is_not_raised_over(rules, ends_right):
    desk = Desk(rules=rules)
    desk.sell("A1")
    desk.state = replace(desk.state, look_due=True)
    desk.look()
    desk.push()
    assert bool(desk.raised_over) is not ends_right
    desk.now += 20
    desk.hear("A1")
    assert desk.come_to_rest().is_right is ends_right
    assert bool(desk.raised_over) is not ends_right


def test_story_11_a_difference_that_stays_after_settling_is_drift():
    desk = Desk()
    desk.shows = 4
    desk.state = replace(desk.state, look_due=True)
    assert desk.look().verdict is Verdict.SUSPECT
    desk.now += 61
    outcome = desk.look()
    assert (outcome.verdict, outcome.drift, outcome.is_correction) == (Verdict.DRIFT_CORRECTED, -1, True)
    assert desk.come_to_rest().shows == 5


@pytest.mark.parametrize(
    ("policy", "created", "paid", "counts"),
    [
        (RecordPolicy.PAID, -10, -5, Standing.BASELINE),  # paid before: in the merchant's books already
        (RecordPolicy.PAID, -10, 5, Standing.LIVE),  # placed before, paid after: ours to record
        (RecordPolicy.PAID, -10, None, Standing.LIVE),  # unpaid: open counts it
        (RecordPolicy.PAID, 5, 6, Standing.LIVE),
        (RecordPolicy.PLACED, -10, 5, Standing.BASELINE),  # placed before is what counts here
        (RecordPolicy.PLACED, 5, None, Standing.LIVE),
    ],
)
def test_story_12_the_dates_of_an_order_decide_whether_it_counts_from_going_live(policy, created, paid, counts):
    t0 = began_at(moment(0))
    paid_at = None if paid is None else moment(paid)
    met = condition_met_at(policy, created_at=moment(created), paid_at=paid_at)
    assert standing(t0, met) is counts


def test_story_12_a_baseline_order_cancelled_later_moves_the_store_alone():
    movement = line_movement(1, 0, baseline=True)
    assert (movement.open_delta, movement.observed_delta) == (0, 1)
    settled = OrderState(policy=RecordPolicy.PAID, was_paid=True, is_baseline=True)
    assert owed_documents(settled, {"1": 0}, []).returns == ()


def test_story_13_after_an_undo_the_next_pass_does_not_overwrite_it():
    desk = Desk(shows=50)
    desk.counted_on_the_shelf(44)
    desk.push()
    desk.sell("A1")
    desk.hear("A1")
    undo = plan_undo(desk.state, before=50, after=44, moved_since=-1)
    assert (undo.expected, undo.quantity) == (43, 49)
    desk.shows = undo.quantity
    desk.state = after_undo_ok(
        desk.state, undo, moves_at_plan=desk.state.moves, store_compares=True, answered_at=moment(200)
    )
    assert (desk.state.observed, shown(desk.state), desk.wanted) == (43, 49, 43)
    assert desk.plan() is None
    desk.state = replace(desk.state, look_due=True)
    assert desk.look().verdict is Verdict.NOTHING
    desk.sold_elsewhere(2)
    desk.push()
    assert (desk.shows, shown(desk.state)) == (47, 47)
    desk.counted_on_the_shelf(60)
    assert desk.plan() is None, "nothing raises it until a person releases it"
    desk.state = take_ours(desk.state)
    assert desk.come_to_rest().is_right


def test_story_13_what_has_changed_since_stays():
    state = Observed(observed=40)
    assert plan_undo(state, before=50, after=44, moved_since=-1) is None


def test_story_14_a_held_reading_is_not_applied_when_it_is_released():
    previous = {f"SKU-{n}": 9 for n in range(96)}
    rows = {sku: 0 if n < 58 else 9 for n, sku in enumerate(previous)}
    held = judge_sweep(rows, previous)
    assert isinstance(held, Held)
    assert (held.reason, held.counts.to_zero) == (HeldReason.LARGE_CHANGE, 58)
    # Hours later a person says that it may pass: of what was stored nothing may, the next reading is judged anew.
    dropped = why_dropped(began_at=moment(0), last_write_at=moment(3600), last_read_answered_at=None, intents_open=0)
    assert dropped is Dropped.BEFORE_OUR_WRITE
    assert isinstance(judge_sweep(previous, previous), Pass)


def test_story_15_a_line_sold_and_then_refunded_is_two_movements():
    steps = [(None, 1), (1, 0)]
    movements = [line_movement(before, taken, baseline=False) for before, taken in steps]
    assert [(m.open_delta, m.observed_delta) for m in movements] == [(1, -1), (-1, 1)]
    assert fold(order_movement(m.open_delta) for m in movements) == (None, 0)


def test_story_16_a_held_figure_at_0_is_lowered_in_the_books_only():
    state = Observed(observed=7, held=-7)
    plan = plan_push(state, 5)
    write = plan_doubtful_write(0, desired=plan.desired, observed=plan.observed)
    assert write == PushWrite(expected=0, quantity=0, full=-2)
    assert not write.changes_the_store
    state = RULES.after_push_ok(state, write, moves_at_plan=plan.moves, store_compares=True, answered_at=moment(1))
    assert (state.observed, shown(state)) == (5, 0)
    assert plan_push(state, 5) is None, "writing 0 over 0 for ever"


@pytest.mark.parametrize(
    RIGHT_AND_NAIVE, [(RULES, True), (Rules(close_look=naive.confirmed_without_fence), False)], ids=["ours", "naive"]
)
def test_two_errors_of_the_same_size_are_not_taken_for_none(rules, ends_right):
    """Found by the simulation: a late order is counted twice while another one is not heard of at all."""
    desk = Desk(rules=rules)
    desk.sell("A1", 2)
    desk.state = replace(desk.state, observed=None)
    desk.look()
    desk.push()
    assert (desk.shows, desk.state.observed) == (5, 5)
    desk.now += 30
    desk.sell("A2", 2)
    desk.hear("A1")
    assert (desk.state.observed, desk.state.look_due) == (3, True)
    assert desk.look("A1").verdict is Verdict.NOTHING
    desk.push()
    desk.now += 20
    desk.hear("A2")
    desk.now += 20
    desk.cancel("A2")
    desk.hear("A2")
    assert desk.come_to_rest().is_right is ends_right


def test_lowering_that_ends_at_0_remembers_what_it_could_not_take():
    """2 sold unheard, 3 sold elsewhere: 1 is shown, 3 are to go; later the 2 are heard of and come back."""
    desk = Desk(shows=3)
    desk.sell("A1", 2)
    desk.sold_elsewhere(3)
    desk.push()
    desk.push()
    assert (desk.shows, desk.state.observed, desk.state.late) == (0, 0, 2)
    assert desk.look().verdict is Verdict.NOTHING
    desk.now += 10
    desk.hear("A1")
    desk.cancel("A1")
    desk.now += 10
    desk.hear("A1")
    assert desk.come_to_rest().shows == 0


def test_a_late_line_names_its_cause():
    lines = {"delta": 1, "taken": 1, "quantity": 1, "earliest": moment(100), "store_compares": False}
    assert RULES.needs_look(**lines, fence=moment(99), write_in_flight=False) is LookCause.LATE
    assert RULES.needs_look(**lines, fence=moment(90), write_in_flight=True) is LookCause.WRITE_IN_FLIGHT
    assert RULES.needs_look(**lines, fence=moment(90), write_in_flight=False) is None


def test_a_document_in_flight_holds_up_the_next_of_its_order_only():
    order = OrderState(policy=RecordPolicy.PLACED, was_paid=False)
    waiting = Document(n=1, sold={"1": 1}, is_settled=False)
    assert owed_documents(order, {"1": 2}, [waiting]).sale is None
    assert owed_documents(order, {"1": 2}, [replace(waiting, is_settled=True)]).sale.units == {"1": 1}
