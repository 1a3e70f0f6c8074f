"""Making the digest of a candidate and writing it there.

Belongs here: with which version a candidate is compared. Does not belong here: the comparison (assets.digest.compare).
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow

from assets.digest import kept
from assets.digest.compare import digest
from schemas.tables.house import DIGEST
from warehouse import connect, versions
from warehouse.build import BuildError
from warehouse.layout import Layout


def make(layout: Layout, candidate: Path) -> int:
    """Fill the table `digest` of a closed candidate; returns its number of rows.

    A state that was published before has the digest that it had then. Any other is compared with the published version,
    or, if that cannot be read, with the newest one that can. Without one it is the first version.

    Raises:
        BuildError: the candidate cannot be read or written.
    """
    try:
        with contextlib.closing(connect.read(candidate)) as con:
            rows = kept.read(layout, *kept.state(con))
            if rows is None:
                records = digest(con, attached(con, layout))
                rows = pyarrow.Table.from_pylist(records, schema=DIGEST.arrow())
        _write(candidate, rows)
    except duckdb.Error as bad:
        raise BuildError(f"writing the digest into {candidate} failed: {bad}") from bad
    return int(rows.num_rows)


def attached(con: duckdb.DuckDBPyConnection, layout: Layout) -> bool:
    """Attach the version to compare with as `previous`; whether there is one."""
    for version in _earlier(layout):
        with contextlib.suppress(duckdb.Error):
            con.execute(f"ATTACH {connect.quoted(version)} AS previous (READ_ONLY)")
            try:
                kept.state(con, "previous")
            except duckdb.Error:
                con.execute("DETACH previous")
                continue
            return True
    return False


def _earlier(layout: Layout) -> Iterator[Path]:
    published = versions.published(layout)
    if published is not None:
        yield published
    yield from (version for version in reversed(versions.there(layout)) if version != published)


def _write(candidate: Path, rows: Any) -> None:
    con = duckdb.connect(str(candidate))
    try:
        con.register("made", rows)
        con.execute("DELETE FROM digest")
        con.execute(f"INSERT INTO digest BY NAME SELECT * FROM made ORDER BY {', '.join(DIGEST.key)}")
        con.execute("CHECKPOINT")
    finally:
        con.close()
