"""Printing: tables that fit the terminal, figures as the field prints them, JSON.

Belongs here: formats shared by commands. Does not belong here: queries, decisions.
What a command was asked for goes to standard output, everything else to standard error.
"""

import datetime as dt
import decimal
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

out = Console(highlight=False)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text; docs/cli.md has its shape.")]
_NARROWEST = 8  # columns that a folded text keeps
_WORD = 12  # and more, for the sake of whole words, where there is room


def data(value: Any) -> None:
    """JSON on standard output: days as text, and what JSON has no number for (infinite, not a number) as null."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    plain = not encoding.startswith("utf")
    typer.echo(json.dumps(_plain(value), ensure_ascii=plain, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, decimal.Decimal):
        return _plain(float(value))
    if isinstance(value, dt.date | dt.datetime | dt.time):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def note(text: str) -> None:
    """A message beside what was asked for, on standard error."""
    typer.echo(text, err=True)


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


def figure(row: Mapping[str, Any], digits: int | None = None) -> str:
    """A share as it stands: with "about" and the like, as published where there is no number, or hidden.

    `digits` after the point, for shares that nobody has rounded before; by default as many as there are, at most one.
    """
    if "suppressed" in row["flags"]:
        return "hidden"
    if row["percent"] is None:
        return str(row.get("published_text") or "unknown")
    before = {"about": "about ", "more_than": "over ", "less_than": "under "}.get(row["qualifier"], "")
    traced = digits is None or row["percent"] < 0.5
    return before + (percent(row["percent"]) if traced else f"{row['percent']:.{digits}f}")


def points(value: float | None) -> str:
    """A difference in points with its sign; one that rounds to nothing has none."""
    if value is None:
        return ""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def p_value(value: float | None) -> str:
    """A p-value as the field prints it: two digits, three where it is small, and a bound where it is tiny."""
    if value is None:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None, right: Iterable[str] = ()
) -> None:
    """A plain table. Columns of `right` hold figures and are never cut: on a narrow terminal words are folded, and
    where not even that is enough the rows stand one below the other."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    figures = set(right)
    if _needed(columns, cells, figures, _NARROWEST) > out.width:
        if title:
            out.print(title, style="bold", markup=False)
        one_below_the_other(columns, cells)
        return
    roomy = needed(columns, cells, figures) <= out.width
    drawn = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for at, name in enumerate(columns):
        kept = name in figures
        whole = None if kept or not roomy else _longest_word(name, (row[at] for row in cells), _WORD)
        drawn.add_column(name, justify="right" if kept else "left", overflow="fold", no_wrap=kept, min_width=whole)
    for row in cells:
        drawn.add_row(*map(Text, row))
    out.print(drawn)


def needed(columns: Sequence[str], cells: Sequence[Sequence[str]], right: Iterable[str]) -> int:
    """Columns of a terminal that a table needs to keep words whole (those of up to `_WORD` letters)."""
    return _needed(columns, cells, set(right), _WORD)


def _needed(columns: Sequence[str], cells: Sequence[Sequence[str]], figures: set[str], most: int) -> int:
    kept = [
        max([len(name), *(len(row[at]) for row in cells)])
        if name in figures
        else _longest_word(name, (row[at] for row in cells), most)
        for at, name in enumerate(columns)
    ]
    return sum(kept) + 2 * (len(columns) - 1)


def _longest_word(name: str, cells: Iterable[str], most: int) -> int:
    return min(max(len(word) for text in (name, *cells) for word in (text.split() or [""])), most)


def records(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows as a table if it fits the terminal without folding, otherwise one below the other."""
    widths = [max([len(name), *(len(str(row[i])) for row in rows)]) for i, name in enumerate(columns)]
    if sum(widths) + 2 * (len(widths) - 1) <= out.width or len(columns) == 1:
        table(columns, rows)
    else:
        one_below_the_other(columns, rows)


def one_below_the_other(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Every row as a block of its columns, without the empty ones."""
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
    """A trend as a summary has it, in few columns; `weathervane trend` draws it. Reasons below, numbered."""
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
