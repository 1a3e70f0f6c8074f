"""Rows of large SPSS system files by polars_readstat, ten times as fast as the slow way.

Belongs here: when this engine may be used, and how it is made to hand over the numbers as they are. Does not belong
here: metadata, which never come from it. It changes values unless the dictionary is made neutral first
(`spss_header.neutral_copy`), and is not used where it was seen, or could be, wrong: old encodings (it cut "España" to
"Espa" and made other names of Cyrillic ones), strings with declared missing values. Its first rows are compared with
pyreadstat's; if they differ, the slow way is taken.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from assets.responses.detect import refuse
from assets.responses.spss_header import Header, neutral_copy
from assets.responses.table import group_rows, schema_of
from schemas.codebook import Codebook, Variable
from schemas.problems import shorten

FAST_FROM_CELLS = 4_000_000
ROWS_COMPARED = 500


def may_be_fast(codebook: Codebook, header: Header | None) -> bool:
    """Whether this engine is worth its while and known to be right."""
    return (
        header is not None
        and codebook.format in ("sav", "zsav")
        and codebook.encoding == "utf-8"
        and codebook.encoding_basis == "declared"
        and header.cases is not None
        and header.order == "<"
        and not header.missing_texts
        and codebook.rows * codebook.columns >= FAST_FROM_CELLS
    )


def fast_batches(
    path: str, file: str, codebook: Codebook, header: Header, variables: list[Variable], folder: Path
) -> Iterator[pa.Table]:
    """The rows in order.

    Raises:
        RuntimeError: the engine cannot read the file, or its columns are not those of the codebook.
    """
    from polars import CompatLevel
    from polars_readstat import PyPolarsReadstat, ScanReadstat  # type: ignore[attr-defined]

    schema = schema_of(variables)
    places = {one.name: place for place, one in enumerate(codebook.variables)}
    copy = folder / f"neutral.{codebook.format}"
    try:
        neutral_copy(path, header, copy)
        names = list(ScanReadstat(str(copy)).schema)
        if len(names) != codebook.columns:
            raise RuntimeError("the engines see different variables")
        source = PyPolarsReadstat(
            path=str(copy), size_hint=group_rows(codebook.columns), n_rows=None, threads=None,
            missing_string_as_null=False, value_labels_as_strings=False, preserve_order=True, compress=None,
            informative_nulls=None, row_index_name=None, data=None, storage_options=None,
        )  # fmt: skip
        wanted = [names[places[one.name]] for one in variables]
        if len(wanted) < len(names):
            source.set_with_columns(wanted)
        while (frame := _next(source, file)) is not None:
            table = frame.select(wanted).to_arrow(compat_level=CompatLevel.oldest())
            yield table.rename_columns(schema.names).cast(schema)
    finally:
        copy.unlink(missing_ok=True)


def _next(source: Any, file: str) -> Any:
    """The next rows; a `ProblemsError` where the data end too early or are broken."""
    try:
        return source.next()
    except RuntimeError as bad:
        cause = "truncated" if "fill whole buffer" in str(bad) or "end of file" in str(bad) else "corrupt"
        what = "the data end before the last row" if cause == "truncated" else "the data cannot be read"
        raise refuse(cause, file, what, value=shorten(bad), expected="a whole file") from None
