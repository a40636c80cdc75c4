"""`SimulatedWooCommerce`: a whole shop behind the three methods of `wire.Platform`."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import httpx

from syncd.sandbox.wire import Clock, Request, Response, Webhook
from syncd.sandbox.woocommerce import authorize, control, rest, telling
from syncd.sandbox.woocommerce.authorize import Post
from syncd.sandbox.woocommerce.faults import Faults
from syncd.sandbox.woocommerce.keys import Keys
from syncd.sandbox.woocommerce.people import People
from syncd.sandbox.woocommerce.shop import Rules, Shop
from syncd.sandbox.woocommerce.site import Site
from syncd.sandbox.woocommerce.webhooks import Hook, Queue


def post_by_httpx(webhook: Webhook) -> int | None:
    """Send a request over the network; the status, or None when no answer came in time."""
    try:
        answer = httpx.post(
            webhook.url,
            content=webhook.body,
            headers=dict(webhook.headers),
            timeout=webhook.timeout,
            follow_redirects=False,
            trust_env=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return answer.status_code


class SimulatedWooCommerce:
    """A WooCommerce shop with its own goods, orders, keys and webhooks.

    `url` is the home address, which may have a path and may be set later; `queue_seconds` how long the shop takes to
    get to its webhooks; `strict_addresses` applies WordPress's rules for addresses it calls. `people` act in it,
    `faults` and `quirks` disturb it, `books` tell what outsiders did. A key pair is ready as `key`.
    """

    def __init__(  # noqa: PLR0913 -- a shop has as many settings as this
        self,
        *,
        clock: Clock,
        random: Random,
        url: str = "http://127.0.0.1",
        version: str = "11.0.1",
        hpos: bool = True,
        time_zone: str = "Europe/Berlin",
        strict_addresses: bool = False,
        queue_seconds: float = 0.2,
        deliveries_at_once: int = 1,
        post: Post = post_by_httpx,
    ) -> None:
        self._strict = strict_addresses
        self._post = authorize.allowed(post, strict_addresses=strict_addresses)
        self.faults = Faults(random=random)
        self._queue = Queue(
            now=clock,
            body=lambda hook, argument: telling.body(self._site, hook, argument),
            faults=self.faults,
            source=lambda: f"{self.url}/",
            version=version,
            after=timedelta(seconds=queue_seconds),
            strict_addresses=strict_addresses,
            at_once=deliveries_at_once,
        )
        rules = Rules(version=version, hpos=hpos, time_zone=time_zone)
        self.shop = Shop(rules=rules, clock=clock, random=random, announce=self._queue.happened)
        self.people = People(shop=self.shop)
        self.keys = Keys(now=clock, random=random, home=lambda: self.url)
        self.key = self.keys.issue()
        self._site = Site(
            home=url.rstrip("/"),
            shop=self.shop,
            keys=self.keys,
            queue=self._queue,
            faults=self.faults,
        )
        self.quirks, self.books = self._site.quirks, self._site.books

    @property
    def url(self) -> str:
        """The shop's home address, without a slash at its end."""
        return self._site.home

    @url.setter
    def url(self, url: str) -> None:
        self._site.home = url.rstrip("/")

    @property
    def webhooks(self) -> dict[int, Hook]:
        """The registered webhooks by their number."""
        return self._queue.hooks

    def handle(self, request: Request) -> Response:
        """Answer one request; people's actions under /_sandbox work even when the shop is down."""
        path = self._site.below(request.path)
        if path.startswith(control.PREFIX):
            with self.shop.lock:
                return control.respond(self._site, self.people, replace(request, path=path))
        answer = self._disturbed(request) or self._answer(request, path)
        return replace(answer, seconds=self.faults.levels.latency_seconds, lost=self.faults.loses_answer())

    def _answer(self, request: Request, path: str) -> Response:
        if path.startswith(authorize.PATH):
            return authorize.respond(self._site, request, self._post, strict_addresses=self._strict)
        with self.shop.lock:
            return rest.respond(self._site, request)

    def _disturbed(self, request: Request) -> Response | None:
        """What stands between the client and the shop: a broken server, a firewall, a host with rules of its own."""
        if self.faults.levels.down or self.faults.fails():
            return _page(503, "<h1>Service unavailable</h1>")
        if self.quirks.blocks_clients:
            return _page(403, "<h1>Checking your browser</h1>")
        if self.quirks.refuses_put and request.method == "PUT":
            return _page(501, "<h1>Method not implemented</h1>")
        if self.quirks.redirects_to:
            target = f"{self.quirks.redirects_to}{request.path}"
            location = f"{target}?{request.query_string}" if request.query_string else target
            return Response(status=301, headers={"Location": location})
        return None

    def due(self) -> list[Webhook]:
        """Take the pings and deliveries that are due; none while the shop is down."""
        with self.shop.lock:
            return [] if self.faults.levels.down else self._queue.due()

    def delivered(self, webhook_id: str, status: int | None) -> None:
        """Tell how an attempt ended; it is never made again."""
        with self.shop.lock:
            self._queue.delivered(webhook_id, status)


def _page(status: int, text: str) -> Response:
    return Response(status=status, headers={"Content-Type": "text/html; charset=UTF-8"}, body=text.encode())
