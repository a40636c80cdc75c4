from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.orders import (
    Decision,
    LineState,
    LookCause,
    NoStock,
    RefundLine,
    Revision,
    earliest_time,
    intake_decision,
    line_movement,
    needs_look,
    reread_decision,
    restocked_units,
    taken_units,
    why_no_stock,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def revision(second, content="a"):
    return Revision(version=NOON + timedelta(seconds=second), content_hash=content)


def refund(refund_id, quantity, *, restocked=True, line_id="1"):
    return RefundLine(
        refund_id=refund_id, refund_line_id=f"{refund_id}.1", line_id=line_id, quantity=quantity, restocked=restocked
    )


@pytest.mark.parametrize(
    ("stored", "told", "decision"),
    [
        (None, revision(1), Decision.APPLY),
        (revision(1), revision(2, "b"), Decision.APPLY),
        (revision(1), revision(1), Decision.DUPLICATE),
        (revision(2), revision(1, "b"), Decision.OLDER),
        (revision(1), revision(1, "b"), Decision.REREAD),
        (revision(1), None, Decision.REREAD),
        (None, None, Decision.REREAD),
    ],
)
def test_what_becomes_of_a_message(stored, told, decision):
    assert intake_decision(stored, told) is decision


@pytest.mark.parametrize(
    ("seen", "stored", "told", "decision"),
    [
        (revision(1), revision(1), revision(1, "b"), Decision.APPLY),  # same second, read afterwards
        (revision(1), revision(1), revision(1), Decision.DUPLICATE),
        (revision(1), revision(1), revision(2, "b"), Decision.APPLY),
        (revision(1), revision(2, "b"), revision(2, "c"), Decision.REREAD),  # stored while we read
        (revision(2), revision(2), revision(1), Decision.REREAD),  # a lagging copy answered
        (None, None, revision(1), Decision.APPLY),
        (None, revision(1), revision(1), Decision.REREAD),
    ],
)
def test_what_becomes_of_an_order_that_was_read(seen, stored, told, decision):
    assert reread_decision(stored, told, seen=seen) is decision


@pytest.mark.parametrize(
    ("quantity", "declared", "refunds", "taken"),
    [
        (3, None, [], 3),
        (3, None, [refund("R1", 1)], 2),  # 3 - 1
        (3, None, [refund("R1", 1, restocked=False)], 3),  # money only
        (3, None, [refund("R1", 1), refund("R2", 2)], 0),  # 3 - 1 - 2
        (3, None, [refund("R1", 5)], 0),  # never below 0
        (3, None, [refund("R1", 1, line_id="2")], 3),  # another line's
        (3, 2, [refund("R1", 3)], 2),  # the store's own word
        (3, 0, [], 0),
        (3, 4, [], 4),
        (3, -1, [], 0),
    ],
)
def test_taken_units(quantity, declared, refunds, taken):
    assert taken_units(LineState(line_id="1", quantity=quantity, declared=declared), refunds) == taken


def test_only_what_refunds_put_back_counts():
    refunds = [refund("R1", 1, restocked=False), refund("R2", 1), refund("R3", 1, line_id="2")]
    assert restocked_units(refunds, "1") == 1


@given(st.lists(st.integers(0, 9), min_size=1))
def test_movements_of_a_line_add_up_to_what_it_has_taken(states):
    before, opened, observed = None, 0, 0
    for taken in states:
        for _ in range(2):  # each snapshot twice: the second moves nothing
            movement = line_movement(before, taken, baseline=False)
            opened, observed, before = opened + movement.open_delta, observed + movement.observed_delta, taken
    assert (opened, observed) == (states[-1], -states[-1])


def test_a_baseline_line_moves_the_store_and_not_open():
    movement = line_movement(2, 1, baseline=True)
    assert (movement.open_delta, movement.observed_delta) == (0, 1)


RELEVANT = {
    "was_attached": False, "said_by_store": None, "has_sku": True, "has_listing": True, "is_tracked": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"has_listing": False}, NoStock.UNKNOWN_LISTING),
        ({"has_listing": False, "has_sku": False}, NoStock.NO_SKU),
        ({"has_sku": False}, None),  # linked by hand
        ({"said_by_store": NoStock.GIFT_CARD}, NoStock.GIFT_CARD),
        ({"said_by_store": NoStock.NOT_STOCK}, NoStock.NOT_STOCK),
        ({"is_tracked": False}, NoStock.UNTRACKED),
        ({"is_ignored": True}, NoStock.IGNORED),
        ({"was_attached": True, "said_by_store": NoStock.NOT_STOCK, "has_listing": False}, None),  # deleted later
        ({"was_attached": True, "is_tracked": False}, None),  # today's flag is not that of the sale
    ],
)
def test_which_lines_move_stock(change, reason):
    assert why_no_stock(**{**RELEVANT, **change}) is reason


@pytest.mark.parametrize(
    ("earliest", "fence", "delta", "taken", "in_flight", "compares", "cause"),
    [
        (0, None, 1, 1, False, True, None),
        (0, 0, 1, 1, False, True, LookCause.LATE),
        (5, 0, 1, 1, False, True, LookCause.LATE),  # the margin: 0 + 5 >= 5
        (5.9, 0.1, 1, 1, False, True, LookCause.LATE),  # whole seconds: 5 <= 0 + 5
        (6, 0.9, 1, 1, False, True, None),
        (0, 0, 0, 1, False, True, None),  # nothing moved, nothing given back
        (0, 0, 0, 0, False, True, LookCause.LATE),  # sold and given back behind our write
        (9, 0, 0, 0, True, False, LookCause.WRITE_IN_FLIGHT),
        (9, 0, 1, 1, True, False, LookCause.WRITE_IN_FLIGHT),
        (9, 0, 1, 1, True, True, None),  # a store that compares refuses the write itself
    ],
)
def test_when_a_line_asks_for_a_look(earliest, fence, delta, taken, in_flight, compares, cause):
    assert (
        needs_look(
            earliest=NOON + timedelta(seconds=earliest),
            fence=None if fence is None else NOON + timedelta(seconds=fence),
            delta=delta,
            taken=taken,
            quantity=1,
            write_in_flight=in_flight,
            store_compares=compares,
        )
        is cause
    )


def test_the_earliest_time_of_a_change_is_the_version_before_it():
    assert earliest_time(None, NOON) == NOON
    assert earliest_time(NOON + timedelta(hours=1), NOON) == NOON + timedelta(hours=1)
