"""The sales log as CSV, for spreadsheets: streamed, read in parts, nothing in it is taken for a formula."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime

from syncd.engine.sales import SaleRow

AT_ONCE = 500
COLUMNS = (
    *("at", "connection", "order", "order_id", "kind", "sku", "title", "quantity", "unit_price", "currency"),
    *("state", "backoffice_id", "invoice_no"),
)
# What no spreadsheet shows may stand before the sign; the full-width signs are signs in some of them.
_FORMULA = re.compile(r"[\s\x00-\x1f\u200b-\u200f\u2060\ufeff]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]|[\x00-\x1f]")

ReadPart = Callable[[tuple[datetime, int] | None], list[SaleRow]]


def lines(read_part: ReadPart) -> Iterator[str]:
    """The header, then each row. `read_part` gives up to AT_ONCE rows after a time and id."""
    yield _line(COLUMNS)
    before = None
    while rows := read_part(before):
        for row in rows:
            yield _line([_cell(getattr(row, column)) for column in COLUMNS])
        before = (rows[-1].at, rows[-1].id)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and _FORMULA.match(text) else text


def _line(cells: "list[str] | tuple[str, ...]") -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
