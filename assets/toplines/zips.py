"""The guard before a workbook is opened: is the archive whole, is it a workbook, is it built to harm.

Belongs here: everything that can be said of a ZIP before any other library sees it. Does not belong here: reading
sheets (sheets). The limits here give the clear message, those of the child process catch what slips past them.
"""

import io
import re
import zipfile
import zlib

from assets.toplines.addresses import column_letters, column_number
from assets.toplines.refusals import refuse
from schemas.problems import shorten

LARGEST_UNPACKED = 256 << 20
HIGHEST_RATIO = 200
HARMLESS_UNPACKED = 16 << 20  # a workbook this small may be as regular as it likes
MOST_PARTS = 5_000
LAST_ROW, LAST_COLUMN = 100_000, 1_000  # calamine reserves the whole rectangle up to the farthest cell
_PACKED_INSIDE = (".zip", ".gz", ".7z", ".xz", ".bz2", ".xlsx", ".xlsm", ".xlsb", ".docx", ".pptx", ".ods")
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_CELL = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,7})["']""")


def check_archive(raw: bytes, file: str) -> None:
    """Refuse a ZIP that is not a workbook or that is built to harm, before any other library sees it."""
    if b"PK\x05\x06" not in raw[-66_000:]:
        raise refuse("truncated", file, "the workbook ends before its list of contents", expected="a whole file")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
            _check_parts(parts, file)
            for part in parts:
                _check_part(archive, part, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as bad:
        what = f"the workbook cannot be unpacked: {shorten(bad)}"
        raise refuse("corrupt", file, what, expected="a whole file") from None


def _check_parts(parts: list[zipfile.ZipInfo], file: str) -> None:
    names = [part.filename for part in parts]
    lower = [name.lower() for name in names]
    if any(part.flag_bits & 1 for part in parts):
        raise refuse("unsupported", file, "the workbook is encrypted", expected="one without a password")
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    if len(parts) > MOST_PARTS:
        what, expected = f"the workbook has {len(parts):,} parts", f"at most {MOST_PARTS:,}"
        raise refuse("too_large", file, what, expected=expected)
    if unpacked > LARGEST_UNPACKED:
        what, expected = f"the workbook unpacks to {unpacked:,} bytes", f"at most {LARGEST_UNPACKED:,}"
        raise refuse("too_large", file, what, expected=expected)
    if unpacked > HARMLESS_UNPACKED and unpacked > HIGHEST_RATIO * packed:
        what = f"the workbook unpacks to {unpacked // packed:,} times its size"
        raise refuse("too_large", file, what, expected=f"at most {HIGHEST_RATIO} times")
    if "mimetype" in names and "content.xml" in names:
        raise refuse("unsupported", file, "an OpenDocument file", expected="the same table saved as XLSX")
    if not any(name.startswith("xl/") for name in names):
        raise refuse("not_a_survey_file", file, "a ZIP archive without a workbook in it")
    if "xl/workbook.bin" in lower:
        raise refuse("unsupported", file, "a binary workbook (XLSB)", expected="the same table saved as XLSX")
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:  # two readers may take two different ones
            raise refuse("corrupt", file, "a part of the workbook stands twice", value=name, expected="one")
        seen.add(name.lower())
        if name.lower().endswith(_PACKED_INSIDE):
            what = "an archive inside the workbook"
            raise refuse("unsupported", file, what, value=name, expected="a workbook without attachments")


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
                raise refuse("corrupt", file, what, value=part.filename, expected="UTF-8")
            window = before + chunk
            if _DOCTYPE.search(window):
                what = "XML with a document type or entities in the workbook"
                raise refuse("corrupt", file, what, value=part.filename, expected="XML without them")
            for letters, digits in _CELL.findall(window):
                if int(digits) > LAST_ROW or column_number(letters.decode()) > LAST_COLUMN:
                    cell = f"{letters.decode()}{digits.decode()}"
                    what = f"cell {cell} lies far outside a table of figures"
                    expected = f"nothing below row {LAST_ROW:,} or right of column {column_letters(LAST_COLUMN)}"
                    raise refuse("too_large", file, what, value=part.filename, expected=expected)
            before = window[-64:]
