"""One sheet of a workbook as its libraries give it: stored values, and what the values alone do not say.

Belongs here: choosing the sheet, and all that is asked of calamine and openpyxl. Of a workbook the stored value counts,
not its rounded display. Does not belong here: what the cells mean as figures (workbook), harmful archives (zips). The
libraries are imported where they are used: most releases are CSV.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assets.toplines.addresses import cell_address
from assets.toplines.refusals import CAUSE, refuse
from schemas.problems import ProblemsError, nearest, shorten


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name, its cells from A1 on, and what the values alone do not say."""

    name: str
    cells: list[list[Any]]
    formulas: set[tuple[int, int]] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    percents: set[tuple[int, int]] = field(default_factory=set)
    has_formats: bool = True

    def address(self, row: int, column: int | None) -> str:
        """Of a cell of this sheet, or of a whole row."""
        return cell_address(self.name, row, column)


def load_sheet(raw: bytes, file: str, sheet: str | None) -> Sheet:
    """The values of the sheet that is meant."""
    import python_calamine as calamine

    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            tables = [s for s in book.sheets_metadata if s.typ == calamine.SheetTypeEnum.WorkSheet]
            shown = [s.name for s in tables if s.visible == calamine.SheetVisibleEnum.Visible]
            name = _choose([s.name for s in tables], shown, file, sheet)
            return Sheet(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False))
    except (ProblemsError, MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except calamine.PasswordError:
        raise refuse("unsupported", file, "the workbook is encrypted", expected="one without a password") from None
    except BaseException as bad:  # a panic of its Rust code is no Exception
        what = f"the workbook cannot be read: {shorten(bad)}"
        raise refuse("corrupt", file, what, expected="a workbook that Excel opens") from None


def _choose(names: Sequence[str], shown: Sequence[str], file: str, wanted: str | None) -> str:
    if wanted is not None:
        if wanted in names:
            return wanted
        what, expected = "no sheet of this name", "one of " + ", ".join(names)
        raise refuse(CAUSE, file, what, value=wanted, expected=expected, nearest=nearest(wanted, names))
    if len(shown) == 1:
        return shown[0]
    if "toplines" in shown:
        return "toplines"
    what = f"{len(shown)} visible sheets, and none is named as the one to read"
    raise refuse(CAUSE, file, what, expected="the name of a sheet: " + (", ".join(names) or "there is none"))


def with_formats(raw: bytes, file: str, table: Sheet) -> Sheet:
    """The sheet with its formulas, errors and percentage formats, of which calamine does not tell."""
    import openpyxl

    formulas: set[tuple[int, int]] = set()
    errors: dict[tuple[int, int], str] = {}
    percents: set[tuple[int, int]] = set()
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, keep_links=False)
        page = book[table.name]
        page.reset_dimensions()  # what the file says of its own size may be wrong
        for number, row in enumerate(page.iter_rows(), 1):
            for column, cell in enumerate(row, 1):
                if cell.value is None:
                    continue
                if cell.data_type == "f":
                    formulas.add((number, column))
                elif cell.data_type == "e":
                    errors[number, column] = str(cell.value)
                if "%" in re.sub(r'"[^"]*"|\\.', "", str(cell.number_format or "")):
                    percents.add((number, column))
    except MemoryError:
        raise
    except Exception as bad:
        what = f"the formats of the cells cannot be read: {type(bad).__name__}: {shorten(bad)}"
        raise refuse("corrupt", file, what, expected="a workbook that Excel opens") from None
    return replace(table, formulas=formulas, errors=errors, percents=percents)
