"""The customer under which Prokip files the sales of one selling connection.

The look-up of a sale goes by contact, so each connection has its own, told by a code that the server keeps unique.
"""

from datetime import datetime

from connectors.prokip.routes import Routes
from connectors.prokip.translate import contact_body, contact_code_of
from connectors.prokip.writing import to_json
from connectors.sdk.budget import Priority
from connectors.sdk.errors import MalformedPayload, OutcomeUnknown, Refused, Unavailable
from connectors.sdk.reader import Reader


class Contacts:
    """Contact ids by channel, remembered."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._known: dict[str, str] = {}

    def find(self, channel: str, not_after: datetime | None = None) -> str | None:
        """The contact's id; the filter finds parts of codes too, so the code is compared."""
        if channel not in self._known:
            code = contact_code_of(channel)
            params = {"type": "customer", "contact_id": code}
            pages = self._routes.pages("contactapi", "find the contact", params, 50, Priority.URGENT, not_after)
            for _, rows, _ in pages:
                for row in rows:
                    if (row.maybe_text("contact_id") or "").upper() == code:
                        self._known[channel] = row.id("id")
        return self._known.get(channel)

    def find_or_make(self, channel: str, channel_name: str, not_after: datetime) -> str:
        """The contact's id. Unavailable where it could not be made; no sale depends on that outcome yet."""
        found = self.find(channel, not_after)
        if found is not None:
            return found
        try:
            body = to_json(contact_body(channel, channel_name))
            answer = self._routes.post("contactapi", "make the contact", body, not_after)
            self._known[channel] = Reader.of(answer.json(), "the contact").nested("data").id("id")
        except (Refused, OutcomeUnknown, MalformedPayload) as error:
            # Somebody else was quicker, or the answer was lost.
            if self.find(channel, not_after) is None:
                if isinstance(error, Refused):
                    raise
                raise Unavailable(str(error), operation="make the contact") from error
        return self._known[channel]

    def forget(self, channel: str) -> None:
        """Look the contact up again next time: a sale was refused, and it may be gone."""
        self._known.pop(channel, None)
