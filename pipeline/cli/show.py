"""Printing for people: tables that fit the terminal, figures as the field prints them.

Belongs here: formats shared by commands. Does not belong here: queries, decisions.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

out = Console(highlight=False)


def percent(value: float | None) -> str:
    """A share as tables of the field print it: whole points or one decimal, `*` for a trace, `-` for zero."""
    if value is None:
        return ""
    if value == 0:
        return "-"
    return "*" if value < 0.5 else f"{value:.1f}".removesuffix(".0")


def interval(low: float | None, high: float | None) -> str:
    """An interval, or why there is none."""
    return "no interval" if low is None or high is None else f"{low:.1f}-{high:.1f}"


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None, right: Iterable[str] = ()
) -> None:
    """A plain table."""
    drawn = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for name in columns:
        drawn.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    out.print(drawn)


def records(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows as a table if it fits the terminal, otherwise one below the other."""
    widths = [max([len(name), *(len(str(row[i])) for row in rows)]) for i, name in enumerate(columns)]
    if sum(widths) + 2 * len(widths) <= out.width or len(columns) == 1:
        table(columns, rows)
        return
    longest = max(map(len, columns))
    for number, row in enumerate(rows, start=1):
        out.print(f"-- {number} of {len(rows)}", style="dim")
        for name, cell in zip(columns, row, strict=True):
            if cell != "":
                out.print(f"{name.rjust(longest)}  {cell}", markup=False, soft_wrap=True)


def command() -> str:
    """How to call this program from here: by its name if that finds it, otherwise by its place."""
    import os
    import shutil
    import sys

    if shutil.which("weathervane"):
        return "weathervane"
    place = os.path.relpath(sys.argv[0])
    return sys.argv[0] if place.startswith("..") else place


def trend(rows: Sequence[dict[str, Any]], title: str) -> None:
    """A trend: one line a wave, the step that leads to it, and below the table the reasons, numbered."""
    notes: list[str] = []
    table(
        ["wave", "fieldwork", "n", "percent", "95 % interval", "change", "step"],
        [
            [
                row["wave"],
                days(row["fieldwork_start"], row["fieldwork_end"]),
                row["n"] or "unknown",
                ("" if row["qualifier"] == "exact" else row["qualifier"].replace("_", " ") + " ")
                + percent(row["percent"]),
                interval(row["percent_low"], row["percent_high"]),
                "" if row["change"] is None else f"{row['change']:+.3g}",
                _step(row, notes),
            ]
            for row in rows
        ],
        title,
        right=("n", "percent", "95 % interval", "change"),
    )
    for number, note in enumerate(notes, start=1):
        out.print(f"[{number}] {note}", style="dim", markup=False)


def days(start: dt.date | None, end: dt.date | None) -> str:
    """Fieldwork in as few words as it takes."""
    if start is None or end is None:
        return "date unknown"
    if start.year != end.year:
        return f"{start:%-d %b %Y} - {end:%-d %b %Y}"
    return f"{start:%-d %b} - {end:%-d %b %Y}" if start.month != end.month else f"{start:%-d} - {end:%-d %b %Y}"


def _step(row: dict[str, Any], notes: list[str]) -> str:
    if row["comparability"] is None:
        return "first"
    marks = ""
    for reason in row["reasons"]:
        if reason not in notes:
            notes.append(reason)
        marks += f" [{notes.index(reason) + 1}]"
    return str(row["comparability"]).replace("_", " ") + marks
