"""The fake store's webhooks: who wants which topic, and what is due to be delivered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.sdk.fake.messages import to_json
from connectors.sdk.signatures import sign_standard_webhook

TOPICS = (
    "orders/changed",
    "orders/refunded",
    "orders/deleted",
    "stock/changed",
    "items/changed",
    "items/deleted",
    "access/ended",
    "privacy/redact",
)
Delivery = tuple[Mapping[str, str], bytes]


@dataclass(slots=True, kw_only=True)
class Post:
    """Subscriptions (topic to address) and the deliveries not yet taken, headers with names in lower case."""

    account_id: str
    secret: str
    subscriptions: dict[str, str] = field(default_factory=dict)
    _due: list[Delivery] = field(default_factory=list)
    _sent: int = 0

    def tell(self, topic: str, message: Mapping[str, object], at: datetime) -> None:
        """Make a delivery due, where somebody wants the topic."""
        if topic in self.subscriptions:
            self._due.append(self.sign(topic, to_json(message), at))

    def sign(self, topic: str, body: bytes, at: datetime) -> Delivery:
        """A signed delivery of any body."""
        self._sent += 1
        headers = sign_standard_webhook(self.secret, f"d{self._sent}", at, body)
        return {**headers, "x-fake-topic": topic, "x-fake-account": self.account_id}, body

    def take(self) -> list[Delivery]:
        """What is due, the oldest first; it is not due any more."""
        due, self._due = self._due, []
        return due
