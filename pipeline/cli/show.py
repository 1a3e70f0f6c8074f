"""Printing for people: tables that fit the terminal, figures as the field prints them.

Belongs here: formats shared by commands. Does not belong here: queries, decisions.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

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
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(drawn)


def trend(rows: Sequence[dict[str, Any]], title: str) -> None:
    """A trend: one line a wave, and the step that leads to it."""
    table(
        ["wave", "fieldwork", "n", "percent", "95 % interval", "change", "step"],
        [
            [
                row["wave"],
                f"{row['fieldwork_start']} to {row['fieldwork_end']}",
                row["n"] or "unknown",
                ("" if row["qualifier"] == "exact" else f"{row['qualifier'].replace('_', ' ')} ")
                + percent(row["percent"]),
                interval(row["percent_low"], row["percent_high"]),
                "" if row["change"] is None else f"{row['change']:+g}",
                _step(row),
            ]
            for row in rows
        ],
        title,
        right=("n", "percent", "95 % interval", "change"),
    )


def _step(row: dict[str, Any]) -> str:
    if row["comparability"] is None:
        return "first"
    reasons = "; ".join(row["reasons"])
    return str(row["comparability"]).replace("_", " ") + (f": {reasons}" if reasons else "")
