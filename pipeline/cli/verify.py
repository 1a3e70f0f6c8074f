"""`verify`: published figures beside what the respondents' answers give; the engine beside its second implementation.

Belongs here: queries and printing. Does not belong here: the comparisons (assets.trends.agreement,
assets.estimates.twin.compare).
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import duckdb
import typer

from assets.watching import counted
from pipeline.cli import bars, codes, completing, show
from schemas.problems import nearest
from warehouse import connect
from warehouse.layout import Layout
from warehouse.rows import rows

if TYPE_CHECKING:
    from assets.estimates.twin.compare import Difference

_WORDS = {
    "agrees": "agrees",
    "within_tolerance": "within tolerance",
    "differs": "DIFFERS",
    "awaits_file": "awaits its file",
    "not_computed": "NOT COMPUTED",
}


def verify(
    release: Annotated[
        str | None,
        typer.Argument(
            help="A release, or the beginning of one (chronicles/russia-war); all if left out.",
            autocompletion=completing.releases,
        ),
    ] = None,
    engine: Annotated[
        bool, typer.Option("--engine", help="Compare the two implementations of the estimates with each other instead.")
    ] = False,
    as_json: show.AsJson = False,
) -> None:
    """Compare published figures with what the respondents' answers give, each with its verdict.

    A figure agrees if the unrounded result is within half a unit of the last printed digit; a declared tolerance has
    its reason beside it. Exit code 1 if a figure differs or could not be computed although its file is there.

    With --engine the published loads are estimated again, by the compiled sums and by SQL, and the largest difference
    of every figure is printed. Exit code 1 if one is above 1e-12 (docs/statistics.md says relative to what).
    """
    if engine:
        _verify_engine(release, as_json)
        return
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
        show.data({"figures": rows, "verdicts": counts, "awaiting": absent})
    else:
        _print(rows, counts, absent)
    if counts["differs"] or counts["not_computed"]:
        raise typer.Exit(codes.FAILED)


def _figures(con: duckdb.DuckDBPyConnection, release: str | None) -> list[dict[str, Any]]:
    query = "SELECT * FROM agreement ORDER BY release, regexp_extract(cell, '[0-9]+$')::INTEGER, cell"
    return [row for row in rows(con, query) if release is None or _within(row["release"], release)]


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


def _verify_engine(release: str | None, as_json: bool) -> None:
    from assets.estimates.twin.compare import FIGURES, TOLERANCE, worst

    found, missing = {}, []
    with bars.stages(1) as bar:
        bar.stage("estimating again")
        for name, path in counted(list(_loads(Layout.from_environment(), release)), "releases compared"):
            if path.is_file():
                found[name] = _differences(path)
            else:
                missing.append(name)
    overall = [worst(figure, (of[at] for of in found.values())) for at, figure in enumerate(FIGURES)]
    if as_json:
        told = {name: [one._asdict() for one in of] for name, of in found.items()}
        show.data({"releases": told, "overall": [one._asdict() for one in overall], "without_coded_answers": missing})
    else:
        _print_differences(found, overall, missing)
    if any(one.largest > TOLERANCE for one in overall):
        raise typer.Exit(codes.FAILED)


def _loads(layout: Layout, release: str | None) -> Iterator[tuple[str, Path]]:
    """Published loads of respondents' answers, with the places of their coded answers."""
    from assets.estimates.engine.coded import NAME
    from assets.releases.ledger import Ledger
    from assets.releases.shelf import lake_folder

    live = Ledger(layout.ledger).live()
    if not live:
        raise FileNotFoundError(f"nothing is loaded in {layout.data}; run a refresh, or look at WEATHERVANE_DATA")
    if release is not None and not any(_within(name, release) for name in live):
        close = nearest(release, list(live))
        raise typer.BadParameter(f"no release {release!r} is loaded" + (f"; nearest: {close}" if close else ""))
    for name, event in live.items():
        folder = lake_folder(layout, name, event.load_vintage or 0)
        if (release is None or _within(name, release)) and (folder / "weights.parquet").is_file():
            yield name, folder / NAME


def _differences(path: Path) -> "list[Difference]":
    from assets.estimates.engine.coded import CodedFile
    from assets.estimates.twin.compare import differences, engine_sums
    from assets.estimates.twin.duck import sums

    answers = CodedFile(path)
    return differences(answers, engine_sums(answers), sums(path))


def _print_differences(
    found: "dict[str, list[Difference]]", overall: "Sequence[Difference]", missing: Sequence[str]
) -> None:
    from assets.estimates.twin.compare import TOLERANCE

    rows = [[name, *map(_difference, of)] for name, of in found.items()]
    columns = [one.figure.replace("_", " ") for one in overall]
    if found:
        show.table(["largest difference of", *columns], [*rows, ["all", *map(_difference, overall)]], right=columns)
        show.out.print()
    for one in overall:
        if one.largest > TOLERANCE:
            told = f"{one.figure.replace('_', ' ')} DIFFERS by {_difference(one)} in {one.where}"
            show.out.print(told, markup=False, soft_wrap=True)
    cells = sum(one.cells for one in overall if one.figure in ("n", "standard_error"))
    show.out.print(f"{len(found)} releases, {cells} bases and errors compared; allowed: {TOLERANCE:g}")
    if missing:
        told = f"{len(missing)} releases were loaded before coded answers were kept: weathervane rebuild --from-archive"
        show.out.print(told, soft_wrap=True)


def _difference(one: "Difference") -> str:
    if not one.cells:
        return ""
    return "only one has it" if math.isinf(one.largest) else f"{one.largest:.1e}" if one.largest else "0"
