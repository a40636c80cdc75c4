"""The only file that talks to a store: GraphQL over one path, what its answers mean, and the cost it has left.

Errors of GraphQL come with status 200. Costs are points of one bucket of the app in the store; its size is told with
every answer, and our own budget follows it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from shopify import ApiVersion

from connectors.sdk.budget import Priority, RateBudget
from connectors.sdk.contract import Account
from connectors.sdk.errors import (
    AccessDenied,
    ConnectorError,
    MalformedPayload,
    OutcomeUnknown,
    RateLimited,
    RefusalKind,
    Refused,
    Unavailable,
)
from connectors.sdk.failures import Meaning
from connectors.sdk.http import Answer, Call, Endpoint, PlatformClient
from connectors.sdk.reader import Reader
from connectors.shopify.auth import TIMEOUTS, USER_AGENT, Tokens, api_url, shop_domain
from connectors.shopify.documents import document

DEFAULT_VERSION = "2026-10"
FIRST_GUESS = 50.0  # points, for a document whose cost is not known yet
STANDARD_BUCKET, STANDARD_RATE = 2000.0, 100.0
THROTTLED_TRIES = 5
SECURITY_PAUSE = 15 * 60.0  # seconds after a 430
BULK_FILE_LIMIT = 512 * 1024 * 1024

STATUSES: Mapping[int, Meaning | None] = {401: None, 402: Unavailable, 404: None, 430: None}
CODES: Mapping[str, Meaning] = {
    "THROTTLED": RateLimited,
    "ACCESS_DENIED": AccessDenied,
    "SHOP_INACTIVE": Unavailable,
    "MAX_COST_EXCEEDED": Refused,
    "BAD_REQUEST": Refused,
    "INVALID_FIELD_ARGUMENTS": Refused,
    "INVALID_VARIABLE": Refused,
    "MAX_INPUT_SIZE_EXCEEDED": Refused,
    "undefinedField": Refused,
    "argumentNotAccepted": Refused,
    "INTERNAL_SERVER_ERROR": OutcomeUnknown,
    "TIMEOUT": OutcomeUnknown,
}
"""What a code means for a write; one that is not here leaves its outcome unknown. For a read that is Unavailable."""


class TooDear(Refused):
    """The query would cost more than one query may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The data of an answer, and the answer around it. `ignored_filter`: Shopify did not understand our `query`."""

    data: Reader
    answer: Answer
    ignored_filter: bool


class ShopifyClient:
    """Calls one store. Safe to use from several threads."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.shop = shop_domain(account.settings)
        self.version = account.settings.get("api_version") or DEFAULT_VERSION
        self.served_version = self.version
        self._path = f"{ApiVersion.coerce_to_version(self.version).api_path('')}/graphql.json"
        self._tokens = Tokens(account)
        self._budget = RateBudget(maximum=STANDARD_BUCKET, per_second=STANDARD_RATE, clock=account.clock)
        self._prices: dict[str, float] = {}
        endpoint = Endpoint(
            base_url=api_url(account.settings),
            timeouts=TIMEOUTS,
            user_agent=USER_AGENT,
            headers={"Accept": "application/json"},
            statuses=STATUSES,
            words=_words,
        )
        self._client = PlatformClient(account, endpoint, budget=self._budget, auth=self._tokens.sign)

    def read(
        self,
        name: str,
        operation: str,
        variables: Mapping[str, object] | None = None,
        *,
        priority: Priority = Priority.TARGETED,
    ) -> Told:
        """Run a query by the name of its document. An answer with any error in it is no answer."""
        return self._run(name, operation, variables, is_write=False, priority=priority)

    def write(
        self,
        name: str,
        operation: str,
        variables: Mapping[str, object],
        *,
        not_after: datetime | None = None,
        priority: Priority = Priority.URGENT,
    ) -> Told:
        """Run a mutation. User errors are in the data, for the caller to judge."""
        return self._run(name, operation, variables, is_write=True, priority=priority, not_after=not_after)

    def price(self, name: str) -> float | None:
        """Points that a document asks for before it runs, for each of its ids where it has some; None: unknown yet."""
        return self._prices.get(name)

    def download(self, url: str) -> bytes:
        """The file of a bulk operation, from wherever Shopify keeps it, without our token."""
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise MalformedPayload("Shopify names no address that the catalogue is at.") from error
        endpoint = Endpoint(
            base_url=f"{parts.scheme}://{parts.netloc}",
            timeouts=TIMEOUTS,
            user_agent=USER_AGENT,
            body_limit=BULK_FILE_LIMIT,
            statuses={404: Unavailable},
        )
        budget = RateBudget(maximum=10, per_second=1, clock=self._account.clock)
        client = PlatformClient(self._account, endpoint, budget=budget)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        call = Call(method="GET", path=path, operation="download the catalogue", is_write=False, expects_json=False)
        try:
            return client.send(call).body
        finally:
            client.close()

    def close(self) -> None:
        """Give back sockets."""
        self._client.close()

    def _run(
        self,
        name: str,
        operation: str,
        variables: Mapping[str, object] | None,
        *,
        is_write: bool,
        priority: Priority,
        not_after: datetime | None = None,
    ) -> Told:
        """Send until it is not throttled: the budget learns from each refusal how long to wait before the next try."""
        limited: ConnectorError | None = None
        count = _count(variables)
        for _ in range(THROTTLED_TRIES):
            call = Call(
                method="POST",
                path=self._path,
                operation=operation,
                is_write=is_write,
                json={"query": document(name), "variables": dict(variables or {})},
                cost=self._prices[name] * count if name in self._prices else FIRST_GUESS,
                priority=priority,
                not_after=not_after,
            )
            answer = self._sent(call)
            body = self._read_body(answer, call)
            self._learn(name, count, body)
            try:
                return self._told(answer, body, call)
            except RateLimited as error:
                limited = error
        raise limited or Unavailable("Nothing was sent.", connection=self._account.connection, operation=operation)

    def _sent(self, call: Call) -> Answer:
        answer = self._client.send(call)
        if answer.status == 401 and self._tokens.renew_refused():
            answer = self._client.send(call)
        self.served_version = answer.headers.get("x-shopify-api-version", self.served_version)
        if answer.status == 401:
            message = f"The store does not accept our access token. {_words(answer)} Connect it again."
            raise self._error(AccessDenied, message, call, answer)
        if answer.status == 404:
            message = "There is no Shopify store at this address. Check its name."
            raise Refused(message, kind=RefusalKind.CONFIGURATION, **self._where(call, answer))
        if answer.status == 430:
            self._budget.pause(SECURITY_PAUSE)
            message = "Shopify takes our requests for an attack and wants a pause."
            raise RateLimited(message, retry_after=SECURITY_PAUSE, **self._where(call, answer))
        return answer

    def _read_body(self, answer: Answer, call: Call) -> Reader:
        try:
            return Reader.of(answer.json(), "the answer")
        except MalformedPayload as error:
            raise self._error(OutcomeUnknown, f"Shopify's answer cannot be read. {error}", call, answer) from error

    def _told(self, answer: Answer, body: Reader, call: Call) -> Told:
        errors = body.fields.get("errors")
        if errors:
            raise self._failed(errors, body, call, answer)
        try:
            data, extensions = body.nested("data"), body.maybe_nested("extensions")
        except MalformedPayload as error:
            raise self._error(OutcomeUnknown, f"Shopify's answer cannot be read. {error}", call, answer) from error
        ignored = extensions is not None and bool(extensions.fields.get("search"))
        return Told(data=data, answer=answer, ignored_filter=ignored)

    def _failed(self, errors: object, body: Reader, call: Call, answer: Answer) -> ConnectorError:
        code, words = _first(errors)
        message = f"Shopify could not {call.operation}: {words} ({code or 'no code'})."
        if code == "MAX_COST_EXCEEDED":
            return TooDear(message, kind=RefusalKind.OTHER, **self._where(call, answer))
        if code == "THROTTLED":
            return RateLimited(message, retry_after=_wait_of(body), **self._where(call, answer))
        return self._error(CODES.get(code, OutcomeUnknown), message, call, answer)

    def _error(self, meaning: Meaning, message: str, call: Call, answer: Answer) -> ConnectorError:
        if meaning is OutcomeUnknown and not call.is_write:
            meaning = Unavailable
        return meaning(message, **self._where(call, answer))

    def _where(self, call: Call, answer: Answer) -> dict[str, str]:
        return {
            "connection": self._account.connection,
            "operation": call.operation,
            "request_id": answer.request_id,
        }

    def _learn(self, name: str, count: int, body: Reader) -> None:
        """Follow the bucket and remember what this document costs before it runs."""
        cost = _cost(body)
        if cost is not None:
            requested, available, rate, maximum = cost
            self._prices[name] = requested / count
            self._budget.learn(available=available, restore_rate=rate, maximum=maximum)


def _count(variables: Mapping[str, object] | None) -> int:
    """How many things a document asks for: its ids, else one."""
    ids = (variables or {}).get("ids")
    return len(ids) if isinstance(ids, list) and ids else 1


def _cost(body: Reader) -> tuple[float, float, float, float] | None:
    """Requested cost, points available, points a second, size of the bucket; None where the answer does not tell."""
    try:
        cost = body.nested("extensions").nested("cost")
        status = cost.nested("throttleStatus")
        told = (
            cost.decimal("requestedQueryCost"),
            status.decimal("currentlyAvailable"),
            status.decimal("restoreRate"),
            status.decimal("maximumAvailable"),
        )
    except MalformedPayload:
        return None
    requested, available, rate, maximum = (float(number) for number in told)
    return (requested, available, rate, maximum) if rate > 0 and maximum > 0 else None


def _wait_of(body: Reader) -> float:
    """Seconds until there are points enough."""
    cost = _cost(body)
    return 1.0 if cost is None else max(0.0, (cost[0] - cost[1]) / cost[2])


def _first(errors: object) -> tuple[str, str]:
    """Code and words of the first error that has a code, else of the first one."""
    rows = [row for row in errors if isinstance(row, dict)] if isinstance(errors, list) else []
    found = [(_code(row), str(row.get("message", ""))[:300]) for row in rows]
    coded = [pair for pair in found if pair[0]]
    return (coded or found or [("", str(errors)[:300])])[0]


def _code(row: Mapping[str, object]) -> str:
    extensions = row.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return code if isinstance(code, str) else ""


def _words(answer: Answer) -> str:
    """Shopify's words for a status that is no success: `errors`, a text or an object."""
    try:
        told = Reader.of(answer.json(), "the refusal").fields.get("errors")
    except MalformedPayload:
        return ""
    return told if isinstance(told, str) else json.dumps(told, default=str) if told else ""
