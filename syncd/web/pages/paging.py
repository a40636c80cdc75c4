"""Lists in pages, and files to take home."""

from dataclasses import dataclass

from starlette.responses import Response

from syncd.web.frame.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """Where in a list one is. `is_more`: there are more rows than `total`, which were not counted."""

    offset: int
    limit: int
    total: int
    is_more: bool = False

    @property
    def first(self) -> int:
        """The number of the first row shown, 0 where there is none."""
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return min(self.offset + self.limit, self.total)

    @property
    def previous(self) -> int | None:
        """Where the page before begins; None on the first."""
        return max(0, self.offset - self.limit) if self.offset else None

    @property
    def next(self) -> int | None:
        """Where the page after begins; None on the last."""
        return self.offset + self.limit if self.is_more or self.offset + self.limit < self.total else None


def number_of(visit: Visit, name: str) -> int:
    """A number in the address; 0 for anything else."""
    told = visit.query(name)
    return int(told) if told.isdigit() and len(told) < 12 else 0


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def file_of(visit: Visit, text: str, name: str, kind: str = "text/csv") -> Response:
    """A file to save, named with today's date."""
    local = visit.now.astimezone(visit.times.zone)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}-{local:%Y-%m-%d}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)
