"""The other side of the WooCommerce connector: the simulated shop, with customers in it and a network that fails."""

from datetime import UTC, datetime, timedelta
from random import Random

import httpx

import connectors.woocommerce
from connectors.sdk.contract import Account
from connectors.sdk.fake import PlainVault
from syncd.sandbox.wire import transport
from syncd.sandbox.woocommerce import SimulatedWooCommerce


class SteppingClock:
    """Stands still but for `advance`, and for somebody who waits."""

    def __init__(self):
        self.time = datetime(2026, 11, 20, 20, 46, 40, tzinfo=UTC)

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


class WooDriver:
    """A shop with a simple product, a variation that is counted itself, and a parent that counts for its variation."""

    plugin = connectors.woocommerce.plugin
    skus = ("MUG-1", "SHIRT-S", "CAP-RED")
    webhook_url = "https://syncd.example/connections/webhook/woocommerce/abc"

    def __init__(self, *, url="https://shop.example", settings=None, **options):
        self.clock = SteppingClock()
        self.woo = SimulatedWooCommerce(clock=self.clock.now, random=Random(7), url=url, **options)
        self.people = self.woo.people
        self.people.add_product("MUG-1", 20, title="Plain mug")
        shirt = self.people.add_product("SHIRT", variable=True, tracked=False, title="Shirt")
        self.people.add_product("SHIRT-S", 15, parent=shirt, title="S")
        cap = self.people.add_product("CAP", 12, variable=True, title="Cap")
        self.people.add_product("CAP-RED", tracked=False, parent=cap, title="Red")
        self.vault = PlainVault({"consumer_key": self.woo.key.key, "consumer_secret": self.woo.key.secret})
        self.is_down, self.loses_next_answer = False, False
        self.requests = []
        self.after = lambda request: None
        self._platform = transport(self.woo)
        self.account = Account(
            connection="store-a",
            settings={"url": url, **(settings or {})},
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
        if self.loses_next_answer and request.method != "GET":
            self.loses_next_answer = False
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return answer

    def store(self):
        return self.plugin.store(self.account)

    def calls(self, method):
        """Paths below wc/v3 of the requests so far, by method, and forget them."""
        found = [request.url.path.partition("/wc/v3/")[2] for request in self.requests if request.method == method]
        self.requests.clear()
        return found

    # ------------------------------------------------------------------------------------------ the suite's wishes

    def stock(self, sku):
        return self.people.stock()[sku]

    def set_stock(self, sku, quantity):
        self.people.set_stock(sku, quantity)

    def delete(self, sku):
        product = self.people.product(sku)
        for one in (product, product.parent) if product.parent and not product.manages_stock else (product,):
            del self.woo.shop.products[one.id]

    def advance(self, seconds):
        self.clock.sleep(seconds)

    def lose_next_answer(self):
        self.loses_next_answer = True

    def go_down(self):
        self.is_down = True

    def come_up(self):
        self.is_down = False

    def take_access_away(self):
        self.woo.keys.revoke(self.woo.key.key)

    def sell(self, sku, quantity, *, is_paid=True):
        return str(self.people.buy([(sku, quantity)], paid=is_paid).id)

    def refund(self, order_id, quantity, *, restock):
        (line,) = self.people.order(int(order_id)).lines
        sku = self.woo.shop.products[line.sold_id].sku
        self.people.refund(int(order_id), [(sku, quantity)], restock=restock)

    def cancel(self, order_id):
        self.people.cancel(int(order_id))

    def deliveries(self):
        """Pings are no deliveries; they are answered and left out."""
        self.advance(1)
        sent = []
        while webhooks := self.woo.due():
            for webhook in webhooks:
                self.woo.delivered(webhook.id, 200)
                if not webhook.id.startswith("ping"):
                    sent.append(({name.lower(): value for name, value in webhook.headers.items()}, webhook.body))
        return sent
