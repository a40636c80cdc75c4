"""The demo as a newcomer starts it, and the two judges in it: each kind of wrong is found, and nothing else."""

import subprocess
from collections import Counter
from dataclasses import replace

import pytest

from syncd.demo.books import BackOfficeSale, Books, StoreOrder
from syncd.demo.measure import Measure, Sale, summary
from syncd.demo.process import SYNCD
from syncd.demo.verdict import judge

STORES = ("shopify", "woocommerce")
TRUTH = {"MUG": 7}
ORDER = StoreOrder(store="shopify", id="11", is_paid=True, ordered={"MUG": 3}, taken={"MUG": 3})
SALE = BackOfficeSale(invoice_no="shopify/11", order=("shopify", "11"), sold={"MUG": 3}, returned={})
STOCK = {"shopify": {"MUG": 7}, "woocommerce": {"MUG": 7}, "prokip": {"MUG": 7}}
GOOD = Books(stock=STOCK, orders=[ORDER], sales=[SALE])


@pytest.mark.timeout(300)
def test_a_headless_demo_keeps_every_promise_and_ends_by_itself():
    ended = subprocess.run(
        [*SYNCD, "demo", "--headless", "--minutes", "0.2"], capture_output=True, text=True, timeout=280, check=False
    )
    assert "Every promise was kept." in ended.stdout, ended.stdout + ended.stderr
    assert ended.returncode == 0
    assert "$ syncd connections live shopify --yes" in ended.stdout


def wrong_in(books, *, truth=TRUTH, measure=None, ledger_says="", still_owed=None):
    measure = measure or Measure(stores=STORES, knowable_after=20)
    verdict = judge(
        books, truth=truth, sold={"shopify": 3}, measure=measure, ledger_says=ledger_says, still_owed=still_owed or {}
    )
    return verdict.wrong


def test_nothing_is_wrong_where_all_books_agree():
    assert wrong_in(GOOD) == []


@pytest.mark.parametrize(
    ("books", "words"),
    [
        pytest.param(
            replace(GOOD, sales=[]),
            "shopify order 11: 0 x MUG in the back office, should be 3",
            id="lost: a paid order is not recorded",
        ),
        pytest.param(
            replace(GOOD, sales=[replace(SALE, sold={"MUG": 2})]),
            "shopify order 11: 2 x MUG in the back office, should be 3",
            id="lost: with fewer units",
        ),
        pytest.param(
            replace(GOOD, sales=[replace(SALE, returned={"MUG": 1})]),
            "shopify order 11: 2 x MUG in the back office, should be 3",
            id="lost: returned though the store took nothing back",
        ),
        pytest.param(
            replace(GOOD, sales=[SALE, replace(SALE, invoice_no="shopify/11-2")]),
            "shopify order 11: 6 x MUG in the back office, should be 3",
            id="doubled: under two invoices",
        ),
        pytest.param(
            replace(GOOD, sales=[SALE, replace(SALE, sold={})]),
            "invoice shopify/11 is there 2 times",
            id="doubled: one invoice twice",
        ),
        pytest.param(
            replace(GOOD, orders=[replace(ORDER, is_paid=False)], stock={**STOCK, "prokip": {"MUG": 10}}),
            "shopify order 11: 3 x MUG in the back office, should be 0",
            id="doubled: an unpaid order is recorded",
        ),
        pytest.param(
            replace(GOOD, orders=[replace(ORDER, taken={"MUG": 1})]),
            "shopify order 11: 3 x MUG in the back office, should be 1",
            id="doubled: a return is missing",
        ),
        pytest.param(
            replace(GOOD, sales=[SALE, replace(SALE, invoice_no="shopify/12", order=("shopify", "12"))]),
            "shopify order 12 is recorded, and the store does not know it",
            id="doubled: an order that no store has",
        ),
        pytest.param(
            replace(GOOD, stock={**STOCK, "woocommerce": {"MUG": 8}}),
            "woocommerce shows 8 x MUG, should show 7",
            id="differing: a store",
        ),
        pytest.param(
            replace(GOOD, stock={**STOCK, "prokip": {"MUG": 6}}),
            "prokip shows 6 x MUG, should show 7",
            id="differing: the back office",
        ),
    ],
)
def test_a_book_that_does_not_fit_the_others_is_found(books, words):
    assert wrong_in(books) == [words]


def test_units_that_an_unpaid_order_holds_still_lie_in_the_back_office():
    unpaid = Books(
        stock={**STOCK, "prokip": {"MUG": 10}},
        orders=[replace(ORDER, is_paid=False)],
        sales=[BackOfficeSale(invoice_no="0042", order=None, sold={"MUG": 2}, returned={})],
    )
    assert wrong_in(unpaid) == []


def test_a_store_that_owes_units_shows_0_or_less():
    below = {"shopify": {"MUG": 0}, "woocommerce": {"MUG": -2}, "prokip": {"MUG": -2}}
    assert wrong_in(replace(GOOD, stock=below), truth={"MUG": -2}) == []
    assert wrong_in(replace(GOOD, stock={**below, "shopify": {"MUG": 1}}), truth={"MUG": -2}) == [
        "shopify shows 1 x MUG, should show 0"
    ]


def test_what_syncd_says_of_itself_is_judged_too():
    assert wrong_in(GOOD, ledger_says="MUG at Main: 7, cache 8", still_owed={"pushes_owed": 2, "looks_due": 0}) == [
        "ledger and cache differ: MUG at Main: 7, cache 8",
        "2 pushes owed were left",
    ]


def test_units_oversold_by_us_are_wrong_and_those_nobody_could_know_of_are_not():
    measure = Measure(stores=STORES, knowable_after=20)
    measure.oversold.unknowable = 4
    assert wrong_in(GOOD, measure=measure) == []
    measure.oversold.by_us = 1
    assert wrong_in(GOOD, measure=measure) == [
        "1 units were sold twice because a store showed a number that was too high"
    ]


@pytest.mark.parametrize(
    ("sales", "expected"),
    [
        # (at, place, units, shown there, truth) -> by us, unknowable, at the till
        pytest.param([(0, "shopify", 2, 5, 5)], (0, 0, 0), id="enough for everybody"),
        pytest.param(
            [(0, "shopify", 1, 1, 1), (1, "woocommerce", 1, 1, 0)], (0, 1, 0), id="the other store sold it just now"
        ),
        pytest.param([(0, "shopify", 1, 1, 1), (60, "woocommerce", 1, 1, 0)], (1, 0, 0), id="it was sold a minute ago"),
        pytest.param([(0, "shopify", 3, 3, 1)], (2, 0, 0), id="shown without any sale to explain it"),
        pytest.param(
            [(0, "shopify", 1, 2, 2), (1, "woocommerce", 3, 4, 1)], (2, 0, 0), id="shows more than a sale explains"
        ),
        pytest.param([(0, "till", 2, 5, 1)], (0, 0, 1), id="over the counter"),
        pytest.param([(0, "woocommerce", 3, 1, 1)], (0, 2, 0), id="the store sold more than it showed"),
    ],
)
def test_a_unit_sold_twice_is_put_down_to_whoever_could_have_known(sales, expected):
    measure = Measure(stores=STORES, knowable_after=20)
    for at, place, units, shown, truth in sales:
        measure.sold(Sale(at=at, sku="MUG", place=place, units=units, shown=shown, truth=truth))
    found = measure.oversold
    assert (found.by_us, found.unknowable, found.at_the_till) == expected


def test_nobody_had_to_know_what_was_sold_around_an_outage():
    measure = Measure(stores=STORES, knowable_after=20)
    measure.sold(Sale(at=90, sku="MUG", place="shopify", units=1, shown=1, truth=1))
    measure.went_down(100)
    measure.sold(Sale(at=130, sku="MUG", place="woocommerce", units=1, shown=1, truth=0))
    measure.came_up(140)
    assert (measure.oversold.by_us, measure.oversold.unknowable) == (0, 1)
    measure.sold(Sale(at=170, sku="MUG", place="woocommerce", units=1, shown=1, truth=-1))
    assert (measure.oversold.by_us, measure.oversold.unknowable) == (1, 1)


def test_a_sale_has_arrived_when_the_other_store_offers_its_units_no_more():
    measure = Measure(stores=STORES, knowable_after=20)
    measure.sold(Sale(at=10, sku="MUG", place="shopify", units=1, shown=5, truth=5))
    measure.sold(Sale(at=11, sku="MUG", place="shopify", units=2, shown=4, truth=4))
    measure.seen(12, "woocommerce", "MUG", shown=5, truth=2)
    assert (measure.lags, measure.unreached) == ([], 2)
    measure.seen(13, "woocommerce", "MUG", shown=4, truth=2)
    assert (measure.lags, measure.unreached) == ([3], 1)
    measure.seen(14, "woocommerce", "MUG", shown=2, truth=2)
    assert (measure.lags, measure.unreached) == ([3, 3], 0)


@pytest.mark.parametrize(
    ("lags", "words"),
    [
        ([], "nothing was measured"),
        ([1.0, 3.0, 2.0], "median 2.00 s, 99 of 100 within 3.00 s, worst 3.00 s (3 measured)"),
        ([1.0] * 198 + [2.0, 9.0], "median 1.00 s, 99 of 100 within 1.99 s, worst 9.00 s (200 measured)"),
    ],
)
def test_a_summary_says_how_long_sales_took(lags, words):
    assert summary(lags) == words


def test_the_counter_of_a_sale_that_was_brought_back_is_empty():
    assert replace(SALE, returned={"MUG": 3}).kept == Counter()
