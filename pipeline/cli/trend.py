"""`trend`: the line of an item in every house, drawn in the terminal, with the table of its waves below.

Belongs here: the query, what stands where, words below a drawing. Does not belong here: characters of the drawing
(pipeline.cli.drawing), whether waves compare (assets.trends; read from the table `trends`).
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any

import duckdb
import typer

from assets import words
from pipeline.cli import completing, drawing, naming, show
from warehouse import connect
from warehouse.layout import Layout
from warehouse.rows import rows

EVERYONE = ("total", "all")
_LINE = ("organisation", "series", "category", "label", "subgroup", "subgroup_value")
_QUERY = """
SELECT
    t.organisation, t.series, t.category, c.label, t.subgroup, t.subgroup_value,
    t.wave, t.fieldwork_start, t.fieldwork_end, t.percent, t.percent_low, t.percent_high, t.standard_error, t.n,
    e.n_effective, t.qualifier, e.published_text, e.basis, t.predecessor, t.change, t.comparability, t.reasons,
    t.segment, t.flags, t.wording, t.source_url, t.estimate_id
FROM trends AS t
JOIN categories AS c ON c.item = t.item AND c.category = t.category
LEFT JOIN estimates AS e
    ON e.item = t.item AND e.organisation = t.organisation AND e.series = t.series AND e.wave = t.wave
    AND e.category = t.category AND e.subgroup = t.subgroup AND e.subgroup_value = t.subgroup_value
WHERE t.item = ?
ORDER BY t.organisation, t.series, t.subgroup <> 'total', t.subgroup, c.position, t.subgroup_value, t.position
"""
_OUTSIDE = """
SELECT count(*) FROM estimates WHERE item = ? AND subgroup = 'total' AND (fieldwork_start IS NULL
    OR list_contains(flags, 'provisional') OR list_contains(flags, 'outside_trends'))
"""
Category = Annotated[
    str | None,
    typer.Option("--category", "-c", help="One answer; all if left out.", autocompletion=completing.categories),
]
Series = Annotated[
    list[str] | None,
    typer.Option(
        "--series", help="organisation/series, or one of the two; may be repeated.", autocompletion=completing.series
    ),
]
Subgroup = Annotated[
    list[str] | None,
    typer.Option(
        "--subgroup",
        help="A banner (gender), or one column of it (gender=women); may be repeated. Everyone if left out.",
        autocompletion=completing.subgroups,
    ),
]


@dataclass(frozen=True)
class Line:
    """One category of one house's series in one column of a banner, wave by wave."""

    organisation: str
    series: str
    category: str
    label: str
    subgroup: str
    subgroup_value: str
    waves: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """The line as `--json` prints it."""
        return {**{name: getattr(self, name) for name in _LINE}, "waves": self.waves}


def trend(
    item: Annotated[str, typer.Argument(help="Id of an item, or words of it.", autocompletion=completing.items)],
    category: Annotated[
        str | None, typer.Argument(help="One answer; all if left out.", autocompletion=completing.categories)
    ] = None,
    chosen: Category = None,
    series: Series = None,
    subgroup: Subgroup = None,
    plain: Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters only.")] = False,
    as_json: show.AsJson = False,
) -> None:
    """Draw the trend of an item: points with 95 % intervals against time, gaps where waves do not compare.

    Below each drawing stand the waves with n, effective n and what the step to them is worth. Houses are never drawn
    as one line.
    """
    if category and chosen and category != chosen:
        raise typer.BadParameter(f"two categories: {category!r} and {chosen!r}", param_hint="--category")
    con = connect.read(Layout.from_environment().link)
    try:
        item = naming.item(con, item)
        every = lines(con, item)
        found = narrowed(con, item, every, category or chosen, series, subgroup)
        title, wording = con.execute("SELECT title, wording FROM items WHERE item = ?", [item]).fetchone() or ("", "")
        outside = (con.execute(_OUTSIDE, [item]).fetchone() or (0,))[0]
        apart = [
            row[0] for row in con.execute("SELECT unnest(apart_from) FROM items WHERE item = ?", [item]).fetchall()
        ]
    finally:
        con.close()
    if as_json:
        told = [line.as_dict() for line in found]
        show.data(
            {
                "item": item,
                "title": title,
                "wording": wording,
                "lines": told,
                "outside_trends": outside,
                "apart_from": apart,
            }
        )
        return
    show.out.print(f"{title}\n{wording}\n", markup=False)
    draw(found, plain)
    if not found:
        show.out.print(_nothing(every))
    if outside:
        show.out.print(f"outside the trend (not reviewed, excluded or undated; see estimates): {outside}", style="dim")
    for text in apart:
        show.out.print(f"not the same: {text}", style="dim", markup=False)


def _nothing(every: Sequence[Line]) -> str:
    """Why there is no line to show."""
    if not every:
        return "no reviewed wave with a date: nothing can be put in order"
    there = list(dict.fromkeys(line.subgroup for line in every if line.subgroup != EVERYONE[0]))
    more = f"; there are figures by {naming.listed(there)} (--subgroup {there[0]})" if there else ""
    return f"no figures for everyone asked{more}" if there else "no reviewed wave with a date has these figures"


def lines(con: duckdb.DuckDBPyConnection, item: str) -> list[Line]:
    """Every line of an item, columns of banners included."""
    found = []
    for key, members in groupby(rows(con, _QUERY, [item]), lambda row: tuple(row[name] for name in _LINE)):
        waves = [{name: row[name] for name in row if name not in _LINE} for row in members]
        found.append(Line(**dict(zip(_LINE, key, strict=True)), waves=waves))
    return found


def narrowed(
    con: duckdb.DuckDBPyConnection,
    item: str,
    found: Sequence[Line],
    category: str | None,
    series: Sequence[str] | None,
    subgroup: Sequence[str] | None,
) -> list[Line]:
    """The lines that were asked for; everyone's, if no subgroup was.

    Raises:
        typer.BadParameter: a name is none of those of this item.
    """
    if category:
        rows = con.execute("SELECT category FROM categories WHERE item = ? ORDER BY position", [item]).fetchall()
        naming.one_of("category", category, [row[0] for row in rows])
        found = [line for line in found if line.category == category]
    if series:
        known = list(dict.fromkeys((line.organisation, line.series) for line in found))
        wanted = [pair for asked in series for pair in naming.series(asked, known)]
        found = [line for line in found if (line.organisation, line.series) in wanted]
    columns = list(dict.fromkeys((line.subgroup, line.subgroup_value) for line in found))
    kept = [pair for asked in subgroup for pair in naming.subgroup(asked, columns)] if subgroup else [EVERYONE]
    return [line for line in found if (line.subgroup, line.subgroup_value) in kept]


def draw(found: Sequence[Line], plain: bool = False) -> None:
    """Print lines house by house: drawing and table of each, then the reasons that they number."""
    signs = drawing.signs(getattr(sys.stdout, "encoding", None) or "ascii", plain)
    if any(len(line.waves) > 1 for line in found):
        show.out.print(drawing.legend(signs), style="dim", markup=False)
        show.out.print()
    notes: list[str] = []
    for house, members in groupby(found, lambda line: (line.organisation, line.series)):
        told = len(notes)
        for line in members:
            group = "" if line.subgroup == "total" else f"   {line.subgroup}: {line.subgroup_value}"
            show.out.print(f"{' / '.join(house)}   {line.category}{group}", style="bold", markup=False)
            if line.label and line.label != line.category:
                show.out.print(line.label, markup=False)
            if len(line.waves) > 1:
                for text in drawing.draw([_mark(row, notes) for row in line.waves], show.out.width, signs):
                    show.out.print(text)
            table(line.waves, notes)
            show.out.print()
        for number, note in enumerate(notes[told:], start=told + 1):
            show.out.print(f"[{number}] {note}", markup=False)
        if notes[told:]:
            show.out.print()


def table(waves: Sequence[dict[str, Any]], notes: list[str]) -> None:
    """The waves of one line; new reasons are added to `notes`. Flags stand below, each once."""
    counted = any(row["basis"] == "microdata" for row in waves)
    show.table(
        ["wave", "fieldwork", "percent", "95 % int.", "n", "eff. n", "change", "step"],
        [
            [
                row["wave"],
                words.days(row["fieldwork_start"], row["fieldwork_end"]),
                show.figure(row, digits=1 if counted else None),
                show.interval(row["percent_low"], row["percent_high"]),
                row["n"] or "unknown",
                "" if row["n_effective"] is None else f"{row['n_effective']:.0f}",
                show.points(row["change"]),
                _step(row, notes),
            ]
            for row in waves
        ],
        right=("percent", "95 % int.", "n", "eff. n", "change"),
    )
    for text in _flags(waves):
        show.out.print(text, style="dim", markup=False)


def _step(row: dict[str, Any], notes: list[str]) -> str:
    if row["comparability"] is None:
        return "first"
    marks = "".join(f" [{number}]" for number in _numbers(row, notes))
    return words.said(words.COMPARABILITY, row["comparability"]) + marks


def _numbers(row: dict[str, Any], notes: list[str]) -> tuple[int, ...]:
    """Numbers of the reasons of a step, which are added to `notes` where they are new."""
    notes += [reason for reason in row["reasons"] if reason not in notes]
    return tuple(notes.index(reason) + 1 for reason in row["reasons"])


def _flags(waves: Sequence[dict[str, Any]]) -> Iterator[str]:
    for flag in dict.fromkeys(flag for row in waves for flag in row["flags"]):
        having = [row["wave"] for row in waves if flag in row["flags"]]
        where = "" if len(having) == len(waves) else f" ({', '.join(having)})"
        yield f"{words.said(words.FLAGS, flag)}{where}"


def _mark(row: dict[str, Any], notes: list[str]) -> drawing.Mark:
    start, end = row["fieldwork_start"], row["fieldwork_end"] or row["fieldwork_start"]
    hidden = "suppressed" in row["flags"]
    low, high = (None, None) if hidden else (row["percent_low"], row["percent_high"])
    step: drawing.Step = "joined"
    if row["comparability"] is None:
        step = "first"
    elif row["comparability"] not in ("comparable", "with_note"):
        step = "broken"
    sure = row["qualifier"] == "exact" and low is not None and "small_base" not in row["flags"]
    percent = None if hidden else row["percent"]
    return drawing.Mark(
        start + (end - start) / 2, percent, low, high, row["wave"], row["n"], sure, step, _numbers(row, notes)
    )
