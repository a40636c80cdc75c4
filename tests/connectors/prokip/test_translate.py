"""Prokip's recorded bodies, translated; and what of ours is written as."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.prokip.judge import is_recorded_return, judged_sale, refusal
from connectors.prokip.translate import (
    item_of_variation,
    items_of_product,
    location,
    page_info,
    recorded_sale,
    refs_of,
    return_body,
    rows_of,
    sell_form,
    sold_at,
)
from connectors.prokip.writing import to_json
from connectors.sdk.answer import Answer, parse_json
from connectors.sdk.errors import MalformedPayload, OutcomeUnknown, RefusalKind, Refused, Unavailable
from connectors.sdk.values import (
    CatalogueItem,
    RecordedLine,
    RecordedSale,
    Sale,
    SaleLine,
    StockRef,
    StockRow,
)

SAMPLES = Path(__file__).parents[2] / "data" / "prokip"
NAIROBI = ZoneInfo("Africa/Nairobi")
NOW = datetime(2026, 1, 28, 9, 5, 42, tzinfo=UTC)


def body(name):
    """A sample's body as a connector meets it: fractions as Decimal."""
    return parse_json(json.dumps(json.loads((SAMPLES / f"{name}.json").read_text())["body"]).encode())


def answer(document):
    raw = document if isinstance(document, bytes) else to_json(document)
    return Answer(status=200, headers={}, body=raw, began_at=NOW, answered_at=NOW, platform_at=NOW)


def item(external_id, product_id, sku, title, quantity, price):
    return CatalogueItem(
        external_id=external_id,
        ref=StockRef(stock_id=external_id, parent_id=product_id),
        sku=sku,
        title=title,
        tracked=True,
        quantity=quantity,
        price=Decimal(price),
    )


BUTTER = item("5080201", "4700101", "4700101", "Shea butter 250 g", 73, "680.0000")
TEE_M = item("5080202", "4700102", "TEE-01-M", "Crew tee, M", -2, "1200.0000")
TEE_L = item("5080203", "4700102", "TEE-01-L", "Crew tee, L", 0, "1200.0000")
ROWS = {
    "5080201": (StockRow(external_id="5080201", location_id="31001", quantity=73),),
    "5080202": (StockRow(external_id="5080202", location_id="31001", quantity=-2),),
    "5080203": (StockRow(external_id="5080203", location_id="31001", quantity=None),),
}
SOLD = RecordedSale(
    sale_id="41800501",
    invoice_no="PSY-C7-100234",
    lines=(
        RecordedLine(external_line_id="73500901", external_id="5080201", quantity=2),
        RecordedLine(external_line_id="73500902", external_id="5080202", quantity=1),
    ),
)


@pytest.mark.parametrize("name", ["product.list.page1.200", "product.list.all.200", "product.search-by-sku.200"])
def test_a_list_of_products_gives_its_variations_with_their_stock(name):
    found = [one for row in rows_of(body(name), "products") for one in items_of_product(row)]
    expected = [BUTTER] if "search" in name else [BUTTER, TEE_M, TEE_L]
    assert [one.external_id for one, _ in found] == [one.external_id for one in expected]
    for (one, rows), wanted in zip(found, expected, strict=True):
        assert one == wanted
        assert rows == ROWS[one.external_id]


def test_a_list_of_variations_gives_the_same_items():
    found = [item_of_variation(row) for row in rows_of(body("variation.by-ids.200"), "variations")]
    assert [one for one, _ in found] == [BUTTER, TEE_M, TEE_L]
    assert [rows for _, rows in found] == list(ROWS.values())


@pytest.mark.parametrize(
    ("name", "is_last", "total"),
    [
        ("product.list.page1.200", False, 239),
        ("product.list.all.200", True, None),
        ("product-stock-report.page1.200", False, 401),
        ("sell.list.page1.200", True, 1),
        ("sell.list.empty.200", True, 0),
        ("contactapi.customers.200", True, 2),
    ],
)
def test_a_page_tells_whether_it_is_the_last_one(name, is_last, total):
    info = page_info(body(name), 1)
    assert (info.is_last, info.total) == (is_last, total)


def test_links_alone_are_enough_to_go_on_and_another_page_than_asked_for_is_refused():
    assert not page_info({"data": [], "links": {"next": "x"}}, 1).is_last
    assert page_info({"data": [], "links": {"next": None}}, 1).is_last
    with pytest.raises(MalformedPayload):
        page_info({"data": [], "meta": {"current_page": 1, "last_page": 3}}, 2)


def test_locations_go_by_their_numeric_id():
    found = [location(row) for row in rows_of(body("business-location.list.200"), "locations")]
    assert [(one.location_id, one.name, one.is_active) for one in found] == [
        ("31001", "Kisimani Branch", True),
        ("31002", "Warehouse", True),
    ]


def row_of_product(**changes):
    (row,) = rows_of(body("product.search-by-sku.200"), "products")
    return type(row)({**row.fields, **changes}, row.where)


def with_quantity(quantity):
    groups = json.loads(json.dumps(body("product.search-by-sku.200")["data"][0]["product_variations"], default=str))
    groups[0]["variations"][0]["variation_location_details"][0]["qty_available"] = quantity
    return row_of_product(product_variations=groups)


@pytest.mark.parametrize(
    ("quantity", "whole", "was_fractional"),
    [("73.0000", 73, False), ("2.7500", 2, True), ("-0.5000", -1, True), (None, None, False)],
)
def test_a_fractional_figure_is_rounded_down_and_says_so(quantity, whole, was_fractional):
    ((_, rows),) = items_of_product(with_quantity(quantity))
    assert (rows[0].quantity, rows[0].was_fractional) == (whole, was_fractional)


def test_an_untracked_product_has_no_figure():
    ((one, rows),) = items_of_product(row_of_product(enable_stock=0))
    assert (one.tracked, one.quantity, rows) == (False, None, ())


def test_the_stock_of_a_combo_is_not_published_and_a_modifier_is_no_item():
    ((one, rows),) = items_of_product(row_of_product(type="combo"))
    assert (bool(one.blocked), rows) == (True, ())
    assert list(items_of_product(row_of_product(type="modifier"))) == []


@pytest.mark.parametrize("name", ["sell.create.200", "sell.list.page1.200", "sell.show.200"])
def test_a_sale_is_the_same_however_it_is_told(name):
    assert [recorded_sale(row) for row in rows_of(body(name), "sales")] == [SOLD]


def test_a_sale_happened_in_the_time_of_the_business():
    (row,) = rows_of(body("sell.list.page1.200"), "sales")
    assert sold_at(row, NAIROBI) == datetime(2026, 1, 28, 9, 5, 41, tzinfo=UTC)


def test_a_listed_sale_tells_what_it_touched_and_rows_in_another_form_tell_nothing():
    (row,) = rows_of(body("sell.list.page1.200"), "sales")
    assert list(refs_of(row)) == [TEE_M.ref, BUTTER.ref] or list(refs_of(row)) == [BUTTER.ref, TEE_M.ref]
    odd = type(row)({"products": [{"sku": "A", "quantity": 1}]}, "sale")
    assert list(refs_of(odd)) == []


# ------------------------------------------------------------------------------------------- what became of a sale


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sell.create.rejected-contact.200", RefusalKind.CONFIGURATION),
        ("sell.create.rejected-variation.200", RefusalKind.CONFIGURATION),
        ("sell.create.rejected-stock.200", RefusalKind.OVERSELLING),
        ("sell.create.no-sells-key.200", RefusalKind.CONFIGURATION),
    ],
)
def test_a_refusal_hidden_in_a_200_is_a_refusal(name, kind):
    with pytest.raises(Refused) as caught:
        judged_sale(answer(body(name)), allows_overselling=True)
    assert caught.value.kind is kind


def test_a_recorded_sale_is_read_bare_or_wrapped_in_data():
    bare = body("sell.create.200")
    assert judged_sale(answer(bare), allows_overselling=True) == SOLD
    assert judged_sale(answer({"data": bare}), allows_overselling=True) == SOLD


@pytest.mark.parametrize("document", [[], {}, [{}], [{"original": {}}], b"[3]", {"data": [{"id": 1}, {"id": 2}]}])
def test_an_answer_that_names_neither_sale_nor_reason_leaves_the_outcome_unknown(document):
    with pytest.raises(OutcomeUnknown):
        judged_sale(answer(document), allows_overselling=True)


@pytest.mark.parametrize(
    ("words", "allows_overselling", "expected"),
    [
        ("SQLSTATE[40001]: Serialization failure: 1213 Deadlock found when trying to get lock", True, Unavailable),
        ("SQLSTATE[HY000]: General error: 1205 Lock wait timeout exceeded", True, Unavailable),
        ("SQLSTATE[HY000] [2002] Connection refused", True, Unavailable),
        ("SQLSTATE[HY000]: General error: 2006 MySQL server has gone away", True, Unavailable),
        ("SQLSTATE[22007]: Invalid datetime format: 1292 Incorrect datetime value", False, RefusalKind.OTHER),
        ("No query results for model [App\\BusinessLocation] 7", True, RefusalKind.CONFIGURATION),
        ("Trying to get property 'sell_price_inc_tax' of non-object", True, RefusalKind.CONFIGURATION),
        ("HITILAFU: kiasi hakitoshi. Bidhaa: Wine 2013", False, RefusalKind.OVERSELLING),
        ("HITILAFU: kiasi hakitoshi. Bidhaa: Wine 2013", True, RefusalKind.OTHER),
        ("", True, RefusalKind.OTHER),
    ],
)
def test_the_words_of_a_refusal_tell_what_it_needs(words, allows_overselling, expected):
    error = refusal(words, allows_overselling=allows_overselling)
    if isinstance(expected, RefusalKind):
        assert (type(error), error.kind) == (Refused, expected)
    else:
        assert type(error) is expected


@pytest.mark.parametrize(
    ("name", "is_recorded"),
    [
        ("sell-return.create.201", True),
        ("sell-return.update-cumulative.200", True),
        ("sell-return.missing-price.400", False),
        ("sell.show.unknown.200", False),
    ],
)
def test_a_return_is_recorded_when_its_document_is_named(name, is_recorded):
    found = body(name)
    assert is_recorded_return(answer(found)) is is_recorded
    if is_recorded:
        assert is_recorded_return(answer({"success": True, "data": found}))


# ------------------------------------------------------------------------------------------- what we write


def online_sale(**changes):
    lines = (
        SaleLine(
            line_id="line 1",
            external_id="5080201",
            parent_id="4700101",
            sku="4700101",
            quantity=2,
            unit_price=Decimal("680.0000"),
        ),
        SaleLine(
            line_id="line 2",
            external_id="5080202",
            parent_id="4700102",
            sku="TEE-01-M",
            quantity=3,
            unit_price=Decimal("33.3333"),
        ),
    )
    values = {
        "invoice_no": "SY-C7-100234",
        "channel": "c7",
        "channel_name": "Shop A",
        "location_id": "31001",
        "sold_at": NOW,
        "lines": lines,
        "shipping": Decimal("250.50"),
        "note": "order 100234",
    }
    return Sale(**{**values, **changes})


def test_a_sale_is_written_in_the_businesss_time_with_one_payment_of_the_servers_sum():
    sell = parse_json(to_json(sell_form(online_sale(), "2200145", NAIROBI)))
    assert sell["transaction_date"] == "2026-01-28 12:05:42"
    assert (sell["invoice_no"], sell["source"], sell["contact_id"]) == ("SY-C7-100234", "syncd-c7", 2200145)
    assert sell["shipping_charges"] == Decimal("250.5")
    # 2 x 680 + 3 x 33.3333 + 250.50 = 1710.4999
    assert sell["payments"] == [{"amount": Decimal("1710.4999"), "method": "cash", "note": "paid online"}]
    assert [(line["variation_id"], line["quantity"], line["unit_price"]) for line in sell["products"]] == [
        (5080201, 2, 680),
        (5080202, 3, Decimal("33.3333")),
    ]


def test_the_same_sale_is_the_same_bytes():
    first, again = (to_json(sell_form(online_sale(), "1", NAIROBI)) for _ in range(2))
    assert first == again


def test_a_sale_for_nothing_has_no_payment():
    free = online_sale(lines=(), shipping=Decimal(0))
    assert sell_form(free, "1", NAIROBI)["payments"] == []


def test_decimals_are_written_as_exact_numbers():
    assert to_json({"a": [Decimal("0.1000"), Decimal("1E+3"), Decimal("0.00004"), Decimal("12345678901.2345")]}) == (
        b'{"a":[0.1,1000,0,12345678901.2345]}'
    )


def test_a_return_names_every_line_with_a_return_never_less_than_is_there_and_no_date():
    document = body("sell.show.200")
    document["data"][0]["sell_lines"][1]["quantity_returned"] = "1.0000"
    (row,) = rows_of(document, "sales")
    written = parse_json(return_body(row, {"73500901": 2}))
    assert [(line["sell_line_id"], line["quantity"]) for line in written["products"]] == [(73500901, 2), (73500902, 1)]
    assert [line["unit_price_inc_tax"] for line in written["products"]] == [680, 1200]
    assert "transaction_date" not in written
    assert "invoice_no" not in written


def test_the_first_return_of_a_sale_is_numbered_after_it():
    (row,) = rows_of(body("sell.show.200"), "sales")
    assert parse_json(return_body(row, {"73500901": 1}))["invoice_no"] == "PSY-C7-100234-R"
