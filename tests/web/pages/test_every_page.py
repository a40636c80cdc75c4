"""Each page for each role, on what the engine made of a morning of sales."""

import csv
import io
import re

import pytest

from tests.web.pages.addresses import ALL, FILES, OPERATOR, VIEWER
from tests.web.pages.conftest import client_of

ALLOWED = {"viewer": VIEWER, "operator": VIEWER + OPERATOR, "owner": ALL}


@pytest.mark.parametrize("role", ["viewer", "operator", "owner"])
def test_a_role_sees_its_pages_and_no_others(street, role):
    with client_of(street, role) as client:
        seen = {path: client.get(path).status_code for path in ALL}
    # `?check=1` is the store's own page, on which a viewer's wish to call the store is not heard.
    wanted = {path: 200 if path in ALLOWED[role] or path.endswith("check=1") else 403 for path in ALL}
    assert seen == wanted


def test_nobody_sees_anything_without_signing_in(street):
    with client_of(street, None) as client:
        answers = [client.get(path) for path in (*ALL, *FILES, "/app/events")]
    assert {answer.status_code for answer in answers} == {303}
    assert all(answer.headers["location"].startswith("/sign-in") for answer in answers)


def test_a_viewer_finds_no_button_that_changes_anything_but_their_own_account(street):
    with client_of(street, "viewer") as client:
        for path in VIEWER:
            forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', client.get(path).text)
            assert set(forms) <= {"/theme", "/sign-out", "/app/settings/account"}, path


def test_no_page_has_a_style_or_a_script_of_its_own(street):
    with client_of(street, "owner") as client:
        for path in ALL:
            words = client.get(path).text
            assert "<style" not in words, path
            assert " style=" not in words, path
            assert re.findall(r"<script(?![^>]* src=)", words) == [], path
            assert not re.search(r"\son[a-z]+=", words), path


def test_every_page_has_one_heading_and_its_title(street):
    with client_of(street, "owner") as client:
        for path in ALL:
            words = client.get(path).text
            assert words.count("<h1") == 1, path
            assert re.search(r"<title>[^<]+ · syncd</title>", words), path


def test_no_page_speaks_of_commands(street):
    with client_of(street, "owner") as client:
        for path in ALL:
            words = client.get(path).text
            assert not re.search(r"`syncd|--connection", words), path


@pytest.mark.parametrize("path", ["/app/sales/999", "/app/issues/999", "/app/stores/Nobody", "/app/runs/999", "/app/x"])
def test_what_is_not_there_is_said_so(street, path):
    with client_of(street, "owner") as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert "There is nothing here. It may have been resolved." in answer.text


def test_a_search_without_hits_says_what_was_looked_for(street):
    with client_of(street, "viewer") as client:
        assert "No SKU or name contains 'mugg'." in client.get("/app/stock?q=mugg").text


def test_the_sales_file_holds_what_is_filtered(street):
    with client_of(street, "viewer") as client:
        answer = client.get("/app/sales.csv?days=all&store=Gifts%20%26%20Tins")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert {row["store"] for row in rows} == {"Gifts & Tins"}
    assert [row["sku"] for row in rows] == ["MUG-ENA-BLU", "MUG-ENA-BLU", "MUG-XMAS-26", "TIN-TEA-250"]


def test_a_cell_that_looks_like_a_formula_is_written_as_text(fresh_street):
    market = fresh_street.market
    market.shops["a"].add_item("=HYPERLINK(1)", 3)
    from syncd.engine import catalogue

    catalogue.refresh(market.engine, market.held(f"store:{market.ids['a']}"), market.ids["a"])
    with client_of(fresh_street, "operator") as client:
        assert "\n'=HYPERLINK(1)," in client.get("/app/stores/Mwangaza%20Online/matching.csv").text.replace("\r", "")


def test_an_empty_street_says_what_to_do_next(fresh_street):
    with client_of(fresh_street, "owner") as client:
        words = client.get("/app").text
        assert "Get your stores in step" in words
        assert "No sales in these days." in client.get("/app/sales").text
        assert "Nothing needs you." in client.get("/app/issues").text
        assert "No run yet" in client.get("/app/runs").text


def test_the_shadow_page_tells_what_would_have_been_prevented_and_how_late_numbers_are(street):
    with client_of(street, "operator") as client:
        words = " ".join(re.sub(r"<[^>]+>", " ", client.get("/app/stores/c/shadow").text).split())
    assert "Sold, though gone elsewhere 1 0" in words
    assert "1 sale of units that were gone elsewhere" in words
    assert "From a sale elsewhere to this store's number" in words
