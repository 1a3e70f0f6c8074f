"""A trend drawn with characters: points with interval bars against time, gaps where nothing may be joined.

Belongs here: scales, places on the grid, signs. Does not belong here: queries, tables, words about comparability
(pipeline.cli.trend). Terminal plotting libraries draw lines and bars; those looked at (plotext among them) need box
characters for their frames and join all points of a series, so neither plain ASCII nor a gap at a break could be had.

Rows of the grid stand for equal steps of percent, columns for equal times. Where waves lie closer together than the
columns they need, they are moved apart and keep their order.
"""

import datetime as dt
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.text import Text

from assets.explorer.words import whole

Step = Literal["first", "joined", "broken"]

_GUTTER = 6  # columns before the grid: a label of the axis and the axis itself
_ROWS = 12  # about so many rows of the grid; as many as the ticks divide evenly
_APART = 4  # columns between two waves, where there is room
_TICKS = (0.5, 1, 2, 5, 10, 20, 25, 50)
_MOST_TICKS = 6
_STYLES = {"point": "bold", "bar": "", "join": "dim", "gap": "yellow", "axis": "dim", "note": "yellow", "word": "dim"}


@dataclass(frozen=True)
class Mark:
    """One wave of a line.

    Attributes:
        day: middle of its fieldwork.
        percent: share, 0 to 100; None where only a range is known: the wave has its column and no point.
        low: lower end of the interval, if there is one.
        high: its upper end.
        wave: what the column is called.
        n: interviews, if known.
        sure: whether the figure is exact, has an interval and no small base; others are drawn hollow.
        step: what leads to it from the wave before.
        notes: numbers of the reasons of that step.
    """

    day: dt.date
    percent: float | None
    low: float | None
    high: float | None
    wave: str
    n: int | None
    sure: bool
    step: Step
    notes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Signs:
    """The characters of a drawing, one column wide each."""

    sure: str
    unsure: str
    bar: str
    top: str
    bottom: str
    join: str
    gap: str
    axis: str
    tick: str
    corner: str
    floor: str
    wave: str


UNICODE = Signs("●", "○", "│", "┬", "┴", "·", "┊", "│", "┤", "└", "─", "┴")
ASCII = Signs("O", "o", "|", "+", "+", ".", ":", "|", "+", "+", "-", "+")


def signs(encoding: str, plain: bool = False) -> Signs:
    """Signs that an encoding of the terminal can show; plain ASCII where it cannot, or where that is wanted."""
    if plain:
        return ASCII
    try:
        "".join(vars(UNICODE).values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def legend(of: Signs) -> str:
    """What the signs mean, in one line of at most 80 columns."""
    return (
        f"{of.sure} percent  {of.bar} 95 % interval  {of.join} joined  {of.gap} gap  "
        f"{of.unsure} inexact, no interval, small base"
    )


def draw(marks: Sequence[Mark], width: int, of: Signs) -> list[Text]:
    """The drawing, line by line, none wider than `width` (at least 24). More waves than columns: several drawings."""
    room = max(width, 24) - _GUTTER
    most = max(1, (room + 1) // 2)
    parts = [marks[start : start + most] for start in range(0, len(marks), most)]
    return [line for part in parts for line in _Grid(part, room, of).lines()]


def columns(days: Sequence[dt.date], room: int) -> list[int]:
    """A column for each day, in order, apart from each other as far as there is room.

    Args:
        days: ascending.
        room: columns there are, at least twice as many as days, less one.
    """
    span = (days[-1] - days[0]).days
    inner = room - 1 if len(days) == 1 else room - 5  # labels of the ends need some room beside them
    inner = max(inner, 2 * len(days) - 1)
    apart = max(1, min(_APART, (inner - 1) // max(1, len(days) - 1)))
    start = min(2, room - inner)
    wanted = [start + (round((day - days[0]).days / span * (inner - 1)) if span else 0) for day in days]
    for at in range(1, len(wanted)):
        wanted[at] = max(wanted[at], wanted[at - 1] + apart)
    limit = start + inner - 1
    for at in reversed(range(len(wanted))):
        wanted[at] = min(wanted[at], limit)
        limit = wanted[at] - apart
    return wanted


def scale(low: float, high: float) -> tuple[float, float, float]:
    """Bottom, top and step of an axis of percent that holds both: as few round steps as show the difference."""
    for step in _TICKS:
        bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
        if bottom == top:
            bottom, top = (bottom - step, top) if top >= 100 else (bottom, top + step)
        if (top - bottom) / step <= _MOST_TICKS:
            return max(0.0, bottom), min(100.0, top), step
    return 0.0, 100.0, 50.0


class _Grid:
    """One drawing, built up sign by sign."""

    def __init__(self, marks: Sequence[Mark], room: int, of: Signs) -> None:
        self.marks, self.room, self.of = marks, room, of
        self.columns = columns([mark.day for mark in marks], room)
        known = [value for mark in marks for value in (mark.percent, mark.low, mark.high) if value is not None]
        self.bottom, self.top, self.step = scale(min(known, default=0.0), max(known, default=100.0))
        self.between = max(1, round(_ROWS / self.ticks))  # rows from one tick to the next
        self.cells: list[list[tuple[str, str]]] = [[(" ", "")] * room for _ in range(self.ticks * self.between + 1)]

    @property
    def ticks(self) -> int:
        return round((self.top - self.bottom) / self.step)

    def lines(self) -> list[Text]:
        pairs = list(zip(self.marks, self.columns, strict=True))
        for (one, left), (two, right) in itertools.pairwise(pairs):
            self._step(one, left, two, right)
        for mark, column in pairs:
            self._bar(mark, column)
        for mark, column in pairs:
            if mark.percent is not None:
                self._put(self._row(mark.percent), column, self.of.sure if mark.sure else self.of.unsure, "point")
        noted = [
            (", ".join(map(str, mark.notes)), self._before(at)) for at, mark in enumerate(self.marks) if mark.notes
        ]
        above = self._labels([(f"[{text}]", column) for text, column in noted])
        head = [self._line("", " ", above, "note")] if above.strip() else []
        return [*head, *self._body(), self._floor(), *self._below()]

    def _row(self, percent: float) -> int:
        share = (self.top - percent) / (self.top - self.bottom)
        return min(max(math.floor(share * (len(self.cells) - 1) + 0.5), 0), len(self.cells) - 1)

    def _put(self, row: int, column: int, sign: str, style: str) -> None:
        self.cells[row][column] = (sign, style)

    def _before(self, at: int) -> int:
        """The column in the middle of the step that leads to a wave."""
        return self.columns[at] if at == 0 else (self.columns[at - 1] + self.columns[at]) // 2

    def _step(self, one: Mark, left: int, two: Mark, right: int) -> None:
        if two.step == "broken":
            for row in range(len(self.cells)):
                self._put(row, (left + right) // 2, self.of.gap, "gap")
        elif one.percent is not None and two.percent is not None:
            for column in range(left + 1, right):
                share = (column - left) / (right - left)
                self._put(self._row(one.percent + share * (two.percent - one.percent)), column, self.of.join, "join")

    def _bar(self, mark: Mark, column: int) -> None:
        if mark.low is None or mark.high is None:
            return
        first, last = self._row(mark.high), self._row(mark.low)
        for row in range(first, last + 1):
            sign = self.of.top if row == first else self.of.bottom if row == last else self.of.bar
            self._put(row, column, sign if first < last else " ", "bar")

    def _body(self) -> list[Text]:
        rows = []
        for number, cells in enumerate(self.cells):
            tick = number % self.between == 0
            label = f"{self.top - number / self.between * self.step:g}" if tick else ""
            line = self._line(label, self.of.tick if tick else self.of.axis, "", "")
            for sign, style in cells:
                line.append(sign, _STYLES.get(style, ""))
            line.rstrip()
            rows.append(line)
        return rows

    def _floor(self) -> Text:
        text = [self.of.floor] * self.room
        for column in self.columns:
            text[column] = self.of.wave
        return self._line("%", self.of.corner, "".join(text), "axis")

    def _below(self) -> list[Text]:
        """What the columns are: date, wave, percent, n; as far as they fit. The table has all of them."""
        days = [mark.day for mark in self.marks]
        spelled = "%Y" if (days[-1] - days[0]).days > 4 * 366 else "%b %Y"
        rows = [("", [day.strftime(spelled) for day in days])]
        waves = [mark.wave for mark in self.marks]
        if waves != rows[0][1]:
            rows.append(("wave", waves))
        rows.append(("share", [whole(mark.percent) or "?" for mark in self.marks]))
        rows.append(("n", ["?" if m.n is None else str(m.n) for m in self.marks]))
        texts = [(label, self._labels(list(zip(told, self.columns, strict=True)))) for label, told in rows]
        return [self._line(label, " ", text.rstrip(), "word") for label, text in texts]

    def _labels(self, told: Sequence[tuple[str, int]]) -> str:
        """Words centred at their columns: the first, the last, then what fits between."""
        line = [" "] * self.room
        for at in dict.fromkeys([0, len(told) - 1, *range(len(told))] if told else []):
            word, column = told[at]
            start = min(max(0, column - len(word) // 2), self.room - len(word))
            around = line[max(0, start - 1) : start + len(word) + 1]
            if len(word) <= self.room and all(sign == " " for sign in around):
                line[start : start + len(word)] = word
        return "".join(line)

    def _line(self, label: str, axis: str, text: str, style: str) -> Text:
        line = Text(no_wrap=True)
        line.append(f"{label:>{_GUTTER - 1}}{axis}", _STYLES["axis"])
        line.append(text, _STYLES.get(style, ""))
        return line
