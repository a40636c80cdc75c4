import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain import stock
from syncd.domain.stock import Cache, Movement


@pytest.mark.parametrize(
    ("on_hand", "opened", "safety", "available", "is_oversold"),
    [
        (50, 3, 2, 45, False),  # 50 - 3 - 2
        (5, 0, 0, 5, False),
        (5, 6, 0, -1, True),  # 5 - 6
        (2, 2, 3, -3, False),  # sold out: 2 - 2 = 0, below zero by safety stock alone
        (0, -1, 0, 1, False),  # a return is owed
        (None, 3, 2, None, False),
    ],
)
def test_available_and_oversold(on_hand, opened, safety, available, is_oversold):
    cache = Cache(on_hand=on_hand, open=opened, safety_stock=safety)
    assert stock.available(cache) == available
    assert stock.is_oversold(cache) is is_oversold


def test_an_acknowledged_sale_leaves_available_as_it_is():
    cache = Cache(on_hand=5, open=2)
    after = stock.apply(cache, stock.acknowledged_sale(cache, 2))
    assert (after.on_hand, after.open, stock.available(after)) == (3, 0, 3)


def test_an_acknowledged_sale_leaves_an_unknown_figure_unknown():
    cache = Cache(open=2)
    assert stock.apply(cache, stock.acknowledged_sale(cache, 2)) == Cache(on_hand=None, open=0)


@pytest.mark.parametrize(
    ("before", "after", "on_hand"),
    [
        (0, 1, 5),  # ours: 4 + 1
        (1, 1, 4),  # a cashier did it, and the readings know
        (1, 2, 5),  # one by a cashier, one by us: 4 + (2 - 1)
    ],
)
def test_an_acknowledged_return_adds_only_what_our_write_returned(before, after, on_hand):
    cache = Cache(on_hand=4, open=-1)
    movement = stock.acknowledged_return(cache, 1, returned_before=before, returned_after=after)
    assert stock.apply(cache, movement) == Cache(on_hand=on_hand, open=0)


def test_the_own_ledger_filled_from_a_store_offers_what_the_store_shows():
    cache = Cache(open=2, safety_stock=1)
    after = stock.apply(cache, stock.filled_from_store(cache, 7))
    assert (after.on_hand, stock.available(after)) == (10, 7)  # 7 + 2 + 1


def test_adjustments_by_and_to_a_number():
    cache = Cache(on_hand=5)
    assert stock.apply(cache, stock.adjustment(-2)).on_hand == 3
    assert stock.apply(cache, stock.adjustment_to(cache, 9)).on_hand == 9
    assert stock.apply(Cache(), stock.adjustment(4)).on_hand == 4


def test_released_units_are_open_no_more():
    cache = Cache(on_hand=5, open=3)
    assert stock.apply(cache, stock.released_open(taken=3, acknowledged=1)).open == 1  # 3 + 1 - 3


STEPS = st.one_of(
    st.tuples(st.just("order"), st.integers(-3, 3)),
    st.tuples(st.just("reading"), st.integers(-2, 50)),
    st.tuples(st.just("sale"), st.integers(1, 3)),
    st.tuples(st.just("return"), st.integers(1, 3)),
    st.tuples(st.just("adjust"), st.integers(-5, 5)),
)


def _movement(cache, step, units):
    match step:
        case "order":
            return stock.order_movement(units)
        case "reading":
            return stock.reading(cache, units)
        case "sale":
            return stock.acknowledged_sale(cache, units)
        case "return":
            return stock.acknowledged_return(cache, units, returned_before=0, returned_after=units)
        case _:
            return stock.adjustment(units)


@given(st.lists(STEPS), st.randoms())
def test_the_cache_is_the_fold_of_its_ledger_in_any_order(steps, rng):
    cache, ledger = Cache(), []
    for step, units in steps:
        movement = _movement(cache, step, units)
        ledger.append(movement)
        cache = stock.apply(cache, movement)
    rng.shuffle(ledger)
    assert stock.fold(ledger) == (cache.on_hand, cache.open)


@given(st.integers(0, 99), st.lists(st.integers(1, 5), max_size=6))
def test_recording_sales_never_changes_what_is_available(on_hand, sales):
    cache = Cache(on_hand=on_hand, open=sum(sales))
    before = stock.available(cache)
    for units in sales:
        cache = stock.apply(cache, stock.acknowledged_sale(cache, units))
        assert stock.available(cache) == before
    assert cache.open == 0


def test_nothing_known_folds_to_unknown():
    assert stock.fold([]) == (None, 0)
    assert stock.fold([Movement(open=2), Movement(open=-1)]) == (None, 1)
