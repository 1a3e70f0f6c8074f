"""SPSS, Stata and SAS files: is it whole, what does it say about itself, which engine reads its rows.

Belongs here: putting `truncation`, `spss_header`, `labelled` and the two engines together. Does not belong here: any of
what they do.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from assets.responses import rows_fast
from assets.responses.labelled import codebook_of
from assets.responses.options import Options
from assets.responses.rows_slow import SlowRows
from assets.responses.spss_header import Header, read_header
from assets.responses.table import Table
from assets.responses.truncation import check_spss, check_whole
from schemas.codebook import Codebook, FileFormat, Variable
from schemas.problems import Problem


def system_table(path: str, file: str, kind: FileFormat, options: Options, folder: Path) -> Table:
    """The table of an SPSS, Stata or SAS file.

    Raises:
        ProblemsError: the file is cut, broken, in an unknown version or in another encoding.
    """
    header = None
    if kind in ("sav", "zsav"):
        header = read_header(path, file)
        check_spss(path, file, header)
    else:
        check_whole(path, file, kind)
    codebook = codebook_of(path, file, kind, options, header)
    if kind in ("dta", "sas7bdat", "xpt"):
        codebook = _with_tag_columns(codebook)
    expected = codebook.rows if kind in ("sav", "zsav", "dta", "sas7bdat") else None
    if header is not None and header.cases is None:
        expected = None
    slow = SlowRows(path, file, codebook, options, header)
    engine = _Engine(path, file, codebook, header, slow, folder)
    return Table(codebook, engine.batches, expected, engine.finish)


def _with_tag_columns(codebook: Codebook) -> Codebook:
    """A tag column for every number; those that stay empty are left out at the end, when that is known."""
    taken = {one.column.casefold() for one in codebook.variables}
    variables = []
    for one in codebook.variables:
        if one.stored == "text":
            variables.append(one)
            continue
        name = f"{one.column}@missing"
        while name.casefold() in taken:
            name += "@"
        taken.add(name.casefold())
        variables.append(one.model_copy(update={"tag_column": name}))
    return codebook.model_copy(update={"variables": variables})


class _Engine:
    """The rows by the engine that is right for the file."""

    def __init__(
        self, path: str, file: str, codebook: Codebook, header: Header | None, slow: SlowRows, folder: Path
    ) -> None:
        self.path, self.file, self.codebook, self.header = path, file, codebook, header
        self.slow, self.folder = slow, folder
        self.name = "pyreadstat"
        self.warnings: list[dict[str, Any]] = []

    def batches(self, variables: list[Variable]) -> Iterator[pa.Table]:
        header = self.header
        if header is None or not rows_fast.may_be_fast(self.codebook, header):
            return self.slow.batches(variables)
        try:
            fast = rows_fast.fast_batches(self.path, self.file, self.codebook, header, variables, self.folder)
            first = next(fast)
            compared = self.slow.first(variables, min(rows_fast.ROWS_COMPARED, first.num_rows))
            if first.slice(0, compared.num_rows).combine_chunks() != compared.combine_chunks():
                raise RuntimeError("the engines give different values")
        except (RuntimeError, ValueError, StopIteration) as bad:
            what = "the fast engine could not be used; the file was read the slow way"
            said = Problem("unsupported", self.file, what, value=str(bad), severity="warning")
            self.warnings.append(said.as_row())
            return self.slow.batches(variables)
        self.name = "polars_readstat"
        return _chain(first, fast)

    def finish(self, codebook: Codebook) -> Codebook:
        codebook = self.slow.finish(codebook)
        update = {"engine": self.name, "warnings": [*codebook.warnings, *self.warnings]}
        return codebook.model_copy(update=update)


def _chain(first: pa.Table, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from rest
