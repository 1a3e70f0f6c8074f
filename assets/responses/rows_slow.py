"""Rows by pyreadstat, in chunks: right for every format, encoding and kind of missing value.

Belongs here: reading chunk after chunk and turning Python lists into Arrow columns, tagged missing values into columns
of their own. Does not belong here: codebooks (`labelled`), the fast way for large SPSS files (`rows_fast`).
"""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa

from assets.responses.failures import explained
from assets.responses.labelled import READERS, arguments
from assets.responses.options import Options
from assets.responses.portable import DeclaredByData
from assets.responses.spss_header import Header
from assets.responses.table import schema_of
from assets.responses.transport import Tags, transport_tags
from schemas.codebook import Codebook, Variable

CHUNK_CELLS = 4_000_000


class SlowRows:
    """The rows of one file, and what only its rows tell: which tags and which missing codes occur."""

    def __init__(self, path: str, file: str, codebook: Codebook, options: Options, header: Header | None) -> None:
        """Nothing is read before the first batch is asked for."""
        self.path, self.file, self.codebook, self.options, self.header = path, file, codebook, options, header
        self.seen: dict[str, set[str]] = {}
        self.portable = DeclaredByData(path, codebook) if codebook.format == "por" else None
        self.transport = transport_tags(path, codebook) if codebook.format == "xpt" else Tags({})

    def batches(self, variables: list[Variable]) -> Iterator[pa.Table]:
        """The rows in order."""
        schema = schema_of(variables)
        wanted = None if len(variables) == self.codebook.columns else [one.name for one in variables]
        chunk = max(1_000, CHUNK_CELLS // self.codebook.columns)
        done = 0
        while True:
            rows = min(chunk, self.codebook.rows - done) if self.codebook.rows else chunk
            columns = self._chunk(done, rows, wanted)
            count = len(next(iter(columns.values()), ()))
            if count:
                yield self._table(columns, variables, schema, done)
            done += count
            if count < rows or (self.codebook.rows and done >= self.codebook.rows):
                return

    def first(self, variables: list[Variable], rows: int) -> pa.Table:
        """The first rows, to compare another engine with."""
        wanted = None if len(variables) == self.codebook.columns else [one.name for one in variables]
        return self._table(self._chunk(0, rows, wanted), variables, schema_of(variables), 0)

    def _chunk(self, start: int, rows: int, wanted: list[str] | None) -> dict[str, Any]:
        given = arguments(self.codebook.format, self.options.encoding)
        with explained(self.path, self.file, self.codebook.format, self.header):
            read = READERS[self.codebook.format]
            columns: dict[str, Any] = read(self.path, row_offset=start, row_limit=rows, usecols=wanted, **given)[0]
        return columns

    def _table(self, columns: dict[str, Any], variables: list[Variable], schema: pa.Schema, start: int) -> pa.Table:
        arrays, tags = [], []
        for one in variables:
            values = columns.pop(one.name)
            if one.stored == "text":
                texts = ["" if value is None else value for value in values]
                arrays.append(_arrow(texts, pl.String, pa.string()))
                continue
            if self.portable is not None:
                values = self.portable.restored(one.name, values, start)
            letters = None
            if one.tag_column and (found := self.transport.of(one.name, start, len(values))) is not None:
                letters = found
            values, inside = _split(values)
            kind = pl.Int64 if one.stored == "integer" else pl.Float64
            arrays.append(_arrow(values, kind, schema.field(one.column).type))
            if one.tag_column:
                letters = letters or inside or [None] * len(values)
                tags.append(_arrow(letters, pl.String, pa.string()))
                self.seen.setdefault(one.name, set()).update(letter for letter in letters if letter)
        return pa.table([*arrays, *tags], schema=schema)

    def finish(self, codebook: Codebook) -> Codebook:
        """The codebook with the tags and missing codes that occurred."""
        variables = []
        for one in codebook.variables:
            tags = sorted(self.seen.get(one.name, ()))
            change: dict[str, Any] = {"tags": tags, "tag_column": one.tag_column if tags else None}
            if self.portable is not None and not one.missing_codes:
                change["missing_codes"] = self.portable.codes(one.name)
            variables.append(one.model_copy(update=change))
        extra = [] if self.portable is None else self.portable.warnings(self.file)
        return codebook.model_copy(update={"variables": variables, "warnings": [*codebook.warnings, *extra]})


def _arrow(values: list[Any], kind: Any, wanted: pa.DataType) -> pa.Array:
    """A column. By way of Polars, as Arrow imports pandas to look at a list, which takes longer than most files."""
    return pl.Series(values, dtype=kind).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(wanted)


def _split(values: list[Any]) -> tuple[list[Any], list[str | None] | None]:
    """Numbers, and the letters that pyreadstat puts in their place for tagged missing values."""
    if str not in set(map(type, values)):
        return values, None
    numbers = [None if isinstance(value, str) else value for value in values]
    return numbers, [f".{value}" if isinstance(value, str) else None for value in values]
