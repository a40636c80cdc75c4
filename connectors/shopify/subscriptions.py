"""Keeping our webhook subscriptions as they should be. Shopify deletes them after some hours of failed deliveries.

Only subscriptions made through the API are listed; those of an app's own configuration are not, and having both would
double every delivery.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.sdk.reader import Reader
from connectors.sdk.values import WebhookReport, WebhookState
from connectors.shopify.client import ShopifyClient
from connectors.shopify.webhooks import TOPICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscription that delivers to us."""

    subscription_id: str
    topic: str
    fields: frozenset[str]
    is_plain: bool


def check(client: ShopifyClient, url: str, *, repair: bool) -> WebhookReport:
    """Compare what delivers to `url` with what should; make and mend it if asked to."""
    found = {subscription.topic: subscription for subscription in _delivering_to(client, url)}
    states: dict[str, WebhookState] = {}
    words: dict[str, str] = {}
    for topic, fields in TOPICS.items():
        ours = found.get(_enum(topic))
        wrong = _what_is_wrong(ours, fields)
        if not wrong:
            states[topic] = WebhookState.RIGHT
        elif not repair:
            states[topic], words[topic] = WebhookState.MISSING, wrong
        else:
            refusal = _renew(client, url, topic, fields, ours)
            mended = WebhookState.REPAIRED if ours else WebhookState.MADE
            states[topic] = WebhookState.FAILED if refusal else mended
            words[topic] = refusal or wrong
    return WebhookReport(states=states, words=words)


def remove(client: ShopifyClient, url: str) -> None:
    """Delete everything that delivers to `url`; what is gone already is no failure."""
    for subscription in list(_delivering_to(client, url)):
        client.write("subscription_delete", "delete a webhook", {"id": subscription.subscription_id})


def _what_is_wrong(ours: Subscription | None, fields: Sequence[str]) -> str:
    if ours is None:
        return "It was missing."
    if not ours.is_plain:
        return "It had a filter or another format."
    if ours.fields != set(fields):
        return "It sent other fields than we want."
    return ""


def _renew(client: ShopifyClient, url: str, topic: str, fields: Sequence[str], ours: Subscription | None) -> str:
    """Make or change one; returns Shopify's words where it refuses."""
    wanted: Mapping[str, object] = {"uri": url, "format": "JSON", "includeFields": list(fields), "filter": ""}
    if ours is None:
        plain = {name: value for name, value in wanted.items() if name != "filter"}
        told = client.write("subscription_create", "make a webhook", {"topic": _enum(topic), "subscription": plain})
        payload = told.data.nested("webhookSubscriptionCreate")
    else:
        variables = {"id": ours.subscription_id, "subscription": wanted}
        told = client.write("subscription_update", "change a webhook", variables)
        payload = told.data.nested("webhookSubscriptionUpdate")
    return " ".join(row.text("message") for row in payload.each("userErrors"))


def _delivering_to(client: ShopifyClient, url: str) -> Iterator[Subscription]:
    cursor: str | None = None
    while True:
        told = client.read("subscriptions", "read the webhooks", {"uri": url, "after": cursor})
        connection = told.data.nested("webhookSubscriptions")
        for row in connection.each("nodes"):
            if row.text("uri") == url:
                yield _subscription(row)
        page = connection.nested("pageInfo")
        if not page.flag("hasNextPage"):
            return
        cursor = page.text("endCursor")


def _subscription(row: Reader) -> Subscription:
    return Subscription(
        subscription_id=row.text("id"),
        topic=row.text("topic"),
        fields=frozenset(name for name in row.values("includeFields") if isinstance(name, str)),
        is_plain=row.text("format") == "JSON" and not row.maybe_text("filter"),
    )


def _enum(topic: str) -> str:
    return topic.upper().replace("/", "_")
