"""All comparisons of a catalogue: estimates in, rows of `trends`, `changes` and `trend_tests` out, piece by piece.

Belongs here: the order in which estimates are read, and pieces of whole items, so that memory does not grow with the
catalogue. Does not belong here: what is computed of a piece (assets.trends.lines, steps, linear_trend), which files
there are (assets.trends.make).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow
import pyarrow.parquet

from assets.trends import linear_trend, readings, steps
from assets.trends.lines import CELL, ITEM, Lines
from assets.trends.shared import Shared
from schemas.tables import BY_NAME
from schemas.tables.figures import ESTIMATES
from warehouse.connect import quoted

PIECE = 1 << 17  # estimates that are compared at a time, or one item that has more
SORTING = "600MB"  # memory that DuckDB sorts in; what is more goes to disk
_TEXTS = (*CELL, "wave", "qualifier", "base", "source_url", "release", "question")
_OTHERS = (
    "fieldwork_start", "fieldwork_end", "percent", "percent_low", "percent_high", "standard_error", "n", "n_effective",
    "flags", "estimate_id",
)  # fmt: skip
_ORDER = (*CELL, "fieldwork_start", "coalesce(fieldwork_end, fieldwork_start)", "wave")
_TEXTS_OF_THEIR_OWN = ("estimate_id",)  # a dictionary of these would be as long as the column


@dataclass(frozen=True)
class Told:
    """What the catalogue says of estimates.

    Attributes:
        questions: rows of `questions` by (release, question).
        waves: rows of `waves` by (organisation, series, wave).
        baselines: wave that a series declares as its baseline, by (organisation, series).
        shared: people or primary units that waves have in common; None is nothing.
        readings: rows of `readings` of some estimates; None is none of any.
    """

    questions: Mapping[tuple[str, str], Mapping[str, Any]]
    waves: Mapping[tuple[str, str, str], Mapping[str, Any]]
    baselines: Mapping[tuple[str, str], str] = field(default_factory=dict)
    shared: Shared | None = None
    readings: Callable[[pyarrow.Table], pyarrow.Table] | None = None


class Compared(NamedTuple):
    """Rows of four tables."""

    trends: pyarrow.Table
    changes: pyarrow.Table
    trend_tests: pyarrow.Table
    change_readings: pyarrow.Table


def compare(estimates: pyarrow.Table, told: Told) -> Compared:
    """Compare whole items.

    Args:
        estimates: rows of `estimates`, every item of a house and series complete, in the order of `in_order`.
        told: what the catalogue says of them.

    Returns:
        Declared columns, texts as dictionaries. Waves without a date cannot be ordered and are left out; so are
        questions whose decision is `exclude`.
    """
    lines = Lines(estimates, told.questions, told.waves)
    consecutive, reviewed = lines.consecutive()
    ways = reviewed.ways(lines.reasons, linear_trend.FEWEST)
    baseline = lines.from_baseline(reviewed, lambda *house: told.baselines.get(house))
    changes = steps.changes(lines, consecutive, ways, baseline, told.shared)
    read = readings.table(changes, estimates, told.readings(estimates) if told.readings else None)
    return Compared(
        steps.trends(lines, reviewed),
        readings.told(changes, read),
        linear_trend.table(lines, reviewed, ways, told.shared),
        read,
    )


def write(estimates: Path, told: Told, work: Path) -> dict[str, int]:
    """Compare the estimates of a Parquet file; the tables of `Compared` go to `work`.

    Pieces are written while the next one is computed. Equal estimates give equal bytes.

    Returns:
        Rows by table.
    """
    rows = dict.fromkeys(Compared._fields, 0)
    writers = {name: _writer(work / f"{name}.parquet", name) for name in rows}
    con = _sorting(work)
    try:
        with ThreadPoolExecutor(1) as pool:
            writing: Future[None] | None = None
            for piece in pieces(in_order(con, f"read_parquet({quoted(estimates)})"), PIECE):
                made = compare(piece, told)
                for name, table in made._asdict().items():
                    rows[name] += table.num_rows
                if writing is not None:
                    writing.result()
                writing = pool.submit(_write, writers, made)
            if writing is not None:
                writing.result()
    finally:
        con.close()
        for writer in writers.values():
            writer.close()
    return rows


def in_order(con: duckdb.DuckDBPyConnection, source: str) -> Iterator[pyarrow.RecordBatch]:
    """Estimates in the order of their lines and, within them, of fieldwork: what `compare` needs of them.

    Args:
        con: a connection that sorts.
        source: a table or table function of the connection.
    """
    found = ", ".join(f"list_sort(list(DISTINCT {name}) FILTER (WHERE {name} IS NOT NULL))" for name in _TEXTS)
    for name, texts in zip(_TEXTS, con.sql(f"SELECT {found} FROM {source}").fetchall()[0], strict=True):
        con.execute(f"CREATE OR REPLACE TYPE text_of_{name} AS ENUM (SELECT unnest($texts))", {"texts": texts or [""]})
    # As ENUM a text is sorted by its place among all texts, and comes out as a dictionary.
    wanted = ", ".join((*(f"{name}::text_of_{name} AS {name}" for name in _TEXTS), *_OTHERS))
    query = f"SELECT * FROM (SELECT {wanted} FROM {source}) ORDER BY {', '.join(_ORDER)}"
    return iter(con.sql(query).to_arrow_reader(PIECE // 4))


def pieces(batches: Iterable[pyarrow.RecordBatch], size: int) -> Iterator[pyarrow.Table]:
    """Whole items of a house and series, `size` rows at least but for the last, and no item more than that takes."""
    held: list[pyarrow.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= size:
            table = pyarrow.Table.from_batches(held)
            cut = _begin_of_last_item(table)
            if cut:
                yield table.slice(0, cut)
                held, rows = table.slice(cut).to_batches(), rows - cut
    if rows:
        yield pyarrow.Table.from_batches(held)


def _begin_of_last_item(table: pyarrow.Table) -> int:
    """Row at which the item of the last row begins; rows of an item lie together."""
    last = [table.column(name)[-1].as_py() for name in ITEM]
    low, high = 0, table.num_rows - 1  # `high` is of the last item, and so is all that follows it
    while low < high:
        middle = (low + high) // 2
        same = [table.column(name)[middle].as_py() for name in ITEM] == last
        low, high = (low, middle) if same else (middle + 1, high)
    return low


def _sorting(work: Path) -> duckdb.DuckDBPyConnection:
    from warehouse.connect import memory

    con = memory()
    con.execute(f"SET memory_limit = '{SORTING}'")
    con.execute(f"SET temp_directory = {quoted(work / '.sorting')}")
    return con


def _writer(path: Path, name: str) -> pyarrow.parquet.ParquetWriter:
    schema = pyarrow.schema([(one.name, _kept_as(one)) for one in BY_NAME[name].arrow()])
    coded = [one.name for one in schema if pyarrow.types.is_dictionary(one.type)]
    coded += [f"{one.name}.list.element" for one in schema if pyarrow.types.is_list(one.type)]
    # Readers get plain texts: the Arrow schema, which would say dictionary, is not kept.
    return pyarrow.parquet.ParquetWriter(path, schema, use_dictionary=coded, store_schema=False)


def _kept_as(one: pyarrow.Field) -> pyarrow.DataType:
    if not pyarrow.types.is_string(one.type) or one.name in _TEXTS_OF_THEIR_OWN:
        return one.type
    return pyarrow.dictionary(pyarrow.int32(), one.type)


def _write(writers: Mapping[str, pyarrow.parquet.ParquetWriter], made: Compared) -> None:
    for name, table in made._asdict().items():
        writers[name].write_table(table.cast(writers[name].schema), row_group_size=1 << 20)


assert set(_TEXTS + _OTHERS) <= set(ESTIMATES.columns)  # noqa: S101  told here, not at the first refresh
