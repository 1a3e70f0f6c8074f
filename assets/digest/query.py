"""What the comparisons share: how one is declared, how its rows are fetched, how figures are put into words.

Belongs here: the form of a comparison, numbers as text. Does not belong here: any one comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb

Row = dict[str, Any]
CELL = ("organisation", "series", "wave", "item", "category", "subgroup", "subgroup_value")


@dataclass(frozen=True)
class Comparison:
    """One question to two versions.

    Attributes:
        name: what is compared, for people.
        needs: columns of the earlier version that the query reads, as `table.column`.
        query: SQL; the later version's tables by name, the earlier one's as `previous.<table>`. Its order is kept.
        say: makes a row of `digest` of a row of the query.
    """

    name: str
    needs: tuple[str, ...]
    query: str
    say: Callable[[Row], Row]


def fetch(con: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    """The rows of a query, with the names of its columns."""
    found = con.execute(query)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def pick(row: Row, *names: str) -> Row:
    """Some columns of a row, as they are."""
    return {name: row[name] for name in names}


def same(left: str, right: str, columns: tuple[str, ...]) -> str:
    """A join condition in which NULL equals NULL."""
    return " AND ".join(f"{left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in columns)


def share(percent: float | None) -> str:
    """A share in words: one decimal unless it is whole."""
    return "no single number" if percent is None else f"{number(percent)} %"


def number(value: float) -> str:
    """One decimal, none if it is zero; two digits where one decimal would hide the whole value; a true minus sign."""
    text = f"{value:.1f}" if abs(value) >= 0.05 or value == 0 else f"{value:.2g}"
    return text.removesuffix(".0").replace("-", "\N{MINUS SIGN}")


def points(difference: float) -> str:
    """A difference with its sign."""
    return ("+" if difference > 0 else "") + number(difference) + " points"


def chance(p: float) -> str:
    """A p-value."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def cell(row: Row) -> str:
    """A cell as one subject: item / category, and the subgroup where it is not everyone."""
    whom = "" if row["subgroup"] == "total" else f", {row['subgroup']}: {row['subgroup_value']}"
    return f"{row['item']} / {row['category']}{whom}"
