"""The coded answers of a release: one Parquet file from which its estimates follow, without crosswalk or codebook.

Belongs here: the format, writing and reading it. Does not belong here: making it from a harmonised sample (`.coding`),
estimating (`.tables`).

`answers.parquet` has one row per respondent of the sample, those with weight 0 included, ordered by stratum and PSU
where the design has them (otherwise as in the producer's file). Columns:

| column | type | what |
| --- | --- | --- |
| `weight` | DOUBLE | at least 0; rows with 0 are in no base, but their PSU counts in its stratum |
| `stratum` | INTEGER | absent where there is one stratum |
| `psu` | INTEGER | unique over strata; absent where every row is its own |
| `population` | DOUBLE | PSUs in the population of the row's stratum; absent where drawn with replacement |
| `replicate_<number>` | DOUBLE | replicate weights of the producer, the weight included; absent without |
| `weight_before`, `weight_after` | DOUBLE | of weights made here to meet targets: before, and when they met them |
| `target_<name>` | SMALLINT | a target of such weights: the row's cell, from 0; -1 in none |
| `unit`, `unit_stratum` | BIGINT | of a panel: the unit and its stratum, as numbers that hold in other waves; 0: none |
| `unit_in_<wave>` | BIGINT | the number of the person in another wave; 0 for who was not in it |
| `by_<subgroup>` | SMALLINT | a banner: position of the row's column among its `values`, from 0; -1 in none |
| `q_<question>` | SMALLINT | one answer: place among `categories`, their number for none of them; -1 outside the base |
| `q_<question>__<category>` | TINYINT | several answers: 1 chosen, 0 not, -1 outside the base, one column a category |
| `score_<question>` | DOUBLE | score of the answer; NULL without one, or outside the base |

No value is NULL but scores. Where names agree but for the case of letters, which SQL does not tell apart, the later has
`_2` (or `_3`, ...) at its end; the names of the columns stand in the header and need not be guessed.

What the columns mean stands as JSON under the key `weathervane` of the Parquet schema's metadata (`Header`). In DuckDB:
`SELECT decode(value)::JSON FROM parquet_kv_metadata('answers.parquet') WHERE decode(key) = 'weathervane'`.
A share of category k in column v of a banner is `sum(weight) FILTER (q_x = k) / sum(weight) FILTER (q_x >= 0)` over
rows with `by_y = v`; PSUs per stratum are counted over all rows of the file.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.parquet
from pydantic import BaseModel, ConfigDict

from assets.estimates.design.design import Lonely
from assets.estimates.design.share_intervals import Method
from schemas.problems import Problem, ProblemsError

NAME = "answers.parquet"
KEY = b"weathervane"
FORMAT = 1
ROW_GROUP = 1 << 17

Array = npt.NDArray[Any]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Banner(_Part):
    """A banner: its column of the file, and the names of its values in order."""

    subgroup: str
    column: str
    values: list[str]
    depends: str  # for ids of estimates, see `..dependence`


class Question(_Part):
    """A question.

    Attributes:
        question: its name in the source.
        item: the item it asks.
        base: all respondents, or the filter.
        flags: what every figure of it must say.
        categories: without nets, in order.
        nets: parts of each, among the categories.
        column: of one answer.
        columns: of several answers, one a category.
        scores: column of scores.
        statistic: what the mean of the scores is called.
        depends: for ids of estimates.
    """

    question: str
    item: str
    base: str
    flags: list[str]
    categories: list[str] = []
    nets: dict[str, list[str]] = {}
    column: str | None = None
    columns: list[str] = []
    scores: str | None = None
    statistic: Literal["mean", "index"] = "mean"
    depends: str


class Target(_Part):
    """A target that the weights meet: its column, and the names of its cells in order."""

    called: str
    column: str
    names: list[str]


class Calibration(_Part):
    """Weights that were made to meet targets; see `assets.questions.answers.Calibration`."""

    targets: list[Target]
    before: str
    after: str
    rake: bool
    said: str


class Replicates(_Part):
    """Where errors come from replicate weights: the producer's columns with their scales, or such as are made anew."""

    columns: list[str] = []
    scales: list[float] = []
    make: Literal["JK1", "JKn", "BRR", "Fay", "bootstrap"] | None = None
    fay: float = 0.0
    count: int = 0
    seed: int = 1
    mse: bool


class Panel(_Part):
    """Units that are in other waves too; see `schemas.panels.Panel`.

    Attributes:
        units: people, or the design's PSUs.
        names: whether they hold in the series or in this wave.
        own: column of their names.
        stratum: column of the names of their strata; None where there is one.
        also_in: by wave the column of the names that they had there.
    """

    units: Literal["people", "psus"]
    names: Literal["series", "wave"]
    own: str
    stratum: str | None = None
    also_in: dict[str, str] = {}


class Header(_Part):
    """What all figures of a release share, and what the columns mean.

    Attributes:
        release: organisation/series/folder.
        vintage: of the producer.
        inputs: checksum of the file of answers.
        depends: reading, rows, weight, design, as ids of estimates take them.
        lonely: rule for lone PSUs.
        variance_method: how errors are made, in words, without the rule for lone PSUs.
        interval: method between 0 and 1.
        normal: whether intervals take the normal quantile.
        model_based: whether the interval rests on a model, as chance did not select the people.
        calibration: how the weights were made to meet targets; None for all others.
        replicates: replicate weights that give the errors; None for all others.
        panel: units that are in other waves too; None where the manifest names none.
    """

    format: int = FORMAT
    release: str
    organisation: str
    series: str
    wave: str
    vintage: str
    fieldwork_start: dt.date | None
    fieldwork_end: dt.date | None
    source_url: str | None
    inputs: str
    depends: str
    lonely: Lonely
    variance_method: str
    interval: Method
    normal: bool
    model_based: bool
    calibration: Calibration | None = None
    replicates: Replicates | None = None
    panel: Panel | None = None
    banners: list[Banner]
    questions: list[Question]


class Answers(Protocol):
    """Coded answers, wherever they lie."""

    @property
    def header(self) -> Header:
        """What the columns mean."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def names(self) -> frozenset[str]:
        """Names of the columns."""

    def columns(self, names: Iterable[str]) -> dict[str, Array]:
        """These columns, (rows,) each; nan for a missing score."""


@dataclass(frozen=True, eq=False)
class Coded:
    """Coded answers in memory."""

    header: Header
    arrays: Mapping[str, Array]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.arrays["weight"])

    @property
    def names(self) -> frozenset[str]:
        """Names of the columns."""
        return frozenset(self.arrays)

    def columns(self, names: Iterable[str]) -> dict[str, Array]:
        """These columns."""
        return {name: self.arrays[name] for name in names}


class CodedFile:
    """Coded answers in a file; columns are read when they are asked for."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            ProblemsError: no such file, no Parquet, without a header, or of another format.
        """
        try:
            self._file = pyarrow.parquet.ParquetFile(path)
        except (OSError, pyarrow.ArrowInvalid) as bad:
            raise ProblemsError([Problem("corrupt", path.name, f"no file of coded answers: {bad}")]) from bad
        self._schema = self._file.schema_arrow  # made anew, header and all, whenever the file is asked for it
        told = (self._schema.metadata or {}).get(KEY)
        if told is None:
            raise ProblemsError(
                [Problem("corrupt", path.name, "no header of coded answers", expected="metadata under weathervane")]
            )
        self.header = Header.model_validate_json(told)
        if self.header.format != FORMAT:
            what = "coded answers of another format: load the release again"
            raise ProblemsError([Problem("corrupt", path.name, what, None, None, str(self.header.format), "1")])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self._file.metadata.num_rows)

    @property
    def names(self) -> frozenset[str]:
        """Names of the columns."""
        return frozenset(self._schema.names)

    def columns(self, names: Iterable[str]) -> dict[str, Array]:
        """These columns, read group by group, so that they lie in memory once."""
        wanted = list(dict.fromkeys(names))
        types = {name: self._schema.field(name).type.to_pandas_dtype() for name in wanted}
        out: dict[str, Array] = {name: np.empty(self.rows, types[name]) for name in wanted}
        start = 0
        for number in range(self._file.num_row_groups):
            group = self._file.read_row_group(number, columns=wanted)
            for name in wanted:
                out[name][start : start + len(group)] = group[name].to_numpy()
            start += len(group)
        return out


def write(path: Path, coded: Coded) -> None:
    """Write coded answers; the caller moves the file into place."""
    arrays = [pyarrow.array(one, from_pandas=one.dtype.kind == "f") for one in coded.arrays.values()]
    table = pyarrow.Table.from_arrays(arrays, names=list(coded.arrays))
    table = table.replace_schema_metadata({KEY: coded.header.model_dump_json()})
    # Codes are packed into some bits each already: zstd makes 6 % less of them and takes half as long again to read.
    pyarrow.parquet.write_table(table, path, compression="snappy", row_group_size=ROW_GROUP)
