"""Sends requests to Prokip: tokens, time-outs, the budget that follows the rate headers, and what failures mean
there.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.prokip.auth import Session
from connectors.sdk.answer import Answer, whole_header
from connectors.sdk.budget import Priority, RateBudget
from connectors.sdk.contract import Account
from connectors.sdk.errors import AccessDenied, ConnectorError, MalformedPayload, Refused
from connectors.sdk.failures import Meaning
from connectors.sdk.http import Call, Endpoint, PlatformClient, Timeouts
from connectors.sdk.reader import Reader

DEFAULT_URL = "https://api.prokip.africa"
REQUESTS_A_MINUTE = 60
_MINUTE = timedelta(minutes=1)
# The live server is slow; a minute is what it was seen to need.
_TIMEOUTS = Timeouts(connect=15, read=60, write=30, pool=30, total=120)
_STATUSES: Mapping[int, Meaning | None] = {
    302: AccessDenied,  # the log-in page, for who is not known
    401: None,  # judged here: a new token may help
    405: None,  # as 404: no such route
    409: Refused,
    410: Refused,
}


class ProkipClient:
    """The requests of one connection. Safe to use from several threads.

    Reads share a budget of 60 a minute until the rate headers tell another; writes go out at once until the server says
    that nothing is left.
    """

    def __init__(self, account: Account) -> None:
        self.connection = account.connection
        base_url = (account.settings.get("url") or DEFAULT_URL).rstrip("/")
        a_minute = int(account.settings.get("requests_per_minute") or REQUESTS_A_MINUTE)
        self._budget = RateBudget(maximum=a_minute, per_second=a_minute / 60, clock=account.clock)
        self._minute_ends = account.clock.now()
        self._session = Session(account, base_url)
        self._http = PlatformClient(
            account,
            Endpoint(
                base_url=base_url,
                timeouts=_TIMEOUTS,
                headers={"Accept": "application/json"},
                statuses=_STATUSES,
                words=words_of,
            ),
            budget=self._budget,
            auth=self._session.authorize,
        )

    def read(
        self,
        path: str,
        operation: str,
        params: Mapping[str, str] | None = None,
        priority: Priority = Priority.TARGETED,
        not_after: datetime | None = None,
    ) -> Answer:
        """GET; an answer of 404 or 405 is the caller's to judge."""
        call = Call(
            method="GET",
            path=path,
            operation=operation,
            is_write=False,
            params=params,
            priority=priority,
            not_after=not_after,
        )
        return self.send(call)

    def send(self, call: Call) -> Answer:
        """Send one request, once more with a new token where the old one is refused. An answer is 2xx, 404
        or 405.
        """
        used = self._session.known
        try:
            answer = self._sent(call)
            if answer.status == 401:
                self._session.renew(used)
                answer = self._sent(call)
            if answer.status == 401:
                raise AccessDenied("Prokip does not accept a token that it has just given out.")
        except ConnectorError as error:
            error.connection, error.operation = self.connection, call.operation
            raise
        return answer

    def close(self) -> None:
        """Give back sockets."""
        self._session.close()
        self._http.close()

    def _sent(self, call: Call) -> Answer:
        answer = self._http.send(replace(call, cost=0.0) if call.is_write else call)
        self._learn(answer)
        return answer

    def _learn(self, answer: Answer) -> None:
        """Follow the headers. The server counts in minutes that begin with their first request, and gives nothing back
        before such a minute is over; a sixth of each is left to writes.
        """
        limit, left = (whole_header(answer.headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining"))
        if not limit or left is None:
            return
        if left >= limit - 1 or answer.answered_at >= self._minute_ends:
            self._minute_ends = answer.answered_at + _MINUTE
        rest = max(1.0, (self._minute_ends - answer.answered_at).total_seconds())
        spare = left - limit // 6
        rate = limit / _MINUTE.total_seconds() if spare > 0 else 1 / rest
        self._budget.learn(available=max(0, spare), restore_rate=rate, maximum=limit)
        if left == 0:
            self._budget.pause(rest)


def words_of(answer: Answer) -> str:
    """The server's words in a failed answer: `error.message`, `message` or a plain `error`."""
    try:
        said = Reader.of(answer.json(), "the refusal")
    except MalformedPayload:
        return ""
    error = said.fields.get("error")
    if isinstance(error, str):
        return error
    inner = error.get("message") if isinstance(error, dict) else said.fields.get("message")
    return inner if isinstance(inner, str) else ""
