"""The one HTTP client of all connectors: time-outs, budget, retries of reads, and failures as errors of `errors.py`.

Outside this package no connector imports httpx; what of it one needs has a name here (`Request`). `failures.py` says
what failures mean, `answer.py` is what comes back, `budget.py` the waiting in front, `transport.py` whom we may call.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import httpx
import tenacity

from connectors.sdk.answer import Answer, http_date, parse_json, retry_after
from connectors.sdk.budget import Priority, RateBudget
from connectors.sdk.contract import Account
from connectors.sdk.errors import (
    ConnectorError,
    MalformedPayload,
    OutcomeUnknown,
    RateLimited,
    RefusalKind,
    Refused,
    Unavailable,
)
from connectors.sdk.failures import NOT_SENT, Meaning, meaning_of_failure, meaning_of_status
from connectors.sdk.transport import guarded_transport, just_before_it_leaves

__all__ = ["Answer", "Backoff", "Call", "Endpoint", "PlatformClient", "Request", "Timeouts", "guarded_transport"]

Request = httpx.Request
Transport = httpx.BaseTransport

_WITHOUT_RETRY_AFTER = 5.0  # seconds to wait after a 429 that does not say how long
_LONGEST_WORDS = 300
# Packed once, a part of an answer grows a thousandfold at most; packed twice, or by another method, without a limit.
_PACKED = frozenset({"", "identity", "gzip", "deflate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. `read` is the longest silence between two parts of an answer, `total` ends one that drips for ever."""

    connect: float
    read: float
    write: float
    pool: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How a request is tried again: after up to `first` seconds, twice that, … `longest`, with full jitter.

    No wait ends later than `total` seconds from the start.
    """

    first: float = 0.5
    longest: float = 8.0
    total: float = 30.0


def no_words(answer: Answer) -> str:  # noqa: ARG001 - the shape of a connector's own finder of words
    """Nothing: a failed answer is not quoted."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and how one platform is called.

    `headers` go with every request. `statuses` are rows over `failures.STATUSES`. `words` finds the platform's own
    words in a failed answer, for the error; they are cut to 300 characters. `body_limit` is in bytes.
    """

    base_url: str
    timeouts: Timeouts
    user_agent: str = "syncd"
    headers: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[int, Meaning | None] = field(default_factory=dict)
    words: Callable[[Answer], str] = no_words
    backoff: Backoff = field(default_factory=Backoff)
    body_limit: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request below the base address. `operation` names it in errors, in words ("read the order").

    At most one of `json`, `form` and `content` is its body. No attempt leaves us after `not_after`, however long it
    waited for its turn or its connection. A 2xx that is no JSON although `expects_json` is a failure. `cost` is in
    units of the budget; without a `priority` writes are urgent and reads targeted. `retries` counts the attempts after
    the first.
    """

    method: str
    path: str
    operation: str
    is_write: bool
    params: Mapping[str, str] | None = None
    json: object = None
    form: Mapping[str, str] | None = None
    content: bytes | None = None
    headers: Mapping[str, str] | None = None
    not_after: datetime | None = None
    expects_json: bool = True
    cost: float = 1.0
    priority: Priority | None = None
    retries: int = 3

    def __post_init__(self) -> None:
        if "://" in self.path.partition("?")[0] or self.path.startswith("//"):
            raise ValueError("A connector calls nothing but its own base address.")


class PlatformClient:
    """Sends the calls of one connection. Safe to use from several threads.

    `auth` completes every request just before it is sent (a header, a signed query) and may itself call the platform.
    Redirects are never followed.
    """

    def __init__(
        self,
        account: Account,
        endpoint: Endpoint,
        *,
        budget: RateBudget,
        auth: Callable[[Request], Request] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._connection, self._clock = account.connection, account.clock
        self._endpoint, self._budget, self._auth, self._rng = endpoint, budget, auth, rng or random.Random()
        self._transport_is_given = account.transport is not None
        try:
            self._client = _open(endpoint, account.transport or guarded_transport(allow_private=False))
        except httpx.InvalidURL as error:
            raise Refused(
                "This address cannot be right. Check its spelling.",
                kind=RefusalKind.CONFIGURATION,
                connection=account.connection,
                operation="connect",
            ) from error

    def send(self, call: Call) -> Answer:
        """Send one request and tell what came back.

        Raises the errors of `errors.py` as `failures.py` says. Reads are tried again while Unavailable; writes only
        where no connection came about. A raised OutcomeUnknown belongs to a write that may have happened.
        """
        return self._retrying(call)(self._attempt, call)

    def close(self) -> None:
        """Give back the sockets; those of a transport that was given are its giver's."""
        if not self._transport_is_given:
            self._client.close()

    def _attempt(self, call: Call) -> Answer:
        try:
            request = self._client.build_request(
                call.method,
                call.path,
                params=call.params,
                json=call.json,
                data=call.form,
                content=call.content,
                headers=call.headers,
            )
            if self._auth is not None:
                request = self._auth(request)
            self._wait_for_turn(call)
            just_before_it_leaves(request, partial(self._must_be_in_time, call))
            return self._judged(self._exchange(request), call)
        except ConnectorError as error:
            error.connection = error.connection or self._connection
            error.operation = error.operation or call.operation
            raise
        except (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError) as error:
            raise self._failed(error, call) from error

    def _wait_for_turn(self, call: Call) -> None:
        usual = Priority.URGENT if call.is_write else Priority.TARGETED
        self._budget.take(call.cost, usual if call.priority is None else call.priority, call.not_after)
        self._must_be_in_time(call)

    def _must_be_in_time(self, call: Call) -> None:
        if call.not_after is not None and self._clock.now() > call.not_after:
            raise Unavailable("Not sent: it would have begun too late.")

    def _exchange(self, request: Request) -> Answer:
        began_at = self._clock.now()
        response = self._client.send(request, stream=True, auth=None, follow_redirects=False)
        try:
            if response.headers.get("content-encoding", "").strip().lower() not in _PACKED:
                raise httpx.DecodingError("The answer is packed in a way that we did not ask for.")
            body = self._body(response, began_at + timedelta(seconds=self._endpoint.timeouts.total))
        finally:
            response.close()
        answered_at = self._clock.now()
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body,
            began_at=began_at,
            answered_at=answered_at,
            platform_at=http_date(response.headers.get("date")) or answered_at,
            request_id=response.headers.get("x-request-id", "")[:100],
        )

    def _body(self, response: httpx.Response, until: datetime) -> bytes:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > self._endpoint.body_limit:
                raise httpx.DecodingError("The answer is larger than we take.")
            if self._clock.now() > until:
                raise httpx.ReadTimeout("The answer took longer than we wait.")
        return bytes(body)

    def _judged(self, answer: Answer, call: Call) -> Answer:
        meaning = meaning_of_status(answer.status, self._endpoint.statuses)
        if meaning is not None:
            raise self._rejected(meaning, answer, call)
        if not call.expects_json or not 200 <= answer.status < 300:
            return answer
        try:
            return replace(answer, document=parse_json(answer.body))
        except MalformedPayload as error:
            message = f"The platform answered {answer.status} to {call.operation}. {error}"
            raise self._error(OutcomeUnknown, message, call, answer) from error

    def _rejected(self, meaning: Meaning, answer: Answer, call: Call) -> ConnectorError:
        words = " ".join(self._endpoint.words(answer).split())[:_LONGEST_WORDS]
        if not words and 300 <= answer.status < 400:
            words = "it wants to send us to another address, and we follow no redirects"
        message = f"The platform answered {answer.status} to {call.operation}{': ' if words else ''}{words}."
        error = self._error(meaning, message, call, answer)
        if isinstance(error, RateLimited):
            self._budget.pause(error.retry_after)
        return error

    def _failed(self, error: Exception, call: Call) -> ConnectorError:
        meaning = meaning_of_failure(error)
        what = "No connection came about" if isinstance(error, NOT_SENT) else "No answer that we can read came"
        if meaning is Refused:
            what = "The request could not be formed; check the address and the credentials"
        return self._error(meaning, f"{what} to {call.operation} ({type(error).__name__}).", call)

    def _error(self, meaning: Meaning, message: str, call: Call, answer: Answer | None = None) -> ConnectorError:
        where = {"connection": self._connection, "operation": call.operation}
        if answer is not None:
            where["request_id"] = answer.request_id
        if issubclass(meaning, RateLimited):
            told = answer.headers.get("retry-after") if answer is not None else None
            platform_at = answer.platform_at if answer is not None else self._clock.now()
            wait = retry_after(told, platform_at=platform_at, otherwise=_WITHOUT_RETRY_AFTER)
            return meaning(message, retry_after=wait, **where)
        if issubclass(meaning, OutcomeUnknown) and not call.is_write:
            return Unavailable(message, **where)
        return meaning(message, **where)

    def _retrying(self, call: Call) -> tenacity.Retrying:
        backoff = self._endpoint.backoff
        last = self._clock.now() + timedelta(seconds=backoff.total)

        def is_worth_it(error: BaseException) -> bool:
            return isinstance(error, Unavailable) and (not call.is_write or isinstance(error.__cause__, NOT_SENT))

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            told = error.retry_after if isinstance(error, RateLimited) else 0.0
            ceiling = min(backoff.longest, backoff.first * 2 ** (state.attempt_number - 1))
            return told + self._rng.uniform(0.0, ceiling)

        def is_over(state: tenacity.RetryCallState) -> bool:
            too_late = self._clock.now() + timedelta(seconds=state.upcoming_sleep) > last
            return state.attempt_number > call.retries or too_late

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_worth_it),
            wait=wait,
            stop=is_over,
            sleep=self._clock.sleep,
            reraise=True,
        )


def _open(endpoint: Endpoint, transport: Transport) -> httpx.Client:
    times = endpoint.timeouts
    return httpx.Client(
        base_url=endpoint.base_url,
        headers={"User-Agent": endpoint.user_agent, "Accept-Encoding": "gzip, deflate", **endpoint.headers},
        timeout=httpx.Timeout(connect=times.connect, read=times.read, write=times.write, pool=times.pool),
        transport=transport,
        follow_redirects=False,
        trust_env=False,
    )
