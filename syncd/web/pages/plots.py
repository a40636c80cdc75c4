"""Charts as SVG from the server: shapes in a box that the page stretches, axes and words beside it in HTML.

Zero is always on the axis. Nothing here knows what is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH = 1000
HEIGHT = 100
COLOURS = 4
"""Series that have a colour of their own; the others share the last one."""
_STEPS = (1, 2, 2.5, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One rectangle."""

    series: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Shapes in a box of WIDTH by HEIGHT, and the words on the value axis from the top to 0."""

    marks: tuple[float, ...]
    axis: float
    bars: tuple[Bar, ...] = ()
    lines: tuple[str, ...] = ()
    area: str = ""
    end: tuple[float, float] | None = None

    @property
    def grid(self) -> tuple[float, ...]:
        """Heights of the lines across, the axis left out."""
        return tuple(round(self.y(mark), 2) for mark in self.marks if mark != 0)

    def y(self, value: float) -> float:
        """Where a value lies."""
        top, low = self.marks[0], self.marks[-1]
        return HEIGHT * (top - value) / (top - low)


def marks_for(highest: float, lowest: float = 0.0) -> tuple[float, ...]:
    """Three or four round values from the top down, 0 among them."""
    span = max(highest, 1e-9)
    step = _round_up(span / 3)
    above = [step * n for n in range(int(-(-span // step)), -1, -1)]
    below = [] if lowest >= 0 else [-step * n for n in range(1, int(-(lowest // step)) + 1)]
    return (*above, *below)


def _round_up(value: float) -> float:
    size = 1.0
    while value > size * 10:
        size *= 10
    while value <= size and size > 1e-3:
        size /= 10
    return next(step * size for step in (*_STEPS, 10) if step * size >= value)


def stacked_bars(series: Sequence[Sequence[Decimal]], parts: int) -> Plot:
    """A bar for each part, the series on top of each other; what is below zero is left out."""
    totals = [sum((max(Decimal(0), each[n]) for each in series), Decimal(0)) for n in range(parts)]
    marks = marks_for(float(max(totals, default=Decimal(0))) or 1.0)
    pitch = WIDTH / max(1, parts)
    bars = []
    for n in range(parts):
        level = 0.0
        for index, each in enumerate(series):
            height = HEIGHT * float(max(Decimal(0), each[n])) / marks[0]
            if height > 0:
                level += height
                bars.append(_bar(index, n, pitch, level, height))
    return Plot(marks=marks, axis=float(HEIGHT), bars=tuple(bars))


def _bar(index: int, n: int, pitch: float, level: float, height: float) -> Bar:
    return Bar(
        series=min(index, COLOURS - 1) + 1,
        x=round(n * pitch + pitch * 0.24, 2),
        y=round(HEIGHT - level, 2),
        width=round(pitch * 0.52, 2),
        height=round(height, 2),
    )


def polylines(series: Sequence[Sequence[float | None]]) -> Plot:
    """Lines through values at even distances; a gap where there is none."""
    known = [value for each in series for value in each if value is not None]
    marks = marks_for(max(known, default=1.0) or 1.0)
    plot = Plot(marks=marks, axis=float(HEIGHT))
    lines = tuple(_path(plot, each) for each in series)
    return Plot(marks=marks, axis=float(HEIGHT), lines=lines)


def _path(plot: Plot, values: Sequence[float | None]) -> str:
    pitch = WIDTH / max(1, len(values) - 1)
    words, is_down = [], False
    for n, value in enumerate(values):
        if value is not None:
            words.append(f"{'L' if is_down else 'M'}{n * pitch:.1f} {plot.y(value):.2f}")
            if not is_down and (n + 1 == len(values) or values[n + 1] is None):
                words.append("h-8" if n + 1 == len(values) else "h8")  # a value alone is a short line
        is_down = value is not None
    return "".join(words)


def steps(points: Sequence[tuple[float, int]]) -> Plot:
    """A line of steps with the area under it; each point is a share of the width and the value from there on."""
    values = [value for _, value in points]
    marks = marks_for(float(max(*values, 1)), float(min(*values, 0)))
    plot = Plot(marks=marks, axis=0.0)
    path = ""
    for n, (share, value) in enumerate(points):
        path += f"M{share * WIDTH:.1f} {plot.y(value):.2f}" if n == 0 else f"H{share * WIDTH:.1f}V{plot.y(value):.2f}"
    path += f"H{WIDTH}"
    zero, first = plot.y(0), points[0][0] * WIDTH
    return Plot(
        marks=marks,
        axis=round(zero, 2),
        lines=(path,),
        area=f"{path}V{zero:.2f}H{first:.1f}Z",
        end=(float(WIDTH), round(plot.y(values[-1]), 2)),
    )
