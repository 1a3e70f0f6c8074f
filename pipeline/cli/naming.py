"""Names that people type: items, categories, series, subgroups, found in the published database or the nearest told.

Belongs here: turning words of a command into ids, and the refusal that names what there is. Does not belong here:
completion while typing (pipeline.cli.completing), printing.
"""

from collections.abc import Sequence
from typing import NoReturn

import duckdb
import typer

from schemas.problems import nearest

_LISTED = 12
_NEAR = 3


def item(con: duckdb.DuckDBPyConnection, asked: str) -> str:
    """The item with this id, or the only one that has all of these words in its id, title or keywords.

    Raises:
        typer.BadParameter: there is none, or there are several.
    """
    texts: dict[str, str] = {
        row[0]: f"{row[0]} {row[1]} {' '.join(row[2])}".casefold()
        for row in con.execute("SELECT item, title, keywords FROM items ORDER BY item").fetchall()
    }
    if asked in texts:
        return asked
    words = asked.casefold().replace("-", " ").split()
    hits = [name for name, text in texts.items() if words and all(word in text for word in words)]
    if len(hits) == 1:
        return hits[0]
    if hits:
        raise typer.BadParameter(f"{asked!r} may be any of {listed(hits)}", param_hint="ITEM")
    unknown("item", asked, list(texts), 'weathervane sql "SELECT item, title FROM items" lists all')


def one_of(what: str, asked: str, known: Sequence[str]) -> str:
    """`asked`, which must be one of `known`.

    Raises:
        typer.BadParameter: it is not.
    """
    if asked not in known:
        unknown(what, asked, known)
    return asked


def series(asked: str, known: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Series that an organisation, a series or organisation/series names.

    Raises:
        typer.BadParameter: there is none.
    """
    found = [pair for pair in known if asked in (*pair, "/".join(pair))]
    if not found:
        unknown("series", asked, ["/".join(pair) for pair in known])
    return found


def subgroup(asked: str, known: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Columns of a banner that `gender` (all of them) or `gender=women` (one) names.

    Raises:
        typer.BadParameter: there is none.
    """
    name, equals, value = asked.partition("=")
    values = [pair for pair in known if pair[0] == name]
    if not values:
        unknown("subgroup", name, list(dict.fromkeys(pair[0] for pair in known)))
    found = [pair for pair in values if not equals or pair[1] == value]
    if not found:
        unknown(f"value of {name}", value, [pair[1] for pair in values])
    return found


def unknown(what: str, asked: str, known: Sequence[str], more: str | None = None) -> NoReturn:
    """Refuse a name: the nearest ones, or what there is.

    Raises:
        typer.BadParameter: always.
    """
    close = near(asked, known)
    there = f"there are {listed(known)}" if known else f"there is no {what} at all"
    told = [f"nearest: {', '.join(close)}" if close else "", there if not close or not more else "", more or ""]
    raise typer.BadParameter("; ".join([f"no {what} {asked!r}", *filter(None, told)]))


def near(asked: str, known: Sequence[str]) -> list[str]:
    """Up to three names most like `asked`, the likest first."""
    left, found = list(known), list[str]()
    while len(found) < _NEAR and (close := nearest(asked, left)):
        found.append(close)
        left.remove(close)
    return found


def listed(names: Sequence[str]) -> str:
    """Names, as many as a person reads."""
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
