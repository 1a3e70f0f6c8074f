"""Public tables as CSV and Parquet.

Belongs here: how a value is written, and what makes a CSV safe to open in a spreadsheet. Does not belong here: which
rows may leave (`.passing`), packages of several tables (`.datapackage`).

CSV is UTF-8 with commas, a header and LF. NULL is empty, a list is a JSON array, numbers have the digits that give the
same double again. Parquet has the declared types and says of each column what it means.
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow
import pyarrow.parquet

from assets.exports.formulas import RISKY
from assets.exports.passing import Passing
from schemas.tables import Table

_BATCH = 10_000


def as_csv(con: duckdb.DuckDBPyConnection, passing: Passing, *, safe: bool) -> bytes:
    """The rows as CSV.

    Args:
        con: the published database.
        passing: which rows.
        safe: whether a text that a spreadsheet would run as a formula gets an apostrophe in front. Numbers never do.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(passing.table.columns)
    for row in _rows(con, passing.query):
        writer.writerow([text(value, safe=safe) for value in row])
    return out.getvalue().encode("utf-8")


def as_parquet(con: duckdb.DuckDBPyConnection, passing: Passing) -> bytes:
    """The rows as Parquet with the declared types, descriptions and keys in its metadata."""
    table = passing.table
    relation = con.cursor().sql(passing.query)  # a relation wants a connection without unfinished results
    found: Any = relation.to_arrow_table()
    relation.close()
    schema = pyarrow.schema(
        [field.with_metadata({"description": table.describe(field.name)}) for field in table.arrow()],
        metadata={"table": table.name, "description": table.description, "key": ",".join(table.key)},
    )
    out = io.BytesIO()
    pyarrow.parquet.write_table(found.cast(schema), out, compression="zstd")
    return out.getvalue()


def text(value: Any, *, safe: bool) -> str:
    """A value as it stands in a CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return repr(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return f"'{value}" if safe and str(value).startswith(RISKY) else str(value)


def count(con: duckdb.DuckDBPyConnection, passing: Passing) -> int:
    """How many rows there are."""
    row = con.execute(f"SELECT count(*) FROM ({passing.query})").fetchone()
    return int(row[0]) if row else 0


def lists(table: Table) -> list[str]:
    """Columns that hold lists."""
    return [name for name in table.columns if table.sql_type(name).endswith("[]")]


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[Any, ...]]:
    found = con.execute(query)
    while batch := found.fetchmany(_BATCH):
        yield from batch
