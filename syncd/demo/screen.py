"""What the demo shows: a table that moves on a terminal, plain lines elsewhere."""

import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from syncd.demo.measure import Measure, summary

PLAIN_EVERY = 5.0
EVENTS = 8


@dataclass(slots=True, kw_only=True)
class Screen:
    """Prints. `is_live` shows the moving table; else a line every few seconds says the same in short."""

    is_live: bool
    console: Console = field(default_factory=lambda: Console(file=sys.stdout, highlight=False))
    _events: deque[str] = field(default_factory=lambda: deque(maxlen=EVENTS))
    _live: Live | None = None
    _said_at: float = 0.0

    def say(self, words: str) -> None:
        """One line that stays."""
        self.console.print(words, markup=False, soft_wrap=True)
        self.console.file.flush()

    def command(self, line: str) -> None:
        """A command as somebody would type it."""
        self.console.print(Text(f"$ {line}", style="bold cyan"), soft_wrap=True)
        self.console.file.flush()

    def event(self, words: str) -> None:
        """Something that happened in town."""
        self._events.append(words)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Show the moving table for the length of a block."""
        if not self.is_live:
            yield
            return
        with Live(console=self.console, refresh_per_second=8, transient=False) as self._live:
            yield
        self._live = None

    def show(
        self,
        stock: Mapping[str, Mapping[str, int]],
        truth: Mapping[str, int],
        sold: Mapping[str, int],
        measure: Measure,
        left: float,
    ) -> None:
        """The state of the town just now; `left` seconds of buying remain."""
        if self._live is not None:
            self._live.update(Group(_table(stock, truth), _facts(sold, measure, left), Text("\n".join(self._events))))
        elif not self.is_live and time.monotonic() - self._said_at >= PLAIN_EVERY:
            self._said_at = time.monotonic()
            behind = sum(shows[sku] != max(0, truth[sku]) for shows in _stores(stock).values() for sku in truth)
            self.say(
                f"{left:4.0f} s left · sold {sum(sold.values())} units · {behind} numbers on their way · "
                f"to the other store: {summary(measure.lags)}"
            )


def _stores(stock: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    return {name: shows for name, shows in stock.items() if name != "prokip"}


def _table(stock: Mapping[str, Mapping[str, int]], truth: Mapping[str, int]) -> Table:
    table = Table(expand=False)
    table.add_column("SKU")
    table.add_column("may be sold", justify="right")
    for name in stock:
        table.add_column(name, justify="right")
    for sku, left in truth.items():
        table.add_row(sku, str(left), *(_cell(name, shows[sku], left) for name, shows in stock.items()))
    return table


def _cell(place: str, shown: int, left: int) -> Text:
    """A store's number is green when it is right; the back office also counts what unpaid orders hold."""
    if place == "prokip":
        return Text(str(shown))
    return Text(str(shown), style="green" if max(0, shown) == max(0, left) else "yellow")


def _facts(sold: Mapping[str, int], measure: Measure, left: float) -> Text:
    words = ", ".join(f"{place} {units}" for place, units in sorted(sold.items())) or "nothing yet"
    return Text(f"units sold: {words}\nto the other store: {summary(measure.lags)}\n{max(0.0, left):.0f} s left\n")


def print_verdict(screen: Screen, lines: Sequence[tuple[str, str]], wrong: Sequence[str]) -> None:
    """The end of the demo."""
    screen.say("\nVERDICT, from the books of the stores and of the back office")
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        screen.say(f"  {name:<{width}}  {value}")
    for words in wrong[:20]:
        screen.say(f"  WRONG: {words}")
    screen.say("  Something is wrong." if wrong else "  Every promise was kept.")
