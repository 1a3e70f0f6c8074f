"""Reading the published database for exports: one wave or one item with all that its files say of it.

Belongs here: finding what was asked for, the queries. Does not belong here: which rows may leave (`.gates`), formats.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from assets.exports.gates import Gate, NothingMayLeaveError, Withheld
from assets.exports.passing import SelectionError, literals, unknown
from warehouse.rows import Row, rows

Wave = tuple[str, str, str]
TOTAL = ("total", "all")


@dataclass(frozen=True)
class Facts:
    """What is published of one wave or one item, without releases that may not leave.

    Attributes:
        subject: id of the item, or organisation/series/wave.
        item: the row of `items` if it is about an item, None for a wave.
        waves: rows of `waves`, in time order.
        organisations: rows of `organisations` by id; missing where the catalogue has none.
        series: rows of `series` by organisation and id.
        releases: rows of `releases`.
        items: rows of `items` by id.
        categories: rows of `categories` in their order, by item.
        questions: rows of `questions` by release and question.
        estimates: rows of `estimates`, by wave in time order, question, banner.
        scores: rows of `scores`, likewise.
        trends: rows of `trends` for everyone asked, by `estimate_id`.
        changes: rows of `changes` for everyone asked; of an item only.
        weights: rows of `weights` by release.
        about: the table `about`.
        withheld: what stayed here.
    """

    subject: str
    item: Row | None
    waves: list[Row]
    organisations: dict[str, Row]
    series: dict[tuple[str, str], Row]
    releases: list[Row]
    items: dict[str, Row]
    categories: dict[str, list[Row]]
    questions: dict[tuple[str, str], Row]
    estimates: list[Row]
    scores: list[Row]
    trends: dict[str, Row]
    changes: list[Row]
    weights: dict[str, Row]
    about: dict[str, str]
    withheld: tuple[Withheld, ...] = field(default=())

    def house(self, wave: Row) -> str:
        """The organisation's name."""
        return str(self.organisations.get(wave["organisation"], {}).get("name") or wave["organisation"])

    def line(self, wave: Row) -> str:
        """The series' name."""
        return str(self.series.get((wave["organisation"], wave["series"]), {}).get("name") or wave["series"])

    def of(self, wave: Row) -> list[Row]:
        """The releases of a wave."""
        return [row for row in self.releases if key_of(row) == key_of(wave)]


def key_of(row: Row) -> Wave:
    """Organisation, series and wave of a row."""
    return row["organisation"], row["series"], row["wave"]


def facts(con: duckdb.DuckDBPyConnection, gate: Gate, selection: str) -> Facts:
    """What is published of `organisation/series/wave`, or of the item of that id.

    Raises:
        SelectionError: there is neither.
        NothingMayLeaveError: all of it is under embargo.
    """
    if "/" in selection:
        return _wave(con, gate, selection)
    return _item(con, gate, selection)


def _wave(con: duckdb.DuckDBPyConnection, gate: Gate, selection: str) -> Facts:
    known = {
        "/".join(row): row
        for row in con.execute("SELECT organisation, series, wave FROM waves ORDER BY ALL").fetchall()
    }
    if selection not in known:
        raise SelectionError(unknown("wave", selection, list(known)))
    same = "(organisation, series, wave) = (?, ?, ?)"
    releases = rows(con, f"FROM releases WHERE {same} ORDER BY release", known[selection])
    return _read(con, gate, selection, releases, "true", [], None)


def _item(con: duckdb.DuckDBPyConnection, gate: Gate, selection: str) -> Facts:
    items = {row["item"]: row for row in rows(con, "FROM items ORDER BY item")}
    if selection not in items:
        raise SelectionError(unknown("item", selection, list(items)))
    releases = rows(
        con,
        "FROM releases WHERE release IN (SELECT release FROM questions WHERE item = ?) ORDER BY release",
        [selection],
    )
    if not releases:
        raise SelectionError(f"the item {selection} is in no release that is loaded; there is nothing to export")
    return _read(con, gate, selection, releases, "item = ?", [selection], items[selection])


def _read(
    con: duckdb.DuckDBPyConnection,
    gate: Gate,
    subject: str,
    found: list[Row],
    condition: str,
    parameters: list[Any],
    item: Row | None,
) -> Facts:
    held = tuple(one for row in found if (one := gate.embargo(row["release"])))
    releases = [row for row in found if gate.embargo(row["release"]) is None]
    if not releases:
        raise NothingMayLeaveError(held)
    inside = f"release IN ({literals(row['release'] for row in releases)})"

    def read(table: str, order: str) -> list[Row]:
        return rows(con, f"FROM {table} WHERE {inside} AND {condition} ORDER BY {order}", parameters)

    questions = read("questions", "release, question")
    banner = "fieldwork_start NULLS LAST, organisation, series, wave, question, subgroup <> 'total', subgroup, "
    items = _of(con, "items", "item", sorted({row["item"] for row in questions}), "item")
    waves = _waves(con, releases)
    return Facts(
        subject,
        item,
        waves,
        {row["organisation"]: row for row in rows(con, "FROM organisations")},
        {(row["organisation"], row["series"]): row for row in rows(con, "FROM series")},
        releases,
        {row["item"]: row for row in items},
        grouped(_of(con, "categories", "item", [row["item"] for row in items], "item, position"), "item"),
        {(row["release"], row["question"]): row for row in questions},
        read("estimates", f"{banner} subgroup_value, category"),
        read("scores", f"{banner} subgroup_value, statistic"),
        {row["estimate_id"]: row for row in _lines(con, "trends", item, waves)},
        _lines(con, "changes", item, waves),
        {row["release"]: row for row in rows(con, f"FROM weights WHERE {inside}")},
        dict(con.execute("SELECT key, value FROM about ORDER BY key").fetchall()),
        held,
    )


def _waves(con: duckdb.DuckDBPyConnection, releases: list[Row]) -> list[Row]:
    keys = {key_of(row) for row in releases}
    found = rows(con, "FROM waves ORDER BY fieldwork_start NULLS LAST, fieldwork_end, organisation, series, wave")
    return [row for row in found if key_of(row) in keys]


def _lines(con: duckdb.DuckDBPyConnection, table: str, item: Row | None, waves: list[Row]) -> list[Row]:
    """Trends or changes of an item, for everyone asked, between waves that may leave."""
    if item is None:
        return []
    keys = {key_of(row) for row in waves}
    ends = ("wave",) if table == "trends" else ("wave_from", "wave_to")
    found = rows(
        con,
        f"FROM {table} WHERE item = ? AND subgroup = 'total' ORDER BY organisation, series, category, "
        + ("position" if table == "trends" else "pair, wave_from, wave_to"),
        [item["item"]],
    )
    return [row for row in found if all((row["organisation"], row["series"], row[end]) in keys for end in ends)]


def _of(con: duckdb.DuckDBPyConnection, table: str, column: str, values: Sequence[str], order: str) -> list[Row]:
    if not values:
        return []
    return rows(con, f"FROM {table} WHERE {column} IN ({literals(values)}) ORDER BY {order}")


def grouped(found: list[Row], key: str) -> dict[str, list[Row]]:
    """Rows by the value of a column."""
    groups: dict[str, list[Row]] = {}
    for row in found:
        groups.setdefault(row[key], []).append(row)
    return groups


def codes(con: duckdb.DuckDBPyConnection, gate: Gate, releases: Sequence[Row]) -> tuple[list[Row], list[Withheld]]:
    """Rows of `codes` of the releases whose codebook may leave, and what stays."""
    found: list[Row] = []
    held: list[Withheld] = []
    for release in releases:
        own = rows(con, "FROM codes WHERE release = ? ORDER BY question, code", [release["release"]])
        refused = gate.codebook(release["release"], f"codes of the file: {len(own)}") if own else None
        if refused:
            held.append(refused)
        else:
            found += own
    return found, held
