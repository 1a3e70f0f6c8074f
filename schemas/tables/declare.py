"""How a table is declared: once, as a pandera schema whose columns carry SQL type, unit and source.

Belongs here: the helpers that turn such a declaration into DDL, comments, Arrow types, a data dictionary and checks.
Does not belong here: the tables themselves (the neighbouring modules), Dagster's types (pipeline), running the DDL
(warehouse).
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pyarrow

from schemas.problems import Problem

# SQL type -> (Arrow type, pandas dtype that pandera coerces to, or None for objects)
_TYPES: dict[str, tuple[Any, Any]] = {
    "VARCHAR": (pyarrow.string(), None),
    "DOUBLE": (pyarrow.float64(), "float64"),
    "INTEGER": (pyarrow.int32(), "Int32"),
    "BIGINT": (pyarrow.int64(), "Int64"),
    "BOOLEAN": (pyarrow.bool_(), "boolean"),
    "DATE": (pyarrow.date32(), None),
    "TIMESTAMP": (pyarrow.timestamp("us"), None),
    "VARCHAR[]": (pyarrow.list_(pyarrow.string()), None),
}
_PYTHON: dict[str, tuple[type, ...]] = {
    "VARCHAR": (str,),
    "DATE": (dt.date,),
    "TIMESTAMP": (dt.datetime,),
    "VARCHAR[]": (list,),
}


def column(
    sql: str,
    description: str,
    *,
    unit: str | None = None,
    source: str | None = None,
    nullable: bool = False,
    allowed: Sequence[str] | None = None,
    low: float | None = None,
    high: float | None = None,
) -> pa.Column:
    """A column: SQL type, meaning, unit, where the value comes from, and what a value must satisfy."""
    _, dtype = _TYPES[sql]
    checks: list[pa.Check] = []
    if dtype is None:
        kinds = _PYTHON[sql]
        checks.append(pa.Check(lambda s: s.map(lambda v: isinstance(v, kinds)), name=f"a {sql}", ignore_na=True))
    if allowed is not None:
        expected = "one of " + ", ".join(allowed)
        checks.append(pa.Check.isin(list(allowed), name=expected, error=expected))
    if low is not None:
        checks.append(pa.Check.ge(low, name=f"at least {low:g}", error=f"at least {low:g}"))
    if high is not None:
        checks.append(pa.Check.le(high, name=f"at most {high:g}", error=f"at most {high:g}"))
    metadata = {"sql": sql, "unit": unit, "source": source, "allowed": list(allowed) if allowed else None}
    return pa.Column(
        dtype, checks, nullable=nullable, coerce=dtype is not None, description=description, metadata=metadata
    )


@dataclass(frozen=True)
class Row:
    """A rule across columns of one row: `holds` gets the frame and returns a boolean series."""

    name: str
    holds: Callable[[pd.DataFrame], Any]


@dataclass(frozen=True)
class Table:
    """A declared table.

    Attributes:
        name: its name in DuckDB.
        description: what one row is, for people.
        room: the room of `assets` that makes it.
        key: columns that identify a row.
        columns: name -> pandera column, in order.
        rows: rules across columns.
    """

    name: str
    description: str
    room: str
    key: tuple[str, ...]
    columns: dict[str, pa.Column]
    rows: tuple[Row, ...] = ()

    def schema(self) -> pa.DataFrameSchema:
        """The pandera schema, strict and lazy-friendly."""
        checks = [pa.Check(rule.holds, name=rule.name, error=rule.name, ignore_na=False) for rule in self.rows]
        return pa.DataFrameSchema(
            self.columns, checks=checks, name=self.name, strict=True, description=self.description
        )

    def sql_type(self, name: str) -> str:
        """The SQL type of a column."""
        return str((self.columns[name].metadata or {})["sql"])

    def arrow(self) -> pyarrow.Schema:
        """The Arrow schema that Parquet files and inserts use, whatever pandas makes of a frame."""
        return pyarrow.schema(
            [pyarrow.field(n, _TYPES[self.sql_type(n)][0], nullable=bool(c.nullable)) for n, c in self.columns.items()]
        )

    def frame(self, records: Sequence[dict[str, Any]]) -> pd.DataFrame:
        """Records (missing keys are NULL) as a frame with the declared columns, no type guessed."""
        data: dict[str, Any] = {}
        for name in self.columns:
            _, dtype = _TYPES[self.sql_type(name)]
            values = [record.get(name) for record in records]
            data[name] = pd.array(values, dtype=dtype) if dtype else pd.Series(values, dtype="object")
        return pd.DataFrame(data, columns=list(self.columns))

    def from_arrow(self, table: pyarrow.Table) -> pd.DataFrame:
        """An Arrow table with the declared types as a frame; the quick way for many rows."""
        data: dict[str, Any] = {}
        for name in self.columns:
            _, dtype = _TYPES[self.sql_type(name)]
            values = table.column(name)
            if dtype is None:
                data[name] = pd.Series(values.to_pylist(), dtype="object")
            elif dtype == "float64":
                data[name] = values.to_pandas()
            else:
                data[name] = pd.array(values.to_pandas(integer_object_nulls=True), dtype=dtype)
        return pd.DataFrame(data, columns=list(self.columns))

    def to_arrow(self, frame: pd.DataFrame) -> pyarrow.Table:
        """A frame as an Arrow table with exactly the declared types.

        Raises:
            pyarrow.ArrowInvalid: a value does not fit its declared type.
        """
        arrays = []
        for field in self.arrow():
            values = [None if _missing(v) else v for v in frame[field.name].tolist()]
            arrays.append(pyarrow.array(values, type=field.type))
        return pyarrow.Table.from_arrays(arrays, schema=self.arrow().remove_metadata())

    def ddl(self) -> str:
        """CREATE TABLE with NOT NULL where declared. Keys are checked by the audit, not by an index."""
        lines = [
            f"    {name} {self.sql_type(name)}{'' if column_.nullable else ' NOT NULL'}"
            for name, column_ in self.columns.items()
        ]
        return f"CREATE TABLE {self.name} (\n" + ",\n".join(lines) + "\n);"

    def comments(self) -> list[str]:
        """COMMENT ON statements for the table and every column."""
        out = [f"COMMENT ON TABLE {self.name} IS {_quoted(self.description)};"]
        for name in self.columns:
            out.append(f"COMMENT ON COLUMN {self.name}.{name} IS {_quoted(self.describe(name))};")
        return out

    def describe(self, name: str) -> str:
        """A column in words: meaning, unit, allowed words, source."""
        column_ = self.columns[name]
        meta = column_.metadata or {}
        text = str(column_.description).rstrip(".")
        if meta.get("unit"):
            text += f" [{meta['unit']}]"
        if meta.get("allowed"):
            text += ": " + ", ".join(meta["allowed"])
        text += "."
        if meta.get("source"):
            text += f" Source: {meta['source']}."
        return text

    def problems(self, frame: pd.DataFrame) -> list[tuple[int, Problem]]:
        """What pandera finds: `(position in the frame, problem)`; cause `contract`, `file` left as the table's name."""
        found: list[tuple[int, Problem]] = []
        try:
            self.schema().validate(frame.reset_index(drop=True), lazy=True)
        except pa.errors.SchemaErrors as bad:
            for case in bad.failure_cases.to_dict("records"):
                position = case.get("index")
                row = int(position) if position is not None and not pd.isna(position) else -1
                name = case["column"] if case.get("schema_context") == "Column" else None
                value = None if name is None or _missing(case["failure_case"]) else str(case["failure_case"])
                what = "a value is missing" if case["check"] == "not_nullable" else "the table's contract does not hold"
                expected = None if case["check"] == "not_nullable" else str(case["check"])
                problem = Problem("contract", self.name, what, column=name, value=value, expected=expected)
                if (row, problem) not in found:
                    found.append((row, problem))
        return found


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
