"""The routes of the connector dialect: one request, or all pages of a list, with a 404 judged."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from connectors.prokip.client import ProkipClient, words_of
from connectors.prokip.translate import PageInfo, page_info, rows_of
from connectors.sdk.answer import Answer
from connectors.sdk.budget import Priority
from connectors.sdk.errors import MalformedPayload, RefusalKind, Refused, Unavailable
from connectors.sdk.http import Call
from connectors.sdk.reader import Reader

_API = "/connector/api"
Page = tuple[Answer, list[Reader], PageInfo]


class Routes:
    """What `GET` and `POST` are to this dialect. Errors name `operation`, which is in words."""

    def __init__(self, client: ProkipClient) -> None:
        self._client = client
        self.connection = client.connection

    def maybe_get(
        self,
        path: str,
        operation: str,
        params: Mapping[str, str] | None = None,
        priority: Priority = Priority.TARGETED,
    ) -> Answer | None:
        """One answer; None where the server has no such route."""
        answer = self._client.read(f"{_API}/{path}", operation, params, priority)
        return None if answer.status in {404, 405} else answer

    def rows(
        self,
        path: str,
        operation: str,
        params: Mapping[str, str] | None = None,
        priority: Priority = Priority.TARGETED,
    ) -> list[Reader]:
        """The rows of a list that is asked for in one piece."""
        return self.read_rows(self.get(path, operation, params, priority), operation)

    def single(self, path: str, operation: str, not_after: datetime | None = None) -> Reader:
        """The one object under `data`."""
        answer = self.get(path, operation, None, Priority.TARGETED, not_after)
        try:
            return Reader.of(answer.json(), path).nested("data")
        except MalformedPayload as error:
            raise self._unreadable(operation, error) from error

    def pages(
        self,
        path: str,
        operation: str,
        params: Mapping[str, str],
        size: int,
        priority: Priority = Priority.TARGETED,
        not_after: datetime | None = None,
        read: Callable[[object, str], list[Reader]] = rows_of,
    ) -> Iterator[Page]:
        """All pages of a list. One that cannot be read is Unavailable: half a list must not pass for a whole one."""
        number, is_last = 1, False
        while not is_last:
            paging = {"per_page": str(size), "page": str(number)}
            answer = self.get(path, operation, {**params, **paging}, priority, not_after)
            try:
                info = page_info(answer.json(), number)
            except MalformedPayload as error:
                raise self._unreadable(operation, error) from error
            yield answer, self.read_rows(answer, operation, read), info
            number, is_last = number + 1, info.is_last

    def post(self, path: str, operation: str, body: bytes, not_after: datetime) -> Answer:
        """One write. Refused where there is no such route, or a thing that the body names is gone."""
        return self._write("POST", path, operation, body, not_after)

    def put(self, path: str, operation: str, body: bytes, not_after: datetime) -> Answer:
        """As `post`, of something that is there."""
        return self._write("PUT", path, operation, body, not_after)

    def delete(self, path: str, operation: str, not_after: datetime) -> Answer:
        """As `post`; what is gone already is deleted too."""
        return self._write("DELETE", path, operation, None, not_after)

    def _write(self, method: str, path: str, operation: str, body: bytes | None, not_after: datetime) -> Answer:
        call = Call(
            method=method,
            path=f"{_API}/{path}",
            operation=operation,
            is_write=True,
            content=body,
            headers={"Content-Type": "application/json"},
            not_after=not_after,
        )
        return self._found(self._client.send(call), operation)

    def close(self) -> None:
        """Give back sockets."""
        self._client.close()

    def get(
        self,
        path: str,
        operation: str,
        params: Mapping[str, str] | None,
        priority: Priority = Priority.TARGETED,
        not_after: datetime | None = None,
    ) -> Answer:
        """One answer; Refused where the server has no such route."""
        return self._found(self._client.read(f"{_API}/{path}", operation, params, priority, not_after), operation)

    def read_rows(
        self, answer: Answer, operation: str, read: Callable[[object, str], list[Reader]] = rows_of
    ) -> list[Reader]:
        """The rows of an answer; Unavailable where it is no list."""
        try:
            return read(answer.json(), operation)
        except MalformedPayload as error:
            raise self._unreadable(operation, error) from error

    def _found(self, answer: Answer, operation: str) -> Answer:
        if answer.status not in {404, 405}:
            return answer
        raise Refused(
            f"Prokip cannot {operation}: {words_of(answer) or 'there is no such route'}",
            kind=RefusalKind.CONFIGURATION,
            connection=self.connection,
            operation=operation,
        )

    def _unreadable(self, operation: str, error: MalformedPayload) -> Unavailable:
        words = f"Prokip's answer to {operation} cannot be read: {error}"
        return Unavailable(words, connection=self.connection, operation=operation)
