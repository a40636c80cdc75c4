"""Connections: cursors over a sorted list, `first` or `last` demanded, at most 250, no paging past 25,000."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from syncd.sandbox.shopify.api.call import MAX_ARRAY, Args, Call, failure

PAGING_END = 25_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One element with its cursor."""

    cursor: str
    node: object


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """Where a page stands."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One page of a list."""

    edges: tuple[Edge, ...]
    page_info: PageInfo

    @property
    def nodes(self) -> list[object]:
        """The elements alone."""
        return [edge.node for edge in self.edges]


Key = Callable[[object], tuple[str, int]]


def paginate(call: Call, elements: Iterable[object], args: Args, key: Key) -> Connection:
    """Sort elements by `key` (a text that sorts, then the number) and cut the page the arguments ask for.

    A cursor is a place in the sort order, not an offset: an element that moves behind it is seen again.
    """
    ordered = sorted(elements, key=key, reverse=bool(args.get("reverse")))
    after, before = _place(args.get("after")), _place(args.get("before"))
    if args.get("reverse"):
        ordered = [e for e in ordered if (not after or key(e) < after) and (not before or key(e) > before)]
    else:
        ordered = [e for e in ordered if (not after or key(e) > after) and (not before or key(e) < before)]
    size = len(ordered) if call.is_bulk else page_size(args)
    skipped = _count(args.get("after"))
    size = size if call.is_bulk else min(size, max(0, PAGING_END - skipped))
    chosen = ordered[:size] if args.get("last") is None else ordered[-size:]
    edges = tuple(
        Edge(cursor=_cursor(key(element), skipped + place), node=element) for place, element in enumerate(chosen, 1)
    )
    is_cut = len(chosen) < len(ordered)
    info = PageInfo(
        has_next_page=is_cut and args.get("last") is None and skipped + len(chosen) < PAGING_END,
        has_previous_page=bool(after) or (is_cut and args.get("last") is not None),
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info)


def page_size(args: Args) -> int:
    """How many elements are asked for."""
    asked = args.get("first") if args.get("last") is None else args.get("last")
    if not isinstance(asked, int):
        raise failure("BAD_REQUEST", "you must provide one of first or last")
    if not 0 < asked <= MAX_ARRAY:
        raise failure("BAD_REQUEST", f"first and last must be between 1 and {MAX_ARRAY}, not {asked}")
    return asked


def _cursor(place: tuple[str, int], count: int) -> str:
    return base64.b64encode(json.dumps([*place, count]).encode()).decode()


def _read(cursor: object) -> tuple[str, int, int] | None:
    if cursor is None:
        return None
    try:
        text, number, count = json.loads(base64.b64decode(str(cursor), validate=True))
    except (binascii.Error, ValueError) as error:
        raise failure("BAD_REQUEST", "Invalid cursor for current pagination sort.") from error
    return str(text), int(number), int(count)


def _place(cursor: object) -> tuple[str, int] | None:
    read = _read(cursor)
    return None if read is None else read[:2]


def _count(cursor: object) -> int:
    read = _read(cursor)
    return 0 if read is None else read[2]
