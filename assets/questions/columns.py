"""The columns of a file of answers, one at a time: codes as the crosswalk writes them, or numbers.

Belongs here: reading `responses.parquet`. Does not belong here: what a code means (assets.questions.codes), which
variable is meant (assets.questions.source), reading foreign files (assets.responses).

A file of ten million rows is read in batches, and only the columns that somebody asks for.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.questions.answers import Floats, Mask
from schemas.codebook import Variable, code_text
from schemas.conditions import SYSTEM_MISSING

NUMBER = re.compile(r"^-?[0-9]+(?:\.[0-9]+)?$")  # a code that is one
_BATCH = 131_072  # rows
_KEPT = 4  # columns that are kept for the next question: those of conditions come again and again


@dataclass(frozen=True, eq=False)
class Coded:
    """A column as codes.

    Attributes:
        codes: the different codes of the whole file; `.` is the system-missing value, `.a` a tagged one. A text that
            is itself a dot is written in quotes, as in conditions.
        at: (rows,) position in `codes`, for the rows of the sample.
    """

    codes: tuple[str, ...]
    at: npt.NDArray[np.int32]

    def counts(self, among: Mask) -> npt.NDArray[np.int64]:
        """(codes,) how many of the rows `among` have each code."""
        return np.bincount(self.at[among], minlength=len(self.codes))

    def occurring(self, among: Mask) -> list[str]:
        """The codes that the rows `among` have, see `in_order`."""
        counts = self.counts(among)
        return in_order(code for code, count in zip(self.codes, counts, strict=True) if count)


class AnswerFile:
    """`responses.parquet`; a context manager. `select` says which rows are the sample, before that it is all."""

    def __init__(self, path: Path) -> None:
        """Open the file; no row is read."""
        self._source = pq.ParquetFile(path)
        self._selected: Mask | None = None
        self._recent: OrderedDict[str, Coded] = OrderedDict()
        self.size: int = self._source.metadata.num_rows

    def __enter__(self) -> "AnswerFile":
        """The file itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, bad: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self._source.close()

    def select(self, rows: Mask) -> None:
        """From now on only these rows (one element per row of the file)."""
        self._selected = rows
        self._recent.clear()
        self.size = int(rows.sum())

    def coded(self, variable: Variable) -> Coded:
        """The codes of a variable, for the rows of the sample."""
        if variable.column in self._recent:
            self._recent.move_to_end(variable.column)
            return self._recent[variable.column]
        codes: dict[str, int] = {}
        at = np.empty(self.size, dtype=np.int32)
        names = [variable.column] + ([variable.tag_column] if variable.tag_column else [])
        for place, columns, mask in self._parts(names):
            found = _positions(columns[0], codes)
            if len(columns) > 1:
                found = np.where(columns[1].is_valid(), _positions(columns[1], codes), found)
            at[place] = found if mask is None else found[mask]
        self._recent[variable.column] = Coded(tuple(codes), at)
        if len(self._recent) > _KEPT:
            self._recent.popitem(last=False)
        return self._recent[variable.column]

    def numbers(self, variable: Variable) -> Floats:
        """(rows,) the values of a numeric variable, nan where there is none."""
        out = np.empty(self.size, dtype=np.float64)
        for place, (column, *_), mask in self._parts([variable.column]):
            values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
            out[place] = values if mask is None else values[mask]
        return out

    def _parts(self, names: list[str]) -> Iterator[tuple[slice, list[pa.Array], Mask | None]]:
        """Batches: where their rows stand in the sample, the columns, and which of their rows are in it."""
        start, filled = 0, 0
        for batch in self._source.iter_batches(batch_size=_BATCH, columns=names):
            # By name: pyarrow takes `q12` for the beginning of `q12.1` too.
            columns = [batch.column(batch.schema.get_field_index(name)) for name in names]
            mask = None if self._selected is None else self._selected[start : start + batch.num_rows]
            size = batch.num_rows if mask is None else int(mask.sum())
            start += batch.num_rows
            yield slice(filled, filled + size), columns, mask
            filled += size


def _positions(column: pa.Array, codes: dict[str, int]) -> npt.NDArray[np.int32]:
    """Position of every value in `codes`, which grows by those that are new."""
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    known = [codes.setdefault(_code(value), len(codes)) for value in encoded.dictionary.to_pylist()]
    places = np.array(known, dtype=np.int32)[encoded.indices.to_numpy(zero_copy_only=False)]
    return np.asarray(places, dtype=np.int32)


def _code(value: float | str | None) -> str:
    if isinstance(value, str):
        text = value.strip()
        return text_code(text) if text else SYSTEM_MISSING
    if value is None or value != value:
        return SYSTEM_MISSING
    return code_text(value)


def in_order(codes: Iterable[str]) -> list[str]:
    """Each code once: numbers by size, then texts and tags, the system-missing value last."""
    return sorted(set(codes), key=lambda code: (code == SYSTEM_MISSING, *_rank(code)))


def _rank(code: str) -> tuple[bool, float, str]:
    return (False, float(code), code) if NUMBER.match(code) else (True, 0.0, code)


def text_code(text: str) -> str:
    """The code of a text: itself, but a lone dot stands in quotes, as without them it is the system-missing value."""
    return f'"{text}"' if text == SYSTEM_MISSING else text
