"""Rows of public tables that may leave: the rules of `.gates` as conditions of a query.

Belongs here: which column ties a row to a release, what is left out and how many rows that is. Does not belong here:
the rules themselves, writing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from assets.exports.gates import Gate, Withheld
from schemas.problems import nearest
from schemas.tables import BY_NAME, Table
from warehouse.connect import quoted

# Tables of the database by the words that people may use for respondents' answers; none of them exists.
ANSWERS = ("answers", "responses", "respondents", "microdata", "readings")
FILTERS = ("organisation", "series", "wave", "item")

# How a row is tied to a release, the closest tie first. `{blocked}` are releases; a wave of which one release is under
# embargo is held back in all that is computed from several releases.
_WAVES = "SELECT organisation, series, wave FROM releases WHERE release IN ({blocked})"
_LINES = "SELECT organisation, series, item FROM questions WHERE release IN ({blocked})"
_TIES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("release",), "release IN ({blocked})"),
    (("organisation", "series", "wave"), f"(organisation, series, wave) IN ({_WAVES})"),
    (
        ("organisation", "series", "wave_from", "wave_to"),
        f"((organisation, series, wave_from) IN ({_WAVES}) OR (organisation, series, wave_to) IN ({_WAVES}))",
    ),
    (("organisation", "series", "item"), f"(organisation, series, item) IN ({_LINES})"),
    (("subject",), "subject IN ({blocked})"),
)
# Items that only releases under embargo ask, and what is computed of items that they ask among others.
_ONLY = (
    "item IN (SELECT item FROM questions WHERE release IN ({blocked}))"
    " AND item NOT IN (SELECT item FROM questions WHERE release NOT IN ({blocked}))"
)
_AMONG = "item IN (SELECT item FROM questions WHERE release IN ({blocked}))"
_CATALOGUE = ("items", "categories")

_WITHOUT_FIGURE = " AND ".join(
    f"NOT EXISTS (FROM {name} AS f WHERE f.release = questions.release AND f.question = questions.question)"
    for name in ("estimates", "scores", "toplines")
)
_CLOSED_ROWS = {  # table -> rows that need a licence, which rule asks for it, and what they are
    "codes": ("true", "codebook", "codes of the file"),
    "questions": (_WITHOUT_FIGURE, "wording", "questions without a figure"),
}
_CLOSED_COLUMNS = {
    "questions": {"variable_label": "labels of variables"}
}  # labels of the file: empty where it may not be passed on


class SelectionError(ValueError):
    """What was asked for is not there; the message names what is, and the nearest name."""


@dataclass(frozen=True)
class Passing:
    """Rows that may leave.

    Attributes:
        table: the declared table.
        query: gives them, in the order of the key, with the declared columns.
        withheld: what stayed.
    """

    table: Table
    query: str
    withheld: tuple[Withheld, ...] = field(default=())


def chosen_table(name: str, gate: Gate) -> Table | Withheld:
    """The declared table of that name; what the gate says if respondents' answers are asked for.

    Raises:
        SelectionError: there is no such table.
    """
    if name in BY_NAME:
        return BY_NAME[name]
    if name.casefold() in ANSWERS:
        return gate.answers(name)
    raise SelectionError(unknown("table", name, list(BY_NAME)))


def passing(
    con: duckdb.DuckDBPyConnection, gate: Gate, table: Table, chosen: dict[str, str], within: Sequence[str] = ()
) -> Passing:
    """The rows of a table that may leave.

    Args:
        con: the published database.
        gate: what may leave.
        table: declared.
        chosen: organisation, series, wave or item, by which the table is narrowed.
        within: conditions of SQL that narrow it further.

    Raises:
        SelectionError: the table has no such column, or there is no such value.
    """
    asked = [*(_equal(con, table, name, value) for name, value in chosen.items()), *within]
    out, withheld = [], []
    tie = _tie(table)
    if gate.embargoed and tie:
        condition = tie.format(blocked=literals(gate.embargoed))
        withheld += _embargoed(con, gate, table, asked, tie)
        out.append(condition)
    if gate.closed and table.name in _CLOSED_ROWS:
        rows, rule, what = _CLOSED_ROWS[table.name]
        condition = f"release IN ({literals(gate.closed)}) AND {rows}"
        kept = [*asked, *(f"NOT ({one})" for one in out)]
        withheld += _closed(con, gate, table, [*kept, condition], rule, what)
        out.append(condition)
    kept = [*asked, *(f"NOT ({one})" for one in out)]
    for name, what in _CLOSED_COLUMNS.get(table.name, {}).items():
        if gate.closed:
            closed = f"release IN ({literals(gate.closed)}) AND {name} IS NOT NULL"
            withheld += _closed(con, gate, table, [*kept, closed], "codebook", what)
    where = " AND ".join(f"({one})" for one in kept)
    columns = ", ".join(_column(gate, table, name) for name in table.columns)
    order = ", ".join(table.key)
    query = f"SELECT {columns} FROM {table.name}" + (f" WHERE {where}" if where else "") + f" ORDER BY {order}"
    return Passing(table, query, tuple(withheld))


def unknown(what: str, asked: str, known: Sequence[str]) -> str:
    """The message for a name that is not there."""
    close = nearest(asked, known)
    names = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
    return f"no {what} {asked!r}; " + (f"nearest: {close}; " if close else "") + f"there are {names}"


def literals(values: Iterable[str]) -> str:
    """Texts as a list of SQL literals."""
    return ", ".join(quoted(value) for value in values)


def _tie(table: Table) -> str | None:
    for columns, condition in _TIES:
        if set(columns) <= set(table.columns):
            return condition
    if "item" in table.columns:
        return _ONLY if table.name in _CATALOGUE else _AMONG
    return None


def _equal(con: duckdb.DuckDBPyConnection, table: Table, name: str, value: str) -> str:
    if name not in table.columns:
        has = [one for one in FILTERS if one in table.columns]
        told = f"; it has {', '.join(has)}" if has else "; it cannot be narrowed"
        raise SelectionError(f"the table {table.name} has no column {name}{told}")
    known = {"organisation": "organisations", "series": "series", "wave": "waves", "item": "items"}[name]
    names = [row[0] for row in con.execute(f"SELECT DISTINCT {name} FROM {known} ORDER BY 1").fetchall()]
    if value not in names:
        raise SelectionError(unknown(name, value, names))
    return f"{name} = {quoted(value)}"


def _embargoed(con: duckdb.DuckDBPyConnection, gate: Gate, table: Table, asked: list[str], tie: str) -> list[Withheld]:
    """The releases whose embargo holds rows back; all of them, where only several together do."""
    if not _count(con, table, [*asked, tie.format(blocked=literals(gate.embargoed))]):
        return []
    alone = [name for name in gate.embargoed if _count(con, table, [*asked, tie.format(blocked=quoted(name))])]
    return [held for name in alone or gate.embargoed if (held := gate.embargo(name))]


def _closed(
    con: duckdb.DuckDBPyConnection, gate: Gate, table: Table, conditions: list[str], rule: str, what: str
) -> list[Withheld]:
    ask: dict[str, Any] = {"codebook": gate.codebook, "wording": gate.wording}
    where = " AND ".join(f"({one})" for one in conditions)
    found = con.execute(f"SELECT release, count(*) FROM {table.name} WHERE {where} GROUP BY 1 ORDER BY 1").fetchall()
    return [held for release, rows in found if (held := ask[rule](release, f"{what}: {rows}"))]


def _count(con: duckdb.DuckDBPyConnection, table: Table, conditions: list[str]) -> int:
    where = " AND ".join(f"({one})" for one in conditions)
    row = con.execute(f"SELECT count(*) FROM {table.name} WHERE {where}").fetchone()
    return int(row[0]) if row else 0


def _column(gate: Gate, table: Table, name: str) -> str:
    if gate.closed and name in _CLOSED_COLUMNS.get(table.name, {}):
        return f"CASE WHEN release NOT IN ({literals(gate.closed)}) THEN {name} END AS {name}"
    return name
