"""Laravel's paginated lists."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from syncd.sandbox.prokip.shapes import Json

Row = TypeVar("Row")

DEFAULT_SIZE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was asked for: a list's address and raw query."""

    address: str
    query_string: str

    @property
    def query(self) -> dict[str, str]:
        """The parameters."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def number(self) -> int:
        """The page, 1 where none or nonsense was asked for."""
        return max(1, _whole(self.query.get("page"), 1))

    def url(self, number: int, *, keeps_filters: bool) -> str:
        """The address of another page."""
        kept = [
            (k, v) for k, v in parse_qsl(self.query_string, keep_blank_values=True) if k != "page" and keeps_filters
        ]
        return f"{self.address}?{urlencode([*kept, ('page', str(number))])}"


def paged(page: Page, rows: Sequence[Row], render: Callable[[Row], Json], *, fixed_size: int | None = None) -> Json:
    """One page as `{data, links, meta}`. A size of -1 gives everything and neither links nor meta.

    The stock report (`fixed_size`) obeys no `per_page`, and its links forget the filters.
    """
    size = fixed_size or _whole(page.query.get("per_page"), DEFAULT_SIZE)
    if size == -1:
        return {"data": [render(row) for row in rows]}
    size = size if size > 0 else DEFAULT_SIZE
    last = max(1, -(-len(rows) // size))
    first = (page.number - 1) * size
    chosen = rows[first : first + size]

    def url(number: int) -> str | None:
        return page.url(number, keeps_filters=fixed_size is None) if 1 <= number <= last else None

    previous, following = url(page.number - 1), url(page.number + 1)
    return {
        "data": [render(row) for row in chosen],
        "links": {"first": url(1), "last": url(last), "prev": previous, "next": following},
        "meta": {
            "current_page": page.number,
            "from": first + 1 if chosen else None,
            "last_page": last,
            "links": [
                {"url": previous, "label": "&laquo; Previous", "active": False},
                *({"url": url(n), "label": str(n), "active": n == page.number} for n in range(1, min(last, 10) + 1)),
                {"url": following, "label": "Next &raquo;", "active": False},
            ],
            "path": page.address,
            "per_page": size,
            "to": first + len(chosen) if chosen else None,
            "total": len(rows),
        },
    }


def _whole(text: str | None, default: int) -> int:
    try:
        return int(text or "")
    except ValueError:
        return default
