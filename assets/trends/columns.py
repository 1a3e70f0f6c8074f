"""Arrow and numpy side by side: columns as numbers of their values, and back.

Belongs here: turning columns of texts into codes, codes into columns, several codes into one. Does not belong here:
what the columns mean (assets.trends.lines, steps, linear_trend).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow

from schemas.tables.declare import Table

Codes = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

_ROOM = 1 << 62


def whole(table: pyarrow.Table) -> dict[str, pyarrow.Array]:
    """Columns of a table in one piece each; dictionaries with positions of one type."""
    out = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if isinstance(column, pyarrow.ChunkedArray):
            column = column.chunk(0)
        if pyarrow.types.is_dictionary(column.type):
            column = pyarrow.DictionaryArray.from_arrays(column.indices.cast(pyarrow.int32()), column.dictionary)
        out[name] = column
    return out


def codes(column: pyarrow.DictionaryArray) -> Codes:
    """(rows,) positions in the dictionary; NULL is one more than the last of them."""
    numbers: Codes = column.indices.fill_null(len(column.dictionary)).to_numpy().astype(np.intp)
    return numbers


def ranks(column: pyarrow.DictionaryArray) -> Codes:
    """(rows,) numbers in the order of the texts; no NULL."""
    texts = column.dictionary.to_pylist()
    rank = np.empty(len(texts), np.intp)
    rank[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    return rank[codes(column)]


def numbers(column: pyarrow.Array) -> Floats:
    """(rows,) nan for NULL."""
    values: Floats = column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return values


def days(column: pyarrow.Array) -> Codes:
    """(rows,) days since 1970; 0 for NULL."""
    since: Codes = column.cast(pyarrow.int32()).fill_null(0).to_numpy().astype(np.intp)
    return since


def missing(column: pyarrow.Array) -> npt.NDArray[np.bool_]:
    """(rows,) whether there is no value."""
    found: npt.NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    return found


def together(*parts: Codes) -> tuple[Codes, Codes]:
    """(rows,) numbers from 0 of the combinations that occur, ascending as the parts do; and the first row of each."""
    key, room = np.zeros(len(parts[0]), np.intp), 1
    for part in parts:
        low = int(part.min(initial=0))
        size = int(part.max(initial=0)) - low + 1
        if room * size > _ROOM:
            key = np.unique(key, return_inverse=True)[1]
            room = int(key.max(initial=0)) + 1
        key, room = key * size + (part - low), room * size
    _, first, of = np.unique(key, return_index=True, return_inverse=True)
    return of.astype(np.intp), first.astype(np.intp)


def runs(*parts: Codes) -> Codes:
    """(rows,) numbers from 0 that count up wherever a part differs from the row before."""
    moves = np.zeros(len(parts[0]), np.bool_)
    for part in parts:
        moves[1:] |= part[1:] != part[:-1]
    return np.cumsum(moves)


def words(texts: Sequence[str], at: npt.NDArray[Any], there: npt.NDArray[np.bool_] | None = None) -> pyarrow.Array:
    """Texts by their position, NULL where `there` is False. Equal texts become one."""
    place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    if len(place) < len(texts):  # Parquet takes a dictionary only without repeats
        at = np.array([place[text] for text in texts], np.intp)[at]
    positions = pyarrow.array(at.astype(np.int32), mask=None if there is None else ~there)
    return pyarrow.DictionaryArray.from_arrays(positions, pyarrow.array(list(place), pyarrow.string()))


def masked(column: pyarrow.DictionaryArray, there: npt.NDArray[np.bool_]) -> pyarrow.Array:
    """A column without NULL that gets one wherever `there` is False."""
    positions = pyarrow.array(column.indices.to_numpy(), mask=~there)
    return pyarrow.DictionaryArray.from_arrays(positions, column.dictionary)


def lists(of: Sequence[Sequence[str]], at: Codes) -> pyarrow.Array:
    """Lists of texts by their position."""
    kind = pyarrow.list_(pyarrow.string())
    return pyarrow.array([list(one) for one in of], kind).take(pyarrow.array(at))


def values(column: Floats) -> pyarrow.Array:
    """Numbers, NULL for nan."""
    return pyarrow.array(column, from_pandas=True)


def table(declared: Table, columns: Mapping[str, pyarrow.Array]) -> pyarrow.Table:
    """Columns in the order and the types of a declared table; texts stay dictionaries."""
    arrays = []
    for field in declared.arrow():
        column = columns[field.name]
        arrays.append(column if pyarrow.types.is_dictionary(column.type) else column.cast(field.type))
    return pyarrow.Table.from_arrays(arrays, names=list(declared.columns))
