"""Sales and returns in the simulated Prokip, with everything the real one lets happen."""

import httpx
import pytest

from tests.sandbox.prokip_shop import Shop, sample


def give_back(shop, sale, quantity, **more):
    line = {"sell_line_id": sale["sell_lines"][0]["id"], "quantity": quantity, "unit_price_inc_tax": 680}
    return shop.post("sell-return", {"transaction_id": sale["id"], "products": [line], **more})


def test_a_sale_takes_its_units_from_the_location():
    shop = Shop()
    shop.record(shop.line(shop.butter, 2))
    assert shop.left() == 71


def test_a_refused_sale_is_answered_200_and_moves_nothing():
    shop = Shop()
    answer = shop.post("sell", {"sells": [shop.sale(shop.line(shop.butter, 2), contact_id=1)]})
    assert (answer.status_code, answer.json()) == (200, sample("sell.create.rejected-contact.200"))
    assert (shop.left(), shop.people.sales()) == (73, [])


def test_the_same_invoice_number_is_taken_twice():
    shop = Shop()
    shop.record(shop.line(shop.butter, 2))
    shop.record(shop.line(shop.butter, 2))
    assert [sale["invoice_no"] for sale in shop.people.sales()] == ["PSY-C7-100234"] * 2
    assert shop.left() == 69


def test_each_sale_of_a_batch_stands_for_itself():
    shop = Shop()
    good, bad = shop.sale(shop.line(shop.butter, 1)), shop.sale(shop.line(shop.butter, 1), contact_id=1)
    answers = shop.post("sell", {"sells": [good, bad]}).json()
    assert ["id" in one for one in answers] == [True, False]
    assert shop.left() == 72


def test_a_type_error_gives_a_500_after_the_sales_before_it_were_recorded():
    shop = Shop()
    good, bad = shop.sale(shop.line(shop.butter, 1)), shop.sale(shop.line(shop.butter, "two"))
    answer = shop.post("sell", {"sells": [good, bad]})
    assert (answer.status_code, answer.json()) == (500, sample("api.server-error.500"))
    assert shop.left() == 72


def test_a_negative_quantity_raises_the_stock():
    shop = Shop()
    shop.record(shop.line(shop.butter, -5))
    assert shop.left() == 78


def test_an_oversale_is_recorded_where_overselling_is_allowed():
    shop = Shop()
    assert "id" in shop.record(shop.line(shop.butter, 100))
    assert shop.left() == -27


def test_an_oversale_is_rolled_back_where_overselling_is_not_allowed():
    shop = Shop(allow_overselling=False)
    answer = shop.record(shop.line(shop.butter, 100))
    assert "Mismatch between sold and purchase quantity" in answer["original"]["error"]["message"]
    assert (shop.left(), shop.people.sales()) == (73, [])


def test_purchases_and_not_the_quantity_decide_what_is_an_oversale():
    shop = Shop(allow_overselling=False)
    shop.people.receive("TEE-01-M", 5)
    assert shop.left("TEE-01-M") == 3
    assert "id" in shop.record(shop.line(shop.tee, 5, "M"))
    assert shop.left("TEE-01-M") == -2


def test_a_date_with_a_zone_is_refused_and_a_naive_one_is_kept_as_it_is():
    shop = Shop()
    refused = shop.record(shop.line(shop.butter, 1), transaction_date="2026-01-28T12:05:41Z")
    assert "Incorrect datetime value" in refused["original"]["error"]["message"]
    assert shop.record(shop.line(shop.butter, 1))["transaction_date"] == "2026-01-28 12:05:41"


def test_without_a_date_the_time_of_the_business_is_taken():
    shop = Shop()
    assert shop.record(shop.line(shop.butter, 1), transaction_date=None)["transaction_date"] == "2026-01-28 12:05:42"


@pytest.mark.parametrize(("amount", "status"), [(1360, "paid"), (1000, "partial"), (0, "due")])
def test_the_server_computes_what_is_paid(amount, status):
    shop = Shop()
    shop.record(shop.line(shop.butter, 2), payments=[{"amount": amount, "method": "cash"}])
    assert shop.get("sell").json()["data"][0]["payment_status"] == status


def test_a_draft_moves_no_stock_and_has_no_lines_in_its_answer():
    shop = Shop()
    draft = shop.record(shop.line(shop.butter, 2), status="draft")
    assert "sell_lines" not in draft
    assert shop.left() == 73


def test_a_draft_made_final_moves_stock_once_however_often_it_is_repeated():
    shop = Shop()
    draft = shop.record(shop.line(shop.butter, 2), status="draft")
    line = shop.get(f"sell/{draft['id']}").json()["data"][0]["sell_lines"][0]
    body = {"status": "final", "products": [{"sell_line_id": line["id"], "quantity": 2}]}
    for _ in range(2):
        assert shop.client.put(f"/connector/api/sell/{draft['id']}", json=body).status_code == 200
    assert shop.left() == 71


def test_a_line_left_out_of_a_change_is_deleted_and_its_stock_restored():
    shop = Shop()
    sale = shop.record(shop.line(shop.butter, 2), shop.line(shop.tee, 1, "M"))
    kept = {"sell_line_id": sale["sell_lines"][1]["id"], "quantity": 1}
    shop.client.put(f"/connector/api/sell/{sale['id']}", json={"products": [kept]})
    assert (shop.left(), shop.left("TEE-01-M")) == (73, -3)


def test_deleting_restores_stock_and_repeating_it_also_says_success():
    shop = Shop()
    address = f"/connector/api/sell/{shop.record(shop.line(shop.butter, 2))['id']}"
    assert [shop.client.delete(address).json() for _ in range(2)] == [sample("sell.delete.200")] * 2
    assert shop.left() == 73


def test_a_sale_with_a_return_cannot_be_deleted_and_the_refusal_is_a_200():
    shop = Shop()
    sale = shop.record(shop.line(shop.butter, 2))
    give_back(shop, sale, 1)
    answer = shop.client.delete(f"/connector/api/sell/{sale['id']}")
    assert (answer.status_code, answer.json()) == (200, sample("sell.delete.has-return.200"))


def test_a_return_is_absolute_so_repeating_it_moves_nothing_and_less_takes_stock_away():
    shop = Shop()
    sale = shop.record(shop.line(shop.butter, 5))
    answers, left = [], []
    for quantity in (2, 2, 3, 1):
        answers.append(give_back(shop, sale, quantity))
        left.append(shop.left())
    assert left == [70, 70, 71, 69]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_more_can_come_back_than_was_sold():
    shop = Shop()
    give_back(shop, shop.record(shop.line(shop.butter, 1)), 10)
    assert shop.left() == 82


def test_lines_that_a_return_does_not_name_keep_what_has_come_back():
    shop = Shop()
    sale = shop.record(shop.line(shop.butter, 2), shop.line(shop.tee, 1, "M"))
    give_back(shop, sale, 1)
    second = {"sell_line_id": sale["sell_lines"][1]["id"], "quantity": 1, "unit_price_inc_tax": 1200}
    shop.post("sell-return", {"transaction_id": sale["id"], "products": [second]})
    lines = shop.get(f"sell/{sale['id']}").json()["data"][0]["sell_lines"]
    assert [line["quantity_returned"] for line in lines] == ["1.0000", "1.0000"]


def test_a_return_with_a_date_is_refused_but_a_bare_time_of_day_passes():
    shop = Shop()
    sale = shop.record(shop.line(shop.butter, 2))
    refused = give_back(shop, sale, 1, transaction_date="2026-01-29 10:40:00")
    assert (refused.status_code, refused.json()) == (400, sample("sell-return.bad-date.400"))
    assert give_back(shop, sale, 1, transaction_date="10:05").status_code == 201


def test_a_return_without_lines_is_a_500():
    shop = Shop()
    sale = shop.record(shop.line(shop.butter, 2))
    assert shop.post("sell-return", {"transaction_id": sale["id"], "products": []}).status_code == 500


def test_listing_returns_is_a_500_as_soon_as_there_is_one():
    shop = Shop()
    sale = shop.record(shop.line(shop.butter, 2))
    assert shop.get("list-sell-return", sell_id=sale["id"]).json()["data"] == []
    give_back(shop, sale, 1)
    answer = shop.get("list-sell-return", sell_id=sale["id"])
    assert (answer.status_code, answer.json()) == (500, sample("list-sell-return.stock-bug.500"))


def test_sales_are_found_by_contact_source_and_day_but_not_by_invoice_number():
    shop = Shop()
    shop.record(shop.line(shop.butter, 1))
    shop.record(shop.line(shop.butter, 1), invoice_no="OTHER", transaction_date="2026-01-27 23:59:59")

    def found(**query):
        return [row["invoice_no"] for row in shop.get("sell", order_by_date="asc", **query).json()["data"]]

    assert found(start_date="2026-01-28", end_date="2026-01-28") == ["PSY-C7-100234"]
    assert found(contact_id=shop.contact, source="psync-c7") == ["OTHER", "PSY-C7-100234"]
    assert found(source="psync") == found(contact_id=999999999) == found(start_date="2100-01-01") == []
    assert found(invoice_no="OTHER", transaction_date_after="2100-01-01") == ["OTHER", "PSY-C7-100234"]


def test_a_server_may_ignore_a_filter_or_lack_a_route():
    shop = Shop(ignored_filters=["source"], missing_routes=["variation"])
    shop.record(shop.line(shop.butter, 1))
    assert len(shop.get("sell", source="psync-never").json()["data"]) == 1
    assert shop.get("variation").status_code == 404


def test_a_user_without_the_right_cannot_list_sales():
    answer = Shop(may_view_sells=False).get("sell")
    assert (answer.status_code, answer.json()) == (403, sample("api.forbidden.403"))


def test_a_sale_can_be_recorded_and_then_answered_with_a_500():
    shop = Shop()
    shop.faults.next_writes = ["commit_then_500", "error"]
    body = {"sells": [shop.sale(shop.line(shop.butter, 1))]}
    assert [shop.post("sell", body).status_code for _ in range(2)] == [500, 500]
    assert len(shop.people.sales()) == 1


def test_a_sale_can_be_recorded_and_never_answered():
    shop = Shop()
    shop.faults.next_writes = ["commit_then_hang", "lost_request"]
    for _ in range(2):
        with pytest.raises(httpx.ReadTimeout):
            shop.record(shop.line(shop.butter, 1))
    assert len(shop.people.sales()) == 1


def test_a_sale_can_be_recorded_long_after_its_connection_was_cut():
    shop = Shop()
    shop.faults.update({"next_writes": ["late_commit"], "late_commit_seconds": 60})
    with pytest.raises(httpx.ReadTimeout):
        shop.record(shop.line(shop.butter, 1))
    assert shop.get("sell").json()["data"] == []
    shop.clock.pass_by(seconds=60)
    assert len(shop.get("sell").json()["data"]) == 1


def test_every_sale_can_be_refused_with_words():
    shop = Shop()
    shop.faults.reject_sells = "Deadlock found when trying to get lock"
    answer = shop.record(shop.line(shop.butter, 1))
    assert answer["original"]["error"]["message"] == "Deadlock found when trying to get lock"
