"""The other side of the custom connector: the documented example shop, in memory, with staff and a network that fails."""

import base64
import importlib.util
import json
import queue
from datetime import UTC, datetime
from pathlib import Path

import httpx

import connectors.custom
from connectors.sdk.contract import Account
from connectors.sdk.fake import PlainVault
from syncd.clock import ManualClock

EXAMPLE = Path(__file__).parents[3] / "docs" / "example_shop.py"
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four bytes").decode()


def example_shop():
    """The module of the documentation, as a reader would run it."""
    spec = importlib.util.spec_from_file_location("example_shop", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def making_shop():
    """The same shop, when it takes new products as well."""

    class MakingShop(example_shop().Shop):
        creates = True

        def answer(self, headers, body):
            try:
                status, found = super().answer(headers, body)
            except KeyError:  # signed rightly, and a call that the example does not know
                call = json.loads(body)
                return 200, {"items": [self.create(new, call["draft"]) for new in call["items"]]}
            return status, found | {"creates": self.creates} if "compares" in found else found

        def create(self, new, draft):
            for item in self.items.values():
                if item["sku"] == new["sku"]:
                    return item
            item = {"id": str(1 + max(map(int, self.items))), "quantity": 0, "tracked": True, "draft": draft}
            self.items[item["id"]] = item = item | {name: new[name] for name in ("sku", "title", "price")}
            return item

    return MakingShop


class CustomDriver:
    plugin = connectors.custom
    skus = ("MUG", "TEE-M", "SOAP")
    webhook_url = "https://sync.example/connections/webhook/custom/1"

    def __init__(self, *, compares="yes", creates="yes", secret=SECRET):
        self.clock = ManualClock(datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC))
        goods = {str(n): {"id": str(n), "sku": sku, "price": 450, "quantity": 20} for n, sku in enumerate(self.skus, 1)}
        goods["9"] = {"id": "9", "sku": None, "title": "Gift wrap", "tracked": False, "quantity": None, "price": 5}
        self.shop = making_shop()(SECRET, goods, now=lambda: self.clock.now().timestamp(), send=self._receive)
        self.calls, self.outbox, self.taken = [], queue.Queue(), 0
        self.is_down = self.is_denied = self.loses_next = False
        self.between = None
        self.account = Account(
            connection="duka",
            settings={
                "url": "http://shop.test/syncd",
                **({"compares": compares} if compares else {}),
                **({"creates": creates} if creates else {}),
            },
            vault=PlainVault({"secret": secret}),
            clock=self.clock,
            transport=httpx.MockTransport(self._carry),
        )

    def _receive(self, request):
        """What the shop sends, from a thread of its own."""
        self.outbox.put(({name.lower(): value for name, value in request.headers.items()}, request.data))

    def _carry(self, request):
        kind = json.loads(request.content)["type"]
        self.calls.append(kind)
        if self.is_down:
            raise httpx.ConnectError("nobody is there", request=request)
        if self.between and kind == "stock.set":
            self.between()
        headers = {} if self.is_denied else dict(request.headers)
        status, found = self.shop.answer(headers, request.content)
        if self.loses_next and kind.endswith((".set", ".create")):
            self.loses_next = False
            raise httpx.ReadTimeout("no answer came", request=request)
        return httpx.Response(status, json=found, request=request)

    def _item(self, sku):
        return next(item for item in self.shop.items.values() if item["sku"] == sku)

    def stock(self, sku):
        return self._item(sku)["quantity"]

    def set_stock(self, sku, quantity):
        self._item(sku)["quantity"] = quantity

    def delete(self, sku):
        del self.shop.items[self._item(sku)["id"]]

    def advance(self, seconds):
        self.clock.sleep(seconds)

    def lose_next_answer(self):
        self.loses_next = True

    def go_down(self):
        self.is_down = True

    def come_up(self):
        self.is_down = False

    def take_access_away(self):
        self.is_denied = True

    def sell(self, sku, quantity, *, is_paid=True):
        order_id = self.shop.buy(self._item(sku)["id"], quantity)
        if not is_paid:
            self.shop.orders[order_id]["paid_at"] = None
        return order_id

    def refund(self, order_id, quantity, *, restock):
        order = self.shop.orders[order_id]
        line = order["lines"][0]
        refunds = order.setdefault("refunds", [])
        back = {"line_id": line["id"], "quantity": quantity, "restocked": restock}
        refunds.append({"id": f"R{len(refunds) + 1}", "created_at": self._now(), "lines": [back]})
        if restock:
            self._put_back(line, quantity)
        self._changed(order)

    def cancel(self, order_id):
        order = self.shop.orders[order_id]
        order["cancelled_at"] = self._now()
        self._put_back(order["lines"][0], order["lines"][0]["taken"])
        self._changed(order)

    def deliveries(self):
        due, self.taken = self.shop.told - self.taken, self.shop.told
        return [self.outbox.get(timeout=10) for _ in range(due)]

    def _put_back(self, line, quantity):
        line["taken"] -= quantity
        self.shop.items[line["item_id"]]["quantity"] += quantity

    def _changed(self, order):
        order["changed_at"] = self._now()
        self.shop.tell({"type": "order.changed", "order": order})

    def _now(self):
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def store(self):
        return self.plugin.store(self.account)
