"""How the simulated Shopify runs documents: validation, costs, rights, paging, search and bulk operations."""

import json

import pytest

from syncd.sandbox.shopify import catalogue, orders
from syncd.sandbox.wire import Request
from tests.sandbox.shopify_shop import Shopify, codes, gid

VARIANTS = "query V($first: Int, $after: String, $query: String) { productVariants(first: $first, after: $after, query: $query) { nodes { sku } pageInfo { hasNextPage endCursor } } }"


@pytest.fixture
def shopify():
    return Shopify()


def skus(data):
    return [node["sku"] for node in data["productVariants"]["nodes"]]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ shop { nmae } }", "undefinedField"),
        ("{ shop(first: 1) { name } }", "argumentNotAccepted"),
        ("{ shop { name }", "PARSE_ERROR"),
        ('{ nodes(ids: ["12"]) { id } }', "INVALID_VARIABLE"),
        ("{ productVariants { nodes { id } } }", "BAD_REQUEST"),
        ("{ productVariants(first: 251) { nodes { id } } }", "BAD_REQUEST"),
        ('{ productVariants(first: 1, after: "what") { nodes { id } } }', "BAD_REQUEST"),
        ("{ shop { billingAddress } }", "undefinedField"),
    ],
)
def test_a_document_that_is_wrong_gets_an_error_with_status_200(shopify, document, code):
    answer = shopify.post(document)
    assert (answer.status, codes(json.loads(answer.body))) == (200, [code])


def test_more_than_250_ids_are_refused(shopify):
    ids = [gid("Product", n) for n in range(251)]
    assert codes(shopify.run("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids})) == [
        "MAX_INPUT_SIZE_EXCEEDED"
    ]


def test_unknown_ids_are_null_and_known_ones_of_any_kind_are_found(shopify):
    ids = [
        gid("InventoryItem", shopify.mug.item.number),
        gid("InventoryItem", 5),
        gid("Location", shopify.location.number),
    ]
    document = "query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on InventoryItem { sku tracked } } }"
    assert shopify.data(document, {"ids": ids})["nodes"] == [
        {"__typename": "InventoryItem", "id": ids[0], "sku": "MUG", "tracked": True},
        None,
        {"__typename": "Location", "id": ids[2]},
    ]


def test_a_field_that_is_not_simulated_says_so(shopify):
    order = shopify.sell()
    document = "query Q($id: ID!) { order(id: $id) { agreements(first: 1) { nodes { id } } } }"
    assert codes(shopify.run(document, {"id": gid("Order", order.number)})) == ["NOT_SIMULATED"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"x-shopify-access-token": "shpat_wrong"}, 401)],
)
def test_a_dead_token_gets_401(shopify, headers, status):
    request = Request(
        method="POST", scheme="https", host="x", path="/admin/api/2026-10/graphql.json", headers=headers, body=b"{}"
    )
    assert shopify.handle(request).status == status


def test_a_missing_right_is_access_denied_with_its_name():
    shopify = Shopify(scopes=["read_products"])
    answer = shopify.run("{ locations(first: 1) { nodes { id } } }")
    assert codes(answer) == ["ACCESS_DENIED"]
    assert "read_locations" in answer["errors"][0]["message"]


def test_a_right_to_write_covers_reading():
    shopify = Shopify(scopes=["write_inventory"])
    assert shopify.data("{ inventoryItems(first: 1) { nodes { sku } } }")["inventoryItems"]["nodes"] == [{"sku": "MUG"}]


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("2026-10", "2026-10"),
        ("2026-04", "2026-04"),
        ("2024-01", "2026-01"),
        ("2027-01", "2027-01"),
        ("unstable", "unstable"),
    ],
)
def test_a_retired_version_falls_forward_and_the_header_says_so(shopify, asked, served):
    assert shopify.post("{ shop { name } }", version=asked).headers["x-shopify-api-version"] == served


def test_every_answer_carries_the_stores_time(shopify):
    assert shopify.post("{ shop { name } }").headers["date"] == "Sat, 21 Nov 2026 10:00:00 GMT"


class TestCost:
    @pytest.mark.parametrize(
        ("plan", "rate"), [("standard", 100), ("advanced", 200), ("plus", 1000), ("enterprise", 2000)]
    )
    def test_every_answer_tells_the_bucket_of_the_plan(self, plan, rate):
        cost = Shopify(plan=plan).run("{ shop { name } }")["extensions"]["cost"]
        assert cost["throttleStatus"]["restoreRate"] == rate
        assert cost["requestedQueryCost"] == cost["actualQueryCost"] == 1

    def test_what_was_not_used_is_returned(self, shopify):
        cost = shopify.run(VARIANTS, {"first": 250})["extensions"]["cost"]
        assert cost["requestedQueryCost"] > 250
        assert cost["actualQueryCost"] < 5
        assert cost["throttleStatus"]["currentlyAvailable"] == 2000 - cost["actualQueryCost"]

    def test_one_query_costs_at_most_1000(self, shopify):
        document = "{ productVariants(first: 100) { nodes { id inventoryItem { inventoryLevels(first: 20) { nodes { id } } } } } }"
        assert codes(shopify.run(document)) == ["MAX_COST_EXCEEDED"]

    def test_an_empty_bucket_throttles_with_status_200_and_fills_with_time(self, shopify):
        shopify.bucket.available = 100
        answer = shopify.post(VARIANTS, {"first": 250})
        body = json.loads(answer.body)
        assert (answer.status, codes(body), "data" in body) == (200, ["THROTTLED"], False)
        shopify.clock.advance(seconds=5)
        assert "errors" not in shopify.run(VARIANTS, {"first": 250})

    def test_throttling_can_be_switched_off(self, shopify):
        shopify.bucket.available = 0
        shopify.faults.throttle = False
        assert skus(shopify.data(VARIANTS, {"first": 250})) == ["MUG"]


class TestPagingAndSearch:
    def test_pages_go_to_the_end_without_a_gap(self, shopify):
        for number in range(7):
            shopify.act(catalogue.stock_product, f"S{number}")
        seen, cursor = [], None
        while True:
            page = shopify.data(VARIANTS, {"first": 3, "after": cursor})
            seen += skus(page)
            cursor = page["productVariants"]["pageInfo"]["endCursor"]
            if not page["productVariants"]["pageInfo"]["hasNextPage"]:
                break
        assert seen == ["MUG", *(f"S{number}" for number in range(7))]

    def test_paging_ends_at_25000(self, shopify):
        product = shopify.mug.product
        for number in range(25_002):
            catalogue.add_variant(shopify.shop, product, title=str(number), sku=str(number), item=shopify.mug.item)
        shopify.faults.throttle = False
        seen, cursor, more = 0, None, True
        while more:
            page = shopify.data(VARIANTS, {"first": 250, "after": cursor})["productVariants"]
            seen += len(page["nodes"])
            cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert seen == 25_000

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("sku:mug", ["MUG", "MUG-RED"]),
            ("sku:'MUG-RED'", ["MUG-RED"]),
            ("sku:red-mug", ["MUG-RED"]),
            ("sku:CUP AND id:>1", ["CUP"]),
            ("-sku:mug", ["CUP"]),
            ("sku:nothing", []),
            ("sku:(broken", ["MUG", "MUG-RED", "CUP"]),
            ("colour:red", ["MUG", "MUG-RED", "CUP"]),
        ],
    )
    def test_a_search_is_tokenised_and_a_malformed_one_is_ignored(self, shopify, query, found):
        shopify.act(catalogue.stock_product, "MUG-RED")
        shopify.act(catalogue.stock_product, "CUP")
        assert skus(shopify.data(VARIANTS, {"first": 10, "query": query})) == found

    def test_an_ignored_filter_is_warned_of_beside_the_data(self, shopify):
        answer = shopify.run(VARIANTS, {"first": 10, "query": "updated_at:>=yesterday"})
        assert answer["extensions"]["search"][0]["warnings"]
        assert "errors" not in answer

    def test_orders_are_sorted_by_processing_unless_told_otherwise(self, shopify):
        first = shopify.sell(paid=False)
        shopify.clock.advance(minutes=1)
        shopify.sell()
        shopify.clock.advance(minutes=1)
        shopify.act(orders.pay, first)
        ask = "{ orders(first: 5%s) { nodes { name } } }"
        names = lambda text: [n["name"] for n in shopify.data(ask % text)["orders"]["nodes"]]  # noqa: E731
        assert names("") == ["#1001", "#1002"]
        assert names(", sortKey: UPDATED_AT") == ["#1002", "#1001"]

    def test_lists_search_an_index_that_lags(self):
        from datetime import timedelta

        shopify = Shopify(index_lag=timedelta(seconds=30))
        ask = "{ orders(first: 5, query: \"updated_at:>='2026-11-21T09:00:00Z'\") { nodes { name } } }"
        order = shopify.sell()
        assert shopify.data(ask)["orders"]["nodes"] == []
        assert shopify.data("query Q($id: ID!) { order(id: $id) { name } }", {"id": gid("Order", order.number)})[
            "order"
        ]
        shopify.clock.advance(seconds=30)
        assert shopify.data(ask)["orders"]["nodes"] == [{"name": "#1001"}]

    def test_orders_older_than_60_days_need_their_own_right(self):
        shopify = Shopify(scopes=["read_orders"])
        order = shopify.sell()
        shopify.clock.advance(days=61)
        assert shopify.data("{ orders(first: 5) { nodes { name } } }")["orders"]["nodes"] == []
        assert (
            shopify.data("query Q($id: ID!) { order(id: $id) { name } }", {"id": gid("Order", order.number)})["order"]
            is None
        )

    @pytest.mark.parametrize(
        ("status", "names"), [("open", ["#1001"]), ("closed", ["#1002"]), ("any", ["#1001", "#1002"])]
    )
    def test_orders_are_found_by_their_status(self, shopify, status, names):
        shopify.sell()
        shopify.act(orders.close, shopify.sell())
        found = shopify.data(
            "query Q($q: String) { orders(first: 5, query: $q) { nodes { name } } }", {"q": f"status:{status}"}
        )
        assert [node["name"] for node in found["orders"]["nodes"]] == names


class TestBulk:
    START = "mutation B($query: String!, $group: Boolean!) { bulkOperationRunQuery(query: $query, groupObjects: $group) { bulkOperation { id status } userErrors { code message } } }"
    SHOW = "query B($id: ID!) { bulkOperation(id: $id) { status url partialDataUrl objectCount rootObjectCount errorCode } }"
    QUERY = "{ productVariants { edges { node { id sku inventoryItem { id } } } } }"
    NESTED = "{ inventoryItems { edges { node { id sku inventoryLevels { edges { node { id isActive } } } } } } }"

    def start(self, shopify, query=QUERY):
        return shopify.data(self.START, {"query": query, "group": False})["bulkOperationRunQuery"]

    def finished(self, shopify, started):
        shopify.clock.advance(seconds=5)
        return shopify.data(self.SHOW, {"id": started["bulkOperation"]["id"]})["bulkOperation"]

    def download(self, shopify, url):
        answer = shopify.handle(Request(method="GET", scheme="https", host="x", path="/" + url.split("/", 3)[3]))
        return answer.status, [json.loads(line) for line in answer.body.splitlines()] if answer.status == 200 else []

    def test_a_bulk_query_runs_for_a_while_and_leaves_a_file(self, shopify):
        started = self.start(shopify)
        assert started["bulkOperation"]["status"] == "CREATED"
        done = self.finished(shopify, started)
        assert (done["status"], done["objectCount"]) == ("COMPLETED", "1")
        _, rows = self.download(shopify, done["url"])
        assert [row["sku"] for row in rows] == ["MUG"]
        assert rows[0]["inventoryItem"]["id"] == gid("InventoryItem", shopify.mug.item.number)

    def test_children_stand_anywhere_with_the_id_of_their_parent(self, shopify):
        for number in range(20):
            shopify.act(catalogue.stock_product, f"S{number}")
        _, rows = self.download(shopify, self.finished(shopify, self.start(shopify, self.NESTED))["url"])
        parents = {row["id"]: row for row in rows if "__parentId" not in row}
        children = [row for row in rows if "__parentId" in row]
        assert len(parents) == len(children) == 21
        assert {child["__parentId"] for child in children} == set(parents)
        assert rows.index(children[0]) < len(parents)

    def test_a_file_lives_for_seven_days(self, shopify):
        url = self.finished(shopify, self.start(shopify))["url"]
        shopify.clock.advance(days=7)
        assert self.download(shopify, url)[0] == 404

    def test_nothing_found_leaves_no_file(self, shopify):
        shopify.act(catalogue.delete_product, shopify.mug.product)
        assert self.finished(shopify, self.start(shopify))["url"] is None

    def test_a_failed_one_leaves_part_of_the_data_only(self, shopify):
        shopify.act(catalogue.stock_product, "CUP")
        shopify.bulk.fails_next = True
        done = self.finished(shopify, self.start(shopify))
        assert (done["status"], done["url"], done["errorCode"]) == ("FAILED", None, "INTERNAL_SERVER_ERROR")
        assert len(self.download(shopify, done["partialDataUrl"])[1]) == 1

    def test_five_run_at_once_and_no_more(self, shopify):
        assert [self.start(shopify)["userErrors"] for _ in range(5)] == [[]] * 5
        assert [e["code"] for e in self.start(shopify)["userErrors"]] == ["LIMIT_REACHED"]

    @pytest.mark.parametrize(
        "query",
        [
            "{ shop { name } }",
            "{ shop {",
            "{ shop { nmae } }",
            "{ orders { edges { node { id returns { edges { node { id refunds { edges { node { id } } } } } } } } } }",
        ],
    )
    def test_a_query_that_cannot_run_in_bulk_is_refused(self, shopify, query):
        assert [e["code"] for e in self.start(shopify, query)["userErrors"]] == ["INVALID"]


class TestProducts:
    CREATE = "mutation C($product: ProductCreateInput!) { productCreate(product: $product) { product { id variants(first: 5) { nodes { id sku inventoryItem { tracked } } } } userErrors { message } } }"
    VARIANTS = """mutation V($id: ID!, $variants: [ProductVariantsBulkInput!]!, $strategy: ProductVariantsBulkCreateStrategy) {
      productVariantsBulkCreate(productId: $id, variants: $variants, strategy: $strategy) { productVariants { sku inventoryQuantity } userErrors { code } } }"""

    def test_a_new_product_has_one_untracked_variant_which_the_first_real_one_replaces(self, shopify):
        product = shopify.data(self.CREATE, {"product": {"title": "Cup"}})["productCreate"]["product"]
        assert [(v["sku"], v["inventoryItem"]["tracked"]) for v in product["variants"]["nodes"]] == [(None, False)]
        row = {
            "optionValues": [{"optionName": "Title", "name": "Cup"}],
            "price": "12.50",
            "inventoryItem": {"sku": "CUP", "tracked": True},
            "inventoryQuantities": [{"locationId": gid("Location", shopify.location.number), "availableQuantity": 4}],
        }
        made = shopify.data(
            self.VARIANTS, {"id": product["id"], "variants": [row], "strategy": "REMOVE_STANDALONE_VARIANT"}
        )
        assert made["productVariantsBulkCreate"] == {
            "productVariants": [{"sku": "CUP", "inventoryQuantity": 4}],
            "userErrors": [],
        }
        assert [v.item.sku for v in shopify.shop.variants.values()] == ["MUG", "CUP"]

    def test_quantities_are_refused_when_a_variant_is_updated(self, shopify):
        document = "mutation U($id: ID!, $v: [ProductVariantsBulkInput!]!) { productVariantsBulkUpdate(productId: $id, variants: $v) { userErrors { code } } }"
        row = {"id": gid("ProductVariant", shopify.mug.number), "inventoryQuantities": []}
        answer = shopify.data(document, {"id": gid("Product", shopify.mug.product.number), "v": [row]})
        assert [e["code"] for e in answer["productVariantsBulkUpdate"]["userErrors"]] == [
            "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE"
        ]
