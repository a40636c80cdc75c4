"""Orders as read and as told: what a store took is the same by either way, for everything people do with an order."""

import json
import random
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from connectors.sdk.errors import Refused
from connectors.sdk.suite.store import units_taken
from connectors.sdk.values import OrderChanged, OrderSnapshot
from syncd.sandbox.shopify import catalogue, orders, refunds, returns
from syncd.sandbox.shopify.orders import Wanted
from syncd.sandbox.shopify.shop import NotAllowed
from tests.connectors.shopify.driver import ShopifyDriver


@pytest.fixture
def driver():
    return ShopifyDriver()


def place(driver, *lines, **options):
    return driver.act(orders.place, [Wanted(**line) for line in lines], **options)


def read(driver, order):
    return driver.store().read_order(str(order.number))


def told(driver, order):
    """What the store's own webhook would say of the order now."""
    driver.shopify.webhooks.subscribe("orders/updated", "https://syncd.example/x")
    driver.deliveries()
    driver.act(orders.touched, order, "orders/updated")
    store = driver.store()
    return [fact for headers, body in driver.deliveries() for fact in store.facts(headers, body)]


def one_line(driver, quantity=4):
    return place(driver, {"sku": "MUG-1", "quantity": quantity})


def nothing(driver, order):
    pass


def shipped(driver, order):
    driver.act(orders.fulfil, order)


def cancelled(driver, order):
    driver.act(refunds.cancel, order, restock=True)


def cancelled_without_restock(driver, order):
    driver.act(refunds.cancel, order, restock=False)


def refunded(driver, order):
    driver.act(refunds.refund, order, refunds.backs_of(order.lines[0], 1, restock=True))


def refunded_without_restock(driver, order):
    driver.act(refunds.refund, order, refunds.backs_of(order.lines[0], 1, restock=False))


def shipped_then_refunded(driver, order):
    shipped(driver, order)
    refunded(driver, order)


def refunded_twice(driver, order):
    refunded(driver, order)
    refunded(driver, order)


def edited_down(driver, order):
    driver.act(refunds.edit, order, "MUG-1", 1)


def edited_down_without_restock(driver, order):
    driver.act(refunds.edit, order, "MUG-1", 1, restock=False)


def edited_up(driver, order):
    driver.act(refunds.edit, order, "MUG-1", 6)


def money_only(driver, order):
    driver.act(refunds.refund_units, order, [], amount=Decimal("2.00"))


def returned_for_money(driver, order):
    shipped(driver, order)
    what = driver.act(returns.approve, order, [(order.lines[0], 1)])
    driver.act(returns.process, what, restock=True, with_money=True)


def returned_broken(driver, order):
    shipped(driver, order)
    what = driver.act(returns.approve, order, [(order.lines[0], 1)])
    driver.act(returns.process, what, restock=False, with_money=True)


STORIES = [
    (nothing, 4),
    (shipped, 4),
    (cancelled, 0),
    (cancelled_without_restock, 4),
    (refunded, 3),
    (refunded_without_restock, 4),
    (shipped_then_refunded, 3),
    (refunded_twice, 2),
    (edited_down, 1),
    (edited_down_without_restock, 4),
    (edited_up, 6),
    (money_only, 4),
    (returned_for_money, 3),
    (returned_broken, 4),
]


@pytest.mark.parametrize(("story", "taken"), STORIES, ids=[story.__name__ for story, _ in STORIES])
def test_what_an_order_took_is_what_the_store_misses_read_or_told(driver, story, taken):
    order = one_line(driver)
    story(driver, order)
    assert units_taken(read(driver, order)) == taken
    assert driver.stock("MUG-1") == 20 - taken
    snapshot = next(fact for fact in told(driver, order) if isinstance(fact, OrderSnapshot))
    assert units_taken(snapshot) == taken
    now = read(driver, order)
    assert (snapshot.version, snapshot.is_paid, snapshot.is_final) == (now.version, now.is_paid, now.is_final)
    assert [(r.refund_id, r.lines) for r in snapshot.refunds] == [(r.refund_id, r.lines) for r in now.refunds]
    assert [(line.line_id, line.external_id, line.total, line.tax) for line in snapshot.lines] == [
        (line.line_id, line.external_id, line.total, line.tax) for line in now.lines
    ]


ACTS = (
    shipped,
    cancelled,
    refunded,
    refunded_without_restock,
    edited_down,
    edited_up,
    money_only,
    cancelled_without_restock,
)


@pytest.mark.parametrize("seed", range(15))
def test_after_any_history_the_orders_explain_the_figure(driver, seed):
    chance = random.Random(seed)
    driver.set_stock("MUG-1", 1000)
    placed = []
    for _ in range(60):
        driver.advance(1)
        if not placed or chance.random() < 0.4:
            placed.append(one_line(driver, chance.randint(1, 5)))
            continue
        with suppress(NotAllowed):
            chance.choice(ACTS)(driver, chance.choice(placed))
    taken = {order.number: units_taken(read(driver, order)) for order in placed}
    assert taken == {order.number: sum(line.taken for line in order.lines) for order in placed}
    assert driver.stock("MUG-1") == 1000 - sum(taken.values())


def exchanged(driver):
    order = one_line(driver)
    shipped(driver, order)
    what = driver.act(returns.approve, order, [(order.lines[0], 1)])
    driver.act(returns.process, what, restock=True, with_money=False, exchange_for=Wanted(sku="CUP-1", quantity=1))
    return order


def test_an_even_exchange_gives_back_without_a_refund_and_takes_the_new_unit(driver):
    order = exchanged(driver)
    snapshot = read(driver, order)
    assert units_taken(snapshot) == 4  # 4 - 1 + 1
    assert (driver.stock("MUG-1"), driver.stock("CUP-1")) == (17, 14)
    assert [refund.refund_id for refund in snapshot.refunds] == [f"return-{order.returns[0].number}"]


def test_a_delivery_of_an_order_with_a_return_has_it_read(driver):
    order = exchanged(driver)
    assert OrderChanged(order_id=str(order.number)) in told(driver, order)


def test_without_the_right_to_returns_orders_are_still_read():
    scopes = ["read_products", "write_inventory", "read_locations", "write_orders", "read_all_orders"]
    driver = ShopifyDriver(scopes=scopes)
    snapshot = read(driver, exchanged(driver))
    assert units_taken(snapshot) == 5


def test_a_line_of_a_deleted_product_keeps_its_quantity_and_says_why_it_names_no_unit(driver):
    order = one_line(driver)
    driver.delete("MUG-1")
    (line,) = read(driver, order).lines
    assert (line.external_id, line.sku, line.quantity) == (None, "MUG-1", 4)
    assert line.moves_nothing


def test_a_custom_line_with_a_real_sku_moves_nothing(driver):
    (line,) = read(driver, place(driver, {"sku": "MUG-1", "quantity": 1, "custom": True})).lines
    assert (line.external_id, bool(line.moves_nothing)) == (None, True)


def test_a_gift_card_moves_nothing(driver):
    product = driver.act(catalogue.add_product, "Gift card", is_gift_card=True)
    driver.act(catalogue.add_variant, product, sku="GIFT", tracked=False)
    (line,) = read(driver, place(driver, {"sku": "GIFT", "quantity": 1})).lines
    assert line.moves_nothing == "it is a gift card"


def test_a_bundle_comes_as_its_components(driver):
    driver.act(catalogue.add_bundle, "Set", "SET", [(driver.variant("MUG-1"), 2), (driver.variant("CUP-1"), 1)])
    snapshot = read(driver, place(driver, {"sku": "SET", "quantity": 2}))
    assert [(line.sku, line.quantity) for line in snapshot.lines] == [("MUG-1", 4), ("CUP-1", 2)]


def test_two_lines_of_one_sku_are_two_lines(driver):
    snapshot = read(driver, place(driver, {"sku": "MUG-1", "quantity": 1}, {"sku": "MUG-1", "quantity": 2}))
    assert [line.quantity for line in snapshot.lines] == [1, 2]
    assert len({line.line_id for line in snapshot.lines}) == 2


@pytest.mark.parametrize(("included", "total", "tax"), [(True, "18.00", "1.64"), (False, "19.80", "1.80")])
def test_a_lines_total_has_its_tax_and_its_discount_in_it(included, total, tax):
    driver = ShopifyDriver(tax_rate=Decimal("0.10"), taxes_included=included)
    order = place(driver, {"sku": "MUG-1", "quantity": 2, "discount": Decimal("2.00")}, shipping=Decimal("5.00"))
    snapshot = read(driver, order)
    assert (snapshot.lines[0].total, snapshot.lines[0].tax) == (Decimal(total), Decimal(tax))
    assert snapshot.shipping == Decimal("5.00")


def test_when_it_was_paid_is_when_the_money_came(driver):
    order = place(driver, {"sku": "MUG-1", "quantity": 1}, paid=False)
    driver.advance(3600)
    driver.act(orders.pay, order)
    paid_at = driver.clock.now()
    driver.advance(3600)
    driver.act(orders.fulfil, order)
    snapshot = read(driver, order)
    assert (snapshot.is_paid, snapshot.paid_at, snapshot.created_at) == (True, paid_at, paid_at - timedelta(hours=1))


@pytest.mark.parametrize(
    ("acts", "is_paid", "is_final"),
    [
        ([], False, False),
        ([orders.authorize], False, False),
        ([orders.authorize, orders.void], False, True),
        ([orders.pay], True, False),
    ],
)
def test_authorised_is_unpaid_and_voided_is_final(driver, acts, is_paid, is_final):
    order = place(driver, {"sku": "MUG-1", "quantity": 1}, paid=False)
    for act in acts:
        driver.act(act, order)
    snapshot = read(driver, order)
    assert (snapshot.is_paid, snapshot.is_final) == (is_paid, is_final)


def test_a_test_order_says_that_it_is_one(driver):
    assert read(driver, place(driver, {"sku": "MUG-1", "quantity": 1}, test=True)).is_test


def test_an_order_of_300_lines_is_read_whole(driver):
    order = place(driver, *[{"sku": "MUG-1", "quantity": 1}] * 300, force=True)
    assert len(read(driver, order).lines) == 300


def test_many_refunds_with_many_lines_are_read_whole(driver):
    order = place(driver, *[{"sku": "MUG-1", "quantity": 12}] * 12, force=True)
    for _ in range(9):
        backs = [back for line in order.lines for back in refunds.backs_of(line, 1, restock=True)]
        driver.act(refunds.refund, order, backs)
    snapshot = read(driver, order)
    assert (len(snapshot.refunds), units_taken(snapshot)) == (9, 12 * 12 - 9 * 12)


def test_an_order_with_too_many_refunds_is_named_and_the_others_still_count(driver):
    since = driver.clock.now() - timedelta(minutes=1)
    odd, plain = one_line(driver), one_line(driver, 1)
    for _ in range(50):
        driver.act(refunds.refund_units, odd, [])
    driver.advance(1)
    pages = list(driver.store().orders_since(since))
    assert {number for page in pages for number in page.unreadable} == {str(odd.number)}
    assert [order.order_id for page in pages for order in page.orders] == [str(plain.number)]


def test_a_pull_of_many_orders_is_whole_and_in_order(driver):
    since = driver.clock.now() - timedelta(minutes=1)
    driver.set_stock("MUG-1", 500)
    sold = []
    for _ in range(130):
        sold.append(str(one_line(driver, 1).number))
        driver.advance(1)
    pages = list(driver.store().orders_since(since))
    assert [page.is_last for page in pages] == [False, True]
    assert [order.order_id for page in pages for order in page.orders] == sold


def test_where_a_call_is_too_dear_fewer_orders_are_asked_for(driver):
    sold = [str(one_line(driver, 1).number) for _ in range(5)]
    platform = driver._platform

    def carry(request):
        body = json.loads(request.content)
        if "OrdersById" in body["query"] and len(body["variables"]["ids"]) > 1:
            error = {"message": "too dear", "extensions": {"code": "MAX_COST_EXCEEDED"}}
            return httpx.Response(200, json={"errors": [error]}, request=request)
        return platform.handle_request(request)

    driver._platform = httpx.MockTransport(carry)
    assert [order.order_id for page in driver.store().open_orders() for order in page.orders] == sold


def test_a_filter_that_shopify_ignores_is_no_pull(driver):
    platform = driver._platform

    def carry(request):
        answer = platform.handle_request(request)
        body = json.loads(answer.content)
        body["extensions"]["search"] = [{"warnings": [{"message": "Invalid search syntax."}]}]
        return httpx.Response(200, json=body, request=request)

    driver._platform = httpx.MockTransport(carry)
    with pytest.raises(Refused):
        list(driver.store().orders_since(driver.clock.now()))


def test_cancelled_and_closed_orders_are_pulled_but_not_open(driver):
    since = driver.clock.now() - timedelta(minutes=1)
    closed, gone, left = one_line(driver, 1), one_line(driver, 1), one_line(driver, 1)
    driver.act(orders.close, closed)
    driver.act(refunds.cancel, gone, restock=True)
    driver.advance(1)
    store = driver.store()
    assert {o.order_id for p in store.orders_since(since) for o in p.orders} == {
        str(o.number) for o in (closed, gone, left)
    }
    assert [o.order_id for p in store.open_orders() for o in p.orders] == [str(left.number)]


def test_an_order_deleted_between_the_list_and_the_reading_is_left_out(driver):
    first, second = one_line(driver, 1), one_line(driver, 1)
    driver.act(orders.close, first)

    def after(request):
        if b"query Orders(" in request.content and first.number in driver.shopify.shop.orders:
            driver.act(orders.delete, first)

    driver.after = after
    (page,) = driver.store().orders_since(driver.clock.now() - timedelta(minutes=1))
    assert [order.order_id for order in page.orders] == [str(second.number)]


def test_an_id_that_is_no_number_is_no_order(driver):
    assert driver.store().read_order("#1001") is None
    assert driver.store().read_order("١٢") is None
    assert driver.requests == []
