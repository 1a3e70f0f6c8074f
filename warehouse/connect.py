"""Connections to DuckDB: read-only to a database, or in memory for building frames.

Belongs here: how a connection is opened and what it may load. Does not belong here: writing databases
(warehouse.build), which version is the published one (warehouse.versions), queries.
"""

from pathlib import Path

import duckdb

# With SET and not with connect(config=...): DuckDB refuses a second connection to a file in the same
# process whose configuration differs, so a notebook that had opened the link by itself could not call our
# functions any more. json, parquet and icu are linked in; nothing else is ever fetched or loaded behind our
# back.
_SETTINGS = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
)


def read(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to `path`, which may be the link to the published version.

    The link is resolved here: DuckDB before 2.0 takes the link's own name for the name of the database, and
    then hands the old version to a process that still has it open.

    Raises:
        FileNotFoundError: there is nothing at `path`.
        duckdb.IOException: the file is locked by a writer, or no database.
    """
    target = _target(path)
    try:
        return _open(target)
    except duckdb.IOException:
        again = _target(path)
        if again == target and target.exists():
            raise
        return _open(again)  # the link was moved, and the old version removed, between resolving and opening


def memory() -> duckdb.DuckDBPyConnection:
    """A connection to a new database in memory."""
    return _settled(duckdb.connect(":memory:"))


def quoted(text: str | Path) -> str:
    """A SQL string literal, for the few statements that take no parameters (ATTACH, SET, COMMENT)."""
    return "'" + str(text).replace("'", "''") + "'"


def _target(path: Path) -> Path:
    target = path.resolve()
    if not target.exists():
        raise FileNotFoundError(f"no database at {path}; run a refresh, or look at WEATHERVANE_DATA")
    return target


def _open(target: Path) -> duckdb.DuckDBPyConnection:
    return _settled(duckdb.connect(str(target), read_only=True))


def _settled(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    for statement in _SETTINGS:
        connection.execute(statement)
    return connection
