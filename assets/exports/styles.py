"""How workbooks look, and how a value gets into a cell without becoming a formula.

Belongs here: fonts, borders, number formats, the one function that writes cells. Does not belong here: what stands
where (`.sheets` and its neighbours).

Figures are stored unrounded and shown by the format of their cell, so rounding comes last and a reader may still
calculate with them. Spreadsheets round halves up.
"""

import re
from dataclasses import dataclass
from typing import Any

from openpyxl.cell import Cell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from assets.exports.formulas import RISKY

LONGEST = 32_767  # characters of a cell

SHARE = '[=0]"-";[<0.5]"*";0'
POINTS = '[=0]"-";0.0'
QUALIFIED = {"about": '"about "0', "more_than": '"over "0', "less_than": '"under "0'}
COUNT = "#,##0"
SMALL_COUNT = '#,##0"†"'
MEAN = "0.00"
CHANGE = "+0.0;-0.0;0.0"
CHANCE = '[<0.001]"<0.001";0.000'

_FACE = "Calibri"
_GREY, _LINE, _BAND = "595959", "BFBFBF", "E8EDF3"
_THIN = Side(style="thin", color=_LINE)
_STRONG = Side(style="medium", color="44546A")


@dataclass(frozen=True)
class Look:
    """How a cell looks.

    Attributes:
        size: of the letters.
        bold: heavy letters.
        italic: slanted letters.
        grey: pale letters.
        band: shaded ground.
        align: left, center or right; None as the value asks.
        wrap: broken into lines.
        below: a line below.
        gap: a strong line at the left: what is on its two sides is not joined.
        indent: away from the left, in steps of three blanks.
        form: number format.
    """

    size: int = 10
    bold: bool = False
    italic: bool = False
    grey: bool = False
    band: bool = False
    align: str | None = None
    wrap: bool = False
    below: bool = False
    gap: bool = False
    indent: int = 0
    form: str | None = None


PLAIN = Look()
TITLE = Look(size=16, bold=True)
HEADING = Look(size=12, bold=True)
SMALL = Look(size=9, grey=True)
TEXT = Look(wrap=True)
HEAD = Look(bold=True, band=True, wrap=True, align="center", below=True)
HEAD_LEFT = Look(bold=True, band=True, wrap=True, below=True)
LETTERS = Look(size=9, grey=True, align="right")


def put(sheet: Worksheet, row: int, column: int, value: Any, look: Look = PLAIN) -> Cell:
    """Write a cell; a text stays a text, whatever it begins with."""
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value)[:LONGEST]
        cell.data_type = "s"
    else:
        cell.value = value
    cell.font = Font(
        name=_FACE, size=look.size, bold=look.bold, italic=look.italic, color=_GREY if look.grey else "000000"
    )
    cell.alignment = Alignment(
        horizontal=look.align or ("left" if look.indent else None),
        vertical="top",
        wrap_text=look.wrap,
        indent=look.indent,
    )
    if look == TITLE:
        sheet.row_dimensions[row].height = 24.0
    if look.band:
        cell.fill = PatternFill("solid", fgColor=_BAND)
    if look.below or look.gap:
        cell.border = Border(bottom=_THIN if look.below else None, left=_STRONG if look.gap else None)
    if look.form:
        cell.number_format = look.form
    if isinstance(value, str) and value.startswith(RISKY):
        cell.quotePrefix = True  # also when somebody edits the cell
    return cell


def widths(sheet: Worksheet, *of: float) -> None:
    """Widths of the first columns, in characters."""
    for number, width in enumerate(of, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width


def height(sheet: Worksheet, row: int, text: str, characters: float) -> None:
    """Room for a text that is broken into lines in a cell (or merged cells) so many characters wide."""
    lines = sum(-(-max(len(part), 1) // max(int(characters), 1)) for part in text.split("\n"))
    asked = 14.0 * lines + 2
    sheet.row_dimensions[row].height = min(400.0, max(asked, sheet.row_dimensions[row].height or 0.0))


def page(sheet: Worksheet, header_rows: str | None = None, wide: bool = True) -> None:
    """How a sheet prints: fitted to the width, its header on every page, its name and number below; no grid shown."""
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = "landscape" if wide else "portrait"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.left.text = "&A"
    sheet.oddFooter.right.text = "&P / &N"
    if header_rows:
        sheet.print_title_rows = header_rows


def sheet_name(wanted: str, taken: list[str]) -> str:
    """A name that a workbook takes: no signs that it forbids, at most 31 characters, once."""
    name = re.sub(r"[\[\]:*?/\\']", " ", wanted).strip()[:31] or "Sheet"
    number = 1
    while name.casefold() in (one.casefold() for one in taken):
        number += 1
        name = f"{name[:27].rstrip()} {number}"
    return name


LINK = Font(name=_FACE, size=10, color="0B5394", underline="single")
