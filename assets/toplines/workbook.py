"""A sheet as records of figures, by way of the CSV somebody would have typed: one contract for both.

Belongs here: finding the header, cells as text, problems put back to their cells. A number formatted as a percentage is
read as one (0.45 is 45); a label that is a formula is refused, as nobody has read what it says; a calculated number is
taken as stored. Does not belong here: the libraries that open a workbook (sheets), the contract of a row
(schemas.crosswalk).
"""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeGuard

from assets.toplines.refusals import CAUSE, COLUMNS, refuse
from assets.toplines.sheets import Sheet, load_sheet, with_formats
from schemas.crosswalk import ToplineRow
from schemas.handwritten import read_csv
from schemas.problems import Problem, ProblemsError, shorten

_CALCULABLE = {"percent", "n"}
_ERRORS = {"#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}


def records_of_workbook(raw: bytes, file: str, sheet: str | None, formats: bool) -> list[tuple[int, str, ToplineRow]]:
    """The records of the sheet that is meant, each with its row and the address of its percentage.

    Args:
        raw: the workbook, its archive checked.
        file: what the person calls it, for messages.
        sheet: its name, if one was named.
        formats: whether the formats of the cells can be read (not of an .xls).

    Raises:
        ProblemsError: all problems of the sheet at once.
    """
    table = load_sheet(raw, file, sheet)
    top = next((i for i, row in enumerate(table.cells) if any(map(_has_content, row))), None)
    if top is None:
        raise refuse("empty", file, f"sheet {table.name!r} is empty")
    first_row = top + 1
    header = {i: _text(value).strip() for i, value in enumerate(table.cells[top], 1) if _has_content(value)}
    if not set(header.values()) & set(COLUMNS):
        what = f"{table.address(first_row, None)}: no column of a table of published figures"
        raise refuse(CAUSE, file, what, row=first_row, value=", ".join(header.values()))
    table = with_formats(raw, file, table) if formats else replace(table, has_formats=False)
    problems = list(_cell_problems(table, header, first_row, file))
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(header.values())
    for number, row in enumerate(table.cells[top + 1 :], first_row + 1):
        writer.writerow(_row_texts(table, header, number, row))
    try:
        records = read_csv(lines.getvalue().encode("utf-8", "replace"), file, ToplineRow, CAUSE)
    except ProblemsError as bad:
        seen = {(problem.row, problem.column) for problem in problems}
        moved = (_moved(problem, table, header, top) for problem in bad.problems)
        problems += [problem for problem in moved if (problem.row, problem.column) not in seen]
    if problems:
        raise ProblemsError(sorted(problems, key=lambda problem: problem.row or 0))
    columns = {name: number for number, name in header.items()}
    return [(line + top, table.address(line + top, columns["percent"]), record) for line, record in records]


def _cell_problems(table: Sheet, header: dict[int, str], first_row: int, file: str) -> Iterator[Problem]:
    """What is wrong with single cells and would be lost once they are text."""

    def problem(row: int, column: int, what: str, value: Any = None, expected: str | None = None) -> Problem:
        found = None if value is None else shorten(value)
        what = f"{table.address(row, column)}: {what}"
        return Problem(CAUSE, file, what, row=row, column=header.get(column), value=found, expected=expected)

    width = max(header)
    for number, row in enumerate(table.cells[first_row - 1 :], first_row):
        for column in range(1, max(width, len(row)) + 1):
            value = row[column - 1] if column <= len(row) else ""
            place, name = (number, column), header.get(column)
            is_label = number == first_row or name not in _CALCULABLE
            if name is None:
                if _has_content(value):
                    yield problem(*place, "a value under no header", value, "a column name in the first row")
            elif place in table.errors or (isinstance(value, str) and value in _ERRORS):
                yield problem(*place, "an error of the spreadsheet", table.errors.get(place, value), "a value")
            elif place in table.formulas and is_label:
                yield problem(*place, "a formula", value if _has_content(value) else None, "the text itself")
            elif place in table.formulas and not _has_content(value):
                what = "a formula without a stored result"
                yield problem(*place, what, None, "a number (open the file in a spreadsheet and save it)")
            elif isinstance(value, str) and re.search(r"[\r\n]", value.strip()):
                yield problem(*place, "a line break in a cell", value, "plain text on one line")
            elif not table.has_formats and name == "percent" and _is_number(value) and 0 < value <= 1:
                what = "a number up to 1 in an .xls may be a share or a percentage: its format cannot be read"
                yield problem(*place, what, value, "the same table saved as XLSX")


def _row_texts(table: Sheet, header: dict[int, str], number: int, row: list[Any]) -> Iterable[str]:
    for column, name in header.items():
        value = row[column - 1] if column <= len(row) else ""
        is_share = name == "percent" and (number, column) in table.percents
        yield re.sub(r"[\r\n]+", " ", _text(value, is_share).strip())


def _moved(problem: Problem, table: Sheet, header: dict[int, str], top: int) -> Problem:
    """A problem of the CSV that we made of the sheet, put where a person finds it in the sheet."""
    if problem.row is None:
        return problem
    row = problem.row + top
    column = next((number for number, name in header.items() if name == problem.column), None)
    return replace(problem, row=row, what=f"{table.address(row, column)}: {problem.what}")


def _text(value: Any, is_share: bool = False) -> str:
    """A cell as it would be typed into a CSV. Numbers with fifteen digits, as spreadsheets show at most."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        number = Decimal(f"{value:.15g}") * (100 if is_share else 1)
        return format(number.normalize(), "f")
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        value = value.date()
    return str(value)


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _has_content(value: Any) -> bool:
    return value is not None and bool(str(value).strip())
