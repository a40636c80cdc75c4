"""Webhooks: subscriptions, signing, eight retries with the old payload, and the deletion that follows.

One act of a person or an app is one event (`begin_event`); its deliveries share X-Shopify-Event-Id, while each delivery
has its own X-Shopify-Webhook-Id, which duplicates and retries repeat.
"""

import base64
import hashlib
import hmac
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from syncd.sandbox.shopify.faults import Faults
from syncd.sandbox.shopify.shop import Body, Shop
from syncd.sandbox.wire import Webhook

TIMEOUT = 5.0
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20, 40, 60, 102))
REORDER_SPREAD = timedelta(seconds=2)
COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(slots=True, eq=False, kw_only=True)
class Subscription:
    """Where a topic goes. `is_app_configured` ones come from the app's own configuration: unlisted, never deleted."""

    number: int
    topic: str
    uri: str
    created_at: datetime
    updated_at: datetime
    include_fields: tuple[str, ...] = ()
    name: str | None = None
    is_app_configured: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class _Delivery:
    subscription: Subscription
    url: str
    headers: dict[str, str]
    body: bytes
    due_at: datetime
    attempt: int = 0


@dataclass(slots=True, kw_only=True)
class Webhooks:
    """The webhook side of the store. `secrets` sign: the first one, or an older one just after a rotation."""

    shop: Shop
    random: random.Random
    faults: Faults
    secret: str
    api_version: str
    retry_delays: Sequence[timedelta] = RETRY_DELAYS
    strict_addresses: bool = False
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    waiting: list[_Delivery] = field(default_factory=list)
    sent: dict[str, _Delivery] = field(default_factory=dict)
    event_id: str = ""
    counts: dict[str, int] = field(default_factory=lambda: {"delivered": 0, "failed": 0, "lost": 0, "dropped": 0})

    def begin_event(self) -> None:
        """What is announced from here on was caused by one act."""
        self.event_id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def refusal(self, topic: str, uri: str) -> str | None:
        """Why an address cannot be subscribed, in Shopify's words; None where it can."""
        parts = urlsplit(uri)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host:
            return "Address is invalid"
        if host == self.shop.domain or host.endswith(".myshopify.com"):
            return "Address is not allowed"
        if self.strict_addresses and (parts.scheme != "https" or parts.port not in (None, 443) or host in LOCAL_HOSTS):
            return "Address protocol http:// is not supported" if parts.scheme == "http" else "Address is not allowed"
        if any(s.topic == topic and s.uri == uri and not s.is_app_configured for s in self.subscriptions.values()):
            return "Address for this topic has already been taken"
        return None

    def subscribe(
        self,
        topic: str,
        uri: str,
        *,
        include_fields: Sequence[str] = (),
        name: str | None = None,
        is_app_configured: bool = False,
    ) -> Subscription:
        """Add a subscription that was found acceptable."""
        now = self.shop.now()
        made = Subscription(
            number=self.shop.number(),
            topic=topic,
            uri=uri,
            created_at=now,
            updated_at=now,
            include_fields=tuple(include_fields),
            name=name,
            is_app_configured=is_app_configured,
        )
        self.subscriptions[made.number] = made
        return made

    def listed(self) -> list[Subscription]:
        """What the API shows: subscriptions made through it, not those of the app's configuration."""
        return [s for s in self.subscriptions.values() if not s.is_app_configured]

    def announce(self, topic: str, body: Body) -> None:
        """Queue a delivery for every subscription to a topic; the body is fixed now, retries repeat it."""
        for subscription in list(self.subscriptions.values()):
            if subscription.topic == topic:
                self._queue(subscription, body)

    def _queue(self, subscription: Subscription, body: Body) -> None:
        if self.random.random() < self.faults.webhook_drop_rate:
            self.counts["dropped"] += 1
            return
        delivery = self._delivery(subscription, body)
        self.waiting.append(delivery)
        if self.random.random() < self.faults.webhook_duplicate_rate:
            self.waiting.append(self._again(delivery, self._due_at()))

    def _delivery(self, subscription: Subscription, body: Body) -> _Delivery:
        kept = {k: v for k, v in body.items() if not subscription.include_fields or k in subscription.include_fields}
        raw = json.dumps(kept, default=_plain, separators=(",", ":")).encode()
        signature = base64.b64encode(hmac.new(self.secret.encode(), raw, hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": subscription.topic,
            "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Shop-Domain": self.shop.domain,
            "X-Shopify-API-Version": self.api_version,
            "X-Shopify-Webhook-Id": str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
            "X-Shopify-Event-Id": self.event_id,
            "X-Shopify-Triggered-At": self.shop.clock().isoformat(),
        }
        if subscription.name:
            headers["X-Shopify-Name"] = subscription.name
        return _Delivery(
            subscription=subscription, url=subscription.uri, headers=headers, body=raw, due_at=self._due_at()
        )

    def _due_at(self) -> datetime:
        due = self.shop.clock() + timedelta(seconds=self.faults.webhook_delay_seconds)
        return due + REORDER_SPREAD * self.random.random() if self.faults.webhook_reorder else due

    def _again(self, delivery: _Delivery, due_at: datetime) -> _Delivery:
        return _Delivery(
            subscription=delivery.subscription,
            url=delivery.url,
            headers=delivery.headers,
            body=delivery.body,
            due_at=due_at,
            attempt=delivery.attempt,
        )

    def due(self) -> list[Webhook]:
        """Take the attempts that are due now."""
        now = self.shop.clock()
        ready = sorted((d for d in self.waiting if d.due_at <= now), key=lambda d: d.due_at)
        self.waiting = [d for d in self.waiting if d.due_at > now]
        return [self._hand_out(delivery) for delivery in ready]

    def _hand_out(self, delivery: _Delivery) -> Webhook:
        attempt_id = str(self.shop.number())
        self.sent[attempt_id] = delivery
        return Webhook(id=attempt_id, url=delivery.url, headers=delivery.headers, body=delivery.body, timeout=TIMEOUT)

    def delivered(self, attempt_id: str, status: int | None) -> None:
        """Only 2xx counts. After the eighth failed retry the event is lost and an API subscription is deleted."""
        delivery = self.sent.pop(attempt_id)
        if status is not None and 200 <= status < 300:
            self.counts["delivered"] += 1
            return
        self.counts["failed"] += 1
        if delivery.attempt < len(self.retry_delays):
            delay = self.retry_delays[delivery.attempt]
            delivery.attempt += 1
            self.waiting.append(self._again(delivery, self.shop.clock() + delay))
            return
        self.counts["lost"] += 1
        if not delivery.subscription.is_app_configured:
            self.subscriptions.pop(delivery.subscription.number, None)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"not a JSON value: {type(value)}")
