"""`compare`: two waves of an item, whichever they are.

Belongs here: finding what was named, printing. Does not belong here: the comparison (assets.trends.pair).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any

import duckdb
import typer

from assets import words
from pipeline.cli import completing, naming, show
from pipeline.cli.trend import EVERYONE, Category, Series, Subgroup
from warehouse import connect
from warehouse.layout import Layout
from warehouse.rows import rows

Wave = Annotated[
    str, typer.Argument(help="Id of a wave, or organisation/series/wave.", autocompletion=completing.waves)
]


def compare(
    item: Annotated[str, typer.Argument(help="Id of an item, or words of it.", autocompletion=completing.items)],
    wave_a: Wave,
    wave_b: Wave,
    category: Category = None,
    series: Series = None,
    subgroup: Subgroup = None,
    as_json: show.AsJson = False,
) -> None:
    """Compare two waves of an item: the difference in points, its interval and test, and whether they compare at all.

    Nothing is tested across a break or where nobody has reviewed a question; the reasons are told instead. The verdict
    is that of one pair chosen beforehand. Who looks through many pairs reads p adjusted, which the pairs of the table
    changes have: neighbours, and the first and last of a line.
    """
    from assets.trends import pair

    con = connect.read(Layout.from_environment().link)
    try:
        item = naming.item(con, item)
        _known_waves(con, item, wave_a, wave_b)
        found = _narrowed(con, item, pair.compare(con, item, wave_a, wave_b), category, series, subgroup)
        title = (con.execute("SELECT title FROM items WHERE item = ?", [item]).fetchone() or ("",))[0]
    finally:
        con.close()
    if as_json:
        show.data({"item": item, "title": title, "pairs": found})
        return
    show.out.print(f"{title}\n", markup=False)
    for _, members in groupby(found, lambda row: [row[name] for name in (*_ENDS, "subgroup", "subgroup_value")]):
        _print(list(members))


_COLUMNS = ("answer", "from", "to", "change", "95 % int.", "s.e.", "p", "p adj.", "detect.", "verdict")
_ENDS = ("organisation_from", "series_from", "wave_from", "organisation_to", "series_to", "wave_to")


def _known_waves(con: duckdb.DuckDBPyConnection, item: str, *asked: str) -> None:
    from assets.trends.pair import Name

    query = (
        "SELECT DISTINCT organisation, series, wave FROM estimates WHERE item = ? ORDER BY organisation, series, wave"
    )
    known = rows(con, query, [item])
    for one in asked:
        if not any(Name.of(one).fits(row) for row in known):
            full = "/" in one
            names = [f"{row['organisation']}/{row['series']}/{row['wave']}" if full else row["wave"] for row in known]
            naming.unknown(f"wave of {item}", one, list(dict.fromkeys(names)))
    if len(set(asked)) < len(asked):
        raise typer.BadParameter(f"both waves are {asked[0]}", param_hint="WAVE_B")
    where = [{(row["organisation"], row["series"]) for row in known if Name.of(one).fits(row)} for one in asked]
    if not where[0] & where[1] and not all("/" in one for one in asked):
        told = [
            f"{one} in {naming.listed(['/'.join(at) for at in sorted(of)])}"
            for one, of in zip(asked, where, strict=True)
        ]
        raise typer.BadParameter(
            f"no series has both waves: {'; '.join(told)}. As organisation/series/wave they are shown side by side"
        )


def _narrowed(
    con: duckdb.DuckDBPyConnection,
    item: str,
    found: Sequence[dict[str, Any]],
    category: str | None,
    series: Sequence[str] | None,
    subgroup: Sequence[str] | None,
) -> list[dict[str, Any]]:
    """The pairs that were asked for; everyone's, if no subgroup was.

    Raises:
        typer.BadParameter: a name is none of those of this item, or there is no figure of both waves.
    """
    if category:
        rows = con.execute("SELECT category FROM categories WHERE item = ? ORDER BY position", [item]).fetchall()
        naming.one_of("category", category, [row[0] for row in rows])
        found = [row for row in found if row["category"] == category]
    if series:
        known = list(dict.fromkeys((row["organisation"], row["series"]) for row in found))
        wanted = [one for asked in series for one in naming.series(asked, known)]
        found = [row for row in found if (row["organisation"], row["series"]) in wanted]
    columns = list(dict.fromkeys((row["subgroup"], row["subgroup_value"]) for row in found))
    kept = [one for asked in subgroup for one in naming.subgroup(asked, columns)] if subgroup else [EVERYONE]
    left = [row for row in found if (row["subgroup"], row["subgroup_value"]) in kept]
    if not left:
        others = list(dict.fromkeys(name for name, _ in columns if name != EVERYONE[0]))
        more = f"; there is by {naming.listed(others)} (--subgroup {others[0]})" if others else ""
        raise typer.BadParameter(f"no figure of both waves{more}")
    return left


def _print(pairs: Sequence[dict[str, Any]]) -> None:
    """One column of a banner in one series: what the two waves are, what the step is worth, every answer."""
    head = pairs[0]
    group = "" if head["subgroup"] == EVERYONE[0] else f"   {head['subgroup']}: {head['subgroup_value']}"
    houses = list(dict.fromkeys(f"{head[f'organisation_{end}']} / {head[f'series_{end}']}" for end in ("from", "to")))
    show.out.print(f"{' and '.join(houses)}{group}", style="bold", markup=False)
    for end in ("from", "to"):
        days = words.days(head[f"fieldwork_start_{end}"], head[f"fieldwork_end_{end}"])
        sizes = sorted({row[f"n_{end}"] for row in pairs if row[f"n_{end}"]})
        n = "n unknown" if not sizes else f"n {sizes[0]}" if len(sizes) == 1 else f"n {sizes[0]} to {sizes[-1]}"
        show.out.print(f"{end:>4}  wave {head[f'wave_{end}']}, {days}, {n}", markup=False)
    for text in _worth(pairs):
        show.out.print(text, markup=False)
    columns, table = _fitting(pairs)
    show.table(columns, table, right=columns[1:-1])
    if any(row["detectable_change"] is not None for row in pairs):
        told = (
            "detect.: the smallest rise in points that samples of this size find four times out of five. p adj.: among "
            "all tests of its family in the table changes."
        )
        show.out.print(told, style="dim", markup=False)
    for row in pairs:
        for told in row["other_readings"] or ():
            show.out.print(f"{row['category']}, read another way: {told}", markup=False)
    show.out.print()


def _fitting(pairs: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The table, without an empty column; if it is too wide, without the standard error: the interval says as much."""
    without = {"p adj."} if all(row["p_adjusted"] is None for row in pairs) else set[str]()
    cells = [_cells(row) for row in pairs]
    for left_out in (without, without | {"s.e."}):
        columns = [name for name in _COLUMNS if name not in left_out]
        table = [[cell for name, cell in zip(_COLUMNS, row, strict=True) if name in columns] for row in cells]
        if show.needed(columns, table, columns[1:-1]) <= show.out.width:
            break
    return columns, table


def _worth(pairs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Comparability with its reasons: once, where it is the same for all answers."""
    shared = [reason for reason in pairs[0]["reasons"] if all(reason in row["reasons"] for row in pairs)]
    verdicts = list(dict.fromkeys(words.said(words.COMPARABILITY, row["comparability"]) for row in pairs))
    yield f"      {'; '.join(verdicts)}"
    yield from (f"      - {reason}" for reason in shared)
    for row in pairs:
        yield from (f"      - {row['category']}: {reason}" for reason in row["reasons"] if reason not in shared)


def _cells(row: dict[str, Any]) -> list[str]:
    def end(name: str) -> str:
        of = {key: row[f"{key}_{name}"] for key in ("percent", "flags", "qualifier", "published_text")}
        return show.figure(of, digits=1 if row[f"basis_{name}"] == "microdata" else None)

    low, high = row["change_low"], row["change_high"]
    return [
        row["category"],
        end("from"),
        end("to"),
        show.points(row["change"]),
        "" if low is None else f"{show.points(low)},{show.points(high)}",
        "" if row["standard_error"] is None else f"{row['standard_error']:.1f}",
        show.p_value(row["p_value"]),
        show.p_value(row["p_adjusted"]),
        "" if row["detectable_change"] is None else f"{row['detectable_change']:.1f}",
        words.said(words.VERDICTS, row["verdict"]),
    ]
