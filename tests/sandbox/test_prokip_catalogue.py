"""The lists of the simulated Prokip: paging, searching, and what they leave out."""

from tests.sandbox.prokip_shop import Shop


def crowded(count, **settings):
    shop = Shop(**settings)
    for number in range(count):
        shop.people.add_product(f"SKU-{number:03}", quantity=number)
    return shop


def every_page(shop, path, **query):
    rows, page = [], 1
    while True:
        answer = shop.get(path, page=page, **query).json()
        rows += answer["data"]
        if answer["links"]["next"] is None:
            return rows
        page += 1


def test_a_list_has_ten_rows_a_page_unless_asked_otherwise():
    shop = crowded(20)
    assert len(shop.get("product").json()["data"]) == 10
    assert len(shop.get("product", per_page=15).json()["data"]) == 15


def test_a_page_size_of_minus_one_gives_everything_without_links_or_meta():
    answer = crowded(20).get("product", per_page=-1).json()
    assert len(answer["data"]) == 22
    assert set(answer) == {"data"}


def test_following_the_pages_in_the_stable_order_finds_every_product_once():
    ids = [row["id"] for row in every_page(crowded(20), "product", order_by="newest", order_direction="asc")]
    assert ids == sorted(set(ids))
    assert len(ids) == 22


def test_without_an_order_pages_may_repeat_some_rows_and_lose_others():
    shop = crowded(40)
    shop.faults.shuffle_unordered = True
    ids = [row["id"] for row in every_page(shop, "product")]
    assert len(ids) == 42
    assert len(set(ids)) < 42


def test_the_stock_report_has_fifteen_rows_a_page_whatever_is_asked():
    answer = crowded(20).get("product-stock-report", per_page=100).json()
    assert len(answer["data"]) == answer["meta"]["per_page"] == 15


def test_the_links_of_the_stock_report_forget_the_filters():
    shop = crowded(20)
    answer = shop.get("product-stock-report", location_id=shop.location).json()
    assert answer["links"]["next"] == "http://prokip.test/connector/api/product-stock-report?page=2"


def test_a_variation_that_was_never_stocked_is_null_in_the_report_and_missing_from_that_of_a_location():
    shop = Shop()
    rows = {row["sku"]: row for row in shop.get("product-stock-report").json()["data"]}
    assert (rows["TEE-01-L"]["stock"], rows["TEE-01-L"]["location_id"]) == (None, None)
    there = shop.get("product-stock-report", location_id=shop.location).json()["data"]
    assert "TEE-01-L" not in {row["sku"] for row in there}


def test_stock_can_be_negative():
    shop = Shop()
    rows = {row["sub_sku"]: row for row in shop.get("variation", per_page=-1).json()["data"]}
    assert rows["TEE-01-M"]["variation_location_details"][0]["qty_available"] == "-2.0000"
    assert rows["TEE-01-L"]["variation_location_details"] == []


def test_an_sku_search_finds_parts_of_skus_and_takes_wildcards():
    shop = Shop()
    found = shop.get("product", sku="ee-01_m").json()["data"]
    assert [row["sku"] for row in found] == ["TEE-01"]


def test_the_sku_search_of_variations_misses_a_child_whose_parent_has_another_sku():
    shop = Shop()
    shop.people.add_variable_product("CAP", title="Cap", variations={"Red": ("HAT-RED", 3)})
    assert shop.get("variation", sku="HAT-RED").json()["data"] == []
    assert len(shop.get("product", sku="HAT-RED").json()["data"]) == 1


def test_an_unknown_filter_is_ignored():
    assert len(Shop().get("product", changed_since="2100-01-01").json()["data"]) == 2


def test_a_list_of_ids_is_cut_at_the_default_page_size():
    shop = crowded(20)
    ids = ",".join(str(one) for one in shop.prokip.business.variations)
    assert len(shop.get(f"variation/{ids}").json()["data"]) == 10
    assert len(shop.get(f"variation/{ids}", per_page=-1).json()["data"]) == 23


def test_two_products_may_have_the_same_sku():
    shop = Shop()
    shop.people.add_product("TWIN", quantity=1)
    shop.people.add_product("TWIN", quantity=2)
    assert len(shop.get("product", sku="TWIN").json()["data"]) == 2


def test_an_untracked_product_says_so_and_sales_leave_it_alone():
    shop = Shop()
    service = shop.people.add_product("WRAP", tracked=False, quantity=None)
    shop.record(shop.line(service, 3))
    assert shop.get(f"product/{service.id}").json()["data"][0]["enable_stock"] == 0
    assert shop.left("WRAP") == 0


def test_products_cannot_be_written_and_stock_cannot_be_set():
    shop = Shop()
    item = f"/connector/api/product/{shop.butter.id}"
    assert shop.client.put(item, json={}).status_code == 405
    assert shop.client.put(item, json={}).headers["Allow"] == "GET, HEAD"
    assert shop.client.put(f"{item}/stock", json={}).status_code == 404
    assert shop.post("stock-adjustment", {}).status_code == 404
    assert shop.client.post("/stock-adjustments", json={}).status_code == 419


def test_a_stock_row_tells_when_it_last_moved():
    shop = Shop()
    shop.clock.pass_by(hours=1)
    shop.people.sell([(shop.butter.sku, 1)])
    row = shop.get(f"variation/{shop.butter.variations[0].id}").json()["data"][0]["variation_location_details"][0]
    assert row["updated_at"] == "2026-01-28T10:05:42.000000Z"


def test_a_stale_list_shows_the_stock_of_a_while_ago():
    shop = Shop()
    shop.clock.pass_by(seconds=60)
    shop.people.sell([(shop.butter.sku, 3)])
    shop.faults.stale_seconds = 30
    path = f"variation/{shop.butter.variations[0].id}"
    assert shop.get(path).json()["data"][0]["variation_location_details"][0]["qty_available"] == "73.0000"
    shop.clock.pass_by(seconds=31)
    assert shop.get(path).json()["data"][0]["variation_location_details"][0]["qty_available"] == "70.0000"


def test_an_empty_list_and_half_a_catalogue_look_like_good_answers():
    shop = crowded(10)
    shop.faults.half_catalogue = True
    assert shop.get("product").json()["meta"]["total"] == 6
    shop.faults.empty_stock = True
    answer = shop.get("product")
    assert (answer.status_code, answer.json()["data"]) == (200, [])
