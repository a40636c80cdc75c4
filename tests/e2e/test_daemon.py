"""The real process: a sale in one shop changes the other, and neither a stop nor a power cut loses anything."""

import signal
import socket
import threading
import urllib.request

import pytest
from sqlmodel import select

from schema.tables import Delivery, DeliveryState, Order
from tests.e2e.town import founded, until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def town(database_url, tmp_path):
    with founded(tmp_path / "home", database_url, {"MUG": 20}) as town:
        yield town


def test_a_sale_in_one_shop_changes_the_other(town):
    town.start()
    until(town.looked, "every figure was looked at")
    town.shops["a"].people.buy([("MUG", 3)])
    until(lambda: town.shown("MUG") == {"a": 17, "b": 17}, "both show 17")
    town.shops["b"].people.buy([("MUG", 1)])
    until(lambda: town.shown("MUG") == {"a": 16, "b": 16}, "both show 16")


def test_a_stop_ends_with_0_and_the_next_daemon_goes_on(town):
    daemon = town.start()
    until(town.looked, "every figure was looked at")
    town.shops["a"].people.buy([("MUG", 2)])
    assert daemon.stop() == 0
    assert daemon.events()[-1] == "stopped"
    town.shops["b"].people.buy([("MUG", 1)])
    town.start()
    until(lambda: town.shown("MUG") == {"a": 17, "b": 17}, "both show 17")


def test_what_was_answered_survives_a_power_cut(town):
    daemon = town.start()
    until(town.looked, "every figure was looked at")
    sales = [threading.Thread(target=town.shops["a"].people.buy, args=([("MUG", 1)],)) for _ in range(5)]
    for sale in sales:
        sale.start()
    until(lambda: len(town.query(select(Delivery.id))) > 0, "something was told")
    daemon.kill()
    for sale in sales:
        sale.join()
    town.start()
    until(lambda: town.shown("MUG") == {"a": 15, "b": 15}, "both show 15")
    until(lambda: not town.query(select(Delivery.id).where(Delivery.state == DeliveryState.NEW)), "all is taken in")
    assert len(town.query(select(Order.id))) == 5


@pytest.mark.parametrize("database_backend", ["sqlite"], indirect=True)
def test_a_second_daemon_on_one_sqlite_file_says_so_and_ends_with_2(town):
    first = town.start()
    second = town.launch()
    assert second.process.wait(60) == 2
    assert second.log.read_text() == (
        f"syncd: another `syncd run` (process {first.process.pid}) works on this SQLite database;"
        " several need PostgreSQL\n"
    )
    assert town.status("/healthz") == 200


@pytest.mark.parametrize("database_backend", ["postgresql"], indirect=True)
def test_two_daemons_share_the_work_and_one_goes_on_when_the_other_dies(town):
    first = town.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        other_port = probe.getsockname()[1]
    second = town.launch(SYNCD_WEB__LISTEN=f"127.0.0.1:{other_port}")
    until(lambda: "ready" in second.events(), "the second is ready")
    until(town.looked, "every figure was looked at")
    town.shops["a"].people.buy([("MUG", 2)])
    until(lambda: town.shown("MUG") == {"a": 18, "b": 18}, "both show 18")
    second.kill()
    town.shops["b"].people.buy([("MUG", 1)])
    until(lambda: town.shown("MUG") == {"a": 17, "b": 17}, "both show 17")
    assert first.stop() == 0


def test_a_broken_shop_delays_no_other(database_url, tmp_path):
    with founded(tmp_path / "home", database_url, {"MUG": 20}, ("a", "b", "c")) as town:
        town.start()
        until(town.looked, "every figure was looked at")
        town.shops["c"].faults.set({"latency_seconds": 30.0})
        town.shops["a"].people.buy([("MUG", 2)])
        until(lambda: town.shown("MUG")["b"] == 18, "b shows 18", within=10)


def test_an_address_that_is_taken_is_one_line_and_2(town):
    with socket.create_server(("127.0.0.1", town.port)):
        daemon = town.launch()
        assert daemon.process.wait(60) == 2
    assert daemon.log.read_text().startswith("syncd: [web] listen: ")


def test_a_supervisor_is_told_when_it_is_ready_alive_and_stopping(town, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(60)
        daemon = town.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="2000000")
        told = [supervisor.recv(100).decode() for _ in range(2)]
        daemon.process.send_signal(signal.SIGTERM)
        while told[-1] == "WATCHDOG=1":
            told.append(supervisor.recv(100).decode())
    assert (told[0], told[1], told[-1]) == ("READY=1", "WATCHDOG=1", "STOPPING=1")
    assert daemon.process.wait(60) == 0


def test_a_request_that_runs_when_it_is_stopped_is_answered(town):
    daemon = town.start()
    body = b"x" * 1000
    with socket.create_connection(("127.0.0.1", town.port)) as slow:
        slow.sendall(
            b"POST /connections/webhook/woocommerce/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
            + body[:1]
        )
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: "stopping" in daemon.events(), "it stops")
        slow.sendall(body[1:])
        assert slow.recv(100).startswith(b"HTTP/1.1 404")
    assert daemon.process.wait(60) == 0


def test_no_secret_and_no_customer_is_in_the_log(town):
    daemon = town.start()
    until(town.looked, "every figure was looked at")
    town.shops["a"].people.buy([("MUG", 1)])
    until(lambda: town.shown("MUG")["b"] == 19, "b shows 19")
    urllib.request.urlopen(f"http://127.0.0.1:{town.port}/healthz?token=hush").close()
    daemon.stop()
    log = daemon.log.read_text()
    for secret in (town.shops["a"].key.key, town.shops["a"].key.secret, "hush"):
        assert secret not in log
