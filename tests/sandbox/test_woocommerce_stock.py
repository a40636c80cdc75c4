"""How the simulated WooCommerce moves stock: the table of statuses, `_reduced_stock`, and what writes are ignored."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from syncd.sandbox.woocommerce import NotEnough
from tests.sandbox.woocommerce_shop import World


def shop(**options):
    world = World(**options)
    world.people.add_product("MUG-1", 10)
    return world


def taken(world, order_id, index=0):
    """`_reduced_stock` of a line as REST shows it; None when it is not there."""
    rows = world.get(f"/orders/{order_id}")["line_items"][index]["meta_data"]
    return next((row["value"] for row in rows if row["key"] == "_reduced_stock"), None)


def left(world, sku="MUG-1"):
    return world.people.stock()[sku]


@pytest.mark.parametrize(
    ("version", "statuses", "stock", "reduced"),
    [
        ("11.0.1", ["pending"], 10, None),
        ("11.0.1", ["checkout-draft"], 10, None),
        ("11.0.1", ["on-hold"], 8, "2"),
        ("11.0.1", ["processing"], 8, "2"),
        ("11.0.1", ["completed"], 8, "2"),
        ("11.0.1", ["on-hold", "processing", "completed"], 8, "2"),
        ("11.0.1", ["processing", "cancelled"], 10, None),
        ("11.0.1", ["processing", "pending"], 10, None),
        ("11.0.1", ["processing", "pending", "processing"], 8, "2"),
        ("11.0.1", ["on-hold", "failed"], 10, None),
        ("8.2.2", ["on-hold", "failed"], 8, "2"),
        ("11.0.1", ["processing", "refunded"], 8, "2"),
        ("8.2.2", ["processing", "refunded"], 8, "2"),
    ],
)
def test_statuses_move_stock_as_core_does(version, statuses, stock, reduced):
    world = shop(version=version)
    order = world.people.buy([("MUG-1", 2)], status="pending")
    for status in statuses:
        world.call("PUT", f"/orders/{order.id}", {"status": status})
    assert (left(world), taken(world, order.id)) == (stock, reduced)


@pytest.mark.parametrize(
    ("body", "stock", "reduced"),
    [
        ({"line_items": [("MUG-1", 1)]}, 8, "2"),
        ({"line_items": [("MUG-1", 1)], "api_restock": False}, 7, "3"),
        ({"amount": "5.00"}, 7, "3"),
        ({"line_items": [("MUG-1", 3)]}, 10, "0"),
        ({"line_items": [("MUG-1", 5)], "amount": "1.00"}, 12, "-2"),
    ],
)
def test_refunds_give_back_what_they_name_unless_told_not_to(body, stock, reduced):
    world = shop()
    order = world.people.buy([("MUG-1", 3)])
    body["line_items"] = [
        {"id": order.lines[0].id, "quantity": quantity, "refund_total": 10 * quantity}
        for _, quantity in body.get("line_items", [])
    ]
    world.call("POST", f"/orders/{order.id}/refunds", {"api_refund": False, **body}, status=201)
    assert (left(world), taken(world, order.id)) == (stock, reduced)


def test_a_refund_of_everything_makes_the_order_refunded():
    world = shop()
    order = world.people.refund(world.people.buy([("MUG-1", 2)]).id, [("MUG-1", 2)])
    assert (order.status, left(world)) == ("refunded", 10)


def test_a_cancel_after_a_refund_returns_only_the_rest():
    world = shop()
    order = world.people.buy([("MUG-1", 3)])
    world.people.refund(order.id, [("MUG-1", 1)])
    world.people.cancel(order.id)
    assert left(world) == 10


def test_deleting_a_refund_moves_no_stock_and_tells_nobody():
    world = shop()
    order = world.people.buy([("MUG-1", 3)])
    refund = world.people.refund(order.id, [("MUG-1", 1)]).refunds[0]
    world.hook("order.updated")
    world.deliver()
    world.call("DELETE", f"/orders/{order.id}/refunds/{refund.id}", force="true")
    assert (left(world), world.topics()) == (8, [])


def test_status_refunded_makes_a_remainder_refund_without_lines():
    world = shop()
    order = world.people.buy([("MUG-1", 2)])
    world.people.set_status(order.id, "refunded")
    (refund,) = world.get(f"/orders/{order.id}/refunds")
    assert (refund["amount"], refund["line_items"], refund["reason"]) == ("20.00", [], "Order fully refunded.")


@pytest.mark.parametrize(
    ("step", "then"),
    [("DELETE", {}), ("DELETE", {"force": "true"})],
    ids=["trash", "permanent deletion"],
)
def test_trash_and_deletion_do_not_give_stock_back(step, then):
    world = shop()
    order = world.people.buy([("MUG-1", 3)])
    world.call(step, f"/orders/{order.id}", **then)
    assert left(world) == 7


@pytest.mark.parametrize(
    ("version", "line", "stock", "reduced"),
    [
        ("11.0.1", {"quantity": 1}, 9, "1"),
        ("11.0.1", {"quantity": 5}, 5, "5"),
        ("11.0.1", {"product_id": None}, 10, None),
        ("8.2.2", {"quantity": 1}, 7, "3"),
        ("8.2.2", {"product_id": None}, 7, None),
    ],
)
def test_edited_lines_are_adjusted_by_new_versions_only(version, line, stock, reduced):
    world = shop(version=version)
    order = world.people.buy([("MUG-1", 3)])
    body = {"line_items": [{"id": order.lines[0].id, **line}]}
    world.call("PUT", f"/orders/{order.id}", body)
    assert left(world) == stock
    if reduced:
        assert taken(world, order.id) == reduced


def test_orders_over_rest_push_stock_below_zero():
    world = shop()
    product = world.people.product("MUG-1")
    body = {"status": "processing", "line_items": [{"product_id": product.id, "quantity": 50}]}
    world.call("POST", "/orders", body, status=201)
    assert (left(world), world.woo.shop.oversold) == (-40, 40)


def test_the_checkout_refuses_more_than_there_is_unless_forced():
    world = shop()
    with pytest.raises(NotEnough):
        world.people.buy([("MUG-1", 11)])
    world.people.buy([("MUG-1", 11)], force=True)
    assert left(world) == -1


def test_backorders_are_sold_below_zero():
    world = World()
    world.people.add_product("TIN", 1, backorders="notify")
    world.people.buy([("TIN", 3)])
    shown = world.get("/products", sku="TIN")[0]
    assert (shown["stock_quantity"], shown["stock_status"]) == (-2, "onbackorder")
    assert world.woo.shop.oversold == 0


def test_untracked_goods_take_nothing_and_have_no_mark():
    world = World()
    world.people.add_product("UNM-1", tracked=False)
    order = world.people.buy([("UNM-1", 4)])
    assert taken(world, order.id) is None


def test_a_variation_counted_at_its_parent_takes_from_the_parent():
    world = World()
    cap = world.people.add_product("CAP", 5, variable=True)
    red = world.people.add_product("CAP-RED", parent=cap, tracked=False)
    order = world.people.buy([("CAP-RED", 2)])
    shown = world.get(f"/products/{cap.id}/variations/{red.id}")
    assert (shown["manage_stock"], shown["stock_quantity"], cap.stock) == ("parent", 3, 3)
    assert taken(world, order.id) == "2"


# ---------------------------------------------------------------------------------------------- writing stock


def goods():
    world = World()
    world.people.add_product("MUG-1", 10)
    world.people.add_product("UNM-1", tracked=False)
    cap = world.people.add_product("CAP", 5, variable=True)
    world.people.add_product("CAP-RED", parent=cap, tracked=False)
    return world


@pytest.mark.parametrize(
    ("sku", "value", "shown"),
    [
        ("MUG-1", 4, (True, 4)),
        ("MUG-1", "4", (True, 4)),
        ("MUG-1", None, (True, 0)),
        ("UNM-1", 6, (False, None)),
        ("CAP", 9, (True, 9)),
        ("CAP-RED", 9, ("parent", 5)),
    ],
)
def test_a_single_write_answers_200_whether_or_not_it_changed_anything(sku, value, shown):
    world = goods()
    product = world.people.product(sku)
    parent = product.parent
    path = f"/products/{parent.id}/variations/{product.id}" if parent else f"/products/{product.id}"
    answer = world.call("PUT", path, {"stock_quantity": value})
    assert (answer["manage_stock"], answer["stock_quantity"]) == shown


def test_with_stock_management_off_for_the_shop_writes_are_ignored():
    world = goods()
    world.woo.shop.rules.counts_stock = False
    product = world.people.product("MUG-1")
    answer = world.call("PUT", f"/products/{product.id}", {"stock_quantity": 3})
    assert (answer["manage_stock"], answer["stock_quantity"], product.stock) == (False, None, 10)


def test_a_write_without_a_json_content_type_is_ignored():
    world = goods()
    product = world.people.product("MUG-1")
    answer = world.client.put(f"/products/{product.id}", content=b'{"stock_quantity": 3}')
    assert (answer.status_code, product.stock) == (200, 10)


@pytest.mark.parametrize("value", [2.9, "x", True])
def test_a_single_write_takes_whole_numbers_only(value):
    world = goods()
    answer = world.call("PUT", f"/products/{world.people.product('MUG-1').id}", {"stock_quantity": value}, status=400)
    assert answer["code"] == "rest_invalid_param"


@pytest.mark.parametrize(("value", "stock"), [("x", 0), (2.9, 2), ("7 pieces", 7), (3, 3)])
def test_batch_items_are_cast_without_a_check(value, stock):
    world = goods()
    product = world.people.product("MUG-1")
    world.call("POST", "/products/batch", {"update": [{"id": product.id, "stock_quantity": value}]})
    assert product.stock == stock


def test_a_delta_is_added_and_ignored_beside_a_quantity():
    world = goods()
    product = world.people.product("MUG-1")
    world.call("PUT", f"/products/{product.id}", {"inventory_delta": -3})
    assert product.stock == 7
    world.call("PUT", f"/products/{product.id}", {"inventory_delta": -3, "stock_quantity": 20})
    assert product.stock == 20


def test_stock_status_follows_the_quantity_of_counted_goods():
    world = goods()
    product = world.people.product("MUG-1")
    answer = world.call("PUT", f"/products/{product.id}", {"stock_status": "outofstock"})
    assert answer["stock_status"] == "instock"
    answer = world.call("PUT", f"/products/{product.id}", {"stock_quantity": 0})
    assert answer["stock_status"] == "outofstock"


def test_a_variation_may_leave_its_parents_count_and_come_back():
    world = goods()
    red, cap = world.people.product("CAP-RED"), world.people.product("CAP")
    path = f"/products/{cap.id}/variations/{red.id}"
    own = world.call("PUT", path, {"manage_stock": True, "stock_quantity": 2})
    back = world.call("PUT", path, {"manage_stock": "parent"})
    assert (own["manage_stock"], own["stock_quantity"]) == (True, 2)
    assert (back["manage_stock"], back["stock_quantity"]) == ("parent", 5)


def test_a_batch_of_more_than_a_hundred_is_too_large():
    world = goods()
    answer = world.call("POST", "/products/batch", {"update": [{"id": 10}] * 101}, status=413)
    assert answer["code"] == "woocommerce_rest_request_entity_too_large"


def test_an_absolute_write_buries_a_sale_between_read_and_write():
    world = goods()
    product = world.people.product("MUG-1")
    read = world.get(f"/products/{product.id}")["stock_quantity"]
    world.people.buy([("MUG-1", 1)])
    world.call("PUT", f"/products/{product.id}", {"stock_quantity": read - 1})
    assert product.stock == 9
    assert [(push.before, push.after) for push in world.woo.books.pushes] == [(9, 9)]


@pytest.mark.parametrize(("version", "moved"), [("9.1.4", True), ("9.2.3", False), ("11.0.1", False)])
def test_a_variations_batch_under_the_wrong_parent_moves_the_variation_in_old_versions(version, moved):
    world = World(version=version)
    cap, shirt = world.people.add_product("CAP", variable=True), world.people.add_product("SHIRT", variable=True)
    red = world.people.add_product("CAP-RED", 3, parent=cap)
    body = {"update": [{"id": red.id, "stock_quantity": 4}]}
    (item,) = world.call("POST", f"/products/{shirt.id}/variations/batch", body)["update"]
    assert ("error" in item, red.parent is shirt) == (not moved, moved)


@pytest.mark.parametrize(("version", "status"), [("8.2.2", 403), ("11.0.1", 404)])
def test_a_single_write_under_the_wrong_parent_is_refused(version, status):
    world = World(version=version)
    cap, shirt = world.people.add_product("CAP", variable=True), world.people.add_product("SHIRT", variable=True)
    red = world.people.add_product("CAP-RED", 3, parent=cap)
    world.call("PUT", f"/products/{shirt.id}/variations/{red.id}", {"stock_quantity": 4}, status=status)
    assert red.stock == 3


def test_parallel_sales_take_exactly_what_they_sell():
    world = World()
    world.people.add_product("MUG-1", 100)
    with ThreadPoolExecutor(8) as customers:
        sales = [customers.submit(world.people.buy, [("MUG-1", 1)]) for _ in range(120)]
    refused = sum(isinstance(sale.exception(), NotEnough) for sale in sales)
    assert (left(world), refused, world.woo.shop.oversold) == (0, 20, 0)
