"""A sale, its refund, cancel and edit, doubled and out of order: every place shows the same, Prokip has it once."""

import time

import pytest

from tests.e2e_sandbox.town import Town, founded, goods, until

pytestmark = pytest.mark.timeout(240)

OTHER = {"shopify": "woocommerce", "woocommerce": "shopify"}
STORIES = ("SALE", "FIVE", "OLD", "RESTOCK", "KEEP", "UNPAID", "PAID", "EDIT")
SKUS = (*(f"{story}-{store[0]}" for story in STORIES for store in OTHER), "EARLY", "BEFORE", "TIME", "UNDO", "WHY")
EARLY_ORDERS = {"before-paid": 1, "before-unpaid": 2, "before-cancelled": 3, "shadow-paid": 2, "shadow-unpaid": 1}


def order_early(town: Town, when: str) -> None:
    """Orders of one SKU in one store, with all ends that orders can have before going live."""
    shop = town.hand("woocommerce")
    for name, units in EARLY_ORDERS.items():
        if name.startswith(when):
            order = shop.buy({"EARLY": units}, paid=name.endswith("-paid"))
            town.early[name] = order
            if name.endswith("cancelled"):
                shop.cancel(order)


@pytest.fixture(scope="module")
def town(town_database, town_folder):
    with founded(
        town_folder,
        town_database,
        goods(SKUS),
        before=lambda town: order_early(town, "before"),
        in_shadow=lambda town: order_early(town, "shadow"),
    ) as town:
        yield town


@pytest.fixture(params=["shopify", "woocommerce"])
def store(request):
    return request.param


# ------------------------------------------------------------------------------------------------- one sale


def test_three_sold_in_one_store_are_three_fewer_everywhere_and_one_sale_in_prokip(town, store):
    sku = f"SALE-{store[0]}"
    order = town.hand(store).buy({sku: 3}, paid=True)
    town.everywhere(sku, 17)
    (row,) = town.sales(sku)
    (sale,) = town.booked(sku)
    assert (row["connection"], row["order_id"], row["quantity"]) == (store, order, 3)
    assert row["backoffice_id"] == str(sale["id"])
    assert town.pushes(store, sku) == []
    assert [push["after"] for push in town.pushes(OTHER[store], sku)] == [17]


# ------------------------------------------------------------------------------------------------- told again


def test_an_order_that_is_delivered_five_times_counts_once(town, store):
    sku = f"FIVE-{store[0]}"
    town.hand(store).buy({sku: 3}, paid=True)
    town.everywhere(sku, 17)
    topic = {"shopify": "orders/create", "woocommerce": "order.created"}[store]
    told = town.deliveries(store, topic)[-1]
    assert sku.encode() in told.body
    assert [town.deliver(store, told.headers, told.body) for _ in range(5)] == [200] * 5
    town.everywhere(sku, 17)
    assert len(town.booked(sku)) == len(town.sales(sku)) == 1


def test_an_old_version_of_an_order_after_a_newer_one_changes_nothing(town, store):
    sku = f"OLD-{store[0]}"
    order = town.hand(store).buy({sku: 3}, paid=True)
    town.everywhere(sku, 17)
    topic = {"shopify": "orders/create", "woocommerce": "order.created"}[store]
    old = town.deliveries(store, topic)[-1]
    town.hand(store).refund(order, {sku: 2}, restock=True)
    town.everywhere(sku, 19)
    # Under another delivery id, so that nothing but its age tells that it is known.
    headers = {
        name: f"again-{sku}" if name.lower() == "x-shopify-webhook-id" else old.headers[name] for name in old.headers
    }
    assert town.deliver(store, headers, old.body) == 200
    town.everywhere(sku, 19)
    assert [(sale["lines"][0]["quantity"], sale["lines"][0]["returned"]) for sale in town.booked(sku)] == [(3, 2)]


def test_a_refund_that_is_told_before_its_sale_counts_once(town):
    shopify, sku = town.stage.shopify, "BEFORE"
    town.hand("shopify").trouble(webhook_delay_seconds=3600)
    try:
        order = town.hand("shopify").buy({sku: 3}, paid=True)
        time.sleep(1.1)  # Shopify's versions are whole seconds: the refund is a later version than the sale
        town.hand("shopify").refund(order, {sku: 1}, restock=True)
        told, shopify.webhooks.waiting = list(shopify.webhooks.waiting), []
    finally:
        town.hand("shopify").trouble(webhook_delay_seconds=0)
    assert told[-1].headers["X-Shopify-Topic"] != told[0].headers["X-Shopify-Topic"]
    for delivery in reversed(told):
        assert town.deliver("shopify", delivery.headers, delivery.body) == 200
    town.everywhere(sku, 18)
    assert sum(line["quantity"] - line["returned"] for sale in town.booked(sku) for line in sale["lines"]) == 2


# ------------------------------------------------------------------------------------------------- what follows a sale


def test_a_refund_with_restock_returns_the_unit_everywhere(town, store):
    sku = f"RESTOCK-{store[0]}"
    order = town.hand(store).buy({sku: 3}, paid=True)
    town.everywhere(sku, 17)
    town.hand(store).refund(order, {sku: 1}, restock=True)
    town.everywhere(sku, 18)
    (sale,) = town.booked(sku)
    assert (sale["lines"][0]["quantity"], sale["lines"][0]["returned"]) == (3, 1)


def test_a_refund_without_restock_moves_no_unit(town, store):
    sku = f"KEEP-{store[0]}"
    order = town.hand(store).buy({sku: 3}, paid=True)
    town.everywhere(sku, 17)
    heard = len(town.deliveries(store, {"shopify": "refunds/create", "woocommerce": "order.updated"}[store]))
    town.hand(store).refund(order, {sku: 1}, restock=False)
    topic = {"shopify": "refunds/create", "woocommerce": "order.updated"}[store]
    until(lambda: len(town.deliveries(store, topic)) > heard, "the refund was told")
    town.everywhere(sku, 17)
    (sale,) = town.booked(sku)
    assert (sale["lines"][0]["quantity"], sale["lines"][0]["returned"]) == (3, 0)


def test_an_unpaid_order_holds_its_units_and_a_cancel_gives_them_back(town, store):
    sku = f"UNPAID-{store[0]}"
    order = town.hand(store).buy({sku: 4}, paid=False)
    town.will_show(sku, shopify=16, woocommerce=16, prokip=20)
    town.hand(store).cancel(order)
    town.everywhere(sku, 20)
    assert town.booked(sku) == []


def test_a_cancel_of_a_paid_order_is_a_return_in_prokip(town, store):
    sku = f"PAID-{store[0]}"
    order = town.hand(store).buy({sku: 4}, paid=True)
    town.everywhere(sku, 16)
    town.hand(store).cancel(order)
    town.everywhere(sku, 20)
    (sale,) = town.booked(sku)
    assert (sale["lines"][0]["quantity"], sale["lines"][0]["returned"]) == (4, 4)


def test_an_edit_of_an_order_moves_the_difference(town, store):
    """WooCommerce lets staff edit an order only while it is unpaid; it is paid afterwards."""
    sku = f"EDIT-{store[0]}"
    order = town.hand(store).buy({sku: 2}, paid=store == "shopify")
    town.will_show(sku, shopify=18, woocommerce=18, prokip=18 if store == "shopify" else 20)
    town.edit(store, order, sku, 5)
    town.will_show(sku, shopify=15, woocommerce=15, prokip=15 if store == "shopify" else 20)
    town.edit(store, order, sku, 1)
    town.will_show(sku, shopify=19, woocommerce=19, prokip=19 if store == "shopify" else 20)
    if store == "woocommerce":
        town.hand(store).pay(order)
    town.everywhere(sku, 19)
    assert sum(line["quantity"] - line["returned"] for sale in town.booked(sku) for line in sale["lines"]) == 1


# ------------------------------------------------------------------------------------------------- going live


def test_orders_from_before_going_live_count_once_and_none_is_forgotten(town):
    """Of 20: paid before 1 and 2 (Prokip's own count has them already), unpaid 2 and 1 hold units, 3 came back."""
    town.will_show("EARLY", shopify=17, woocommerce=17, prokip=20)
    shop = town.hand("woocommerce")
    shop.pay(town.early["before-unpaid"])
    town.will_show("EARLY", shopify=17, woocommerce=17, prokip=18)
    shop.cancel(town.early["shadow-unpaid"])
    town.everywhere("EARLY", 18)


# ------------------------------------------------------------------------------------------------- bad deliveries


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", id="of somebody else"),
        pytest.param("not base64 at all: %!", id="garbled"),
        pytest.param("", id="empty"),
    ],
)
def test_a_wrong_signature_is_refused_and_nothing_is_kept(town, signature):
    body = b'{"id": 1, "line_items": []}'
    kept = town.deliveries_kept()
    headers = {**town.signed("orders/create", body), "X-Shopify-Hmac-Sha256": signature}
    assert town.deliver("shopify", headers, body) == 401
    assert town.deliveries_kept() == kept


def test_an_unreadable_body_with_a_right_signature_is_kept_and_shown(town):
    body = b'{"id": 1, "line_items": [{"sku": "SALE-s", "quan'
    assert town.deliver("shopify", town.signed("orders/create", body), body) == 200
    town.rest()
    (kept,) = [row for row in town.home.ask("deliveries", "list") if row["state"] == "dead"]
    assert (kept["connection"], kept["topic"], kept["size"]) == ("shopify", "orders/create", len(body))
    assert kept["reason"]
    assert body.decode() in town.home.command("deliveries", "show", str(kept["id"]))


# ------------------------------------------------------------------------------------------------- why a number is


def test_explain_sums_to_the_unit(town):
    town.home.command("rules", "set", "safety_stock", "2", "--sku", "WHY")
    town.home.command("rules", "set", "buffer", "1", "--sku", "WHY", "--connection", "shopify")
    order = town.hand("woocommerce").buy({"WHY": 3}, paid=False)
    town.hand("shopify").buy({"WHY": 1}, paid=True)
    town.will_show("WHY", shopify=13, woocommerce=14, prokip=19)
    for store in town.home.ask("explain", "WHY")["stores"]:
        amounts = {line["label"]: line["amount"] for line in store["lines"]}
        total = sum(
            {"+": 1, "-": -1}[line["sign"]] * line["amount"] for line in store["lines"] if line["sign"] in ("+", "-")
        )
        assert total == amounts["should show"] == amounts["shows"] == town.shows("WHY")[store["connection"]]
        (opened,) = [line for line in store["lines"] if line["label"] == "open orders"]
        assert (opened["amount"], amounts["safety stock"]) == (3, 2)
        assert order in opened["detail"]


def test_stock_of_a_past_moment_is_told(town):
    town.hand("shopify").buy({"TIME": 2}, paid=True)
    town.everywhere("TIME", 18)
    then = town.engine.clock.now()
    town.hand("woocommerce").buy({"TIME": 5}, paid=True)
    town.everywhere("TIME", 13)
    past, now = town.home.ask("stock", "TIME", "--at", then.isoformat()), town.home.ask("stock", "TIME")
    assert (past["on_hand"], past["open"], past["available"]) == (18, 0, 18)
    assert (now["on_hand"], now["open"], now["available"]) == (13, 0, 13)


def test_an_undone_run_puts_a_number_back_until_it_is_released(town):
    town.hand("shopify").buy({"UNDO": 4}, paid=True)
    town.everywhere("UNDO", 16)
    run = next(
        run["id"]
        for run in town.home.ask("runs", "list", "--connection", "woocommerce")
        if any(push["sku"] == "UNDO" for push in town.home.ask("runs", "show", str(run["id"]))["pushes"])
    )
    town.home.command("runs", "undo", str(run))
    town.will_show("UNDO", shopify=16, woocommerce=20, prokip=16)
    (issue,) = [issue for issue in town.issues("undone") if issue["sku"] == "UNDO"]
    town.home.command("issues", "release", str(issue["id"]), "--ours")
    town.everywhere("UNDO", 16)
