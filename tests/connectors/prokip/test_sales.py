"""Sales and returns against the simulated Prokip: once each, whatever the network does."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.sdk.errors import ListingGone, OutcomeUnknown, RateLimited, RefusalKind, Refused, Unavailable
from connectors.sdk.values import ReturnLine, ReturnTarget, Sale, SaleLine
from tests.connectors.prokip.driver import ProkipDriver

SOON = timedelta(seconds=30)


class Desk:
    """A connected office and one sale of two shea butters to play with."""

    def __init__(self, **settings):
        self.driver = ProkipDriver(**settings)
        self.office = self.driver.office()
        self.items = {item.sku: item for page in self.office.catalogue() for item in page.items}
        self.faults = self.driver.prokip.faults

    def sale(self, *quantities, invoice_no="SY-1", **changes):
        lines = tuple(
            SaleLine(
                line_id=str(number),
                external_id=self.items[sku].external_id,
                parent_id=self.items[sku].ref.parent_id,
                sku=sku,
                quantity=quantity,
                unit_price=Decimal("680.0000"),
            )
            for number, (sku, quantity) in enumerate(zip(self.driver.skus, quantities or (2,), strict=False))
        )
        sale = Sale(
            invoice_no=invoice_no,
            channel="c7",
            channel_name="Shop A",
            location_id=self.driver.location_id,
            sold_at=self.driver.clock.now(),
            lines=lines,
        )
        return replace(sale, **changes)

    def record(self, sale):
        return self.office.record_sale(sale, not_after=self.driver.clock.now() + SOON)

    def take_back(self, recorded, *targets):
        lines = tuple(
            ReturnLine(
                external_line_id=line.external_line_id,
                external_id=line.external_id,
                parent_id=None,
                target=target,
                unit_price=Decimal(680),
            )
            for line, target in zip(recorded.lines, targets, strict=False)
        )
        target = ReturnTarget(sale_id=recorded.sale_id, lines=lines)
        return self.office.record_return(target, not_after=self.driver.clock.now() + SOON)

    def sales(self):
        return self.driver.people.sales()


def test_a_sale_is_filed_under_our_number_source_and_contact_and_is_paid():
    desk = Desk()
    desk.record(desk.sale(shipping=Decimal("99.9")))
    (told,) = desk.sales()
    contact = desk.driver.prokip.business.contacts[told["contact_id"]]
    assert (told["invoice_no"], told["source"], told["payment_status"]) == ("SY-1", "syncd-c7", "paid")
    assert (contact.code, contact.name) == ("SYNCD-C7", "Online store: Shop A")
    assert told["sold_at"] == "2026-01-28 12:05:42"


def test_each_channel_has_one_contact_however_many_connectors_there_were():
    desk = Desk()
    for number in range(3):
        desk.office = desk.driver.office()
        desk.record(desk.sale(invoice_no=f"SY-{number}"))
    desk.record(desk.sale(invoice_no="SY-9", channel="c8"))
    assert [one.code for one in desk.driver.prokip.business.contacts.values()] == ["CO0001", "SYNCD-C7", "SYNCD-C8"]


def test_a_contact_whose_code_only_contains_ours_is_not_taken():
    desk = Desk()
    desk.driver.prokip.business.add_contact("Somebody", code="SYNCD-C77")
    desk.record(desk.sale())
    assert {desk.driver.prokip.business.contacts[one["contact_id"]].code for one in desk.sales()} == {"SYNCD-C7"}


@pytest.mark.parametrize("outcome", ["commit_then_500", "commit_then_hang"])
def test_a_sale_that_was_recorded_without_an_answer_is_found_once(outcome):
    desk = Desk()
    desk.faults.next_writes = [outcome]
    with pytest.raises(OutcomeUnknown):
        desk.record(desk.sale())
    (found,) = desk.office.find_sale(desk.sale())
    assert [str(one["id"]) for one in desk.sales()] == [found.sale_id]
    assert [line.quantity for line in found.lines] == [2]


def test_a_sale_that_lands_after_the_first_look_is_found_by_the_second():
    desk = Desk()
    desk.faults.next_writes = ["late_commit"]
    with pytest.raises(OutcomeUnknown):
        desk.record(desk.sale())
    assert desk.office.find_sale(desk.sale()) == ()
    desk.driver.advance(60)
    assert len(desk.office.find_sale(desk.sale())) == 1


@pytest.mark.parametrize("status", ["error", "lost_request"])
def test_a_sale_that_was_not_recorded_and_not_answered_is_unknown_and_not_found(status):
    desk = Desk()
    desk.faults.next_writes = [status]
    with pytest.raises(OutcomeUnknown):
        desk.record(desk.sale())
    assert desk.office.find_sale(desk.sale()) == ()


def test_doubles_are_all_found_the_oldest_first():
    desk = Desk()
    ids = [desk.record(desk.sale()).sale_id for _ in range(2)]
    assert [one.sale_id for one in desk.office.find_sale(desk.sale())] == ids


def test_a_sale_is_found_on_any_page_and_beside_numbers_that_contain_its_own():
    desk = Desk(throttle=None, settings={"requests_per_minute": "10000"})
    for number in range(105):
        desk.record(desk.sale(1, invoice_no=f"SY-{number}"))
    assert [one.invoice_no for one in desk.office.find_sale(desk.sale(invoice_no="SY-104"))] == ["SY-104"]
    assert [one.invoice_no for one in desk.office.find_sale(desk.sale(invoice_no="SY-1"))] == ["SY-1"]


def test_a_proxy_that_says_502_leaves_a_sale_unknown_and_a_lookup_for_later():
    desk = Desk()
    desk.record(desk.sale(invoice_no="SY-0"))
    desk.faults.down = True
    with pytest.raises(OutcomeUnknown):
        desk.record(desk.sale())
    with pytest.raises(Unavailable):
        desk.office.find_sale(desk.sale())


def test_a_throttled_sale_was_surely_not_recorded_and_says_how_long_to_wait():
    desk = Desk(throttle=3)  # the catalogue was the first; finding and making the contact take the rest
    with pytest.raises(RateLimited) as caught:
        desk.record(desk.sale())
    assert 0 < caught.value.retry_after <= 60
    assert desk.sales() == []


def test_a_refused_sale_is_told_with_its_kind_and_moves_nothing():
    desk = Desk(allow_overselling=False)
    with pytest.raises(Refused) as caught:
        desk.record(desk.sale(100))
    assert caught.value.kind is RefusalKind.OVERSELLING
    assert desk.driver.stock("4700101") == 73


def test_a_passing_database_error_is_tried_again_by_whoever_owes_it():
    desk = Desk()
    desk.faults.reject_sells = "SQLSTATE[40001]: Serialization failure: 1213 Deadlock found when trying to get lock"
    with pytest.raises(Unavailable):
        desk.record(desk.sale())


def test_a_contact_that_was_deleted_is_made_anew_after_one_refusal():
    desk = Desk()
    desk.record(desk.sale(invoice_no="SY-0"))
    contacts = desk.driver.prokip.business.contacts
    del contacts[next(key for key, one in contacts.items() if one.code == "SYNCD-C7")]
    with pytest.raises(Refused) as caught:
        desk.record(desk.sale())
    assert caught.value.kind is RefusalKind.CONFIGURATION
    assert desk.record(desk.sale()).sale_id


def test_two_lines_of_one_sale_come_back_one_after_the_other():
    desk = Desk()
    recorded = desk.record(desk.sale(2, 3))
    assert [(one.before, one.after) for one in desk.take_back(recorded, 1)] == [(0, 1)]
    assert [(one.before, one.after) for one in desk.take_back(recorded, 1, 3)] == [(1, 1), (0, 3)]
    assert [line["returned"] for line in desk.sales()[0]["lines"]] == [1, 3]
    # 73 - 2 + 1 and 12 - 3 + 3
    assert (desk.driver.stock("4700101"), desk.driver.stock("TEE-01-M")) == (72, 12)
    assert desk.driver.prokip.business.sales[int(recorded.sale_id)].return_document.total == 4 * 680


def test_a_return_that_was_recorded_without_an_answer_is_not_repeated():
    desk = Desk()
    recorded = desk.record(desk.sale())
    desk.faults.next_writes = ["commit_then_500"]
    with pytest.raises(OutcomeUnknown):
        desk.take_back(recorded, 2)
    assert [(one.before, one.after) for one in desk.take_back(recorded, 2)] == [(2, 2)]
    assert desk.driver.stock("4700101") == 73


def test_more_than_was_sold_is_never_taken_back():
    desk = Desk()
    recorded = desk.record(desk.sale())
    with pytest.raises(Refused):
        desk.take_back(recorded, 3)
    assert desk.driver.stock("4700101") == 71


def test_a_return_of_a_sale_that_was_deleted_is_told():
    desk = Desk()
    recorded = desk.record(desk.sale())
    desk.driver.prokip.business.sales.clear()
    with pytest.raises(ListingGone):
        desk.take_back(recorded, 1)


def test_the_comparison_lists_our_sales_of_the_time_also_where_the_filter_is_ignored():
    desk = Desk(ignored_filters=["source", "contact_id"])
    mine = desk.record(desk.sale())
    desk.record(desk.sale(invoice_no="SY-2", channel="c8"))
    desk.driver.till_sale("MUG", 1)
    old = desk.driver.clock.now() - timedelta(days=3)
    desk.record(desk.sale(invoice_no="SY-3", sold_at=old))
    now = desk.driver.clock.now()
    listed = list(desk.office.sales_between("c7", now - timedelta(hours=1), now))
    assert [one.sale_id for one in listed] == [mine.sale_id]
