"""The shop's webhooks: a queue that looks when it runs, tells once, and gives up after seven failures in a row.

Nothing is kept of an event but "this webhook, that object": the body is built when its turn comes, so three changes
before a run are one delivery of the last state.
Facts: class-wc-webhook.php and wc-webhook-functions.php, seen on 11.0.1.
"""

import base64
import hashlib
import hmac
import html
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from urllib.parse import urlsplit

from syncd.sandbox.wire import Webhook
from syncd.sandbox.woocommerce.faults import Faults
from syncd.sandbox.woocommerce.text import encoded

Body = Callable[["Hook", object], object]
"""Builds the JSON value that a webhook tells about its argument, as things are now."""

PORTS = (None, 80, 443, 8080)
FORGIVEN_FAILURES = 5
DELIVERY_TIMEOUT = 60.0
PING_TIMEOUT = 5.0
ACTION_WITHOUT_ID = ("woocommerce_product_set_stock", "woocommerce_variation_set_stock")


@dataclass(slots=True, kw_only=True)
class Hook:
    """One registered webhook."""

    id: int
    name: str
    topic: str
    secret: str
    url: str
    created: datetime
    modified: datetime
    status: str = "active"
    failures: int = 0

    @property
    def resource(self) -> str:
        """The topic's part before the first dot."""
        return self.topic.partition(".")[0]

    @property
    def event(self) -> str:
        """The topic's part after the first dot."""
        return self.topic.partition(".")[2]


@dataclass(slots=True, kw_only=True)
class Job:
    """One webhook that is to tell about one object."""

    hook_id: int
    argument: object
    due_at: datetime
    repeated: bool = False


@dataclass(slots=True, kw_only=True)
class Queue:
    """Registered webhooks and what they still have to tell. One delivery is open at a time, or `at_once`."""

    now: Callable[[], datetime]
    body: Body
    faults: Faults
    source: Callable[[], str]
    version: str
    after: timedelta
    strict_addresses: bool
    at_once: int
    hooks: dict[int, Hook] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    _pings: list[Webhook] = field(default_factory=list)
    _open: dict[str, int] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def happened(self, topic: str, argument: object) -> None:
        """Owe the news to every active webhook of the topic, once per object while it waits."""
        told = [] if topic.partition(".")[2] in ACTION_WITHOUT_ID else argument
        for hook in self.hooks.values():
            if hook.topic == topic and hook.status == "active":
                self._owe(hook, told)

    def _owe(self, hook: Hook, argument: object) -> None:
        if any(job.hook_id == hook.id and job.argument == argument for job in self.jobs):
            return
        due_at = self.now() + self.after + self.faults.webhook_delay
        self.jobs.append(Job(hook_id=hook.id, argument=argument, due_at=due_at))

    def register(self, name: str, topic: str, url: str, secret: str) -> Hook:
        """Add a webhook and owe it its ping, whose outcome nobody looks at."""
        now = self.now().replace(microsecond=0)
        number = max(self.hooks, default=0) + 1
        hook = Hook(id=number, name=name, topic=topic, secret=secret, url=url, created=now, modified=now)
        self.hooks[number] = hook
        if self._callable(url):
            self._pings.append(self._ping(hook))
        return hook

    def _ping(self, hook: Hook) -> Webhook:
        return Webhook(
            id=f"ping-{hook.id}",
            url=hook.url,
            headers={"User-Agent": self._agent(), "Content-Type": "application/x-www-form-urlencoded"},
            body=f"webhook_id={hook.id}".encode(),
            timeout=PING_TIMEOUT,
        )

    def due(self) -> list[Webhook]:
        """Pings, and as many deliveries as may be open now; bodies are built here."""
        pings, self._pings = self._pings, []
        found = pings
        while len(self._open) < self.at_once:
            job = self._next()
            if job is None:
                break
            webhook = self._attempt(job)
            if webhook is not None:
                found.append(webhook)
        return found

    def _next(self) -> Job | None:
        now = self.now()
        waiting = [job for job in self.jobs if job.due_at <= now]
        if not waiting:
            return None
        job = self.faults.pick(waiting)
        self.jobs.remove(job)
        return job

    def _attempt(self, job: Job) -> Webhook | None:
        hook = self.hooks.get(job.hook_id)
        if hook is None or self.faults.drops_webhook():
            return None
        if not self._callable(hook.url):
            self._failed(hook)
            return None
        if not job.repeated and self.faults.repeats_webhook():
            self.jobs.insert(0, replace(job, repeated=True))
        number = str(next(self._numbers))
        self._open[number] = hook.id
        return self._delivery(number, hook, encoded(self.body(hook, job.argument)))

    def _delivery(self, number: str, hook: Hook, body: bytes) -> Webhook:
        moment = f"{hook.id}{int(self.now().timestamp())}".encode()
        return Webhook(
            id=number,
            url=hook.url,
            headers={
                "User-Agent": self._agent(),
                "Content-Type": "application/json",
                "X-WC-Webhook-Source": self.source(),
                "X-WC-Webhook-Topic": hook.topic,
                "X-WC-Webhook-Resource": hook.resource,
                "X-WC-Webhook-Event": hook.event,
                "X-WC-Webhook-Signature": signature(hook.secret, body),
                "X-WC-Webhook-ID": str(hook.id),
                "X-WC-Webhook-Delivery-ID": hashlib.md5(moment, usedforsecurity=False).hexdigest(),
            },
            body=body,
            timeout=DELIVERY_TIMEOUT,
        )

    def delivered(self, number: str, status: int | None) -> None:
        """Note how an attempt ended: 200 to 302 is success, a redirect included; nothing is tried again."""
        hook = self.hooks.get(self._open.pop(number, 0))
        if hook is None:
            return
        if status is not None and 200 <= status <= 302:
            hook.failures = 0
        else:
            self._failed(hook)

    def _failed(self, hook: Hook) -> None:
        if hook.failures > FORGIVEN_FAILURES:
            hook.status = "disabled"
        else:
            hook.failures += 1

    def _callable(self, url: str) -> bool:
        return not self.strict_addresses or is_public(url)

    def _agent(self) -> str:
        return f"WooCommerce/{self.version} Hookshot (WordPress/7.0.4)"


def signature(secret: str, body: bytes) -> str:
    """The base64 HMAC-SHA256 of the body, under the secret after its HTML entities are decoded."""
    digest = hmac.new(html.unescape(secret).encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def is_public(url: str) -> bool:
    """Whether WordPress would call this address: ports 80, 443 and 8080, and no private or loopback host."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.port not in PORTS or host in ("", "localhost"):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True
