"""What a file of answers says about itself: variables, labels, missing values, multiple-response sets.

Belongs here: the contract of `codebook.json`, which stands beside the answers in the lake. Does not belong here:
reading files (assets.responses), what a code means for an item (schemas.crosswalk), anything about one respondent.

Everything is as the file has it. A code is the text of the exact number (`1`, `1.5`, `-8`) or the string itself; a
tagged missing value of Stata or SAS is a dot and its letter (`.a`, `.Z`), and `.` alone never occurs: that is the
system-missing value, NULL in the data. Which kind a missing code is (don't know, refused, not asked) no file says; the
crosswalk does, so the codes stay in the data and only the declaration that they are missing stands here.
"""

from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.problems import Problem

FileFormat = Literal["sav", "zsav", "por", "dta", "sas7bdat", "xpt", "xlsx", "xls", "csv", "parquet"]
VariableKind = Literal["number", "text", "date", "datetime", "time"]
Stored = Literal["double", "integer", "text"]
Measure = Literal["nominal", "ordinal", "scale"]
EncodingBasis = Literal["declared", "fixed", "manifest", "detected", "assumed"]
SetKind = Literal["dichotomy", "category"]
DroppedBecause = Literal["free_text", "time", "geography", "contact"]


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ValueLabel(_Plain):
    """One labelled code, in the order of the file."""

    code: str
    label: str


class MissingRange(_Plain):
    """A range of codes that the file declares missing, ends included; None means open."""

    low: float | None
    high: float | None


class Variable(_Plain):
    """One variable.

    Attributes:
        name: as the file has it.
        column: its column in the Parquet file; differs from `name` only where two names differ in nothing but the case
            of letters, which SQL does not tell apart.
        label: the variable's label, often the question.
        kind: what the file declares. Dates and times are stored as the file stores them; `origin` says how to read
            them.
        stored: type of the column.
        origin: unit and zero of a date or time (`seconds since 1582-10-14`), or `ISO 8601` where it is stored as text.
        format: the display format as declared (`F8.2`, `%td`, `DATE9.`, `0%`).
        measure: level of measurement as declared.
        width: bytes of storage as declared.
        labels: labelled codes.
        missing_codes: single codes declared missing (SPSS).
        missing_ranges: ranges of codes declared missing (SPSS).
        tags: tagged missing values that occur in the data (`.a`), with `tag_column` naming the column that holds them.
        tag_column: column of the Parquet file with the tag where this variable is NULL because of one.
        dropped: why the variable is not in the Parquet file; None if it is.
    """

    name: str
    column: str
    label: str | None = None
    kind: VariableKind = "number"
    stored: Stored = "double"
    origin: str | None = None
    format: str | None = None
    measure: Measure | None = None
    width: int | None = None
    labels: list[ValueLabel] = []
    missing_codes: list[str] = []
    missing_ranges: list[MissingRange] = []
    tags: list[str] = []
    tag_column: str | None = None
    dropped: DroppedBecause | None = None

    def declares_missing(self, code: float | str) -> bool:
        """Whether the file declares this code missing. Tagged values are missing by nature and not asked about here."""
        if code_text(code) in self.missing_codes:
            return True
        if isinstance(code, str):
            return False
        return any(
            (span.low is None or span.low <= code) and (span.high is None or code <= span.high)
            for span in self.missing_ranges
        )


class MultipleResponse(_Plain):
    """Variables that are one question with several answers.

    Attributes:
        name: without the dollar sign of SPSS.
        label: the question.
        kind: `dichotomy`: each member is one answer, chosen where it equals `counted`; `category`: each member holds
            one of the chosen answers.
        counted: the code that means chosen; None for `category`.
        members: names of variables.
        declared: whether the file or the manifest says so.
    """

    name: str
    label: str = ""
    kind: SetKind
    counted: str | None = None
    members: list[str]
    declared: Literal["file", "manifest"] = "file"


class Codebook(_Plain):
    """One file of answers.

    Attributes:
        format: found by its first bytes.
        encoding: in which its text was read.
        encoding_basis: `declared` by the file, `fixed` by the format, named in the `manifest`, `detected` in the text,
            or `assumed`, as the format says nothing.
        rows: respondents.
        columns: variables of the file, dropped ones included.
        label: the file's own label.
        weight: the variable that the file declares as its weight (SPSS).
        notes: the file's own notes and documents.
        variables: in the order of the file.
        sets: multiple-response sets.
        engine: what read the data.
        warnings: what a person should know; no reason to set the file aside.
    """

    format: FileFormat
    encoding: str | None = None
    encoding_basis: EncodingBasis = "fixed"
    rows: int = Field(ge=0)
    columns: int = Field(ge=0)
    label: str | None = None
    weight: str | None = None
    notes: list[str] = []
    variables: list[Variable]
    sets: list[MultipleResponse] = []
    engine: str = ""
    warnings: list[dict[str, Any]] = []

    def variable(self, name: str) -> Variable | None:
        """The variable of this name, letters' case counting; None if there is none."""
        return next((one for one in self.variables if one.name == name), None)

    def problems(self) -> list[Problem]:
        """The warnings as problems."""
        return [Problem.from_row(row) for row in self.warnings]


def code_text(code: float | str) -> str:
    """A code as codebook and crosswalk write it: `1.0` is `1`, `0.1` is `0.1`, text is itself."""
    if isinstance(code, str):
        return code
    number = Decimal(repr(code)) if isinstance(code, float) else Decimal(code)
    if not number.is_finite():
        return str(number)
    plain = format(number.normalize(), "f")
    return "0" if plain == "-0" else plain
