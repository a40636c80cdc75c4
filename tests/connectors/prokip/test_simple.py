"""The simple dialect: stock and sales by SKU, and nothing that could be looked up."""

import httpx
import pytest

from connectors.sdk.errors import OutcomeUnknown, RefusalKind, Refused, Unavailable
from tests.connectors.prokip.driver import ProkipDriver
from tests.connectors.prokip.test_sales import Desk

SETTINGS = {"settings": {"dialect": "simple"}, "credentials": {"access_token": "sandbox-access-token"}}


def simple(**platform):
    return Desk(dialect="simple", **SETTINGS, **platform)


def answering(body, status=200, path="/inventory"):
    driver = ProkipDriver(dialect="simple", **SETTINGS)
    platform = driver._platform.handle_request
    driver._platform.handle_request = lambda request: (
        httpx.Response(status, content=body, request=request) if request.url.path == path else platform(request)
    )
    return driver


def test_an_sku_is_its_own_id():
    desk = simple()
    (page,) = desk.office.catalogue()
    assert {(row.external_id, row.location_id, row.quantity) for row in page.rows} == {
        ("4700101", desk.driver.location_id, 73),
        ("TEE-01-M", desk.driver.location_id, 12),
        ("MUG", desk.driver.location_id, 20),
    }


def test_a_sale_is_recorded_by_its_skus_and_known_by_the_id():
    desk = simple()
    recorded = desk.record(desk.sale(2, 1))
    assert [(str(one["id"]), [line["quantity"] for line in one["lines"]]) for one in desk.sales()] == [
        (recorded.sale_id, [2, 1])
    ]
    assert recorded.lines == ()


@pytest.mark.parametrize("answer", [b"4711", b'"S-9"', b'{"id": 4711}'])
def test_the_id_of_a_sale_may_come_in_any_form(answer):
    driver = answering(answer, 201, "/sells")
    desk = simple()
    desk.office = driver.office()
    assert desk.record(desk.sale()).sale_id in {"4711", "S-9"}


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"true", b'""', b"<html>", b'{"id": null}'])
def test_an_answer_without_an_id_leaves_the_sale_unknown(answer):
    desk = simple()
    desk.office = answering(answer, 200, "/sells").office()
    with pytest.raises(OutcomeUnknown):
        desk.record(desk.sale())


def test_a_refusal_is_told_in_the_servers_words():
    desk = simple()
    desk.faults.reject_sells = "Shop is closed"
    with pytest.raises(Refused, match="Shop is closed"):
        desk.record(desk.sale())


@pytest.mark.parametrize("body", [b"{}", b"3", b"<html>", b'{"data": {}}'])
def test_an_inventory_that_cannot_be_read_is_no_inventory(body):
    with pytest.raises(Unavailable):
        list(answering(body).office().catalogue())


def test_a_row_that_cannot_be_read_is_told_by_what_can_be_read_of_it():
    body = b'[{"sku": "A"}, {"sku": "B", "quantity": 4}, {"sku": "C", "quantity": "many"}, null, {"quantity": 1}]'
    (page,) = answering(body).office().catalogue()
    assert [(row.external_id, row.quantity) for row in page.rows] == [("B", 4)]
    assert [row.external_id for row in page.unreadable] == ["A", "C", None, None]
    assert page.unreadable[1].reason == "C: the inventory, row 3, quantity should be a number, but is text."
    assert page.unreadable[2].reason == "without a name: the inventory, row 4 has no sku."


def test_a_server_of_the_other_dialect_is_told_apart():
    driver = ProkipDriver(dialect="connector", **SETTINGS)
    with pytest.raises(Unavailable, match="dialect"):
        driver.office().probe()
    desk = simple()
    desk.office = driver.office()
    with pytest.raises(Refused) as caught:
        desk.record(desk.sale())
    assert caught.value.kind is RefusalKind.CONFIGURATION


def test_what_the_dialect_cannot_do_is_refused_and_the_traits_say_so():
    desk = simple()
    traits = desk.office.traits
    assert (traits.finds_sales, traits.takes_returns, traits.gives_hints) == (False, False, False)
    with pytest.raises(Refused):
        desk.office.find_sale(desk.sale())
    with pytest.raises(Refused):
        desk.office.till_hints(desk.driver.clock.now())
