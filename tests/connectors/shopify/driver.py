"""The other side of the Shopify connector: the simulated store, with customers in it and a network that fails."""

import random
from datetime import UTC, datetime, timedelta

import httpx

import connectors.shopify
from connectors.sdk.contract import Account
from connectors.sdk.fake import PlainVault
from syncd.sandbox.shopify import SimulatedShopify, catalogue, orders, refunds, stock
from syncd.sandbox.shopify.orders import Wanted
from syncd.sandbox.wire import transport

SHOP = "demo.myshopify.com"


class SteppingClock:
    """Stands still but for `advance`, and for somebody who waits."""

    def __init__(self):
        self.time = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


class ShopifyDriver:
    """A store with three tracked products at one location."""

    plugin = connectors.shopify.plugin
    skus = ("MUG-1", "CUP-1", "BOWL-1")
    webhook_url = "https://syncd.example/connections/webhook/shopify/abc"

    def __init__(self, *, settings=None, credentials=None, **options):
        self.clock = SteppingClock()
        self.shopify = SimulatedShopify(clock=self.clock.now, random=random.Random(11), **options)
        for sku, quantity in zip(self.skus, (20, 15, 12), strict=True):
            self.act(catalogue.stock_product, sku, quantity=quantity)
        known = {"access_token": self.shopify.access_token, "client_secret": self.shopify.client_secret}
        self.vault = PlainVault(known if credentials is None else credentials(self.shopify))
        self.is_down, self.loses_next_answer = False, False
        self.requests = []
        self.after = lambda request: None
        self._platform = transport(self.shopify)
        self.account = Account(
            connection="store-a",
            settings={"shop": SHOP, **(settings or {})},
            vault=self.vault,
            clock=self.clock,
            transport=httpx.MockTransport(self._carry),
        )

    def _carry(self, request):
        if self.is_down:
            raise httpx.ConnectError("nobody there", request=request)
        self.requests.append(request)
        answer = self._platform.handle_request(request)
        self.after(request)
        if self.loses_next_answer and b"mutation" in request.content:
            self.loses_next_answer = False
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return answer

    def act(self, function, *args, **options):
        return self.shopify.act(function, *args, **options)

    def store(self):
        return self.plugin.store(self.account)

    def variant(self, sku):
        return self.shopify.shop.variant_of(sku)

    # ------------------------------------------------------------------------------------------ the suite's wishes

    def stock(self, sku):
        return self.shopify.shop.available(self.variant(sku).item)

    def set_stock(self, sku, quantity):
        self.act(stock.set_by_hand, sku, quantity)

    def delete(self, sku):
        self.act(catalogue.delete_product, self.variant(sku).product)

    def advance(self, seconds):
        self.clock.sleep(seconds)

    def lose_next_answer(self):
        self.loses_next_answer = True

    def go_down(self):
        self.is_down = True

    def come_up(self):
        self.is_down = False

    def take_access_away(self):
        self.shopify.auth.forget()

    def sell(self, sku, quantity, *, is_paid=True):
        return str(self.act(orders.place, [Wanted(sku=sku, quantity=quantity)], paid=is_paid).number)

    def refund(self, order_id, quantity, *, restock):
        order = self.shopify.shop.order(int(order_id))
        self.act(refunds.refund, order, refunds.backs_of(order.lines[0], quantity, restock=restock))

    def cancel(self, order_id):
        self.act(refunds.cancel, self.shopify.shop.order(int(order_id)), restock=True)

    def deliveries(self):
        sent = []
        for webhook in self.shopify.due():
            self.shopify.delivered(webhook.id, 200)
            sent.append(({name.lower(): value for name, value in webhook.headers.items()}, webhook.body))
        return sent
