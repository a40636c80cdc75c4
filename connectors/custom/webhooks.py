"""What a custom store delivers: Standard Webhooks with a `type` and its content. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.custom import translate
from connectors.custom.auth import signing_secrets
from connectors.sdk.answer import parse_json
from connectors.sdk.errors import MalformedPayload
from connectors.sdk.reader import Reader
from connectors.sdk.signatures import check_standard_webhook
from connectors.sdk.values import Fact, ListingChanged, Nothing, OrderChanged, StockHint


class CustomDoor:
    """What can be said of a delivery before its connection is loaded."""

    def account_id(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002
        """Nothing: the address that a delivery is sent to tells the connection."""
        return None

    def is_unsigned_ping(self, headers: Mapping[str, str], body: bytes) -> bool:  # noqa: ARG002
        """Never: everything is signed."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
        """InvalidSignature unless one of the secrets signed it within five minutes of now."""
        check_standard_webhook(headers, body, secrets, now)

    def secrets(self, credentials: Mapping[str, str]) -> tuple[str, ...]:
        """The store's one secret."""
        return signing_secrets(credentials)

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Id and content: a shop that uses one id for two messages loses neither."""
        return hashlib.sha256(f"{headers.get('webhook-id', '')}\n".encode(errors="replace") + body).hexdigest()

    def topic(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        """The `type`, empty where there is none."""
        try:
            return (Reader.of(parse_json(body), "the delivery").maybe_text("type") or "")[:100]
        except MalformedPayload:
            return ""


def facts(body: bytes) -> tuple[Fact, ...]:
    """What a verified delivery says."""
    told = Reader.of(parse_json(body), "the delivery")
    match told.text("type"):
        case "order.changed":
            return (translate.order(told.nested("order")),)
        case "order.deleted":
            return (OrderChanged(order_id=translate.short_id(told, "id"), may_be_gone=True),)
        case "item.changed":
            return (ListingChanged(external_id=translate.short_id(told.nested("item"), "id")),)
        case "item.deleted":
            return (ListingChanged(external_id=translate.short_id(told, "id"), may_be_gone=True),)
        case "stock.changed":
            quantity = translate.figure_of(told).quantity
            return (StockHint(stock_id=translate.short_id(told, "id"), quantity=quantity, at=told.time("at")),)
        case "":
            raise MalformedPayload("The delivery has an empty type.")
        case unknown:
            return (Nothing(words=f"A message of the type {unknown[:100]}, which syncd does not know."),)
