"""The other side of the Prokip connector: the simulated Prokip, with people at its till and a network that fails."""

from datetime import UTC, datetime, timedelta
from random import Random

import httpx

import connectors.prokip
from connectors.sdk.contract import Account
from connectors.sdk.fake import PlainVault
from syncd.sandbox.prokip import SimulatedProkip
from syncd.sandbox.wire import transport

CREDENTIALS = {
    "username": "sync.robot",
    "password": "sandbox-password",
    "client_id": "6",
    "client_secret": "sandbox-client-secret",
}


class SteppingClock:
    """Stands still but for `advance`, and for somebody who waits."""

    def __init__(self):
        self.time = datetime(2026, 1, 28, 9, 5, 42, tzinfo=UTC)

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


class ProkipDriver:
    plugin = connectors.prokip
    skus = ("4700101", "TEE-01-M", "MUG")

    def __init__(self, *, settings=None, credentials=None, **platform):
        self.clock = SteppingClock()
        self.prokip = SimulatedProkip(
            clock=self.clock.now, random=Random(7), locations=("Kisimani Branch", "Warehouse"), **platform
        )
        self.people = self.prokip.people
        self.people.add_product("4700101", title="Shea butter 250 g", price=680, quantity=73)
        self.people.add_variable_product(
            "TEE-01", title="Crew tee", variations={"M": ("TEE-01-M", 12), "L": ("TEE-01-L", None)}, price=1200
        )
        self.people.add_product("MUG", title="Mug", price=450, quantity=20)
        self.location_id = str(self.people.location().id)
        self.vault = PlainVault(dict(CREDENTIALS if credentials is None else credentials))
        self.is_down = False
        self.account = Account(
            connection="office",
            settings={"url": "http://prokip.test", "location": self.location_id, **(settings or {})},
            vault=self.vault,
            clock=self.clock,
            transport=httpx.MockTransport(self._carry),
        )
        self._platform = transport(self.prokip)

    def _carry(self, request):
        if self.is_down:
            raise httpx.ConnectError("nobody is there", request=request)
        return self._platform.handle_request(request)

    def stock(self, sku):
        return self.people.stock()[sku]

    def set_stock(self, sku, quantity):
        self.people.count(sku, quantity)

    def delete(self, sku):
        self.people.delete(sku)

    def spoil(self, sku):
        self.people.spoil(sku)

    def advance(self, seconds):
        self.clock.sleep(seconds)

    def lose_next_answer(self):
        self.prokip.faults.next_writes = ["commit_then_hang"]

    def go_down(self):
        self.is_down = True

    def come_up(self):
        self.is_down = False

    def take_access_away(self):
        self.prokip.tokens.close()

    def till_sale(self, sku, quantity):
        self.people.sell([(sku, quantity)])

    def hand_return(self, sale_id, sku, quantity):
        self.people.take_back(int(sale_id), [(sku, quantity)])

    def office(self):
        return self.plugin.backoffice(self.account)
