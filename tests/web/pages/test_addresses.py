"""Addresses of stores and SKUs: whatever they are called, their pages and their part of the API are found."""

import re

import pytest

from schema.tables import Connection
from syncd.engine import accounts, connections, leaving
from syncd.errors import NotPossible
from tests.web.pages.conftest import client_of
from tests.web.pages.street import GOODS

NAMES = ("Gifts/Tins", "..", "What? 50% & #1", "Магазин Ёлка", "./", "Duka la Zawadi +", "a//b")


def renamed(street, key, name):
    connections.change(street.market.engine, street.market.ids[key], name=name, actor="test")


def test_every_page_of_a_store_is_found_whatever_its_name(fresh_street):
    with client_of(fresh_street, "owner") as client:
        for name in NAMES:
            renamed(fresh_street, "a", name)
            _walk(client)


def _walk(client):
    """Every page of a store, and every link on it."""
    (path,) = set(re.findall(r'href="(/app/stores/a)"', client.get("/app/stores").text))
    for page in ("", "/settings", "/matching", "/shadow", "/go-live", "/reconnect", "/disconnect", "/matching.csv"):
        answer = client.get(f"{path}{page}")
        assert answer.status_code == 200, page
        links = re.findall(r'(?:href|action)="(/app/stores/[^"]*)"', answer.text)
        assert {client.get(link).status_code for link in links if not link.endswith("/do")} <= {200}, page


def test_the_api_finds_a_store_by_its_code_whatever_its_name(fresh_street):
    with client_of(fresh_street, "owner") as client:
        signed_in = {"email": "owner@mwangaza.example", "password": "three odd words here"}
        token = client.post("/auth/login", json=signed_in).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        for name in NAMES:
            renamed(fresh_street, "a", name)
            (code,) = [row["code"] for row in client.get("/connections", headers=headers).json() if row["name"] == name]
            assert client.get(f"/connections/{code}", headers=headers).json()["name"] == name
            assert client.get(f"/match/{code}", headers=headers).status_code == 200
        assert client.post(f"/connections/{code}/pause", headers=headers).status_code < 300


def test_an_old_address_with_the_name_still_works(fresh_street):
    with client_of(fresh_street, "viewer") as client:
        assert "Gifts &amp; Tins" in client.get("/app/stores/Gifts%20%26%20Tins").text


def test_a_store_cannot_take_the_code_of_another_for_a_name(fresh_street):
    with pytest.raises(NotPossible, match="b is the short name of Gifts & Tins"):
        renamed(fresh_street, "a", "b")
    with fresh_street.market.engine.database.reading() as session:
        assert connections.find(session, fresh_street.market.merchant_id, "b").name == "Gifts & Tins"


def test_a_disconnected_store_does_not_hide_one_that_has_its_name_now(fresh_street):
    market = fresh_street.market
    leaving.disconnect(market.engine, market.ids["b"], actor="test")
    renamed(fresh_street, "a", "b")
    with market.engine.database.reading() as session:
        assert connections.find(session, market.merchant_id, "b").id == market.ids["a"]
        assert accounts.free_code(session, "a") == "a-2"
        assert session.get_one(Connection, market.ids["a"]).code == "a"


def test_the_page_of_an_sku_is_found_whatever_it_is_called(fresh_street):
    odd = ["MUG/BLUE", "MUG?1", "a/../b", "100%", "SKU 1+2", "Ö-1", "x//y", "#5"]
    for sku in odd:
        fresh_street.market.sku(sku, 4)
    fresh_street.market.sweep()
    with client_of(fresh_street, "viewer") as client:
        paths = set(re.findall(r'href="(/app/stock/[^"?]*)"', client.get("/app/stock").text))
        told = {re.search(r"<code>(.*?)</code>", client.get(path).text)[1] for path in paths}
    assert told == {*odd, *GOODS}
