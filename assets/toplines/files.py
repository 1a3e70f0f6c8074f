"""The bytes of a file, if it is a plain file of a size that a table of figures can have.

Belongs here: limits on the size as it lies on disk. Does not belong here: opening it safely (assets.plain_file),
what the bytes mean (formats, text, workbook), what an archive unpacks to (zips).
"""

import os

from assets.plain_file import open_plain
from assets.toplines.formats import Format, detect
from assets.toplines.refusals import refuse
from schemas.handwritten import LARGEST

LARGEST_FILE = 64 << 20
_HEAD = 4_096


def load(path: str, file: str) -> tuple[bytes, Format]:
    """The file's bytes and format, after all that can be said without reading more than its first bytes.

    Raises:
        ProblemsError: no plain file, empty, too large for its format, or certainly no table.
    """
    with open_plain(path, file) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size == 0:
            raise refuse("empty", file, "the file is empty")
        if size > LARGEST_FILE:
            what = f"{size:,} bytes are too many for a table of published figures"
            raise refuse("too_large", file, what, expected=f"at most {LARGEST_FILE:,} bytes")
        head = stream.read(_HEAD)
        kind = detect(head, file)
        if kind == "csv" and size > LARGEST:
            what = f"{size:,} bytes are too many for a CSV of published figures"
            raise refuse("too_large", file, what, expected=f"at most {LARGEST:,} bytes")
        return head + stream.read(LARGEST_FILE - len(head)), kind
