"""Where a cell of a workbook is: letters of columns, addresses as spreadsheets write them.

Belongs here: turning numbers into addresses and back. Does not belong here: what stands in a cell.
"""

import re


def column_letters(column: int) -> str:
    """1 -> A, 27 -> AA."""
    out = ""
    while column:
        column, rest = divmod(column - 1, 26)
        out = chr(65 + rest) + out
    return out


def cell_address(sheet: str, row: int, column: int | None) -> str:
    """`Sheet1!D5`, or `Sheet1!5:5` for a whole row; an odd name in quotes, as Excel does."""
    plain = re.fullmatch(r"[^\W\d][\w.]*", sheet)
    name = sheet if plain else "'" + sheet.replace("'", "''") + "'"
    return f"{name}!{column_letters(column)}{row}" if column else f"{name}!{row}:{row}"


def column_number(letters: str) -> int:
    """A -> 1, AA -> 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number
