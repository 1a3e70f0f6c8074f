"""What the shell offers while somebody types: items, categories, series, waves, releases of the published database.

Belongs here: short lists, found quickly. Does not belong here: checking what was typed (pipeline.cli.naming). A
completion that fails offers nothing and says nothing: the shell is in the middle of a line.
"""

import contextlib
import os
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from warehouse.layout import Layout

Offers = list[tuple[str, str]]


def items(ctx: typer.Context, incomplete: str) -> Offers:
    """Items with their titles."""
    return _matching(_ask("SELECT item, title FROM items ORDER BY item"), incomplete)


def categories(ctx: typer.Context, incomplete: str) -> Offers:
    """Categories of the item that stands before."""
    query = "SELECT category, label FROM categories WHERE item = ? ORDER BY position"
    return _matching(_ask(query, [_item(ctx)]), incomplete)


def series(ctx: typer.Context, incomplete: str) -> Offers:
    """Series that ask the item that stands before; all, if none does."""
    query = (
        "SELECT s.organisation || '/' || s.series, s.name FROM series AS s WHERE ?1 IS NULL OR EXISTS (FROM trends AS t"
        " WHERE t.item = ?1 AND t.organisation = s.organisation AND t.series = s.series) ORDER BY 1"
    )
    return _matching(_ask(query, [_item(ctx)]), incomplete)


def waves(ctx: typer.Context, incomplete: str) -> Offers:
    """Waves in which the item that stands before was asked, the latest first."""
    query = (
        "SELECT wave, string_agg(DISTINCT organisation || '/' || series, ', ') FROM estimates"
        " WHERE item = ? AND subgroup = 'total' GROUP BY wave ORDER BY max(fieldwork_start) DESC NULLS LAST, wave"
    )
    return _matching(_ask(query, [_item(ctx)]), incomplete)


def subgroups(ctx: typer.Context, incomplete: str) -> Offers:
    """Banners of the item that stands before, and their columns."""
    query = (
        "SELECT DISTINCT subgroup, NULL FROM trends WHERE item = ?1 AND subgroup <> 'total'"
        " UNION SELECT DISTINCT subgroup || '=' || subgroup_value, NULL FROM trends"
        " WHERE item = ?1 AND subgroup <> 'total' ORDER BY 1"
    )
    return _matching(_ask(query, [_item(ctx)]), incomplete)


def releases(ctx: typer.Context, incomplete: str) -> Offers:
    """Releases that are published."""
    return _matching(_ask("SELECT release, NULL FROM releases ORDER BY release"), incomplete)


def folders(ctx: typer.Context, incomplete: str) -> Offers:
    """Release folders of the catalogue, published or not."""
    root = Layout.from_environment().catalogue / "releases"
    with contextlib.suppress(OSError):
        found = sorted(folder.parent.relative_to(root).as_posix() for folder in root.glob("*/*/*/release.yml"))
        return _matching(((name, None) for name in found), incomplete)
    return []


def organisations(ctx: typer.Context, incomplete: str) -> Offers:
    """Houses with their names."""
    return _matching(_ask("SELECT organisation, name FROM organisations ORDER BY organisation"), incomplete)


def _item(ctx: typer.Context) -> str | None:
    """The item of the line. While the value of an option is missing it cannot be parsed and is looked at itself."""
    if ctx.params.get("item"):
        return str(ctx.params["item"])
    words = (os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or "").split()
    return next((word for word in words[2:3] if not word.startswith("-")), None)


def _matching(found: Iterable[tuple[Any, ...]], incomplete: str) -> Offers:
    # A blank would end the word in the shell.
    return [
        (str(name), str(about or ""))
        for name, about in found
        if str(name).startswith(incomplete) and not any(sign.isspace() for sign in str(name))
    ]


def _ask(query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Rows of the published database, or none."""
    from warehouse import connect  # here, so that a completion of options alone does not load DuckDB

    with contextlib.suppress(Exception):
        con = connect.read(Layout.from_environment().link)
        try:
            return con.execute(query, list(parameters)).fetchall()
        finally:
            con.close()
    return []
