"""One file of published figures as plain rows, each with the address of the cell that holds its percentage.

Belongs here: telling what a file is from its first bytes, reading CSV and workbooks into `ToplineRow`s, and
the guards against files that are huge, packed to explode, or not tables at all. Does not belong here: the
contract of a row (schemas.crosswalk), checks across rows and files (assets.questions), anything that writes.

Runs in a child process (assets.isolation): the guards here give the clear message, the child's limits catch
what slips past them. Nothing is guessed silently. A file in another encoding is refused with a guess for the
person, not decoded by it; semicolons and tabs are read only where the header then matches. Of a workbook the
stored value counts, not its rounded display; where the cell is formatted as a percentage, 0.45 is read as 45.
A label that is a formula is refused, as nobody has read what it says; a calculated number is taken as stored.
"""

import csv
import datetime as dt
import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, TypeGuard

from schemas.crosswalk import ToplineRow
from schemas.handwritten import LARGEST, decode, read_csv
from schemas.problems import Problem, ProblemsError, nearest, shorten

LARGEST_FILE = 64 << 20
LARGEST_UNPACKED = 256 << 20
HIGHEST_RATIO = 200
HARMLESS_UNPACKED = 16 << 20  # a workbook this small may be as regular as it likes
MOST_PARTS = 5_000
LAST_ROW, LAST_COLUMN = 100_000, 1_000  # calamine reserves the whole rectangle up to the farthest cell
CAUSE = "toplines"

_HEAD = 4_096
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_COLUMNS = list(ToplineRow.model_fields)
_REQUIRED = [name for name, field_ in ToplineRow.model_fields.items() if field_.is_required()]
_EXPECTED = "a CSV or XLSX table with the columns " + ", ".join(_REQUIRED)
_CALCULABLE = {"percent", "n"}
_ERRORS = {"#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}
_PACKED_INSIDE = (".zip", ".gz", ".7z", ".xz", ".bz2", ".xlsx", ".xlsm", ".xlsb", ".docx", ".pptx", ".ods")
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_CELL = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,7})["']""")
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})", re.IGNORECASE)
_FOREIGN = (
    (b"$FL2", "an SPSS file"),
    (b"$FL3", "an SPSS file"),
    (b"<stata_dta>", "a Stata file"),
    (b"HEADER RECORD", "a SAS transport file"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a file packed with gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a file packed with 7-Zip"),
    (b"Rar!", "a file packed with RAR"),
)


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
        ProblemsError: all problems of the file at once; see the module for what is refused.
    """
    raw = _bytes(path, file)
    if raw.startswith(_ZIP):
        _check_archive(raw, file)
        return _workbook(raw, file, sheet, formats=True)
    if raw.startswith(_OLE2):
        return _workbook(raw, file, sheet, formats=False)
    if sheet is not None:
        what = "a CSV file has no sheets"
        raise ProblemsError([Problem(CAUSE, file, what, value=sheet, expected="a workbook, or no sheet")])
    name = PurePosixPath(file).name
    records = read_csv(_with_commas(raw, file), file, ToplineRow, CAUSE)
    return [_figure(line, f"{name}:{line}", record) for line, record in records]


def _figure(row: int, cell: str, record: ToplineRow) -> dict[str, Any]:
    value, low, high = record.share()
    share = {"percent_value": value, "percent_from": low, "percent_to": high}
    return {"row": row, "cell": cell, **record.model_dump(), **share}


def _refuse(cause: str, file: str, what: str, **details: Any) -> ProblemsError:
    details.setdefault("expected", _EXPECTED)
    return ProblemsError([Problem(cause, file, what, **details)])


# --- what kind of file ------------------------------------------------------------------------------------


def _bytes(path: str, file: str) -> bytes:
    """The file's bytes, after everything that can be said without reading more than its first ones."""
    try:
        _check_regular(os.lstat(path), file)
        # NONBLOCK: between the look and the opening somebody may have put a pipe there that never opens
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as bad:
        what = f"the file cannot be opened: {(bad.strerror or type(bad).__name__).lower()}"
        raise _refuse("fetch", file, what, expected="a file that can be read") from None
    with os.fdopen(handle, "rb") as stream:
        facts = os.fstat(handle)
        _check_regular(facts, file)
        size = facts.st_size
        if size == 0:
            raise _refuse("empty", file, "the file is empty")
        if size > LARGEST_FILE:
            what = f"{size:,} bytes are too many for a table of published figures"
            raise _refuse("too_large", file, what, expected=f"at most {LARGEST_FILE:,} bytes")
        head = stream.read(_HEAD)
        if not head.startswith((_ZIP, _OLE2)):
            _check_text(head, file)
            if size > LARGEST:
                what = f"{size:,} bytes are too many for a CSV of published figures"
                raise _refuse("too_large", file, what, expected=f"at most {LARGEST:,} bytes")
        return head + stream.read(LARGEST_FILE - len(head))


def _check_regular(facts: os.stat_result, file: str) -> None:
    if stat.S_ISREG(facts.st_mode):
        return
    kinds = ((stat.S_ISDIR, "folder"), (stat.S_ISLNK, "symbolic link"), (stat.S_ISFIFO, "named pipe"))
    kind = next((name for test, name in kinds if test(facts.st_mode)), "device or socket")
    raise _refuse("unsafe_path", file, f"a {kind} stands where the file should be", expected="a plain file")


def _check_text(head: bytes, file: str) -> None:
    """Refuse what is certainly no CSV. What passes may still have mistakes, and is told so line by line."""
    cause = "not_a_survey_file"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refuse("encoding", file, "the text is in UTF-16", row=1, expected="UTF-8", nearest="utf-16")
    if not head.strip(b"\x00"):
        raise _refuse(cause, file, "the file holds NUL bytes only")
    if head.startswith(b"version https://git-lfs"):
        what = "a pointer of Git LFS stands where the file should be (git lfs pull brings the file itself)"
        raise _refuse(cause, file, what)
    for magic, name in _FOREIGN:
        if head.startswith(magic):
            raise _refuse("unsupported", file, f"{name}, and no table of published figures")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith(b"<"):
        page = b"html" in head.lower()
        title = _TITLE.search(head)
        what = "a web page saved in place of the file (a login or an error?)" if page else "XML, and no table"
        shown = shorten(title[1].decode("utf-8", "replace").strip()) if title else None
        raise _refuse(cause, file, what, value=shown)
    if start.startswith((b"{", b"[")):
        raise _refuse(cause, file, "JSON, and no table (the error message of a server?)")
    if b"\x00" in head:
        at = head.index(b"\x00") + 1
        raise _refuse(cause, file, f"binary data, and no table (NUL byte at position {at})")


# --- CSV --------------------------------------------------------------------------------------------------


def _with_commas(raw: bytes, file: str) -> bytes:
    """The CSV with commas, lines as they were; semicolons and tabs only under a header that matches."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as bad:
        raise _not_utf8(raw, file, bad.start) from None
    text = decode(raw, file, CAUSE)
    first = text.split("\n", 1)[0].rstrip("\r")
    delimiter = max(",;\t", key=first.count)
    if delimiter == "," or not first.count(delimiter):
        return raw
    name = "semicolons" if delimiter == ";" else "tabs"
    header = next(csv.reader([first], delimiter=delimiter), [])
    if not set(_REQUIRED) <= set(header) <= set(_COLUMNS):
        what = f"columns separated by {name} under a header that is not that of a table of figures"
        lacking = [column for column in _REQUIRED if column not in header]
        strange = [column for column in header if column not in _COLUMNS]
        expected = "commas, and a header with " + ", ".join(lacking or _REQUIRED)
        close = nearest(strange[0], _COLUMNS) if strange else None
        raise _refuse(CAUSE, file, what, row=1, value=first, expected=expected, nearest=close)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    try:
        writer.writerows(reader)
    except csv.Error as bad:
        raise _refuse(CAUSE, file, f"broken CSV: {bad}", row=reader.line_num, expected=None) from None
    return out.getvalue().encode("utf-8")


def _not_utf8(raw: bytes, file: str, at: int) -> ProblemsError:
    """The place of the first byte that is not UTF-8, a guess, and what stands there if the guess is right."""
    line = raw.count(b"\n", 0, at) + 1
    start = raw.rfind(b"\n", 0, at) + 1
    end = raw.find(b"\n", at)
    guess = _guess_encoding(raw)
    shown = raw[max(start, at - 20) : end if end >= 0 else len(raw)].strip()[:60].decode(guess, "replace")
    expected = f"UTF-8 (if the words shown are right, the file is in {guess}: save it again as UTF-8)"
    position = at - start + 1
    what = f"byte 0x{raw[at]:02x} is not UTF-8"
    place = {"row": line, "column": str(position), "value": shown}
    return _refuse("encoding", file, what, expected=expected, nearest=guess, **place)


def _guess_encoding(raw: bytes) -> str:
    """Which of the old encodings the text is most likely in; good enough to tell a person, not to decode by.

    Letters of an alphabet of its own stand side by side; accented Latin letters stand alone among plain ones.
    The Cyrillic encodings differ in where they keep the lower-case letters, of which every text has most.
    """
    high = [byte for byte in raw if byte >= 0x80]
    joined = sum(len(run) for run in re.findall(rb"[\x80-\xff]{2,}", raw))
    if joined * 2 < len(high):
        return "windows-1252"
    lower_case = {
        "windows-1251": range(0xE0, 0x100),
        "koi8-r": range(0xC0, 0xE0),
        "cp866": (*range(0xA0, 0xB0), *range(0xE0, 0xF0)),
    }
    return max(lower_case, key=lambda name: sum(byte in lower_case[name] for byte in high))


# --- workbooks --------------------------------------------------------------------------------------------


def _check_archive(raw: bytes, file: str) -> None:
    """Refuse a ZIP that is not a workbook or that is built to harm, before any other library sees it."""
    if b"PK\x05\x06" not in raw[-66_000:]:
        raise _refuse(
            "truncated", file, "the workbook ends before its list of contents", expected="a whole file"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
            _check_parts(parts, file)
            for part in parts:
                _check_part(archive, part, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as bad:
        what = f"the workbook cannot be unpacked: {shorten(bad)}"
        raise _refuse("corrupt", file, what, expected="a whole file") from None


def _check_parts(parts: list[zipfile.ZipInfo], file: str) -> None:
    names = [part.filename for part in parts]
    lower = [name.lower() for name in names]
    if any(part.flag_bits & 1 for part in parts):
        raise _refuse("unsupported", file, "the workbook is encrypted", expected="one without a password")
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    if len(parts) > MOST_PARTS:
        what, expected = f"the workbook has {len(parts):,} parts", f"at most {MOST_PARTS:,}"
        raise _refuse("too_large", file, what, expected=expected)
    if unpacked > LARGEST_UNPACKED:
        what, expected = f"the workbook unpacks to {unpacked:,} bytes", f"at most {LARGEST_UNPACKED:,}"
        raise _refuse("too_large", file, what, expected=expected)
    if unpacked > HARMLESS_UNPACKED and unpacked > HIGHEST_RATIO * packed:
        what = f"the workbook unpacks to {unpacked // packed:,} times its size"
        raise _refuse("too_large", file, what, expected=f"at most {HIGHEST_RATIO} times")
    if "mimetype" in names and "content.xml" in names:
        raise _refuse("unsupported", file, "an OpenDocument file", expected="the same table saved as XLSX")
    if not any(name.startswith("xl/") for name in names):
        raise _refuse("not_a_survey_file", file, "a ZIP archive without a workbook in it")
    if "xl/workbook.bin" in lower:
        raise _refuse(
            "unsupported", file, "a binary workbook (XLSB)", expected="the same table saved as XLSX"
        )
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:  # two readers may take two different ones
            raise _refuse("corrupt", file, "a part of the workbook stands twice", value=name, expected="one")
        seen.add(name.lower())
        if name.lower().endswith(_PACKED_INSIDE):
            what = "an archive inside the workbook"
            raise _refuse("unsupported", file, what, value=name, expected="a workbook without attachments")


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, file: str) -> None:
    """Unpack one part and throw it away: its size and checksum must be as declared, its XML plain."""
    is_xml = part.filename.lower().endswith((".xml", ".rels", ".vml"))
    before = b""
    with archive.open(part) as stream:
        while chunk := stream.read(1 << 20):
            if not is_xml:
                continue
            if not before and b"\x00" in chunk[:64]:
                what = "XML in an unusual encoding in the workbook"
                raise _refuse("corrupt", file, what, value=part.filename, expected="UTF-8")
            window = before + chunk
            if _DOCTYPE.search(window):
                what = "XML with a document type or entities in the workbook"
                raise _refuse("corrupt", file, what, value=part.filename, expected="XML without them")
            for letters, digits in _CELL.findall(window):
                if int(digits) > LAST_ROW or _column_number(letters.decode()) > LAST_COLUMN:
                    cell = f"{letters.decode()}{digits.decode()}"
                    what = f"cell {cell} lies far outside a table of figures"
                    expected = f"nothing below row {LAST_ROW:,} or right of column {_letters(LAST_COLUMN)}"
                    raise _refuse("too_large", file, what, value=part.filename, expected=expected)
            before = window[-64:]


@dataclass(frozen=True)
class _Sheet:
    """One sheet: its name, its cells from A1 on, and what the values alone do not say."""

    name: str
    cells: list[list[Any]]
    formulas: set[tuple[int, int]] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    percents: set[tuple[int, int]] = field(default_factory=set)
    has_formats: bool = True

    def address(self, row: int, column: int | None) -> str:
        """`Sheet1!D5`, or `Sheet1!5:5` for a whole row; an odd name in quotes, as Excel does."""
        plain = re.fullmatch(r"[^\W\d][\w.]*", self.name)
        name = self.name if plain else "'" + self.name.replace("'", "''") + "'"
        return f"{name}!{_letters(column)}{row}" if column else f"{name}!{row}:{row}"


def _workbook(raw: bytes, file: str, sheet: str | None, formats: bool) -> list[dict[str, Any]]:
    table = _load(raw, file, sheet)
    top = next((i for i, row in enumerate(table.cells) if any(map(_has_content, row))), None)
    if top is None:
        raise _refuse("empty", file, f"sheet {table.name!r} is empty")
    first_row = top + 1
    header = {i: _text(value).strip() for i, value in enumerate(table.cells[top], 1) if _has_content(value)}
    if not set(header.values()) & set(_COLUMNS):
        what = f"{table.address(first_row, None)}: no column of a table of published figures"
        raise _refuse(CAUSE, file, what, row=first_row, value=", ".join(header.values()))
    table = _with_formats(raw, file, table) if formats else replace(table, has_formats=False)
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
    return [
        _figure(line + top, table.address(line + top, columns["percent"]), record) for line, record in records
    ]


def _load(raw: bytes, file: str, sheet: str | None) -> _Sheet:
    """The values of the sheet that is meant."""
    import python_calamine as calamine  # imported here and below: most releases are CSV

    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            tables = [s for s in book.sheets_metadata if s.typ == calamine.SheetTypeEnum.WorkSheet]
            shown = [s.name for s in tables if s.visible == calamine.SheetVisibleEnum.Visible]
            name = _choose([s.name for s in tables], shown, file, sheet)
            return _Sheet(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False))
    except (ProblemsError, MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except calamine.PasswordError:
        raise _refuse(
            "unsupported", file, "the workbook is encrypted", expected="one without a password"
        ) from None
    except BaseException as bad:  # a panic of its Rust code is no Exception
        what = f"the workbook cannot be read: {shorten(bad)}"
        raise _refuse("corrupt", file, what, expected="a workbook that Excel opens") from None


def _choose(names: Sequence[str], shown: Sequence[str], file: str, wanted: str | None) -> str:
    if wanted is not None:
        if wanted in names:
            return wanted
        what, expected = "no sheet of this name", "one of " + ", ".join(names)
        raise _refuse(CAUSE, file, what, value=wanted, expected=expected, nearest=nearest(wanted, names))
    if len(shown) == 1:
        return shown[0]
    if "toplines" in shown:
        return "toplines"
    what = f"{len(shown)} visible sheets, and none is named as the one to read"
    raise _refuse(CAUSE, file, what, expected="the name of a sheet: " + (", ".join(names) or "there is none"))


def _with_formats(raw: bytes, file: str, table: _Sheet) -> _Sheet:
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
        raise _refuse("corrupt", file, what, expected="a workbook that Excel opens") from None
    return replace(table, formulas=formulas, errors=errors, percents=percents)


def _cell_problems(table: _Sheet, header: dict[int, str], first_row: int, file: str) -> Iterator[Problem]:
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
                yield problem(
                    *place, "an error of the spreadsheet", table.errors.get(place, value), "a value"
                )
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


def _row_texts(table: _Sheet, header: dict[int, str], number: int, row: list[Any]) -> Iterable[str]:
    for column, name in header.items():
        value = row[column - 1] if column <= len(row) else ""
        is_share = name == "percent" and (number, column) in table.percents
        yield re.sub(r"[\r\n]+", " ", _text(value, is_share).strip())


def _moved(problem: Problem, table: _Sheet, header: dict[int, str], top: int) -> Problem:
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


def _letters(column: int) -> str:
    """1 -> A, 27 -> AA."""
    out = ""
    while column:
        column, rest = divmod(column - 1, 26)
        out = chr(65 + rest) + out
    return out


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number
