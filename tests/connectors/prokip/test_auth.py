"""Prokip's tokens and rate limit: one refresher, stored before use, and never more requests than are allowed."""

import threading
from datetime import timedelta

import pytest

from connectors.sdk.errors import AccessDenied, ConnectorError, RateLimited, Unavailable
from tests.connectors.prokip.driver import CREDENTIALS, ProkipDriver
from tests.connectors.prokip.test_sales import Desk


class LockedVault:
    """What a database row with a lock does; remembers every pair that was stored."""

    def __init__(self, credentials):
        self.credentials, self.stored, self._lock = credentials, [], threading.Lock()

    def load(self):
        return self.credentials

    def renew(self, stale, exchange):
        with self._lock:
            if self.credentials == stale:
                self.credentials = exchange(self.credentials)
                self.stored.append(self.credentials)
            return self.credentials


def connected(**settings):
    """A driver, and an office that has bought its first pair of tokens."""
    driver = ProkipDriver(**settings)
    office = driver.office()
    list(office.catalogue())
    return driver, office


def grants(driver):
    return driver.prokip.journal.calls["POST /oauth/token"]


def test_a_password_buys_tokens_that_are_stored_with_their_time():
    driver, _ = connected(token_lifetime=timedelta(hours=10))
    stored = driver.vault.load()
    assert {key: stored[key] for key in CREDENTIALS} == CREDENTIALS
    assert stored["refresh_token"]
    assert stored["renew_at"] == (driver.clock.now() + timedelta(hours=8)).isoformat()


def test_stored_tokens_are_used_by_the_next_connector_without_logging_in():
    driver, _ = connected()
    list(driver.office().catalogue())
    assert grants(driver) == 1


def test_tokens_are_renewed_after_four_fifths_of_their_life():
    driver, office = connected(token_lifetime=timedelta(hours=10))
    old = driver.vault.load()
    driver.advance(8 * 3600)
    list(office.catalogue())
    assert grants(driver) == 2
    assert driver.vault.load()["refresh_token"] != old["refresh_token"]


def test_tokens_that_cannot_be_renewed_yet_are_used_while_they_last():
    driver, office = connected(token_lifetime=timedelta(hours=10))
    driver.advance(8 * 3600)
    carry = driver._platform.handle_request
    driver._platform.handle_request = lambda request: (
        driver_down(request) if request.url.path == "/oauth/token" else carry(request)
    )
    assert list(office.catalogue())


def driver_down(request):
    import httpx

    raise httpx.ConnectError("nobody is there", request=request)


def test_a_token_that_the_server_ended_is_renewed_and_the_request_repeated():
    driver, office = connected()
    driver.prokip.tokens.end_access()
    assert list(office.catalogue())
    assert grants(driver) == 2


def test_a_sale_refused_for_its_token_is_recorded_once():
    desk = Desk()
    desk.driver.prokip.tokens.end_access()
    desk.record(desk.sale())
    assert len(desk.sales()) == 1


def test_a_refresh_token_that_was_used_up_is_replaced_by_the_password():
    driver, office = connected()
    driver.prokip.tokens.revoke_all()
    assert list(office.catalogue())


def test_a_refresh_whose_answer_is_lost_ends_with_the_password():
    driver, office = connected()
    driver.prokip.tokens.end_access()
    driver.prokip.faults.lost_answer_rate = 1
    with pytest.raises(Unavailable):
        list(office.catalogue())
    driver.prokip.faults.lost_answer_rate = 0
    assert list(office.catalogue())


def test_without_a_password_a_used_up_refresh_token_needs_a_person():
    driver, office = connected()
    driver.vault.credentials = {k: v for k, v in driver.vault.credentials.items() if k not in {"username", "password"}}
    office = driver.office()
    driver.prokip.tokens.revoke_all()
    with pytest.raises(AccessDenied):
        list(office.catalogue())


def test_a_pasted_token_is_used_as_it_is_and_its_end_needs_a_person():
    driver = ProkipDriver(credentials={"access_token": "sandbox-access-token"})
    office = driver.office()
    assert list(office.catalogue())
    driver.prokip.tokens.close()
    with pytest.raises(AccessDenied, match="new token"):
        list(office.catalogue())
    assert grants(driver) == 0


@pytest.mark.parametrize("wrong", ["password", "client_secret"])
def test_wrong_credentials_are_access_denied_though_prokip_says_400(wrong):
    driver = ProkipDriver(credentials={**CREDENTIALS, wrong: "wrong-one"})
    with pytest.raises(AccessDenied) as caught:
        driver.office().probe()
    assert "wrong-one" not in str(caught.value)


def test_credentials_that_a_person_has_just_corrected_are_taken_without_a_new_connector():
    driver = ProkipDriver(credentials={**CREDENTIALS, "password": "wrong"})
    office = driver.office()
    with pytest.raises(AccessDenied):
        office.probe()
    driver.vault.credentials = dict(CREDENTIALS)
    assert office.probe().name


def test_many_threads_with_an_ended_token_refresh_it_once():
    driver, _ = connected(throttle=None, settings={"requests_per_minute": "100000"})
    vault = LockedVault(driver.vault.load())
    object.__setattr__(driver.account, "vault", vault)
    offices = [driver.office() for _ in range(4)] * 2
    driver.prokip.tokens.end_access()
    gate, failures = threading.Barrier(len(offices)), []

    def work(office):
        gate.wait()
        try:
            list(office.catalogue())
        except ConnectorError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(office,)) for office in offices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(vault.stored) == 1
    assert grants(driver) == 2


# ------------------------------------------------------------------------------------------- the rate limit


def test_reads_keep_within_sixty_a_minute_without_being_refused():
    driver, office = connected()
    began = driver.clock.now()
    refs = [item.ref for page in office.catalogue() for item in page.items]
    for _ in range(150):
        office.read_stock(refs)
    assert driver.prokip.journal.statuses["429"] == 0
    assert driver.clock.now() - began >= timedelta(seconds=119)


def test_a_server_that_allows_more_is_asked_more():
    driver, office = connected(throttle=600)
    began = driver.clock.now()
    for _ in range(300):
        list(office.catalogue())
    assert driver.clock.now() - began < timedelta(seconds=5)


def test_sales_wait_for_no_budget_of_ours():
    desk = Desk(throttle=None)
    desk.record(desk.sale(invoice_no="SY-0"))
    refs = [item.ref for item in desk.items.values()]
    for _ in range(60):
        desk.office.read_stock(refs)
    began = desk.driver.clock.now()
    for number in range(20):
        desk.record(desk.sale(1, invoice_no=f"SY-{number}"))
    assert desk.driver.clock.now() == began


def test_after_too_many_everybody_waits_as_long_as_the_server_said():
    desk = Desk(throttle=4, settings={"time_zone": "Africa/Nairobi"})
    desk.record(desk.sale(1))
    with pytest.raises(RateLimited):
        desk.record(desk.sale(1, invoice_no="SY-2"))
    desk.driver.advance(61)
    assert desk.record(desk.sale(1, invoice_no="SY-2")).sale_id
