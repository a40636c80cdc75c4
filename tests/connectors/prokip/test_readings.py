"""Readings of the simulated Prokip: the catalogue, targeted stock, hints of the till, and the probe."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.sdk.errors import AccessDenied, RefusalKind, Refused, Unavailable
from tests.connectors.prokip.driver import ProkipDriver
from tests.connectors.prokip.test_sales import Desk

ROOMY = {"requests_per_minute": "100000"}


def test_a_catalogue_of_many_pages_is_read_whole_even_where_lists_have_no_order():
    driver = ProkipDriver(throttle=None, settings=ROOMY)
    driver.prokip.faults.shuffle_unordered = True
    for number in range(450):
        driver.people.add_product(f"SKU-{number:03}", quantity=number)
    pages = list(driver.office().catalogue())
    skus = [item.sku for page in pages for item in page.items]
    assert len(pages) == 3
    assert len(skus) == len(set(skus)) == pages[-1].expected == 454
    assert driver.prokip.journal.calls["GET /product"] == 3


def test_a_catalogue_that_loses_products_between_its_pages_expects_more_than_it_has():
    driver = ProkipDriver(throttle=None, settings=ROOMY)
    for number in range(250):
        driver.people.add_product(f"SKU-{number:03}")
    pages = driver.office().catalogue()
    items = list(next(pages).items)
    driver.people.delete("SKU-000")  # every later product moves up by one, and one slips through
    last = next(pages)
    items += last.items
    assert last.is_last
    assert last.expected == len(items) + 1


def test_a_catalogue_that_breaks_off_raises_instead_of_ending():
    driver = ProkipDriver(throttle=None, settings=ROOMY)
    for number in range(250):
        driver.people.add_product(f"SKU-{number:03}")
    pages = driver.office().catalogue()
    next(pages)
    driver.prokip.faults.down = True
    with pytest.raises(Unavailable):
        next(pages)


def test_every_location_has_its_row_and_never_stocked_is_none():
    driver = ProkipDriver()
    driver.people.count("MUG", 4, location="Warehouse")
    (page,) = driver.office().catalogue()
    mug = next(item for item in page.items if item.sku == "MUG")
    never = next(item for item in page.items if item.sku == "TEE-01-L")
    warehouse = str(driver.people.location("Warehouse").id)
    figures = {(row.external_id, row.location_id): row.quantity for row in page.rows}
    assert (figures[mug.external_id, driver.location_id], figures[mug.external_id, warehouse]) == (20, 4)
    assert (figures[never.external_id, driver.location_id], figures[never.external_id, warehouse]) == (None, None)


def test_of_a_product_with_a_spoiled_variation_the_others_are_read():
    driver = ProkipDriver()
    driver.people.spoil("TEE-01-M")
    office = driver.office()
    (page,) = office.catalogue()
    assert {"4700101", "TEE-01-L", "MUG"} == {item.sku for item in page.items}
    (wrong,) = page.unreadable
    assert wrong.reason.startswith("M, Crew tee, TEE-01-M: ")
    assert (wrong.external_id, page.expected) == (str(next(driver.prokip.business.variations_of_sku("TEE-01-M")).id), 4)


def test_a_product_without_a_name_is_told_by_its_id_and_hides_no_other():
    driver = ProkipDriver(missing_routes=["variation"])
    office = driver.office()
    refs = [item.ref for page in office.catalogue() for item in page.items]
    mug = next(iter(driver.prokip.business.products.values()))
    mug.name = None
    for page in (next(iter(office.catalogue())), office.read_stock(refs)):
        assert {item.sku for item in page.items} == {"TEE-01-M", "TEE-01-L", "MUG"}
        assert [(one.external_id, one.parent_id) for one in page.unreadable] == [(None, str(mug.id))]


def test_one_spoiled_product_is_no_other_dialect():
    driver = ProkipDriver()
    next(iter(driver.prokip.business.products.values())).name = None
    assert driver.office().probe().warnings == ()
    for product in driver.prokip.business.products.values():
        product.name = None
    with pytest.raises(Refused, match="dialect"):
        driver.office().probe()


def test_a_hundred_items_are_read_in_one_request():
    driver = ProkipDriver(throttle=None, settings=ROOMY)
    for number in range(100):
        driver.people.add_product(f"SKU-{number:03}", quantity=number)
    office = driver.office()
    refs = [item.ref for page in office.catalogue() for item in page.items][: office.traits.read_rows]
    assert len(office.read_stock(refs).items) == 100
    assert sum(count for call, count in driver.prokip.journal.calls.items() if "variation" in call) == 1


def test_till_sales_are_hinted_at_and_our_own_are_not():
    desk = Desk()
    desk.record(desk.sale())
    since = desk.driver.clock.now()
    desk.driver.till_sale("MUG", 1)
    desk.driver.advance(30)
    hints = desk.office.till_hints(since)
    assert list(hints.refs) == [desk.items["MUG"].ref]
    assert hints.until == desk.driver.clock.now()


def test_hints_begin_where_the_last_look_ended_but_for_a_minute():
    desk = Desk()
    desk.driver.till_sale("MUG", 1)
    desk.driver.advance(50)
    assert len(desk.office.till_hints(desk.driver.clock.now()).refs) == 1
    desk.driver.advance(20)
    assert desk.office.till_hints(desk.driver.clock.now()).refs == ()


def test_hints_reach_over_midnight_in_the_time_of_the_business():
    desk = Desk()
    desk.driver.advance(timedelta(hours=11, minutes=54, seconds=0).total_seconds())  # 23:59:42 in Nairobi
    since = desk.driver.clock.now()
    desk.driver.till_sale("MUG", 1)
    desk.driver.advance(120)
    assert len(desk.office.till_hints(since).refs) == 1


def test_hints_stop_at_the_first_page_with_old_sales():
    desk = Desk(throttle=None)
    for _ in range(3):
        for _ in range(50):
            desk.driver.people.sell([("MUG", 1)], force=True)
        desk.driver.advance(600)
    calls = desk.driver.prokip.journal.calls
    calls.clear()
    desk.office.till_hints(desk.driver.clock.now() - timedelta(seconds=700))
    assert calls["GET /sell"] == 2


# ------------------------------------------------------------------------------------------- the probe


def test_the_probe_finds_time_zone_locations_currency_and_what_is_honoured():
    driver = ProkipDriver()
    info = driver.office().probe()
    assert (info.account_id, info.currency, info.time_zone) == ("prokip.test/9001", "KES", "Africa/Nairobi")
    assert [place.name for place in info.locations] == ["Kisimani Branch", "Warehouse"]
    assert info.settings == {
        "dialect": "connector",
        "time_zone": "Africa/Nairobi",
        "allow_overselling": "yes",
        "stock_route": "variation",
        "look_up": "source and contact",
    }
    assert info.warnings == ()


def test_the_probe_warns_of_what_a_person_should_know():
    driver = ProkipDriver(
        ignored_filters=["source"],
        missing_routes=["variation"],
        allow_overselling=False,
        settings={"location": "1"},
    )
    driver.till_sale("MUG", 1)
    info = driver.office().probe()
    assert info.settings["stock_route"] == "product"
    assert info.settings["allow_overselling"] == "no"
    assert len(info.warnings) == 3
    assert "source" in info.warnings[0]


def probed_after_a_sale(**deviations):
    """A server that deviates, with a sale in it that carries a source."""
    desk = Desk(**deviations)
    desk.record(desk.sale())
    desk.driver.till_sale("MUG", 1)
    return desk, desk.driver.office().probe()


@pytest.mark.parametrize(
    ("deviations", "by", "words"),
    [
        ({}, "source and contact", ""),
        ({"ignored_filters": ["contact_id"]}, "source and contact", "reads more pages"),
        ({"ignored_filters": ["source", "contact_id"]}, "source and contact", "reads more pages"),
        ({"ignored_filters": ["source", "contact_id", "start_date"]}, "no", "ignores every filter"),
        ({"lossy_filters": ["source"]}, "contact", "by contact alone"),
        ({"lossy_filters": ["contact_id"]}, "no", "loses some"),
        ({"lossy_filters": ["end_date"]}, "no", "loses some"),
    ],
)
def test_what_the_list_of_sales_honours_decides_how_a_sale_is_looked_up(deviations, by, words):
    _, info = probed_after_a_sale(**deviations)
    assert info.settings["look_up"] == by
    assert words in " ".join(info.warnings)
    assert bool(words) == bool(info.warnings)


def test_where_sources_lose_sales_they_are_still_found_by_contact():
    desk, info = probed_after_a_sale(lossy_filters=["source"])
    assert desk.office.find_sale(desk.sale()) == ()
    desk.driver.account = replace(desk.driver.account, settings={**desk.driver.account.settings, **info.settings})
    desk.office = desk.driver.office()
    assert desk.office.traits.finds_sales
    assert len(desk.office.find_sale(desk.sale())) == 1


def test_where_lists_lose_sales_none_is_looked_up():
    desk, info = probed_after_a_sale(lossy_filters=["contact_id"])
    desk.driver.account = replace(desk.driver.account, settings={**desk.driver.account.settings, **info.settings})
    assert not desk.driver.office().traits.finds_sales


def test_the_probe_changes_nothing():
    desk, _ = probed_after_a_sale(settings={"strict": "yes"})
    before = desk.sales()
    desk.driver.office().probe()
    assert desk.sales() == before


def test_a_user_who_may_not_see_sales_is_told_which_right_is_missing():
    with pytest.raises(AccessDenied) as caught:
        ProkipDriver(may_view_sells=False).office().probe()
    assert "right" in caught.value.operation


def test_an_address_that_is_no_prokip_is_told_so():
    with pytest.raises(Refused) as caught:
        ProkipDriver(dialect="simple").office().probe()
    assert caught.value.kind is RefusalKind.CONFIGURATION


def test_a_time_zone_that_does_not_exist_is_refused_with_words():
    driver = ProkipDriver()
    office = driver.office()
    driver.prokip.business.time_zone = type("Odd", (), {"key": "Africa/Atlantis"})()
    with pytest.raises(Refused, match="Atlantis"):
        office.probe()


@pytest.mark.parametrize("settings", [{"dialect": "esperanto"}, {"dialect": "simple", "location": ""}])
def test_a_setting_that_is_wrong_or_missing_is_refused(settings):
    with pytest.raises(Refused) as caught:
        ProkipDriver(settings=settings).office()
    assert caught.value.kind is RefusalKind.CONFIGURATION


def test_a_products_own_image_is_told_and_the_placeholder_is_none():
    driver = ProkipDriver()
    driver.people.add_product("LAMP").image = "lamp.jpg"
    images = {item.sku: item.image_url for page in driver.office().catalogue() for item in page.items}
    assert images["LAMP"] == "https://api.prokip.africa/uploads/img/lamp.jpg"
    assert {image for sku, image in images.items() if sku != "LAMP"} == {None}
