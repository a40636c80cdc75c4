import http.server
import socket
import ssl
import threading
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import httpx
import pytest
import trustme

from connectors.sdk import addresses
from connectors.sdk.addresses import is_public
from connectors.sdk.budget import RateBudget
from connectors.sdk.consent import account_of_exchange
from connectors.sdk.errors import Refused, Unavailable
from connectors.sdk.http import Call, Endpoint, PlatformClient, Timeouts, guarded_transport
from syncd.clock import SystemClock

TIMES = Timeouts(connect=5, read=5, write=5, pool=5, total=20)
PROBE = Call(method="GET", path="/", operation="probe", is_write=False, retries=0, expects_json=False)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::7f00:1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::1", False),
        ("2002:a00:1::1", False),
        ("2001:db8::1", False),
        ("2001::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("ff0e::1", False),
    ],
)
def test_only_the_open_internet_is_public(address, expected):
    assert is_public(ip_address(address)) is expected


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        if len(self.rfile.read(length)) == length:
            self.server.acted += 1
            self.do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        server.daemon_threads = True
        server.acted = 0
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def client(base_url, transport=None):
    clock = SystemClock()
    account = account_of_exchange({}, transport=transport, now=clock.now())
    budget = RateBudget(maximum=10, per_second=10, clock=clock)
    return PlatformClient(account, Endpoint(base_url=base_url, timeouts=TIMES), budget=budget)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_a_private_address_is_not_called_however_it_is_written(server, host):
    built = client(f"http://{host}:{server.server_port}")
    with pytest.raises(
        Refused, match=r"^This address is inside a private network, which syncd does not call"
    ) as caught:
        built.send(PROBE)
    assert caught.value.operation == "probe"
    built.close()


def test_an_operator_can_allow_private_addresses(server):
    transport = guarded_transport(allow_private=True)
    answer = client(f"http://127.0.0.1:{server.server_port}", transport).send(PROBE)
    assert answer.status == 200
    transport.close()


def resolves(monkeypatch, *found):
    """The name service is outside of us: let it answer with these addresses."""

    def getaddrinfo(host, port, *args, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_a_name_with_one_private_address_is_refused_as_a_whole(monkeypatch):
    resolves(monkeypatch, "93.184.215.14", "10.0.0.1")
    with pytest.raises(Refused):
        addresses.public_addresses("shop.example", 443)


def test_a_name_that_is_not_known_is_unavailable(monkeypatch):
    def getaddrinfo(*args, **kwargs):
        raise socket.gaierror(-2, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    built = client("https://shop.example")
    with pytest.raises(Unavailable):
        built.send(PROBE)
    built.close()


def test_a_host_with_a_label_that_is_too_long_is_unavailable():
    built = client(f"https://{'a' * 70}.example")
    with pytest.raises((Unavailable, Refused)):
        built.send(PROBE)
    built.close()


@pytest.fixture
def tls(server, monkeypatch, tmp_path):
    """The server with a certificate for shop.example, of an authority that we trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return server


def allow_loopback(monkeypatch):
    """Tests can reach no open internet: for these, loopback stands in for it."""
    monkeypatch.setattr(addresses, "is_public", lambda address: True)


def test_the_checked_address_is_called_under_the_name_that_was_given(tls, monkeypatch):
    resolves(monkeypatch, "127.0.0.1")
    allow_loopback(monkeypatch)
    built = client(f"https://shop.example:{tls.server_port}")
    assert built.send(PROBE).body == f"shop.example:{tls.server_port}".encode()
    built.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_certificate_of_another_name_is_no_connection(tls, monkeypatch):
    resolves(monkeypatch, "127.0.0.1")
    allow_loopback(monkeypatch)
    built = client(f"https://other.example:{tls.server_port}")
    with pytest.raises(Unavailable):
        built.send(PROBE)
    built.close()


def test_the_name_is_looked_up_once_for_check_and_connection(server, monkeypatch):
    asked = []

    def getaddrinfo(host, port, *args, **kwargs):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    allow_loopback(monkeypatch)
    built = client(f"http://shop.example:{server.server_port}")
    built.send(PROBE)
    assert [host for host in asked if not host.startswith("127.")] == ["shop.example"]
    built.close()


def test_the_next_address_is_tried_where_one_does_not_answer(server, monkeypatch):
    resolves(monkeypatch, "::1", "127.0.0.1")  # the server listens on the second only
    allow_loopback(monkeypatch)
    built = client(f"http://shop.example:{server.server_port}")
    assert built.send(PROBE).status == 200
    built.close()


def test_the_guard_is_below_the_pool_that_httpx_uses():
    with (
        httpx.Client(transport=guarded_transport(allow_private=False), trust_env=False) as plain,
        pytest.raises(Refused),
    ):
        plain.get("http://127.0.0.1:9/")


# ------------------------------------------------------------------------------------------- nothing leaves too late


class Stalls:
    """A clock that stands still, and jumps at the given looks at it: the process was frozen there."""

    def __init__(self, at, seconds):
        self.at, self.seconds, self.looks = at, seconds, 0
        self.time = SystemClock().now()

    def now(self):
        self.looks += 1
        if self.looks == self.at:
            self.time += timedelta(seconds=self.seconds)
        return self.time

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


def set_stock(server, clock, *, seconds):
    """One write that may leave within so many seconds."""
    until = clock.time + timedelta(seconds=seconds)
    transport = guarded_transport(allow_private=True)
    account = replace(account_of_exchange({}, transport=transport, now=clock.time), clock=clock)
    budget = RateBudget(maximum=10, per_second=10, clock=clock)
    endpoint = Endpoint(base_url=f"http://127.0.0.1:{server.server_port}", timeouts=TIMES)
    built = PlatformClient(account, endpoint, budget=budget)
    call = Call(
        method="POST",
        path="/",
        operation="set stock",
        is_write=True,
        json={"quantity": 4},
        not_after=until,
        expects_json=False,
    )
    try:
        built.send(call)
    finally:
        transport.close()


def looks_of_a_write(server):
    """How often a write looks at the clock from its making to its end."""
    clock = Stalls(at=0, seconds=0)
    set_stock(server, clock, seconds=10)
    return clock.looks


def test_a_process_that_stands_still_anywhere_sends_nothing_after_its_time(server):
    looks = looks_of_a_write(server)
    assert server.acted == 1
    sent = []
    for at in range(1, looks + 1):
        before = server.acted
        try:
            set_stock(server, Stalls(at=at, seconds=11), seconds=10)
        except Unavailable:
            assert server.acted == before, f"it was sent although it was too late at look {at}"
        else:
            sent.append(at)
    first_after_it_left = looks - len(sent) + 1
    assert sent == list(range(first_after_it_left, looks + 1))
    assert len(sent) < looks - 2


def test_a_connection_that_takes_too_long_is_not_used(server, monkeypatch):
    clock = Stalls(at=0, seconds=0)

    def getaddrinfo(host, port, *args, **kwargs):
        clock.sleep(11)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(Unavailable):
        set_stock(server, clock, seconds=10)
    assert server.acted == 0
