"""Comparing a database with the one published before it: the rows of `digest`, in the order of reading.

Belongs here: which comparisons there are, their order, and what happens where the earlier version lacks a table. Does
not belong here: the comparisons themselves (figures, house), how they are shown (text).
"""

from collections.abc import Iterable
from typing import Any

import duckdb

from assets.digest import figures, first, house
from assets.digest.query import Comparison, Row, fetch
from schemas.vocabulary import DigestKind, words

COMPARISONS: tuple[Comparison, ...] = (*figures.COMPARISONS, *house.COMPARISONS)
_ORDER = {kind: place for place, kind in enumerate(words(DigestKind))}


def digest(con: duckdb.DuckDBPyConnection, has_previous: bool) -> list[Row]:
    """The rows of `digest` for an open database.

    Args:
        con: the later database; the earlier one is attached as `previous`, if there is one.
        has_previous: whether it is. Without it the digest is a summary of the first version.
    """
    rows = _compared(con) if has_previous else first.summary(con)
    refresh, happened = _about(con, "main")
    since = _about(con, "previous")[0] if has_previous else None
    stamp = {"refresh": refresh, "happened_at": happened, "since_refresh": since}
    return [{**stamp, **row, "position": position} for position, row in enumerate(rows, start=1)]


def _compared(con: duckdb.DuckDBPyConnection) -> list[Row]:
    found: list[Row] = []
    for comparison in COMPARISONS:
        lacking = _lacking(con, comparison.needs)
        if lacking:
            what = f"not compared with the version before, which has no {', '.join(lacking)}"
            found.append({"kind": "version", "subject": comparison.name, "what": f"{comparison.name}: {what}"})
        else:
            found += [comparison.say(row) for row in fetch(con, comparison.query)]
    return sorted(found, key=lambda row: _ORDER[row["kind"]])  # stable: within a kind the query's order stays


def _lacking(con: duckdb.DuckDBPyConnection, needs: Iterable[str]) -> list[str]:
    """Tables and columns (`table.column`) that the earlier version does not have."""
    there = con.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'previous'")
    known = {f"{table}.{column}" for table, column in there.fetchall()}
    return [name for name in needs if name not in known]


def _about(con: duckdb.DuckDBPyConnection, database: str) -> tuple[int, Any]:
    found = con.execute(
        f"SELECT max(value) FILTER (key = 'refresh')::INTEGER,"
        f" max(value) FILTER (key = 'refreshed_at')::TIMESTAMP FROM {database}.about"
    ).fetchone()
    return found if found is not None else (0, None)
