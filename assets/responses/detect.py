"""What a file is, from its first bytes; its name is not looked at.

Belongs here: signatures, and the words for what is certainly no file of answers. Does not belong here: whether the file
is whole (`truncation`), how it is opened (assets.plain_file), or what needs more than its first and last bytes.
"""

import re
from typing import Any

from assets.plain_file import open_plain
from schemas.codebook import FileFormat
from schemas.problems import Problem, ProblemsError, shorten

HEAD = 4_096
EXPECTED = "a file of answers: SPSS, Stata, SAS, CSV, a workbook or Parquet"

_SAS_MAGIC = bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
_SAS_CATALOG = bytes(12) + bytes.fromhex("c2ea8163b31411cfbd92080009c7318c181f1011")
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD_DTA = range(102, 116)
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})", re.IGNORECASE)
_SIGNATURES: tuple[tuple[bytes, FileFormat], ...] = (
    (b"$FL2", "sav"),
    (b"$FL3", "zsav"),
    (b"<stata_dta>", "dta"),
    (b"HEADER RECORD*******LIB", "xpt"),
    (_SAS_MAGIC, "sas7bdat"),
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "xlsx"),
    (_OLE2, "xls"),
)
_FOREIGN: tuple[tuple[bytes, str, str, str], ...] = (
    (b"version https://git-lfs", "not_a_survey_file", "a pointer of Git LFS stands where the file should be",
     "the file itself (git lfs pull brings it)"),
    (_SAS_CATALOG, "unsupported", "a SAS catalog: value labels without data",
     "the .sas7bdat, with this catalog named beside it"),
    (b"**COMPRESSED**", "unsupported", "a SAS transport file made by PROC CPORT with compression",
     "one made by the XPORT engine, or the same data as .por or .sav"),
    (b"LIB CONTROL", "unsupported", "a SAS transport file made by PROC CPORT",
     "one made by the XPORT engine, or the same data as .por or .sav"),
    (b"%PDF", "not_a_survey_file", "a PDF", EXPECTED),
    (b"\x1f\x8b", "unsupported", "a file packed with gzip", "the file unpacked"),
    (b"7z\xbc\xaf\x27\x1c", "unsupported", "a file packed with 7-Zip", "the file unpacked"),
    (b"Rar!", "unsupported", "a file packed with RAR", "the file unpacked"),
    (b"BZh", "unsupported", "a file packed with bzip2", "the file unpacked"),
    (b"\xfd7zXZ", "unsupported", "a file packed with xz", "the file unpacked"),
    (b"(\xb5/\xfd", "unsupported", "a file packed with Zstandard", "the file unpacked"),
    (b"RDX", "unsupported", "an R workspace", "the same data as .sav, .dta or CSV"),
    (b"\x89PNG", "not_a_survey_file", "a picture", EXPECTED),
    (b"\xff\xd8\xff", "not_a_survey_file", "a picture", EXPECTED),
    (b"SQLite format", "unsupported", "a database (SQLite)", EXPECTED),
    (b"{\\rtf", "not_a_survey_file", "a text document (RTF)", EXPECTED),
)  # fmt: skip


def refuse(cause: str, file: str, what: str, **details: Any) -> ProblemsError:
    """One problem, ready to be raised."""
    details.setdefault("expected", EXPECTED)
    return ProblemsError([Problem(cause, file, what, **details)])


def detect(path: str, file: str) -> FileFormat:
    """The format of a file.

    Args:
        path: where it is.
        file: what the person calls it, for messages.

    Returns:
        The format. `csv` stands for every text that could be a table; whether it is one, reading shows.

    Raises:
        ProblemsError: no plain file, empty, or certainly no file of answers.
    """
    head = _head(path, file)
    for magic, name in _SIGNATURES:
        if head.startswith(magic):
            return name
    if _is_portable(head):
        return "por"
    if _is_old_stata(head):
        return "dta"
    _check_text(head, file)
    return "csv"


def _head(path: str, file: str) -> bytes:
    with open_plain(path, file) as stream:
        head = stream.read(HEAD)
    if not head:
        raise refuse("empty", file, "the file is empty")
    return head


def _is_portable(head: bytes) -> bool:
    """SPSS portable: five greetings of forty characters in other alphabets, then a table of 256, then the mark."""
    return b"SPSSPORT" in head.replace(b"\r", b"").replace(b"\n", b"")[:600] or b"SPSS PORT FILE" in head[:240]


def _is_old_stata(head: bytes) -> bool:
    """Stata before 13: version, byte order 1 or 2, file type 1, a zero."""
    return len(head) >= 60 and head[0] in _OLD_DTA and head[1] in (1, 2) and head[2] == 1 and head[3] == 0


def _check_text(head: bytes, file: str) -> None:
    for magic, cause, what, expected in _FOREIGN:
        if head.startswith(magic):
            raise refuse(cause, file, what, expected=expected)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return  # UTF-16 with a mark: text, whatever zeros it has
    cause = "not_a_survey_file"
    if not head.strip(b"\x00"):
        raise refuse(cause, file, "the file holds NUL bytes only")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if not start:
        raise refuse("empty", file, "the file holds blanks only")
    if start.startswith(b"<"):
        page = b"html" in head.lower()
        title = _TITLE.search(head)
        what = "a web page saved in place of the file (a login or an error?)" if page else "XML, and no table"
        raise refuse(cause, file, what, value=shorten(title[1].decode("utf-8", "replace").strip()) if title else None)
    if start.startswith((b"{", b"[")):
        raise refuse(cause, file, "JSON, and no table (the error message of a server?)")
    if b"\x00" in head:
        raise refuse(cause, file, f"binary data of no known format (NUL byte at position {head.index(0) + 1})")
