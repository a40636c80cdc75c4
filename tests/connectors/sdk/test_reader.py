from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.errors import MalformedPayload
from connectors.sdk.reader import Reader

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def of(value):
    return Reader.of({"x": value}, "order")


def test_values_are_read_as_what_they_are():
    order = Reader.of(
        {
            "id": 9007199254740993,
            "text": "",
            "count": -3,
            "price": "10.10",
            "tax": Decimal("0.30"),
            "at": "2026-03-01T12:00:00+03:00",
            "gmt": "2026-03-01T09:00:00",
            "paid": False,
            "customer": {"name": "A"},
            "lines": [{"sku": "MUG"}, {"sku": "TIN"}],
        },
        "order",
    )
    assert order.id("id") == "9007199254740993"
    assert order.text("text") == ""
    assert order.whole("count") == -3
    assert (order.decimal("price"), order.decimal("tax")) == (Decimal("10.10"), Decimal("0.30"))
    assert order.time("at") == order.time("gmt", without_zone_is_utc=True) == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert order.flag("paid") is False
    assert order.nested("customer").text("name") == "A"
    assert [line.text("sku") for line in order.each("lines")] == ["MUG", "TIN"]


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("id", True),
        ("id", Decimal("1.5")),
        ("id", ""),
        ("id", []),
        ("text", 1),
        ("whole", True),
        ("whole", "3"),
        ("whole", Decimal("3.0")),
        ("flag", 1),
        ("flag", "yes"),
        ("decimal", True),
        ("decimal", "NaN"),
        ("decimal", "Infinity"),
        ("decimal", "1,50"),
        ("decimal", Decimal("1E+1000000")),
        ("time", "2026-03-01T09:00:00"),
        ("time", "yesterday"),
        ("time", 1772355600),
        ("time", "9999-12-31T23:59:59-14:00"),
        ("nested", []),
        ("values", {}),
    ],
)
def test_nothing_is_taken_for_what_it_is_not(method, value):
    with pytest.raises(MalformedPayload, match="order"):
        getattr(of(value), method)("x")


@pytest.mark.parametrize("method", ["id", "text", "whole", "flag", "decimal", "time", "nested", "values"])
def test_what_is_missing_or_null_is_refused_or_none(method):
    for empty in (Reader.of({}, "order"), of(None)):
        assert getattr(empty, f"maybe_{method}")("x") is None
        with pytest.raises(MalformedPayload, match="order has no x"):
            getattr(empty, method)("x")


def test_an_error_says_where_and_never_shows_the_value():
    order = Reader.of({"lines": [{"sku": "A"}, {"sku": 77001}]}, "order")
    with pytest.raises(MalformedPayload) as caught:
        [line.text("sku") for line in order.each("lines")]
    assert str(caught.value) == "order, lines 2, sku should be text, but is a whole number."


@given(JSON)
def test_any_value_is_read_or_malformed(value):
    for method in ("id", "text", "whole", "flag", "decimal", "time", "nested", "values", "each"):
        try:
            found = getattr(of(value), method)("x")
            list(found) if method == "each" else None
        except MalformedPayload:
            continue


@pytest.mark.parametrize("document", [None, [], "x", 1, True])
def test_a_document_that_is_no_object_is_malformed(document):
    with pytest.raises(MalformedPayload):
        Reader.of(document, "order")
