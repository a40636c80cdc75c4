"""Calls a custom store: one address, one kind of request, signed anew for each attempt."""

import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from connectors.custom.auth import signing_headers
from connectors.sdk.answer import Answer
from connectors.sdk.budget import RateBudget
from connectors.sdk.contract import Account
from connectors.sdk.errors import MalformedPayload, OutcomeUnknown, RefusalKind, Refused, Unavailable
from connectors.sdk.http import Call, Endpoint, PlatformClient, Request, Timeouts
from connectors.sdk.reader import Reader

_TIMEOUTS = Timeouts(connect=10, read=30, write=30, pool=30, total=60)
_CALLS_A_SECOND = 20.0  # a shop that wants less says 429


class CustomClient:
    """The calls of one connection. Safe to use from several threads."""

    def __init__(self, account: Account) -> None:
        self._account = account
        wrong = Refused(
            "A custom store needs the address that syncd shall call, such as https://shop.example/syncd.",
            kind=RefusalKind.CONFIGURATION,
            connection=account.connection,
        )
        try:
            address = urlsplit(account.settings.get("url", ""))
        except ValueError as error:
            raise wrong from error
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise wrong
        signing_headers(account.vault.load(), b"", account.clock.now())
        self.host = address.netloc
        self._path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        self._http = PlatformClient(
            account,
            Endpoint(
                base_url=f"{address.scheme}://{address.netloc}",
                timeouts=_TIMEOUTS,
                headers={"Accept": "application/json"},
                statuses={404: Refused, 409: None, 410: Refused},
                words=_words,
            ),
            budget=RateBudget(maximum=_CALLS_A_SECOND, per_second=_CALLS_A_SECOND, clock=account.clock),
            auth=self._signed,
        )

    def ask(self, kind: str, content: Mapping[str, object], operation: str) -> tuple[Reader, Answer]:
        """Call without effect. Unavailable where the answer cannot be read."""
        answer = self._send(kind, content, operation, is_write=False, not_after=None)
        return self._object(answer, operation, Unavailable), answer

    def tell(
        self, kind: str, content: Mapping[str, object], operation: str, not_after: datetime | None = None
    ) -> Answer:
        """Call with an effect; the answer is 2xx with a JSON object, or 409. OutcomeUnknown where it is neither."""
        answer = self._send(kind, content, operation, is_write=True, not_after=not_after)
        if answer.status != 409:
            self._object(answer, operation, OutcomeUnknown)
        return answer

    def close(self) -> None:
        """Give back sockets."""
        self._http.close()

    def _send(
        self, kind: str, content: Mapping[str, object], operation: str, *, is_write: bool, not_after: datetime | None
    ) -> Answer:
        call = Call(
            method="POST",
            path=self._path,
            operation=operation,
            is_write=is_write,
            content=json.dumps({"type": kind, **content}).encode(),
            headers={"Content-Type": "application/json"},
            not_after=not_after,
        )
        return self._http.send(call)

    def _signed(self, request: Request) -> Request:
        headers = signing_headers(self._account.vault.load(), request.content, self._account.clock.now())
        request.headers.update(headers)
        return request

    def _object(self, answer: Answer, operation: str, meaning: type[Unavailable | OutcomeUnknown]) -> Reader:
        try:
            return Reader.of(answer.json(), f"the answer to {operation}")
        except MalformedPayload as error:
            words = f"The shop's answer cannot be read: {error}"
            raise meaning(words, connection=self._account.connection, operation=operation) from error


def _words(answer: Answer) -> str:
    try:
        error = Reader.of(answer.json(), "the refusal").fields.get("error")
    except MalformedPayload:
        return ""
    return error if isinstance(error, str) else ""
