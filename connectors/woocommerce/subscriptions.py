"""Keeping our webhooks at the shop as they should be.

A shop never shows a webhook's secret, so its name carries a fingerprint of it. One that the shop has disabled is made
anew, because activating it again would keep its count of failures and one more would end it (seen on 11.0.1).
"""

from dataclasses import dataclass

from connectors.sdk.errors import Refused
from connectors.sdk.reader import Reader
from connectors.sdk.values import WebhookReport, WebhookState
from connectors.woocommerce.auth import fingerprint
from connectors.woocommerce.client import WooClient
from connectors.woocommerce.paging import Listing, by_number
from connectors.woocommerce.webhooks import TOPICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One webhook at the shop that delivers to us."""

    hook_id: str
    topic: str
    name: str
    status: str


def check(client: WooClient, url: str, secret: str, *, repair: bool) -> WebhookReport:
    """Compare what delivers to `url` with what should; make and mend it if asked to."""
    found = _delivering_to(client, url)
    states: dict[str, WebhookState] = {}
    words: dict[str, str] = {}
    for topic in TOPICS:
        ours = [hook for hook in found if hook.topic == topic]
        wrong = _what_is_wrong(ours, _name(topic, secret))
        if not wrong:
            states[topic] = WebhookState.RIGHT
            continue
        words[topic] = wrong
        if not repair:
            states[topic] = WebhookState.MISSING
            continue
        try:
            _renew(client, url, secret, topic, ours)
        except Refused as refusal:
            states[topic], words[topic] = WebhookState.FAILED, str(refusal)
        else:
            states[topic] = WebhookState.REPAIRED if ours else WebhookState.MADE
    return WebhookReport(states=states, words=words)


def remove(client: WooClient, url: str) -> None:
    """Delete everything that delivers to `url`."""
    for hook in _delivering_to(client, url):
        _delete(client, hook)


def _what_is_wrong(ours: list[Subscription], name: str) -> str:
    if not ours:
        return "It was missing."
    if len(ours) > 1:
        return f"It was there {len(ours)} times."
    if ours[0].status != "active":
        return f"The shop had it {ours[0].status}."
    if ours[0].name != name:
        return "It signs with another secret than ours."
    return ""


def _renew(client: WooClient, url: str, secret: str, topic: str, ours: list[Subscription]) -> None:
    """Make a right one before the others go, so that nothing is missed in between."""
    body = {"name": _name(topic, secret), "topic": topic, "delivery_url": url, "secret": secret, "status": "active"}
    client.write("webhooks", "make a webhook", body)
    for hook in ours:
        _delete(client, hook)


def _delete(client: WooClient, hook: Subscription) -> None:
    """POST that stands for DELETE: hosts that refuse one method often refuse the other as well."""
    override = {"force": "true", "_method": "DELETE"}
    client.write(f"webhooks/{hook.hook_id}", "delete a webhook", {}, params=override)


def _delivering_to(client: WooClient, url: str) -> list[Subscription]:
    listing = Listing(path="webhooks", operation="read the webhooks", params={"status": "all"})
    rows = [row for page in by_number(client, listing) for row in page]
    return [_subscription(row) for row in rows if row.maybe_text("delivery_url") == url]


def _subscription(row: Reader) -> Subscription:
    return Subscription(
        hook_id=row.id("id"), topic=row.text("topic"), name=row.maybe_text("name") or "", status=row.text("status")
    )


def _name(topic: str, secret: str) -> str:
    return f"syncd {topic} {fingerprint(secret)}"
