"""Building a database: declared tables, their rows, macros, comments; always a new file.

Belongs here: everything between frames or Parquet files and a closed, checkpointed DuckDB file. Does not
belong here: what the rows mean (assets), whether the file may be published (assets.publication), publishing
(warehouse.versions).
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from schemas.problems import nearest
from schemas.tables import BY_NAME, TABLES, Table
from warehouse import connect

SQL = Path(__file__).resolve().parent / "sql"
# DuckDB 2.0 writes by default what 1.x cannot open; this every client since 1.0 opens.
STORAGE_VERSION = "v1.0.0"

_INCOMING = "incoming"
_NO_SPACE = "No space left on device"
_MEGABYTE = 1_000_000


class BuildError(Exception):
    """The database could not be built; the message names the file and says what to do."""


@dataclass(frozen=True)
class ParquetFiles:
    """Rows that lie in Parquet files; none at all is an empty table."""

    paths: Sequence[Path]


# Any stands for Arrow tables: pyarrow brings no types that mypy could follow.
Source = Any | ParquetFiles


def create(candidate: Path, tables: Mapping[str, Source]) -> dict[str, int]:
    """Build the database file `candidate` and return the number of rows of every table.

    Every declared table is there afterwards; one that is not in `tables` is empty. Rows are written in the
    order of their key and, where keys are equal, of all other columns, so the same rows make the same
    tables whatever order they came in. A failed build leaves no file behind: on a full disk the half-built
    one would be in the way.

    Raises:
        FileExistsError: `candidate` exists already.
        BuildError: an undeclared table or column, a row that its table refuses, a file that cannot be read,
            a full disk.
    """
    for name in tables:
        if name not in BY_NAME:
            close = nearest(name, list(BY_NAME))
            hint = f"; nearest: {close!r}" if close else ""
            raise BuildError(f"no table {name!r} is declared in schemas.tables{hint}")
    if candidate.exists():
        raise FileExistsError(f"{candidate} exists; a build always starts with a new file")
    try:
        counts = _create(candidate, tables)
    except BaseException:
        for left in (candidate, _wal(candidate)):
            left.unlink(missing_ok=True)
        shutil.rmtree(_spill(candidate), ignore_errors=True)
        raise
    if _wal(candidate).exists():
        raise BuildError(f"the checkpoint left {_wal(candidate)}; without it the database is not whole")
    return counts


def _create(candidate: Path, tables: Mapping[str, Source]) -> dict[str, int]:
    counts = {}
    with _explained(candidate, "opening"), connect.memory() as db:
        # By default an in-memory connection spills into the current folder, on whatever disk that is.
        db.execute(f"SET temp_directory = {connect.quoted(_spill(candidate))}")
        db.execute(f"ATTACH {connect.quoted(candidate)} AS warehouse (STORAGE_VERSION '{STORAGE_VERSION}')")
        db.execute("USE warehouse")
        for table in TABLES:
            with _explained(candidate, f"table {table.name}"):
                db.execute(table.ddl())
                counts[table.name] = _fill(db, table, tables.get(table.name, ParquetFiles(())))
        for script in sorted(SQL.glob("*.sql")):
            with _explained(candidate, f"warehouse/sql/{script.name}"):
                db.execute(script.read_text(encoding="utf-8"))
        with _explained(candidate, "comments"):
            for table in TABLES:
                db.execute("\n".join(table.comments()))
        with _explained(candidate, "the checkpoint"):
            db.execute("CHECKPOINT warehouse")
            db.execute("USE memory")
            db.execute("DETACH warehouse")
    return counts


def _fill(db: duckdb.DuckDBPyConnection, table: Table, source: Source) -> int:
    """Insert the rows of `source`, ordered."""
    if isinstance(source, ParquetFiles):
        if not source.paths:
            return 0
        # By name: a file written before a nullable column was declared has NULL there; a NOT NULL column
        # refuses it. Without hive_partitioning = false a folder called `year=2022` would add a column.
        rows = "read_parquet($files, union_by_name := true, hive_partitioning := false)"
        parameters = {"files": [_no_pattern(path) for path in source.paths]}
        described = db.execute(f"DESCRIBE SELECT * FROM {rows}", parameters).fetchall()
        found = [str(row[0]) for row in described]
    else:
        rows, parameters, found = _INCOMING, {}, list(source.column_names)
        missing = [name for name in table.columns if name not in found]
        if missing:
            lacking = ", ".join(missing)
            raise BuildError(f"table {table.name}: column {lacking} is missing; make it with Table.to_arrow")
        db.register(_INCOMING, source)
    extra = [name for name in found if name not in table.columns]
    if extra:
        raise BuildError(f"table {table.name}: column {', '.join(extra)} is not declared and would be lost")
    there = [name for name in table.columns if name in found]
    names = ", ".join(there)
    order = ", ".join([*table.key, *(name for name in there if name not in table.key)])
    inserted = db.execute(
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {rows} ORDER BY {order}",
        parameters,
    ).fetchone()
    if not isinstance(source, ParquetFiles):
        db.unregister(_INCOMING)
    return int(inserted[0]) if inserted else 0


def _no_pattern(path: Path) -> str:
    """The path so that read_parquet takes `*`, `?` and `[` in it as they stand."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _wal(candidate: Path) -> Path:
    return candidate.with_name(candidate.name + ".wal")


def _spill(candidate: Path) -> Path:
    return candidate.with_name(candidate.name + ".spill")


@contextmanager
def _explained(candidate: Path, where: str) -> Iterator[None]:
    """Turn DuckDB's errors into a `BuildError` that says where and what to do."""
    try:
        yield
    except duckdb.Error as error:
        text = str(error).strip()
        if _NO_SPACE in text or isinstance(error, duckdb.OutOfMemoryException):
            free = shutil.disk_usage(candidate.parent).free / _MEGABYTE
            what = "no space left on device" if _NO_SPACE in text else "memory and disk for sorting used up"
            raise BuildError(
                f"{what} while building {candidate} ({where}; {free:.1f} MB free on that disk). Free space "
                f"there, or set WEATHERVANE_DATA to a larger disk, and run again; what is published is "
                f"untouched. DuckDB: {text}"
            ) from error
        raise BuildError(f"building {candidate} failed ({where}): {text}") from error
