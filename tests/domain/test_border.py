from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors.sdk.values import (
    AccountInfo,
    AuthorityPage,
    CatalogueItem,
    FigureState,
    ListingChanged,
    OrderChanged,
    OrderLine,
    OrderRefunds,
    OrderSnapshot,
    Refund,
    RefundLine,
    StockFigure,
    StockHint,
    StockRef,
    StockRow,
    UnreadableItem,
)
from schema import tables
from syncd.domain import border

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LINE = OrderLine(line_id="l1", external_id="v1", sku="MUG", title="Mug", quantity=2)
REFUND = Refund(
    refund_id="r1",
    created_at=NOON,
    lines=(RefundLine(refund_line_id="r1.1", line_id="l1", quantity=1, restocked=True),),
)
ORDER = OrderSnapshot(
    order_id="77",
    name="#1001",
    version=NOON,
    created_at=NOON,
    is_paid=True,
    currency="KES",
    lines=(LINE,),
    refunds=(REFUND,),
)
ITEM = CatalogueItem(
    external_id="v1", ref=StockRef(stock_id="s1", parent_id="p1"), sku="MUG", title="Mug", tracked=True
)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("#1001", "#1001"),
        ("  Mug, blue ", "Mug, blue"),
        ("a\x00b", "ab"),
        ("half \ud83d", "half ?"),
        ("\U0001f600", "\U0001f600"),
        ("x" * 12, "x" * 10),
        ("123456789 x", "123456789"),
    ],
)
def test_words_are_trimmed_to_what_both_databases_keep(told, kept):
    assert border.text(told, 10) == kept


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        (" MUG ", "MUG"),
        ("mug 12 oz", "mug 12 oz"),
        ("x" * 191, "x" * 191),
        ("x" * 192, None),
        ("A\x00B", None),
        ("A\nB", None),
        ("A\ud83d", None),
    ],
)
def test_what_cannot_be_an_sku_is_none(told, kept):
    assert border.sku(told) == kept
    assert border.is_no_sku(told) is (bool((told or "").strip()) and kept is None)


@pytest.mark.parametrize(("told", "kept"), [("KES", "KES"), (" kes ", "KES"), ("", "")])
def test_a_currency_has_three_capitals(told, kept):
    assert border.currency(told) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        replace(ORDER, currency="KENYA"),
        replace(ORDER, currency="K$"),
        replace(ORDER, order_id="9" * 192),
        replace(ORDER, order_id=""),
        replace(ORDER, order_id="7\x007"),
        replace(ORDER, shipping=Decimal("NaN")),
        replace(ORDER, shipping=Decimal("1E+14")),
        replace(ORDER, lines=(replace(LINE, line_id="\ud83d"),)),
        replace(ORDER, lines=(replace(LINE, external_id="v" * 192),)),
        replace(ORDER, lines=(replace(LINE, quantity=3 * 10**9),)),
        replace(ORDER, lines=(replace(LINE, taken=3 * 10**9),)),
        replace(ORDER, lines=(replace(LINE, total=Decimal("Infinity")),)),
        replace(ORDER, lines=(replace(LINE, tax=Decimal("-1E+15")),)),
        replace(ORDER, refunds=(replace(REFUND, refund_id="r" * 192),)),
        replace(ORDER, refunds=(replace(REFUND, amount=Decimal("NaN")),)),
        replace(ORDER, refunds=(replace(REFUND, lines=(replace(REFUND.lines[0], quantity=-1),)),)),
        replace(ORDER, refunds=(replace(REFUND, lines=(replace(REFUND.lines[0], line_id=""),)),)),
        OrderRefunds(order_id="7" * 192, refunds=()),
        OrderChanged(order_id="\x00"),
        ListingChanged(external_id="v" * 192),
        StockHint(stock_id="s" * 192, quantity=1, at=NOON),
        StockHint(stock_id="s1", quantity=10**10, at=NOON),
    ],
)
def test_a_message_with_something_that_cannot_be_kept_is_unreadable_as_a_whole(wrong):
    with pytest.raises(border.Unfit):
        border.fact(wrong)


def test_an_order_enters_with_its_words_trimmed_and_its_ids_untouched():
    long = replace(LINE, title="t" * 300, sku="s" * 200, moves_nothing="\x00")
    kept = border.fact(replace(ORDER, name=" #" + "9" * 200, currency="kes", lines=(long,)))
    (line,) = kept.lines
    assert (kept.order_id, kept.name, kept.currency) == ("77", "#" + "9" * 99, "KES")
    assert (line.line_id, line.sku, line.title, line.moves_nothing) == ("l1", None, "t" * 255, "")
    assert kept.refunds == ORDER.refunds


def test_what_is_right_enters_as_it_is():
    assert border.fact(ORDER) == ORDER
    assert border.item(ITEM) == ITEM


def test_an_item_keeps_what_can_be_kept_of_it():
    kept = border.item(replace(ITEM, sku="x" * 192, title=" Mug\x00 ", price=Decimal("NaN"), image_url=""))
    assert (kept.sku, kept.title, kept.price, kept.image_url) == (None, "Mug", None, None)


def test_an_item_without_a_possible_id_is_no_item():
    with pytest.raises(border.Unfit):
        border.item(replace(ITEM, ref=StockRef(stock_id="s" * 192)))


def test_of_a_page_of_the_back_office_what_cannot_be_kept_counts_as_not_readable():
    told = AuthorityPage(
        items=(ITEM, replace(ITEM, external_id="v" * 192), replace(ITEM, external_id="v2")),
        rows=tuple(
            StockRow(external_id=item, location_id="L1", quantity=units)
            for item, units in (("v1", 3), ("v1", None), ("v2", 10**12), ("v2", 4))
        ),
        began_at=NOON,
        answered_at=NOON,
        is_last=True,
        unreadable=(UnreadableItem(external_id="v3", parent_id="p" * 300, reason="\x00no name"),),
    )
    kept = border.page(told)
    assert [item.external_id for item in kept.items] == ["v1"]
    assert [row.quantity for row in kept.rows] == [3, None]
    assert [row.external_id for row in kept.unreadable] == ["v3", "v" * 191, "v2"]
    assert (kept.unreadable[0].parent_id, kept.unreadable[0].reason) == ("p" * 191, "no name")


@pytest.mark.parametrize(
    ("figure", "number"),
    [
        (None, None),
        (StockFigure(state=FigureState.TRACKED, quantity=-3), -3),
        (StockFigure(state=FigureState.TRACKED), None),
        (StockFigure(state=FigureState.GONE), None),
        (StockFigure(state=FigureState.TRACKED, quantity=10**10), None),
    ],
)
def test_a_figure_beyond_any_shelf_is_no_figure(figure, number):
    assert border.figure(figure) == number


def test_an_account_whose_currency_is_none_is_taken_with_a_warning():
    kept = border.account(AccountInfo(account_id="a.example", name="A\x00 ", currency="shillings"))
    assert (kept.name, kept.currency, len(kept.warnings)) == ("A", "", 1)


@pytest.mark.parametrize(
    ("table", "column", "longest"),
    [
        ("order_header", "external_id", border.LONGEST_ID),
        ("order_header", "name", border.LONGEST_ORDER_NAME),
        ("order_header", "currency", 3),
        ("order_line", "external_id", border.LONGEST_ID),
        ("order_line", "listing_external_id", border.LONGEST_ID),
        ("order_line", "told_sku", border.LONGEST_SKU),
        ("order_refund", "external_id", border.LONGEST_ID),
        ("order_refund_line", "external_id", border.LONGEST_ID),
        ("order_refund_line", "line_external_id", border.LONGEST_ID),
        ("listing", "external_id", border.LONGEST_ID),
        ("listing", "external_sku", border.LONGEST_SKU),
        ("listing_check", "external_id", border.LONGEST_ID),
        ("stock_item", "external_id", border.LONGEST_ID),
        ("stock_item", "parent_id", border.LONGEST_ID),
        ("movement", "sku", border.LONGEST_SKU),
        ("movement", "event", border.LONGEST_ID),
        ("inventory_cache", "sku", border.LONGEST_SKU),
        ("sales_log", "order_external_id", border.LONGEST_ID),
        ("sales_log", "line", border.LONGEST_ID),
        ("sale_document_line", "sku", border.LONGEST_SKU),
        ("sale_document_line", "external_id", border.LONGEST_ID),
        ("sale_document_line", "parent_id", border.LONGEST_ID),
        ("connection", "account_id", border.LONGEST_ID),
        ("location", "external_id", border.LONGEST_ID),
        ("location", "name", border.LONGEST_PLACE),
        ("merchant", "time_zone", border.LONGEST_ZONE),
    ],
)
def test_what_may_enter_fits_its_column(table, column, longest):
    room = tables.SQLModel.metadata.tables[table].c[column].type.length
    assert room >= longest
