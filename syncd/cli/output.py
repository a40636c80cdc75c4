"""What a command prints: data to standard output, as a table or as JSON; words and progress to standard error."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

Row = TypeVar("Row")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

WIDE = 400
"""Columns that a table may take where nobody looks at it: nothing is cut then."""


def print_json(value: object) -> None:
    """One JSON document. Values are dataclasses, rows or plain; times are ISO 8601, money is text."""
    sys.stdout.write(to_json(value, indent=2).decode() + "\n")


def print_rows(rows: Iterable[Row], columns: Mapping[str, Callable[[Row], object]], *, empty: str = "") -> None:
    """A table, one line a row; `empty` is said where there are none."""
    listed = list(rows)
    if not listed:
        say(empty or "Nothing to show.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    cells = [[_text(read(row)) for read in columns.values()] for row in listed]
    for at, name in enumerate(columns):
        is_number = all(_is_number(line[at]) for line in cells)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for line in cells:
        table.add_row(*(Text(cell) for cell in line))
    _console().print(table)


def print_facts(facts: Mapping[str, object]) -> None:
    """Names and values, one a line."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        sys.stdout.write(f"{name.ljust(width)}  {_text(value)}\n")


def print_line(words: str) -> None:
    """A line of data."""
    sys.stdout.write(words + "\n")


def say(words: str) -> None:
    """Tell the person something; never data."""
    sys.stderr.write(words + "\n")


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on a terminal, nothing elsewhere; what is yielded takes how much is done, and of how much."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=WIDE, no_color=True)


def _text(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case True:
            return "yes"
        case False:
            return "no"
        case datetime():
            return value.astimezone().isoformat(" ", "seconds")
        case list() | tuple() | set():
            return ", ".join(_text(each) for each in value) or "-"
        case dict():
            return ", ".join(f"{name} {_text(each)}" for name, each in value.items()) or "-"
        case _:
            return str(value)


def _is_number(cell: str) -> bool:
    return cell == "-" or cell.lstrip("-").isdigit()
