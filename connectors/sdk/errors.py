"""Errors of a connector, named by what the engine does next.

    ConnectorError
    ├── Unavailable        surely no effect; back off and try again
    │   └── RateLimited    wait as long as told
    ├── OutcomeUnknown     sent, but no answer: read before deciding
    ├── Conflict           changed meanwhile: read again
    ├── AccessDenied       the connection needs a person (`needs_auth`), once
    ├── ListingGone        the thing is not there any more: detach and tell
    ├── Refused            understood and rejected: dead letter with the platform's words
    ├── MalformedPayload   not what was agreed: dead letter, raw body kept
    └── InvalidSignature   401

A message says what, where and what to do; never a secret, never a payload.
"""

from enum import StrEnum


class ConnectorError(Exception):
    """Any failure of a call to a platform.

    `connection` is the connection's name, `operation` what was attempted, `request_id` the platform's own id of the
    request, where it gives one.
    """

    def __init__(self, message: str, *, connection: str = "", operation: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.connection = connection
        self.operation = operation
        self.request_id = request_id


class Unavailable(ConnectorError):
    """Nothing was done: refused before it was sent, or an answer that proves that it had no effect."""


class RateLimited(Unavailable):
    """Nothing was done; `retry_after` is the number of seconds that the platform asks us to wait."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float,
        connection: str = "",
        operation: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message, connection=connection, operation=operation, request_id=request_id)
        self.retry_after = retry_after


class OutcomeUnknown(ConnectorError):
    """A write was sent and no trustworthy answer came; it may have happened and may still happen."""


class Conflict(ConnectorError):
    """The thing has changed since we looked."""


class AccessDenied(ConnectorError):
    """The platform does not accept our credentials, or they lack a right; the message names it."""


class ListingGone(ConnectorError):
    """The product, order or location does not exist any more."""


class RefusalKind(StrEnum):
    """What to do about a refusal: mend the set-up and try again, wait for a person, or neither."""

    CONFIGURATION = "configuration"
    OVERSELLING = "overselling"
    OTHER = "other"


class Refused(ConnectorError):
    """The platform understood and rejected; the message holds its words, and surely nothing was done."""

    def __init__(
        self,
        message: str,
        *,
        kind: RefusalKind = RefusalKind.OTHER,
        connection: str = "",
        operation: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message, connection=connection, operation=operation, request_id=request_id)
        self.kind = kind


class MalformedPayload(ConnectorError):
    """A message or an answer that cannot be read as what it should be."""


class InvalidSignature(ConnectorError):
    """A message that is not proven to come from the store."""
