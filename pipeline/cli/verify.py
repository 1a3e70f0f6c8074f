"""`verify`: published figures beside what the respondents' answers give.

Belongs here: queries and printing. Does not belong here: the comparison (assets.trends.agreement).
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import duckdb
import typer

from pipeline.cli import look, show
from schemas.problems import nearest
from warehouse import connect
from warehouse.layout import Layout

DISAGREE = 1
_WORDS = {
    "agrees": "agrees",
    "within_tolerance": "within tolerance",
    "differs": "DIFFERS",
    "awaits_file": "awaits its file",
    "not_computed": "NOT COMPUTED",
}


def verify(
    release: Annotated[
        str | None, typer.Argument(help="A release, or the beginning of one (chronicles/russia-war); all if left out.")
    ] = None,
    as_json: look.AsJson = False,
) -> None:
    """Compare published figures with what the respondents' answers give, each with its verdict.

    A figure agrees if the unrounded result is within half a unit of the last printed digit; a declared tolerance has
    its reason beside it. Exit code 1 if a figure differs or could not be computed although its file is there.
    """
    con = connect.read(Layout.from_environment().link)
    try:
        rows = _figures(con, release)
        waiting = [row[0] for row in con.execute("SELECT DISTINCT release FROM awaiting ORDER BY 1").fetchall()]
        known = [row[0] for row in con.execute("SELECT DISTINCT release FROM agreement").fetchall()]
    finally:
        con.close()
    absent = [name for name in waiting if release is None or _within(name, release)]
    if not rows and not absent and release is not None:
        close = nearest(release, known)
        raise typer.BadParameter(
            f"no published figures of {release!r} to compare" + (f"; nearest: {close}" if close else "")
        )
    counts = Counter(row["verdict"] for row in rows)
    if as_json:
        typer.echo(json.dumps({"figures": rows, "verdicts": counts, "awaiting": absent}, default=str))
    else:
        _print(rows, counts, absent)
    if counts["differs"] or counts["not_computed"]:
        raise typer.Exit(DISAGREE)


def _figures(con: duckdb.DuckDBPyConnection, release: str | None) -> list[dict[str, Any]]:
    rows = look.rows(con, "SELECT * FROM agreement ORDER BY release, regexp_extract(cell, '[0-9]+$')::INTEGER, cell")
    return [row for row in rows if release is None or _within(row["release"], release)]


def _within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix.rstrip("/") + "/")


def _print(rows: Sequence[dict[str, Any]], counts: Counter[str], absent: Sequence[str]) -> None:
    notes: list[str] = []
    for name in dict.fromkeys(row["release"] for row in rows):
        members = [row for row in rows if row["release"] == name]
        columns = ["figure", "published", "recomputed", "verdict"]
        table = [[_about(row), row["published_text"], _recomputed(row), _verdict(row, notes)] for row in members]
        show.table(columns, table, name, right=("published", "recomputed"))
        show.out.print()
    for number, note in enumerate(notes, start=1):
        show.out.print(f"[{number}] {note}", style="dim", markup=False)
    said = ", ".join(f"{counts[key]} {word}" for key, word in _WORDS.items() if counts[key])
    show.out.print(f"{len(rows)} published figures: {said or 'none'}")
    if absent:
        show.out.print(
            f"{len(absent)} releases await their files, so their figures are not compared; "
            "weathervane status says where to get them",
            soft_wrap=True,
        )


def _about(row: dict[str, Any]) -> str:
    what = [row["item"] or "the sample", row["category"]]
    group = None if row["subgroup"] == "total" else f"{row['subgroup']}: {row['subgroup_value']}"
    statistic = None if row["statistic"] == "percent" else row["statistic"].replace("_", " ")
    return ", ".join(part for part in (*what, group, statistic) if part)


def _recomputed(row: dict[str, Any]) -> str:
    if row["recomputed"] is None:
        return ""
    text = row["published_text"]
    digits = len(text.partition(".")[2])
    return f"{row['recomputed']:.{digits + 2}f}"


def _verdict(row: dict[str, Any], notes: list[str]) -> str:
    mark = ""
    if row["verdict"] in ("within_tolerance", "differs") and row["note"]:
        if row["note"] not in notes:
            notes.append(row["note"])
        mark = f" [{notes.index(row['note']) + 1}]"
    return _WORDS[row["verdict"]] + mark
