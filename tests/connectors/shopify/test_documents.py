"""Every document that the connector sends is valid for the version it names, and asks for nothing deprecated."""

from importlib.resources import files

import pytest
from graphql import NoDeprecatedCustomRule, parse, specified_rules, validate

from connectors.sdk.errors import MalformedPayload
from connectors.shopify.documents import document, gid, number_of
from syncd.sandbox.shopify.api.schema import admin_schema

FOLDER = files("connectors.shopify").joinpath("queries")
NAMES = sorted(path.name.removesuffix(".graphql") for path in FOLDER.iterdir() if path.name.endswith(".graphql"))
OPERATIONS = [name for name in NAMES if not name.endswith("_fields")]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_document_is_valid_and_not_deprecated(name):
    parsed = parse(document(name))
    assert validate(admin_schema(), parsed, [*specified_rules, NoDeprecatedCustomRule]) == []


def test_every_fragment_is_used():
    used = "\n".join(document(name) for name in OPERATIONS)
    for name in set(NAMES) - set(OPERATIONS):
        assert FOLDER.joinpath(f"{name}.graphql").read_text() in used


@pytest.mark.parametrize("word", ["customer", "email", "phone", "address"])
def test_no_document_asks_for_a_customers_data(word):
    assert not any(word in document(name).lower() for name in OPERATIONS)


def test_an_id_beyond_what_a_float_holds_survives():
    assert number_of(gid("Order", "820982911946154508"), "Order") == "820982911946154508"


@pytest.mark.parametrize(
    "text", ["", "12", "gid://shopify/Order/", "gid://shopify/Order/x", "gid://other/Order/1", gid("LineItem", "1")]
)
def test_what_is_no_id_of_its_kind_is_malformed(text):
    with pytest.raises(MalformedPayload):
        number_of(text, "Order")
