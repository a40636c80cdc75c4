"""What a failed request means, in two tables: exceptions of httpx, and statuses.

They tell what it means for a write. A read has no effect that could be in doubt: there OutcomeUnknown is Unavailable.
"""

from collections.abc import Mapping

import httpx

from connectors.sdk.errors import (
    AccessDenied,
    Conflict,
    ConnectorError,
    ListingGone,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unavailable,
)

Meaning = type[ConnectorError]

# No request has left us.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

FAILURES: Mapping[type[Exception], Meaning] = {
    httpx.ConnectError: Unavailable,
    httpx.ConnectTimeout: Unavailable,
    httpx.PoolTimeout: Unavailable,
    httpx.ProxyError: Unavailable,
    httpx.InvalidURL: Refused,
    httpx.UnsupportedProtocol: Refused,
    httpx.LocalProtocolError: Refused,  # a header that cannot be sent, such as a token with a line break
    httpx.TooManyRedirects: Refused,
    httpx.HTTPError: OutcomeUnknown,
    httpx.HTTPStatusError: OutcomeUnknown,
    httpx.RequestError: OutcomeUnknown,
    httpx.TransportError: OutcomeUnknown,
    httpx.TimeoutException: OutcomeUnknown,
    httpx.ReadTimeout: OutcomeUnknown,
    httpx.WriteTimeout: OutcomeUnknown,
    httpx.NetworkError: OutcomeUnknown,
    httpx.ReadError: OutcomeUnknown,
    httpx.WriteError: OutcomeUnknown,
    httpx.CloseError: OutcomeUnknown,
    httpx.ProtocolError: OutcomeUnknown,
    httpx.RemoteProtocolError: OutcomeUnknown,
    httpx.DecodingError: OutcomeUnknown,
    httpx.CookieConflict: OutcomeUnknown,
    httpx.StreamError: OutcomeUnknown,
    httpx.StreamConsumed: OutcomeUnknown,
    httpx.StreamClosed: OutcomeUnknown,
    httpx.ResponseNotRead: OutcomeUnknown,
    httpx.RequestNotRead: OutcomeUnknown,
}

# None hands the answer to the caller. In no row: 2xx is handed over, 3xx and 4xx are Refused, all else OutcomeUnknown.
STATUSES: Mapping[int, Meaning | None] = {
    401: AccessDenied,
    403: AccessDenied,
    404: None,
    407: Unavailable,
    408: OutcomeUnknown,
    409: Conflict,
    410: ListingGone,
    421: Unavailable,
    423: Unavailable,
    425: Unavailable,
    429: RateLimited,
}


def meaning_of_failure(error: Exception) -> Meaning:
    """What an exception of httpx means for a write."""
    return next((FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES), OutcomeUnknown)


def meaning_of_status(status: int, own: Mapping[int, Meaning | None]) -> Meaning | None:
    """What a status means for a write, by the connector's own rows first; None: the caller judges the answer."""
    if status in own:
        return own[status]
    if status in STATUSES:
        return STATUSES[status]
    if 200 <= status < 300:
        return None
    return Refused if 300 <= status < 500 else OutcomeUnknown
