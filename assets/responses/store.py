"""Writing the answers: one Parquet file, row group by row group, while the next rows are being read.

Belongs here: the one place that writes responses. Does not belong here: what is written (`table`, `privacy`), moving it
into the lake (the caller does, when it is whole).
"""

import queue
import threading
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.responses.table import group_rows

NAME = "responses.parquet"
# Measured at 1M x 61: 1.0 s of processor time and 35 MB; zstd with statistics 1.35 s and 33 MB, and slower to read.
_HOW = {"compression": "snappy", "write_statistics": False}
_SAMPLE = 8_192


class Store:
    """A Parquet file in the making; a context manager. Without `close` it leaves nothing."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        """Nothing is written before the first row group is full."""
        self.path, self.schema = folder / NAME, schema
        self.rows = 0
        self.size = group_rows(len(schema))
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._groups: queue.Queue[pa.Table | None] = queue.Queue(1)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._whole = False

    def put(self, batch: pa.Table) -> None:
        """Take the next rows."""
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self.rows += batch.num_rows
        while self._waiting_rows >= self.size:
            whole = pa.concat_tables(self._waiting)
            self._hand_over(whole.slice(0, self.size))
            rest = whole.slice(self.size)
            self._waiting, self._waiting_rows = ([rest] if rest.num_rows else []), rest.num_rows

    def close(self, empty: Iterable[str] = ()) -> None:
        """Write the rest; columns of tags that turned out to be empty are left out."""
        leave_out = set(empty)
        last = pa.concat_tables(self._waiting) if self._waiting else self.schema.empty_table()
        self._waiting = []
        if self._thread is None:
            pq.write_table(_without(last, leave_out), self.path, **_HOW)
        else:
            if last.num_rows:
                self._hand_over(last)
            self._stop()
            if leave_out:
                self._rewrite(leave_out)
        self._whole = True

    def __enter__(self) -> "Store":
        """The store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what is not whole."""
        if not self._whole:
            try:
                self._stop()
            finally:
                self.path.unlink(missing_ok=True)

    def _hand_over(self, group: pa.Table) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, daemon=True)
            self._thread.start()
        self._groups.put(group)
        if self._failure is not None:
            raise self._failure

    def _stop(self) -> None:
        if self._thread is not None:
            self._groups.put(None)
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            raise self._failure

    def _write(self) -> None:
        try:
            group = self._groups.get()
            if group is None:
                return
            with pq.ParquetWriter(self.path, self.schema, **_HOW, use_dictionary=_with_few_values(group)) as writer:
                while group is not None:
                    writer.write_table(group, row_group_size=group.num_rows)
                    group = self._groups.get()
        except BaseException as bad:  # handed to the thread that reads
            self._failure = bad
            while self._groups.get() is not None:
                pass

    def _rewrite(self, leave_out: set[str]) -> None:
        """A tag column is needed only where a tag occurs, and that is known at the end."""
        whole = self.path.with_name(f"all-{NAME}")
        self.path.rename(whole)
        columns = [name for name in self.schema.names if name not in leave_out]
        with pq.ParquetFile(whole) as source:
            schema = pa.schema([self.schema.field(name) for name in columns])
            with pq.ParquetWriter(self.path, schema, **_HOW) as writer:
                for number in range(source.num_row_groups):
                    writer.write_table(source.read_row_group(number, columns=columns), row_group_size=self.size)
        whole.unlink()


def _without(table: pa.Table, leave_out: set[str]) -> pa.Table:
    return table.select([name for name in table.column_names if name not in leave_out])


def _with_few_values(group: pa.Table) -> list[str]:
    """Columns that are worth a dictionary: codes are, weights and numbers of respondents are not."""
    sample = group.slice(0, _SAMPLE)
    return [name for name in group.column_names if pc.count_distinct(sample.column(name)).as_py() * 4 < sample.num_rows]
