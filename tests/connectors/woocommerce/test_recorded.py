"""Every recorded delivery and answer of a real shop, translated; signatures against the secret they were made with."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.sdk.errors import InvalidSignature
from connectors.sdk.reader import Reader
from connectors.sdk.signatures import hmac_sha256_base64
from connectors.sdk.values import (
    FigureState,
    ListingChanged,
    Nothing,
    OrderChanged,
    OrderSnapshot,
    StockFigure,
    StockHint,
    StockRef,
)
from connectors.woocommerce import translate
from connectors.woocommerce.webhooks import TOPICS, WooCommerceDoor, facts

SAMPLES = Path(__file__).parents[2] / "data" / "woocommerce"
DOOR = WooCommerceDoor()


def delivery(name):
    """Headers as they reach us, raw body and secret of a recorded delivery."""
    recorded = json.loads((SAMPLES / "webhooks" / f"{name}.json").read_text())
    headers = {name.lower(): value for name, value in recorded["headers"]}
    return headers, recorded["body"].encode(), recorded["secret"]


def answer(name):
    return json.loads(
        json.loads((SAMPLES / "rest" / f"{name}.json").read_text())["response"]["body"], parse_float=Decimal
    )


def at(clock):
    return datetime.fromisoformat(f"2026-11-20T{clock}+00:00")


# Units taken of MUG-1 (2 ordered), SHIRT-S (1), CAP-RED (3), the uncounted UNM-1 (1), and the product without SKU (1).
NOTHING_TAKEN = (0, 0, 0, 0, 0)
ALL_TAKEN = (2, 1, 3, 1, 1)
ORDERS = {
    # name: version, paid at, final, taken
    "014-order-created-pending": ("20:46:46", None, False, NOTHING_TAKEN),
    "015-order-updated-pending": ("20:46:46", None, False, NOTHING_TAKEN),
    "016-order-updated-on-hold": ("20:46:47", None, False, ALL_TAKEN),
    "023-order-updated-processing": ("20:46:48", "20:46:48", False, ALL_TAKEN),
    "024-order-updated-completed": ("20:46:49", "20:46:48", False, ALL_TAKEN),
    "025-order-updated-cancelled": ("20:46:50", "20:46:48", True, NOTHING_TAKEN),
    "032-order-updated-failed": ("20:46:50", "20:46:48", True, NOTHING_TAKEN),
    "033-order-updated-pending": ("20:46:51", "20:46:48", False, NOTHING_TAKEN),
    "034-order-updated-processing": ("20:46:52", "20:46:48", False, ALL_TAKEN),
    "057-order-created-processing": ("20:47:01", "20:47:00", False, ALL_TAKEN),
    "058-order-updated-processing": ("20:47:01", "20:47:00", False, ALL_TAKEN),
}
OTHERS = {
    "001-ping": Nothing(words="The shop greets a new webhook."),
    "017-product-updated-publish": StockHint(stock_id="10", quantity=48, at=at("20:46:47")),
    "019-product-updated-publish": StockHint(stock_id="13", quantity=9, at=at("20:46:47")),
    "021-product-updated-publish": StockHint(stock_id="16", quantity=27, at=at("20:46:47")),
    "026-product-updated-publish": StockHint(stock_id="10", quantity=50, at=at("20:46:50")),
    # Refunds hide their lines, and UNM-1 is counted by nobody: the order is read with its refunds.
    "043-order-updated-processing": OrderChanged(order_id="111"),
    "045-order-updated-processing": OrderChanged(order_id="111"),
    "047-order-updated-processing": OrderChanged(order_id="111"),
    "052-order-updated-refunded": OrderChanged(order_id="111"),
    "055-order-restored-refunded": OrderChanged(order_id="111"),
    "071-order-updated-refunded": OrderChanged(order_id="116"),
    "044-action-woocommerce-order-refunded": OrderChanged(order_id="111"),
    "046-action-woocommerce-order-refunded": OrderChanged(order_id="111"),
    "048-action-woocommerce-order-refunded": OrderChanged(order_id="111"),
    "054-order-deleted": OrderChanged(order_id="111", may_be_gone=True),
    "073-order-created-woocommerce_rest_shop_order_invalid_id": Nothing(
        words="What changed was gone before the shop could tell of it: woocommerce_rest_shop_order_invalid_id."
    ),
    "095-product-updated-publish": StockHint(stock_id="10", quantity=33, at=at("20:47:06")),
    "097-product-updated-publish": StockHint(stock_id="13", quantity=12, at=at("20:47:07")),
    "099-product-updated-publish": StockHint(stock_id="16", quantity=25, at=at("20:47:07")),
}


def test_no_recorded_delivery_is_left_out():
    assert {path.stem for path in (SAMPLES / "webhooks").glob("*.json")} == {*ORDERS, *OTHERS}


@pytest.mark.parametrize("name", ORDERS)
def test_a_recorded_order_is_a_snapshot(name):
    version, paid_at, is_final, taken = ORDERS[name]
    headers, body, _ = delivery(name)
    (order,) = facts(headers, body)
    assert isinstance(order, OrderSnapshot)
    assert order.order_id == order.name == ("116" if name[:3] in ("057", "058") else "111")
    assert (order.version, order.is_final) == (at(version), is_final)
    assert (order.is_paid, order.paid_at) == (paid_at is not None, at(paid_at) if paid_at else None)
    assert order.cancelled_at == (at("20:46:50") if name[:3] == "025" else None)
    assert (order.currency, order.shipping) == ("EUR", Decimal("4.90"))
    assert [line.external_id for line in order.lines] == ["10", "13", "17", "20", "19"]
    assert [line.sku for line in order.lines] == ["MUG-1", "SHIRT-S", "CAP-RED", "UNM-1", None]
    assert [line.quantity for line in order.lines] == [2, 1, 3, 1, 1]
    assert tuple(line.taken for line in order.lines) == taken
    assert [line.total for line in order.lines] == [Decimal(19), Decimal(15), Decimal(36), Decimal(2), Decimal(1)]


@pytest.mark.parametrize("name", OTHERS)
def test_a_recorded_delivery_says_what_it_says(name):
    headers, body, _ = delivery(name)
    assert facts(headers, body) == (OTHERS[name],)


@pytest.mark.parametrize("name", [name for name in (*ORDERS, *OTHERS) if not name.endswith("ping")])
def test_recorded_deliveries_prove_their_sender(name):
    headers, body, secret = delivery(name)
    DOOR.verify(headers, body, [secret], datetime.now(UTC))
    for forged in (body + b" ", json.dumps(json.loads(body)).encode()):
        with pytest.raises(InvalidSignature):
            DOOR.verify(headers, forged, [secret], datetime.now(UTC))


def test_the_recorded_ping_is_known_without_a_signature():
    headers, body, _ = delivery("001-ping")
    assert DOOR.is_unsigned_ping(headers, body)
    assert not DOOR.is_unsigned_ping(headers, b'{"id": 1}')


def test_recorded_delivery_ids_collide_and_keys_do_not():
    names = [name for name in (*ORDERS, *OTHERS) if not name.endswith("ping")]
    ids = {delivery(name)[0]["x-wc-webhook-delivery-id"] for name in names}
    keys = {DOOR.delivery_key(*delivery(name)[:2]) for name in names}
    assert len(ids) < len(names) == len(keys)


def test_every_recorded_topic_of_ours_is_subscribed_to():
    recorded = {delivery(name)[0].get("x-wc-webhook-topic") for name in (*ORDERS, *OTHERS)}
    assert recorded - set(TOPICS) == {None, "action.woocommerce_order_refunded"}


# ---------------------------------------------------------------------------------------------- REST


def order(name):
    return Reader.of(answer(name), "order")


@pytest.mark.parametrize(
    ("name", "refunds", "taken"),
    [
        ("order-pending", {}, NOTHING_TAKEN),
        ("order-processing", {}, ALL_TAKEN),
        ("order-with-refunds", {"83": 1, "84": 1}, (1, 1, 3, 1, 1)),
        ("order-trashed", {"83": 1, "84": 1}, (1, 1, 1, 1, 1)),
    ],
)
def test_recorded_orders_tell_what_was_taken(name, refunds, taken):
    assert translate.needs_refunds(order(name)) is bool(refunds)
    snapshot = translate.snapshot(order(name), refunds)
    assert tuple(line.taken for line in snapshot.lines) == taken
    assert snapshot.is_final is (name == "order-trashed")


def test_recorded_refunds_tell_their_units_by_line():
    refunds = [Reader.of(row, "refund") for row in answer("order-refunds-list")]
    assert translate.refunded_units(refunds) == {"83": 1, "84": 1}
    told = translate.snapshot(order("order-with-refunds"), {}).refunds
    assert {refund.refund_id: refund.amount for refund in told} == {
        "112": Decimal("9.50"),
        "113": Decimal(15),
        "114": Decimal(2),
    }


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("product-simple", StockFigure(state=FigureState.TRACKED, quantity=33)),
        ("variation", StockFigure(state=FigureState.TRACKED, quantity=12)),
        ("variation-stock-at-parent", StockFigure(state=FigureState.UNTRACKED)),
        ("put-unmanaged-ignored", StockFigure(state=FigureState.UNTRACKED)),
    ],
)
def test_recorded_goods_tell_their_own_figure(name, figure):
    assert translate.figure(Reader.of(answer(name), "product")) == figure


def test_recorded_goods_are_sellable_units():
    mug = translate.product_item(Reader.of(answer("product-simple"), "product"))
    shirt = translate.variation_item(Reader.of(answer("variation"), "v"), translate.Parent(title="Shirt", sku="SHIRT"))
    cap = translate.variation_item(
        Reader.of(answer("variation-stock-at-parent"), "v"), translate.Parent(title="Cap", sku="CAP")
    )
    assert mug is not None
    assert (mug.sku, mug.ref, mug.quantity, mug.price) == ("MUG-1", StockRef(stock_id="10"), 33, Decimal("9.50"))
    assert (shirt.title, shirt.ref) == ("Shirt - S", StockRef(stock_id="13", parent_id="12"))
    assert (cap.ref, cap.tracked, cap.quantity) == (StockRef(stock_id="16"), True, 25)


def test_recorded_lists_are_read():
    rows = [Reader.of(row, "product") for row in answer("products-page")]
    assert [translate.product_item(row) for row in rows] == [None, None]  # both are variable
    rows = [Reader.of(row, "variation") for row in answer("variations-all")]
    items = [translate.variation_item(row, translate.Parent(title="P", sku="CAP-BLUE")) for row in rows]
    assert [(item.sku, item.ref.stock_id, item.tracked, item.quantity) for item in items] == [
        (None, "16", True, 19),  # the parent's SKU is none of its own
        ("CAP-RED", "16", True, 19),
        ("SHIRT-L", "15", False, None),
        ("SHIRT-M", "14", True, -2),
        ("SHIRT-S", "13", True, 10),
    ]


# ---------------------------------------------------------------------------------------------- made up from records


def told(topic, **changes):
    headers, body, _ = delivery("023-order-updated-processing")
    document = json.loads(body)
    document.update(changes)
    return facts({**headers, "x-wc-webhook-topic": topic}, json.dumps(document).encode())


UNCOUNTED = {"id": 7, "product_id": 20, "variation_id": 0, "quantity": 4, "total": "8.00", "total_tax": "1.52"}


@pytest.mark.parametrize(
    ("status", "paid", "others", "taken"),
    [
        ("pending", False, None, 0),
        ("checkout-draft", False, None, 0),
        ("on-hold", False, None, 4),
        ("processing", True, None, 4),
        ("completed", True, None, 4),
        ("refunded", True, None, 4),
        ("cancelled", True, None, 0),
        ("failed", False, None, 0),
        ("awaiting-pickup", True, None, 4),
        ("awaiting-payment", False, None, 0),
        ("awaiting-payment", False, "1", 4),  # core has taken another line: the order holds goods
        ("cancelled", True, "1", 0),
    ],
)
def test_lines_that_nobody_counts_follow_the_status(status, paid, others, taken):
    lines = [UNCOUNTED]
    if others:
        lines.append({**UNCOUNTED, "id": 8, "meta_data": [{"key": "_reduced_stock", "value": others}]})
    paid_at = "2026-11-20T20:46:48" if paid else None
    (order,) = told("order.updated", status=status, line_items=lines, date_paid_gmt=paid_at)
    assert order.lines[0].taken == taken
    assert (order.lines[0].total, order.lines[0].tax) == (Decimal("9.52"), Decimal("1.52"))


@pytest.mark.parametrize(
    ("value", "taken"), [("2", 2), (2, 2), ("0", 0), ("-4", -4), (1.5, 2), ("1.5", 2), ("", 4), (None, 4)], ids=repr
)
def test_the_mark_is_read_as_php_may_write_it(value, taken):
    line = {**UNCOUNTED, "meta_data": [{"key": "_reduced_stock", "value": value}]}
    (order,) = told("order.updated", line_items=[line])
    assert order.lines[0].taken == taken


def test_a_line_without_a_product_moves_nothing():
    (order,) = told("order.updated", line_items=[{**UNCOUNTED, "product_id": 0}])
    assert order.lines[0].external_id is None
    assert order.lines[0].moves_nothing


@pytest.mark.parametrize(
    ("topic", "body", "fact"),
    [
        ("product.deleted", {"id": 10}, ListingChanged(external_id="10", may_be_gone=True)),
        ("product.created", {"id": 10, "manage_stock": False}, ListingChanged(external_id="10")),
        ("product.updated", {"id": 10, "manage_stock": False}, ListingChanged(external_id="10")),
        (
            "product.updated",
            {"id": 12, "type": "variable", "manage_stock": False},
            Nothing(words="A product changed of which only the variations are sold."),
        ),
        (
            "product.updated",
            {"id": 10, "status": "trash", "manage_stock": True, "stock_quantity": 1},
            ListingChanged(external_id="10", may_be_gone=True),
        ),
        (
            "action.woocommerce_delete_order",
            {"action": "woocommerce_delete_order", "arg": 111},
            OrderChanged(order_id="111", may_be_gone=True),
        ),
        (
            "action.woocommerce_product_set_stock",
            {"action": "woocommerce_product_set_stock", "arg": []},
            Nothing(words="woocommerce_product_set_stock names nothing."),
        ),
        ("coupon.created", {"id": 4}, Nothing(words="We need nothing of coupon.created.")),
    ],
)
def test_other_deliveries_say_what_they_say(topic, body, fact):
    assert facts({"x-wc-webhook-topic": topic}, json.dumps(body).encode()) == (fact,)


def test_a_webhook_whose_user_lost_its_rights_ends_the_access():
    body = {"code": "woocommerce_rest_cannot_view", "message": "Sorry", "data": {"status": 401}}
    (fact,) = facts({"x-wc-webhook-topic": "order.updated"}, json.dumps(body).encode())
    assert "lost its rights" in fact.words


def test_a_secret_with_entities_proves_the_sender_as_the_shop_reads_it():
    headers = {"x-wc-webhook-signature": hmac_sha256_base64(b"x&y", b"{}")}
    DOOR.verify(headers, b"{}", ["x&amp;y"], datetime.now(UTC))
