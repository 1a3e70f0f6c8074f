"""Answers in a Parquet file.

Belongs here: taking its columns over, batch by batch. Does not belong here: text files (`delimited`).
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.responses.detect import refuse
from assets.responses.labelled import column_name
from assets.responses.table import Table, group_rows, schema_of
from assets.responses.truncation import check_whole
from schemas.codebook import Codebook, Variable
from schemas.problems import Problem, shorten


def columnar_table(path: str, file: str) -> Table:
    """The table of a Parquet file.

    Raises:
        ProblemsError: it is cut, broken, or has columns that are no plain values.
    """
    check_whole(path, file, "parquet")
    try:
        source = pq.ParquetFile(path)
        schema = source.schema_arrow
    except (pa.ArrowException, OSError) as bad:
        raise refuse("corrupt", file, "the file cannot be read", value=shorten(bad), expected="a whole file") from None
    taken: set[str] = set()
    variables, odd = [], []
    for field in schema:
        one = _variable(field, taken)
        if one is None:
            odd.append(Problem("unsupported", file, "a column of nested or binary values", None, field.name))
        else:
            variables.append(one)
    if odd:
        raise refuse(odd[0].cause, file, odd[0].what, column=odd[0].column, expected="numbers, text and dates")
    if len(set(schema.names)) < len(schema.names):
        raise refuse("corrupt", file, "two columns have the same name", expected="each name once")
    rows = source.metadata.num_rows
    if not variables or not rows:
        raise refuse("empty", file, "the file has no rows", expected="at least one respondent")
    codebook = Codebook(
        format="parquet", encoding="utf-8", rows=rows, columns=len(variables), variables=variables, engine="pyarrow"
    )
    return Table(codebook, lambda wanted: _batches(source, file, wanted), rows)


def _variable(field: Any, taken: set[str]) -> Variable | None:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    given: dict[str, Any] = {"name": field.name, "column": column_name(field.name, taken)}
    if pa.types.is_integer(kind):
        return Variable(**given, stored="integer")
    if pa.types.is_floating(kind):
        return Variable(**given, stored="double")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind):
        return Variable(**given, kind="text", stored="text")
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return Variable(**given, kind="text", stored="text")
    for test, name in ((pa.types.is_date, "date"), (pa.types.is_timestamp, "datetime"), (pa.types.is_time, "time")):
        if test(kind):
            return Variable(**given, kind=name, stored="text", origin="ISO 8601")
    return None


def _batches(source: Any, file: str, wanted: list[Variable]) -> Iterator[pa.Table]:
    schema = schema_of(wanted)
    try:
        for batch in source.iter_batches(group_rows(len(wanted)), columns=[one.name for one in wanted]):
            arrays = []
            for one in wanted:
                values = batch.column(batch.schema.get_field_index(one.name))
                if pa.types.is_dictionary(values.type):
                    values = values.dictionary_decode()
                arrays.append(pc.cast(values, schema.field(one.column).type))
            yield pa.table(arrays, schema=schema)
    except (pa.ArrowException, OSError) as bad:
        raise refuse("corrupt", file, "the data cannot be read", value=shorten(bad), expected="a whole file") from None
