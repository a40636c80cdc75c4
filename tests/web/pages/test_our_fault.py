"""A hand that is stuck in an error of ours: its page says so, and asks nothing of the merchant that they cannot do."""

from schema.tables import Issue
from syncd.engine import stuck
from tests.web.pages.conftest import client_of


def test_what_is_our_fault_is_said_without_a_button_that_would_hide_it(fresh_street):
    market = fresh_street.market
    stuck.tell(market.engine, "store", market.ids["a"], is_stuck=True)
    (issue,) = [row for row in market.rows(Issue) if row.kind == "stuck"]
    with client_of(fresh_street, "operator") as client:
        page = client.get(f"/app/issues/{issue.id}").text
    assert "Our fault" in page
    assert "Ask whoever runs syncd to look into its log" in page
    assert 'name="deed" value="resolve"' not in page
