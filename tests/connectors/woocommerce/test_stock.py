"""Reading and writing figures: batches, compare-and-set, answers that prove nothing, versions, hosts that choke."""

from datetime import timedelta

import httpx
import pytest

from connectors.sdk.errors import OutcomeUnknown, Unavailable
from connectors.sdk.values import FigureState, StockRef, StockWrite, WriteBatch, WriteOutcome
from tests.connectors.woocommerce.driver import WooDriver


def ref(driver, sku):
    product = driver.people.product(sku)
    parent_id = str(product.parent.id) if product.parent else None
    return StockRef(stock_id=str(product.id), parent_id=parent_id)


def write(driver, sku, expected, quantity):
    return StockWrite(ref=ref(driver, sku), expected=expected, quantity=quantity)


def batch(driver, *writes):
    not_after = driver.clock.now() + timedelta(seconds=30)
    return WriteBatch(reference="PushBatch/1", key="k", writes=writes, not_after=not_after)


def outcome(driver, store, one):
    return store.write_stock(batch(driver, one)).results[one.ref.stock_id]


def test_a_thousand_products_cost_ten_writes_and_ten_reads():
    driver = WooDriver()
    skus = [f"P-{number}" for number in range(1000)]
    for sku in skus:
        driver.people.add_product(sku, 5)
    store = driver.store()
    for some in store.batches([write(driver, sku, 5, 4) for sku in skus]):
        answer = store.write_stock(batch(driver, *some))
        assert {result.outcome for result in answer.results.values()} == {WriteOutcome.WRITTEN}
    assert driver.calls("POST") == ["products/batch"] * 10
    assert {driver.stock(sku) for sku in skus} == {4}


def test_one_call_takes_products_or_the_variations_of_one_parent():
    driver = WooDriver()
    hat = driver.people.add_product("HAT", variable=True, tracked=False)
    driver.people.add_product("HAT-S", 3, parent=hat)
    driver.people.add_product("HAT-M", 3, parent=hat)
    skus = ("MUG-1", "SHIRT-S", "HAT-S", "CAP", "HAT-M")
    batches = driver.store().batches([write(driver, sku, 3, 2) for sku in skus])
    assert [[one.ref.stock_id for one in some] for some in batches] == [
        [ref(driver, sku).stock_id for sku in some] for some in (("MUG-1", "CAP"), ("SHIRT-S",), ("HAT-S", "HAT-M"))
    ]


def test_a_row_that_differs_is_not_written_and_its_neighbours_are():
    driver = WooDriver()
    driver.people.add_product("PLATE", 7)
    store = driver.store()
    driver.people.buy([("MUG-1", 2)])
    answer = store.write_stock(batch(driver, write(driver, "MUG-1", 20, 19), write(driver, "PLATE", 7, 6)))
    mug, plate = (answer.results[ref(driver, sku).stock_id] for sku in ("MUG-1", "PLATE"))
    assert (mug.outcome, mug.found, plate.outcome) == (WriteOutcome.MISMATCH, 18, WriteOutcome.WRITTEN)
    assert (driver.stock("MUG-1"), driver.stock("PLATE")) == (18, 6)


def test_where_nothing_agrees_nothing_is_sent():
    driver = WooDriver()
    assert outcome(driver, driver.store(), write(driver, "MUG-1", 1, 2)).outcome is WriteOutcome.MISMATCH
    assert driver.calls("POST") == []


def test_a_sale_between_our_read_and_our_write_is_buried():
    """What WooCommerce cannot prevent: the look finds it by the order, and the next push corrects it."""
    driver = WooDriver()
    sold = []

    def sell_once(request):
        if request.method == "GET" and not sold:
            sold.append(driver.people.buy([("MUG-1", 3)]))

    driver.after = sell_once
    assert outcome(driver, driver.store(), write(driver, "MUG-1", 20, 19)).outcome is WriteOutcome.WRITTEN
    assert driver.stock("MUG-1") == 19


def test_what_nobody_counts_is_untracked_and_what_was_deleted_is_gone():
    driver = WooDriver()
    driver.people.add_product("UNM-1", tracked=False)
    store, gone = driver.store(), ref(driver, "SHIRT-S")
    assert outcome(driver, store, write(driver, "UNM-1", 0, 3)).outcome is WriteOutcome.UNTRACKED
    driver.delete("SHIRT-S")
    assert outcome(driver, store, StockWrite(ref=gone, expected=15, quantity=3)).outcome is WriteOutcome.GONE


def test_a_product_that_stops_being_counted_between_read_and_write_is_untracked():
    driver = WooDriver()

    def stop_counting(request):
        driver.people.product("MUG-1").manages_stock = False

    driver.after = stop_counting
    assert outcome(driver, driver.store(), write(driver, "MUG-1", 20, 19)).outcome is WriteOutcome.UNTRACKED


def test_stock_management_off_for_the_whole_shop_makes_all_untracked():
    driver = WooDriver()
    driver.woo.shop.rules.counts_stock = False
    (figure,) = driver.store().read_stock([ref(driver, "MUG-1")]).figures.values()
    assert figure.state is FigureState.UNTRACKED


def test_a_trashed_product_is_gone():
    driver = WooDriver()
    driver.people.product("MUG-1").status = "trash"
    (figure,) = driver.store().read_stock([ref(driver, "MUG-1")]).figures.values()
    assert figure.state is FigureState.GONE


@pytest.mark.parametrize("version", ["8.2.2", "11.0.1"])
def test_a_variation_under_another_parent_is_never_written(version):
    driver = WooDriver(version=version)
    cap, shirt = driver.people.product("CAP"), driver.people.product("SHIRT")
    stale = StockRef(stock_id=str(driver.people.product("SHIRT-S").id), parent_id=str(cap.id))
    store = driver.store()
    assert outcome(driver, store, StockWrite(ref=stale, expected=15, quantity=3)).outcome is WriteOutcome.GONE
    assert store.read_stock([stale]).figures[stale.stock_id].state is FigureState.GONE
    assert driver.people.product("SHIRT-S").parent is shirt


def test_a_plugin_that_changes_what_we_set_leaves_the_outcome_unknown():
    driver = WooDriver()
    platform = driver._platform

    class Plugin:
        def handle_request(self, request):
            answer = platform.handle_request(request)
            changed = answer.text.replace('"stock_quantity":19', '"stock_quantity":99')
            return answer if request.method == "GET" else httpx.Response(200, text=changed)

    driver._platform = Plugin()
    result = outcome(driver, driver.store(), write(driver, "MUG-1", 20, 19))
    assert (result.outcome, result.found) == (WriteOutcome.UNKNOWN, 99)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", WriteOutcome.UNKNOWN),
        ('{"update":[]}', WriteOutcome.UNKNOWN),
        ('{"update":[{"id":999}]}', WriteOutcome.UNKNOWN),
        ('{"update":[{"id":10,"manage_stock":true,"stock_quantity":"many"}]}', WriteOutcome.UNKNOWN),
        ('{"update":[{"id":10,"error":{"code":"other","message":"No"}}]}', WriteOutcome.REFUSED),
        (
            '{"update":[{"id":10,"error":{"code":"woocommerce_rest_product_invalid_id","message":"Invalid ID."}}]}',
            WriteOutcome.GONE,
        ),
    ],
)
def test_every_row_of_the_answer_is_judged(text, expected):
    driver = WooDriver()
    platform = driver._platform

    class Odd:
        def handle_request(self, request):
            return platform.handle_request(request) if request.method == "GET" else httpx.Response(200, text=text)

    driver._platform = Odd()
    assert outcome(driver, driver.store(), write(driver, "MUG-1", 20, 19)).outcome is expected


def test_html_with_status_200_leaves_the_outcome_unknown():
    driver = WooDriver()
    driver.after = lambda request: setattr(driver.woo.quirks, "plain_permalinks", True)
    with pytest.raises(OutcomeUnknown):
        outcome(driver, driver.store(), write(driver, "MUG-1", 20, 19))


def test_batches_are_halved_when_the_host_chokes_and_grow_again():
    driver = WooDriver()
    writes = [StockWrite(ref=StockRef(stock_id=str(number)), expected=1, quantity=0) for number in range(100)]
    store = driver.store()
    driver.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        outcome(driver, store, write(driver, "MUG-1", 20, 19))
    assert [len(some) for some in store.batches(writes)] == [50, 50]
    outcome(driver, store, write(driver, "MUG-1", 19, 18))
    assert [len(some) for some in store.batches(writes)] == [55, 45]


def test_a_host_that_takes_fewer_rows_has_surely_written_nothing():
    driver = WooDriver()
    platform = driver._platform

    class Small:
        def handle_request(self, request):
            if request.method == "GET":
                return platform.handle_request(request)
            words = {"code": "woocommerce_rest_request_entity_too_large", "message": "Fewer, please."}
            return httpx.Response(413, json=words)

    driver._platform = Small()
    store = driver.store()
    with pytest.raises(Unavailable):
        outcome(driver, store, write(driver, "MUG-1", 20, 19))
    assert [len(some) for some in store.batches([write(driver, "MUG-1", 1, 2)] * 100)] == [50, 50]


@pytest.mark.parametrize(
    ("version", "reads"),
    [
        ("11.0.1", ["products", "variations"]),
        ("8.2.2", ["products", "variations", "products/12/variations", "products/14/variations"]),
    ],
)
def test_figures_of_many_parents_are_read_by_whichever_way_the_version_has(version, reads):
    driver = WooDriver(version=version)
    cap = driver.people.product("CAP")
    own = driver.people.add_product("CAP-OWN", 4, parent=cap)
    store = driver.store()
    # MUG-1 is 10, SHIRT 11, SHIRT-S 12, CAP 13, CAP-RED 14
    refs = [ref(driver, sku) for sku in ("MUG-1", "SHIRT-S", "CAP-OWN")]
    figures = store.read_stock(refs).figures
    assert {stock_id: figure.quantity for stock_id, figure in figures.items()} == {
        refs[0].stock_id: 20,
        refs[1].stock_id: 15,
        str(own.id): 4,
    }
    parents = sorted({one.parent_id for one in refs if one.parent_id})
    named = [path.replace("12", parents[0]).replace("14", parents[1]) for path in reads]
    assert driver.calls("GET") == named
    store.read_stock(refs)
    assert "variations" not in driver.calls("GET") or version == "11.0.1"


@pytest.mark.parametrize("header", [{"Age": "12"}, {"X-LiteSpeed-Cache": "hit"}, {"CF-Cache-Status": "HIT"}])
def test_a_figure_from_a_cache_is_no_reading(header):
    driver = WooDriver()
    platform = driver._platform

    class Cache:
        def handle_request(self, request):
            answer = platform.handle_request(request)
            return httpx.Response(answer.status_code, headers={**answer.headers, **header}, content=answer.content)

    driver._platform = Cache()
    with pytest.raises(Unavailable, match="cache"):
        driver.store().read_stock([ref(driver, "MUG-1")])


def test_no_address_is_read_twice():
    driver = WooDriver()
    store = driver.store()
    for _ in range(3):
        store.read_stock([ref(driver, "MUG-1")])
    addresses = [str(request.url) for request in driver.requests]
    assert len(set(addresses)) == len(addresses) == 3
