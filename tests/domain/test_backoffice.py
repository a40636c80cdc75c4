from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.backoffice import (
    Document,
    OrderState,
    OwedReturn,
    OwedSale,
    RecordPolicy,
    acknowledged_units,
    invoice_number,
    owed_documents,
    spread_returns,
    stays_open_for_ever,
    unit_price,
)

PAID = OrderState(policy=RecordPolicy.PAID, was_paid=True)
UNPAID = OrderState(policy=RecordPolicy.PAID, was_paid=False)
PLACED = OrderState(policy=RecordPolicy.PLACED, was_paid=False)
WAITING = OrderState(policy=RecordPolicy.PAID, was_paid=True, waits_for_live=True)


@pytest.mark.parametrize(
    ("order", "taken", "documents", "sale", "returns"),
    [
        (PAID, {"a": 2}, [], OwedSale(n=1, units={"a": 2}), ()),
        (UNPAID, {"a": 2}, [], None, ()),
        (PLACED, {"a": 2, "b": 0}, [], OwedSale(n=1, units={"a": 2}), ()),
        (PAID, {"a": 2}, [Document(n=1, sold={"a": 2})], None, ()),
        (PAID, {"a": 3}, [Document(n=1, sold={"a": 2})], OwedSale(n=2, units={"a": 1}), ()),  # it grew
        (PAID, {"a": 1}, [Document(n=1, sold={"a": 2})], None, (OwedReturn(n=1, targets={"a": 1}),)),
        # 2 + 1 sold, 1 left: 1 of the newest, then 1 of the first
        (
            PAID,
            {"a": 1},
            [Document(n=1, sold={"a": 2}), Document(n=2, sold={"a": 1})],
            None,
            (OwedReturn(n=2, targets={"a": 1}), OwedReturn(n=1, targets={"a": 1})),
        ),
        # 1 of 2 is back already, both shall be: the target is absolute
        (PAID, {"a": 0}, [Document(n=1, sold={"a": 2}, returned={"a": 1})], None, (OwedReturn(n=1, targets={"a": 2}),)),
        # taken again after it came back: a further sale, never fewer returns
        (PAID, {"a": 2}, [Document(n=1, sold={"a": 2}, returned={"a": 1})], OwedSale(n=2, units={"a": 1}), ()),
        # one line grows, another shrinks
        (
            PAID,
            {"a": 2, "b": 0},
            [Document(n=1, sold={"a": 1, "b": 1})],
            OwedSale(n=2, units={"a": 1}),
            (OwedReturn(n=1, targets={"b": 1}),),
        ),
        # recorded once, it follows what the store took, paid or not
        (UNPAID, {"a": 0}, [Document(n=1, sold={"a": 1})], None, (OwedReturn(n=1, targets={"a": 1}),)),
        (PAID, {"a": 2}, [Document(n=1, sold={"a": 1}, is_settled=False)], None, ()),
        (OrderState(policy=RecordPolicy.PAID, was_paid=True, is_baseline=True), {"a": 2}, [], None, ()),
        (OrderState(policy=RecordPolicy.PAID, was_paid=True, is_test=True), {"a": 2}, [], None, ()),
        # its store is in shadow again: what was recorded goes on, what was not waits for going live
        (WAITING, {"a": 2}, [], None, ()),
        (WAITING, {"a": 1}, [Document(n=1, sold={"a": 2})], None, (OwedReturn(n=1, targets={"a": 1}),)),
    ],
)
def test_what_is_owed_of_an_order(order, taken, documents, sale, returns):
    owed = owed_documents(order, taken, documents)
    assert (owed.sale, owed.returns) == (sale, returns)


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.integers(0, 4), min_size=1), max_size=6))
def test_settling_what_is_owed_leaves_the_back_office_with_what_is_taken(states):
    documents: dict[int, Document] = {}
    for taken in states:
        owed = owed_documents(PAID, taken, list(documents.values()))
        if owed.sale is not None:
            documents[owed.sale.n] = Document(n=owed.sale.n, sold=owed.sale.units)
        for back in owed.returns:
            known = documents[back.n]
            assert all(known.returned.get(line, 0) < units <= known.sold[line] for line, units in back.targets.items())
            documents[back.n] = Document(n=back.n, sold=known.sold, returned={**known.returned, **back.targets})
        held = list(documents.values())
        assert all(acknowledged_units(held, line) == units for line, units in taken.items())
        again = owed_documents(PAID, taken, held)
        assert (again.sale, again.returns) == (None, ())


def test_returns_never_exceed_what_was_sold():
    assert spread_returns([Document(n=1, sold={"a": 1})], {"a": 5}) == (OwedReturn(n=1, targets={"a": 1}),)


@pytest.mark.parametrize(
    ("order", "taken", "documents", "stays"),
    [
        (OrderState(policy=RecordPolicy.PAID, was_paid=False, is_final=True), 1, [], True),
        (OrderState(policy=RecordPolicy.PAID, was_paid=False, is_final=True), 0, [], False),  # given back
        (OrderState(policy=RecordPolicy.PAID, was_paid=False), 1, [], False),  # may be paid yet
        (OrderState(policy=RecordPolicy.PAID, was_paid=True, is_final=True), 1, [], False),  # will be recorded
        (OrderState(policy=RecordPolicy.PLACED, was_paid=False, is_final=True), 1, [], False),
        (OrderState(policy=RecordPolicy.PAID, was_paid=False, is_final=True, is_baseline=True), 1, [], False),
    ],
)
def test_an_order_cancelled_unpaid_without_restock_needs_a_person(order, taken, documents, stays):
    assert stays_open_for_ever(order, taken, documents) is stays


@pytest.mark.parametrize(
    ("code", "order_id", "n", "number"),
    [
        ("kampala-2", "5512", 1, "kampala-2/5512"),
        ("kampala-2", "5512", 2, "kampala-2/5512-2"),
        ("k", "a-2", 1, "k/~"),  # not plain: a digest
    ],
)
def test_invoice_numbers(code, order_id, n, number):
    made = invoice_number(code, order_id, n)
    assert made.startswith(number)
    assert made == invoice_number(code, order_id, n)


IDS = st.text(min_size=1, max_size=300)
CODES = st.from_regex(r"[A-Za-z0-9-]{1,64}", fullmatch=True)
KEYS = st.tuples(CODES, IDS | st.from_regex(r"[0-9-]{1,6}", fullmatch=True), st.integers(1, 30))


@given(KEYS, KEYS)
def test_different_documents_have_different_short_numbers(one, other):
    numbers = invoice_number(*one), invoice_number(*other)
    assert (numbers[0] == numbers[1]) is (one == other)
    assert max(map(len, numbers)) <= 190


@pytest.mark.parametrize("key", [("", "1", 1), ("a/b", "1", 1), ("a", "", 1), ("a", "1", 0)])
def test_no_invoice_number_is_made_of_nonsense(key):
    with pytest.raises(ValueError, match="no invoice number"):
        invoice_number(*key)


@pytest.mark.parametrize(
    ("total", "quantity", "price"),
    [
        ("30.00", 3, "10.0000"),
        ("10.00", 3, "3.3333"),
        ("20.00", 3, "6.6667"),
        ("0.00025", 5, "0.0001"),
        ("5", 0, "0.0000"),
    ],
)
def test_the_unit_price_has_four_places(total, quantity, price):
    assert str(unit_price(Decimal(total), quantity)) == price
