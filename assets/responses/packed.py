"""Workbooks as archives: is it one, is it whole, is it built to harm.

Belongs here: everything that can be said of an .xlsx or .xls before a library parses it. Does not belong here: sheets.
"""

import zipfile
import zlib
from pathlib import Path

from assets.responses.detect import refuse
from schemas.problems import shorten

LARGEST_UNPACKED = 2 << 30
HIGHEST_RATIO = 200
HARMLESS_UNPACKED = 16 << 20
MOST_PARTS = 5_000
_PACKED_INSIDE = (".zip", ".gz", ".7z", ".xz", ".bz2", ".xlsx", ".xlsm", ".docx", ".sav", ".dta")


def check_workbook(path: str, file: str) -> None:
    """Refuse an archive that is no whole and harmless .xlsx.

    Raises:
        ProblemsError: another kind of archive, encrypted, cut, damaged, or too large once unpacked.
    """
    with Path(path).open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - 66_000))
        if b"PK\x05\x06" not in stream.read():
            raise refuse("truncated", file, "the archive ends before its list of contents", expected="a whole file")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_contents(archive.infolist(), file)
            for part in archive.infolist():
                with archive.open(part) as inside:  # sizes and checksums are as declared, or this raises
                    while inside.read(1 << 20):
                        pass
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as bad:
        what = "the archive cannot be unpacked"
        raise refuse("corrupt", file, what, value=shorten(bad), expected="a whole file") from None


def _check_contents(parts: list[zipfile.ZipInfo], file: str) -> None:
    names = [part.filename for part in parts]
    lower = [name.lower() for name in names]
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts) or 1
    if any(part.flag_bits & 1 for part in parts):
        raise refuse("unsupported", file, "the archive is encrypted", expected="one without a password")
    if len(parts) > MOST_PARTS:
        raise refuse("too_large", file, f"the archive has {len(parts):,} parts", expected=f"at most {MOST_PARTS:,}")
    if unpacked > LARGEST_UNPACKED:
        what = f"the archive unpacks to {unpacked:,} bytes"
        raise refuse("too_large", file, what, expected=f"at most {LARGEST_UNPACKED:,}")
    if unpacked > HARMLESS_UNPACKED and unpacked > HIGHEST_RATIO * packed:
        what = f"the archive unpacks to {unpacked // packed:,} times its size"
        raise refuse("too_large", file, what, expected=f"at most {HIGHEST_RATIO} times")
    if "mimetype" in names and "content.xml" in names:
        raise refuse("unsupported", file, "an OpenDocument file", expected="the same table saved as XLSX")
    if "xl/workbook.bin" in lower:
        raise refuse("unsupported", file, "a binary workbook (XLSB)", expected="the same table saved as XLSX")
    if "xl/workbook.xml" not in lower:
        inside = next((name for name in names if not name.endswith("/")), "nothing")
        what = "an archive without a workbook in it"
        raise refuse("not_a_survey_file", file, what, value=inside, expected="the file unpacked")
    if len(set(lower)) < len(lower):
        raise refuse("corrupt", file, "a part of the workbook stands twice", expected="each part once")
    for name in lower:
        if name.endswith(_PACKED_INSIDE):
            raise refuse("unsupported", file, "an archive inside the workbook", value=name, expected="a plain workbook")


def check_old_workbook(path: str, file: str) -> None:
    """Refuse an OLE2 container that is no plain .xls.

    Raises:
        ProblemsError: encrypted, or another document.
    """
    with Path(path).open("rb") as stream:
        raw = stream.read(64 << 20)
    if "EncryptedPackage".encode("utf-16-le") in raw:
        raise refuse("unsupported", file, "the workbook is encrypted", expected="one without a password")
    if not any(name.encode("utf-16-le") in raw for name in ("Workbook", "Book")):
        raise refuse("not_a_survey_file", file, "an old Office document without a workbook in it")
    if len(raw) % 512 and len(raw) < 64 << 20:
        what = f"the file ends {512 - len(raw) % 512} bytes before the end of a sector"
        raise refuse("truncated", file, what, expected="a whole file")
