"""Another back office, or the own ledger instead of one: only when nothing is open, and nothing of the one before counts."""

import pytest

from connectors.sdk.fake import FakeOffice
from schema.tables import Connection, Issue, IssueState
from syncd.engine import backoffice, connect, leaving, poll, record_by_hand, sales
from syncd.errors import NotPossible
from tests.market.market import Market


@pytest.fixture
def other(market: Market) -> FakeOffice:
    """Another back office, which says 20 where the present one says 10."""
    office = market.engine.plugins["fake-office"].add(FakeOffice(clock=market.clock, account_id="new.example"))
    office.add_item("MUG", {"L1": 20})
    market.change(Connection, market.ids["office"], account_id=market.office.account_id)
    return office


def set_office(market: Market, office: FakeOffice) -> backoffice.AuthoritySet:
    market.forget_leases()
    return backoffice.connect_backoffice(
        market.engine,
        market.merchant_id,
        "fake-office",
        {"office": office.account_id},
        {},
        name="New",
        location="L1",
        actor="ann",
    )


def set_ledger(market: Market) -> backoffice.AuthoritySet:
    market.forget_leases()
    return backoffice.set_ledger(market.engine, market.merchant_id, actor="ann")


def leave(market: Market) -> None:
    market.forget_leases()
    for name in market.shops:
        leaving.disconnect(market.engine, market.ids[name], actor="ann")


def come_back(market: Market) -> None:
    market.forget_leases()
    for shop in market.shops.values():
        settings = {"shop": shop.account_id}
        wanted = connect.StoreRequest(merchant_id=market.merchant_id, platform="fake", settings=settings)
        connect.connect_store(market.engine, wanted, {})
    market.pass_time(5)
    market.go_live()
    market.calm()


def open_issues(market: Market) -> list[Issue]:
    return [issue for issue in market.rows(Issue) if issue.state is IssueState.OPEN]


@pytest.mark.parametrize("is_ledger", [False, True])
@pytest.mark.parametrize("state", ["live", "paused", "needs_auth"])
def test_the_authority_is_not_changed_under_stores_that_went_live(
    market: Market, other: FakeOffice, state: str, is_ledger: bool
) -> None:
    market.change(Connection, market.ids["a"], state=state)
    with pytest.raises(NotPossible, match=r"a, b rest on office\. Disconnect them.*connect them again"):
        set_ledger(market) if is_ledger else set_office(market, other)
    assert market.rows(Connection)[0].state == "live"


@pytest.mark.parametrize("is_ledger", [False, True])
def test_the_authority_is_not_changed_while_orders_are_open(market: Market, other: FakeOffice, is_ledger: bool) -> None:
    shop = market.shops["a"]
    unpaid = shop.sell({"MUG": 2}, is_paid=False)
    market.office.faults.is_down = True
    owed = shop.sell({"MUG": 1}, is_paid=True)
    market.calm(100)
    leave(market)
    with pytest.raises(
        NotPossible, match=rf"2 orders .* office: #{unpaid} of a \(not paid\), #{owed} of a\..*leave-out"
    ):
        set_ledger(market) if is_ledger else set_office(market, other)
    market.office.faults.is_down = False
    market.calm()
    with market.engine.database.reading() as session:
        order_id = sales.find_order(session, market.merchant_id, unpaid).id
    record_by_hand.leave_out(market.engine, order_id, actor="ann")
    done = set_ledger(market) if is_ledger else set_office(market, other)
    assert (done.connection_id is None) is is_ledger
    assert market.office.stock("MUG") == 9


def test_the_next_back_office_says_what_is_on_the_shelf(market: Market, other: FakeOffice) -> None:
    market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.calm()
    leave(market)
    set_office(market, other)
    come_back(market)
    assert market.shows("MUG") == {"a": 20, "b": 20}
    market.shops["b"].sell({"MUG": 4}, is_paid=True)
    market.calm()
    assert (other.stock("MUG"), market.office.stock("MUG")) == (16, 7)
    assert market.shows("MUG") == {"a": 16, "b": 16}
    assert open_issues(market) == []


def test_what_comes_back_of_a_sale_in_the_former_back_office_is_returned_by_hand(
    market: Market, other: FakeOffice
) -> None:
    shop = market.shops["a"]
    order = shop.sell({"MUG": 3}, is_paid=True)
    market.calm()
    leave(market)
    set_office(market, other)
    come_back(market)
    shop.refund(order, {"MUG": 1}, restock=True)
    market.calm()
    (issue,) = open_issues(market)
    assert (issue.kind, issue.why) == ("return_by_hand", "Its sale was recorded in office, before New was set.")
    assert market.office.stock("MUG") == 7
    assert (other.stock("MUG"), market.cache("MUG")) == (20, (20, -1))  # the unit is on the shelf, nobody booked it
    assert market.shows("MUG") == {"a": 21, "b": 21}
    other.set_stock("MUG", 21)
    record_by_hand.leave_out(market.engine, issue.order_id, actor="ann")
    market.calm()
    assert market.shows("MUG") == {"a": 21, "b": 21}
    assert market.cache("MUG") == (21, 0)
    assert open_issues(market) == []


def test_a_first_reading_of_the_next_back_office_passes_the_brake(market: Market, other: FakeOffice) -> None:
    for number in range(30):
        market.sku(f"S{number}", 50)
        other.add_item(f"S{number}", {"L1": 0})
    market.calm(100)
    leave(market)
    assert set_office(market, other).warnings == ()
    assert market.cache("S7") == (0, 0)


def test_an_sku_that_the_next_back_office_lacks_is_not_published(market: Market, other: FakeOffice) -> None:
    market.sku("OLD", 8)
    market.calm(100)
    leave(market)
    set_office(market, other)
    come_back(market)
    assert market.item("a", "OLD").desired is None
    assert market.shows("OLD") == {"a": 8, "b": 8}


def test_the_own_ledger_goes_on_with_what_the_back_office_said_last(market: Market) -> None:
    leave(market)
    set_ledger(market)
    come_back(market)
    market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.calm()
    assert market.cache("MUG") == (7, 0)
    assert market.shows("MUG") == {"a": 7, "b": 7}
    assert market.office.stock("MUG") == 10


def test_a_back_office_that_is_set_again_takes_up_its_connection(market: Market, other: FakeOffice) -> None:
    shop = market.shops["a"]
    order = shop.sell({"MUG": 3}, is_paid=True)
    market.calm()
    leave(market)
    set_office(market, other)
    assert set_office(market, market.office).connection_id == market.ids["office"]
    come_back(market)
    shop.refund(order, {"MUG": 1}, restock=True)
    market.calm()
    assert market.office.stock("MUG") == 8  # 10 - 3 + 1, returned where it was recorded
    assert market.shows("MUG") == {"a": 8, "b": 8}
    assert open_issues(market) == []


def test_a_reading_of_the_former_back_office_that_ends_later_is_not_applied(market: Market, other: FakeOffice) -> None:
    leave(market)
    for name in market.shops:
        market.change(Connection, market.ids[name], state="shadow", live_at=None, live_since=None)
    market.office.set_stock("MUG", 99)
    held = market.held(f"readings:{market.merchant_id}")
    done = []

    def on_call(moment: str) -> None:
        if moment == "read_stock.after" and not done:
            settings = {"office": other.account_id}
            done.append(
                backoffice.connect_backoffice(
                    market.engine, market.merchant_id, "fake-office", settings, {}, location="L1", actor="ann"
                )
            )

    market.office.wire.on_call = on_call
    poll.sweep(market.engine, held, market.merchant_id)
    assert "could not be read yet" in done[0].warnings[0]  # the daemon is at it
    assert market.cache("MUG")[0] == 10
    poll.catalogue(market.engine, held, market.merchant_id)
    assert market.cache("MUG")[0] == 20
