"""The simulated Shopify as one object: HTTP in front, one lock around the store, webhooks behind.

`api/` answers GraphQL, `auth.py` the consent page and the token endpoint, `control.py` what people do. Clock and
randomness are given, so a simulation can own both.
"""

import json
import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from random import Random
from typing import Concatenate, ParamSpec, TypeVar

from syncd.sandbox.shopify import catalogue, control
from syncd.sandbox.shopify.api.bulk import Bulk
from syncd.sandbox.shopify.api.call import Call, Services
from syncd.sandbox.shopify.api.cost import POINTS_PER_SECOND, Bucket
from syncd.sandbox.shopify.api.execute import Asked, answer, operations, read
from syncd.sandbox.shopify.api.keys import Keys
from syncd.sandbox.shopify.api.root import VERSIONS
from syncd.sandbox.shopify.auth import Auth, Grant
from syncd.sandbox.shopify.faults import Faults
from syncd.sandbox.shopify.shop import Body, Shop
from syncd.sandbox.shopify.webhooks import COMPLIANCE, RETRY_DELAYS, Webhooks
from syncd.sandbox.wire import Clock, Request, Response, Webhook

ALL_SCOPES = (
    "read_all_orders",
    "read_locations",
    "read_merchant_managed_fulfillment_orders",
    "read_orders",
    "read_products",
    "read_returns",
    "write_inventory",
    "write_orders",
    "write_products",
)
T = TypeVar("T")
P = ParamSpec("P")


class SimulatedShopify:
    """One simulated store with one app registered in it.

    `access_token` is a custom app's token that never expires; `client_id` and `client_secret` are the app's for every
    other way in. People's acts are functions of `orders`, `refunds`, `returns`, `stock` and `catalogue`, run by `act`.
    """

    def __init__(  # noqa: PLR0913 (every property of a store that a test may want to choose)
        self,
        *,
        shop: str = "demo.myshopify.com",
        clock: Clock,
        random: Random,
        plan: str = "standard",
        scopes: Iterable[str] = ALL_SCOPES,
        access_token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        own_store: bool = True,
        redirect_urls: Sequence[str] | None = None,
        strict_addresses: bool = False,
        retry_delays: Sequence[timedelta] = RETRY_DELAYS,
        index_lag: timedelta = timedelta(),
        tax_rate: Decimal = Decimal(0),
        taxes_included: bool = True,
        currency: str = "USD",
    ) -> None:
        self._lock = threading.RLock()
        self._random = random
        self.faults = Faults()
        self.shop = Shop(
            domain=shop,
            clock=clock,
            random=random,
            currency=currency,
            tax_rate=tax_rate,
            taxes_included=taxes_included,
            index_lag=index_lag,
        )
        self.auth = Auth(
            shop=shop,
            clock=clock,
            random=random,
            client_id=client_id or f"{random.getrandbits(128):032x}",
            client_secret=client_secret or f"shpss_{random.getrandbits(128):032x}",
            scopes=frozenset(scopes),
            own_store=own_store,
            redirect_urls=redirect_urls,
        )
        self.access_token = access_token or self.auth.secret("shpat_")
        self.auth.tokens[self.access_token] = Grant(scopes=self.auth.scopes)
        self.webhooks = Webhooks(
            shop=self.shop,
            random=random,
            faults=self.faults,
            secret=self.auth.client_secret,
            api_version=VERSIONS[-1],
            retry_delays=retry_delays,
            strict_addresses=strict_addresses,
        )
        self.webhooks.begin_event()
        self.shop.announce = self.webhooks.announce
        self.bulk = Bulk(shop=self.shop, random=random)
        self.keys = Keys()
        self.bucket = Bucket(restore_rate=POINTS_PER_SECOND[plan], filled_at=clock())
        self.calls: Counter[tuple[str, str]] = Counter()
        self.location = catalogue.add_location(self.shop, "Main")

    @property
    def client_id(self) -> str:
        """The app's client id."""
        return self.auth.client_id

    @property
    def client_secret(self) -> str:
        """The app's client secret; it signs webhooks and callbacks."""
        return self.auth.client_secret

    def act(self, function: Callable[Concatenate[Shop, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Let a person do something: `act(orders.place, [...], paid=False)`. One act is one event."""
        with self._lock:
            self.webhooks.begin_event()
            return function(self.shop, *args, **kwargs)

    def configure_app_webhooks(self, uri: str, topics: Sequence[str] = COMPLIANCE) -> None:
        """Subscribe as the app's configuration file does: unlisted, and never deleted for failing."""
        with self._lock:
            for topic in topics:
                self.webhooks.subscribe(topic, uri, is_app_configured=True)

    def announce(self, topic: str, body: Body) -> None:
        """Send a webhook that nothing in the store causes, such as a privacy topic."""
        with self._lock:
            self.webhooks.begin_event()
            self.webhooks.announce(topic, body)

    def uninstall(self) -> None:
        """Remove the app: tokens are dead at once, app/uninstalled goes out, subscriptions are gone."""
        with self._lock:
            self.auth.forget()
            self.webhooks.announce(
                "app/uninstalled", {"id": 1, "domain": self.shop.domain, "myshopify_domain": self.shop.domain}
            )
            own = [s for s in self.webhooks.subscriptions.values() if not s.is_app_configured]
            for subscription in own:
                del self.webhooks.subscriptions[subscription.number]

    def due(self) -> list[Webhook]:
        """Webhook attempts due by the store's clock."""
        with self._lock:
            self.bulk.advance()
            return self.webhooks.due()

    def delivered(self, webhook_id: str, status: int | None) -> None:
        """How an attempt ended."""
        with self._lock:
            self.webhooks.delivered(webhook_id, status)

    def log(self) -> Body:
        """Calls by kind and operation, pushes with the figures before and after, units sold that were not there."""
        with self._lock:
            return {
                "reads": {name: n for (kind, name), n in self.calls.items() if kind == "reads"},
                "writes": {name: n for (kind, name), n in self.calls.items() if kind == "writes"},
                "pushes": [
                    {
                        "sku": push.sku,
                        "before": push.before,
                        "after": push.after,
                        "expected": push.expected,
                        "at": push.at.isoformat(),
                    }
                    for push in self.shop.pushes
                ],
                "oversold": self.shop.oversold,
                "webhooks": dict(self.webhooks.counts),
            }

    def handle(self, request: Request) -> Response:
        """Answer one request; every answer carries the store's time and a request id."""
        with self._lock:
            response = (
                control.handle(self, request) if request.path.startswith("/_sandbox/") else self._troubled(request)
            )
            headers = {
                "date": format_datetime(self.shop.now(), usegmt=True),
                "x-request-id": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            }
            return replace(response, headers={**headers, **response.headers})

    def _troubled(self, request: Request) -> Response:
        """Route a request of an app or a browser, with the faults that are switched on."""
        faults = self.faults
        if faults.down:
            return Response(status=503, body=b"<html><body>Service unavailable</body></html>")
        if self._random.random() < faults.error_rate:
            return _json(500, {"errors": "Internal Server Error"}, seconds=faults.latency_seconds)
        response = self._route(request)
        is_lost = self._random.random() < faults.lost_answer_rate
        return replace(response, seconds=faults.latency_seconds, lost=is_lost)

    def _route(self, request: Request) -> Response:
        graphql = re.fullmatch(r"/admin/api/(\d{4}-\d{2}|unstable)/graphql\.json", request.path)
        if graphql and request.method == "POST":
            return self._graphql(request, graphql[1])
        if request.path == "/admin/oauth/authorize":
            return self.auth.page(request)
        if request.path == "/admin/oauth/access_token" and request.method == "POST":
            return self.auth.token(request)
        file = re.fullmatch(r"/_bulk/(\d+)\.jsonl", request.path)
        content = self.bulk.download(int(file[1])) if file else None
        if content is not None:
            return Response(headers={"content-type": "application/jsonl"}, body=content)
        return _json(404, {"errors": "Not Found"})

    def _graphql(self, request: Request, version: str) -> Response:
        scopes = self.auth.scopes_of(request.headers.get("x-shopify-access-token", ""))
        if scopes is None:
            message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return _json(401, {"errors": message})
        self.bulk.advance()
        self.bucket.refill(self.shop.clock())
        body = self._executed(request, scopes)
        return _json(200, body, {"x-shopify-api-version": _served_version(version)})

    def _executed(self, request: Request, scopes: frozenset[str]) -> Mapping[str, object]:
        asked = read(request.body)
        if not isinstance(asked, Asked):
            self.calls["reads", "refused"] += 1
            return asked
        self.calls.update(operations(asked))
        call = Call(
            shop=self.shop,
            scopes=scopes,
            address=f"{request.scheme}://{request.host}",
            client_id=self.client_id,
            services=Services(webhooks=self.webhooks, bulk=self.bulk, keys=self.keys, uninstall=self.uninstall),
            latency=self.faults.latency_seconds,
        )
        return answer(call, asked, self.bucket, throttles=self.faults.throttle)


def _served_version(asked: str) -> str:
    """A retired version falls forward to the oldest one that is still there."""
    return asked if asked == "unstable" else max(asked, VERSIONS[0])


def _json(
    status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None, *, seconds: float = 0.0
) -> Response:
    content = json.dumps(body).encode()
    return Response(
        status=status, headers={"content-type": "application/json", **(headers or {})}, body=content, seconds=seconds
    )
