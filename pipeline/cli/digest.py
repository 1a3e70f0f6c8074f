"""`digest`: what moved, and why. Belongs here: arguments, finding the version to compare with, printing. Does not
belong here: the comparison (assets.digest), sending it (pipeline.digests). It only looks at published databases.
"""

import contextlib
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer

from pipeline.cli import show
from pipeline.cli.show import AsJson
from warehouse import connect, versions
from warehouse.layout import Layout

_START = "weathervane-"


def digest(
    since: Annotated[
        str | None,
        typer.Option(help="Compare with this version of data/versions (its name, or as much of its time as tells it)."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Rows of a kind that are shown; --json has all.")] = 12,
    as_json: AsJson = False,
) -> None:
    """What moved since the version before, and why: waves, revisions, changes, claims, what is overdue or set aside."""
    from assets.digest import compare, text
    from assets.digest.query import fetch

    layout = Layout.from_environment()
    chosen = None if since is None else _version(layout, since)
    with contextlib.closing(connect.read(layout.link)) as con:
        if chosen is None:
            rows = text.read(con)
        else:
            con.execute(f"ATTACH {connect.quoted(chosen)} AS previous (READ_ONLY)")
            empty = {name: None for name in (column[0] for column in con.execute("FROM digest LIMIT 0").description)}
            rows = [{**empty, **row} for row in compare.digest(con, True)]
        about = dict(con.execute("SELECT key, value FROM about").fetchall())
        late = fetch(con, "FROM overdue ORDER BY organisation, series")
    if as_json:
        facts: dict[str, Any] = {"refresh": int(about["refresh"]), "refreshed_at": about["refreshed_at"]}
        show.data({**facts, "since": chosen and chosen.name, "rows": rows, "overdue_today": late})
        return
    before = rows[0]["since_refresh"] if rows else None
    with_what = chosen.name if chosen else "the version before" + (f" (refresh {before})" if before else "")
    show.out.print(f"refresh {about['refresh']}, {about['refreshed_at']}, against {with_what}\n", soft_wrap=True)
    show.out.print(text.plain(rows, most), markup=False, soft_wrap=True)
    if late:
        named = ", ".join(f"{row['organisation']}/{row['series']}" for row in late)
        show.out.print(f"\noverdue today: {named}", markup=False, soft_wrap=True)


def _version(layout: Layout, asked: str) -> Path:
    """The version that was meant; it must be readable here.

    Raises:
        typer.BadParameter: none or several are meant.
    """
    known = versions.there(layout)
    wanted = Path(asked).name.removeprefix(_START).removesuffix(".duckdb")
    found = [version for version in known if version.stem.removeprefix(_START).startswith(wanted)] if wanted else []
    if len(found) != 1:
        names = ", ".join(version.name for version in known) or "none"
        raise typer.BadParameter(f"{len(found) or 'no'} version{'s' * (len(found) != 1)} {asked!r}; there are {names}")
    try:
        connect.read(found[0]).close()
    except duckdb.Error as bad:
        raise typer.BadParameter(f"{found[0].name} cannot be read: {bad}") from None
    return found[0]
