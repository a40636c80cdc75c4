"""The documented example shop, run as its reader would run it, joins over real sockets."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from standardwebhooks import Webhook

import connectors.custom
from connectors.sdk.contract import Account
from connectors.sdk.fake import PlainVault
from connectors.sdk.http import guarded_transport
from connectors.sdk.values import OrderSnapshot, StockWrite, WriteBatch, WriteOutcome
from syncd.clock import SystemClock
from tests.connectors.custom.driver import EXAMPLE, SECRET


@contextmanager
def receiving() -> Iterator[tuple[str, queue.Queue]]:
    """An address that takes deliveries, and the queue that they end in."""
    taken: queue.Queue = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/connections/webhook/custom/1", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def shop_address():
    command = [sys.executable, str(EXAMPLE), "0", SECRET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as shop:
        try:
            yield shop.stdout.readline().strip()
        finally:
            shop.terminate()


def test_the_example_is_as_short_as_promised():
    assert len(EXAMPLE.read_text().splitlines()) < 80


def test_the_example_shop_joins(shop_address):
    clock, transport = SystemClock(), guarded_transport(allow_private=True)
    account = Account(
        connection="duka",
        settings={"url": f"{shop_address}/syncd", "compares": "yes"},
        vault=PlainVault({"secret": SECRET}),
        clock=clock,
        transport=transport,
    )
    store = connectors.custom.store(account)
    with transport, receiving() as (webhook_url, deliveries):
        assert store.probe().name == "Example shop"
        ((mug,),) = (page.items for page in store.catalogue())
        assert (mug.sku, mug.quantity) == ("MUG", 20)
        assert store.check_webhooks(webhook_url, repair=True).states == {"webhook": "made"}

        bought = httpx.post(f"{shop_address}/buy", json={"item_id": mug.external_id, "quantity": 3}, timeout=10)
        headers, body = deliveries.get(timeout=10)
        door = connectors.custom.door
        door.verify(headers, body, door.secrets(account.vault.load()), clock.now())
        (order,) = store.facts(headers, body)
        assert isinstance(order, OrderSnapshot)
        assert (order.order_id, order.lines[0].taken, order.is_paid) == (bought.json(), 3, True)
        assert store.read_order(order.order_id) == order
        assert [one for page in store.orders_since(order.version) for one in page.orders] == [order]

        def push(expected, quantity):
            write = StockWrite(ref=mug.ref, expected=expected, quantity=quantity)
            until = clock.now() + timedelta(seconds=30)
            batch = WriteBatch(reference="PushBatch/1", key="k", writes=(write,), not_after=until)
            return store.write_stock(batch).results[mug.ref.stock_id]

        stale = push(20, 15)
        assert (stale.outcome, stale.found) == (WriteOutcome.MISMATCH, 17)
        assert push(17, 15).outcome is WriteOutcome.WRITTEN
        assert store.read_stock([mug.ref]).figures[mug.ref.stock_id].quantity == 15
        store.remove_webhooks(webhook_url)
    store.close()


def test_the_library_of_standard_webhooks_agrees_with_the_shops_signature(shop_address):
    with receiving() as (webhook_url, deliveries):
        transport = guarded_transport(allow_private=True)
        account = Account(
            connection="duka",
            settings={"url": shop_address},
            vault=PlainVault({"secret": SECRET}),
            clock=SystemClock(),
            transport=transport,
        )
        with transport:
            connectors.custom.store(account).check_webhooks(webhook_url, repair=True)
        httpx.post(f"{shop_address}/buy", json={"item_id": "1", "quantity": 1}, timeout=10)
        headers, body = deliveries.get(timeout=10)
    assert Webhook(SECRET).verify(body, headers) == json.loads(body)
