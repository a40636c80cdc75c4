"""Lists that people read: whole for their merchant, whoever else is in the database, and page by page."""

from datetime import timedelta
from decimal import Decimal

from schema.tables import Delivery, DeliveryState, MovementKind, Order, OrderLine, SaleKind, SalesLog
from syncd.engine import deliveries, explain, ledger, match_view, sales
from syncd.engine.views import feed, issue_list
from syncd.engine.views.sales_list import SalesQuery, sales_page

SECOND = timedelta(seconds=1)


def sell(session, world, count, *, store="A", recorded=True):
    """Sales of one unit, one a second, straight into the log."""
    now = world.clock.now()
    for n in range(count):
        at = now - SECOND * (count - n)
        order = Order(
            merchant_id=world.merchant_id,
            connection_id=world.connection_ids[store],
            external_id=f"o{n}",
            name=f"#{n}",
            placed_at=at,
            heard_at=at,
            changed_at=at,
        )
        session.add(order)
        session.flush()
        line = OrderLine(order_id=order.id, external_id="1", sku="MUG", quantity=1, taken=1)
        session.add(line)
        session.flush()
        session.add(
            SalesLog(
                merchant_id=world.merchant_id,
                connection_id=order.connection_id,
                order_id=order.id,
                order_line_id=line.id,
                order_external_id=order.external_id,
                line="1",
                kind=SaleKind.SALE,
                sku="MUG",
                quantity=1,
                unit_price=Decimal(10),
                backoffice_id="b" if recorded else None,
                occurred_at=at,
                recorded_at=at,
            )
        )


def tell(session, world, key, state, *, store="A"):
    session.add(
        Delivery(
            connection_id=world.connection_ids[store],
            key=key,
            topic="orders/create",
            body=b"12345",
            state=state,
            received_at=world.clock.now(),
        )
    )
    session.flush()


def book(session, world, kind, delta, event, line=""):
    ledger.add_movement(
        session,
        merchant_id=world.merchant_id,
        location_id=next(iter(world.location_ids.values())),
        sku="MUG",
        kind=kind,
        on_hand_delta=delta,
        source="test",
        event=event,
        line=line,
        occurred_at=world.clock.now(),
        now=world.clock.now(),
    )


def test_what_happened_lately_is_told_however_much_others_sold_since(merchant_with):
    ours = merchant_with(stores=("A",))
    theirs = merchant_with(stores=("B",), name="Other")
    with ours.engine.database.transaction() as session:
        sell(session, ours, 2)
        sell(session, theirs, 300, store="B")
    with ours.engine.database.reading() as session:
        told = [event for event in feed.events(session, ours.merchant_id, limit=10) if event.kind == "sale"]
    assert [(event.place, event.order) for event in told] == [("A", "#1"), ("A", "#0")]


def test_a_large_reading_is_one_event_with_all_its_figures(merchant_with):
    world = merchant_with(stores=("A",))
    with world.engine.database.transaction() as session:
        for n in range(30):
            book(session, world, MovementKind.READING, 0, "sweep", line=str(n))
    with world.engine.database.reading() as session:
        (found,) = [
            event for event in feed.events(session, world.merchant_id, limit=5, kinds=["readings"]) if event.units > 1
        ]
    assert found.units == 30


def test_a_page_of_sales_counts_them_and_shows_those_that_need_a_look(merchant_with):
    world = merchant_with(stores=("A",))
    with world.engine.database.transaction() as session:
        sell(session, world, 7)
    with world.engine.database.reading() as session:
        page = sales_page(session, world.merchant_id, SalesQuery(offset=5, limit=5))
        look = sales_page(session, world.merchant_id, SalesQuery(state="look"))
        found = sales_page(session, world.merchant_id, SalesQuery(text="3"))
    assert (page.total, page.is_more, [row.order for row in page.rows]) == (7, False, ["#1", "#0"])
    assert (look.total, look.rows) == (0, ())
    assert [row.order for row in found.rows] == ["#3"]


def test_an_order_is_found_by_its_number_and_by_the_stores_id(merchant_with):
    world, other = merchant_with(stores=("A",)), merchant_with(stores=("B",), name="Other")
    with world.engine.database.transaction() as session:
        sell(session, world, 3)
        sell(session, other, 3, store="B")
    with world.engine.database.reading() as session:
        for word in ("#1", "o1"):
            assert [row.connection for row in sales.list_sales(session, world.merchant_id, order=word)] == ["A"]
            assert sales.find_order(session, world.merchant_id, word).name == "#1"


def test_messages_are_listed_newest_first_by_store_and_state_and_never_anothers(merchant_with):
    world, other = merchant_with(stores=("A", "B")), merchant_with(stores=("C",), name="Other")
    with world.engine.database.transaction() as session:
        for n, (who, store, state) in enumerate(
            [(world, "A", "applied"), (world, "B", "dead"), (other, "C", "applied"), (world, "A", "new")]
        ):
            tell(session, who, f"k{n}", DeliveryState(state), store=store)
    with world.engine.database.reading() as session:

        def listed(**filters):
            rows = deliveries.list_deliveries(session, world.merchant_id, **filters)
            return [(row.connection, row.state, row.size) for row in rows]

        assert listed() == [("A", "new", 5), ("B", "dead", 5), ("A", "applied", 5)]
        assert listed(state=DeliveryState.DEAD) == [("B", "dead", 5)]
        assert listed(connection_id=world.connection_ids["A"], limit=1) == [("A", "new", 5)]
        assert listed(connection_id=other.connection_ids["C"]) == []
        first = deliveries.list_deliveries(session, world.merchant_id, limit=1)[0]
        assert listed(before=first.id) == [("B", "dead", 5), ("A", "applied", 5)]


def test_the_products_of_a_store_come_page_by_page_with_the_counts_of_all(merchant_with):
    world = merchant_with(stores=("A",), skus={f"MUG-{n}": 5 for n in range(5)})
    with world.engine.database.reading() as session:
        page = match_view.list_matches(session, world.connection("A"), offset=3, limit=2)
        none = match_view.list_matches(session, world.connection("A"), ["unmatched"])
    assert [row.sku for row in page.rows] == ["MUG-3", "MUG-4"]
    assert page.counts == none.counts == {"linked": 5}
    assert none.rows == ()


def test_nobody_has_issues_where_nothing_is_wrong(merchant_with):
    world = merchant_with(stores=("A",))
    with world.engine.database.reading() as session:
        assert issue_list.open_ones(session, world.merchant_id, limit=5) == []
        assert issue_list.resolved_ones(session, world.merchant_id, limit=5) == []


def test_recorded_writes_too_many_to_name_are_told_by_their_sum_and_the_last_of_them(merchant_with):
    world = merchant_with(skus={"MUG": 50})
    world.clock.advance(SECOND)
    with world.engine.database.transaction() as session:
        for n in range(12):
            book(session, world, MovementKind.RECORDED, -1, f"invoice-{n}")
    with world.engine.database.reading() as session:
        told = explain.explain(session, world.merchant_id, "MUG", world.clock.now())
    (line,) = [each for each in told.locations[0] if each.label == "on hand"]
    assert line.amount == 38
    assert "50 by Office's reading" in line.detail
    assert "then -12 by 12 sales and returns, the last " in line.detail
    assert "invoice-11 -1" in line.detail
    assert "invoice-1 -1" not in line.detail
