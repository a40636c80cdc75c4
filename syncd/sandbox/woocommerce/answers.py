"""What a REST route gets and gives: the call, the answer, the error, and a page of a list."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from random import Random

    from syncd.sandbox.wire import Request
    from syncd.sandbox.woocommerce.site import Site

LIMIT = 100


class RestError(Exception):
    """An error as REST v3 answers it; `data` replaces the usual {"status": …}."""

    def __init__(self, status: int, code: str, message: str, data: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.data: object = {"status": status} if data is None else data

    def shape(self) -> dict[str, object]:
        """The JSON body."""
        return {"code": self.code, "message": self.message, "data": self.data}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A JSON value with its status and headers."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated REST call. `ids` are the numbers in its path, in order."""

    site: "Site"
    request: "Request"
    ids: tuple[int, ...]
    body: Mapping[str, object]

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters, the last of equal names winning."""
        return self.request.query

    def listed(self, name: str) -> list[str]:
        """A parameter that takes a comma list or `name[]`; empty when it is not given."""
        pairs = parse_qsl(self.request.query_string, keep_blank_values=True)
        several = [value for key, value in pairs if key.startswith(f"{name}[")]
        plain = self.query.get(name, "")
        return several or [part for part in plain.split(",") if part]

    def flag(self, name: str) -> bool:
        """A boolean parameter of the query."""
        return self.query.get(name, "") in ("1", "true")


def body_of(request: "Request") -> dict[str, object]:
    """The JSON object of a request; without a JSON content type the body is not looked at."""
    if "json" not in request.headers.get("content-type", "") or not request.body:
        return {}
    try:
        value = json.loads(request.body)
    except ValueError:
        raise RestError(400, "rest_invalid_json", "Invalid JSON body passed.") from None
    return value if isinstance(value, dict) else {}


class Dated(Protocol):
    """Whatever can be listed by date."""

    id: int
    created: datetime
    modified: datetime


Item = TypeVar("Item", bound=Dated)


def page(
    call: Call, items: Sequence[Item], shape: Callable[[Item], object], *, shuffle: "Random | None" = None
) -> Answer:
    """One page of a list in the order that was asked for.

    The default order is by creation, newest first; items of one second come in any order, and another on every page.
    """
    per_page, number = _between(call, "per_page", 10, LIMIT), _between(call, "page", 1, 10**9)
    ordered = _ordered(call, items, shuffle)
    pages = ceil(len(ordered) / per_page)
    headers = {"X-WP-Total": str(len(ordered)), "X-WP-TotalPages": str(pages)}
    neighbours = {"prev": number - 1, "next": number + 1}
    links = ", ".join(_link(call, at, name) for name, at in neighbours.items() if 1 <= at <= pages)
    if links:
        headers["Link"] = links
    shown = ordered[(number - 1) * per_page : number * per_page]
    return Answer(body=[shape(item) for item in shown], headers=headers)


def _link(call: Call, number: int, name: str) -> str:
    query = urlencode({**call.query, "page": number})
    return f'<{call.site.home}{call.site.below(call.request.path)}?{query}>; rel="{name}"'


def _between(call: Call, name: str, default: int, most: int) -> int:
    given = call.query.get(name)
    if given is None:
        return default
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= most:
        raise invalid(name, f"{name} must be between 1 (inclusive) and {most} (inclusive)")
    return int(given)


def _ordered(call: Call, items: Sequence[Item], shuffle: "Random | None") -> list[Item]:
    by, order = call.query.get("orderby", "date"), call.query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise invalid("order", "order is not one of asc and desc.")
    mixed = list(items)
    if shuffle is not None and by == "date":
        shuffle.shuffle(mixed)
    orders: dict[str, Callable[[Item], tuple[datetime, int] | datetime | int]] = {
        "date": lambda item: item.created,
        "modified": lambda item: (item.modified, item.id),
        "id": lambda item: item.id,
    }
    if by not in orders:
        raise invalid("orderby", "orderby is not one of date, id, modified.")
    return sorted(mixed, key=orders[by], reverse=order == "desc")


def invalid(name: str, reason: str) -> RestError:
    """The error for a parameter that the schema refuses."""
    return RestError(
        400, "rest_invalid_param", f"Invalid parameter(s): {name}", {"status": 400, "params": {name: reason}}
    )


def in_dates(call: Call, item: Dated) -> bool:
    """Whether an item lies within after, before, modified_after and modified_before; bounds are excluded."""
    bounds = (
        ("after", "created", 1),
        ("modified_after", "modified", 1),
        ("before", "created", -1),
        ("modified_before", "modified", -1),
    )
    for name, attribute, sign in bounds:
        text = call.query.get(name)
        if text is None:
            continue
        moment: datetime = getattr(item, attribute)
        zone = ZoneInfo(call.site.shop.rules.time_zone)
        kept = moment.replace(tzinfo=None) if call.flag("dates_are_gmt") else call.site.shop.local(moment)
        if (kept - _bound(name, text, zone)).total_seconds() * sign <= 0:
            return False
    return True


def _bound(name: str, text: str, zone: ZoneInfo) -> datetime:
    """A bound as WordPress reads it: an offset is turned into shop time, and then forgotten, whatever is compared."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(name, "Invalid date.") from None
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment
