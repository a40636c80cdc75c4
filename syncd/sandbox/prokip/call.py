"""One authenticated request to the connector dialect, taken apart, and what of the business the faults let it see."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TypeVar

from syncd.sandbox.prokip.business import Business, as_id
from syncd.sandbox.prokip.faults import Faults
from syncd.sandbox.prokip.paging import Page
from syncd.sandbox.prokip.records import Product
from syncd.sandbox.prokip.shapes import Quantities

Row = TypeVar("Row")
Answer = tuple[int, object]

SERVER_ERROR: Answer = (500, {"message": "Server Error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated request, taken apart."""

    business: Business
    faults: Faults
    random: Random
    host: str
    page: Page
    query: Mapping[str, str]
    form: Mapping[str, object]
    may_view_sells: bool = True
    lossy_filters: frozenset[str] = frozenset()
    hides_drafts: bool = False

    def unordered(self, found: Iterable[Row]) -> list[Row]:
        """Rows of a list that promises no order."""
        listed = list(found)
        if self.faults.shuffle_unordered:
            self.random.shuffle(listed)
        return listed

    def products(self) -> list[Product]:
        """The catalogue by id, as far as the faults let it be seen."""
        listed = [item for item in self.business.products.values() if not item.is_deleted]
        if self.faults.empty_stock:
            return []
        return listed[: len(listed) // 2] if self.faults.half_catalogue else listed

    def quantities(self) -> Quantities:
        """Quantities that differ from the present ones because a cache is stale."""
        if not self.faults.stale_seconds:
            return {}
        return self.business.quantities_at(self.business.clock() - timedelta(seconds=self.faults.stale_seconds))

    @property
    def location_id(self) -> int | None:
        """The location that the list is narrowed to."""
        return as_id(self.query["location_id"]) if self.query.get("location_id") else None


Handler = Callable[[Call, str], Answer]


def like(term: str, text: str) -> bool:
    """MySQL's `LIKE '%term%'`: no respect for case, and wildcards in the term work."""
    pattern = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in term)
    return re.search(pattern, text, re.IGNORECASE | re.DOTALL) is not None
