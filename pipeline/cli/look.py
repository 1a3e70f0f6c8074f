"""`status`, `sql`: looking at what is published. Belongs here: queries and printing. Does not belong here: anything
that writes.
"""

from typing import Annotated, Any

import duckdb
import typer

from pipeline.cli import show
from pipeline.cli.show import AsJson
from warehouse import connect
from warehouse.layout import Layout
from warehouse.rows import rows

HEADLINE = ("belarus-army-role", "join_russia")


def status(as_json: AsJson = False) -> None:
    """What is published, how old it is, what is set aside, and which files are awaited."""
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
        late = rows(con, "FROM overdue ORDER BY organisation, series")
    finally:
        con.close()
    if as_json:
        told = {"about": about, "series": houses, "failed_checks": failed, "set_aside": aside, "awaiting": waiting}
        show.data({**told, "overdue": late})
        return
    show.out.print(f"database   {layout.link}", soft_wrap=True)
    show.out.print(f"refreshed  {about['refreshed_at']} (refresh {about['refresh']}), {about['releases']} releases\n")
    columns = ["waves", "interviews", "latest", "estimates"]
    table = [[f"{row['organisation']}/{row['series']}", *(row[name] for name in columns)] for row in houses]
    show.table(["series", *columns], table, right=columns)
    _overdue(late)
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


def _overdue(late: list[dict[str, Any]]) -> None:
    """Series whose next wave is late by their own rhythm."""
    if late:
        show.out.print("\noverdue today, by the rhythm of the series")
    for row in late:
        show.out.print(
            f"  {row['organisation']}/{row['series']}: wave {row['last_wave']} ended {row['last_fieldwork_end']},"
            f" the next was expected by {row['expected_by']} (every {row['rhythm_days']} days, {row['rhythm_basis']})",
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
        found_rows = found.fetchall()
    except duckdb.Error as bad:
        raise typer.BadParameter(str(bad)) from None
    finally:
        con.close()
    if as_json:
        show.data([dict(zip(columns, row, strict=True)) for row in found_rows])
    elif as_csv:
        import csv
        import sys

        csv.writer(sys.stdout).writerows([columns, *found_rows])
    else:
        show.records(columns, [[_cell(cell) for cell in row] for row in found_rows])


def headline(con: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """The trend that a summary shows: the founding case, or the longest line there is; of several the first answer."""
    if con.execute("SELECT 1 FROM trends WHERE item = ? AND category = ? LIMIT 1", list(HEADLINE)).fetchone():
        return HEADLINE
    longest = con.execute(
        "SELECT t.item, t.category FROM trends AS t LEFT JOIN categories AS c USING (item, category)"
        " WHERE t.subgroup = 'total' GROUP BY t.item, t.category"
        " ORDER BY count(*) DESC, t.item, min(c.position), t.category LIMIT 1"
    ).fetchone()
    return (longest[0], longest[1]) if longest else HEADLINE


def trend_rows(con: duckdb.DuckDBPyConnection, item: str, category: str) -> list[dict[str, Any]]:
    """Rows of the macro `trend`."""
    return rows(con, "SELECT * FROM trend(?, ?)", [item, category])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value)
