"""Why a number is what it is: the receipt on the page is the ledger's own sum."""

import re

from sqlmodel import func, select

from schema.tables import Listing, Movement, Rule, StockItem
from syncd.engine.explain import explain
from tests.web.pages.conftest import client_of
from tests.web.pages.street import GOODS


def receipt(words: str) -> list[tuple[str, str, int | None]]:
    """Sign, label and units of each line of the receipt that a page shows."""
    table = words[words.index('<table class="why">') : words.index("</table>", words.index('<table class="why">'))]
    rows = re.findall(
        r'<td class="op">(.*?)</td><th scope="row">(.*?)(?:<span.*?)?</th><td class="n">(.*?)</td>', table
    )
    return [(sign, label, _number(units)) for sign, label, units in rows]


def _number(words: str) -> int | None:
    return None if words == "–" else int(words.replace(",", "").replace("−", "-"))


def ledger_sums(street, sku):
    market = street.market
    with market.engine.database.reading() as session:
        return session.exec(
            select(func.sum(Movement.on_hand_delta), func.sum(Movement.open_delta)).where(
                Movement.merchant_id == market.merchant_id, Movement.sku == sku
            )
        ).one()


def test_every_receipt_sums_up_and_is_the_fold_of_the_ledger(street):
    with client_of(street, "viewer") as client:
        for sku in GOODS:
            on_hand, opened = ledger_sums(street, sku)
            for store in ("Mwangaza Online", "Gifts & Tins"):
                lines = receipt(client.get(f"/app/stock/{sku}", params={"store": store}).text)
                by_label = {label: units for _, label, units in lines}
                assert by_label["On hand"] == on_hand, (sku, store)
                assert by_label.get("Open orders", 0) == opened, (sku, store)
                total = 0
                for sign, _, units in lines:
                    if sign == "=":
                        assert units == total, (sku, store)
                    else:
                        total += -units if sign == "−" else units


def test_what_the_store_should_show_is_what_is_wanted_of_it(street):
    market = street.market
    with client_of(street, "viewer") as client, market.engine.database.reading() as session:
        for item, listing in session.exec(
            select(StockItem, Listing)
            .join(Listing, Listing.stock_item_id == StockItem.id)
            .where(StockItem.connection_id == market.ids["a"], Listing.match == "linked")
        ):
            lines = receipt(client.get(f"/app/stock/{listing.sku}", params={"store": "Mwangaza Online"}).text)
            assert lines[-1][1:] == ("The store should show", item.desired)
            assert market.shops["a"].stock(listing.sku) == item.observed + item.held


def test_the_page_tells_the_same_lines_as_the_engine(street):
    market = street.market
    with market.engine.database.reading() as session:
        told = explain(session, market.merchant_id, "MUG-ENA-BLU", market.clock.now())
        assert session.exec(select(Rule).where(Rule.sku == "MUG-ENA-BLU")).one().value == 2
    store = next(each for each in told.stores if each.connection == "Mwangaza Online")
    with client_of(street, "viewer") as client:
        lines = receipt(client.get("/app/stock/MUG-ENA-BLU?store=Mwangaza+Online").text)
    assert [units for _, _, units in lines] == [line.amount for line in store.lines if line.sign.value]
    assert lines == [
        ("", "On hand", 53),
        ("−", "Open orders", 3),
        ("−", "Safety stock", 2),
        ("=", "Available", 48),
        ("−", "Buffer", 1),
        ("=", "The store should show", 47),
    ]
