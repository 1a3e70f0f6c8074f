"""One file of published figures as plain rows, each with the address of the cell that holds its percentage.

Belongs here: the entry, which runs in a child process (assets.isolation), and the shape of what it gives back. Does not
belong here: opening files (files), telling what they are (formats), CSV (text), workbooks (zips, sheets, workbook), the
contract of a row (schemas.crosswalk), checks across rows and files (assets.questions), anything that writes.
"""

from pathlib import PurePosixPath
from typing import Any

from assets.toplines.files import load
from assets.toplines.refusals import CAUSE
from assets.toplines.text import with_commas
from assets.toplines.workbook import records_of_workbook
from assets.toplines.zips import check_archive
from schemas.crosswalk import ToplineRow
from schemas.handwritten import read_csv
from schemas.problems import Problem, ProblemsError


def read(path: str, file: str, sheet: str | None = None) -> list[dict[str, Any]]:
    """The rows of a file of published figures.

    Args:
        path: where the file is.
        file: what the person calls it, for messages and addresses.
        sheet: the sheet of a workbook; if not given, its only visible sheet, or the one named `toplines`.

    Returns:
        Per figure the fields of `ToplineRow` as they stand, `percent_value` (or `percent_from` and
        `percent_to`) as numbers, `row` (line of the CSV, row of the sheet) and `cell` (`toplines.csv:5`,
        `Sheet1!D5`).

    Raises:
        ProblemsError: all problems of the file at once.
    """
    raw, kind = load(path, file)
    if kind == "xlsx":
        check_archive(raw, file)
    if kind != "csv":
        records = records_of_workbook(raw, file, sheet, formats=kind == "xlsx")
        return [_figure(row, cell, record) for row, cell, record in records]
    if sheet is not None:
        what = "a CSV file has no sheets"
        raise ProblemsError([Problem(CAUSE, file, what, value=sheet, expected="a workbook, or no sheet")])
    name = PurePosixPath(file).name
    lines = read_csv(with_commas(raw, file), file, ToplineRow, CAUSE)
    return [_figure(line, f"{name}:{line}", record) for line, record in lines]


def _figure(row: int, cell: str, record: ToplineRow) -> dict[str, Any]:
    value, low, high = record.share()
    share = {"percent_value": value, "percent_from": low, "percent_to": high}
    return {"row": row, "cell": cell, **record.model_dump(), **share}
