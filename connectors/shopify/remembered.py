"""Orders that were read whole, so that a pull reads only those that have changed since.

A pull reaches back over what Shopify's search index may have told late, and so lists the same orders again and again.
The list is cheap and an order is dear. Losing this memory costs calls and nothing else.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.sdk.answer import Answer
from connectors.sdk.reader import Reader
from connectors.sdk.values import OrderSnapshot

SETTLED = timedelta(seconds=10)
"""Changes are stamped in whole seconds, and a replica may answer that is some seconds behind."""
MOST = 5000
WITHOUT_RETURN = "NO_RETURN"

# What the list tells as well; these cost nothing.
_PARTS = ("updatedAt", "displayFinancialStatus", "returnStatus", "cancelledAt", "currentSubtotalLineItemsQuantity")
Mark = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    mark: Mark
    order: OrderSnapshot


class Remembered:
    """The last `most` orders of one store that were read. Safe to use from several threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, listed: Reader) -> OrderSnapshot | None:
        """The order of a row of the list, if it was read and has surely not changed since."""
        with self._lock:
            kept = self._kept.get(listed.text("id"))
            if kept is None or kept.mark != _mark(listed):
                return None
            self._kept.move_to_end(listed.text("id"))
            return kept.order

    def keep(self, row: Reader, order: OrderSnapshot, answer: Answer) -> None:
        """Remember an order that was read in this answer, unless it may have changed within the same second.

        Nor one with a return: Shopify does not say whether goods that are put back later touch the order.
        """
        with self._lock:
            self._kept.pop(row.text("id"), None)
            if row.text("returnStatus") == WITHOUT_RETURN and read_at(answer) >= row.time("updatedAt") + SETTLED:
                self._kept[row.text("id")] = _Kept(_mark(row), order)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def read_at(answer: Answer) -> datetime:
    """The earliest moment, by Shopify's clock, at which the answer may have been put together."""
    return answer.platform_at - (answer.answered_at - answer.began_at)


def _mark(row: Reader) -> Mark:
    return tuple(row.fields.get(part) for part in _PARTS)
