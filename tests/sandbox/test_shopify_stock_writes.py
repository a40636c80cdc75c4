"""What the simulated Shopify refuses, and what it does, when an app writes stock."""

import json

import pytest

from syncd.sandbox.shopify import catalogue, stock
from tests.sandbox.shopify_shop import SET, Shopify, codes, gid


@pytest.fixture
def shopify():
    return Shopify()


def test_a_matching_write_sets_the_figure_and_tells_the_change(shopify):
    answer = shopify.push(shopify.row(7, 5))["data"]["inventorySetQuantities"]
    assert answer["userErrors"] == []
    group = answer["inventoryAdjustmentGroup"]
    assert group["changes"] == [
        {"item": {"id": gid("InventoryItem", shopify.mug.item.number)}, "delta": 2, "quantityAfterChange": 7}
    ]
    assert group["referenceDocumentUri"] == "gid://syncd/PushBatch/1"
    assert shopify.level.available == 7


def test_one_stale_row_means_that_no_row_is_written(shopify):
    cup = shopify.act(catalogue.stock_product, "CUP", quantity=3)
    answer = shopify.push(shopify.row(9, 5), shopify.row(9, 99, variant=cup))["data"]["inventorySetQuantities"]
    assert answer["inventoryAdjustmentGroup"] is None
    assert [e["code"] for e in answer["userErrors"]] == ["CHANGE_FROM_QUANTITY_STALE"]
    assert answer["userErrors"][0]["field"][:3] == ["input", "quantities", "1"]
    assert shopify.level.available == 5


def test_an_explicit_null_writes_blindly(shopify):
    assert shopify.set_codes(shopify.row(9, None)) == []
    assert shopify.level.available == 9


def test_a_row_without_the_expected_figure_is_refused_at_the_top_level(shopify):
    row = shopify.row(9, 5)
    del row["changeFromQuantity"]
    answer = shopify.push(row)
    assert codes(answer) == ["INVALID_FIELD_ARGUMENTS"]
    assert "data" not in answer
    assert shopify.level.available == 5


def test_a_mutation_without_a_key_is_refused_at_the_top_level(shopify):
    document = SET.replace("@idempotent(key: $key)", "").replace(", $key: String!", "")
    variables = {"input": {"name": "available", "reason": "correction", "quantities": [shopify.row(9, 5)]}}
    assert codes(shopify.run(document, variables)) == ["BAD_REQUEST"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": -1}, "INVALID_QUANTITY_NEGATIVE"),
        ({"quantity": -1_000_000_001}, "INVALID_QUANTITY_TOO_LOW"),
        ({"quantity": 1_000_000_001}, "INVALID_QUANTITY_TOO_HIGH"),
        ({"inventoryItemId": gid("InventoryItem", 1)}, "INVALID_INVENTORY_ITEM"),
        ({"inventoryItemId": gid("Product", 1)}, "INVALID_INVENTORY_ITEM"),
        ({"locationId": gid("Location", 1)}, "INVALID_LOCATION"),
        ({"changeFromQuantity": 4}, "CHANGE_FROM_QUANTITY_STALE"),
        ({"changeFromQuantity": -5}, "CHANGE_FROM_QUANTITY_STALE"),
    ],
)
def test_a_wrong_row_is_refused_with_its_code(shopify, change, code):
    assert shopify.set_codes({**shopify.row(9, 5), **change}) == [code]
    assert shopify.level.available == 5


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ({"name": "committed"}, ["INVALID_NAME"]),
        ({"reason": "because"}, ["INVALID_REASON"]),
        ({"referenceDocumentUri": "no address"}, ["INVALID_REFERENCE_DOCUMENT"]),
        ({"referenceDocumentUri": "gid://syncd/Push"}, ["INVALID_REFERENCE_DOCUMENT"]),
        ({"referenceDocumentUri": "gid://syncd/Push/7f3"}, []),
        ({"referenceDocumentUri": "https://syncd.example/pushes/7"}, []),
    ],
)
def test_name_reason_and_reference_are_checked(shopify, head, expected):
    assert shopify.set_codes(shopify.row(9, 5), **head) == expected


def test_an_id_that_is_none_is_refused_at_the_top_level(shopify):
    answer = shopify.push({**shopify.row(9, 5), "inventoryItemId": "12345"})
    assert codes(answer) == ["INVALID_VARIABLE"]
    assert "Invalid global id '12345'" in answer["errors"][0]["message"]


def test_the_same_pair_twice_is_refused(shopify):
    assert shopify.set_codes(shopify.row(9, 5), shopify.row(8, 5)) == ["NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"]


def test_the_stock_of_a_bundle_cannot_be_set(shopify):
    bundle = shopify.act(catalogue.add_bundle, "Set", "SET", [(shopify.mug, 2)])
    assert shopify.set_codes(shopify.row(1, 0, variant=bundle)) == ["NON_MUTABLE_INVENTORY_ITEM"]


def test_more_than_250_rows_are_refused(shopify):
    assert codes(shopify.push(*[shopify.row(9, 5)] * 251)) == ["MAX_INPUT_SIZE_EXCEEDED"]


@pytest.mark.parametrize("quantity", ["7", 7.0, 7.5, 2**31, True, None])
def test_what_is_no_int_is_no_quantity(shopify, quantity):
    answer = shopify.push(shopify.row(quantity, 5))
    assert codes(answer) == ["INVALID_VARIABLE"]
    assert shopify.level.available == 5


def test_the_old_comparison_fields_are_unknown(shopify):
    row = shopify.row(9, 5)
    del row["changeFromQuantity"]
    assert codes(shopify.push({**row, "compareQuantity": 5})) == ["INVALID_VARIABLE"]


class TestKeys:
    def test_a_repeated_key_gives_the_first_answer_and_writes_once(self, shopify):
        first = shopify.push(shopify.row(7, 5))["data"]
        assert shopify.push(shopify.row(7, 5))["data"] == first
        assert len(shopify.shop.pushes) == 1

    def test_the_same_key_with_other_input_is_a_mismatch(self, shopify):
        shopify.push(shopify.row(7, 5))
        assert shopify.set_codes(shopify.row(8, 7)) == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]

    def test_a_key_whose_first_attempt_failed_stays_failed(self, shopify):
        shopify.push(shopify.row(7, 4))
        assert shopify.set_codes(shopify.row(7, 4)) == ["IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]

    def test_a_key_in_flight_is_told_apart(self, shopify):
        shopify.faults.latency_seconds = 3
        shopify.push(shopify.row(7, 5))
        assert shopify.set_codes(shopify.row(7, 5)) == ["IDEMPOTENCY_CONCURRENT_REQUEST"]
        shopify.clock.advance(seconds=3)
        assert shopify.set_codes(shopify.row(7, 5)) == []

    def test_a_key_is_forgotten_after_24_hours(self, shopify):
        shopify.push(shopify.row(7, 5))
        shopify.clock.advance(hours=24)
        assert shopify.set_codes(shopify.row(7, 5)) == ["CHANGE_FROM_QUANTITY_STALE"]


class TestLevels:
    ACTIVATE = """mutation A($item: ID!, $location: ID!, $available: Int, $key: String!) {
      inventoryActivate(inventoryItemId: $item, locationId: $location, available: $available) @idempotent(key: $key) {
        inventoryLevel { isActive quantities(names: ["available"]) { quantity } } userErrors { field message } } }"""

    def activate(self, shopify, location, available=None, key="activate"):
        variables = {
            "item": gid("InventoryItem", shopify.mug.item.number),
            "location": gid("Location", location.number),
        }
        return shopify.data(self.ACTIVATE, {**variables, "available": available, "key": key})["inventoryActivate"]

    def test_a_write_where_it_is_not_stocked_succeeds_and_sells_nothing(self, shopify):
        other = shopify.act(catalogue.add_location, "Other")
        assert shopify.set_codes(shopify.row(9, 0, location=other)) == []
        assert shopify.shop.available(shopify.mug.item) == 5
        level = shopify.shop.level(shopify.mug.item, other)
        assert (level.available, level.is_active) == (9, False)

    def test_activating_brings_an_inactive_level_back_with_its_number(self, shopify):
        other = shopify.act(catalogue.add_location, "Other")
        shopify.push(shopify.row(9, 0, location=other))
        assert self.activate(shopify, other)["inventoryLevel"] == {"isActive": True, "quantities": [{"quantity": 9}]}
        assert shopify.shop.available(shopify.mug.item) == 14

    def test_available_is_for_new_levels_only(self, shopify):
        other = shopify.act(catalogue.add_location, "Other")
        assert self.activate(shopify, other, 4)["inventoryLevel"]["quantities"] == [{"quantity": 4}]
        refused = self.activate(shopify, other, 6, key="again")
        assert refused["inventoryLevel"] is None
        assert refused["userErrors"][0]["field"] == ["available"]

    def test_inactive_levels_are_listed_only_when_asked_for(self, shopify):
        shopify.act(catalogue.deactivate_level, shopify.level)
        ask = "query Q($id: ID!, $all: Boolean!) { inventoryItem(id: $id) { inventoryLevels(first: 5, includeInactive: $all) { nodes { isActive } } } }"
        item = gid("InventoryItem", shopify.mug.item.number)
        shown = shopify.data(ask, {"id": item, "all": False})["inventoryItem"]["inventoryLevels"]["nodes"]
        everything = shopify.data(ask, {"id": item, "all": True})["inventoryItem"]["inventoryLevels"]["nodes"]
        assert (shown, everything) == ([], [{"isActive": False}])

    def test_a_write_on_hand_shifts_available_by_the_same_delta(self, shopify):
        shopify.sell(2)
        assert shopify.set_codes(shopify.row(9, 5), name="on_hand") == []
        assert shopify.figures() == (7, 2, 9)

    def test_an_untracked_item_sells_without_limit(self, shopify):
        shopify.act(catalogue.stock_product, "AIR", tracked=False)
        order = shopify.sell(1000, sku="AIR")
        assert order.lines[0].takes_stock is False

    def test_numbers_exceed_what_a_float_can_hold(self, shopify):
        assert shopify.mug.item.number > 2**53


def test_a_lost_answer_has_its_effect_all_the_same(shopify):
    shopify.faults.lost_answer_rate = 1.0
    answer = shopify.post(
        SET, {"input": {"name": "available", "reason": "correction", "quantities": [shopify.row(7, 5)]}, "key": "k"}
    )
    assert answer.lost
    assert shopify.level.available == 7


def test_a_server_error_has_no_effect(shopify):
    shopify.faults.error_rate = 1.0
    answer = shopify.post(
        SET, {"input": {"name": "available", "reason": "correction", "quantities": [shopify.row(7, 5)]}, "key": "k"}
    )
    assert answer.status == 500
    assert shopify.level.available == 5


def test_the_log_shows_every_push_with_the_figures_before_and_after(shopify):
    shopify.push(shopify.row(7, 5))
    _, log = shopify.control("GET", "/_sandbox/log")
    assert [(p["sku"], p["before"], p["after"], p["expected"]) for p in log["pushes"]] == [("MUG", 5, 7, 5)]
    assert log["writes"] == {"inventorySetQuantities": 1}
    assert json.dumps(log)


def test_an_adjustment_moves_relatively_and_compares(shopify):
    document = """mutation A($input: InventoryAdjustQuantitiesInput!, $key: String!) {
      inventoryAdjustQuantities(input: $input) @idempotent(key: $key) { inventoryAdjustmentGroup { changes { delta } } userErrors { code } } }"""
    row = {key: value for key, value in shopify.row(0, 5).items() if key != "quantity"}
    wanted = {"name": "available", "reason": "correction", "changes": [{**row, "delta": -2}]}
    first = shopify.data(document, {"input": wanted, "key": "a"})["inventoryAdjustQuantities"]
    second = shopify.data(document, {"input": wanted, "key": "b"})["inventoryAdjustQuantities"]
    assert first["inventoryAdjustmentGroup"] == {"changes": [{"delta": -2}]}
    assert [e["code"] for e in second["userErrors"]] == ["CHANGE_FROM_QUANTITY_STALE"]


def test_a_figure_typed_by_staff_is_seen_at_once(shopify):
    shopify.act(stock.set_by_hand, "MUG", 12)
    assert shopify.set_codes(shopify.row(4, 5)) == ["CHANGE_FROM_QUANTITY_STALE"]
    assert shopify.level.available == 12
