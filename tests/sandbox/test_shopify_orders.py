"""What the simulated Shopify does to its stock: one test for every row of the platform's own rules.

Figures are (available, committed, on hand) of MUG, which begins with (5, 0, 5).
"""

from decimal import Decimal

import pytest

from syncd.sandbox.shopify import catalogue, orders, refunds, returns, stock
from syncd.sandbox.shopify.orders import Wanted
from syncd.sandbox.shopify.shop import NotAllowed
from tests.sandbox.shopify_shop import Shopify, gid


@pytest.fixture
def shopify():
    return Shopify()


def types(order):
    return [(line.restock_type, line.quantity) for refund in order.refunds for line in refund.lines]


@pytest.mark.parametrize("options", [{"paid": True}, {"paid": False}, {"source_name": "pos"}, {"test": True}])
def test_a_placed_order_takes_its_stock_paid_or_not(shopify, options):
    shopify.sell(2, **options)
    assert shopify.figures() == (3, 2, 5)


def test_shipping_leaves_available_alone_and_unshipping_restores(shopify):
    order = shopify.sell(2)
    shopify.act(orders.fulfil, order)
    assert shopify.figures() == (3, 0, 3)
    shopify.act(orders.unfulfil, order)
    assert shopify.figures() == (3, 2, 5)


@pytest.mark.parametrize("act", [orders.void, orders.authorize, orders.close, orders.pay])
def test_money_and_archiving_move_nothing(shopify, act):
    order = shopify.sell(2, paid=False)
    shopify.act(act, order)
    assert shopify.figures() == (3, 2, 5)


def test_cancelling_with_restock_gives_unshipped_units_back(shopify):
    order = shopify.sell(2)
    shopify.act(refunds.cancel, order, restock=True)
    assert (shopify.figures(), types(order)) == ((5, 0, 5), [("CANCEL", 2)])


def test_cancelling_without_restock_leaves_the_units_gone(shopify):
    order = shopify.sell(2)
    shopify.act(refunds.cancel, order, restock=False)
    assert (shopify.figures(), types(order)) == ((3, 0, 3), [("NO_RESTOCK", 2)])


def test_cancelling_after_a_partial_shipment_gives_back_the_rest(shopify):
    order = shopify.sell(3)
    shopify.act(orders.fulfil, order, {order.lines[0].number: 1})
    shopify.act(refunds.cancel, order, restock=True)
    assert (shopify.figures(), types(order)) == ((4, 0, 4), [("CANCEL", 2)])


def test_an_unpaid_order_of_a_closed_location_is_not_restocked_in_spite_of_the_flag(shopify):
    order = shopify.sell(2, paid=False)
    shopify.act(catalogue.deactivate_location, shopify.location)
    shopify.act(refunds.cancel, order, restock=True)
    assert (shopify.figures(), types(order)) == ((3, 0, 3), [("NO_RESTOCK", 2)])


def test_a_paid_order_of_a_closed_location_cannot_be_cancelled_with_restock(shopify):
    order = shopify.sell(2)
    shopify.act(catalogue.deactivate_location, shopify.location)
    with pytest.raises(NotAllowed):
        shopify.act(refunds.cancel, order, restock=True)
    assert order.cancelled_at is None


def test_a_cancellation_may_leave_no_refund_lines(shopify):
    order = shopify.sell(2, paid=False)
    shopify.act(refunds.cancel, order, restock=True, recorded=False)
    assert (shopify.figures(), types(order)) == ((5, 0, 5), [])


@pytest.mark.parametrize(
    ("shipped", "restock", "figures", "written"),
    [
        (0, True, (4, 1, 5), [("CANCEL", 1)]),
        (2, True, (4, 0, 4), [("RETURN", 1)]),
        (0, False, (3, 1, 4), [("NO_RESTOCK", 1)]),
        (2, False, (3, 0, 3), [("NO_RESTOCK", 1)]),
    ],
)
def test_a_refund_moves_stock_by_its_restock_type_alone(shopify, shipped, restock, figures, written):
    order = shopify.sell(2)
    if shipped:
        shopify.act(orders.fulfil, order)
    shopify.act(refunds.refund, order, refunds.backs_of(order.lines[0], 1, restock=restock))
    assert (shopify.figures(), types(order)) == (figures, written)


def test_without_restock_shipped_units_are_given_up_first(shopify):
    order = shopify.sell(3)
    line = order.lines[0]
    shopify.act(orders.fulfil, order, {line.number: 1})
    shopify.act(refunds.refund, order, refunds.backs_of(line, 2, restock=False))
    assert (line.fulfillable, shopify.figures()) == (1, (2, 1, 3))


def test_a_refund_of_the_old_kind_puts_units_back(shopify):
    order = shopify.sell(2)
    shopify.act(orders.fulfil, order)
    back = refunds.Back(line=order.lines[0], quantity=1, restock_type="LEGACY_RESTOCK")
    shopify.act(refunds.refund, order, [back])
    assert shopify.figures() == (4, 0, 4)


def test_units_may_come_back_at_another_location(shopify):
    other = shopify.act(catalogue.add_location, "Other")
    order = shopify.sell(2)
    shopify.act(refunds.refund, order, refunds.backs_of(order.lines[0], 2, restock=True, location=other))
    assert shopify.figures() == (3, 0, 3)
    assert shopify.figures(shopify.shop.level(shopify.mug.item, other)) == (2, 0, 2)


def test_a_refund_of_money_alone_moves_nothing(shopify):
    order = shopify.sell(2)
    shopify.act(refunds.refund_units, order, [], amount=Decimal("3.00"))
    assert (shopify.figures(), types(order)) == ((3, 2, 5), [])


@pytest.mark.parametrize(
    ("quantity", "restock", "figures", "written"),
    [(3, True, (2, 3, 5), []), (1, True, (4, 1, 5), [("CANCEL", 1)]), (1, False, (3, 1, 4), [("NO_RESTOCK", 1)])],
)
def test_an_edit_takes_more_or_gives_back_as_ticked(shopify, quantity, restock, figures, written):
    order = shopify.sell(2)
    shopify.act(refunds.edit, order, "MUG", quantity, restock=restock)
    assert (shopify.figures(), types(order)) == (figures, written)
    assert order.lines[0].current_quantity == quantity


def test_an_edit_may_add_another_product(shopify):
    cup = shopify.act(catalogue.stock_product, "CUP", quantity=3)
    order = shopify.sell(1)
    shopify.act(refunds.edit, order, "CUP", 2)
    assert shopify.shop.available(cup.item) == 1
    assert [(line.sku, line.quantity) for line in order.lines] == [("MUG", 1), ("CUP", 2)]


def returned(shopify, order):
    shopify.act(orders.fulfil, order)
    return shopify.act(returns.approve, order, [(order.lines[0], 1)])


def test_approving_and_closing_a_return_moves_nothing(shopify):
    what = returned(shopify, shopify.sell(2))
    shopify.act(returns.close, what)
    assert shopify.figures() == (3, 0, 3)


def test_processing_a_return_with_money_comes_as_a_refund_of_type_return(shopify):
    order = shopify.sell(2)
    shopify.act(returns.process, returned(shopify, order), restock=True, with_money=True)
    assert (shopify.figures(), types(order)) == ((4, 0, 4), [("RETURN", 1)])
    assert order.refunds[0].comes_from is order.returns[0]


def test_an_even_exchange_restocks_without_any_refund_and_takes_the_new_unit(shopify):
    cup = shopify.act(catalogue.stock_product, "CUP", quantity=3)
    order = shopify.sell(2)
    what = returned(shopify, order)
    shopify.act(returns.process, what, restock=True, with_money=False, exchange_for=Wanted(sku="CUP", quantity=1))
    assert (shopify.figures(), types(order)) == ((4, 0, 4), [])
    assert [(d.kind, d.quantity) for line in what.lines for d in line.dispositions] == [("RESTOCKED", 1)]
    assert shopify.shop.available(cup.item) == 2


def test_moving_an_order_raises_the_old_location_and_lowers_the_new_one(shopify):
    other = shopify.act(catalogue.add_location, "Other")
    shopify.act(stock.stock_at, shopify.mug.item, other, available=4)
    shopify.act(orders.move, shopify.sell(2), other)
    assert shopify.figures() == (5, 0, 5)
    assert shopify.figures(shopify.shop.level(shopify.mug.item, other)) == (2, 2, 4)


@pytest.mark.parametrize(
    ("behaviour", "figures"),
    [("BYPASS", (5, 0, 5)), ("DECREMENT_IGNORING_POLICY", (-2, 7, 5))],
)
def test_an_order_made_by_an_app_takes_stock_as_it_says(shopify, behaviour, figures):
    shopify.sell(7, behaviour=behaviour)
    assert shopify.figures() == figures


def test_a_draft_reserves_by_hand_in_no_order(shopify):
    shopify.act(stock.reserve_by_hand, "MUG", 2)
    assert (shopify.figures(), shopify.shop.orders) == ((3, 0, 5), {})


def test_a_sold_out_sku_is_refused_and_forcing_it_oversells(shopify):
    shopify.sell(4)
    with pytest.raises(NotAllowed):
        shopify.sell(2)
    assert shopify.shop.oversold == 0
    shopify.sell(2, force=True)
    assert (shopify.level.available, shopify.shop.oversold) == (-1, 1)


def test_two_lines_of_one_sku_are_counted_together(shopify):
    with pytest.raises(NotAllowed):
        shopify.act(orders.place, [Wanted(sku="MUG", quantity=3), Wanted(sku="MUG", quantity=3)])
    order = shopify.act(orders.place, [Wanted(sku="MUG", quantity=3), Wanted(sku="MUG", quantity=2)])
    assert (len(order.lines), shopify.level.available) == (2, 0)


def test_a_policy_of_continue_sells_below_zero(shopify):
    shopify.mug.policy = "CONTINUE"
    shopify.sell(7)
    assert (shopify.level.available, shopify.shop.oversold) == (-2, 0)


def test_a_custom_line_with_a_real_sku_takes_nothing(shopify):
    order = shopify.act(orders.place, [Wanted(sku="MUG", quantity=2, custom=True)])
    assert (shopify.figures(), order.lines[0].sku) == ((5, 0, 5), "MUG")


def test_a_bundle_is_sold_as_its_components(shopify):
    cup = shopify.act(catalogue.stock_product, "CUP", quantity=3)
    shopify.act(catalogue.add_bundle, "Set", "SET", [(shopify.mug, 2), (cup, 1)])
    order = shopify.sell(1, sku="SET")
    assert [(line.sku, line.quantity) for line in order.lines] == [("MUG", 2), ("CUP", 1)]
    assert {line.bundle.variant.item.sku for line in order.lines} == {"SET"}
    assert shopify.level.available == 3


def test_a_deleted_product_leaves_its_order_lines_without_a_variant(shopify):
    order = shopify.sell(2)
    shopify.act(catalogue.delete_product, shopify.mug.product)
    line = shopify.data(
        "query Q($id: ID!) { order(id: $id) { lineItems(first: 5) { nodes { sku quantity variant { id } } } } }",
        {"id": gid("Order", order.number)},
    )
    assert line["order"]["lineItems"]["nodes"] == [{"sku": "MUG", "quantity": 2, "variant": None}]


def test_variants_may_share_one_item(shopify):
    second = shopify.act(catalogue.add_variant, shopify.mug.product, title="Gift wrapped", item=shopify.mug.item)
    shopify.sell(1)
    assert shopify.shop.available(second.item) == 4


def test_only_cancelled_or_archived_orders_can_be_deleted(shopify):
    order = shopify.sell(1)
    with pytest.raises(NotAllowed):
        shopify.act(orders.delete, order)
    shopify.act(orders.close, order)
    shopify.act(orders.delete, order)
    assert (shopify.shop.orders, shopify.level.available) == ({}, 4)


@pytest.mark.parametrize(
    ("included", "totals"),
    [(True, ("20.00", "1.82", "20.00")), (False, ("20.00", "2.00", "22.00"))],
)
def test_tax_is_in_the_price_or_on_top(included, totals):
    shopify = Shopify(tax_rate=Decimal("0.10"), taxes_included=included)
    order = shopify.sell(2)
    shown = shopify.data(
        """query Q($id: ID!) { order(id: $id) { fullyPaid displayFinancialStatus
           subtotalPriceSet { shopMoney { amount } } totalTaxSet { shopMoney { amount } } totalPriceSet { shopMoney { amount } } } }""",
        {"id": gid("Order", order.number)},
    )["order"]
    assert (shown["fullyPaid"], shown["displayFinancialStatus"]) == (True, "PAID")
    assert (
        tuple(shown[f"{name}Set"]["shopMoney"]["amount"] for name in ("subtotalPrice", "totalTax", "totalPrice"))
        == totals
    )


@pytest.mark.parametrize(
    ("acts", "status"),
    [
        ([], "PENDING"),
        ([orders.authorize], "AUTHORIZED"),
        ([orders.authorize, orders.void], "VOIDED"),
        ([orders.pay], "PAID"),
    ],
)
def test_the_payment_state_follows_the_money(shopify, acts, status):
    order = shopify.sell(1, paid=False)
    for act in acts:
        shopify.act(act, order)
    shown = shopify.data(
        "query Q($id: ID!) { order(id: $id) { displayFinancialStatus } }", {"id": gid("Order", order.number)}
    )
    assert shown["order"]["displayFinancialStatus"] == status


def test_an_app_refunds_and_cancels_by_the_api(shopify):
    order = shopify.sell(3)
    refund = """mutation R($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
      refund { refundLineItems(first: 5) { nodes { restockType restocked quantity } } } userErrors { message } } }"""
    line = {"lineItemId": gid("LineItem", order.lines[0].number), "quantity": 1, "restockType": "CANCEL"}
    made = shopify.data(
        refund, {"input": {"orderId": gid("Order", order.number), "refundLineItems": [line]}, "key": "r"}
    )
    assert made["refundCreate"]["refund"]["refundLineItems"]["nodes"] == [
        {"restockType": "CANCEL", "restocked": True, "quantity": 1}
    ]
    cancel = """mutation C($id: ID!) { orderCancel(orderId: $id, reason: CUSTOMER, restock: true, refund: true) { job { done } orderCancelUserErrors { code } } }"""
    assert shopify.data(cancel, {"id": gid("Order", order.number)})["orderCancel"]["orderCancelUserErrors"] == []
    assert shopify.figures() == (5, 0, 5)
