"""Lists of a shop, row by row: pages that shift under our feet, and hosts that drop the page number."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.sdk.answer import Answer, whole_header
from connectors.sdk.errors import Unavailable
from connectors.sdk.reader import Reader
from connectors.woocommerce.client import PAGE, WooClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list of the API: where it is and what is asked of it."""

    path: str
    operation: str
    params: Mapping[str, str]


def rows_of(answer: Answer, what: str) -> list[Reader]:
    """The rows of an answer that is a list; Unavailable where it is something else."""
    document = answer.json()
    if not isinstance(document, list):
        raise Unavailable("The shop answered with something that is no list.", operation=what)
    return [Reader.of(row, f"{what}, row {number}") for number, row in enumerate(document, start=1)]


def by_number(client: WooClient, listing: Listing, *, is_bulk: bool = False) -> Iterator[list[Reader]]:
    """Pages in the order of ids, each row once.

    Where the list has become shorter since the page before, rows have moved to pages already read: they are read again.
    """
    seen: set[str] = set()
    number, furthest, total = 1, 0, 0
    while True:
        query = {"orderby": "id", "order": "asc", **listing.params, "per_page": str(PAGE), "page": str(number)}
        answer = client.read(listing.path, listing.operation, query, is_bulk=is_bulk)
        rows = rows_of(answer, listing.operation)
        fresh = [row for row in rows if row.id("id") not in seen]
        seen.update(row.id("id") for row in fresh)
        if rows and not fresh and number > furthest:
            raise _same_again(listing)
        yield fresh
        before, total = total, _header(answer, "x-wp-total", total)
        lost = max(0, before - total)
        if not lost and _is_last(answer, rows, number):
            return
        furthest = max(furthest, number)
        number = max(1, number - math.ceil(lost / PAGE)) if lost else number + 1


def _is_last(answer: Answer, rows: list[Reader], number: int) -> bool:
    """By the shop's own count of pages: plugins may hide rows, so that a page is short and not the last."""
    return not rows or number >= _header(answer, "x-wp-totalpages", number if len(rows) < PAGE else number + 1)


def _header(answer: Answer, name: str, otherwise: int) -> int:
    told = whole_header(answer.headers.get(name))
    return otherwise if told is None else told


def _same_again(listing: Listing) -> Unavailable:
    return Unavailable("The host gives the same page again and again.", operation=listing.operation)


def by_time(
    client: WooClient, listing: Listing, *, order_by: str, since: datetime, at: Callable[[Reader], datetime]
) -> Iterator[tuple[Reader, datetime]]:
    """Rows at or after `since`, oldest first, each with the platform's time of its page.

    Goes on from the last time seen, not by page numbers: a row that changes meanwhile moves to the end, and would push
    another one out of the pages still to come. The shop's bound is exclusive and in whole seconds; naive UTC with
    `dates_are_gmt` is the one form that it does not read an hour wrong.
    """
    bound, number, told = since.replace(microsecond=0) - timedelta(seconds=1), 1, set[tuple[str, datetime]]()
    name = "modified_after" if order_by == "modified" else "after"
    while True:
        query = {
            **listing.params,
            name: bound.replace(tzinfo=None).isoformat(timespec="seconds"),
            "dates_are_gmt": "true",
            "orderby": order_by,
            "order": "asc",
            "per_page": str(PAGE),
            "page": str(number),
        }
        answer = client.read(listing.path, listing.operation, query)
        rows = rows_of(answer, listing.operation)
        fresh = [row for row in rows if (row.id("id"), at(row)) not in told]
        told.update((row.id("id"), at(row)) for row in fresh)
        yield from ((row, answer.platform_at) for row in fresh)
        if _is_last(answer, rows, number):
            return
        if not fresh and number > 1:
            raise _same_again(listing)
        next_bound = at(rows[-1]) - timedelta(seconds=1)
        bound, number = (next_bound, 1) if next_bound > bound else (bound, number + 1)
