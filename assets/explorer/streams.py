"""Figures one item or one wave at a time, in the order in which pages are made.

Belongs here: the large tables, read as streams and only for the pages that are made again. Does not belong here: the
small tables, which are read whole (reading), what pages make of the rows.
"""

from collections.abc import Iterator, Sequence

import duckdb

from warehouse.rows import Row

WAVE = ("organisation", "series", "wave")
_BATCH = 20_000


class Stream:
    """Rows of a query ordered by a key, handed out key by key, in ascending order of the keys that are asked for."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        query: str,
        key: Sequence[str],
        then: str,
        only: Sequence[str] | None = None,
    ) -> None:
        """Start reading.

        Args:
            con: of the database; the stream has a cursor of its own.
            query: SELECT without ORDER BY.
            key: columns by which rows are handed out.
            then: order within a key.
            only: values of the key (its parts joined by a slash) that will be asked for; all of them by default.
        """
        where = "" if only is None else f" WHERE concat_ws('/', {', '.join(key)}) IN (SELECT unnest($1))"
        order = f" ORDER BY {', '.join(key)}, {then}"
        self._rows = _rows(con.cursor(), f"FROM ({query}){where}{order}", [] if only is None else [list(only)])
        self._key = tuple(key)
        self._next: Row | None = next(self._rows, None)

    def take(self, *key: str) -> list[Row]:
        """The rows of this key; those of smaller keys are passed over."""
        found = []
        while self._next is not None:
            here = tuple(self._next[name] for name in self._key)
            if here > key:
                break
            if here == key:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


# Tables of which an item's page shows rows, with the order within the item. Those that a database does not have yet
# are empty there.
OF_ITEM = {
    "estimates": "organisation, series, fieldwork_start NULLS LAST, fieldwork_end NULLS LAST, wave, subgroup,"
    " subgroup_value, category",
    "trends": "organisation, series, position",
    "changes": "organisation, series, later_start NULLS LAST, wave_to, earlier_start, subgroup, subgroup_value,"
    " category",
    "trend_tests": "organisation, series, category, subgroup, subgroup_value, segment",
    "readings": "organisation, series, wave, category, subgroup, subgroup_value",
    "change_readings": "organisation, series, wave_from, wave_to, category, subgroup, subgroup_value, pair",
    "composition": "organisation, series, wave_from, wave_to, category, pair, banner",
}
_QUERIES = {
    "trends": "SELECT item, category, subgroup, subgroup_value, organisation, series, wave, segment, comparability,"
    " reasons, position FROM trends",
    "changes": "SELECT c.*, w.fieldwork_start AS later_start, v.fieldwork_start AS earlier_start FROM changes AS c"
    " LEFT JOIN waves AS w ON (w.organisation, w.series, w.wave) = (c.organisation, c.series, c.wave_to)"
    " LEFT JOIN waves AS v ON (v.organisation, v.series, v.wave) = (c.organisation, c.series, c.wave_from)",
    "readings": "SELECT * FROM readings WHERE reading = 'without_dont_know'",
    "change_readings": "SELECT * FROM change_readings WHERE reading = 'without_dont_know'",
}


class ByItem:
    """Streams of the tables that an item's page shows."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, tables: frozenset[str], only: Sequence[str] | None = None
    ) -> None:
        self._streams = {
            table: Stream(con, _QUERIES.get(table, f"SELECT * FROM {table}"), ("item",), order, only)
            for table, order in OF_ITEM.items()
            if table in tables
        }

    def take(self, table: str, item: str) -> list[Row]:
        """The rows of one item; items must be asked for in ascending order."""
        return self._streams[table].take(item) if table in self._streams else []


def by_wave(con: duckdb.DuckDBPyConnection, only: Sequence[str] | None = None) -> Stream:
    """Estimates, one wave after the other."""
    order = "item, question, subgroup, subgroup_value, category"
    return Stream(con, "SELECT * FROM estimates", WAVE, order, only)


def _rows(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object]) -> Iterator[Row]:
    found = con.execute(query, list(parameters))
    names = [column[0] for column in found.description or []]
    while batch := found.fetchmany(_BATCH):
        for row in batch:
            yield dict(zip(names, row, strict=True))
