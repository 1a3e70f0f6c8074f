"""Answers in a workbook (.xlsx, .xls): one sheet, names in its first row.

Belongs here: choosing the sheet, telling a table of answers from a report, cells as they are stored. Does not belong
here: the archive around it (`packed`), labels (`labels_table`).

The stored value counts: 45 % is 0.45, with the format `0%` in the codebook. A date is what the workbook says is one,
and is kept as ISO 8601 text; the number 61404 stays a number. A column in which numbers and text stand is text.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import python_calamine as calamine

from assets.responses.delimited import names_of
from assets.responses.detect import refuse
from assets.responses.encodings import check_words
from assets.responses.labelled import column_name
from assets.responses.options import Options
from assets.responses.packed import check_old_workbook, check_workbook
from assets.responses.privacy import TextFacts
from assets.responses.table import Table, schema_of
from schemas.codebook import Codebook, FileFormat, Variable, VariableKind, code_text
from schemas.problems import Problem, shorten

_BATCH = 20_000
_FORMAT_ROWS = 50
_EXACT = 2**53
_KINDS: dict[type, VariableKind] = {dt.date: "date", dt.datetime: "datetime", dt.time: "time", dt.timedelta: "time"}


def sheet_table(path: str, file: str, kind: FileFormat, options: Options) -> tuple[Table, dict[str, TextFacts]]:
    """The table of a workbook, and what is known of each variable of text.

    Raises:
        ProblemsError: no whole workbook, no sheet that is meant, no table of answers.
    """
    if kind == "xlsx":
        check_workbook(path, file)
    else:
        check_old_workbook(path, file)
    try:
        book = calamine.CalamineWorkbook.from_path(path)
        name = _sheet(book, options.sheet, file)
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except calamine.CalamineError as bad:
        raise refuse(
            "corrupt", file, "the workbook cannot be read", value=shorten(bad), expected="a whole file"
        ) from None
    if not rows:
        raise refuse("empty", file, "the sheet is empty", value=name)
    width = max((place for row in rows[:1] for place, cell in enumerate(row, 1) if _filled(cell)), default=0)
    header, found = names_of([_text(cell) if _filled(cell) else "" for cell in rows[0][:width]], file)
    _check_header(header, found, rows, width, file)
    while len(rows) > 1 and not any(map(_filled, rows[-1])):
        rows.pop()
    if len(rows) == 1:
        raise refuse("empty", file, "there is a header and no row under it", expected="at least one respondent")
    columns = [list(column) for column in zip(*(row[:width] for row in rows[1:]), strict=True)]
    answers = {cell for cells in columns for cell in cells[:2_000] if isinstance(cell, str)}
    found += check_words(header, file, "utf-8", "fixed", answers)
    formats = _formats(path, name, width) if kind == "xlsx" else {}
    taken: set[str] = set()
    variables, texts = [], {}
    for place, (one, cells) in enumerate(zip(header, columns, strict=True)):
        variable = _variable(one, cells, formats.get(place), taken)
        variables.append(variable)
        if variable.stored == "text":
            values = [_text(cell) if _filled(cell) else None for cell in cells]
            columns[place] = values
            here = Counter(value for value in values if value is not None)
            texts[one] = TextFacts.of(here, max(map(len, here), default=0))
        else:
            columns[place] = [cell if _filled(cell) else None for cell in cells]
    codebook = Codebook(
        format=kind, encoding="utf-8", encoding_basis="fixed", rows=len(rows) - 1, columns=width, variables=variables,
        label=name, engine="calamine", warnings=[problem.as_row() for problem in found],
    )  # fmt: skip
    by_name = dict(zip(header, columns, strict=True))
    return Table(codebook, lambda wanted: _batches(by_name, wanted, len(rows) - 1), len(rows) - 1), texts


def _sheet(book: Any, wanted: str | None, file: str) -> str:
    sheets = [one for one in book.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet]
    names = [one.name for one in sheets]
    if wanted is not None:
        if wanted not in names:
            raise refuse("manifest", file, "no such sheet", value=wanted, expected=", ".join(names))
        return wanted
    visible = [one.name for one in sheets if one.visible == calamine.SheetVisibleEnum.Visible]
    if len(visible) != 1:
        what = f"the workbook has {len(visible)} visible sheets"
        raise refuse("manifest", file, what, expected=f"a sheet named in the manifest: {shorten(', '.join(names))}")
    return str(visible[0])


def _check_header(header: list[str], found: list[Problem], rows: list[list[Any]], width: int, file: str) -> None:
    """A report has titles, merged cells and several rows of heads; a table of answers has one row of names."""
    beyond = sum(1 for row in rows[:200] if any(map(_filled, row[width:])))
    if width < 2 or len(found) > max(2, len(header) // 5) or beyond:
        what = "a sheet, and no table of answers: its first row is not a row of names"
        expected = "one row with the name of every column, and under it one row per respondent"
        raise refuse("not_a_survey_file", file, what, row=1, value=", ".join(header[:5]), expected=expected)


def _variable(name: str, cells: list[Any], shown: str | None, taken: set[str]) -> Variable:
    types = {type(cell) for cell in cells if _filled(cell)}
    kind: VariableKind = "text"
    if types and types <= {int, float}:
        whole = all(not _filled(cell) or (cell == int(cell) and abs(cell) < _EXACT) for cell in cells)
        return Variable(
            name=name, column=column_name(name, taken), stored="integer" if whole else "double", format=shown
        )
    if len(types) == 1:
        kind = _KINDS.get(next(iter(types)), "text")
    return Variable(
        name=name, column=column_name(name, taken), kind=kind, stored="text", format=shown,
        origin="ISO 8601" if kind != "text" else None,
    )  # fmt: skip


def _batches(columns: dict[str, list[Any]], wanted: list[Variable], rows: int) -> Iterator[pa.Table]:
    schema = schema_of(wanted)
    for start in range(0, rows, _BATCH):
        arrays = [pa.array(columns[one.name][start : start + _BATCH], schema.field(one.column).type) for one in wanted]
        yield pa.table(arrays, schema=schema)


def _formats(path: str, sheet: str, width: int) -> dict[int, str]:
    """Number formats of the first rows, which calamine does not give. They change no value; they are told."""
    import openpyxl

    found: dict[int, str] = {}
    try:
        book = openpyxl.load_workbook(path, read_only=True)
        for row in book[sheet].iter_rows(min_row=2, max_row=_FORMAT_ROWS, max_col=width):
            for place, cell in enumerate(row):
                shown = cell.number_format if cell.value is not None else None
                if shown and shown != "General":
                    found.setdefault(place, str(shown))
        book.close()
    except MemoryError:
        raise
    except Exception:  # the values have been read; how they are shown is not worth a file
        return {}
    return found


def _filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        return code_text(cell)
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, dt.timedelta):
        seconds = cell.total_seconds()
        return f"PT{code_text(seconds)}S"
    return str(cell)
