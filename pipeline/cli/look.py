"""`status`, `trend`, `sql`: looking at what is published. Belongs here: queries and printing. Does not belong here:
anything that writes.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import duckdb
import typer

from pipeline.cli import show
from schemas.problems import nearest
from warehouse import connect
from warehouse.layout import Layout

HEADLINE = ("belarus-army-role", "join_russia")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def status(as_json: AsJson = False) -> None:
    """What is published, how old it is, and what is set aside."""
    layout = Layout.from_environment()
    con = connect.read(layout.link)
    try:
        about = dict(con.execute("SELECT key, value FROM about").fetchall())
        houses = rows(
            con,
            "SELECT organisation, series, count(*) AS waves, sum(n) AS interviews, max(fieldwork_end) AS latest,"
            " (SELECT count(*) FROM estimates e WHERE (e.organisation, e.series) = (w.organisation, w.series))"
            " AS estimates FROM waves w GROUP BY ALL ORDER BY ALL",
        )
        failed = rows(
            con, "SELECT level, subject, check_name, severity, message FROM checks WHERE NOT passed ORDER BY ALL"
        )
        waiting = rows(
            con,
            "SELECT split_part(release, '/', 1) AS organisation, obtain, obtain_note, list(release ORDER BY release)"
            " AS releases, list(DISTINCT file ORDER BY file) AS files FROM awaiting GROUP BY ALL ORDER BY ALL",
        )
        aside = rows(con, "SELECT release, since, cause, message FROM quarantine ORDER BY release, position")
    finally:
        con.close()
    if as_json:
        typer.echo(
            json.dumps(
                {"about": about, "series": houses, "failed_checks": failed, "set_aside": aside, "awaiting": waiting},
                default=str,
            )
        )
        return
    show.out.print(f"database   {layout.link}", soft_wrap=True)
    show.out.print(f"refreshed  {about['refreshed_at']} (refresh {about['refresh']}), {about['releases']} releases\n")
    columns = ["organisation", "series", "waves", "interviews", "latest", "estimates"]
    show.table(columns, [[row[c] for c in columns] for row in houses], right=("waves", "interviews", "estimates"))
    _awaiting(waiting)
    for row in aside:
        show.out.print(
            f"\nset aside since {row['since']:%Y-%m-%d}: {row['message']}", style="yellow", markup=False, soft_wrap=True
        )
    for row in failed:
        if row["level"] == "warehouse" or row["severity"] == "warning":
            show.out.print(
                f"\n{row['severity']}: {row['check_name']} ({row['subject']}): {row['message']}",
                markup=False,
                soft_wrap=True,
            )


def _awaiting(waiting: list[dict[str, Any]], most: int = 3) -> None:
    """Files that are not at hand, by where people get them."""
    if not waiting:
        return
    show.out.print(
        "\nawaiting files (no error; put them into the drop folder, or name their folder in WEATHERVANE_FILES)"
    )
    for row in waiting:
        files = row["files"]
        names = ", ".join(files[:most]) + (f" and {len(files) - most} more" if len(files) > most else "")
        count = len(row["releases"])
        said = f"{row['organisation']}, {count} release{'s' if count > 1 else ''}: {names}"
        where = row["obtain"] or "nobody says where to get them"
        show.out.print(f"  {said}\n    {where}", markup=False, soft_wrap=True)
        if row["obtain_note"]:
            show.out.print(f"    {row['obtain_note']}", style="dim", markup=False, soft_wrap=True)


def trend(
    item: Annotated[str, typer.Argument(help="Id of an item, or words of it.")],
    category: Annotated[str | None, typer.Argument(help="Category; all if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """The trend of an item: every wave with n, interval and what the step to it is worth."""
    con = connect.read(Layout.from_environment().link)
    try:
        item = _find_item(con, item)
        known = [
            row[0]
            for row in con.execute(
                "SELECT category FROM categories WHERE item = ? ORDER BY position", [item]
            ).fetchall()
        ]
        if category is not None and category not in known:
            _unknown("category", category, known)
        chosen = [category] if category else known
        lines = {name: rows for name in chosen if (rows := trend_rows(con, item, name))}
        title, wording = con.execute("SELECT title, wording FROM items WHERE item = ?", [item]).fetchone() or ("", "")
        outside = con.execute(
            "SELECT count(*) FROM estimates WHERE item = ? AND subgroup = 'total' AND (fieldwork_start IS NULL"
            " OR list_contains(flags, 'provisional') OR list_contains(flags, 'outside_trends'))",
            [item],
        ).fetchone() or (0,)
        apart = con.execute("SELECT unnest(apart_from) FROM items WHERE item = ?", [item]).fetchall()
    finally:
        con.close()
    if as_json:
        typer.echo(json.dumps({"item": item, "trends": lines}, default=str))
        return
    show.out.print(f"{title}\n{wording}\n", markup=False)
    for name, rows in lines.items():
        for house in dict.fromkeys((row["organisation"], row["series"]) for row in rows):
            members = [row for row in rows if (row["organisation"], row["series"]) == house]
            show.trend(members, f"{name}   {' / '.join(house)}")
            show.out.print()
    if not lines:
        show.out.print("no reviewed wave with a date: nothing can be put in order")
    if outside[0]:
        show.out.print(
            f"outside the trend (not reviewed, excluded or undated; see estimates): {outside[0]}",
            style="dim",
        )
    for (text,) in apart:
        show.out.print(f"not the same: {text}", style="dim", markup=False)


def sql(
    query: Annotated[str, typer.Argument(help="A query; see docs/sql.md.")],
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Ask the published database; read-only."""
    con = connect.read(Layout.from_environment().link)
    try:
        found = con.execute(query)
        columns = [column[0] for column in found.description or []]
        rows = found.fetchall()
    except duckdb.Error as bad:
        raise typer.BadParameter(str(bad)) from None
    finally:
        con.close()
    if as_json:
        typer.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str))
    elif as_csv:
        import csv
        import sys

        csv.writer(sys.stdout).writerows([columns, *rows])
    else:
        show.records(columns, [[_cell(cell) for cell in row] for row in rows])


def headline(con: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """The trend that a summary shows: the founding case, or the longest line there is."""
    if con.execute("SELECT 1 FROM trends WHERE item = ? AND category = ? LIMIT 1", list(HEADLINE)).fetchone():
        return HEADLINE
    longest = con.execute(
        "SELECT item, category FROM trends WHERE subgroup = 'total' GROUP BY ALL"
        " ORDER BY count(*) DESC, item, category LIMIT 1"
    ).fetchone()
    return (longest[0], longest[1]) if longest else HEADLINE


def trend_rows(con: duckdb.DuckDBPyConnection, item: str, category: str) -> list[dict[str, Any]]:
    """Rows of the macro `trend`."""
    return rows(con, "SELECT * FROM trend(?, ?)", [item, category])


def rows(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """What a query finds, row by row with the names of its columns."""
    found = con.execute(query, list(parameters))
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _find_item(con: duckdb.DuckDBPyConnection, asked: str) -> str:
    items: dict[str, str] = {
        row[0]: f"{row[1]} {' '.join(row[2])}".casefold()
        for row in con.execute("SELECT item, title, keywords FROM items").fetchall()
    }
    if asked in items:
        return asked
    words = asked.casefold().replace("-", " ").split()
    hits = sorted(item for item, text in items.items() if all(word in text or word in item for word in words))
    if len(hits) == 1:
        return hits[0]
    _unknown("item", asked, hits or list(items))
    raise AssertionError


def _unknown(what: str, asked: str, known: list[str]) -> None:
    close = nearest(asked, known)
    names = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
    raise typer.BadParameter(f"no {what} {asked!r}; " + (f"nearest: {close}; " if close else "") + f"there are {names}")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value)
