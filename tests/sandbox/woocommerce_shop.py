"""A simulated WooCommerce for tests: a clock that is wound by hand, a client that signs in, and recorded samples."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import httpx

from syncd.sandbox.wire import Webhook, transport
from syncd.sandbox.woocommerce import SimulatedWooCommerce

SAMPLES = Path(__file__).parents[1] / "data" / "woocommerce"
HOOK_URL = "https://syncd.example/hook"


class WoundClock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 20, 20, 46, 40, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class World:
    """A shop, its clock, and a REST client."""

    def __init__(self, *, url="https://shop.example", **options) -> None:
        self.clock = WoundClock()
        self.woo = SimulatedWooCommerce(clock=self.clock, random=Random(7), url=url, **options)
        self.people = self.woo.people
        key = self.woo.key
        self.client = httpx.Client(
            transport=transport(self.woo), base_url=f"{url}/wp-json/wc/v3", auth=(key.key, key.secret)
        )
        self.bare = httpx.Client(transport=transport(self.woo), base_url=url)

    def call(self, method: str, path: str, body: object = None, *, status: int = 200, **query) -> object:
        """One REST call whose status must be `status`; the JSON of its answer."""
        answer = self.client.request(method, path, json=body, params=query or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path: str, **query) -> object:
        return self.call("GET", path, **query)

    def hook(self, topic: str, secret: str = "s3cret") -> int:
        body = {"name": topic, "topic": topic, "delivery_url": HOOK_URL, "secret": secret}
        return self.call("POST", "/webhooks", body, status=201)["id"]

    def skip_pings(self) -> None:
        assert all(webhook.id.startswith("ping") for webhook in self.woo.due())

    def deliver(self, status: int | None = 200, seconds: float = 1.0) -> list[Webhook]:
        """Let the queue run and answer every delivery with `status`; pings are left out."""
        self.clock.advance(seconds)
        sent = []
        while webhooks := self.woo.due():
            for webhook in webhooks:
                self.woo.delivered(webhook.id, status)
            sent += [webhook for webhook in webhooks if not webhook.id.startswith("ping")]
        return sent

    def topics(self) -> list[str]:
        return [webhook.headers["X-WC-Webhook-Topic"] for webhook in self.deliver()]


def sample(name: str) -> dict:
    """A recorded sample; `body` is parsed."""
    recorded = json.loads((SAMPLES / name).read_text())
    answer = recorded.get("response", recorded)
    return {**recorded, **answer, "body": json.loads(answer["body"])}
