"""Reading and setting figures: what the location shows, and what each row of an answer means."""

import json
from datetime import timedelta

import httpx
import pytest

from connectors.sdk.errors import MalformedPayload, OutcomeUnknown, RateLimited, Refused, Unavailable
from connectors.sdk.values import FigureState, StockRef, StockWrite, WriteBatch, WriteOutcome
from syncd.sandbox.shopify import catalogue, stock
from tests.connectors.shopify.driver import ShopifyDriver


@pytest.fixture
def driver():
    return ShopifyDriver()


def ref(driver, sku):
    return StockRef(stock_id=str(driver.variant(sku).item.number))


def batch(driver, *writes, key="6f1f7f2e-6a53-4f0c-9d57-2b8a4f0e5c11"):
    until = driver.clock.now() + timedelta(seconds=30)
    return WriteBatch(reference="PushBatch/812", key=key, writes=writes, not_after=until)


def change(driver, sku, quantity, expected=None):
    return StockWrite(
        ref=ref(driver, sku), expected=driver.stock(sku) if expected is None else expected, quantity=quantity
    )


def outcomes(driver, *writes, **options):
    answer = driver.store().write_stock(batch(driver, *writes, **options))
    return [answer.results[write.ref.stock_id].outcome for write in writes]


def answering(driver, payload, status=200):
    """From now on every mutation is answered so; the store itself hears nothing of it."""
    platform = driver._platform

    def carry(request):
        if b"mutation" not in request.content:
            return platform.handle_request(request)
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return httpx.Response(status, content=body, request=request)

    driver._platform = httpx.MockTransport(carry)
    return driver


def user_errors(*errors):
    rows = [{"code": code, "field": field, "message": "words"} for code, field in errors]
    return {"data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": None, "userErrors": rows}}}


def row(number):
    return ["input", "quantities", str(number), "changeFromQuantity"]


def test_a_figure_is_what_is_available_at_the_location(driver):
    driver.sell("MUG-1", 3)
    other = driver.act(catalogue.add_location, "Other")
    driver.act(stock.stock_at, driver.variant("MUG-1").item, other, available=100)
    driver.account.settings["store_location"] = str(driver.shopify.location.number)
    figure = driver.store().read_stock([ref(driver, "MUG-1")]).figures[ref(driver, "MUG-1").stock_id]
    assert (figure.state, figure.quantity) == (FigureState.TRACKED, 17)


def test_untracked_not_stocked_and_gone_are_no_zero(driver):
    shop = driver.shopify.shop
    driver.act(catalogue.set_tracked, driver.variant("MUG-1").item, tracked=False)
    driver.act(
        catalogue.deactivate_level, shop.levels[driver.variant("CUP-1").item.number, driver.shopify.location.number]
    )
    refs = [ref(driver, sku) for sku in driver.skus]
    driver.delete("BOWL-1")
    figures = driver.store().read_stock(refs).figures
    assert [(figures[r.stock_id].state, figures[r.stock_id].quantity) for r in refs] == [
        (FigureState.UNTRACKED, None),
        (FigureState.NOT_STOCKED, None),
        (FigureState.GONE, None),
    ]


def test_many_figures_are_read_in_affordable_calls(driver):
    for number in range(300):
        driver.act(catalogue.stock_product, f"S{number}", quantity=number)
    refs = [ref(driver, f"S{number}") for number in range(300)]
    figures = driver.store().read_stock(refs).figures
    assert [figures[r.stock_id].quantity for r in refs] == list(range(300))


def test_two_locations_need_a_choice_and_the_refusal_names_them(driver):
    other = driver.act(catalogue.add_location, "Other")
    with pytest.raises(Refused, match=f"Main .*Other .{other.number}"):
        driver.store().read_stock([ref(driver, "MUG-1")])


def test_the_merchant_sees_in_the_history_that_it_was_us(driver):
    outcomes(driver, change(driver, "MUG-1", 4))
    (push,) = driver.shopify.shop.pushes
    assert (push.before, push.after, push.expected, push.reference) == (20, 4, 20, "gid://syncd/PushBatch/812")


def test_one_stale_row_leaves_its_neighbours_unsent(driver):
    writes = [change(driver, "MUG-1", 1), change(driver, "CUP-1", 1, expected=99), change(driver, "BOWL-1", 1)]
    assert outcomes(driver, *writes) == [WriteOutcome.NOT_SENT, WriteOutcome.MISMATCH, WriteOutcome.NOT_SENT]
    assert [driver.stock(sku) for sku in driver.skus] == [20, 15, 12]


def test_an_item_that_is_gone_is_told_beside_unsent_neighbours(driver):
    writes = [change(driver, "MUG-1", 1), change(driver, "CUP-1", 1)]
    driver.delete("CUP-1")
    assert outcomes(driver, *writes) == [WriteOutcome.NOT_SENT, WriteOutcome.GONE]


def test_a_figure_accepted_for_an_untracked_item_is_told_as_that(driver):
    driver.act(catalogue.set_tracked, driver.variant("MUG-1").item, tracked=False)
    assert outcomes(driver, change(driver, "MUG-1", 1), change(driver, "CUP-1", 1)) == [
        WriteOutcome.UNTRACKED,
        WriteOutcome.WRITTEN,
    ]


def test_a_figure_accepted_where_it_is_not_on_sale_is_no_success(driver):
    level = driver.shopify.shop.levels[driver.variant("MUG-1").item.number, driver.shopify.location.number]
    driver.act(catalogue.deactivate_level, level)
    assert outcomes(driver, change(driver, "MUG-1", 1, expected=20)) == [WriteOutcome.REFUSED]


def test_a_negative_figure_can_be_expected(driver):
    driver.variant("MUG-1").policy = "CONTINUE"
    driver.sell("MUG-1", 25)
    assert outcomes(driver, change(driver, "MUG-1", 0)) == [WriteOutcome.WRITTEN]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([("CHANGE_FROM_QUANTITY_STALE", row(1))], ["not_sent", "mismatch", "not_sent"]),
        (
            [("COMPARE_QUANTITY_STALE", row(0)), ("CHANGE_FROM_QUANTITY_STALE", row(2))],
            ["mismatch", "not_sent", "mismatch"],
        ),
        ([("CHANGE_FROM_QUANTITY_STALE", None)], ["mismatch"] * 3),
        ([("CHANGE_FROM_QUANTITY_STALE", ["input", "quantities"])], ["mismatch"] * 3),
        ([("CHANGE_FROM_QUANTITY_STALE", row(99))], ["mismatch"] * 3),
        ([("NON_MUTABLE_INVENTORY_ITEM", row(1))], ["not_sent", "refused", "not_sent"]),
        ([("INVALID_QUANTITY_TOO_HIGH", row(1))], ["not_sent", "refused", "not_sent"]),
        ([("IDEMPOTENCY_CONCURRENT_REQUEST", None)], ["unknown"] * 3),
        ([("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", None)], ["not_sent"] * 3),
    ],
)
def test_user_errors_become_the_outcomes_of_rows(driver, errors, expected):
    answering(driver, user_errors(*errors))
    found = outcomes(driver, *(change(driver, sku, 1) for sku in driver.skus))
    assert [outcome.value for outcome in found] == expected


@pytest.mark.parametrize(
    "code", ["INVALID_LOCATION", "INVALID_NAME", "INVALID_REASON", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]
)
def test_what_is_wrong_with_the_whole_request_is_refused(driver, code):
    answering(driver, user_errors((code, None)))
    with pytest.raises(Refused, match=code):
        outcomes(driver, change(driver, "MUG-1", 1))


@pytest.mark.parametrize(
    "payload",
    [
        user_errors((None, None)),
        user_errors(("SOMETHING_NEW", row(0))),
        {"data": {"inventorySetQuantities": None}},
        {"data": {"inventorySetQuantities": {"userErrors": {}}}},
        {"data": {"inventorySetQuantities": {"userErrors": [], "inventoryAdjustmentGroup": {"changes": 7}}}},
        {"data": None},
        {},
        b"[]",
        b"<html>busy</html>",
        {"errors": [{"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]},
        {"errors": [{"message": "x", "extensions": {"code": "TIMEOUT"}}]},
        {"errors": [{"message": "x"}], "data": {"inventorySetQuantities": {"userErrors": []}}},
        {"errors": "broken"},
    ],
)
def test_an_answer_that_tells_nothing_leaves_the_outcome_unknown(driver, payload):
    answering(driver, payload)
    with pytest.raises(OutcomeUnknown):
        outcomes(driver, change(driver, "MUG-1", 1))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 530])
def test_a_server_error_leaves_a_write_unknown(driver, status):
    answering(driver, {}, status)
    with pytest.raises(OutcomeUnknown):
        outcomes(driver, change(driver, "MUG-1", 1))


def test_a_throttled_write_is_sent_again_with_the_same_key_when_there_are_points(driver):
    store = driver.store()
    store.write_stock(batch(driver, change(driver, "MUG-1", 19), key="one"))
    driver.shopify.bucket.available = 0
    began = driver.clock.now()
    assert outcomes(driver, change(driver, "MUG-1", 18), key="two") == [WriteOutcome.WRITTEN]
    assert timedelta() < driver.clock.now() - began < timedelta(seconds=2)


def test_a_write_that_would_be_throttled_too_long_is_not_sent(driver):
    driver.shopify.bucket.restore_rate = 1
    driver.shopify.bucket.available = -100
    with pytest.raises(RateLimited):
        outcomes(driver, change(driver, "MUG-1", 1))
    assert driver.stock("MUG-1") == 20


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({"errors": [{"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, Unavailable),
        ({"errors": [{"message": "x", "extensions": {"code": "TIMEOUT"}}], "data": {"nodes": []}}, Unavailable),
        ({"errors": [{"message": "x", "extensions": {"code": "SHOP_INACTIVE"}}]}, Unavailable),
        ({"errors": [{"message": "x", "extensions": {"code": "undefinedField"}}]}, Refused),
        (b"<html></html>", Unavailable),
        ({"data": {"nodes": [None, None]}}, MalformedPayload),
    ],
)
def test_a_reading_with_any_error_in_it_is_no_reading(driver, payload, error):
    driver.account.settings["store_location"] = str(driver.shopify.location.number)
    wanted = ref(driver, "MUG-1")
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    driver._platform = httpx.MockTransport(lambda request: httpx.Response(200, content=body, request=request))
    with pytest.raises(error):
        driver.store().read_stock([wanted])
