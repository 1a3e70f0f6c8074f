"""The dictionary of an SPSS system file (.sav, .zsav), as far as no library tells it.

Belongs here: walking the records for the weight variable, the documents, the number of cases, the offsets of what makes
a reader change values, and the place where the data begin. Does not belong here: labels and names (`labelled`).

The fast engine turns declared missing values into NULL and dates into calendar types, and neither can be switched off.
`neutral_copy` therefore writes a copy in which no variable declares missing values that could occur and no variable has
a date format: the data stay byte for byte what they were, and the engine hands them over as they are.
"""

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from assets.responses.detect import refuse

_MACHINE, _LONG_NAMES, _CASES, _ENCODING, _LONG_MISSING = 3, 13, 16, 20, 22
_NUMBER_FORMAT = (5 << 16) | (8 << 8) | 2  # F8.2
# Dates and times in SPSS's list of formats; all others show a number as a number.
DATE_FORMATS = frozenset({20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 38, 39, 40, 41})
_NEVER = 4.9406564584124654e-324  # the smallest number there is: no code of any survey
_MOST_RECORDS = 5_000_000
_LARGEST_RECORD = 64 << 20


@dataclass
class Header:
    """What the dictionary says.

    Attributes:
        order: `<` or `>`, the byte order.
        cases: number of cases; None where the writer did not know.
        compression: 0 none, 1 by code, 2 zlib.
        weight: short name of the weight variable.
        encoding: as declared by name; None if not.
        code_page: number that stands for the encoding; 2 and 3 say nothing but "ASCII or something above it".
        long_names: names by short names, still in the file's encoding.
        data: offset of the first byte after the dictionary.
        names: short names of the variables, as bytes.
        documents: lines of text that the file carries.
        missing: offsets of eight-byte numbers that declare missing values.
        missing_texts: whether strings declare missing values.
        formats: offsets of formats that are dates or times.
    """

    order: str
    cases: int | None
    compression: int
    case_size: int
    weight: bytes | None = None
    encoding: str | None = None
    code_page: int | None = None
    long_names: dict[bytes, bytes] = field(default_factory=dict)
    data: int = 0
    names: list[bytes] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    missing_texts: bool = False
    formats: list[int] = field(default_factory=list)


class _EndError(Exception):
    """The file ends inside the dictionary."""


def read_header(path: str, file: str) -> Header:
    """Walk the dictionary.

    Raises:
        ProblemsError: the file ends inside it (`truncated`), or it is none (`corrupt`).
    """
    try:
        with Path(path).open("rb") as stream:
            return _Walker(stream).walk()
    except _EndError:
        raise refuse("truncated", file, "the file ends inside its list of variables", expected="a whole file") from None
    except (ValueError, struct.error) as bad:
        raise refuse("corrupt", file, f"the list of variables cannot be read: {bad}", expected="a whole file") from None


class _Walker:
    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.at, self.order = stream, 0, "<"

    def walk(self) -> Header:
        head = self._take(176)
        if struct.unpack_from("<i", head, 64)[0] not in (2, 3):
            self.order = ">"
            if struct.unpack_from(">i", head, 64)[0] not in (2, 3):
                raise ValueError("no byte order fits")
        case_size, compression, weight, cases = struct.unpack_from(self.order + "4i", head, 68)
        if compression not in (0, 1, 2):
            raise ValueError(f"compression {compression} is not known")
        header = Header(self.order, cases if cases >= 0 else None, compression, case_size)
        slots: list[int] = []  # for each eight bytes of a case, the number of its variable
        for _ in range(_MOST_RECORDS):
            kind = self._int()
            if kind == 2:
                self._variable(header, slots)
            elif kind == 3:
                for _ in range(self._count()):
                    self._take(8)
                    length = self._take(1)[0]
                    self._take((length + 8) // 8 * 8 - 1)
            elif kind == 4:
                self._take(4 * self._count())
            elif kind == 6:
                for _ in range(self._count()):
                    header.documents.append(self._take(80).rstrip())
            elif kind == 7:
                self._extension(header)
            elif kind == 999:
                self._take(4)
                header.data = self.at
                header.weight = header.names[slots[weight - 1]] if 0 < weight <= len(slots) else None
                return header
            else:
                raise ValueError(f"a record of type {kind} at byte {self.at - 4}")
        raise ValueError("too many records")

    def _variable(self, header: Header, slots: list[int]) -> None:
        kind, has_label, missing = self._int(), self._int(), self._int()
        formats = self.at
        print_format, write_format = self._int(), self._int()
        name = self._take(8).rstrip()
        if kind == -1:
            slots.append(len(header.names) - 1)
        else:
            slots.append(len(header.names))
            header.names.append(name)
            for offset, value in ((formats, print_format), (formats + 4, write_format)):
                if (value >> 16) & 0xFF in DATE_FORMATS:
                    header.formats.append(offset)
        if has_label not in (0, 1) or not -3 <= missing <= 3:
            raise ValueError(f"variable {len(header.names)} is broken")
        if has_label:
            self._take((self._count() + 3) // 4 * 4)
        for _ in range(abs(missing)):
            if kind == 0:
                header.missing.append(self.at)
            else:
                header.missing_texts = True
            self._take(8)

    def _extension(self, header: Header) -> None:
        kind, size, count = self._int(), self._count(), self._count()
        raw = self._take(size * count)
        if kind == _ENCODING:
            header.encoding = raw.decode("ascii", "replace").strip() or None
        elif kind == _CASES and size == 8 and count == 2:
            (cases,) = struct.unpack_from(self.order + "q", raw, 8)
            header.cases = cases if cases >= 0 else header.cases
        elif kind == _MACHINE and size == 4 and count == 8:
            (header.code_page,) = struct.unpack_from(self.order + "i", raw, 28)
        elif kind == _LONG_NAMES:
            pairs = (pair.partition(b"=") for pair in raw.split(b"\t"))
            header.long_names = {short.strip(): long for short, _, long in pairs}
        elif kind == _LONG_MISSING:
            header.missing_texts = True

    def _take(self, count: int) -> bytes:
        if count > _LARGEST_RECORD:
            raise ValueError(f"a record of {count:,} bytes at byte {self.at}")
        raw = self.stream.read(count)
        if len(raw) < count:
            raise _EndError
        self.at += count
        return raw

    def _int(self) -> int:
        return int(struct.unpack(self.order + "i", self._take(4))[0])

    def _count(self) -> int:
        count = self._int()
        if count < 0:
            raise ValueError(f"a negative length at byte {self.at - 4}")
        return count


def neutral_copy(path: str, header: Header, copy: Path) -> None:
    """A copy whose data are the same and whose dictionary makes no reader change a number.

    Args:
        path: the file.
        header: of that file.
        copy: where the copy goes.
    """
    never = struct.pack(header.order + "d", _NEVER)
    number = struct.pack(header.order + "i", _NUMBER_FORMAT)
    with Path(path).open("rb") as source, copy.open("wb", buffering=0) as target:
        dictionary = bytearray(source.read(header.data))
        for offset in header.missing:
            dictionary[offset : offset + 8] = never
        for offset in header.formats:
            dictionary[offset : offset + 4] = number
        target.write(dictionary)
        offset, size = header.data, os.fstat(source.fileno()).st_size
        while offset < size:  # within the kernel: the data are not looked at here
            count = os.sendfile(target.fileno(), source.fileno(), offset, size - offset)
            if not count:
                raise OSError("the file changed while it was copied")
            offset += count
