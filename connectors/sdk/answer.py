"""One answer of a platform, whole and in memory, with the times around it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime

from connectors.sdk.errors import MalformedPayload

_LONGEST_WAIT = timedelta(hours=1)


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
    """Strict JSON in UTF-8, fractions as Decimal (a float would lose cents). MalformedPayload where it is none."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedPayload(f"This is not JSON: {type(error).__name__}, {len(body)} bytes.") from error


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


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
