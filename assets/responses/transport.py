"""Tagged missing values of SAS transport files, which no library gives.

Belongs here: reading the places of the numbers from the header and looking at their first bytes: a missing number is
its tag (`.`, `_`, `A` to `Z`) and zeros. Does not belong here: the numbers themselves (pyreadstat reads them).
"""

import re
import struct
from pathlib import Path

import numpy as np

from schemas.codebook import Codebook

_RECORD = 80
_LARGEST = 1 << 30
_NAMES = re.compile(rb"HEADER RECORD\*{7}(?:NAMESTR|NAMSTV8) +HEADER RECORD!{7}(\d{30})")
_DATA = re.compile(rb"HEADER RECORD\*{7}OBS(?:V8)? +HEADER RECORD!{7}")
_MEMBER = re.compile(rb"HEADER RECORD\*{7}MEMB(?:ER|V8) +HEADER RECORD!{7}0{16}\d{10}(\d{4})")


class Tags:
    """Tags by variable and row."""

    def __init__(self, columns: dict[str, "np.ndarray[tuple[int], np.dtype[np.uint8]]"]) -> None:
        """Keep one byte per row and variable: the tag, or 0."""
        self.columns = columns

    def of(self, name: str, start: int, count: int) -> list[str | None] | None:
        """The tags of some rows; None if the variable has none there."""
        column = self.columns.get(name)
        if column is None:
            return None
        part = column[start : start + count]
        return [f".{chr(tag)}" if tag else None for tag in part.tolist()] if part.any() else None


def transport_tags(path: str, codebook: Codebook) -> Tags:
    """The tags of a transport file; none if its header is not as the format's description has it."""
    file = Path(path)
    if file.stat().st_size > _LARGEST:
        return Tags({})
    raw = file.read_bytes()
    member, names, data = _MEMBER.search(raw), _NAMES.search(raw), _DATA.search(raw)
    if member is None or names is None or data is None:
        return Tags({})
    size, count = int(member[1]), int(names[1][:10])
    if size not in (136, 140) or count != codebook.columns:
        return Tags({})
    start = names.start() + _RECORD
    places = []
    width = 0
    for number in range(count):
        at = start + number * size
        kind, _, length = struct.unpack_from(">3h", raw, at)
        (position,) = struct.unpack_from(">i", raw, at + 84)
        places.append((kind, length, position))
        width = max(width, position + length)
    first = data.start() + _RECORD
    rows = (len(raw) - first) // width if width else 0
    table = np.frombuffer(raw, np.uint8, rows * width, first).reshape(rows, width)
    columns = {}
    for one, (kind, length, position) in zip(codebook.variables, places, strict=True):
        if kind != 1 or one.stored == "text" or not 2 <= length <= 8:
            continue
        lead, rest = table[:, position], table[:, position + 1 : position + length]
        tagged = ((lead == ord("_")) | ((lead >= ord("A")) & (lead <= ord("Z")))) & ~rest.any(axis=1)
        if tagged.any():
            columns[one.name] = np.where(tagged, lead, 0).astype(np.uint8)
    return Tags(columns)
