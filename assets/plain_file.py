"""Opening a file that others made, if it is a plain file: no link is followed, and no pipe is waited for.

Belongs here: the one safe way to open what is about to be read in a child process. Does not belong here: sizes,
formats, or anything else that the bytes decide (the rooms' readers). It imports little: every reading child loads it.
"""

import os
import stat
from typing import BinaryIO

from schemas.problems import Problem, ProblemsError


def open_plain(path: str, file: str) -> BinaryIO:
    """Open a file for reading, looking at what stands there before and after.

    Args:
        path: where it is.
        file: what the person calls it, for messages.

    Returns:
        The stream; the caller closes it.

    Raises:
        ProblemsError: something else than a plain file stands there (`unsafe_path`), or it cannot be opened (`fetch`).
    """
    try:
        _check_plain(os.lstat(path), file)  # before: opening a device may already do something
        # NONBLOCK: between the look and the opening somebody may have put a pipe there that never opens
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as bad:
        what = f"the file cannot be opened: {(bad.strerror or type(bad).__name__).lower()}"
        raise ProblemsError([Problem("fetch", file, what, expected="a file that can be read")]) from None
    try:
        _check_plain(os.fstat(handle), file)  # after: it may be another one by now
    except BaseException:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def _check_plain(facts: os.stat_result, file: str) -> None:
    if stat.S_ISREG(facts.st_mode):
        return
    kinds = ((stat.S_ISDIR, "folder"), (stat.S_ISLNK, "symbolic link"), (stat.S_ISFIFO, "named pipe"))
    kind = next((name for test, name in kinds if test(facts.st_mode)), "device or socket")
    what = f"a {kind} stands where the file should be"
    raise ProblemsError([Problem("unsafe_path", file, what, expected="a plain file")])
