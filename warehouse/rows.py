"""Rows of a query with the names of their columns.

Belongs here: nothing else. Does not belong here: opening databases (warehouse.connect), queries.
"""

from collections.abc import Sequence
from typing import Any

import duckdb

Row = dict[str, Any]


def rows(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """What a query finds, in its order; a column that appears twice is kept once."""
    found = con.execute(query, list(parameters))
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
