"""What a file is, from its first bytes; its name is not looked at.

Belongs here: signatures, and the words for what is certainly no table of figures. Does not belong here: opening the
file (files), whether the rest of it keeps what the first bytes promise (text, zips, sheets).
"""

import re
from typing import Literal

from assets.toplines.refusals import refuse
from schemas.problems import shorten

Format = Literal["csv", "xlsx", "xls"]

_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
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


def detect(head: bytes, file: str) -> Format:
    """The format, by the first bytes of a file. `csv` stands for every text; whether it is a table, reading shows.

    Raises:
        ProblemsError: certainly none of the three.
    """
    if head.startswith(_ZIP):
        return "xlsx"
    if head.startswith(_OLE2):
        return "xls"
    _check_text(head, file)
    return "csv"


def _check_text(head: bytes, file: str) -> None:
    """Refuse what is certainly no CSV. What passes may still have mistakes, and is told so line by line."""
    cause = "not_a_survey_file"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refuse("encoding", file, "the text is in UTF-16", row=1, expected="UTF-8", nearest="utf-16")
    if not head.strip(b"\x00"):
        raise refuse(cause, file, "the file holds NUL bytes only")
    if head.startswith(b"version https://git-lfs"):
        what = "a pointer of Git LFS stands where the file should be (git lfs pull brings the file itself)"
        raise refuse(cause, file, what)
    for magic, name in _FOREIGN:
        if head.startswith(magic):
            raise refuse("unsupported", file, f"{name}, and no table of published figures")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith(b"<"):
        page = b"html" in head.lower()
        title = _TITLE.search(head)
        what = "a web page saved in place of the file (a login or an error?)" if page else "XML, and no table"
        shown = shorten(title[1].decode("utf-8", "replace").strip()) if title else None
        raise refuse(cause, file, what, value=shown)
    if start.startswith((b"{", b"[")):
        raise refuse(cause, file, "JSON, and no table (the error message of a server?)")
    if b"\x00" in head:
        at = head.index(b"\x00") + 1
        raise refuse(cause, file, f"binary data, and no table (NUL byte at position {at})")
