"""One answer of a platform, whole and in memory, with the times around it."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime

from connectors.sdk.errors import MalformedPayload

_LONGEST_WAIT = timedelta(hours=1)
_MAY_BE_UNSTORABLE = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one request.

    Header names are in lower case. `began_at` is taken before the request is sent, `answered_at` after its whole body
    is here, both by our clock; `platform_at` is the platform's Date header, whole seconds, else `answered_at`.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    began_at: datetime
    answered_at: datetime
    platform_at: datetime
    request_id: str = ""
    document: object = None

    def json(self) -> object:
        """The body as JSON, fractions as Decimal. MalformedPayload where it is none."""
        return self.document if self.document is not None else parse_json(self.body)


def parse_json(body: bytes) -> object:
    """Strict JSON in UTF-8, fractions as Decimal (a float would lose cents). MalformedPayload where it is none.

    What may be escaped in JSON and fits no database and no UTF-8, a zero byte or half a surrogate pair, becomes U+FFFD.
    """
    try:
        document = json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse_constant)
        return _storable(document) if _MAY_BE_UNSTORABLE.search(body) else document
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise MalformedPayload(f"This is not JSON: {type(error).__name__}, {len(body)} bytes.") from error


def _storable(value: object) -> object:
    match value:
        case str():
            return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
        case list():
            return [_storable(one) for one in value]
        case dict():
            return {_storable(key): _storable(one) for key, one in value.items()}
        case _:
            return value


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def whole_header(text: str | None) -> int | None:
    """A header that counts something; None where it is missing, no whole number, or longer than nine digits."""
    told = text or ""
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 10 else None


def http_date(text: str | None) -> datetime | None:
    """A Date or Retry-After header as aware UTC time; None for anything else."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def retry_after(text: str | None, *, platform_at: datetime, otherwise: float) -> float:
    """Seconds to wait by a Retry-After header (seconds or an HTTP date), at most an hour; else `otherwise`."""
    moment = http_date(text)
    if moment is not None:
        seconds = (moment - platform_at).total_seconds()
    else:
        try:
            seconds = float(text or "nan")
        except ValueError:
            return otherwise
    if math.isnan(seconds):
        return otherwise
    return min(max(seconds, 0.0), _LONGEST_WAIT.total_seconds())
