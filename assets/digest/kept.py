"""Digests as they were published, one file each, beside the ledger.

Belongs here: writing and reading them. Does not belong here: making them (assets.digest.compare).

A digest depends on two versions, and the earlier one is gone after some days. So what was told is kept: a rebuild, or
a version published again because somebody damaged the file, has the digest of the first time. Its name is that of the
state it belongs to: the ledger's refresh and the stamp of the build (tables, rules, code).
"""

import io
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pyarrow.parquet

from schemas.tables.house import DIGEST
from warehouse import connect
from warehouse.files import write_whole
from warehouse.layout import Layout

FOLDER = "digests"


def place(layout: Layout, refresh: int, stamp: str) -> Path:
    """Where the digest of a state lies."""
    return layout.ledger / FOLDER / f"{refresh:06d}-{stamp}.parquet"


def read(layout: Layout, refresh: int, stamp: str) -> Any | None:
    """The digest of a state as an Arrow table; None if that state was never published."""
    file = place(layout, refresh, stamp)
    return pyarrow.parquet.read_table(file, schema=DIGEST.arrow()) if file.is_file() else None


def keep(layout: Layout, database: Path) -> None:
    """Keep the digest of a database that is about to be published; one that is kept already stays as it is.

    Raises:
        OSError: the disk refuses.
    """
    con = connect.read(database)
    try:
        refresh, stamp = state(con)
        rows = con.sql(f"SELECT {', '.join(DIGEST.columns)} FROM digest ORDER BY position").to_arrow_table()
    finally:
        con.close()
    file = place(layout, refresh, stamp)
    file.parent.mkdir(parents=True, exist_ok=True)
    for left in file.parent.glob(".*.part"):  # of a run that was killed while writing
        left.unlink(missing_ok=True)
    if not file.exists():
        out = io.BytesIO()
        pyarrow.parquet.write_table(rows.cast(DIGEST.arrow()), out)
        write_whole(file, out.getvalue())


def state(con: duckdb.DuckDBPyConnection, database: str = "main") -> tuple[int, str]:
    """Refresh and stamp of the build of an open or attached database; 0 and an empty text where it does not say."""
    found = con.execute(f"SELECT key, value FROM {database}.about WHERE key IN ('refresh', 'build')").fetchall()
    about = dict(found)
    return int(about.get("refresh") or 0), str(about.get("build") or "")
