"""What is in a file: its codebook, and per variable how often each code occurs.

Belongs here: reading one file in isolation and counting. Does not belong here: what the counts mean (matching,
weighting).

A code is counted and may be shown; any other value of a respondent is not: of a variable with many values only its
extremes, mean and number of values are kept.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.responses.lake import CODEBOOK
from assets.responses.running import Reading, read_all
from assets.responses.store import NAME
from schemas.codebook import Codebook, Variable, code_text
from schemas.problems import ProblemsError

MOST_CODES = 150  # of a variable with labels
MOST_UNLABELLED = 40  # of one without: beyond that its values are measurements, not codes


@dataclass(frozen=True)
class Numbers:
    """A numeric variable over its rows with a value.

    Attributes:
        lowest: smallest value.
        highest: largest value.
        lowest_positive: smallest value above 0; None if there is none.
        mean: over values above 0 (how the weight of a manifest is checked).
        total: sum of all values.
        zeros: rows with value 0.
        whole: whether every value is a whole number.
    """

    lowest: float
    highest: float
    lowest_positive: float | None
    mean: float
    total: float
    zeros: int
    whole: bool


@dataclass(frozen=True)
class Tally:
    """One variable of a file that was read.

    Attributes:
        distinct: number of different values.
        missing: rows without a value, tagged ones not counted.
        codes: rows by code (tags among them); None if there are too many values to be codes.
        largest: rows of the most frequent value.
        numbers: of a numeric variable with at least one value.
    """

    distinct: int
    missing: int
    codes: Mapping[str, int] | None
    largest: int
    numbers: Numbers | None = None


@dataclass(frozen=True)
class Contents:
    """A file of answers as far as a draft needs it."""

    file: str
    codebook: Codebook
    tallies: Mapping[str, Tally] = field(default_factory=dict)


def fingerprint(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest(), path.stat().st_size


def read_contents(path: Path, options: Mapping[str, Any] | None = None, *, count: bool = True) -> Contents:
    """Read a file in a child process and count its codes. What the child wrote is removed again.

    Args:
        path: the file.
        options: as `assets.responses.options.Options`.
        count: whether codes are counted; otherwise only the codebook is read back.

    Raises:
        ProblemsError: why the file cannot be read.
        assets.isolation.IsolationError: no child starts.
    """
    with tempfile.TemporaryDirectory(prefix="weathervane-") as place:
        scratch, folder = Path(place) / "scratch", Path(place) / "read"
        scratch.mkdir()
        reading = Reading(path.absolute(), path.name, folder, dict(options or {}))
        (outcome,) = read_all([reading], scratch, workers=1)
        if outcome.problems:
            raise ProblemsError(outcome.problems)
        return load_contents(folder, path.name, count=count)


def load_contents(folder: Path, file: str, *, count: bool = True) -> Contents:
    """The contents of a folder with `codebook.json` and `responses.parquet`, in the lake or elsewhere."""
    codebook = Codebook.model_validate_json((folder / CODEBOOK).read_bytes())
    return Contents(file, codebook, _tallies(folder / NAME, codebook) if count else {})


def _tallies(path: Path, codebook: Codebook) -> dict[str, Tally]:
    with pq.ParquetFile(path) as source:
        return {one.name: _tally(source, one) for one in codebook.variables if one.dropped is None}


def _tally(source: pq.ParquetFile, one: Variable) -> Tally:
    table = source.read(columns=[one.column, *([one.tag_column] if one.tag_column else [])])
    column = table.column(one.column)
    counted = pc.value_counts(column)
    values, rows = counted.field("values"), counted.field("counts").to_numpy()
    there = np.asarray(pc.is_valid(values))
    values, missing, rows = values.filter(there), int(rows[~there].sum()), rows[there]
    tags: dict[str, int] = {}
    if one.tag_column:
        tagged = pc.value_counts(table.column(one.tag_column))
        tags = {str(row["values"]): int(row["counts"]) for row in tagged.to_pylist() if row["values"] is not None}
    most = MOST_CODES if one.labels else MOST_UNLABELLED
    codes = None
    if len(values) <= most:
        pairs = zip(values.to_pylist(), rows.tolist(), strict=True)
        codes = {code_text(value): count for value, count in pairs if value != "" or one.labels} | tags
    numbers = _numbers(values.to_numpy(zero_copy_only=False), rows) if one.stored != "text" and len(values) else None
    return Tally(len(values), missing - sum(tags.values()), codes, int(rows.max()) if len(rows) else 0, numbers)


def _numbers(values: Any, rows: Any) -> Numbers:
    numbers = np.asarray(values, float)
    above = numbers > 0
    weight_of_rows = rows[above].sum()
    return Numbers(
        lowest=float(numbers.min()),
        highest=float(numbers.max()),
        lowest_positive=float(numbers[above].min()) if above.any() else None,
        mean=float((numbers[above] * rows[above]).sum() / weight_of_rows) if weight_of_rows else 0.0,
        total=float((numbers * rows).sum()),
        zeros=int(rows[numbers == 0].sum()),
        whole=bool((numbers == np.round(numbers)).all()),
    )
