"""What WooCommerce delivers: who signed it, what makes two deliveries the same, and what it says. Pure.

Facts: class-wc-webhook.php; recorded deliveries of 11.0.1 in tests/data/woocommerce.
"""

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.sdk.answer import parse_json
from connectors.sdk.errors import MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.signatures import check_hmac_base64
from connectors.sdk.values import (
    AccessEnded,
    Fact,
    FigureState,
    ListingChanged,
    Nothing,
    OrderChanged,
    StockHint,
)
from connectors.woocommerce import translate
from connectors.woocommerce.auth import webhook_secrets

DELETED_FOR_GOOD = "woocommerce_delete_order"
TOPICS = (
    "order.created",
    "order.updated",
    "order.deleted",
    "order.restored",
    f"action.{DELETED_FOR_GOOD}",
    "product.created",
    "product.updated",
    "product.deleted",
    "product.restored",
)
"""What we subscribe to. Refunds come as order.updated; the action is the only sign of an order deleted for good."""

PING = re.compile(rb"webhook_id=\d+")


class WooCommerceDoor:
    """What can be said of a delivery before its connection is loaded."""

    def account_id(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002
        """Nothing: the Source header changes with the shop's domain, the address it was sent to does not."""
        return None

    def is_unsigned_ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """The form that a shop posts once when a webhook is made."""
        return "x-wc-webhook-signature" not in headers and PING.fullmatch(body) is not None

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:  # noqa: ARG002
        """InvalidSignature unless a secret signed the bytes; WooCommerce decodes HTML entities in it before."""
        known = [form for secret in secrets for form in (secret, html.unescape(secret))]
        check_hmac_base64(body, headers.get("x-wc-webhook-signature"), known)

    def secrets(self, credentials: Mapping[str, str]) -> tuple[str, ...]:
        """The one that was given by hand, and the one derived from the key."""
        return webhook_secrets(credentials)

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Topic, delivery id and content together: the id alone is the same for all deliveries of one second."""
        head = f"{self.topic(headers, body)}\n{headers.get('x-wc-webhook-delivery-id', '')}\n"
        return hashlib.sha256(head.encode() + body).hexdigest()

    def topic(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        """The topic of the header; a ping has none."""
        return headers.get("x-wc-webhook-topic", "ping")


def facts(headers: Mapping[str, str], body: bytes) -> tuple[Fact, ...]:
    """Translate one verified delivery. MalformedPayload where it is not what its topic promises."""
    topic = headers.get("x-wc-webhook-topic", "")
    if not topic:
        if PING.fullmatch(body):
            return (Nothing(words="The shop greets a new webhook."),)
        raise MalformedPayload("The delivery has no topic.")
    told = Reader.of(parse_json(body), "delivery")
    if "code" in told.fields and "id" not in told.fields:
        return (_instead_of_the_object(told),)
    resource, _, event = topic.partition(".")
    if resource == "action":
        return (_action(told),)
    if resource == "order":
        return (_order(told, event),)
    if resource == "product":
        return (_product(told, event),)
    return (Nothing(words=f"We need nothing of {topic}."),)


def _instead_of_the_object(told: Reader) -> Fact:
    """A signed REST error: the object was gone by delivery time, or the webhook's user lost the right to see it."""
    status = told.nested("data").maybe_whole("status") if isinstance(told.fields.get("data"), dict) else None
    if status in (401, 403):
        return AccessEnded(words=f"The user behind the shop's webhook has lost its rights: {told.text('code')}.")
    return Nothing(words=f"What changed was gone before the shop could tell of it: {told.text('code')}.")


def _action(told: Reader) -> Fact:
    action, argument = told.text("action"), told.fields.get("arg")
    if isinstance(argument, bool) or not isinstance(argument, int | str):
        return Nothing(words=f"{action} names nothing.")
    return OrderChanged(order_id=told.id("arg"), may_be_gone=action == DELETED_FOR_GOOD)


def _order(told: Reader, event: str) -> Fact:
    """A snapshot of the moment of delivery; whether it is called created or updated means nothing."""
    if event == "deleted":
        return OrderChanged(order_id=told.id("id"), may_be_gone=True)
    if translate.needs_refunds(told):
        return OrderChanged(order_id=told.id("id"))
    return translate.snapshot(told)


def _product(told: Reader, event: str) -> Fact:
    """With orders kept as posts, product.deleted may name an order: the listing says whether it is gone."""
    external_id = told.id("id")
    if event == "deleted":
        return ListingChanged(external_id=external_id, may_be_gone=True)
    figure = translate.figure(told)
    if event == "updated" and translate.is_variable(told) and figure.state is FigureState.UNTRACKED:
        return Nothing(words="A product changed of which only the variations are sold.")
    if event != "updated" or figure.state is not FigureState.TRACKED:
        return ListingChanged(external_id=external_id, may_be_gone=figure.state is FigureState.GONE)
    return StockHint(stock_id=external_id, quantity=figure.quantity, at=translate.modified_at(told))
