"""The bytes of a file, if it is a plain file of a size that a table of figures can have.

Belongs here: opening without following links or waiting for pipes, limits on the size as it lies on disk. Does not
belong here: what the bytes mean (formats, text, workbook), what an archive unpacks to (zips).
"""

import os
import stat

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
    try:
        _check_regular(os.lstat(path), file)
        # NONBLOCK: between the look and the opening somebody may have put a pipe there that never opens
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as bad:
        what = f"the file cannot be opened: {(bad.strerror or type(bad).__name__).lower()}"
        raise refuse("fetch", file, what, expected="a file that can be read") from None
    with os.fdopen(handle, "rb") as stream:
        facts = os.fstat(handle)
        _check_regular(facts, file)
        size = facts.st_size
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


def _check_regular(facts: os.stat_result, file: str) -> None:
    if stat.S_ISREG(facts.st_mode):
        return
    kinds = ((stat.S_ISDIR, "folder"), (stat.S_ISLNK, "symbolic link"), (stat.S_ISFIFO, "named pipe"))
    kind = next((name for test, name in kinds if test(facts.st_mode)), "device or socket")
    raise refuse("unsafe_path", file, f"a {kind} stands where the file should be", expected="a plain file")
