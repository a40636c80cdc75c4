"""Sales by way of drafts: one sale in the end, never two and never none, whatever is lost, late or interrupted."""

from contextlib import suppress
from random import Random

import pytest

from connectors.sdk.errors import OutcomeUnknown, RefusalKind, Refused, Unavailable
from syncd.sandbox.prokip.faults import WriteOutcome
from tests.connectors.prokip.driver import ProkipDriver
from tests.connectors.prokip.test_sales import Desk

STRICT = {"strict": "yes", "requests_per_minute": "100000"}
QUARANTINE = 180


class Crash(BaseException):
    """The process dies here."""


def strict(**platform):
    return Desk(settings=STRICT, throttle=None, **platform)


def statuses(desk):
    return sorted(sale.status for sale in desk.driver.prokip.business.sales.values())


def test_a_sale_is_made_from_a_draft_with_its_lines_and_its_payment():
    desk = strict()
    recorded = desk.record(desk.sale(2, 3))
    (told,) = desk.sales()
    assert (str(told["id"]), told["invoice_no"], told["source"]) == (recorded.sale_id, "SY-1", "syncd-c7")
    assert (told["payment_status"], told["sold_at"]) == ("paid", "2026-01-28 12:05:42")
    assert statuses(desk) == ["final"]
    # 73 - 2 and 12 - 3
    assert (desk.driver.stock("4700101"), desk.driver.stock("TEE-01-M")) == (71, 9)
    assert desk.office.read_sale(recorded.sale_id) == recorded
    assert [line.quantity for line in recorded.lines] == [2, 3]


def test_two_lines_of_one_item_keep_their_ids():
    desk = strict()
    sale = desk.sale(2)
    double = desk.sale(lines=(sale.lines[0], sale.lines[0]))
    recorded = desk.record(double)
    assert desk.driver.stock("4700101") == 73 - 4
    assert desk.office.read_sale(recorded.sale_id) == recorded


def test_a_draft_is_no_sale():
    desk = strict()
    desk.faults.next_writes = ["ok", "error"]
    with pytest.raises(OutcomeUnknown):
        desk.record(desk.sale())
    assert statuses(desk) == ["draft"]
    assert desk.driver.stock("4700101") == 73
    assert desk.office.find_sale(desk.sale()) == ()
    now = desk.driver.clock.now()
    assert list(desk.office.sales_between("c7", now, now)) == []


@pytest.mark.parametrize("outcome", ["error", "commit_then_500", "commit_then_hang", "late_commit", "lost_request"])
def test_a_lost_answer_to_the_draft_leaves_nothing_in_doubt(outcome):
    desk = strict()
    desk.faults.next_writes = [outcome]
    with pytest.raises(Unavailable):
        desk.record(desk.sale())
    desk.record(desk.sale())
    assert statuses(desk).count("final") == 1
    assert desk.driver.stock("4700101") == 71


@pytest.mark.parametrize("outcome", ["error", "commit_then_500", "commit_then_hang", "late_commit", "lost_request"])
def test_a_lost_answer_to_the_last_step_is_looked_up_and_done_again(outcome):
    desk = strict()
    desk.faults.next_writes = ["ok", outcome]
    with pytest.raises(OutcomeUnknown):
        desk.record(desk.sale())
    desk.driver.advance(QUARANTINE)
    if not desk.office.find_sale(desk.sale()):
        desk.record(desk.sale())
    assert statuses(desk) == ["final"]
    assert desk.driver.stock("4700101") == 71


def test_a_draft_that_lands_after_the_quarantine_is_never_sold():
    desk = strict()
    desk.faults.late_commit_seconds = 10 * QUARANTINE
    desk.faults.next_writes = ["late_commit"]
    with pytest.raises(Unavailable):
        desk.record(desk.sale())
    desk.record(desk.sale())
    desk.driver.advance(11 * QUARANTINE)
    desk.driver.prokip.commit_late()
    assert statuses(desk) == ["draft", "final"]
    assert desk.driver.stock("4700101") == 71
    assert len(desk.office.find_sale(desk.sale())) == 1


def test_a_last_step_that_lands_after_the_quarantine_finds_the_sale_made():
    desk = strict()
    desk.faults.late_commit_seconds = 10 * QUARANTINE
    desk.faults.next_writes = ["ok", "late_commit"]
    with pytest.raises(OutcomeUnknown):
        desk.record(desk.sale())
    desk.driver.advance(QUARANTINE)
    desk.record(desk.sale())
    desk.driver.advance(11 * QUARANTINE)
    desk.driver.prokip.commit_late()
    assert statuses(desk) == ["final"]
    assert desk.driver.stock("4700101") == 71


def test_of_several_drafts_one_is_left_before_it_becomes_the_sale():
    desk = strict()
    for _ in range(2):
        desk.faults.next_writes = ["late_commit"]
        with pytest.raises(Unavailable):
            desk.record(desk.sale())
    desk.driver.advance(60)
    desk.faults.next_writes = ["commit_then_500"]
    with pytest.raises(Unavailable):
        desk.record(desk.sale())  # two have landed: one of them is deleted, and its answer lost
    desk.record(desk.sale())
    assert statuses(desk) == ["final"]
    assert desk.driver.stock("4700101") == 71


def test_a_sale_that_is_there_is_not_made_again():
    desk = strict()
    desk.faults.next_writes = ["late_commit"]
    with pytest.raises(Unavailable):
        desk.record(desk.sale())
    first = desk.record(desk.sale())
    desk.driver.advance(60)
    desk.driver.prokip.commit_late()
    assert statuses(desk) == ["draft", "final"]
    assert desk.record(desk.sale()).sale_id == first.sale_id
    assert statuses(desk) == ["draft", "final"]
    assert desk.driver.stock("4700101") == 71


@pytest.mark.parametrize("dies_after", range(1, 9))
@pytest.mark.parametrize("is_answered", [True, False])
def test_a_process_that_dies_between_any_two_requests_leaves_one_sale_in_the_end(dies_after, is_answered):
    desk = strict()
    platform, count = desk.driver._platform, [0]

    class Mortal:
        def handle_request(self, request):
            count[0] += 1
            if count[0] == dies_after and not is_answered:
                raise Crash
            answer = platform.handle_request(request)
            if count[0] == dies_after:
                raise Crash
            return answer

    desk.driver._platform = Mortal()
    with suppress(Crash):
        desk.record(desk.sale())
    desk.driver._platform = platform
    desk.driver.advance(QUARANTINE)
    desk.office = desk.driver.office()
    if not desk.office.find_sale(desk.sale()):
        desk.record(desk.sale())
    assert statuses(desk) == ["final"]
    assert desk.driver.stock("4700101") == 71


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_to_its_writes_a_sale_is_there_once(seed):
    """As the engine does it: after a lost answer it waits, looks twice and sends again. Late writes outlast that."""
    desk, chance = strict(), Random(seed)
    desk.faults.late_commit_seconds = chance.choice([5, 60, 10 * QUARANTINE])
    is_recorded = False
    for _ in range(12):
        if is_recorded:
            break
        desk.faults.next_writes = [chance.choice(list(WriteOutcome)).value for _ in range(4)]
        try:
            desk.record(desk.sale())
            is_recorded = True
        except OutcomeUnknown:
            desk.driver.advance(QUARANTINE)
            for _ in range(2):
                is_recorded = is_recorded or bool(desk.office.find_sale(desk.sale()))
                desk.driver.advance(15)
        except Unavailable:
            desk.driver.advance(chance.choice([1, 30]))
    if not is_recorded:
        desk.faults.next_writes = []
        desk.record(desk.sale())
    desk.driver.advance(20 * QUARANTINE)
    desk.driver.prokip.commit_late()
    assert statuses(desk).count("final") == 1
    assert desk.driver.stock("4700101") == 71


# ------------------------------------------------------------------------------------------- refusals


def test_what_purchases_do_not_cover_is_refused_at_the_last_step_and_moves_nothing():
    desk = strict(allow_overselling=False)
    with pytest.raises(Refused) as caught:
        desk.record(desk.sale(100))
    assert caught.value.kind is RefusalKind.OVERSELLING
    assert (statuses(desk), desk.driver.stock("4700101")) == (["draft"], 73)
    desk.driver.people.receive("4700101", 100)
    desk.record(desk.sale(100))
    assert (statuses(desk), desk.driver.stock("4700101")) == (["final"], 73)


@pytest.mark.parametrize(
    ("deviation", "drafts_before"), [({"hides_drafts": True}, 0), ({"missing_methods": ["DELETE"]}, 2)]
)
def test_a_server_that_cannot_be_strict_sells_nothing_and_says_so(deviation, drafts_before):
    desk = strict(**deviation)
    for _ in range(drafts_before):
        desk.faults.next_writes = ["late_commit"]
        with pytest.raises(Unavailable):
            desk.record(desk.sale())
    desk.driver.advance(60)
    with pytest.raises(Refused) as caught:
        desk.record(desk.sale())
    assert caught.value.kind is RefusalKind.CONFIGURATION
    assert statuses(desk) == ["draft"] * (drafts_before or 1)


def test_a_server_that_cannot_change_a_sale_is_refused_when_it_is_set_up():
    with pytest.raises(Refused, match="without --strict"):
        ProkipDriver(settings=STRICT, missing_methods=["PUT"]).office().probe()
    assert ProkipDriver(settings=STRICT).office().probe().warnings == ()


def test_the_simple_dialect_cannot_be_strict():
    with pytest.raises(Refused, match="strict"):
        ProkipDriver(settings={**STRICT, "dialect": "simple"}).office()
