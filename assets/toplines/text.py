"""A CSV as the reader of hand-written files wants it: UTF-8, with commas.

Belongs here: encodings and delimiters. Nothing is guessed silently: a file in another encoding is refused with a guess
for the person, not decoded by it; semicolons and tabs are read only where the header then matches. Does not belong
here: rows and their contract (schemas.handwritten, schemas.crosswalk), workbooks.
"""

import csv
import io
import re

from assets.toplines.refusals import CAUSE, COLUMNS, REQUIRED, refuse
from schemas.handwritten import decode
from schemas.problems import ProblemsError, nearest


def with_commas(raw: bytes, file: str) -> bytes:
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
    if not set(REQUIRED) <= set(header) <= set(COLUMNS):
        what = f"columns separated by {name} under a header that is not that of a table of figures"
        lacking = [column for column in REQUIRED if column not in header]
        strange = [column for column in header if column not in COLUMNS]
        expected = "commas, and a header with " + ", ".join(lacking or REQUIRED)
        close = nearest(strange[0], COLUMNS) if strange else None
        raise refuse(CAUSE, file, what, row=1, value=first, expected=expected, nearest=close)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    try:
        writer.writerows(reader)
    except csv.Error as bad:
        raise refuse(CAUSE, file, f"broken CSV: {bad}", row=reader.line_num, expected=None) from None
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
    return refuse("encoding", file, what, expected=expected, nearest=guess, **place)


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
