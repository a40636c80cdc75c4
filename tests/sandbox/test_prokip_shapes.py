"""The simulated Prokip's answers have the shapes of the samples."""

import pytest

from tests.sandbox.prokip_shop import Shop, differences, sample


def both_lines(shop):
    return shop.line(shop.butter, 2, unit_price=680, note="line 1"), shop.line(shop.tee, 1, "M", unit_price=1200)


def sold(shop):
    return shop.record(*both_lines(shop))["id"]


def returned(shop, *quantities):
    sale_id = sold(shop)
    shown = shop.get(f"sell/{sale_id}").json()["data"][0]["sell_lines"]
    for quantity in quantities:
        answer = shop.post(
            "sell-return",
            {
                "transaction_id": sale_id,
                "products": [{"sell_line_id": shown[0]["id"], "quantity": quantity, "unit_price_inc_tax": 680}],
            },
        )
    return answer


CASES = {
    "product.list.page1.200": lambda s: s.get("product", per_page=2, order_by="newest", location_id=s.location),
    "product.list.all.200": lambda s: s.get("product", per_page=-1),
    "product.search-by-sku.200": lambda s: s.get("product", sku=s.butter.sku[:4], per_page=-1),
    "product.show.unknown.200": lambda s: s.get("product/999999999"),
    "variation.by-ids.200": lambda s: s.get(f"variation/{s.butter.variations[0].id}", per_page=-1),
    "product-stock-report.page1.200": lambda s: s.get("product-stock-report"),
    "product-stock-report.by-location.200": lambda s: s.get("product-stock-report", location_id=s.location),
    "business-location.list.200": lambda s: s.get("business-location"),
    "contactapi.customers.200": lambda s: s.get("contactapi", type="customer"),
    "contactapi.create.201": lambda s: s.post(
        "contactapi", {"type": "customer", "first_name": "Online store", "mobile": "07", "contact_id": "PSYNC-C7"}
    ),
    "sell.create.200": lambda s: s.post("sell", {"sells": [s.sale(*both_lines(s))]}),
    "sell.create.partial.200": lambda s: s.post(
        "sell", {"sells": [s.sale(*both_lines(s)), s.sale(*both_lines(s), contact_id=1)]}
    ),
    "sell.create.no-sells-key.200": lambda s: s.post("sell", {"location_id": s.location, "line_items": []}),
    "sell.create.rejected-contact.200": lambda s: s.post("sell", {"sells": [s.sale(*both_lines(s), contact_id=1)]}),
    "sell.create.rejected-variation.200": lambda s: s.post(
        "sell", {"sells": [s.sale({**s.line(s.butter, 1), "variation_id": s.butter.id})]}
    ),
    "sell.list.page1.200": lambda s: sold(s) and s.get("sell", order_by_date="asc"),
    "sell.list.empty.200": lambda s: s.get("sell", source="psync-none", per_page=1),
    "sell.show.200": lambda s: s.get(f"sell/{sold(s)}"),
    "sell.show.unknown.200": lambda s: s.get("sell/1"),
    "sell.update.200": lambda s: s.client.put(
        f"/connector/api/sell/{sold(s)}", json={"status": "final", "products": list(both_lines(s))}
    ),
    "sell.update.unknown.404": lambda s: s.client.put("/connector/api/sell/1", json={}),
    "sell.delete.200": lambda s: s.client.delete("/connector/api/sell/1"),
    "sell-return.create.201": lambda s: returned(s, 1),
    "sell-return.update-cumulative.200": lambda s: returned(s, 1, 2),
    "sell-return.missing-price.400": lambda s: s.post(
        "sell-return",
        {"transaction_id": sold(s), "products": [{"sku": "4700101", "quantity": 1, "unit_price": 680}]},
    ),
    "tax.list.200": lambda s: s.get("tax"),
    "payment-methods.200": lambda s: s.get("payment-methods"),
    "user-loggedin.200": lambda s: s.get("user/loggedin"),
    "api.method-not-allowed.405": lambda s: s.client.put(f"/connector/api/product/{s.butter.id}", json={}),
    "api.not-found.404": lambda s: s.post("purchase", {}),
}


@pytest.mark.parametrize("name", CASES)
def test_an_answer_has_the_shape_of_its_sample(name):
    answer = CASES[name](Shop())
    expected = sample(name)
    found = answer.json()
    if name == "sell.list.empty.200":
        found["meta"].pop("links")
    assert answer.status_code == int(name.rsplit(".", 1)[1])
    assert list(differences(expected, found)) == []


def test_business_details_have_the_shape_of_the_sample_and_carry_gateway_passwords_as_the_real_ones_do():
    found = Shop().get("business-details").json()
    gateways = {found["data"].pop("email_settings")["mail_password"], found["data"].pop("sms_settings")["url"]}
    assert all(gateways)
    assert list(differences(sample("business-details.200"), found)) == []


@pytest.mark.parametrize(
    "name",
    [
        "sell.create.no-sells-key.200",
        "sell.create.rejected-contact.200",
        "sell.create.rejected-variation.200",
        "sell.show.unknown.200",
        "sell.update.unknown.404",
        "sell.delete.200",
        "sell-return.missing-price.400",
        "api.not-found.404",
    ],
)
def test_a_refusal_says_the_same_words_as_its_sample(name):
    assert CASES[name](Shop()).json() == sample(name)
