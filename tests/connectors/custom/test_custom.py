"""What is the custom connector's own: the documented JSON, all rows or none, and a shop that does not keep its word."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from connectors.custom.translate import order
from connectors.sdk.answer import parse_json
from connectors.sdk.errors import AccessDenied, MalformedPayload, OutcomeUnknown, RefusalKind, Refused, Unavailable
from connectors.sdk.reader import Reader
from connectors.sdk.values import (
    CreateOutcome,
    CreateResult,
    ListingChanged,
    NewItem,
    NewItems,
    Nothing,
    OrderChanged,
    OrderLine,
    OrderSnapshot,
    Refund,
    RefundLine,
    StockHint,
    StockRef,
    StockWrite,
    WriteBatch,
    WriteOutcome,
    WriteResult,
)
from tests.connectors.custom.driver import CustomDriver

DOCUMENT = Path(__file__).parents[3] / "docs" / "custom-store.md"


def documented(begins):
    """The JSON block of the documentation that begins so."""
    blocks = DOCUMENT.read_text().split("```json\n")[1:]
    return parse_json(next(one for one in blocks if one.startswith(begins)).split("```")[0].encode())


def shop_that_answers(*answers, status=200):
    """A store whose shop gives these answers, one after the other, and the last one for ever."""
    left = list(answers)
    driver = CustomDriver()

    def answer(request):
        body = left.pop(0) if len(left) > 1 else left[0]
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, content=raw, request=request)

    return driver.plugin.store(replace(driver.account, transport=httpx.MockTransport(answer)))


def write(driver, *changes):
    """Write (sku, expected, quantity) in one batch; the results by SKU."""
    store = driver.store()
    ids = {item.sku: item.ref for page in store.catalogue() for item in page.items}
    writes = tuple(StockWrite(ref=ids[sku], expected=old, quantity=new) for sku, old, new in changes)
    until = driver.clock.now() + timedelta(seconds=30)
    batch = WriteBatch(reference="PushBatch/1", key="k", writes=writes, not_after=until)
    results = store.write_stock(batch).results
    return {sku: results[ids[sku].stock_id] for sku, _, _ in changes}


# ------------------------------------------------------------------------------------------- the documented JSON


def test_the_documented_order_is_read_as_it_is_explained():
    assert order(Reader.of(documented('{"id": "1001"'), "order")) == OrderSnapshot(
        order_id="1001",
        name="#1001",
        version=datetime(2026, 3, 1, 12, 5, tzinfo=UTC),
        created_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        is_paid=True,
        paid_at=datetime(2026, 3, 1, 12, 0, 20, tzinfo=UTC),
        currency="KES",
        shipping=Decimal("250.00"),
        lines=(
            OrderLine(
                line_id="1",
                external_id="7",
                sku="MUG",
                title="Mug",
                quantity=3,
                taken=2,
                total=Decimal("1350.00"),
                tax=Decimal("186.21"),
            ),
        ),
        refunds=(
            Refund(
                refund_id="R1",
                created_at=datetime(2026, 3, 1, 12, 5, tzinfo=UTC),
                amount=Decimal("450.00"),
                lines=(RefundLine(refund_line_id="R1-1", line_id="1", quantity=1, restocked=True),),
            ),
        ),
    )


def test_the_documented_item_is_read_as_it_is_explained():
    (found,) = shop_that_answers({"items": [documented('{"id": "7"') | {"price": "450.00"}]}).items(["7"])
    assert (found.external_id, found.sku, found.title, found.quantity, found.tracked, found.price) == (
        ("7", "MUG", "Mug", 20, True, Decimal("450.00"))
    )


def told(**changes):
    return {
        "id": "1",
        "created_at": "2026-03-01T12:00:00Z",
        "changed_at": "2026-03-01T12:00:00Z",
        "lines": [{"id": "1", "item_id": "7", "quantity": 2, "taken": 2}],
        **changes,
    }


def test_what_may_be_left_out_may_be_left_out():
    found = order(Reader.of(told(), "order"))
    assert (found.is_paid, found.is_final, found.is_test, found.shipping) == (False, False, False, 0)
    assert (found.name, found.lines[0].sku, found.lines[0].total, found.refunds) == ("1", None, 0, ())


def test_a_line_that_is_no_item_moves_nothing_and_says_so():
    (line,) = order(Reader.of(told(lines=[{"id": "1", "item_id": None, "quantity": 1, "taken": 0}]), "order")).lines
    assert line.external_id is None
    assert line.moves_nothing


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": [{"id": "1", "item_id": "7", "quantity": 2, "taken": 3}]},
        {"lines": [{"id": "1", "item_id": "7", "quantity": 2, "taken": -1}]},
        {"lines": [{"id": "1", "item_id": "7", "quantity": 2}]},
        {"lines": [{"id": "1", "item_id": "7", "quantity": 1.5, "taken": 1}]},
        {"changed_at": "2026-03-01T12:00:00"},
        {"changed_at": None},
        {"id": "x" * 101},
        {"id": " 1"},
        {"paid_at": True},
        {"lines": None},
    ],
)
def test_an_order_that_is_not_as_agreed_is_malformed(changes):
    with pytest.raises(MalformedPayload):
        order(Reader.of(parse_json(json.dumps(told(**changes)).encode()), "order"))


@pytest.mark.parametrize(
    ("message", "fact"),
    [
        ({"type": "order.deleted", "id": "1"}, OrderChanged(order_id="1", may_be_gone=True)),
        ({"type": "item.changed", "item": {"id": "7"}}, ListingChanged(external_id="7")),
        ({"type": "item.deleted", "id": "7"}, ListingChanged(external_id="7", may_be_gone=True)),
        (
            {"type": "stock.changed", "id": "7", "quantity": 4, "at": "2026-03-01T12:00:00Z"},
            StockHint(stock_id="7", quantity=4, at=datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ),
    ],
)
def test_every_documented_message_becomes_its_fact(message, fact):
    assert CustomDriver().store().facts({}, json.dumps(message).encode()) == (fact,)


def test_a_message_of_an_unknown_type_asks_for_nothing():
    (fact,) = CustomDriver().store().facts({}, b'{"type": "coffee.ready"}')
    assert isinstance(fact, Nothing)


# ------------------------------------------------------------------------------------------- all rows or none


def test_one_row_that_differs_keeps_all_from_being_written():
    driver = CustomDriver()
    results = write(driver, ("MUG", 20, 18), ("SOAP", 19, 5))
    assert results["MUG"].outcome is WriteOutcome.NOT_SENT
    assert results["SOAP"] == WriteResult(outcome=WriteOutcome.MISMATCH, found=20)
    assert (driver.stock("MUG"), driver.stock("SOAP")) == (20, 20)


def test_a_sale_between_our_reading_and_our_writing_is_not_buried():
    driver = CustomDriver()
    driver.between = lambda: driver.sell("MUG", 1) if driver.stock("MUG") == 20 else None
    assert write(driver, ("MUG", 20, 18))["MUG"] == WriteResult(outcome=WriteOutcome.MISMATCH, found=19)
    assert driver.stock("MUG") == 19


def test_rows_of_items_that_are_gone_or_not_counted_are_told_apart():
    driver = CustomDriver()
    store = driver.store()
    writes = tuple(StockWrite(ref=StockRef(stock_id=one), expected=20, quantity=1) for one in ("1", "9", "404"))
    until = driver.clock.now() + timedelta(seconds=30)
    results = store.write_stock(WriteBatch(reference="r", key="k", writes=writes, not_after=until)).results
    assert {key: result.outcome for key, result in results.items()} == {
        "1": WriteOutcome.NOT_SENT,
        "9": WriteOutcome.UNTRACKED,
        "404": WriteOutcome.GONE,
    }


def test_a_shop_that_cannot_compare_is_read_just_before_it_is_written():
    driver = CustomDriver(compares="no")
    driver.set_stock("SOAP", 7)
    results = write(driver, ("MUG", 20, 18), ("SOAP", 20, 5))
    assert not driver.store().traits.compares
    assert results["MUG"].outcome is WriteOutcome.WRITTEN
    assert results["SOAP"] == WriteResult(outcome=WriteOutcome.MISMATCH, found=7)
    assert (driver.stock("MUG"), driver.stock("SOAP")) == (18, 7)
    assert driver.calls[-2:] == ["items.get", "stock.set"]


def batch(**changes):
    write = StockWrite(ref=StockRef(stock_id="1"), expected=1, quantity=2)
    until = datetime(2026, 3, 1, 13, tzinfo=UTC)
    return WriteBatch(**{"reference": "r", "key": "k", "writes": (write,), "not_after": until, **changes})


def test_words_of_a_refusal_are_kept_with_every_row():
    result = shop_that_answers({"error": "closed for stocktaking"}, status=400).write_stock(batch()).results["1"]
    assert result.outcome is WriteOutcome.REFUSED
    assert "closed for stocktaking" in result.words


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null"])
def test_an_answer_to_a_write_that_cannot_be_read_leaves_it_unknown(body):
    with pytest.raises(OutcomeUnknown):
        shop_that_answers(body).write_stock(batch())


@pytest.mark.parametrize("body", [b"<html>", {"rows": "none"}, {"rows": [{"id": "1", "quantity": 1}]}])
def test_a_409_that_tells_no_difference_is_a_mismatch_to_be_looked_at(body):
    result = shop_that_answers(body, status=409).write_stock(batch()).results["1"]
    assert result.outcome is WriteOutcome.MISMATCH


# ------------------------------------------------------------------------------------------- a shop that lies


@pytest.mark.parametrize(
    "answers",
    [
        [b"<html>"],
        [{"items": [], "next": {"page": 2}}],
        [{"items": [{"id": "1", "quantity": "many"}]}],
        [{"items": [], "next": "a"}, {"items": [], "next": "a"}],
        [{"next": None}],
    ],
)
def test_a_catalogue_that_cannot_be_read_never_ends_as_if_it_were_whole(answers):
    store = shop_that_answers(*answers)
    with pytest.raises(Unavailable):
        list(store.catalogue())


@pytest.mark.parametrize("items", [[], [None, None], [{"id": "2", "quantity": 0}], "none"])
def test_figures_that_were_not_asked_for_are_no_reading(items):
    with pytest.raises(Unavailable):
        shop_that_answers({"items": items}).read_stock([StockRef(stock_id="1")])


def test_pages_are_followed_by_the_shops_cursor():
    pages = [{"items": [{"id": "1", "quantity": 1}], "next": "b"}, {"items": [{"id": "2", "quantity": 2}]}]
    found = list(shop_that_answers(*pages).catalogue())
    assert [(page.items[0].external_id, page.is_last) for page in found] == [("1", False), ("2", True)]


def test_one_order_that_cannot_be_read_does_not_hide_the_others():
    broken = told(id="2", lines=[{"id": "1"}])
    (page,) = shop_that_answers({"orders": [told(), broken, {"lines": []}]}).open_orders()
    assert [one.order_id for one in page.orders] == ["1"]
    assert set(page.unreadable) == {"2", "number 3 of the page"}


def test_a_fractional_figure_is_rounded_down():
    (page,) = shop_that_answers({"items": [{"id": "1", "quantity": 2.75}]}).catalogue()
    assert page.items[0].quantity == 2


# ------------------------------------------------------------------------------------------- connecting


def test_the_probe_finds_out_whether_the_shop_compares():
    assert CustomDriver().store().probe().settings == {"compares": "yes", "creates": "yes"}
    info = shop_that_answers({"id": "s", "name": "Duka"}).probe()
    assert (info.account_id, info.settings, len(info.warnings)) == (
        "shop.test/s",
        {"compares": "no", "creates": "no"},
        1,
    )


def test_a_wrong_secret_is_access_denied():
    with pytest.raises(AccessDenied):
        CustomDriver(secret="whsec_YW5vdGhlciBzZWNyZXQgb2Ygc29tZSBsZW5ndGg=").store().probe()


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!", "not base64!"])
def test_a_secret_that_can_be_none_is_refused_before_anything_is_sent(secret):
    driver = CustomDriver(secret=secret)
    with pytest.raises(Refused) as caught:
        driver.store()
    assert caught.value.kind is RefusalKind.CONFIGURATION
    assert driver.calls == []


@pytest.mark.parametrize("url", ["", "shop.example", "ftp://shop.example", "http://"])
def test_an_address_that_can_be_none_is_refused(url):
    driver = CustomDriver()
    with pytest.raises(Refused):
        driver.plugin.store(replace(driver.account, settings={"url": url}))


def test_the_address_is_called_exactly_as_it_was_given():
    driver, seen = CustomDriver(), []

    def answer(request):
        seen.append(str(request.url))
        return httpx.Response(200, json={"id": "s"}, request=request)

    for url in ("https://shop.test/syncd", "https://shop.test/index.php?route=syncd", "https://shop.test"):
        account = replace(driver.account, settings={"url": url}, transport=httpx.MockTransport(answer))
        driver.plugin.store(account).probe()
    assert seen == ["https://shop.test/syncd", "https://shop.test/index.php?route=syncd", "https://shop.test/"]


def test_every_attempt_is_signed_anew():
    driver, seen = CustomDriver(), []

    def answer(request):
        seen.append(request.headers["webhook-id"])
        return httpx.Response(503 if len(seen) == 1 else 200, json={"id": "s"}, request=request)

    driver.plugin.store(replace(driver.account, transport=httpx.MockTransport(answer))).probe()
    assert len(seen) == len(set(seen)) == 2


def test_another_address_of_webhooks_is_replaced_and_not_removed():
    driver = CustomDriver()
    store = driver.store()
    driver.shop.webhook_url = "https://elsewhere.example/hook"
    store.remove_webhooks(driver.webhook_url)
    assert driver.shop.webhook_url == "https://elsewhere.example/hook"
    assert store.check_webhooks(driver.webhook_url, repair=True).states == {"webhook": "repaired"}
    assert driver.shop.webhook_url == driver.webhook_url


# ------------------------------------------------------------------------------------------- making products


def make(driver, *skus, is_draft=True):
    new = tuple(NewItem(sku=sku, title=f"A {sku}", price=Decimal("4.50")) for sku in skus)
    until = driver.clock.now() + timedelta(seconds=30)
    return driver.store().create_items(NewItems(items=new, is_draft=is_draft, key="k", not_after=until))


def test_a_shop_says_whether_it_makes_products():
    driver = CustomDriver(creates=None)
    assert driver.store().traits.create_rows == 0
    assert driver.store().probe().settings["creates"] == "yes"
    assert CustomDriver().store().traits.create_rows == 10
    driver.shop.creates = False
    assert driver.store().probe().settings["creates"] == "no"


def test_new_items_go_out_in_one_call_with_all_that_is_known():
    driver = CustomDriver()
    results = make(driver, "NEW-1", "NEW-2", is_draft=False)
    assert driver.calls == ["items.create"]
    assert {result.outcome for result in results.values()} == {CreateOutcome.CREATED}
    made = driver._item("NEW-1")
    assert (made["title"], made["price"], made["quantity"], made["draft"]) == ("A NEW-1", "4.50", 0, False)


def test_what_the_shop_will_not_take_is_told_in_its_words():
    driver = CustomDriver()
    driver.shop.create = lambda new, draft: {"error": "No mugs any more."}
    assert make(driver, "MUG-2")["MUG-2"] == CreateResult(outcome=CreateOutcome.REFUSED, words="No mugs any more.")


@pytest.mark.parametrize("answer", [{"id": "1"}, {"id": "1", "sku": "OTHER", "quantity": 0}])
def test_an_answer_that_is_no_such_item_leaves_it_open(answer):
    driver = CustomDriver()
    driver.shop.create = lambda new, draft: answer
    assert make(driver, "MUG-2")["MUG-2"].outcome is CreateOutcome.UNKNOWN


def test_an_answer_that_lacks_items_leaves_all_open():
    driver = CustomDriver()
    driver.shop.answer = lambda headers, body: (200, {"items": []})
    with pytest.raises(OutcomeUnknown, match="0 of 2"):
        make(driver, "NEW-1", "NEW-2")
