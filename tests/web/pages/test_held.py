"""A held reading on its page: every SKU with before and now, some of them taken, or all of the next one."""

import re

from schema.tables import Issue
from tests.web.pages.conftest import client_of
from tests.web.pages.street import hold_a_reading


def held_page(street, client):
    (issue,) = [row for row in street.market.rows(Issue) if row.kind == "reading_held" and row.state == "open"]
    page = client.get(f"/app/issues/{issue.id}").text
    return issue.id, page, re.search(r'name="csrf" value="([0-9a-f]+)"', page)[1]


def rows_of(page):
    table = page[page.index("What the reading said") :].split("</table>")[0]
    rows = re.findall(r'<th scope="row"><a[^>]*>(.*?)</a>(.*?)</th>((?:<td class="n.*?</td>)+)', table)
    return {sku: re.findall(r">([^<]+)</td>", cells) for sku, _, cells in rows}


def hold(street):
    street.market.go_live("a", "b")
    hold_a_reading(street)


def test_a_held_reading_lists_its_skus_with_the_difference(fresh_street):
    hold(fresh_street)
    with client_of(fresh_street, "operator") as client:
        _, page, _ = held_page(fresh_street, client)
    rows = rows_of(page)
    assert rows["MUG-ENA-BLU"] == ["53", "0", "−53"]
    assert len(rows) == 6
    assert next(iter(rows)) == "MUG-ENA-BLU", "the largest first"


def test_chosen_skus_are_taken_and_the_others_stay_held(fresh_street):
    hold(fresh_street)
    market = fresh_street.market
    market.office.set_stock("TIN-BIS-RND", 0)
    with client_of(fresh_street, "operator") as client:
        number, _, csrf = held_page(fresh_street, client)
        nothing = client.post(f"/app/issues/{number}/do", data={"csrf": csrf, "deed": "take"})
        assert nothing.status_code == 303
        told = client.post(f"/app/issues/{number}/do", data={"csrf": csrf, "deed": "take", "sku": ["TIN-BIS-RND"]})
        assert told.status_code == 303
        market.rereads()
        _, page, _ = held_page(fresh_street, client)
    assert "Taken" in page
    assert market.cache("TIN-BIS-RND") == (0, 0)
    assert market.cache("MUG-ENA-BLU") == (53, 0)


def test_before_all_pass_the_page_says_what_that_comes_to(fresh_street):
    hold(fresh_street)
    with client_of(fresh_street, "operator") as client:
        number, _, _ = held_page(fresh_street, client)
        words = client.get(f"/app/issues/{number}/release").text
    assert "If it still says so, 6 numbers change, 6 to 0, in 2 live stores." in words
    assert "You can undo the run." in words


def test_a_viewer_sees_the_numbers_and_no_buttons(fresh_street):
    hold(fresh_street)
    (issue,) = [row for row in fresh_street.market.rows(Issue) if row.kind == "reading_held"]
    with client_of(fresh_street, "viewer") as client:
        page = client.get(f"/app/issues/{issue.id}").text
    assert rows_of(page)["MUG-ENA-BLU"] == ["53", "0", "−53"]
    assert "Take the chosen ones" not in page
