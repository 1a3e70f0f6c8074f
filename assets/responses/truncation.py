"""Whether a file is whole, where its format says how long it should be.

Belongs here: comparing what a header promises with the bytes that are there, before a parser looks. Does not belong
here: the number of rows actually read (`read` compares that), workbooks (`packed`), text (a cut text is ragged).
"""

import struct
from pathlib import Path

from assets.responses.detect import refuse
from assets.responses.spss_header import Header
from schemas.codebook import FileFormat

_WHOLE = "a whole file"


def check_whole(path: str, file: str, kind: FileFormat) -> None:
    """Refuse a Stata, SAS or Parquet file that is shorter than it says.

    Raises:
        ProblemsError: cause `truncated`.
    """
    size = Path(path).stat().st_size
    with Path(path).open("rb") as stream:
        head = stream.read(4_096)
        stream.seek(max(0, size - 64))
        tail = stream.read()
    lack = None
    if kind == "dta" and head.startswith(b"<stata_dta>") and not tail.rstrip(b"\x00\r\n ").endswith(b"</stata_dta>"):
        lack = "its end mark"
    elif kind == "sas7bdat":
        lack = _sas_lack(head, size)
    elif kind == "xpt" and size % 80:
        lack = f"{80 - size % 80} bytes of its last record"
    elif kind == "parquet" and not tail.endswith(b"PAR1"):
        lack = "its end mark"
    if lack is not None:
        raise refuse("truncated", file, f"the file ends before {lack}", value=f"{size:,} bytes", expected=_WHOLE)


def check_spss(path: str, file: str, header: Header) -> None:
    """Refuse an SPSS system file that is shorter than it says. Code-compressed data tell only when they are read.

    Raises:
        ProblemsError: cause `truncated`.
    """
    size = Path(path).stat().st_size
    lack = None
    if header.compression == 0 and header.cases is not None and header.case_size > 0:
        whole = header.data + header.cases * header.case_size * 8
        if size < whole:
            rows = max(0, size - header.data) // (header.case_size * 8)
            lack = f"row {rows + 1:,} of {header.cases:,} is complete"
    elif header.compression == 2:
        with Path(path).open("rb") as stream:
            stream.seek(header.data)
            pointers = stream.read(24)
        if len(pointers) < 24:
            lack = "its data"
        else:
            _, trailer, length = struct.unpack(header.order + "3q", pointers)
            if not 0 <= trailer <= size or not 0 <= length <= size - trailer:
                lack = "the list of its blocks"
    elif size == header.data and header.cases:
        lack = "its data"
    if lack is not None:
        raise refuse("truncated", file, f"the file ends before {lack}", value=f"{size:,} bytes", expected=_WHOLE)


def _sas_lack(head: bytes, size: int) -> str | None:
    """The pages of a .sas7bdat that are promised and not there."""
    if len(head) < 288:
        return "the end of its header"
    wide = head[32] == 0x33
    shift = 4 if head[35] == 0x33 else 0
    order = "<" if head[37] == 1 else ">"
    header_size, page_size = struct.unpack_from(order + "2i", head, 196 + shift)
    (pages,) = struct.unpack_from(order + ("q" if wide else "i"), head, 204 + shift)
    if header_size <= 0 or page_size <= 0 or not 0 <= pages <= 1 << 40:
        return None  # damaged rather than short: the parser says what
    if size < header_size + pages * page_size:
        there = max(0, size - header_size) // page_size
        return f"page {there + 1:,} of {pages:,}"
    return None
