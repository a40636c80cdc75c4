"""Every online sale and return is in the back office exactly once, whatever happens on the way."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import select

from connectors.sdk.errors import RefusalKind
from schema.tables import (
    Connection,
    ConnectionState,
    DocumentState,
    InventoryCache,
    Issue,
    IssueState,
    Listing,
    OrderLine,
    RecordPolicy,
    ReturnDocument,
    SaleDocument,
    SalesLog,
)
from syncd.engine import leases, record, record_by_hand
from syncd.errors import LeaseLost, NotPossible
from tests.engine.scene import Scene, scenes


class Crash(BaseException):
    """The process dies here."""


@pytest.fixture
def scene_with(merchant_with):
    yield from scenes(merchant_with)


@pytest.fixture
def scene(scene_with) -> Scene:
    return scene_with()


def test_a_paid_order_is_recorded_once_and_available_does_not_change(scene):
    scene.order()
    assert scene.stock() == (5, 2)
    assert scene.record() == 1
    assert scene.record() == 0
    assert list(scene.sales().values()) == [2]
    assert scene.stock() == (3, 0)
    assert scene.office.stock("MUG") == 3
    assert [row.backoffice_id for row in scene.all(SalesLog)] == list(scene.office.booked)
    assert scene.owed() == 0


def test_the_invoice_number_is_made_of_connection_and_order(scene):
    scene.order()
    scene.record()
    assert list(scene.sales()) == [f"{scene.world.connection('A').code}/1001"]


def test_prices_hold_tax_and_discounts_and_shipping_goes_with_the_first_document(scene):
    scene.order(lines={"l1": ("MUG", 3)}, shipping=Decimal("4.50"))
    scene.record()
    scene.order(lines={"l1": ("MUG", 4)}, shipping=Decimal("4.50"))
    scene.record()
    first, second = [one.sale for one in scene.office.booked.values()]
    assert first.lines[0].unit_price == Decimal("10.0000")
    assert (first.shipping, second.shipping) == (Decimal("4.5000"), Decimal(0))


def test_an_unpaid_order_is_recorded_when_it_is_paid(scene):
    scene.order(is_paid=False)
    assert scene.record() == 0
    assert scene.stock() == (5, 2)
    scene.order(is_paid=True)
    assert scene.record() == 1


def test_with_the_policy_placed_it_is_recorded_at_once(scene_with):
    scene = scene_with(record=RecordPolicy.PLACED)
    scene.order(is_paid=False)
    assert scene.record() == 1


def test_a_test_order_is_never_recorded(scene):
    scene.order(is_test=True)
    assert scene.record() == 0
    assert scene.sales() == {}
    assert scene.owed() == 0


def test_an_order_that_grows_gets_a_further_document(scene):
    scene.order()
    scene.record()
    scene.order(lines={"l1": ("MUG", 3)})
    assert scene.record() == 1
    code = scene.world.connection("A").code
    assert scene.sales() == {f"{code}/1001": 2, f"{code}/1001-2": 1}
    assert scene.stock() == (2, 0)


def test_returns_are_spread_over_the_newest_document_first(scene):
    scene.order()
    scene.record()
    scene.order(lines={"l1": ("MUG", 3)})
    scene.record()
    scene.order(refunds=[("r1", "l1", 2)])
    assert scene.record() == 2
    code = scene.world.connection("A").code
    assert scene.sales() == {f"{code}/1001": 1, f"{code}/1001-2": 0}
    assert scene.stock() == (4, 0)
    assert scene.office.stock("MUG") == 4


def test_a_refund_before_the_sale_is_recorded_makes_a_smaller_sale(scene):
    scene.order()
    scene.order(refunds=[("r1", "l1", 1)])
    assert scene.record() == 1
    assert list(scene.sales().values()) == [1]
    assert scene.stock() == (4, 0)
    assert {row.backoffice_id for row in scene.all(SalesLog)} == set(scene.office.booked)


def test_an_order_cancelled_before_it_is_recorded_is_never_sent(scene):
    scene.order()
    scene.order(refunds=[("r1", "l1", 2)])
    assert scene.record() == 0
    assert scene.sales() == {}
    assert scene.stock() == (5, 0)


def test_a_return_that_a_cashier_has_booked_already_moves_no_shelf(scene):
    scene.order()
    scene.record()
    scene.office.hand_return(next(iter(scene.office.booked)), "MUG", 2)
    scene.order(refunds=[("r1", "l1", 1)])
    assert scene.stock() == (3, -1)
    assert scene.record() == 1
    assert scene.stock() == (3, 0)
    assert list(scene.sales().values()) == [0]


def test_two_lines_of_one_sku_come_back_each_on_its_own(scene):
    scene.order(lines={"l1": ("MUG", 1), "l2": ("MUG", 2)})
    scene.record()
    scene.order(refunds=[("r1", "l2", 2)])
    scene.record()
    booked = next(iter(scene.office.booked.values())).record
    assert [(line.quantity, line.returned) for line in booked.lines] == [(1, 0), (2, 2)]


# ------------------------------------------------------------------------------------------- lost answers


def test_a_sale_whose_answer_was_lost_is_found_and_not_sent_again(scene):
    scene.office.faults.lost_writes = 1
    scene.order()
    assert scene.record() == 1
    scene.wait()
    assert scene.record() == 0
    assert list(scene.sales().values()) == [2]
    assert scene.stock() == (3, 0)


def test_a_swallowed_sale_is_sent_again_after_two_looks_and_the_quarantine(scene):
    scene.office.faults.swallowed_writes = 1
    scene.order()
    assert scene.record() == 0
    assert scene.record() == 0
    scene.wait(timedelta(seconds=120))
    assert scene.record() == 0
    assert scene.office.wire.calls["record_sale"] == 1
    scene.wait(timedelta(seconds=60))
    assert scene.record() == 1
    assert scene.office.wire.calls["find_sale"] >= 2
    assert list(scene.sales().values()) == [2]


def test_a_sale_that_commits_only_after_the_first_look_is_counted_once(scene):
    scene.office.faults.late_writes = 1
    scene.order()
    for _ in range(4):
        assert scene.record() == 0
        scene.wait(timedelta(seconds=25))
    scene.office.land()
    scene.wait()
    assert scene.record() == 1
    assert list(scene.sales().values()) == [2]
    assert scene.stock() == (3, 0)


def test_one_sale_in_quarantine_holds_up_no_other(scene):
    scene.office.faults.swallowed_writes = 1
    scene.order("1001")
    scene.record()
    scene.order("1002")
    assert scene.record() == 1
    assert [number.rpartition("/")[2] for number in scene.sales()] == ["1002"]


def test_a_lost_return_that_was_done_leaves_the_shelf_to_a_reading(scene):
    scene.order()
    scene.record()
    scene.office.faults.lost_writes = 1
    scene.order(refunds=[("r1", "l1", 1)])
    assert scene.record() == 1
    assert scene.stock() == (3, 0)
    assert scene.office.stock("MUG") == 4
    assert scene.all(InventoryCache)[0].reread_at is not None


def test_a_swallowed_return_is_sent_again_after_the_quarantine(scene):
    scene.order()
    scene.record()
    scene.office.faults.swallowed_writes = 1
    scene.order(refunds=[("r1", "l1", 1)])
    assert scene.record() == 0
    assert scene.stock() == (3, -1)
    scene.wait()
    assert scene.record() == 1
    assert scene.stock() == (4, 0)


def test_a_sale_found_twice_goes_on_with_the_oldest_and_tells(scene):
    scene.office.faults.late_writes = 1
    scene.order()
    scene.record()
    scene.office.faults.lost_writes = 1
    # Sent again after the quarantine, and its answer lost too; only then the first one lands after all.
    scene.office.wire.on_call = lambda moment: scene.office.land() if moment == "record_sale.after" else None
    scene.wait()
    scene.record()
    assert len(scene.office.booked) == 2
    documents = scene.all(SaleDocument)
    assert [row.backoffice_id for row in documents] == [min(scene.office.booked)]
    assert scene.issues() == ["sale_doubled"]


# ------------------------------------------------------------------------------------------- crashes


@pytest.mark.parametrize("moment", ["record_sale.before", "record_sale.after"])
def test_a_crash_around_a_sale_neither_loses_nor_doubles_it(scene, moment):
    def crash(now: str) -> None:
        if now == moment:
            raise Crash

    scene.order()
    scene.office.wire.on_call = crash
    with pytest.raises(Crash):
        scene.record()
    scene.office.wire.on_call = lambda moment: None
    assert [row.state for row in scene.all(SaleDocument)] == [DocumentState.SENT]
    assert scene.take_over() == 1
    for _ in range(4):
        scene.record()
        scene.wait()
    assert list(scene.sales().values()) == [2]
    assert scene.stock() == (3, 0)


@pytest.mark.parametrize("moment", ["record_return.before", "record_return.between", "record_return.after"])
def test_a_crash_around_a_return_neither_loses_nor_doubles_it(scene, moment):
    def crash(now: str) -> None:
        if now == moment:
            raise Crash

    scene.order()
    scene.record()
    scene.order(refunds=[("r1", "l1", 1)])
    scene.office.wire.on_call = crash
    with pytest.raises(Crash):
        scene.record()
    scene.office.wire.on_call = lambda moment: None
    assert scene.take_over() == 1
    for _ in range(4):
        scene.record()
        scene.wait()
    assert list(scene.sales().values()) == [1]
    assert scene.stock()[1] == 0
    assert scene.office.stock("MUG") == 4


def test_a_crash_while_looking_up_changes_nothing(scene):
    scene.office.faults.lost_writes = 1
    scene.order()
    scene.office.wire.on_call = lambda moment: (_ for _ in ()).throw(Crash()) if moment == "find_sale.before" else None
    with pytest.raises(Crash):
        scene.record()
    scene.office.wire.on_call = lambda moment: None
    assert scene.record() == 1
    assert list(scene.sales().values()) == [2]


def test_a_hand_that_lost_its_lease_sends_nothing(scene):
    scene.order()
    leases.release(scene.engine, scene.held)
    other = leases.acquire(scene.engine, scene.held.name)
    with pytest.raises(LeaseLost):
        scene.record()
    assert scene.sales() == {}
    assert record.record_due(scene.engine, other, scene.world.merchant_id) == 1


def test_a_hand_that_is_frozen_beyond_its_lease_sends_nothing(scene):
    """It stored its intent, stood still for longer than the lease had left, and goes on before anything was sent."""

    def freeze(moment: str) -> None:
        if moment == "record_sale.before":
            scene.office.wire.on_call = lambda moment: None
            scene.clock.advance(timedelta(seconds=11))

    scene.order()
    scene.held = leases.acquire(scene.engine, "backoffice:frozen", duration=timedelta(seconds=10))
    scene.office.wire.on_call = freeze
    scene.record()
    assert scene.sales() == {}


def test_a_stalled_hand_that_gets_its_answer_late_books_it_once(scene):
    """While the first hand waits for its answer, the second takes over, looks, and finds the sale."""

    def second_hand(moment: str) -> None:
        if moment == "record_sale.after":
            scene.office.wire.on_call = lambda moment: None
            scene.take_over()
            assert scene.record() == 1

    scene.order()
    scene.office.wire.on_call = second_hand
    first = scene.held
    with pytest.raises(LeaseLost):
        record.record_due(scene.engine, first, scene.world.merchant_id)
    assert [line.acknowledged for line in scene.all(OrderLine)] == [2]
    assert scene.stock() == (3, 0)
    assert list(scene.sales().values()) == [2]


def test_an_order_that_changes_while_its_sale_is_sent_is_put_right_afterwards(scene):
    def refund(moment: str) -> None:
        if moment == "record_sale.after":
            scene.order(refunds=[("r1", "l1", 1)])

    scene.order()
    scene.office.wire.on_call = refund
    assert scene.record() == 2
    assert list(scene.sales().values()) == [1]
    assert scene.stock() == (4, 0)


# ------------------------------------------------------------------------------------------- failing back offices


def test_an_outage_of_an_hour_loses_nothing_and_backs_off(scene):
    scene.office.faults.is_down = True
    scene.order()
    for _ in range(60):
        scene.record()
        scene.wait(timedelta(minutes=1))
    assert scene.office.wire.calls["record_sale"] < 60
    assert scene.all(SaleDocument) == []
    assert scene.stock() == (5, 2)
    scene.office.faults.is_down = False
    scene.wait(timedelta(minutes=6))
    assert scene.record() == 1
    assert scene.office.wire.calls["record_sale"] > 1


def test_a_rate_limit_is_waited_for_as_long_as_told(scene):
    scene.office.faults.rate_limit = 40.0
    scene.order()
    scene.record()
    scene.office.faults.rate_limit = None
    scene.wait(timedelta(seconds=20))
    assert scene.record() == 0
    scene.wait(timedelta(seconds=21))
    assert scene.record() == 1


def test_a_back_office_that_knows_our_key_no_more_needs_a_person_once(scene):
    scene.office.faults.is_denied = True
    scene.order()
    scene.record()
    scene.record()
    assert scene.issues() == ["needs_auth"]
    assert scene.office.wire.calls["record_sale"] == 1
    assert scene.stock() == (5, 2)


def test_a_refusal_for_the_set_up_is_tried_again_by_itself(scene):
    scene.office.faults.refusal = RefusalKind.CONFIGURATION
    scene.order()
    scene.record()
    assert scene.issues() == ["refused_by_backoffice"]
    assert scene.record() == 0
    scene.office.faults.refusal = None
    scene.wait(timedelta(minutes=2))
    assert scene.record() == 1
    assert scene.issues() == []


def test_a_refusal_for_the_set_up_is_tried_ever_more_rarely(scene):
    scene.office.faults.refusal = RefusalKind.CONFIGURATION
    scene.order()
    for _ in range(180):
        scene.record()
        scene.wait(timedelta(minutes=1))
    assert 5 <= scene.office.wire.calls["record_sale"] <= 10
    assert scene.issues() == ["refused_by_backoffice"]


def test_a_sale_refused_as_overselling_waits_for_a_person(scene):
    scene.office.allows_overselling = False
    scene.office.set_stock("MUG", 1)
    scene.order()
    scene.record()
    scene.wait(timedelta(days=1))
    assert scene.record() == 0
    assert scene.issues() == ["refused_by_backoffice"]
    assert scene.owed() == 0
    scene.office.set_stock("MUG", 4)
    record_by_hand.retry(scene.engine, scene.all(SaleDocument)[0].id, actor="a@b.c")
    assert scene.record() == 1
    assert scene.issues() == []


def test_a_parked_sale_is_made_anew_when_its_order_changes(scene):
    scene.office.allows_overselling = False
    scene.office.set_stock("MUG", 1)
    scene.order()
    scene.record()
    scene.order(refunds=[("r1", "l1", 1)])
    assert scene.record() == 1
    assert list(scene.sales().values()) == [1]
    assert scene.issues() == []


def test_a_parked_sale_of_a_cancelled_order_is_forgotten(scene):
    scene.office.allows_overselling = False
    scene.office.set_stock("MUG", 1)
    scene.order()
    scene.record()
    scene.order(refunds=[("r1", "l1", 2)])
    assert scene.record() == 0
    assert scene.all(SaleDocument) == []
    assert scene.stock() == (5, 0)
    assert scene.issues() == []


def test_a_sale_in_another_currency_is_not_recorded_and_told(scene):
    scene.order(currency="USD")
    assert scene.record() == 0
    assert scene.issues() == ["foreign_currency"]
    record_by_hand.recorded_as(scene.engine, scene.order_id(), "77", actor="a@b.c")
    assert scene.stock() == (3, 0)
    assert scene.issues() == []


def foreign(scene) -> list[tuple[str, list[str]]]:
    return [
        (issue.details["currency"], issue.details["orders"])
        for issue in scene.all_of(Issue)
        if issue.kind == "foreign_currency" and issue.state is IssueState.OPEN
    ]


def test_sales_in_another_currency_are_one_issue_for_each_store_and_currency(scene):
    for order_id, currency in (("1", "USD"), ("2", "USD"), ("3", "EUR"), ("4", "KES")):
        scene.order(order_id, lines={f"l{order_id}": ("MUG", 1)}, currency=currency)
    scene.order("5", lines={"l5": ("MUG", 1)}, currency="USD", is_paid=False)
    scene.record()
    assert foreign(scene) == [("USD", ["1", "2"]), ("EUR", ["3"])]
    assert next(issue.title for issue in scene.all_of(Issue)).startswith("2 orders of A: sold in USD")
    record_by_hand.leave_out(scene.engine, scene.order_id("1"), actor="ann")
    assert foreign(scene) == [("USD", ["2"]), ("EUR", ["3"])]
    record_by_hand.recorded_as(scene.engine, scene.order_id("2"), "S-9", actor="ann")
    assert foreign(scene) == [("EUR", ["3"])]
    scene.order("3", refunds=[("r1", "l3", 1)], currency="EUR")
    scene.record()
    assert foreign(scene) == []


def test_a_sale_of_an_item_that_the_back_office_lacks_is_told(scene):
    with scene.engine.database.transaction() as session:
        row = session.exec(select(Listing).where(Listing.connection_id == scene.world.backoffice_id)).one()
        row.gone_at = scene.clock.now()
    scene.order()
    assert scene.record() == 0
    assert scene.issues() == ["no_item"]
    assert scene.stock() == (5, 2)


def test_a_hot_sku_waits_for_one_reading_before_it_is_sent_again(scene):
    scene.order()
    with scene.engine.database.transaction() as session:
        session.exec(select(InventoryCache)).one().drops = 3
    assert scene.record() == 0
    assert scene.owed() == 1
    with scene.engine.database.transaction() as session:
        session.exec(select(InventoryCache)).one().drops = 0
    assert scene.record() == 1


# ------------------------------------------------------------------------------------------- what it cannot do


def test_where_sales_cannot_be_looked_up_an_unknown_one_is_never_sent_again(scene):
    scene.office.finds_sales = False
    scene.office.faults.lost_writes = 1
    scene.order()
    scene.record()
    for _ in range(3):
        scene.wait()
        assert scene.record() == 0
    assert scene.office.wire.calls["record_sale"] == 1
    assert scene.issues() == ["sale_not_certain"]
    assert scene.owed() == 0
    record_by_hand.recorded_as(scene.engine, scene.order_id(), "5002", actor="a@b.c")
    assert scene.stock() == (3, 0)
    assert scene.issues() == []


def test_a_person_who_looked_may_have_it_sent_again(scene):
    scene.office.finds_sales = False
    scene.office.faults.swallowed_writes = 1
    scene.order()
    scene.record()
    document = scene.all(SaleDocument)[0].id
    with pytest.raises(NotPossible):
        record_by_hand.retry(scene.engine, document, actor="a@b.c")
    scene.wait()
    scene.record()
    record_by_hand.retry(scene.engine, document, actor="a@b.c")
    assert scene.record() == 1
    assert list(scene.sales().values()) == [2]


def test_where_returns_cannot_be_recorded_a_person_books_them(scene):
    scene.office.takes_returns = False
    scene.order()
    scene.record()
    scene.order(refunds=[("r1", "l1", 1)])
    assert scene.record() == 0
    assert scene.issues() == ["return_by_hand"]
    assert scene.all(ReturnDocument) == []
    record_by_hand.leave_out(scene.engine, scene.order_id(), actor="a@b.c")
    assert scene.stock() == (3, 0)
    assert scene.issues() == []


def test_an_order_that_is_left_out_is_let_go_and_its_later_changes_too(scene):
    scene.office.allows_overselling = False
    scene.office.set_stock("MUG", 1)
    scene.order()
    scene.record()
    record_by_hand.leave_out(scene.engine, scene.order_id(), actor="a@b.c")
    assert scene.stock() == (5, 0)
    scene.order(refunds=[("r1", "l1", 1)])
    assert scene.stock() == (5, 0), "at once: what it gives back was offered when it was let go"
    assert scene.record() == 0
    assert scene.stock() == (5, 0)
    assert scene.issues() == []


def test_a_sale_cannot_be_left_out_while_its_answer_is_out(scene):
    scene.office.faults.swallowed_writes = 1
    scene.order()
    scene.record()
    with pytest.raises(NotPossible):
        record_by_hand.leave_out(scene.engine, scene.order_id(), actor="a@b.c")


# ------------------------------------------------------------------------------------------- our own ledger


def test_our_own_ledger_acknowledges_at_once(scene_with):
    scene = scene_with(office=False)
    scene.order()
    assert scene.record() == 1
    assert scene.stock() == (3, 0)
    assert [row.backoffice_id for row in scene.all(SalesLog)] == [f"ledger-{scene.all(SaleDocument)[0].id}"]


def test_our_own_ledger_takes_returns(scene_with):
    scene = scene_with(office=False)
    scene.order()
    scene.record()
    scene.order(refunds=[("r1", "l1", 1)])
    assert scene.record() == 1
    assert scene.stock() == (4, 0)
    scene.order(lines={"l1": ("MUG", 4)}, refunds=[("r1", "l1", 1)])
    assert scene.record() == 1
    assert scene.stock() == (2, 0)


def test_a_paused_back_office_is_not_called(scene):
    with scene.engine.database.transaction() as session:
        session.get_one(Connection, scene.world.backoffice_id).state = ConnectionState.PAUSED
    scene.order()
    assert scene.record() == 0
    assert scene.sales() == {}


def test_intake_recording_and_polling_at_once_lose_nothing_and_do_not_block_each_other(scene_with):
    scene = scene_with(skus={"MUG": 100, "TIN": 100})
    failures = []

    def repeatedly(act) -> None:
        try:
            for n in range(12):
                act(n)
        except BaseException as error:
            failures.append(error)
            raise

    def sell(n: int) -> None:
        scene.order(f"{n}", lines={"l1": ("TIN" if n % 2 else "MUG", 1), "l2": ("MUG" if n % 2 else "TIN", 1)})

    acts = [sell, lambda n: scene.record(), lambda n: scene.sweep(), lambda n: scene.rereads()]
    threads = [threading.Thread(target=repeatedly, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    while scene.record():
        pass
    scene.wait(timedelta(minutes=5))
    scene.sweep()
    assert len(scene.sales()) == 12
    assert scene.stock("MUG") == scene.stock("TIN") == (88, 0)
    assert scene.office.stock("MUG") == scene.office.stock("TIN") == 88
