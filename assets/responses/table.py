"""What every reader of a format hands over: a codebook, the types of the columns, and batches of rows in order.

Belongs here: the record that `read` works with, and the types. Does not belong here: making or writing batches.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from schemas.codebook import Codebook, Variable

MOST_CELLS = 8_000_000  # of a row group; 61 variables give 128k rows, 2,000 variables 4k
MOST_ROWS = 131_072

_TYPES = {"double": pa.float64(), "integer": pa.int64(), "text": pa.string()}


@dataclass
class Table:
    """A file that is being read.

    Attributes:
        codebook: as far as it is known before the rows are read.
        batches: makes the rows, once, of the columns asked for and in that order, then those of their tags.
        expected: number of rows that the file promises; None if it promises none.
        finish: the codebook once all rows have been read.
    """

    codebook: Codebook
    batches: Callable[[list[Variable]], Iterator[pa.Table]]
    expected: int | None = None
    finish: Callable[[Codebook], Codebook] = lambda codebook: codebook


def schema_of(variables: list[Variable]) -> pa.Schema:
    """The columns of the Parquet file: the variables, then the tag columns."""
    fields = [pa.field(one.column, _TYPES[one.stored]) for one in variables]
    fields += [pa.field(one.tag_column, pa.string()) for one in variables if one.tag_column]
    return pa.schema(fields)


def group_rows(columns: int) -> int:
    """Rows of a row group: as many as memory allows, and SQL likes."""
    return max(1_000, min(MOST_ROWS, MOST_CELLS // max(1, columns)))
